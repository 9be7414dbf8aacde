r"""E-mail addresses, plain and with an encoded sign: `%40`, `\u0040`, `&#64;`.

The function is given the place where the scanner saw the core of an address and reads at most a few hundred bytes
around it, so the cost is one small constant per sign, whatever the text.

What stays, because it names nobody: documentation and reserved names, addresses that manuals make up
(`user@domain.com`), `git@` of SSH remotes, the user of a URL (`ssh://user@host`) or of a command (`ssh user@host`),
templates (`%s@host`, `$user@host`), and what only looks like an address: image names (`x@2x.png`), package versions
(`pkg@1.2.3`), matrix products (`a@b.dot(c)`), systemd units. An address ends in a top-level domain, or in a network's
own (`.local`).
"""

import re

from filters.made_up_addresses import names_nobody
from filters.redaction_policy import Level
from filters.top_level_domains import is_top_level_domain

MAXIMUM_LOCAL_BYTES = 64
MAXIMUM_DOMAIN_BYTES = 253
MAXIMUM_COMMAND_BYTES = 128

# Latin letters with marks are two bytes, C3-C9 first; the local part is read backwards.
_LOCAL_REVERSED = re.compile(rb"(?:[A-Za-z0-9_.+-]|[\x80-\xbf][\xc3-\xc9\xcc])+")
_OTHER_LOCAL = re.compile(r"[\w.+-]+\Z")
_DOMAIN = re.compile(
    rb"(?:(?:[A-Za-z0-9-]|[\xc3-\xc9\xcc][\x80-\xbf]){1,63}+\.)+"
    rb"([xX][nN]--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9])"
)
# Vowel signs of Indic scripts and Thai are no letters to `re`.
_OTHER_DOMAIN = re.compile(
    r"(?:[^\W_](?:[^\W_]|[\u0300-\u036f\u0900-\u0dff\u0e31-\u0e4e-]){0,62}\.)+"
    r"((?:[^\W\d_]|[\u0900-\u0dff]){2,24}|xn--[a-z0-9-]{2,59})(?![^\W_])"
)
_CALL = re.compile(rb"(?:\.[A-Za-z_]\w*){0,8}\(")
_ENCODED_SIGN = re.compile(rb"(?:%40|\\u0040|&#(?:64|[xX]40);|&commat;)\Z")
_ESCAPE = re.compile(rb"u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrtbfv0]")
_PERCENT_ESCAPE = re.compile(rb"[2-7][0-9A-F]")
_URL_USER = re.compile(rb"(?<!mailto)://[^\s/?#@<>\"']*\Z")
_NAME_BEFORE_APOSTROPHE = re.compile(rb"(?<![A-Za-z0-9_.+-])(?:[A-Za-z0-9_-]{1,32}[._-])?(?:[OoDdMm]|[Dd]ell)'\Z")
_SSH = re.compile(
    rb"(?<![\w.-])(?:ssh|sftp|mosh|ssh-copy-id|sshfs)[ ]"
    rb"(?:--?[A-Za-z][\w=.,-]*[ ]+(?:[\w./~:$={}][\w./~:$={}-]*[ ]+)?){0,6}\Z"
)
_COPIES = re.compile(rb"(?<![\w.-])(?:scp|rsync)[ ][^\r\n|;&@]*\Z")
_POD_END = b"E<gt>"
_VERSION = re.compile(rb"\d+(?:\.\d+){1,3}\.[A-Za-z]+\Z|\dx[~.]")
_PRIVATE_DOMAINS = frozenset({"local", "lan", "localdomain", "internal", "intra", "corp"})
_REMOTE_USERS = frozenset({b"git", b"hg", b"svn", b"gitlab", b"gitea"})

# Top-level domains that are no method's name: `a@b.com(office)` is an address, `a@b.to(device)` is a product.
_NEVER_CALLED = frozenset({"com", "org", "net", "edu", "gov", "de", "uk", "fr", "ru", "cn", "jp", "br", "eu"})


