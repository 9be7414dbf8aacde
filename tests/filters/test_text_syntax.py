"""Syntax of a document, by kind and language."""

import pytest

from filters.text_syntax import Syntax, syntax_of
from manifests.document import Kind


@pytest.mark.parametrize(
    ("kind", "language", "syntax"),
    [
        ("text", "", "prose"),
        ("text", "HTML", "prose"),
        ("code", "Markdown", "prose"),
        ("code", "reStructuredText", "prose"),
        ("code", "TeX", "prose"),
        ("code", "CSV", "prose"),
        ("code", "HTML", "markup"),
        ("code", "HTML+ERB", "markup"),
        ("code", "XML Property List", "markup"),
        ("code", "SVG", "markup"),
        ("code", "Vue", "markup"),
        ("code", "TSX", "markup"),
        ("code", "Python", "code"),
        ("code", "JSON", "code"),
        ("code", "", "code"),
        ("code", "no such language", "code"),
    ],
)
def test_the_syntax_follows_from_kind_and_language(kind: Kind, language: str, syntax: Syntax) -> None:
    assert syntax_of(kind, language) == syntax
