import dataclasses
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import ID_BYTES, Document, document_id

texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = texts.filter(lambda name: "\0" not in name)


def test_a_known_id() -> None:
    assert document_id("pile", "", "hello") == "ae6aa3487fd276eadd1aa7adbc6d5157"


def test_the_id_is_what_the_design_says() -> None:
    inner = sha256(b"print(1)\n").digest()
    expected = sha256(b"stack\0team/repo:src/a.py\0" + inner).digest()[:16].hex()
    assert document_id("stack", "team/repo:src/a.py", "print(1)\n") == expected


@given(names, texts, texts)
def test_an_id_is_32_lower_case_hex_digits(source: str, key: str, text: str) -> None:
    identifier = document_id(source, key, text)
    assert len(identifier) == 2 * ID_BYTES
    assert bytes.fromhex(identifier).hex() == identifier


@given(st.tuples(names, texts, texts), st.tuples(names, texts, texts))
def test_ids_are_equal_exactly_where_source_key_and_text_are(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (document_id(*one) == document_id(*other)) == (one == other)


@given(names, names.filter(bool), texts)
def test_a_part_of_the_source_is_not_a_part_of_the_key(source: str, part: str, text: str) -> None:
    assert document_id(source + part, "", text) != document_id(source, part, text)


def test_a_lone_surrogate_in_the_key_has_an_id() -> None:
    assert document_id("s", "repo:\ud800", "x") != document_id("s", "repo:\ud801", "x")


def test_a_text_that_is_no_unicode_has_none() -> None:
    with pytest.raises(UnicodeEncodeError):
        document_id("s", "", "\ud800")


def test_a_document_cannot_be_changed() -> None:
    document = Document(id="0" * 32, text="x", kind="code", source="s")
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.text = "y"  # type: ignore[misc]
