"""What is looked for, how eagerly, and what stays because the recipe says so.

A level says how much doubt a finding may carry. `low` takes what its own form proves (a token with a provider's prefix,
a card with issuer and check digit); `balanced` adds what its surroundings make likely; `high` takes what merely may be
one, and will be wrong often. `off` looks for nothing of a kind.
"""

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from typing import Literal, get_args

from filters.spans import SpanKind

Level = Literal["off", "low", "balanced", "high"]

KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class RedactionPolicy:
    """Immutable and hashable: a compiled scanner is kept for each.

    Attributes:
        levels: one for each of `KINDS`, in that order.
        allow: patterns of values that stay, in which only `*` and `?` have a meaning; case does not matter.
        stand_ins: whether an address becomes one of a documentation range instead of a placeholder.
    """

    levels: tuple[Level, ...] = tuple(LEVELS[2] for _ in KINDS)
    allow: tuple[str, ...] = ()
    stand_ins: bool = False

    def level(self, kind: SpanKind) -> Level:
        """How eagerly a kind is looked for."""
        return self.levels[KINDS.index(kind)]


def only(*kinds: SpanKind, level: Level = "balanced") -> RedactionPolicy:
    """The policy that looks for these kinds alone."""
    return RedactionPolicy(tuple(level if kind in kinds else "off" for kind in KINDS))


def is_on(rule_level: Level, level: Level) -> bool:
    """Whether a rule that wants `rule_level` at least is used at `level`."""
    return level != "off" and LEVELS.index(rule_level) <= LEVELS.index(level)


@cache
def allowed_values(allow: tuple[str, ...]) -> re.Pattern[str] | None:
    """The one pattern of all that stays; None where nothing does."""
    patterns = [translate(pattern.replace("[", "[[]")) for pattern in allow]
    return re.compile("|".join(patterns), re.IGNORECASE) if allow else None
