"""Named secrets: a random value counts behind a name for a secret, not behind a hash, an id or in code."""

import pytest

from filters.named_secrets import MINIMUM_ALONE_BYTES, named_secret, named_token, provider_secret, value_on_next_line
from filters.value_tests import random

VALUE = b"9c41d7e05fb28a6340d1b7c9e2f5836a"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("facebook_secret = '", "'", True),
        ("{'key': 'facebook', 'x': '", "'}", True),
        ("facebook_secret = '", ".", True),
        ("const fb = new Facebook('", "')", True),
        ('$fb = Facebook::create("', '")', True),
        ("fb = facebook.from_commit('", "')", False),
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


def test_a_value_with_a_form_of_its_own_need_not_be_random_in_every_part() -> None:
    before, value = b"dropbox_token = '", b"f3kDm20xQ7z" + b"A" * 10 + b"x9" * 21
    data = before + value + b"'"
    assert named_token(data, len(before), len(data) - 1, "balanced")
    assert not named_secret(data, len(before), len(data) - 1, "balanced")


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (': { key: "', '" }', True),
        ("_API_KEY=", "\n", True),
        ("('", "')", True),
        (": { commit: '", "' }", False),
        (" has no key, but ", "", False),
        ("\nkey = '", "'", False),
    ],
)
def test_a_value_behind_a_providers_name_is_found_by_what_stands_between(before: str, after: str, wanted: bool) -> None:
    data = b"Clockify" + before.encode() + VALUE + after.encode()
    start = data.index(VALUE)
    assert provider_secret(data, len(b"Clockify"), "balanced") == ((start, start + len(VALUE)) if wanted else None)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("# API key\n", "\n", True),
        ("# API key\r\n", "\r\n", True),
        ("Access token:\n    `", "`\n", True),
        ("token\n", "", True),
        ("# public key\n", "\n", False),
        ("# key\n", " of a file\n", False),
        ("# key\n/", "\n", True),
    ],
)
def test_a_value_alone_on_the_line_behind_its_name_is_found(before: str, after: str, wanted: bool) -> None:
    data = before.encode() + VALUE + after.encode()
    start = len(before)
    found = value_on_next_line(data, start + MINIMUM_ALONE_BYTES, "balanced")
    assert found == ((start, start + len(VALUE)) if wanted else None)


@pytest.mark.parametrize("value", [VALUE, b"gLUiEkKbhvOcQEHa4UU0sGKs", b"6ba680ca-3fbc-4975-aaa7-d8c9600f7d57"])
def test_a_random_value_is_random(value: bytes) -> None:
    assert random(value, "balanced")


@pytest.mark.parametrize(
    "value",
    [
        b"0123456789abcdef0123456789abcdef", b"abcd1234abcd1234abcd1234abcd1234", b"getFacebookAccessTokenForUser12",
        b"some-quite-long-name-of-item-17", b"AuthorizationFilterChain2", b"12345678901234567890123456789012",
        b"abcdefghijklmnopqrstuvwxyzabcdef", b"your1api2key3goes4here5f6g7h8", b"deadbeefcafebabe0123deadbeef9876",
        b"00000000-0000-0000-0000-000000000001", b"", b"a", b"some-name-of-a-file-in-a-list-12",
    ],
)  # fmt: skip
def test_an_ordered_or_readable_value_is_not(value: bytes) -> None:
    assert not random(value, "balanced")
