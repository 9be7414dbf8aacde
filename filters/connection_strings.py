"""Connection strings: the password of ADO, ODBC and JDBC strings, of Oracle's `user/password@host`, of `curl -u`.

Cost: the scanner marks the name and its `=`; each place reads at most `CONTEXT_BYTES` of its line on each side.

Source: https://www.connectionstrings.com (names of parts), `man curl` (`-u`, `--user`).
"""

import re

from filters.passwords import is_password
from filters.redaction_policy import Level

CONTEXT_BYTES = 400

_OTHER_PART = re.compile(
    rb"\b(?:server|data source|datasource|host|hostname|uid|user id|userid|user|username|jdbc|driver|database|dbname|"
    rb"initial catalog|provider|dsn|address|addr|port|accountendpoint)\s?[=:]"
)
_QUOTED = re.compile(rb"\\?([\"'])(?P<value>[^\"'\r\n\\]{1,128})\\?\1")
# ODBC: braces let a password hold a semicolon.
_BRACED = re.compile(rb"\{(?P<value>[^{}\r\n]{3,128})\};?")
# What is cut at its greatest length is no password, and could be cut within a character.
_PART = re.compile(rb"[^/~;\"'\s<>`,\\&)][^;\"'\s<>`,\\&)]{0,127}+(?![^;\"'\s<>`,\\&)])")
_CALL = re.compile(rb"[\w.]*[(\[]")
_ORACLE = re.compile(
    rb"(?:thin:|sqlplus(?: -[a-zA-Z])* |\boci:|[\"'= ])([A-Za-z][\w$#]{1,30})/([^\s/@\"'`<>(),;]{3,64})\Z"
)
_CURL = re.compile(rb"\bcurl\b[^\r\n|]{0,300}\Z")
_USER_OPTION = re.compile(rb"[\s\"',\[](?:-u|--user|--proxy-user|-U)[ =]{0,3}([\"']?)([^\s:\"'$<>{}()/]{1,64}):\Z")
_WORD = re.compile(rb"[^\s\"'`<>\\\x80-\xff]{3,128}+(?!\S)")
_SHELL_WORD = re.compile(rb"[^\s\"'`\\|;&<>]{1,128}+(?![^\s\"'`\\|;&<>])")
_IN_QUOTES = re.compile(rb"[^\"'\r\n]{1,128}+(?=[\"'])")


def connection_password(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password of a connection string, whose name's `=` ends at `stop`, or None.

    Another part (`Server=`, `User ID=`, `Host=`) must stand within `CONTEXT_BYTES` in the line. A password that
    begins the name of the user or the database too stays.
    """
    first = stop + 1 if data[stop : stop + 1] == b" " else stop
    quoted = _QUOTED.match(data, first) or _BRACED.match(data, first)
    first, last = quoted.span("value") if quoted else _span(_PART.match(data, first))
    value = data[first:last]
    if not value or (not quoted and _CALL.match(value)) or not is_password(value):
        return None
    before = data[max(0, stop - CONTEXT_BYTES) : stop].rpartition(b"\n")[2].lower()
    after = data[last : last + CONTEXT_BYTES].partition(b"\n")[0].lower()
    if not _OTHER_PART.search(before) and not _OTHER_PART.search(after):
        return None
    others = [part.partition(b"=")[2].strip() for part in re.split(rb"[;\"']", before + b";" + after)]
    return None if any(part.startswith(value.lower()) for part in others) else (first, last)


def netrc_password(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password of a `.netrc` entry, in one line or in several, whose first byte ends at `stop`, or None."""
    value = _WORD.match(data, stop - 1)
    return value.span() if value and is_password(value[0]) else None


def _span(match: re.Match[bytes] | None) -> tuple[int, int]:
    return match.span() if match else (0, 0)


def oracle_password(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password of `user/password@`, whose `@` and what shows a connection behind it end at `stop`, or None."""
    at = data.rfind(b"@", max(0, stop - 4), stop)
    matched = _ORACLE.search(data[max(0, at - 128) : max(0, at)])
    if matched is None or not is_password(matched[2], matched[1]):
        return None
    return at - len(matched[2]), at


def command_password(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password of `curl -u user:password`, whose colon ends at `stop`, or None."""
    before = data[max(0, stop - CONTEXT_BYTES) : stop]
    option = _USER_OPTION.search(before)
    if option is None or not _CURL.search(before[: option.start()].replace(b"\\\n", b"  ")):
        return None
    value = (_IN_QUOTES if option[1] else _SHELL_WORD).match(data, stop)
    return value.span() if value and is_password(value[0], option[2]) else None
