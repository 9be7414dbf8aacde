import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.lines import longest_line_characters
from filters.signals import Signal, all_signals, resolve
from manifests.document import Document
from manifests.errors import RecipeError

SIGNALS = all_signals()
ANY_TEXT = st.one_of(st.text(st.characters()), st.text(st.sampled_from("a{}; \t\n\r\x00\ud800\udfff\U0010ffff")))


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="test")


def test_resolves_a_signal_by_its_name() -> None:
    assert resolve("filters.lines:longest_line_characters") is longest_line_characters


def test_lists_all_signals_in_order() -> None:
    assert list(SIGNALS) == sorted(SIGNALS)
    expected = {"filters.words:num_words", "filters.lines:num_lines", "filters.characters:alphabetic_fraction"}
    assert expected <= SIGNALS.keys()


@pytest.mark.parametrize("name", list(SIGNALS))
def test_every_listed_signal_resolves_to_itself(name: str) -> None:
    assert resolve(name) is SIGNALS[name]


def test_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"'filters\.lines:longest_line_characters'"):
        resolve("filters.lines:longest_line_chars")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "num_lines",
        "filters.lines",
        "filters:lines",
        "os:getcwd",
        "manifests.document:document_id",
        "filters.lines:lines",  # imported there, not defined there
        "filters.text_views:lines",  # not of a document
        "filters.signals:resolve",
        "filters.lines:num_lines.__call__",
        "filters.absent:num_lines",
    ],
)
def test_anything_but_a_signal_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match="is not a signal"):
        resolve(name)


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_signal_is_documented(signal: Signal) -> None:
    assert "Returns:" in (signal.__doc__ or "")


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
@settings(deadline=None)  # the first call may build a table
@given(text=ANY_TEXT, other=ANY_TEXT)
def test_signal_is_total_finite_and_deterministic(signal: Signal, text: str, other: str) -> None:
    value = signal(document(text))
    assert type(value) is float
    assert math.isfinite(value)
    signal(document(other))  # evicts the cached views
    assert signal(document(text)) == value


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_signal_takes_the_empty_text(signal: Signal) -> None:
    assert math.isfinite(signal(document("")))
