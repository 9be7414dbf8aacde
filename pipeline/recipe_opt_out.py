"""The recipe's section on opt-outs: whose requests a run heeds."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.recipe_types import Section


class OptOut(Section):
    """The opt-out registry that a run heeds, a folder, and what becomes of near copies of what was asked for.

    `remove`: documents at least 0.9 like one that a request names go with it, and so does what resembles content that
    was taken out of an earlier release. `keep`: only the same content goes.
    """

    registry: Annotated[str, Field(min_length=1)]
    near_copies: Literal["remove", "keep"] = "remove"
