"""What every part of a recipe is made of: the strict base class and the types that several parts share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


class Section(BaseModel):
    """A part of the recipe: strict, frozen, no unknown key."""

    # Defaults are validated, so that one is of its type as it would be when read: 5.0 where 5 stands here.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
