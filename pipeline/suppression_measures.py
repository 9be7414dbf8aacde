"""Whether what a registry remembers can be compared with texts: bands and values say nothing across settings."""

from collections.abc import Iterable

import msgspec

from manifests.errors import RecipeError
from stages.suppression_files import NearSettings, Suppressed


def check_measures(near: NearSettings | None, removed: Iterable[Suppressed], *, where: str, keep: str) -> None:
    """See that near copies of what was removed can be told; where it has no signatures, only equals are.

    Args:
        near: the settings of what it is compared with; None where that has no signatures.
        where: what is refused.
        keep: what to say for equal contents alone.

    Raises:
        RecipeError: something was measured by other settings.
    """
    for some in removed:
        if some.near is not None and some.near != near:
            theirs, ours = (one and msgspec.structs.asdict(one) for one in (some.near, near))
            raise RecipeError(
                f"{where}: what was removed was measured by other settings; deduplication.near: expected {theirs}, got "
                f"{ours}",
                hint=f"{keep}: only equal contents go",
            )
