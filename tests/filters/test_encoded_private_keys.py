"""Encoded private keys: the whole run goes, and each run is read once."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.encoded_private_keys import encoded_private_key
from filters.example_values import filled_in
from filters.redaction_policy import only
from stages.scanning import find_spans


def encoded(words: str) -> bytes:
    return b64encode(filled_in(f"-----BEGIN {words}-----\n«base64:600»").encode())


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_looked_at(data: bytes, stop: int) -> None:
    found = encoded_private_key(data, min(stop, len(data)), "balanced")
    assert found is None or 0 <= found[0] < found[1] <= len(data)


@pytest.mark.parametrize("words", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
def test_a_key_goes_as_a_whole(words: str) -> None:
    value = encoded(words)
    (span,) = find_spans(b"tls.key: " + value + b"\n", policy=only("private_key"))
    assert (span.start, span.stop) == (9, 9 + len(value))


@pytest.mark.parametrize("words", ["CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST"])
def test_what_is_public_stays(words: str) -> None:
    assert find_spans(b"tls.crt: " + encoded(words), policy=only("private_key")) == []


@pytest.mark.parametrize("between", [b"", b" ", b"="])
def test_many_in_a_row_are_taken(between: bytes) -> None:
    text = (encoded("RSA PRIVATE KEY")[:96] + between) * 20_000
    assert len(find_spans(text, policy=only("private_key"))) <= 20_000
