"""IBANs: country, form and check digits."""

import pytest

from filters.example_values import filled_in
from filters.ibans import has_check_digits
from filters.published_numbers import published
from filters.redaction_policy import Level, only
from filters.spans import replaced
from stages.scanning import find_spans


def redacted(text: str, level: Level = "low") -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=only("iban", level=level))).decode()


def in_groups(number: str, gap: str = " ") -> str:
    return gap.join(number[place : place + 4] for place in range(0, len(number), 4))


@pytest.mark.parametrize("country", ["DE:18", "PL:24", "ES:20", "AT:16", "BE:12", "NO:11", "PT:21", "HU:24"])
def test_an_account_goes_compact_and_in_groups(country: str) -> None:
    number = filled_in(f"«iban:{country}»")
    for form in (number, in_groups(number), in_groups(number, "-")):
        assert redacted(f"IBAN:{form}, BIC") == "IBAN:<IBAN>, BIC"


def test_an_account_with_letters_goes() -> None:
    assert redacted("NL" + "44RABO0123" + "456789") == "<IBAN>"


def test_lower_case_goes_at_high() -> None:
    number = filled_in("«iban:DE:18»").lower()
    assert redacted(number, "balanced") == number
    assert redacted(number, "high") == "<IBAN>"


@pytest.mark.parametrize("frame", ["{}7", "A{}", "7{}", "{}_x"])
def test_what_is_part_of_something_else_stays(frame: str) -> None:
    text = frame.format(filled_in("«iban:DE:18»"))
    assert redacted(text) == text


def test_wrong_check_digits_and_mixed_groups_stay() -> None:
    number = filled_in("«iban:DE:18»")
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    mixed = in_groups(number).replace(" ", "", 1)
    assert redacted(f"{wrong} {mixed}") == f"{wrong} {mixed}"


def test_published_examples_are_well_formed_and_stay() -> None:
    numbers = sorted(number.decode() for number in published("ibans"))
    assert all(map(has_check_digits, published("ibans")))
    text = "\n".join(number + "\n" + in_groups(number) for number in numbers)
    assert redacted(text) == text
    assert len({number[:2] for number in numbers}) > 75
