"""Bounds: the inclusive limits a recipe puts on a signal, and the verdict on a value outside of them.

The signal measures, the bounds decide, and the verdict keeps the value, so a threshold can be tuned again from what was
stored. The same rule exists for one value and for a column of them (one numpy pass, about 10 ns a value).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manifests.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a value did not pass.

    Attributes:
        reason: `<signal function>_below_minimum` or `<signal function>_above_maximum`.
        value: what was measured.
        bound: the limit it was held against; None only for a NaN where both limits are off.
    """

    reason: str
    value: float
    bound: float | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Inclusive limits on a signal.

    A NaN never passes: it is reported against the minimum, or the maximum where the minimum is off.

    Attributes:
        signal: its full name, `filters.lines:longest_line_characters`.
        minimum: the lowest value that passes; None is off.
        maximum: the highest value that passes; None is off.

    Raises:
        RecipeError: a limit is NaN, or the minimum is above the maximum.
    """

    signal: str
    minimum: float | None
    maximum: float | None

    def __post_init__(self) -> None:
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        if not low <= high:
            raise RecipeError(
                f"{self.signal}: expected minimum <= maximum, got minimum {self.minimum} and maximum {self.maximum}",
                hint="swap or correct the two limits in the recipe",
            )

    def judge(self, value: float) -> Verdict | None:
        """None where the value lies inside, else the verdict."""
        side = self._side(value)
        if not side:
            return None
        name = self.signal.rpartition(":")[2]
        if side < 0:
            return Verdict(f"{name}_below_minimum", value, self.minimum)
        return Verdict(f"{name}_above_maximum", value, self.maximum)

    def judge_column(self, values: NDArray[np.float64]) -> NDArray[np.int8]:
        """The verdicts on many values at once.

        Args:
            values: float64, any shape.

        Returns:
            int8, the same shape: 0 inside, -1 below the minimum, +1 above the maximum.
        """
        sides = np.zeros(values.shape, dtype=np.int8)
        if self.maximum is not None:
            sides[values > self.maximum] = 1
        if self.minimum is not None:
            sides[values < self.minimum] = -1
        sides[np.isnan(values)] = self._side_of_nan()
        return sides

    def _side(self, value: float) -> int:
        if math.isnan(value):  # it would compare false with every limit
            return self._side_of_nan()
        if self.minimum is not None and value < self.minimum:
            return -1
        return 1 if self.maximum is not None and value > self.maximum else 0

    def _side_of_nan(self) -> int:
        return 1 if self.minimum is None else -1
