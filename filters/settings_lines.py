"""Settings lines: whether a bare value stands in a file of configuration, where no variable could stand.

`DB_PASSWORD=Keyst0re`, `db.password=Winter2021Pass`, `server.ssl.key-store-password: Keyst0re`, an indented
`password: Keyst0re` between lines of the same form, `name: DB_PASSWORD` above `value: Keyst0re`, a line below `[pypi]`.

Cost: a handful of regular expressions over the value and at most `MAXIMUM_BYTES_OF_LINE` on each side of its line.
"""

import re

from filters.word_passwords import are_own_words, is_technical

MAXIMUM_BYTES_OF_LINE = 200
MAXIMUM_BYTES_OF_SECTION = 1_024

_CAPITALS = re.compile(rb"[A-Z][A-Z0-9_]{2,}")
_DOTTED = re.compile(rb"[A-Za-z][\w-]*(?:\.[A-Za-z0-9][\w-]*)+|[a-z0-9]+(?:-[a-z0-9]+)+")
# What has members in code, as `this.password=password1`.
_OWNER = re.compile(
    rb"(?i)(?:this|self|cls|super|it|me|that|user\w*|account|profile|args?|opts?|options|params?|props?|state|form|data"
    rb"|model|obj\w*|req\w*|res\w*|values?|ctx|context|document|window|input|e|el|event|[a-z])\."
)
_VALUE_OF_A_NAME = re.compile(rb"(?i)value[\"']?:")
_NEIGHBOUR = re.compile(
    rb"[ \t]*(?:|[#;!].*|\[[\w .:/-]{1,60}\][ \t]*"
    rb"|(?:- )?[\w.\-\"'/]{1,80}[ \t]{0,24}(?:=|:(?:[ \t]|\Z))(?:[^;{}()\[\]]|\$\{[^{}]{0,80}\})*(?<![,;])"
    rb"|- [^;{}()\[\]]*(?<![,;]))"
)
# Of INI files: `[database]`.
_SECTION = re.compile(rb"(?m)^\[[A-Za-z][\w .:/-]{0,40}\][ \t\r]*$")
_LINE_ENDS = (b"", b"\r", b"\n")
_PLAIN = re.compile(rb"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_DIGIT_INSIDE = re.compile(rb"[A-Za-z_-][0-9]+[A-Za-z_-]")
_CAPITAL_INSIDE = re.compile(rb"[a-z][0-9]*[_-]?[A-Z]")
_WORD = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_setting(data: bytes, start: int, stop: int, name: bytes, sign: bytes) -> bool:
    """Whether data[start:stop] is the value of a setting, by its name, its sign and the lines beside it."""
    if data[stop : stop + 1] not in _LINE_ENDS and not _ends_in_comment(data, stop):
        return False
    tight = not sign[:1].isspace() and not data[start - 1 : start].isspace()
    if sign == b"=" and tight and _CAPITALS.fullmatch(name):
        return True
    if not has_settings_beside(data, start, stop):
        return False
    if _VALUE_OF_A_NAME.search(sign) or is_in_section(data, start, stop):
        return True
    if _DOTTED.fullmatch(name) and not _OWNER.match(name):
        return b":" in sign or b"." in name
    line = data[max(0, start - MAXIMUM_BYTES_OF_LINE) : start].rpartition(b"\n")[2]
    return b":" in sign and line[:1] in {b" ", b"\t"}


def is_setting_value(value: bytes, sign: bytes) -> bool:
    """Whether a setting's value has a digit inside, or behind `=` a capital, and words of one's own."""
    if not _PLAIN.fullmatch(value) or is_technical(value):
        return False
    if _DIGIT_INSIDE.search(value):
        return True
    return sign.strip() == b"=" and has_capital_inside(value) and are_own_words(_WORD.findall(value))


def has_capital_inside(value: bytes) -> bool:
    """Whether a capital stands behind a small letter: `jasyptMaster`, `Winter-Sonne`."""
    return _CAPITAL_INSIDE.search(value) is not None


def has_settings_beside(data: bytes, start: int, stop: int) -> bool:
    """Whether the lines above and below are settings, comments, heads of sections, or empty."""
    before = data[max(0, start - 2 * MAXIMUM_BYTES_OF_LINE) : start].split(b"\n")
    after = data[stop : stop + MAXIMUM_BYTES_OF_LINE].split(b"\n")
    above = before[-2] if len(before) > 1 else b""
    below = after[1] if len(after) > 1 else b""
    return all(_NEIGHBOUR.fullmatch(line.rstrip(b"\r")[:MAXIMUM_BYTES_OF_LINE]) for line in (above, below))


def is_in_section(data: bytes, start: int, stop: int) -> bool:
    """Whether a line `[name]` of an INI file stands above a value, and the value ends its line."""
    if data[stop : stop + 1] not in _LINE_ENDS:
        return False
    return _SECTION.search(data, max(0, start - MAXIMUM_BYTES_OF_SECTION), start) is not None


def _ends_in_comment(data: bytes, stop: int) -> bool:
    return data[stop : stop + 8].strip(b" \t")[:1] in {b"", b"#", b"\n", b"\r"}
