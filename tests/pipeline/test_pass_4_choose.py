import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.pass_4_choose import CHOSEN, Candidates, Chosen, choose, estimated_tokens, limit_of
from pipeline.pass_4_survey import CANDIDATES
from pipeline.recipe_rewriting import Rewriting
from stages.exchange import table_of

MODEL = {"name": "lab/coder", "revision": "1", "licence": "Apache-2.0"}
Row = tuple[str, int, int]  # language, bytes, place in the order

ROWS = st.lists(
    st.tuples(st.sampled_from(["C", "Go", "Ruby"]), st.integers(1, 5000), st.integers(0, 2**64 - 1)), max_size=30
)
BUDGETS = st.none() | st.integers(1, 200_000)
SHARES = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


def rewriting(*, share: float = 1.0, maximum_share: float = 1.0, tokens: int | None = None) -> Rewriting:
    return Rewriting.model_validate(
        {
            "engine": "vllm",
            "model": MODEL,
            "modes": ["repair", "style"],
            "selection": {"share": share},
            "budget": {"tokens": tokens},
            "maximum_share": maximum_share,
        }
    )


def tables(rows: list[Row]) -> list[pa.Table]:
    return [table_of([(b"i" * 16, name, size, order, "smelly", 0, 0, 1) for name, size, order in rows], CANDIDATES)]


def chosen_of(rows: list[Row], asked: Rewriting, *, times: int = 1) -> dict[str, Chosen]:
    """What is chosen where the selected code is `times` as large as the candidates."""
    sizes: dict[str, int] = {}
    for language, num_bytes, _ in rows:
        sizes[language] = sizes.get(language, 0) + num_bytes * times
    return choose(Candidates.of(tables(rows)), sizes, asked)


def taken(rows: list[Row], chosen: dict[str, Chosen]) -> list[Row]:
    return [row for row in rows if row[2] < chosen[row[0]].bound]


def test_without_limits_all_are_chosen() -> None:
    rows = [("C", 1000, 5), ("Go", 10, 2**64 - 1)]
    chosen = chosen_of(rows, rewriting())
    assert chosen["C"] == Chosen(2**64, "", 1, 1, 1000, 2 * (1200 + 600))
    assert taken(rows, chosen) == rows
    assert limit_of(chosen.values()) == ""


def test_of_no_candidates_none_are_chosen() -> None:
    assert choose(Candidates.of([]), {"C": 5}, rewriting(tokens=1)) == {}
    assert choose(Candidates.of(tables([])), {}, rewriting()) == {}
    assert limit_of([]) == ""


def test_a_share_is_of_the_order() -> None:
    rows = [("C", 9, 2**63 - 1), ("C", 9, 2**63)]
    chosen = chosen_of(rows, rewriting(share=0.5))
    assert taken(rows, chosen) == rows[:1]
    assert limit_of(chosen.values()) == "share"
    assert taken(rows, chosen_of(rows, rewriting(share=0.0))) == []


def test_a_language_is_capped_by_its_selected_code_and_others_are_not() -> None:
    rows = [("C", 600, 1), ("C", 500, 2), ("C", 100, 3), ("Go", 600, 4)]
    chosen = choose(Candidates.of(tables(rows)), {"C": 2000, "Go": 1200}, rewriting(maximum_share=0.5))
    assert taken(rows, chosen) == [rows[0], rows[3]]
    assert (chosen["C"].limit, chosen["Go"].limit) == ("maximum_share", "")
    assert limit_of(chosen.values()) == "maximum_share"


def test_a_budget_is_spent_in_one_order_over_all_languages() -> None:
    rows = [("Go", 1000, 3), ("C", 1000, 1), ("C", 1000, 4), ("Go", 1000, 2)]
    chosen = chosen_of(rows, rewriting(tokens=3 * 3600))
    assert sorted(taken(rows, chosen)) == sorted([rows[0], rows[1], rows[3]])
    assert limit_of(chosen.values()) == "tokens"
    assert sum(one.estimated_tokens for one in chosen.values()) == 3 * 3600


def test_what_a_cap_leaves_out_does_not_spend_the_budget() -> None:
    rows = [("C", 1000, 1), ("C", 1000, 2), ("Go", 1000, 3)]
    chosen = choose(Candidates.of(tables(rows)), {"C": 2000, "Go": 2000}, rewriting(maximum_share=0.5, tokens=7200))
    assert taken(rows, chosen) == [rows[0], rows[2]]


def test_tokens_are_of_prompts_and_answers_in_every_mode() -> None:
    assert estimated_tokens(np.array([0, 1000]), 3).tolist() == [3600, 3 * 1800]


def test_a_bound_fits_into_its_column() -> None:
    chosen = chosen_of([("C", 9, 2**64 - 1)], rewriting())
    rows = [(name, one.bound % 2**64, one.bound == 2**64) for name, one in chosen.items()]
    assert table_of(rows, CHOSEN).to_pylist() == [{"language": "C", "bound": 0, "all": True}]


@settings(deadline=None, max_examples=60)
@given(ROWS, BUDGETS, SHARES, SHARES, st.randoms(use_true_random=False))
def test_limits_hold_whatever_the_order_of_the_rows(
    rows: list[Row], tokens: int | None, share: float, maximum_share: float, shuffle: random.Random
) -> None:
    asked = rewriting(share=share, maximum_share=maximum_share, tokens=tokens)
    chosen = chosen_of(rows, asked, times=2)
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    halves = tables(shuffled[: len(rows) // 2]) + tables(shuffled[len(rows) // 2 :])
    sizes = {name: 2 * sum(size for of, size, _ in rows if of == name) for name in chosen}
    assert choose(Candidates.of(halves), sizes, asked) == chosen
    for name, one in chosen.items():
        here = [row for row in taken(rows, chosen) if row[0] == name]
        assert (one.documents, one.num_bytes) == (len(here), sum(size for _, size, _ in here))
        assert one.num_bytes <= maximum_share * sizes[name]
        assert all(order < share * 2**64 for *_, order in here)
        assert one.estimated_tokens == estimated_tokens(np.array([size for _, size, _ in here], np.int64), 2).sum()
    assert tokens is None or sum(one.estimated_tokens for one in chosen.values()) <= tokens


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(1, 100_000), st.integers(0, 100_000), SHARES)
def test_more_budget_only_adds(rows: list[Row], tokens: int, more: int, maximum_share: float) -> None:
    less = taken(rows, chosen_of(rows, rewriting(tokens=tokens, maximum_share=maximum_share)))
    enough = taken(rows, chosen_of(rows, rewriting(tokens=tokens + more, maximum_share=maximum_share)))
    assert [row for row in less if row not in enough] == []


@pytest.mark.parametrize("rows", [1, 2])
def test_equal_places_are_left_out_together(rows: int) -> None:
    same = [("C", 1000, 7)] * rows
    assert len(taken(same, chosen_of(same, rewriting(tokens=3600)))) == (1 if rows == 1 else 0)
