"""Inserted passwords: every row of a statement, in time that grows with the text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.inserted_passwords import inserted_passwords
from filters.redaction_policy import only
from stages.scanning import find_spans

HEAD = "INSERT INTO u (id, password) VALUES "


def values(text: str) -> list[str]:
    data = text.encode()
    return [data[span.start : span.stop].decode() for span in find_spans(data, policy=only("assigned_secret"))]


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_looked_at(data: bytes, stop: int) -> None:
    for start, end in inserted_passwords(data, [min(stop, len(data))], "balanced"):
        assert 0 <= start < end <= len(data)


def test_a_statement_inserts_a_password_by_its_column() -> None:
    assert values("INSERT INTO u (id, password, n) VALUES (1, 'tiger0719', 'bob1234')") == ["tiger0719"]
    assert values("INSERT INTO u (a, password) VALUES (f(x, 1), 'tiger0719')") == ["tiger0719"]
    assert values("INSERT INTO u (id, password) VALUES (1, MD5('tiger0719'))") == []


@pytest.mark.parametrize("between", [",", ",\n", "\n  , "])
def test_every_row_loses_its_password(between: str) -> None:
    rows = [f"({number}, 'tiger{7000 + 13 * number}')" for number in range(200)]
    assert len(values(HEAD + between.join(rows) + ";")) == 200


def test_a_row_of_another_length_ends_the_statement() -> None:
    assert values(HEAD + "(1, 'tiger0719'), (2), (3, 'tiger0728')") == ["tiger0719"]


@pytest.mark.parametrize("text", [HEAD + "(", HEAD + "('a','", HEAD + "(1,'a'),", "(1,'a')," + HEAD])
def test_many_in_a_row_are_taken(text: str) -> None:
    assert len(values(text * 20_000)) <= 20_000
