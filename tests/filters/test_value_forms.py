"""Value forms: what is no secret by its form."""

import pytest

from filters.value_forms import REFERENCES, is_no_secret, says_its_name


@pytest.mark.parametrize(
    "value",
    [
        "$DB_PASSWORD", "%PASSWORD%", "getSecret()", "args[1]", "process.env.TOKEN", "self.token", "vault:v1:x",
        "ENC[AES256_GCM,x]", "changeme", "your-password", "YOUR_KEY", "xxxxxxx", "********", "abc...", "aaaaaaaaaa",
        "/etc/passwd", "./keys/id", "C:\\keys\\a", "https://a.example/b", "me@company.org", "1.2.3", "^7.1.2",
        "2020-01-02", "#a1b2c3", "server.pem", "text/plain", "ssh-rsa AAAA", "sha512-abc", "10s", "<b>x</b>",
        "[A-Za-z]+", "^(?=.*x)", "a && b", "db.local",
    ],
)  # fmt: skip
def test_a_form_says_that_a_value_is_no_secret(value: str) -> None:
    assert is_no_secret(value.encode())


@pytest.mark.parametrize("value", ["Fake-Horse7!battery", "hunter2", "p$ssw0rd", "a/b+c9==", "50%off!"])
def test_other_values_may_be_secrets(value: str) -> None:
    assert not is_no_secret(value.encode())


@pytest.mark.parametrize(
    "value",
    ["${DB_PASSWORD}", "$(pass show db)", "{{ password }}", "#{secret}", "<password>", "%s", "{0}", "@PASSWORD@"],
)
def test_references_are_taken_out(value: str) -> None:
    assert REFERENCES.sub(b"", value.encode()) == b""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("password", "password", True),
        ("db_password", "DbPassword1", True),
        ("token", "my-test-token", True),
        ("password", "hunter2", False),
        ("x", "", True),
    ],
)
def test_a_value_says_its_name(name: str, value: str, says: bool) -> None:
    assert says_its_name(name.encode(), value.encode()) is says
