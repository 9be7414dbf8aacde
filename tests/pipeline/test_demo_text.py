"""Prose and docstrings for the demo."""

from pipeline.demo_text import is_prose, long_docstrings


def test_docstrings_are_found_under_conditions_and_in_classes() -> None:
    words = ("word " * 250).strip()
    source = f'if x:\n    class A:\n        async def f(self):\n            """{words}"""\n    x = lambda: 1\n'
    assert list(long_docstrings(source)) == [("3:f", words)]


def test_a_docstring_that_utf_8_cannot_hold_is_left_out() -> None:
    assert list(long_docstrings('"""\\ud800' + "word " * 250 + '"""')) == []


def test_source_that_does_not_parse_has_no_docstrings() -> None:
    assert list(long_docstrings("def (:")) == []


def test_prose_is_told_from_data() -> None:
    assert is_prose("This is a sentence of a text. It goes on, as texts do, for a while longer.\n" * 6)
    assert not is_prose("1.25 3.50 7.00\n" * 100)
    assert not is_prose("Short.")
