"""The recipe's section on the release: where it is made and what is in it."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from pipeline.recipe_types import Section
from stages.texts import TextsFormat

_CHOICES: tuple[str, ...] = (*get_args(TextsFormat), "off")


def _texts(value: Any) -> Any:
    """YAML reads a bare `off` as false; null, which is off elsewhere, is refused, so that there is one word for it."""
    if value is False:
        return "off"
    if value not in _CHOICES:
        got = "null" if value is None else "true" if value is True else repr(value)[:80]
        near = get_close_matches(str(value), _CHOICES, n=1) or ["off" if value is None else "parquet"]
        choices = f"{', '.join(_CHOICES[:-1])} or {_CHOICES[-1]}"
        raise ValueError(f"expected {choices}, got {got}; did you mean texts: {near[0]}?")
    return value


class ReleaseChoice(Section):
    """The folder in which the release's own folder `<name>-<version>` is made, and what its `texts/` is written as.

    `texts` puts the cleaned text of every document beside its token ids, as Parquet or as JSON lines in zstd frames.
    `off` leaves it out. Texts that are held out are Parquet in any case. `parent` is the folder of the release before
    this one, which the manifest then names.
    """

    path: str = "releases"
    texts: Annotated[TextsFormat | Literal["off"], BeforeValidator(_texts)] = "parquet"
    parent: Annotated[str, Field(min_length=1)] | None = None
