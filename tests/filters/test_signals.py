import importlib
import inspect
import math
import pkgutil
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filters
from filters.lines import longest_line_characters
from filters.signals import Signal, all_signals, resolve
from manifests.document import Document
from manifests.errors import RecipeError

SIGNALS = all_signals()
ANY_TEXT = st.one_of(st.text(st.characters()), st.text(st.sampled_from("a{}; \t\n\r\x00\ud800\udfff\U0010ffff")))


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="test")


def test_resolves_a_signal_by_its_name() -> None:
    assert resolve("longest_line_characters") is longest_line_characters


def test_lists_all_signals_in_order() -> None:
    assert list(SIGNALS) == sorted(SIGNALS)
    assert {"num_words", "num_lines", "alphabetic_fraction"} <= SIGNALS.keys()


def test_the_source_lines_name_what_the_annotations_say() -> None:
    """No public function of the package that measures a document goes unseen."""
    meant = {}
    for info in pkgutil.iter_modules(filters.__path__):
        module = importlib.import_module(f"filters.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and get_type_hints(function).get("return") is float:
                first, *others = get_type_hints(function).values()
                if first is Document and len(others) == 1:
                    meant[name] = function
    assert meant == SIGNALS


def test_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(RecipeError, match="'longest_line_characters'"):
        resolve("longest_line_chars")


@pytest.mark.parametrize(
    "name",
    ["", "filters.lines:num_lines", "lines", "os:getcwd", "document_id", "resolve", "num_lines.__call__", "_tables"],
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
