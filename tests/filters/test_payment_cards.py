"""Payment cards: issuer, length and check digit, and what else a level wants."""

import pytest

from filters.example_values import filled_in
from filters.payment_cards import has_luhn_digit
from filters.published_numbers import published
from filters.redaction_policy import Level, only
from filters.spans import replaced
from stages.scanning import find_spans

ISSUED = [
    "card:4:16",
    "card:5425:16",
    "card:2300:16",
    "card:6011:16",
    "card:3530:16",
    "card:622:16",
    "card:2202:16",
    "card:37:15",
]


def redacted(text: str, level: Level) -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=only("payment_card", level=level))).decode()


def card(spec: str = "card:4:16", seed: str = "") -> str:
    return filled_in(f"«{spec}»", seed)


def in_groups(number: str, gap: str = " ") -> str:
    sizes = (4, 6, 5) if len(number) == 15 else (4, 4, 4, 4)
    groups, position = [], 0
    for size in sizes:
        groups.append(number[position : position + size])
        position += size
    return gap.join(groups)


@pytest.mark.parametrize("spec", ISSUED)
@pytest.mark.parametrize("seed", list("abcdef"))
def test_a_number_goes_behind_a_word_and_in_groups(spec: str, seed: str) -> None:
    number = card(spec, seed)
    assert redacted(f"card no. {number}.", "low") == "card no. <PAYMENT_CARD>."
    for gap in " -":
        assert redacted(f"({in_groups(number, gap)})", "low") == "(<PAYMENT_CARD>)"


@pytest.mark.parametrize("frame", ['"{}"', "charged to {} today", "'{}'", "{}"])
def test_a_bare_number_goes_where_it_stands_alone(frame: str) -> None:
    text = frame.format(card())
    assert redacted(text, "low") == text
    assert redacted(text, "balanced") == frame.format("<PAYMENT_CARD>")


@pytest.mark.parametrize("frame", ['{{"id": "{}"}}', "x = {}", "[{}, 7]", "user_id: {}", "{}, 1627849200123"])
def test_a_bare_number_goes_elsewhere_at_high_only(frame: str) -> None:
    text = frame.format(card())
    assert redacted(text, "balanced") == text
    assert "<PAYMENT_CARD>" in redacted(text, "high")


@pytest.mark.parametrize(
    "frame",
    ["0.{}", "{}.5", "{}7", "7{}", "a{}", "{}b", "0x{}", "https://host.org/post/{}", "{}%", "-{}", "12 {}", "{} 12"],
)
def test_what_is_part_of_something_else_stays(frame: str) -> None:
    text = "card " + frame.format(card())
    assert redacted(text, "high") == text


def test_a_table_of_groups_stays() -> None:
    number = in_groups(card())
    assert (
        redacted(f"1001 2417 3304\n{number}\n2156 2228 2338\n", "balanced")
        == f"1001 2417 3304\n{number}\n2156 2228 2338\n"
    )


def test_published_numbers_and_wrong_check_digits_stay() -> None:
    text = " ".join(f"card {in_groups(number.decode())}" for number in published("cards") if len(number) in {15, 16})
    assert redacted(text, "high") == text
    number = card()
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert redacted(f"card {wrong}", "high") == f"card {wrong}"


def test_published_numbers_are_well_formed() -> None:
    assert all(map(has_luhn_digit, published("cards")))
