import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bounds import Bounds, Verdict
from manifests.errors import RecipeError

NAME = "filters.lines:longest_line_characters"
LIMIT = st.one_of(st.none(), st.floats(allow_nan=False))


@pytest.mark.parametrize("value", [1.0, 5.0, 10.0])
def test_limits_are_inclusive(value: float) -> None:
    assert Bounds(NAME, 1, 10).judge(value) is None


def test_value_above_the_maximum() -> None:
    verdict = Bounds(NAME, None, 1000).judge(1001)
    assert verdict == Verdict("longest_line_characters_above_maximum", 1001, 1000)


def test_value_below_the_minimum() -> None:
    verdict = Bounds(NAME, 3, None).judge(2)
    assert verdict == Verdict("longest_line_characters_below_minimum", 2, 3)


def test_limits_that_are_off_pass_everything() -> None:
    bounds = Bounds(NAME, None, None)
    assert bounds.judge(math.inf) is None
    assert bounds.judge(-math.inf) is None


@pytest.mark.parametrize(
    ("minimum", "maximum", "side", "bound"),
    [(0, 1, "below_minimum", 0), (None, 1, "above_maximum", 1), (None, None, "above_maximum", None)],
)
def test_nan_never_passes(minimum: float | None, maximum: float | None, side: str, bound: float | None) -> None:
    verdict = Bounds(NAME, minimum, maximum).judge(math.nan)
    assert verdict is not None
    assert verdict.reason == f"longest_line_characters_{side}"
    assert verdict.bound == bound


@pytest.mark.parametrize(("minimum", "maximum"), [(2, 1), (math.nan, 1), (1, math.nan), (math.nan, None)])
def test_limits_that_nothing_can_meet_are_a_recipe_error(minimum: float, maximum: float | None) -> None:
    with pytest.raises(RecipeError, match="minimum <= maximum"):
        Bounds(NAME, minimum, maximum)


def test_empty_column() -> None:
    sides = Bounds(NAME, 0, 1).judge_column(np.empty(0))
    assert sides.dtype == np.int8
    assert sides.shape == (0,)


def test_column_by_hand() -> None:
    sides = Bounds(NAME, 0, 1).judge_column(np.array([-0.5, 0, 1, 1.5, math.nan]))
    assert sides.tolist() == [-1, 0, 0, 1, -1]


@given(LIMIT, LIMIT, st.lists(st.floats()))
def test_column_agrees_with_single_values(first: float | None, second: float | None, values: list[float]) -> None:
    both = None not in (first, second)
    minimum, maximum = sorted((first, second), key=lambda limit: limit or 0) if both else (first, second)
    bounds = Bounds(NAME, minimum, maximum)
    sides = {None: 0, "longest_line_characters_below_minimum": -1, "longest_line_characters_above_maximum": 1}
    verdicts = [bounds.judge(value) for value in values]
    expected = [sides[verdict.reason if verdict else None] for verdict in verdicts]
    assert bounds.judge_column(np.array(values, dtype=np.float64)).tolist() == expected
