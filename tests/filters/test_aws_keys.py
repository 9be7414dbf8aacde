"""AWS secret keys: beside a key id, in its line or the next."""

from filters.aws_keys import aws_secret, aws_secret_near_id
from filters.example_values import filled_in

IDENTIFIER = filled_in("AKIA«base32:16»")
SECRET = filled_in("«base64:40»")
SHA1 = filled_in("«hex:40»")


def near(text: str) -> str | None:
    data = text.encode()
    found = aws_secret_near_id(data, data.index(IDENTIFIER.encode()) + len(IDENTIFIER), "balanced")
    return None if found is None else data[found[0] : found[1]].decode()


def test_a_secret_beside_its_id_is_found() -> None:
    assert near(f"{IDENTIFIER},{SECRET}") == SECRET
    assert near(f"id={IDENTIFIER}\nx={SECRET}\n") == SECRET
    assert near(f"{SECRET} {IDENTIFIER}") == SECRET


def test_what_is_no_secret_stays() -> None:
    assert near(f"{IDENTIFIER} {SHA1}") is None
    assert near(f"{IDENTIFIER}\n\n{SECRET}") is None
    assert near(f"{IDENTIFIER} a/{SECRET}x") is None
    assert near(f"{IDENTIFIER}" + " " * 300 + SECRET) is None


def test_a_named_secret_has_three_classes() -> None:
    for value, wanted in ((SECRET, True), (SHA1, False)):
        data = f"aws_secret_key = {value}".encode()
        assert aws_secret(data, len(data) - 40, len(data), "balanced") == wanted
