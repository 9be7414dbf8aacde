"""JSON Web Keys: a private member is taken whole, a short or readable one is left."""

import pytest

from filters.example_values import filled_in
from filters.json_web_keys import jwk_member

VALUE = filled_in("«base64url:42»x").encode()


@pytest.mark.parametrize("quote", [b'"', b"'", b'\\"'])
def test_the_member_is_taken_to_its_quote(quote: bytes) -> None:
    data = b"kty: RSA, d: " + quote + VALUE + quote + b", e: 1"
    start = data.index(VALUE)
    assert jwk_member(data, start + 1, "balanced") == (start, start + len(VALUE))


@pytest.mark.parametrize("value", [b"short", b"some-name-of-a-key-that-is-long", VALUE + b"x" * 1400])
def test_no_key_is_left(value: bytes) -> None:
    assert jwk_member(b'"' + value + b'"', 2, "balanced") is None


def test_a_value_that_does_not_end_in_a_quote_is_left() -> None:
    assert jwk_member(b'"' + VALUE + b" ", 2, "balanced") is None
