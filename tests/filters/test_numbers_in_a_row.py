"""Numbers in a row: what people type when they make up a number."""

import pytest

from filters.numbers_in_a_row import is_counted


@pytest.mark.parametrize("value", ["123", "12345678", "4321", "7777", "121212", "2020", "20200102", "00", "1000"])
def test_a_counted_number(value: str) -> None:
    assert is_counted(value.encode())


@pytest.mark.parametrize("value", ["62", "719", "5766", "190583", "09854479", "20841957"])
def test_a_number_of_its_own(value: str) -> None:
    assert not is_counted(value.encode())
