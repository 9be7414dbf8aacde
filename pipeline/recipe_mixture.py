"""The recipe's section on the mixture: shares in tokens, and what to do where there are not enough."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.recipe_types import Fraction, Positive, Section


class Mixture(Section):
    """Shares of the tokens by kind, which must add up to 1.

    `tokens` is the wanted total (null: as many as the ratio allows). Where there are not enough, `scale` makes the
    release smaller at the same ratio and `fail` stops. `reserve` is what mix selects beyond its estimate.
    """

    code: Fraction = 0.7
    text: Fraction = 0.3
    tokens: Positive | None = None
    shortfall: Literal["scale", "fail"] = "scale"
    reserve: Annotated[float, Field(ge=0, le=1)] = 0.05

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if abs(self.code + self.text - 1) > 1e-9:
            raise ValueError(f"code + text must be 1, got {self.code + self.text}")
        if self.shortfall == "fail" and self.tokens is None:
            raise ValueError("shortfall: fail needs tokens, the total that must be reached")
        return self
