"""Phone plans: the same answers as the library's own, and none of them slow."""

import random
import time

import phonenumbers
import pytest

from filters.phone_plans import _is_valid, verdict
from filters.phone_words import _REGIONS
from filters.redaction_policy import RedactionPolicy
from stages.scanning import find_spans

REGIONS = tuple(sorted({region for _, regions in _REGIONS for region in regions} | {"US", "GB", "AU"}))


def drawn(chance: random.Random, length: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(length))


@pytest.mark.parametrize("region", REGIONS)
def test_a_plan_has_what_the_library_says(region: str) -> None:
    chance = random.Random(region)
    answers = set()
    for _ in range(400):
        text = chance.choice(["0", "", "", "1", "00"]) + drawn(chance, chance.randrange(6, 13))
        try:
            parsed = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        wanted = phonenumbers.is_possible_number(parsed) and phonenumbers.is_valid_number(parsed)
        assert _is_valid(parsed.country_code or 0, phonenumbers.national_significant_number(parsed)) is wanted, text
        answers.add(wanted)
    assert answers == {True, False}


def test_every_country_code_has_what_the_library_says() -> None:
    chance = random.Random("codes")
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        examples = [phonenumbers.example_number(region) for region in regions if region != "001"]
        examples.append(phonenumbers.example_number_for_non_geo_entity(code) if "001" in regions else None)
        for example in filter(None, examples):
            national = phonenumbers.national_significant_number(example)
            for text in (national, national[:-1] + chance.choice("0123456789"), national + "0", national[:-1]):
                parsed = phonenumbers.parse(f"+{code}{text}", None)
                wanted = phonenumbers.is_possible_number(parsed) and phonenumbers.is_valid_number(parsed)
                assert _is_valid(code, phonenumbers.national_significant_number(parsed)) is wanted


def test_verdicts() -> None:
    assert verdict("+4930" + "90182765", (None,)) == "valid"
    assert verdict("+14155550123", (None,)) == "made up"
    assert verdict("+999123", (None,)) == "invalid"
    assert verdict("02072194" + "272", ("US", "GB")) == "valid"


@pytest.mark.parametrize(
    "text",
    ["Tel: 0123 4567890\n" * 5_000, "tel 0171 1234567 " * 5_000, "tel 099 992041 99 99\n" * 5_000],
    ids=["lines", "one_line", "groups"],
)
def test_numbers_said_again_cost_little(text: str) -> None:
    find_spans(b"Tel: 0123 4567890", policy=RedactionPolicy())
    started = time.process_time()
    find_spans(text.encode(), policy=RedactionPolicy())
    assert time.process_time() - started < 3


def test_a_table_of_numbers_costs_little() -> None:
    chance = random.Random("table")
    rows = [f"Ann,({drawn(chance, 3)}) {drawn(chance, 3)}-{drawn(chance, 4)}" for _ in range(4_000)]
    find_spans(b"Tel: 0123 4567890", policy=RedactionPolicy())
    started = time.process_time()
    find_spans("\n".join(["name,phone", *rows]).encode(), policy=RedactionPolicy())
    assert time.process_time() - started < 5
