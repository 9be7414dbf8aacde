"""Phone numbers: international ones with their `+`, and national ones behind a word such as phone or fax.

Digits alone say little, so a number must be one that its country's plan could have given out (library phonenumbers, a
port of Google's libphonenumber), written as people write numbers. Reads at most 140 bytes around the mark; asking the
plan costs 20 to 70 microseconds, and only what passed the cheap tests is asked. The first question imports the library,
0.1 s.

What stays: numbers set aside for films and manuals, runs such as 1234567, dates, versions, coordinates, sums.
"""

import importlib
import re
from functools import cache
from typing import Any, Literal

from filters.fictional_phone_numbers import is_made_up
from filters.redaction_policy import Level

_SEPARATOR = rb"(?:[ ./-]|\xc2\xa0|\xe2\x80[\x90\x91]| ?\(|\)[ -]?|\)\xc2\xa0| - )"
_NUMBER = re.compile(rb"\+?\(?\d(?:" + _SEPARATOR + rb"?\d){6,17}")
_RIGHT_EDGE = re.compile(rb"(?!\w|[.,:*/+^=-]?\d| ?[*/^=%][ \d]|[%(]| ?\xc2\xb0)")
_LAST_GROUP = re.compile(rb"(?:[ /]| ?\(| - )\d+\Z")
_DIGITS = re.compile(rb"\d+")
_DATE = re.compile(
    rb"(?:19|20)\d\d([-./ ])[01]?\d\1[0-3]?\d|[0-3]?\d([-./])[01]?\d\2(?:19|20)\d\d|\d{1,3}(?:\.\d{1,3}){3}\Z"
)
_STANDARD_NUMBER = re.compile(rb"(?i)is[bs]n|doi|rfc|orcid|ean|upc|[a-z_](?:id|Id|ID)\W|[^a-z]id\W|price|version|date")
_OPERAND_BEFORE = re.compile(rb"(?:[\w)\]}+*/%\\$#&^|~.-]|(?:^|[^A-Za-z])[A-Za-z0-9)\]][ ]|\d[ \t,]{1,2})\Z")
_POSTAL_CODE = re.compile(rb"\d{5}-\d{4}(?!\d)")

_STRONG = (
    rb"telephone|telefone|telefono|telefon|tel\xc3\xa9fono|t\xc3\xa9l\xc3\xa9phone|puhelin|"
    rb"(?:tele|smart|cell|i|home|work|mobile|customer|user|contact)?[ _-]?phones?|"
    rb"(?:tele)?fax|mobile|cellulare|handy|gsm|whatsapp|sms|tel|t\xc3\xa9l|tlf|ph|"
    rb"\xd1\x82\xd0\xb5\xd0\xbb(?:\xd0\xb5\xd1\x84\xd0\xbe\xd0\xbd)?|\xd0\xa2\xd0\xb5\xd0\xbb(?:\xd0\xb5\xd1\x84\xd0\xbe\xd0\xbd)?|"
    rb"\xe7\x94\xb5\xe8\xaf\x9d|\xe9\x9b\xbb\xe8\xa9\xb1|\xe6\x89\x8b\xe6\x9c\xba|\xec\xa0\x84\xed\x99\x94"
)
_WEAK = rb"call|contact|cell|dial|hotline|office|mob"
_WORD = re.compile(rb"(?i)(?<![a-z])(?:(?P<strong>" + _STRONG + rb")|" + _WEAK + rb")(?![a-z])")
_CAMEL_WORD = re.compile(rb"(?:Phone|Fax|Mobile|Tel)(?:Number|No)?(?![a-z])")
_CONTEXT_BYTES = 44

# Where a number without a country is from, by what its word is written in; tried in this order.
# Default: North America and the United Kingdom, then the largest countries that write a leading 0.
_REGIONS: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), regions)
    for pattern, regions in (
        (rb"t\xc3\xa9l(?!\xc3\xa9fono)", ("FR", "BE", "CH")),
        (rb"(?i)tel\xc3\xa9fono|telefono", ("ES", "MX", "IT")),
        (rb"(?i)telefone", ("BR", "PT")),
        (rb"(?i)telefon|handy", ("DE", "AT", "PL")),
        (rb"(?i)puhelin", ("FI",)),
        (rb"(?i)tlf", ("DK", "NO", "ES")),
        (rb"\xd0", ("RU", "UA")),
        (rb"\xe7\x94\xb5|\xe6\x89\x8b", ("CN",)),
        (rb"\xe9\x9b\xbb", ("JP", "TW")),
        (rb"\xec", ("KR",)),
    )
)
_DEFAULT_REGIONS, _ZERO_REGIONS = ("US", "GB"), ("GB", "DE", "FR", "AU")


