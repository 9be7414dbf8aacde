"""Refusals: which gate a rewrite did not pass and why, in words that help a model that tries again."""

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.printable import printable

MAXIMUM_DETAIL_CHARACTERS = 300
_MAXIMUM_NAME_CHARACTERS = 80
_MAXIMUM_NAMES = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rewrite is not taken.

    Attributes:
        gate: one of `rewrite_gates.GATES`.
        detail: one printable line of at most `MAXIMUM_DETAIL_CHARACTERS` and a mark of what was cut; it may name
            functions and modules of hostile text.
        value: what was measured, where the gate has a measure.
        bound: inclusive; the last value that would have passed.
    """

    gate: str
    detail: str
    value: float | None = None
    bound: float | None = None


def refusal(gate: str, detail: str, value: float | None = None, bound: float | None = None) -> Refusal:
    """A refusal whose detail is made one bounded, printable line."""
    return Refusal(gate, printable(" ".join(detail.split()), MAXIMUM_DETAIL_CHARACTERS), value, bound)


def named(names: Iterable[str]) -> str:
    """Some names in quotes, in alphabetical order: "`a`, `b` and 3 more"."""
    ordered = sorted(names)
    shown = ", ".join(f"`{printable(name, _MAXIMUM_NAME_CHARACTERS)}`" for name in ordered[:_MAXIMUM_NAMES])
    more = len(ordered) - _MAXIMUM_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
