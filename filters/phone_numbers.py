"""Phone numbers: international ones with their `+`, and national ones behind a word such as phone or fax.

Digits alone say little, so a number must be one that its country's plan could have given out (library phonenumbers, a
port of Google's libphonenumber), written as people write numbers. Reads at most 140 bytes around the mark; asking the
plan costs 20 to 40 microseconds for each country, and only what passed the cheap tests is asked. Answers are kept, for
several marks, and two rules, ask about one place. The first question imports the library, 0.1 s.

What stays: numbers set aside for films and manuals, runs such as 1234567, dates, versions, coordinates, sums.
"""

import re
from functools import lru_cache

from filters.escapes import lead
from filters.phone_plans import verdict
from filters.phone_words import PhoneWord, phone_word, regions_of
from filters.redaction_policy import Level
from filters.table_columns import column_name

_SEPARATOR = rb"(?:[ ./~-]|--| / |\xc2\xa0|\xe2\x80[\x90\x91]|[ ~]?\(|\)(?:[ ~-]|--)?|\)\xc2\xa0| - )"
_NUMBER = re.compile(rb"\+?\(?\d(?:" + _SEPARATOR + rb"?\d){6,17}")
_RIGHT_EDGE = re.compile(rb"(?!\w|[.,:*/+^=-]?\d| ?[*/^=%][ \d]|[%(]| ?\xc2\xb0)")
_LAST_GROUP = re.compile(rb"(?:[ /~]|[ ~]?\(| - | / )\d+\Z")
_DIGITS = re.compile(rb"\d+")
_DATE = re.compile(
    rb"(?:19|20)\d\d([-./ ])[01]?\d\1[0-3]?\d|[0-3]?\d([-./])[01]?\d\2(?:19|20)\d\d|\d{1,3}(?:\.\d{1,3}){3}\Z"
)
_STANDARD_NUMBER = re.compile(rb"(?i)is[bs]n|doi|rfc|orcid|ean|upc|[a-z_](?:id|Id|ID)\W|[^a-z]id\W|price|version|date")
_OPERAND_BEFORE = re.compile(rb"(?:[\w)\]}+*/%\\$#&^|~.-]|(?:^|[^A-Za-z])[A-Za-z0-9)\]][ ]|\d[ \t,]{1,2})\Z")
_POSTAL_CODE = re.compile(rb"\d{5}-\d{4}(?!\d)")

_EDGE_BYTES = 4
_CACHED_PLACES = 8_192
_CONTEXT_BYTES, _LIST_BYTES, _GAP_BYTES = 44, 52, 34

_ANOTHER = re.compile(r"\+?\(?\d[\d .()/~-]{5,18}\d(?!\d)")
_JOINT = re.compile(r"(?i)(?: ?x\d{1,5}|[\s\"'>,;:/|&()]|or|and|und|oder|ou|et|y|o|e|tel)*\Z")
_LONG_DISTANCE = re.compile(rb"1([-. ])(?:\(\d{3}\) ?|\d{3}\1)\d{3}[-.]\d{4}\Z")
_SIGNATURE = re.compile(rb"(?:\A|[|\xb7\xa2,/\n]|  )[ \t]*[OCTMPFWHD](?::|\.:?) ?\Z")
"""The letter of office, cell, telephone, mobile, phone, fax, work, home or direct."""