def international_phone_number(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The number whose `+` stands at most 14 bytes before `stop`, or None.

    At `low` it is written in groups or behind a word such as phone; from `balanced` on it may be one run of digits, in
    quotes or brackets or between words.
    """
    start = data.rfind(b"+", max(0, stop - 14), stop)
    if start < 0:
        return None
    before = data[max(0, start - _CONTEXT_BYTES) : start]
    if _OPERAND_BEFORE.search(before[-3:]):
        return None
    match = _NUMBER.match(data, start)
    if match is None:
        return None
    has_context = _word(before) is not None
    is_grouped = not match[0][1:].isdigit()
    if not has_context:
        if not is_grouped and level != "high" and _is_in_patch(data, start):
            return None
        if (not is_grouped and (level == "low" or len(match[0]) < 11)) or not _is_written_as_number(match[0]):
            return None
    for end in _ends(data, match):
        verdict = read("+" + "".join(map(bytes.decode, _DIGITS.findall(data, start, end))), (None,))
        if verdict != "invalid":
            return (start, end) if verdict == "valid" else None
    return None


def national_phone_number(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The number behind a word such as phone whose seventh digit is the last byte before `stop`, or None."""
    match = _national(data, stop)
    if match is None:
        return None
    start = match.start()
    before = data[max(0, start - _CONTEXT_BYTES) : start]
    word = _word(before)
    if word is None or _OPERAND_BEFORE.search(before[-1:]) or b"\n" in before[word.end() :]:
        return None
    gap = before[word.end() :]
    is_strong = word.re is _CAMEL_WORD or bool(word["strong"])
    if _STANDARD_NUMBER.search(before[word.start() :]) or (not is_strong and re.search(rb"[^ a-zA-Z:.,'@(]", gap)):
        return None
    if not is_strong and match[0].isdigit() and level != "high":
        return None
    return _valid_span(data, match, _regions(word[0], match[0]))


def bare_phone_number(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The number in the groups of North America or with a leading 0 whose seventh digit ends at `stop`, or None."""
    match = _national(data, stop)
    if match is None or match[0].isdigit() or _POSTAL_CODE.match(match[0]):
        return None
    before = data[max(0, match.start() - _CONTEXT_BYTES) : match.start()]
    if _OPERAND_BEFORE.search(before[-3:]) or _STANDARD_NUMBER.search(before):
        return None
    return _valid_span(data, match, _regions(b"", match[0]))


def read(number: str, regions: tuple[str | None, ...]) -> Literal["valid", "invalid", "made up"]:
    """What a number is: of one region's plan, of none, or by one of them set aside or made up.

    Args:
        number: digits, with a `+` in front where the region is None.
    """
    library: Any = _library()
    is_valid = False
    for region in regions:
        try:
            parsed = library.parse(number, region)
        except library.NumberParseException:
            continue
        if is_made_up(f"{parsed.country_code}{parsed.national_number}"):
            return "made up"
        is_valid = is_valid or (library.is_possible_number(parsed) and library.is_valid_number(parsed))
    return "valid" if is_valid else "invalid"


def _national(data: bytes, stop: int) -> re.Match[bytes] | None:
    """The number whose seventh digit is the last byte before `stop`."""
    digits = 0
    start = stop
    while digits < 7 and start > max(0, stop - 24):
        start -= 1
        digits += data[start : start + 1].isdigit()
    while start > max(0, stop - 24) and data[start - 1 : start].isdigit():
        start -= 1
    if start and data[start - 1 : start] == b"(":
        start -= 1
    if digits < 7 or (start and data[start - 1 : start] == b"+"):
        return None
    return _NUMBER.match(data, start)


def _valid_span(data: bytes, match: re.Match[bytes], regions: tuple[str, ...]) -> tuple[int, int] | None:
    if _DATE.match(match[0]):
        return None
    for end in _ends(data, match):
        groups = _DIGITS.findall(data, match.start(), end)
        digits = b"".join(groups).decode("ascii")
        if not 8 <= len(digits) <= (16 if digits.startswith("00") else 13):
            continue
        if digits.startswith("00"):
            verdict = read("+" + digits[2:], (None,))
        else:
            verdict = read(digits, tuple(region for region in regions if _has_form(groups, digits, region)))
        if verdict != "invalid":
            return (match.start(), end) if verdict == "valid" else None
    return None


def _has_form(groups: list[bytes], digits: str, region: str) -> bool:
    """Whether the groups are those of a region; North America's are 3, 3 and 4."""
    if region != "US":
        return len(digits) >= 8 and 2 * len(groups) <= len(digits)
    lengths = [len(group) for group in groups]
    return lengths in ([3, 3, 4], [1, 3, 3, 4], [10], [11], [3, 7]) and (len(digits) == 10 or digits[0] == "1")


def _is_in_patch(data: bytes, start: int) -> bool:
    """Whether a `+` begins a line behind one that begins as lines of a patch do."""
    if not start or data[start - 1] != ord("\n"):
        return False
    line_start = data.rfind(b"\n", max(0, start - 200), start - 1) + 1
    return data[line_start : line_start + 1] in b"+-@ "


def _ends(data: bytes, match: re.Match[bytes]) -> list[int]:
    """Where the number may end: as far as digits go, and one or two groups before that."""
    ends: list[int] = []
    text = match[0]
    for _ in range(3):
        end = match.start() + len(text)
        if text.count(b"(") == text.count(b")") and (_RIGHT_EDGE.match(data, end) or ends):
            ends.append(end)
        shorter = _LAST_GROUP.sub(b"", text)
        if len(shorter) == len(text):
            break
        text = shorter
    return ends


def _is_written_as_number(text: bytes) -> bool:
    """Whether groups are those of a phone number, not of a sum, a table or coordinates."""
    digits = sum(map(len, _DIGITS.findall(text)))
    groups = len(_DIGITS.findall(text))
    dots = text.count(b".")
    if dots and (dots < 2 or text.count(b" ") > 1):
        return False
    return 2 * groups <= digits + 1 and digits >= 8


def _word(before: bytes) -> re.Match[bytes] | None:
    """The last word in what leads to a number that says phone."""
    last = None
    for pattern in (_WORD, _CAMEL_WORD):
        for match in pattern.finditer(before):
            if last is None or match.end() > last.end():
                last = match
    return last


def _regions(word: bytes, number: bytes) -> tuple[str, ...]:
    for pattern, regions in _REGIONS:
        if pattern.search(word):
            return regions
    return _ZERO_REGIONS if number.lstrip(b"(").startswith(b"0") else _DEFAULT_REGIONS


@cache
def _library() -> Any:
    return importlib.import_module("phonenumbers")
