"""Table columns: the name at the head of the column in which a value stands."""

import pytest

from filters.table_columns import column_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name,phone,state\nAnn,[5]5,CT\n", b"phone"),
        ("name,phone\nAnn,1\nBob,[5]5", b"phone"),
        ('name,"phone, home",x\n"Doe, Ann",[5]5,1\n', b"phone home"),
        ("a;b\n1;[2]", b"b"),
        ("a\tb\r\n[1]\t2\r\n", b"a"),
        ("text\n\n| name | phone |\n|---|---|\n| Ann | [5]5 |\n", b"phone"),
        ("a,b\n1,2,[3]\n", b""),
        ("a,b\n[1]\n", b""),
        ("[a],b\n", b""),
        ("[a]", b""),
        ("x" * 500 + ",b\n1,[2]\n", b""),
        ("a,b\n" + "1,2\n" * 2000 + "1,[2]\n", b"b"),
    ],
)
def test_the_name_above_a_value(text: str, name: bytes) -> None:
    data = text.replace("[", "").replace("]", "").encode()
    assert column_name(data, len(text[: text.index("[")].encode())) == name
