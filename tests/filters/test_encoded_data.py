import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.encoded_data import encoded_fraction, longest_encoded_run_characters
from manifests.document import Document

# The published patterns; what the compiled scan has to agree with.
PATTERNS = [
    re.compile(r"[a-zA-Z0-9+/\n=]{64,}"),
    re.compile(r"(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}", re.ASCII),
    re.compile(r"(?:\\u[0-9a-fA-F]{4}){8,}"),
]
PIECES = ["0x", "\\x", "\\u", "4f", "a9", "Z", ",", " ", "\n", "\t", "_", "é", "\ud800", "\\", "0", "u12", "\x1c"]
PIECES += ["4f " * 8, "0x4f," * 7, "\\u00e9" * 7, "aB3+" * 16, "\\x41" * 8]


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="")


def matches(text: str) -> list[int]:
    return [len(match.group()) for pattern in PATTERNS for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    ("text", "longest"),
    [
        ("", 0),
        ("a", 0),
        ("A" * 63, 0),
        ("A" * 64, 64),
        ("-" + "QUJD+/=\n" * 9 + "-", 72),
        ("0x1f,0x8b," * 4, 40),
        ("0x1f, 0x8b, " * 4, 0),  # the pattern knows no blank after a comma
        ("1f 8b 08 00 00 00 00 00 ", 24),
        ("1f 8b 08 00 00 00 00 ", 0),
        ('"\\x1f\\x8b\\x08\\x00\\x00\\x00\\x00\\x00\\x00"', 32),  # after a quote, the first group has no word boundary
        ("\\u0041" * 8, 48),
        ("\\u0041" * 7, 0),
        ("def function(argument): return argument + other_argument * 12 + 42\n", 0),
    ],
)
def test_longest_run(text: str, longest: int) -> None:
    assert longest_encoded_run_characters(document(text)) == longest


def test_fraction_is_of_code_points() -> None:
    assert encoded_fraction(document("A" * 64 + "é" * 64)) == 0.5


def test_fraction_sums_all_matches() -> None:
    text = "A" * 64 + "-" + "B" * 64 + "-" * 127
    assert encoded_fraction(document(text)) == 0.5


def test_fraction_ends_at_one_where_two_patterns_match() -> None:
    assert encoded_fraction(document("1f\n" * 40)) == 1.0


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@example("\\u0041\\u0041" * 4 + "4f 4f 4f 4f 4f 4f 4f 4f")
@example("é4f 4f 4f 4f 4f 4f 4f 4f")
def test_agrees_with_the_published_patterns(text: str) -> None:
    assert longest_encoded_run_characters(document(text)) == max(matches(text), default=0)
    assert encoded_fraction(document(text)) * max(1, len(text)) == pytest.approx(min(len(text), sum(matches(text))))
