"""IP addresses: public ones, of version 4 and 6.

Each function is given the place where the scanner saw the core of an address and reads at most a few hundred bytes
around it, so the cost is one small constant per dotted quad, whatever the text.

What stays, because it names nobody: private, loopback, link-local, multicast, documentation and other reserved
networks, the public DNS resolvers, and what only looks like an address: versions, object identifiers, sections.
"""

import re
import string
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from filters.escapes import lead
from filters.redaction_policy import Level

_QUAD_LEFT_REVERSED = re.compile(rb"\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_NUMBER = rb"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_QUAD = re.compile(rb"\.".join([_NUMBER] * 4) + rb"(?!\d)")
_WORD_DOT_OR_DASH = frozenset((string.ascii_letters + string.digits + "._-").encode())
_QUAD_AFTER = re.compile(rb"\w|\.\w|-[A-Za-z]|/[A-Za-z]|\+")
_HOST_BEFORE = re.compile(rb"//(?:[^\s/@]{1,40}@)?\Z")
_RANGE_BEFORE = re.compile(rb"\d\.\d{1,3}\.\d{1,3}\.\d{1,3} ?-\Z")
_CAPTURED_PORT = re.compile(rb"\.\d{1,5}(?: >|:? (?!>)|:\n)")
_VERSION_OPERATORS = (b"==", b">=", b"<=", b"~=", b"~>", b"!=", b"^", b"~")
_VERSION_WORDS = (
    b"version", b"release", b"revision", b"section", b"chapter", b"kernel", b"linux", b"chrome", b"chromium",
    b"firefox", b"opera", b"safari", b"flash", b"player", b"driver", b"firmware", b"package", b"upgrade to",
    b"upgraded to", b"update to", b"updated to", b"upgrade from", b"upgraded from",
)  # fmt: skip
_SHORT_VERSION_WORD = re.compile(rb"(?<![a-z])(?:ver|rev|build|rfc|oid|edge|bios|sdk)\.?\Z")
# `<key>CFBundleVersion</key>\n<string>`
_NEXT_ELEMENT = re.compile(rb"</\w{1,12}>\s{0,16}<\w{1,12}>\s{0,8}\Z")
_SAID_OF_VERSIONS = re.compile(rb"(?:[ _](?:number|string|num|no|is|was)){1,2}\Z")
_CONTEXT_BEFORE = re.compile(
    rb"(?i)(?:(?<![a-z])ips?|ipv4|ip_?addr|host|addr(?:ess)?|server|listen|bind|peer|gateway|dns|proxy|ping|ssh|remote|client"
    rb"|router|subnet|inet|connect(?:ed)?|://|@)[^\n]{0,16}\Z"
)
_CONTEXT_AFTER = re.compile(rb":\d{2,5}(?![\d.:])|/\d{1,2}(?![\d.])")
_MAPPED_BEFORE = re.compile(rb"(?<![0-9A-Fa-f:])(?:0{0,4}:){2,6}[fF]{4}:\Z|(?<![0-9A-Fa-f:])64:[fF]{2}9[bB]::\Z")
_CONTEXT_BYTES = 40
_SHORT_BYTES = 8
"""Three dots and five digits: as a version, and one public address in ten thousand."""

_NAME_BEFORE = re.compile(rb"(?:[g-zG-Z_]\d?|[\"' \])]):\Z")
"""A colon that ends a name, `ip6:` of SPF, not a group."""

_GROUPS = re.compile(rb"[0-9a-fA-F:]{2,39}(?<=:)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])|[0-9a-fA-F:]{2,39}(?!\.\d)")

# Written down, not asked of `ipaddress`, whose tables change between Python's patch releases.
# Source: IANA special-purpose address registries (RFC 6890), multicast 224.0.0.0/4.
_STAYING_IPV4 = tuple(
    (int(network[0]), int(network[-1]))
    for network in map(IPv4Network, (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ))
)  # fmt: skip
_STAYING_IPV6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
# Source: bigcode-project/bigcode-dataset, pii/utils (14 public DNS servers); the IPv6 ones of the same operators.
_RESOLVERS_IPV4 = frozenset(int(IPv4Address(address)) for address in (
    "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "76.76.19.19", "76.223.122.150", "9.9.9.9", "149.112.112.112",
    "208.67.222.222", "208.67.220.220", "8.26.56.26", "8.20.247.20", "94.140.14.14", "94.140.15.15",
))  # fmt: skip
_RESOLVERS_IPV6 = frozenset(IPv6Address(address) for address in (
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001",
    "2620:fe::fe", "2620:fe::9",
))  # fmt: skip


def ipv4_address(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The public IPv4 address whose fourth number's first digit is the byte before `stop`, or None.

    A dotted quad is taken for a version, a network or an example, and stays, where
    - a number is over 255 or has a leading zero;
    - a letter, digit, `_`, `.`, `-` or `letter/` stands before it, or a letter, digit, `_`, `.word`, `-letter`,
      `/letter` or `+` behind it, save in a URL (`//1.2.3.4/path`), a range of addresses or tcpdump's `> 1.2.3.4.port:`;
    - a word such as `version`, `release`, `section` or an operator such as `==`, `>=`, `~>` leads to it;
    - below `high`, all four numbers are equal, the last is 0, or there are at most five digits (`4.7.20.1`).

    At `low` a word such as host, a port or a prefix length must stand near. At `balanced` it must for numbers that
    count like a version's, the first below 24 and the others below 100; one public address in 200 is such.

    An address mapped into IPv6 (`::ffff:` and four numbers) goes as a whole.
    """
    quad = _quad(data, stop)
    if quad is None:
        return None
    start, end = quad.span()
    numbers = [*map(int, quad.groups())]
    if level != "high" and (end - start <= _SHORT_BYTES or len(set(numbers)) == 1 or numbers[3] == 0):
        return None
    before = lead(data, start, _CONTEXT_BYTES)
    if _stays(int.from_bytes(bytes(numbers), "big")) or _leads_to_version(before):
        return None
    mapped = _MAPPED_BEFORE.search(before)
    if mapped:
        return start - len(mapped[0]), end
    is_sure = level == "high" or (level == "balanced" and (numbers[0] >= 24 or max(numbers) >= 100))
    if is_sure or _CONTEXT_BEFORE.search(before) or _CONTEXT_AFTER.match(data, end, end + 8):
        return start, end
    return None


def _quad(data: bytes, stop: int) -> re.Match[bytes] | None:
    """Four numbers up to 255, the last of which begins one byte before `stop`, with nothing word-like around them."""
    last = stop - 1
    left = _QUAD_LEFT_REVERSED.match(data[max(0, last - 12) : last][::-1])
    quad = _QUAD.match(data, last - left.end()) if left else None
    if quad is None:
        return None
    start, end = quad.span()
    if start and data[start - 1] in _WORD_DOT_OR_DASH:
        before = lead(data, start, _CONTEXT_BYTES)
        if before[-1] in _WORD_DOT_OR_DASH and not _RANGE_BEFORE.search(before):
            return None
    after = _QUAD_AFTER.match(data, end)
    if after:
        before = lead(data, start, _CONTEXT_BYTES)
        if not (_HOST_BEFORE.search(before) if after[0][:1] == b"/" else _is_captured(data, before, end)):
            return None
    return quad


def _is_captured(data: bytes, before: bytes, stop: int) -> bool:
    """Whether four numbers and a fifth are one end of a packet, as tcpdump writes it: `10.0.0.1.22 > 10.0.0.2.80:`."""
    port = _CAPTURED_PORT.match(data, stop, stop + 16)
    return port is not None and (before.endswith(b" > ") or port[0].endswith(b">"))


def _leads_to_version(before: bytes) -> bool:
    """Whether what stands before four numbers says that they are a version, a section or an object identifier."""
    if before[-1:] == b"/" and before[-2:-1].isalpha():
        return True
    if before.rstrip(b" \t\"'").endswith(_VERSION_OPERATORS):
        return True
    before = _NEXT_ELEMENT.sub(b"", before)
    words = _SAID_OF_VERSIONS.sub(b"", before.lower().rstrip(b" \t\n\"'=:(>[,_")[-24:])
    return words.endswith(_VERSION_WORDS) or _SHORT_VERSION_WORD.search(words[-8:]) is not None


def _stays(address: int) -> bool:
    return address in _RESOLVERS_IPV4 or any(first <= address <= last for first, last in _STAYING_IPV4)


def ipv6_address(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The global IPv6 address whose first group and colon end at the last byte but one before `stop`, or None."""
    start = stop - (8 if data[stop - 8 : stop - 2].lower() == b"::ffff" else 6)
    before = lead(data, start, 16)
    if before and (before[-1] in _WORD_DOT_OR_DASH or (before[-1:] == b":" and not _NAME_BEFORE.search(before))):
        return None
    groups = _GROUPS.match(data, start)
    if groups is None or data[groups.end() : groups.end() + 1].isalnum():
        return None
    value = groups[0].decode("ascii")
    text = value if value.endswith("::") else value.rstrip(":")
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return None
    if address.ipv4_mapped is not None and _stays(int(address.ipv4_mapped)):
        return None
    if address in _RESOLVERS_IPV6 or any(address in network for network in _STAYING_IPV6):
        return None
    return start, start + len(text)
