"""Connection strings: the password of a string with other parts, of Oracle's form and of curl's option."""

import pytest

from filters.connection_strings import command_password, connection_password, oracle_password


def cut(found: tuple[int, int] | None, text: str) -> str | None:
    return None if found is None else text.encode()[found[0] : found[1]].decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Server=db;User Id=sa;Password=k7#Rw9zQ;", "k7#Rw9zQ"),
        (";Password='k7;Rw 9zQ';User ID=web", "k7;Rw 9zQ"),
        (";Password=k7Rw9zQ4", None),
        ("Server=db;Uid=root;Database=shop_test;Password=shop", None),
        ("Server=db;Uid=x;Password=Password", None),
        ("user = a;Password=readPassword();", None),
        ("TTY=pts/1; USER=root;Password=/var/log", None),
        ("Server=db\n;Password=k7Rw9zQ4", None),
    ],
)
def test_the_password_of_a_connection_string(text: str, wanted: str | None) -> None:
    stop = text.encode().index(b"Password=") + len("Password=")
    assert cut(connection_password(text.encode(), stop, "balanced"), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("jdbc:oracle:thin:shop/k7Rw9zQ4@db:1521:orcl", "k7Rw9zQ4"),
        ('"shop/k7Rw9zQ4@//db:1521/orcl"', "k7Rw9zQ4"),
        ("sqlplus scott/tiger@ORCL", None),
        ("path/to/file@//host", None),
    ],
)
def test_the_password_of_oracle(text: str, wanted: str | None) -> None:
    stop = text.encode().index(b"@") + 1
    assert cut(oracle_password(text.encode(), stop, "balanced"), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("curl -u jane:k7Rw9zQ4 https://x", "k7Rw9zQ4"),
        ("curl --user 'jane:k7 Rw9,z' https://x", "k7 Rw9,z"),
        ("curl -s \\\n -u jane:k7Rw9zQ4", "k7Rw9zQ4"),
        ("docker run -u jane:k7Rw9zQ4", None),
        ("curl x | docker run -u jane:k7Rw9zQ4", None),
        ("curl -u jane:$TOKEN", None),
        ("curl -u jane:", None),
    ],
)
def test_the_password_of_a_command(text: str, wanted: str | None) -> None:
    stop = text.encode().index(b"jane:") + len("jane:")
    assert cut(command_password(text.encode(), stop, "balanced"), text) == wanted


def test_a_value_of_great_length_is_not_cut_within_a_character() -> None:
    long = "ü1" * 100
    for text, stop in ((f"Server=x;Password={long}", 18), (f"curl -u jane:{long}", 13)):
        assert connection_password(text.encode(), stop, "balanced") is None
        assert command_password(text.encode(), stop, "balanced") is None
