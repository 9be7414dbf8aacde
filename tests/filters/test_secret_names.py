"""Secret names: what a name promises, and what only speaks about a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.secret_names import name_sort


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("password", "password"),
        ("DB_PASSWORD_PROD", "password"),
        ("dbPasswordOld", "password"),
        ("db.password", "password"),
        ("spring-datasource-password", "password"),
        ("userpw", "password"),
        ("db_pass", "password"),
        ("PGPASSWORD", "password"),
        ("wifiPsk", "password"),
        ("passphrase", "password"),
        ("contraseña", "password"),
        ("mot_de_passe", "password"),
        ("senha", "password"),
        ("пароль", "password"),
        ("密码", "password"),
        ("client_secret", "secret"),
        ("SECRET_KEY_BASE", "secret"),
        ("credentials", "secret"),
        ("apiKey", "key"),
        ("x-api-key", "key"),
        ("AUTH_TOKEN", "key"),
        ("consumer_key", "key"),
        ("encryptionKey", "key"),
        ("auth", "key"),
    ],
)
def test_a_name_promises_a_secret(name: str, sort: str) -> None:
    assert name_sort(name.encode()) == sort


@pytest.mark.parametrize(
    "name",
    [
        "", "user", "key", "author", "compass", "bypass", "minipass", "passed", "keyboard", "keyword", "tokenizer",
        "token_type", "maxTokens", "next_token", "csrf_token", "public_key", "publicToken", "primary_key",
        "foreign_key", "partition_key", "sort_key", "cache_key", "password_hash", "passwordHint", "password_label",
        "PASSWORD_FIELD", "secretName", "token_url", "access_key_id", "api_key_file", "password_policy",
        "INVALID_PASSWORD", "SelectToken", "secrets_manager", "password_encryption", "needless_pass_by_value",
    ],
)  # fmt: skip
def test_a_name_only_speaks_about_a_secret(name: str) -> None:
    assert name_sort(name.encode()) is None


@pytest.mark.parametrize("name", ["password_salt", "salt", "pin", "license_key"])
def test_salts_and_pins_count_for_the_eager_alone(name: str) -> None:
    assert name_sort(b"salt") is None
    assert name_sort(name.encode(), eager=True) is not None


@given(st.binary(max_size=64))
def test_any_bytes_are_a_name(name: bytes) -> None:
    assert name_sort(name) in {None, "password", "secret", "key"}
