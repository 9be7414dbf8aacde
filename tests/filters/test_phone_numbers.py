"""Phone numbers: international ones, and national ones behind a word; sums, dates and made-up numbers stay."""

import pytest

from filters.fictional_phone_numbers import is_made_up
from filters.redaction_policy import Level, only
from filters.spans import replaced
from stages.scanning import find_spans

US, GB, DE = "415-867" + "-2671", "020 7219" + " 4272", "030 9018" + "2765"


def redacted(text: str, level: Level = "balanced") -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=only("phone_number", level=level))).decode()


@pytest.mark.parametrize(
    "number",
    [
        "+1 (415) 867" + "-2671", "+1.415.867" + ".2671", "+44 (0)20 7219" + " 4272", "+49 30 9018" + "2765",
        "+33 6 12 34" + " 87 65", "+86 138 0013" + " 8123", "+7 (495) 783" + "-12-87", "+91-98204" + "-55612",
    ],
)  # fmt: skip
def test_international_numbers_in_groups_go(number: str) -> None:
    assert redacted(f"({number}), or write", "low") == "(<PHONE_NUMBER>), or write"


def test_one_run_of_digits_goes_from_balanced_on() -> None:
    text = "us: +1415867" + "2671, now"
    assert redacted(text, "low") == text
    assert redacted(text) == "us: <PHONE_NUMBER>, now"
    assert redacted("tel:+1415867" + "2671", "low") == "tel:<PHONE_NUMBER>"


@pytest.mark.parametrize(
    "text",
    [
        f"Phone: [{US}]",
        "call [(415) 867" + "-2671] now",
        '"phone": "[415867' + '2671]"',
        f"Tel. [{GB}]",
        f"fax: [{DE}], Mo",
        f"contact us on [{GB}].",
        f"<phone>[{US}]</phone>",
        f'PhoneNumber="[{US}]"',
        "телефон: [8 (495) 783" + "-12-87]",
        "电话：[010-6278" + "1234]。",
        "手机: [138123" + "98765]",
        "電話 [03-3581" + "-2387]",
        "Tél : [01 42 34" + " 87 65]",
        "teléfono [912 34" + " 87 65]",
        "Mobile [07911 12" + "3498]",
        "전화: [02-2133" + "-5678]",
        f"phone: [{US}] ext. 12",
        "Tel: [00 49 30 9018" + "2765]",
    ],
)  # fmt: skip
def test_national_numbers_go_behind_a_word(text: str) -> None:
    start, stop = text.index("["), text.index("]")
    assert redacted(text.replace("[", "").replace("]", "")) == f"{text[:start]}<PHONE_NUMBER>{text[stop + 1 :]}"


@pytest.mark.parametrize("number", [US, GB])
def test_without_a_word_they_go_at_high_only(number: str) -> None:
    assert redacted(f"at {number}, now") == f"at {number}, now"
    assert redacted(f"at {number}, now", "high") == "at <PHONE_NUMBER>, now"


@pytest.mark.parametrize(
    "text",
    [
        "+1234567890 and +1 234 567 8901 and +0000",
        "phone 123-456-7890, 555-555-5555, 555-0123",
        "Phone: 415-555-0123, +1 415 555 0199",
        "tel 07700 900123, 020 7946 0123, +44 1632 960123",
        "Tel: +49 30 23125 123",
        "call 2020-10-12, tel 12.10.2020, phone 192.168.1.10",
        "telephone version 10.20.30.40, phone ISBN 978-3-16-148410-0",
        "a+12345678901 (b)+14158672671 x +14158672671",
        "+40.7128 -74.0060",
        "M10+123.45 67.89",
        "2020-01-01 10:00:00 +0200",
        "tel 911, call 112, dial 0800",
        "call 1627849200, phones sold 12345678",
        "phone_id = 4158672671",
        "call(f, 4158672671)",
        "mobile: 1024px, cell 2048 2048 4096",
        "+1+1+1+1+1+1+1+1+1",
        "the first line\n+14158672671\n-14158672671\n".replace("the", " the"),
    ],
)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert redacted(text) == text


def test_made_up_numbers() -> None:
    assert is_made_up("14155550123")
    assert is_made_up("447700900123")
    assert is_made_up("493023125123")
    assert not is_made_up("1415867" + "2671")
