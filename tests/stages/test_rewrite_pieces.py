"""Pieces: they are the text again, each fits, and an estimate of tokens that is seldom too low."""

import json
import os
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.code_structure import top_level_units
from stages.rewrite_pieces import (
    TooLongError,
    answer_tokens,
    estimated_tokens,
    grouped,
    piece_tokens,
    with_edges_of,
)

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))

UNITS = st.lists(st.text("ab1 é{}\n", min_size=1, max_size=30), min_size=1, max_size=12)
EDGED = st.text("a \n\t", max_size=12)


def spans_of(units: list[str]) -> list[tuple[int, int]]:
    return list(pairwise(accumulate((len(unit) for unit in units), initial=0)))


@given(UNITS, st.integers(60, 200))
def test_pieces_are_the_text_in_whole_units_and_fit(units: list[str], bound: int) -> None:
    text = "".join(units)
    pieces = grouped(text, spans_of(units), bound)
    ends = set(accumulate(map(len, units)))
    assert "".join(pieces) == text
    assert set(accumulate(map(len, pieces))) <= ends
    assert all(estimated_tokens(piece) <= bound for piece in pieces)


@given(UNITS, st.integers(60, 200))
def test_no_two_neighbours_would_have_fitted_in_one_piece(units: list[str], bound: int) -> None:
    pieces = grouped("".join(units), spans_of(units), bound)
    rounding = len(units)  # each unit's tokens are rounded up
    assert all(estimated_tokens(left + right) + rounding > bound for left, right in pairwise(pieces))


def test_a_file_goes_by_its_functions() -> None:
    functions = [f"# number {n}\ndef f{n}(x):\n    return x + {n}\n\n\n" for n in range(6)]
    text = "".join(functions)
    pieces = grouped(text, top_level_units(text, "Python"), 2 * estimated_tokens(functions[0]))
    assert pieces == ["".join(functions[n : n + 2]) for n in (0, 2, 4)]


def test_a_unit_that_is_too_long_is_told_with_its_tokens() -> None:
    units = ["a" * 30, "b" * 300, "c" * 600]
    with pytest.raises(TooLongError, match="about 200 tokens; a piece may have 50") as error:
        grouped("".join(units), spans_of(units), 50)
    assert (error.value.tokens, error.value.bound) == (200, 50)


@given(EDGED)
def test_a_piece_has_its_own_edges(text: str) -> None:
    assert with_edges_of(text, text) == text


@pytest.mark.parametrize(
    ("piece", "answer", "expected"),
    [
        ("x = 1\n", "x = 2", "x = 2\n"),
        ("\n\nx = 1\n\n\n", "x = 2\n", "\n\nx = 2\n\n\n"),
        ("    x = 1", "\n    x = 2\n\n", "    x = 2"),
        ("\n", "x = 2", "\n"),
        ("", "x = 2", ""),
    ],
)
def test_an_answer_gets_the_edges_of_its_piece(piece: str, answer: str, expected: str) -> None:
    assert with_edges_of(piece, answer) == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_estimate_grows_with_the_text(left: str, right: str) -> None:
    whole = estimated_tokens(left + right)
    assert estimated_tokens(left) <= whole <= estimated_tokens(left) + estimated_tokens(right)


def test_an_empty_text_has_no_tokens() -> None:
    assert estimated_tokens("") == 0


@given(st.integers(600, 40_000), st.integers(0, 2_000), st.floats(1, 4), st.text("a1 é{\n", max_size=200))
def test_a_piece_within_its_bound_leaves_room_for_its_answer(
    context: int, overhead: int, maximum_length: float, text: str
) -> None:
    if estimated_tokens(text) <= piece_tokens(context, overhead, maximum_length):
        assert overhead + estimated_tokens(text) + answer_tokens(text, maximum_length) <= context


def test_where_the_prompt_fills_the_context_no_piece_fits() -> None:
    assert piece_tokens(512, 500, 2.0) <= 0


@pytest.mark.real
def test_the_estimate_is_seldom_too_low_and_never_by_much() -> None:
    tokenizer_file = SHARED / "tokenizers" / "qwen2_5" / "tokenizer.json"
    shard = SHARED / "data" / "stack_v2" / "part-00000-of-00010.jsonl.zst"
    if not tokenizer_file.exists() or not shard.exists():
        pytest.skip("the shared tokenizer or sample shards are not there")
    import zstandard
    from tokenizers import Tokenizer

    languages = {"C", "C#", "C++", "Go", "Java", "JavaScript", "PHP", "Python", "Ruby", "Rust", "TypeScript"}
    with zstandard.open(shard, "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        texts = [row["content"] for row in rows if row.get("language") in languages and row.get("content")]
    encodings = Tokenizer.from_file(str(tokenizer_file)).encode_batch(texts, add_special_tokens=False)
    ratios = sorted(estimated_tokens(text) / len(encoding.ids) for text, encoding in zip(texts, encodings, strict=True))
    assert len(ratios) > 200
    assert ratios[len(ratios) // 100] > 1
    assert ratios[0] > 0.75
    assert ratios[len(ratios) // 2] < 1.6
