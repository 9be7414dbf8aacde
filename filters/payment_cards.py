"""Payment cards: numbers of a known issuer, in its length and grouping, that end in their check digit.

One number in ten passes the check, and one in three starts like a card, so a bare number says little: programs are
full of identifiers with 16 digits. Grouping or a word nearby is what the recipe's lower levels want. Reads at most 280
bytes around the mark.
"""

import re

from filters.escapes import lead
from filters.published_numbers import published
from filters.redaction_policy import Level
from filters.table_columns import column_name

# (first and last prefix, lengths). Source: ISO/IEC 7812 prefixes as Wikipedia's "Payment card number" lists them:
# Visa, Mastercard (two ranges), American Express, Diners Club, Discover, UnionPay, JCB, Mir, Maestro and RuPay, which
# share 50 and 60-69 with Discover, UnionPay and others.
_ISSUERS = (
    (4, 4, (13, 16, 19)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (300, 305, (14, 16, 19)),
    (3095, 3095, (14, 16, 19)),
    (36, 36, (14, 16, 19)),
    (38, 39, (14, 16, 19)),
    (6011, 6011, (16, 19)),
    (644, 659, (16, 19)),
    (62, 62, (16, 17, 18, 19)),
    (3528, 3589, (16, 17, 18, 19)),
    (2200, 2204, (16, 17, 18, 19)),
    (508, 508, (16,)),
    (60, 60, (16,)),
    (81, 82, (16,)),
    (500, 509, (16, 19)),
    (560, 589, (16, 18, 19)),
    (637, 639, (16,)),
    (6304, 6304, (16, 18, 19)),
    (67, 67, (16, 18, 19)),
)

_START = re.compile(rb"(?:\d{4}([ -])\d{4}\1\d{4}\1\d|\d{4}([ -])\d{6}\2\d|\d{13})\Z")
_NUMBER = re.compile(
    rb"(?:(?P<bare>\d{13,19})|\d{4}(?P<four>[ -])(?:\d{4}(?P=four)){2}\d{4}(?:(?P=four)\d{3})?"
    rb"|3\d{3}(?P<six>[ -])\d{6}(?P=six)\d{4,5})(?![A-KM-Z_a-km-z0-9%]|[Ll]\w|[ -]\d|\.\d|[-.]\w)"
)
_CELL_AFTER = re.compile(rb"[,;]\d")
_TRACK_AFTER = re.compile(rb"=\d{7}|\^[A-Z /.-]{2,26}\^\d{7}")
_DIGIT_BEFORE = re.compile(rb"(?:[\w.+\\/#&-]|\d[ ,:]|%[0-9A-F]{2})\Z")
_CONTEXT = re.compile(
    rb"(?i)(?<![a-z])(?:(?:credit|debit|payment|bank|test|gift)?[ _-]?cards?|visa|master ?card|maestro|amex|"
    rb"american express|discover|diners|jcb|union ?pay|rupay|ccn?|cc[ _-]?(?:num(?:ber)?|no)|pan|credit|debit|"
    rb"kreditkarte|karte|tarjeta|carte|cart\xc3\xa3o|carta|track[ _]?[12]|"
    rb"cvv2?|cvc2?|cvn|exp[_ ](?:mo|month|yr|year|date))(?:[ _-]?(?:num(?:ber)?|no))?(?![a-z])|card(?:s?\b|n[ou])|"
    rb"\xe5\x8d\xa1\xe5\x8f\xb7|\xd0\xba\xd0\xb0\xd1\x80\xd1\x82"
)
_OTHER_NAME = re.compile(
    rb"(?i)(?:id|uid|time|stamp|timestamp|ts|date|seed|hash|nonce|serial|phone|tel|imei|isbn|ean|gtin|upc|key|count|size|"
    rb"offset|version|build|address|addr|number of|user|status|tweet|post|lat|lon|lng|sum|total|value)s?"
    rb"[\"'\]]{0,2}\s*(?:[=:,(]|=>)\s*[\"'(\[]{0,2}\Z"
)
# `Order 4…`, `Invoice no. 4…`, `Tracking #4…`; a card's own number has its word before this is asked.
_OTHER_NUMBER = re.compile(
    rb"(?i)(?<![a-z])(?:order|invoice|receipt|ticket|case|tracking|reference|ref|parcel|shipment|booking|id|no|nr)"
    rb"\.?[ _-]?(?:id|no\.?|nr\.?|number|code)?[ ]?[:#]?[ ]?\Z"
)
_OPERATOR = re.compile(rb"[=(\[{<>+*/,|-]\s*\Z")
_URL = re.compile(rb"(?:://|www\.)[^\s\"'<>]*\Z")
_LONG = re.compile(rb"\d{9,}|\d{4}(?:[ -]\d{4})+")
_CONTEXT_BEFORE_BYTES, _CONTEXT_AFTER_BYTES, _NEIGHBOUR_BYTES = 40, 24, 120


def payment_card(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The card number whose thirteenth digit, or first of its last group, is the last byte before `stop`, or None.

    - `low`: in its issuer's groups, or a word such as card, visa or cc stands near;
    - `balanced`: also a bare number of 15 or 16 digits in quotes or between words, where no other long number is near
      and no name such as `id` leads to it;
    - `high`: every number that an issuer could have given out.

    A column named card and a magnetic stripe's form count as such a word. Numbers within longer ones, decimals, names
    and URLs stay, and so do published test numbers.
    """
    begin = _START.search(data, max(0, stop - 16), stop)
    match = begin and _NUMBER.match(data, begin.start(), begin.start() + 26)
    if begin is None or not match:
        return None
    start, end = match.span()
    number = match[0].replace(b" ", b"").replace(b"-", b"")
    if not _has_issuer(number) or not has_luhn_digit(number) or not _is_likely(number):
        return None
    before = lead(data, start, _NEIGHBOUR_BYTES)
    if match.end() != _whole(data, match) or _URL.search(before):
        return None
    if _is_on_track(data, start, end) or _is_cell_of_cards(data, start, end):
        return start, end
    if _DIGIT_BEFORE.search(before[-3:]) or (_CELL_AFTER.match(data, end) and before[-1:] not in b",;\t\n"):
        return None
    if level == "high" or _has_context(data, start, end):
        return start, end
    is_likely = level == "balanced" and _is_word(data, start, end) if match["bare"] else True
    return (start, end) if is_likely and _neighbours_are_cards(data, start, end) else None


def has_luhn_digit(number: bytes) -> bool:
    """Whether the digits end in their check digit (ISO/IEC 7812-1, annex B)."""
    doubled = sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[digit - 48] for digit in number[-2::-2])
    return (doubled + sum(digit - 48 for digit in number[-1::-2])) % 10 == 0


def _has_issuer(number: bytes) -> bool:
    for first, last, lengths in _ISSUERS:
        if len(number) in lengths and first <= int(number[: len(str(first))]) <= last:
            return True
    return False


def _is_likely(number: bytes) -> bool:
    """Whether it is neither a published number nor one that somebody made up: zeros without end, few digits."""
    return number not in published("cards") and len(set(number)) >= 4 and b"00000000" not in number


def _whole(data: bytes, match: re.Match[bytes]) -> int:
    """The number's end; elsewhere than its match's where the window cut a longer run of digits."""
    return match.end() + (data[match.end() : match.end() + 1].isdigit())


def _has_context(data: bytes, start: int, end: int) -> bool:
    before = data[max(0, start - _CONTEXT_BEFORE_BYTES) : start]
    return bool(_CONTEXT.search(before) or _CONTEXT.search(data[end : end + _CONTEXT_AFTER_BYTES]))


def _is_on_track(data: bytes, start: int, end: int) -> bool:
    """Whether the number stands as on a magnetic stripe: `;number=expiry`, `%Bnumber^NAME^expiry` (ISO/IEC 7813)."""
    return data[start - 1 : start] in {b";", b"B"} and _TRACK_AFTER.match(data, end, end + 40) is not None


def _is_cell_of_cards(data: bytes, start: int, end: int) -> bool:
    """Whether the number is a whole cell of a table, in a column that a word such as card names."""
    left, right = data[start - 1 : start] or b"\n", data[end : end + 1] or b"\n"
    return left in b'",;|\t\n ' and right in b'",;|\t\r\n ' and _CONTEXT.search(column_name(data, start)) is not None


def _is_word(data: bytes, start: int, end: int) -> bool:
    """Whether a bare number is a string or a word of its own, and no name such as `id` leads to it."""
    if end - start not in {15, 16}:
        return False
    left, right = data[start - 1 : start] or b"\n", data[end : end + 1] or b"\n"
    quoted = left in b"\"'`" and left == right
    before = data[max(0, start - _NEIGHBOUR_BYTES) : start]
    if not quoted and (left not in b" \n" or right not in b" .,;\n" or _OPERATOR.search(before)):
        return False
    return _OTHER_NAME.search(before) is None and _OTHER_NUMBER.search(before[-_CONTEXT_BEFORE_BYTES:]) is None


def _neighbours_are_cards(data: bytes, start: int, end: int) -> bool:
    """Whether all other long or grouped numbers near are cards too: in a table one in ten passes the check."""
    before, after = data[max(0, start - _NEIGHBOUR_BYTES) : start], data[end : end + _NEIGHBOUR_BYTES]
    cut = len(before) == _NEIGHBOUR_BYTES
    before = before.lstrip(b"0123456789 -") if cut else before
    after = after.rstrip(b"0123456789 -") if len(after) == _NEIGHBOUR_BYTES else after
    neighbours = (one.translate(None, b" -") for one in _LONG.findall(before) + _LONG.findall(after))
    return all(_has_issuer(one) and has_luhn_digit(one) for one in neighbours)