def email_address(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The e-mail address whose first dot behind the sign stands two bytes before `stop`, or None.

    The local part may hold letters, digits and `_ . + -`, at most 64 bytes (RFC 5321), and the apostrophe of a name
    such as o'hara. Of other scripts than Latin it is read where no Latin letter stands at the sign or the domain is of
    another script too: in Chinese and Japanese a sentence runs into the address without a space.
    """
    at = data.rfind(b"@", max(0, stop - MAXIMUM_DOMAIN_BYTES), stop)
    found = _address(data, at, at + 1) if at > 0 else None
    if found is None:
        return None
    before = data[max(0, found[0] - MAXIMUM_COMMAND_BYTES) : found[0]]
    if b"://" in before and _URL_USER.search(before[-MAXIMUM_LOCAL_BYTES:]):
        return None
    is_login = b"." not in data[found[0] : at]  # a name and a surname are a person's address, wherever they stand
    return None if is_login and _is_remote(before, data[found[1] : found[1] + 1]) else found


def _is_remote(before: bytes, after: bytes) -> bool:
    """Whether an address is the user and host of a command: `ssh jane@host`, `rsync -a x jane@host:`."""
    return _SSH.search(before) is not None or (after == b":" and _COPIES.search(before) is not None)


def encoded_email_address(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The e-mail address whose encoded sign ends one byte before `stop`, or None."""
    sign = _ENCODED_SIGN.search(data, max(0, stop - 9), stop - 1)
    return _address(data, sign.start(), stop - 1) if sign else None


def _address(data: bytes, at: int, after: int) -> tuple[int, int] | None:
    """The address whose sign stands between `at` and `after`."""
    domain = _domain(data, after)
    if domain is None:
        return None
    start = _local_start(data, at, is_ascii=data[after:domain].isascii())
    before = data[start - 1 : start] if start else b""
    if before == b"\\" and (escape := _ESCAPE.match(data, start, at)):
        start = escape.end()
    elif before == b"%" and (escape := _PERCENT_ESCAPE.match(data, start, at)) and escape.end() < at:
        start, before = escape.end(), b""
    elif before == b"'" and data[domain : domain + 1] != b"'":
        name = _NAME_BEFORE_APOSTROPHE.search(data, max(0, at - MAXIMUM_LOCAL_BYTES), start)
        start = name.start() if name else start
    local = data[start:at].lstrip(b".+-")
    start = at - len(local)
    if not local or local in _REMOTE_USERS or before in {b"%", b"$", b"}"}:
        return None
    if before == b"{" and not _is_argument(data, start, domain):
        return None
    return None if names_nobody(local, data[after:domain]) else (start, domain)


def _is_argument(data: bytes, start: int, stop: int) -> bool:
    r"""Whether an address behind `{` is the argument of a macro, `\texttt{x@y.org}`, not the end of a template."""
    return data[stop : stop + 1] in {b"}", b",", b"\\"} and data[start - 2 : start - 1] not in {b"$", b"#", b"{", b"%"}


def _domain(data: bytes, start: int) -> int | None:
    """Where the domain that starts at `start` ends; None where there is none.

    A sentence may follow without a space (`x@company.com.Then`): of what is no top-level domain one label is given up.
    """
    match = _DOMAIN.match(data, start, start + MAXIMUM_DOMAIN_BYTES)
    if match is None:
        return _other_domain(data[start : start + MAXIMUM_DOMAIN_BYTES], start)
    stop = match.end()
    label = match[1].decode("ascii")
    if label[-1] == "E" and data.startswith(_POD_END, stop - 1):
        stop, label = stop - 1, label[:-1]
    if label[0].isupper() and not label.isupper() and match[0].count(b".") > 1:
        stop -= len(label) + 1
        label = data[start:stop].rsplit(b".", 1)[1].decode(errors="replace")
    name = label.lower()
    if name not in _PRIVATE_DOMAINS and not is_top_level_domain(label):
        return _other_domain(data[start : start + MAXIMUM_DOMAIN_BYTES], start)
    if name not in _NEVER_CALLED and _CALL.match(data, stop, stop + 128):
        return None
    return None if data[start] <= ord("9") and _VERSION.match(data[start:stop]) else stop


def _other_domain(window: bytes, start: int) -> int | None:
    """The same for labels of any script; None in a window that is all ASCII."""
    if window.isascii():
        return None
    match = _OTHER_DOMAIN.match(window.decode(errors="ignore"))
    if match is None or match[0].isascii() or not is_top_level_domain(match[1]):
        return None
    return start + len(match[0].encode())


def _local_start(data: bytes, at: int, *, is_ascii: bool) -> int:
    """Where the local part that ends at `at` starts; `at` itself where there is none or it is too long."""
    backwards = _LOCAL_REVERSED.match(data[max(0, at - MAXIMUM_LOCAL_BYTES - 1) : at][::-1])
    length = backwards.end() if backwards else 0
    if length > MAXIMUM_LOCAL_BYTES:
        return at
    if at > length and data[at - length - 1] >= 0x80 and (not length or not is_ascii):
        window = data[max(0, at - MAXIMUM_LOCAL_BYTES) : at].decode(errors="ignore")
        other = _OTHER_LOCAL.search(window)
        length = len(other[0].encode()) if other else length
    return at - length
