import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_sets import licence_category, reviewed_licences
from filters.licence_words import NO_EVIDENCE, UNLISTED, licence_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("MIT", "permissive"),
        ("mit", "permissive"),
        ("Apache-2.0 AND MIT", "permissive"),
        ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("CC-BY-4.0", "open-content"),
        ("CC-BY-SA-4.0", "share-alike"),
        ("MIT AND CC-BY-SA-4.0", "permissive, share-alike"),
        ("MPL-2.0", "copyleft limited"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "copyleft"),
        ("GPL-3.0", "copyleft"),  # a name of old
        ("MIT AND LicenseRef-ours", "permissive, unlisted"),
        ("LicenseRef-ours", UNLISTED),
        ("((", UNLISTED),
        ("NOASSERTION", NO_EVIDENCE),
        ("", NO_EVIDENCE),
    ],
)
def test_a_licence_has_the_words_of_its_parts(expression: str, words: str) -> None:
    assert licence_words(expression) == words


@pytest.mark.parametrize("licence", sorted(reviewed_licences()))
def test_copyleft_is_called_so_unless_it_is_share_alike(licence: str) -> None:
    words = licence_words(licence)
    if "Copyleft" in licence_category(licence):
        assert "copyleft" in words or words == "share-alike"


@given(st.text(max_size=80))
def test_any_string_has_words_in_order(expression: str) -> None:
    words = licence_words(expression).split(", ")
    assert words == sorted(set(words))
    assert all(words)
