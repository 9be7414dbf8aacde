"""Bank accounts: IBANs, known by country, form and check digits.

A country fixes the length and which characters are letters; the remainder by 97 lets one in 97 of the rest through. So
a find needs no context. Reads at most 48 bytes behind the mark; the mark needs a country's two letters and two digits
with nothing word-like before, a few in a megabyte of code.
"""

import re
from functools import cache

from filters.published_numbers import published
from filters.redaction_policy import Level

MAXIMUM_BYTES = 48
"""33 characters, one separator after each four, one byte for the edge."""

# By country what follows the check digits: n digits, a letters, c either.
# Source: SWIFT IBAN registry (ISO 13616), release 101.
_FORMS = """
AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n BR:23n1a1c BY:4c4n16c CH:5n12c
CR:18n CY:8n16c CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n FI:14n FK:2a12n FO:14n FR:10n11c2n
GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:24c HN:4a20n HR:17n HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n
IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c LI:5n12c LT:16n LU:3n13c LV:4a13c LY:21n MC:10n11c2n
MD:20c ME:18n MK:3n10c2n MN:16n MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n NL:4a10n NO:11n OM:3n16c PK:4a16c PL:24n
PS:4a21c PT:21n QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n SE:20n SI:15n SK:20n SM:1a10n12c
SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n YE:4a4n18c
"""
_CLASSES = {"n": r"\d", "a": "[A-Z]", "c": "[A-Z0-9]"}
_START = re.compile(rb"[A-Za-z]{2}\d{2}(?:[ -][0-9A-Za-z]{4}[ -][0-9A-Za-z]{4}|[0-9A-Za-z]{8})\Z")


def iban(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The IBAN whose twelfth letter or digit is the last byte before `stop`, or None.

    It stands compact, or in groups of four with a space or a dash between all of them; its letters are upper case, save
    at `high`. Published examples stay.
    """
    start_match = _START.search(data, max(0, stop - 14), stop)
    if start_match is None:
        return None
    start = start_match.start()
    window = data[start : start + MAXIMUM_BYTES]
    if level == "high":
        window = window.upper()
    form = _form(window[:2])
    match = form and form.match(window)
    if not match:
        return None
    number = match[0].replace(b" ", b"").replace(b"-", b"")
    if not has_check_digits(number) or number in published("ibans"):
        return None
    return start, start + match.end()


def has_check_digits(number: bytes) -> bool:
    """Whether an IBAN without separators leaves 1 when divided by 97 (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(character, 36)) for character in (number[4:] + number[:4]).decode("ascii"))) % 97 == 1


@cache
def _form(country: bytes) -> re.Pattern[bytes] | None:
    """The pattern of a country's IBANs, compact or in groups of four; None for an unknown country."""
    parts = _forms().get(country.decode("ascii"))
    if parts is None:
        return None
    classes = [_CLASSES[name] for count, name in re.findall(r"(\d+)([anc])", parts) for _ in range(int(count))]
    groups = ["".join(classes[place : place + 4]) for place in range(0, len(classes), 4)]
    grouped = r"([ -])" + r"\1".join(groups)
    return re.compile(rf"{country.decode('ascii')}\d\d(?:{''.join(classes)}|{grouped})(?![A-Za-z0-9_])".encode())


@cache
def _forms() -> dict[str, str]:
    return dict(entry.split(":") for entry in _FORMS.split())
