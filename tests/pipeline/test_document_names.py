import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.document_names import Name, name_of


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("A" * 32, Name("id", "a" * 32)),
        ("0" * 40, Name("blob", "0" * 40)),
        ("b" * 64, Name("sha256", "b" * 64)),
        ("swh:1:cnt:" + "0" * 40, Name("blob", "0" * 40)),
        ("swh:1:cnt:" + "0" * 40 + ";origin=https://a.example", Name("blob", "0" * 40)),
        ("https://a.example/b:c", Name("url", "https://a.example/b:c")),
        ("Owner/name", Name("repository", "Owner/name")),
        ("owner/name:src/a:b.py", Name("repository", "owner/name", "src/a:b.py")),
        ("name:a.py", Name("repository", "name", "a.py")),
        ("name", None),
        (":a.py", None),
        ("0" * 31, None),
        ("", None),
    ],
)
def test_an_identifier_is_known_by_its_form(identifier: str, name: Name | None) -> None:
    assert name_of(identifier) == name


@given(st.text())
def test_any_text_is_something_or_nothing(identifier: str) -> None:
    name = name_of(identifier)
    assert name is None or name.value
