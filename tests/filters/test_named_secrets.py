"""Named secrets: a random value counts behind a name for a secret, not behind a hash, an id or in code."""

import pytest

from filters.named_secrets import named_secret
from filters.value_tests import random

VALUE = b"9c41d7e05fb28a6340d1b7c9e2f5836a"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("facebook_secret = '", "'", True),
        ("{'key': 'facebook', 'x': '", "'}", True),
        ("facebook_secret = '", ".", True),
        ("facebook = '", "'", False),
        ("secret\nfacebook = '", "'", False),
        ("facebook_key_hash = '", "'", False),
        ("facebook_key_sha1 = '", "'", False),
        ("token commit facebook = '", "'", False),
        ("facebook_key_id = '", "'", False),
        ("facebookKeyId: '", "'", False),
        ("facebook_key = '", ".js", False),
        ("facebook_key = '", "(x)", False),
        ("facebook_key = ", "-abc", False),
        ("facebook_author = '", "'", False),
    ],
)
def test_what_stands_around_a_value_decides(before: str, after: str, wanted: bool) -> None:
    data = before.encode() + VALUE + after.encode()
    assert named_secret(data, len(before), len(before) + len(VALUE), "balanced") == wanted


@pytest.mark.parametrize("value", [VALUE, b"gLUiEkKbhvOcQEHa4UU0sGKs", b"6ba680ca-3fbc-4975-aaa7-d8c9600f7d57"])
def test_a_random_value_is_random(value: bytes) -> None:
    assert random(value, "balanced")


@pytest.mark.parametrize(
    "value",
    [
        b"0123456789abcdef0123456789abcdef", b"abcd1234abcd1234abcd1234abcd1234", b"getFacebookAccessTokenForUser12",
        b"some-quite-long-name-of-item-17", b"AuthorizationFilterChain2", b"12345678901234567890123456789012",
        b"abcdefghijklmnopqrstuvwxyzabcdef", b"your1api2key3goes4here5f6g7h8", b"deadbeefcafebabe0123deadbeef9876",
        b"00000000-0000-0000-0000-000000000001", b"", b"a",
    ],
)  # fmt: skip
def test_an_ordered_or_readable_value_is_not(value: bytes) -> None:
    assert not random(value, "balanced")
