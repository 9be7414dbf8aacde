"""Base58Check: the check bytes tell a key from any other word of the alphabet."""

import pytest

from filters.base58_keys import base58check
from filters.example_values import filled_in


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_a_key_with_its_check_bytes_is_one(seed: str) -> None:
    key = filled_in("«wif»", seed).encode()
    assert len(key) == 52
    assert base58check(key, "low")


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_one_changed_character_makes_it_none(seed: str) -> None:
    key = filled_in("«wif»", seed).encode()
    other = b"A" if key[20:21] != b"A" else b"B"
    assert not base58check(key[:20] + other + key[21:], "low")


@pytest.mark.parametrize("value", [b"", b"1", b"0OIl", b"K" * 52])
def test_what_is_no_key_is_none(value: bytes) -> None:
    assert not base58check(value, "low")
