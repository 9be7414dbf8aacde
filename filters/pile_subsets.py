"""Licences of text sources: what a recipe says of their subsets, and what is known of those of the Pile.

A row of the Pile names its subset and no licence. `pile_subsets.json` holds what is known of each of the 22. Sixteen
have no licence that could be named, which the table says rather than guess; six of these are off until a recipe names
them, because they were taken down or consist of works that nobody licensed. The table is data, so that a lawyer can
review it without reading code; `subset_table` gives its rows for the documentation.

Sources stand in the table, subset by subset, with a word on whether they were read. A look-up costs under a microsecond
for the names as the Pile writes them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

ROW_FORMAT = "pile"
OFF_BY_DEFAULT = "subset_off_by_default"

# Longer than any name of a subset (17), with room for spaces; a row's name has no limit of its own.
_NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class SubsetLicence:
    """What is known of one subset of the Pile.

    Attributes:
        name: as in `meta.pile_set_name`.
        expression: an SPDX expression; empty where no licence of the whole subset is known.
        on: whether its rows are taken without the recipe naming it.
        basis: why, in a sentence.
        checked: whether that was read in `source` or written down from memory.
        source: where it was read; empty for "from memory".
    """

    name: str
    expression: str
    on: bool
    basis: str
    checked: Literal["named source", "from memory"]
    source: str


class SourceLicence(NamedTuple):
    """What a source says of one row's licence.

    Attributes:
        expression: not yet checked; empty where nothing is said, and for a rejected row.
        where: who says it, for the evidence; empty with the expression.
        rejected: `subset_off_by_default`, or None.
    """

    expression: str
    where: str
    rejected: str | None


def subset_licence(subset: str) -> SubsetLicence | None:
    """What is known of a subset of the Pile; None for any other name, the empty one included.

    Copies of the Pile re-spell names (`GitHub`, `youtube_subtitles`), and a subset that is off must not come in by
    another spelling: upper and lower case, spaces and punctuation make no difference.
    """
    return _table().get(subset) or (_by_key().get(_key(subset)) if len(subset) <= _NAME_CHARACTERS else None)


def source_licence(
    row_format: str, subset: str, subset_licences: Mapping[str, str], declared_licence: str
) -> SourceLicence:
    """What the recipe and the table say of the licence of a row of this subset.

    The more specific word wins: the recipe's for this subset, then the table's (format `pile` alone), then
    `declared_licence`, the recipe's for the whole source. So a blanket word neither turns a subset on nor hides that
    Wikipedia is share-alike; to contradict the table, a recipe names the subset. Where the table knows no licence, as
    for names that it does not hold, the blanket word counts: somebody who declares one answers for those rows.

    An empty licence in `subset_licences` turns a subset on and says nothing else: the next in line is asked.
    NOASSERTION says that none is known, and the table is not asked.

    Returns:
        Expression and where it stands, both empty where nobody says anything; or the reason for a subset that is off.
    """
    known = subset_licence(subset) if row_format == ROW_FORMAT else None
    named = subset_licences.get(subset)
    if named is None and known is not None:
        named = subset_licences.get(known.name)
    if known is not None and not known.on and named is None:
        return SourceLicence("", "", OFF_BY_DEFAULT)
    if named is not None and named.strip():
        return SourceLicence(named, "recipe, subset_licences", None)
    if known is not None and known.expression:
        return SourceLicence(known.expression, "table of the Pile's subsets", None)
    if declared_licence.strip():
        return SourceLicence(declared_licence, "recipe", None)
    return SourceLicence("", "", None)


def unknown_subsets(row_format: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """The names that are no subset of the Pile, spelt as the Pile does, each with the nearest one that is.

    For a recipe's check of `subset_licences`: a mistyped name would leave its subset off, or to the blanket licence.

    Returns:
        Pairs in the order of `names`; empty for every format but `pile`, whose subsets are anybody's.
    """
    if row_format != ROW_FORMAT:
        return []
    return [(name, _nearest(name)) for name in names if name not in _table()]


def subset_table() -> list[tuple[str, str, str, str, str]]:
    """Rows for the documentation: subset, licence, by default, why, checked; 22, in the order of the Pile's paper."""
    return [
        (
            known.name,
            known.expression or "none known",
            "on" if known.on else "off",
            known.basis,
            f"{known.checked}: {known.source}" if known.source else known.checked,
        )
        for known in _table().values()
    ]


def _key(name: str) -> str:
    """What is left of a name when spelling is taken away."""
    return "".join(filter(str.isalnum, name.casefold()))


def _nearest(name: str) -> str:
    # The cut bounds difflib, which is quadratic; with no cutoff there is always a match.
    return _by_key()[get_close_matches(_key(name[:_NAME_CHARACTERS]), _by_key(), n=1, cutoff=0.0)[0]].name


@cache
def _table() -> dict[str, SubsetLicence]:
    """The table by name, read once."""
    data = json.loads(files("filters").joinpath("pile_subsets.json").read_text(encoding="utf-8"))
    return {name: SubsetLicence(name=name, **facts) for name, facts in data["subsets"].items()}


@cache
def _by_key() -> dict[str, SubsetLicence]:
    return {_key(name): known for name, known in _table().items()}
