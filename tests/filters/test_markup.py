import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.markup import html_text_characters, html_text_fraction
from manifests.document import Document


def document(text: str, language: str = "HTML") -> Document:
    return Document(id="", text=text, kind="code", source="", language=language)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a", "a"),
        ("<p>a b</p>\n", "a b\n"),
        ("é<br/>\ud800", "é\ud800"),
        ("a<!-- b > c -->d", "ad"),
        ("a<!-->b", "ab"),
        ("a<!-- never closed", "a"),
        ("<!DOCTYPE html><?xml x?>a", "a"),
        ("<a title=\"x > y\" href='>'>b</a>", "b"),
        ("<script>if (a < b) { '</p>' }</script>c", "c"),
        ("<SCRIPT src=x></Script >c<style>p{}</style>", "c"),
        ("<scripts>a</scripts>", "a"),
        ("<script>never closed", ""),
        ("<script></scripts>a</script>b", "b"),
        ("1 < 2 <3 a<", "1 < 2 <3 a<"),
        ("a</ b", "a</ b"),
        ("a &amp; b", "a &amp; b"),
        ("<p never closed", ""),
    ],
)
def test_text(text: str, shown: str) -> None:
    assert html_text_characters(document(text)) == len(shown)
    assert html_text_fraction(document(text)) == (len(shown) / len(text) if text else 0)


def test_other_languages_show_no_text() -> None:
    assert html_text_characters(document("a", "XML")) == 0
    assert html_text_fraction(document("a", "")) == 0


@given(st.text(st.sampled_from("<>/!-?\"' \nsé\ud800"), max_size=60))
def test_without_markup_all_is_text(text: str) -> None:
    plain = re.sub("<", "(", text)
    assert html_text_characters(document(plain)) == len(plain)
    assert 0 <= html_text_characters(document(text)) <= len(text)


@pytest.mark.parametrize("piece", ["<div>", "<", "<!--", "<script>", "<a b='", "</", "<!", "--"])
def test_hostile_input_gives_a_share(piece: str) -> None:
    assert 0 <= html_text_fraction(document(piece * 200_000)) <= 1