def international_phone_number(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The number whose `+` stands at most 14 bytes before `stop`, or None.

    At `low` it is written in groups or behind a word such as phone; from `balanced` on it may be one run of digits, in
    quotes or brackets or between words.
    """
    start = data.rfind(b"+", max(0, stop - 14), stop)
    if start < 0:
        return None
    before = lead(data, start, _CONTEXT_BYTES)
    if _OPERAND_BEFORE.search(before[-3:]):
        return None
    match = _NUMBER.match(data, start)
    if match is None:
        return None
    has_context = phone_word(before) is not None
    is_grouped = not match[0][1:].isdigit()
    if not has_context:
        if not is_grouped and level != "high" and _is_in_patch(data, start):
            return None
        if (not is_grouped and (level == "low" or len(match[0]) < 11)) or not _is_written_as_number(match[0]):
            return None
    for length in _ends(match[0], _behind(data, match)):
        end = start + length
        answer = verdict("+" + "".join(map(bytes.decode, _DIGITS.findall(data, start, end))), (None,))
        if answer != "invalid":
            return (start, end) if answer == "valid" else None
    return None


def national_phone_number(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The number behind a word such as phone whose seventh digit is the last byte before `stop`, or None."""
    match = _national(data, stop)
    return _behind_word(data, match, level) if match else None


def bare_phone_number(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The number in the groups of North America or with a leading 0 whose seventh digit ends at `stop`, or None.

    Below `high` something must say what it is: a word of the line (also before other numbers), its column's name, a
    letter as in signatures (`C: `), or the leading 1 of long distance.
    """
    match = _national(data, stop)
    if match is None or match[0].isdigit() or _POSTAL_CODE.match(match[0]):
        return None
    before = lead(data, match.start(), _CONTEXT_BYTES)
    if level != "high":
        if found := _behind_word(data, match, level):
            return found
        if not (_LONG_DISTANCE.match(match[0]) or _SIGNATURE.search(before)):
            return _in_column(data, match)
    if _OPERAND_BEFORE.search(before[-3:]) or _STANDARD_NUMBER.search(before):
        return None
    return _valid_span(data, match, regions_of("", match[0]))


def _behind_word(data: bytes, match: re.Match[bytes], level: Level) -> tuple[int, int] | None:
    """The number, where a word such as phone leads to it, or to another number before it."""
    line = lead(data, match.start(), _CONTEXT_BYTES + _LIST_BYTES).rpartition(b"\n")[2]
    length = _length_behind_word(line, match[0], _behind(data, match), level)
    return (match.start(), match.start() + length) if length else None


@lru_cache(maxsize=_CACHED_PLACES)
def _length_behind_word(line: bytes, number: bytes, behind: bytes, level: Level) -> int:
    """How much of the digits behind a line's beginning is a number; 0 for none. Several marks ask about one place."""
    if _OPERAND_BEFORE.search(line[-1:]) and not line.endswith((b"~", b"wa.me/")):
        return 0
    word = phone_word(line)
    if word is None:
        return 0
    digits = number.isdigit()
    if _STANDARD_NUMBER.search(line[word.start :]) or not _leads(word):
        return 0
    if not word.is_strong and digits and level != "high":
        return 0
    if word.text.lower() in {"wa.me", "whatsapp"} and digits and len(number) >= 10:
        answer = verdict("+" + number.decode("ascii"), (None,))
        if answer != "invalid":
            return len(number) if answer == "valid" else 0
    return _valid_length(number, behind, regions_of(word.text, number))


def _leads(word: PhoneWord) -> bool:
    """Whether a gap is short, of other phone numbers and what joins them, and behind a weak word of nothing else."""
    others = list(_ANOTHER.finditer(word.gap))
    if others and not _JOINT.match(word.gap, others[-1].end()):
        return False
    gap = word.gap[: others[0].start()] if others else word.gap
    if len(gap.encode()) > _GAP_BYTES or any(character.isdigit() for character in gap[1:]):
        return False
    return word.is_strong or re.search(r"[^\w :.,'\"@(>]", gap) is None


def _in_column(data: bytes, match: re.Match[bytes]) -> tuple[int, int] | None:
    """The number, where it is the cell of a table in a column named phone."""
    if (data[match.start() - 1 : match.start()] or b"\n") not in b'",;|\t\n ':
        return None
    word = phone_word(column_name(data, match.start()))
    if word is None or not word.is_strong:
        return None
    return _valid_span(data, match, regions_of(word.text, match[0]))


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
    length = _valid_length(match[0], _behind(data, match), regions)
    return (match.start(), match.start() + length) if length else None


def _behind(data: bytes, match: re.Match[bytes]) -> bytes:
    """As much of what follows a number as says whether it ends there."""
    return data[match.end() : match.end() + _EDGE_BYTES]


@lru_cache(maxsize=_CACHED_PLACES)
def _valid_length(number: bytes, behind: bytes, regions: tuple[str, ...]) -> int:
    """How much of a number's digits the plan of one of the regions has; 0 for none."""
    if _DATE.match(number):
        return 0
    for end in _ends(number, behind):
        groups = _DIGITS.findall(number, 0, end)
        digits = b"".join(groups).decode("ascii")
        if not 8 <= len(digits) <= (16 if digits.startswith("00") else 13):
            continue
        if digits.startswith("00"):
            answer = verdict("+" + digits[2:], (None,))
        else:
            answer = verdict(digits, tuple(region for region in regions if _has_form(groups, digits, region)))
        if answer != "invalid":
            return end if answer == "valid" else 0
    return 0


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


def _ends(number: bytes, behind: bytes) -> list[int]:
    """Where the number may end: as far as digits go, and one or two groups before that."""
    ends: list[int] = []
    text, edge = number, number + behind
    for _ in range(3):
        if text.count(b"(") == text.count(b")") and (ends or _RIGHT_EDGE.match(edge, len(text))):
            ends.append(len(text))
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
