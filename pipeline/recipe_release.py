"""The recipe's section on the release: where it is made and what is in it."""

from typing import Literal

from pipeline.recipe_types import Section


class ReleaseChoice(Section):
    """The folder in which the release's own folder `<name>-<version>` is made, and whether it has `texts/`.

    `texts: parquet` puts the cleaned text of every document beside its token ids; null leaves it out.
    """

    path: str = "releases"
    texts: Literal["parquet"] | None = "parquet"
