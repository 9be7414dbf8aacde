"""Value tests: what a value of a token's form must have to be one."""

import pytest

from filters.example_values import filled_in
from filters.value_tests import alphanumeric_token, dense_token, mixed_token, token


@pytest.mark.parametrize(
    ("value", "as_token", "as_alphanumeric", "as_mixed"),
    [
        (b"abc_Qw3rty9Zuiop", True, True, True),
        (b"abc_qw3rty9zuiop", True, True, False),
        (b"abc_some_word_in_code", True, False, False),
        (b"AB1_some_word_in_code", True, False, False),
        (b"abc_aaaaaaaaaa", False, False, False),
        (b"abc_Your1KeyGoesHere", False, False, False),
        (b"abc_YOuR1keyGoesHere", True, True, True),
        (b"abc_CHANGE_ME1x", False, False, False),
        (b"<KEY>", False, False, False),
    ],
)
def test_a_token_has_what_its_test_asks_for(
    value: bytes, as_token: bool, as_alphanumeric: bool, as_mixed: bool
) -> None:
    assert token(value, "low") is as_token
    assert alphanumeric_token(value, "low") is as_alphanumeric
    assert mixed_token(value, "low") is as_mixed


def test_encoded_binary_data_is_no_dense_token() -> None:
    assert dense_token(filled_in("EAA«alnum:90»").encode(), "low")
    assert not dense_token(b"EAAAoBUAACMUAACJEgAAixQAAE0VAADUEQAAzxQAABAYAADJFgAA3BYAAMERAADgFwAAuxQAAHQUAAB8FQ", "low")
