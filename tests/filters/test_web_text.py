import pytest

from filters.signals import Signal
from filters.web_text import (
    address_character_fraction,
    c4_line_fraction,
    c4_num_curly_brackets,
    c4_num_placeholder_lines,
    c4_num_sentences,
    javascript_line_fraction,
    policy_line_fraction,
)
from manifests.document import Document


def value_of(signal: Signal, text: str) -> float:
    return signal(Document(id="", text=text, kind="text", source=""))


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("This is kept.", True),
        ("Is this kept?", True),
        ("  This is kept!\r", True),
        ('He said "so be it."', True),
        ("it is the dogs'", True),
        ("This is not kept", False),
        ("Two words.", False),
        ("This goes on...", False),
        ("This goes on\u2026", False),
        ("As was shown before.[12][3]", True),
        ("As was shown before. [12]", False),
        ("As was shown before.[12a]", False),
        ("As was shown before[12]", False),
        ("[1] [2] [3]", False),
        ("too long " + "x" * 1001 + ".", False),
        ("not too long " + "x" * 999 + ".", True),
        ("", False),
    ],
)
def test_c4_keeps_a_line(line: str, kept: bool) -> None:
    assert value_of(c4_line_fraction, f"head\n{line}\nfoot") == kept / (3 if line.strip() else 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("One here. Two here! Three?", 3),
        ("One... is one here.", 1),
        ("Version 3.1 is one.", 1),
        ("Really?! Yes, that is two.", 2),
        ("One is here.\nnot kept\nTwo is here.", 2),
        ("We use cookies here. All of us.\nOne is here.", 1),
        ("They like JavaScript here. Two.", 2),
    ],
)
def test_sentences_in_the_lines_that_c4_keeps(text: str, expected: float) -> None:
    assert value_of(c4_num_sentences, text) == expected


def test_curly_brackets_count_where_c4_keeps_the_line() -> None:
    assert value_of(c4_num_curly_brackets, "if {x} {y} is here.\n{not kept}") == 2


def test_placeholder_text_counts_where_c4_keeps_the_line() -> None:
    assert value_of(c4_num_placeholder_lines, "Lorem Ipsum dolor sit.\nlorem ipsum\nOne is here.") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("Privacy Policy\n\nText", 0.5), ("lorem ipsum", 0), ("lorem ipsum uses cookies\nx", 0.5)],
)
def test_policy_line_fraction(text: str, expected: float) -> None:
    assert value_of(policy_line_fraction, text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("Enable JavaScript\n\nText", 0.5), ("java script", 0)])
def test_javascript_line_fraction(text: str, expected: float) -> None:
    assert value_of(javascript_line_fraction, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a://b", 0), ("see http://a.b/", 11 / 15), ("https://a b http://c", 17 / 20)],
)
def test_address_character_fraction(text: str, expected: float) -> None:
    assert value_of(address_character_fraction, text) == expected


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ud800\n\x00"])
def test_nothing_visible_is_nothing_kept(text: str) -> None:
    assert value_of(c4_line_fraction, text) == value_of(c4_num_sentences, text) == 0
