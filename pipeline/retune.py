"""`retune`: what other limits would keep, told from the values that ingest stored; nothing is read again or changed.

Cost: the columns of `judgement.COLUMNS`, some CPU seconds for a million rows.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.table import Table

from manifests.errors import RecipeError
from pipeline.inspect_run import plain_console, safe
from pipeline.judgement import COLUMNS, DocumentClass, classes, findings, unmeasured
from pipeline.recipe import Recipe
from pipeline.recipe_file import with_overrides
from pipeline.tables import tables
from pipeline.units import Mill

_JUDGED = {"languages", "filters"}
_GROUPS_SHOWN = 60


@dataclass(slots=True)
class _Tally:
    """Documents of a group: all of them, and those that pass now and then."""

    documents: int = 0
    now: int = 0
    then: int = 0

    def row(self, name: str) -> list[str]:
        """The cells of a printed row."""
        share = f"{self.then / self.documents:.1%}"
        return [name, *(f"{n:,}" for n in (self.documents, self.now, self.then)), share, f"{self.then - self.now:+,}"]

    def add(self, other: "_Tally") -> None:
        """Count another group in."""
        for name in ("documents", "now", "then"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def print_retuned(mill: Mill, overrides: Iterable[str]) -> None:
    """Say, by subset or language, what languages and filters keep now, and what they would with some keys changed.

    Only these two judge here: licences, duplicates and the mixture come on top.

    Raises:
        RecipeError: a setting that is none, one that neither judges language nor quality, one that needs a signal
            which the run did not measure, or a run without a finished ingest.
    """
    recipe = _changed(mill.recipe, overrides)
    told = _Told()
    missing: Counter[str] = Counter()
    for rows in tables(mill, "ingest", "rows", columns=COLUMNS):
        for bounds, count in unmeasured(rows, recipe, mill.recipe.filters.signals):
            missing[bounds.signal] += count
        if not missing:
            told.add(rows, mill.recipe, recipe)
    if missing:
        raise RecipeError(
            "expected signals that this run measured, found "
            + ", ".join(f"{signal} missing for {count:,} documents" for signal, count in sorted(missing.items())),
            hint="put the change into the recipe and run it `--until ingest` in another work folder first",
        )
    if not told.groups:
        raise RecipeError("this run has read no document yet", hint="`corpusmill run RECIPE --until ingest` first")
    told.print()


class _Told:
    """What was counted so far: documents by group, and rejections by reason."""

    def __init__(self) -> None:
        self.groups: dict[str, _Tally] = {}
        self._reasons: dict[str, list[int]] = {}

    def add(self, rows: pa.Table, now: Recipe, then: Recipe) -> None:
        """Judge the rows of a table by two recipes."""
        signals = now.filters.signals
        passing = [self._judge(rows, recipe, signals, place) for place, recipe in enumerate((now, then))]
        for group, indices in classes(rows).items():
            tally = self.groups.setdefault(_name(group), _Tally())
            tally.documents += len(indices)
            tally.now += int(passing[0][indices].sum())
            tally.then += int(passing[1][indices].sum())

    def _judge(self, rows: pa.Table, recipe: Recipe, signals: list[str], place: int) -> npt.NDArray[np.bool_]:
        passing = np.ones(rows.num_rows, dtype=np.bool_)
        for finding in findings(rows, recipe, signals):
            if passing[finding.row]:  # the first finding is the reason
                passing[finding.row] = False
                self._reasons.setdefault(finding.reason, [0, 0])[place] += 1
        return passing

    def print(self) -> None:
        """Two tables: groups, the largest first, and reasons."""
        console = plain_console()
        groups, everything = _table("group", "documents", "kept now", "then", "share", "change"), _Tally()
        for tally in self.groups.values():
            everything.add(tally)
        ordered = sorted(self.groups.items(), key=lambda item: (-item[1].documents, item[0]))
        for name, tally in ordered[:_GROUPS_SHOWN]:
            groups.add_row(*tally.row(name))
        if rest := ordered[_GROUPS_SHOWN:]:
            small = _Tally()
            for _, tally in rest:
                small.add(tally)
            groups.add_row(*small.row(f"({len(rest)} smaller groups)"))
        groups.add_row(*everything.row("all"))
        console.print(groups, soft_wrap=False)
        reasons = _table("reason", "rejected now", "rejected then")
        for reason, counts in sorted(self._reasons.items(), key=lambda item: (-max(item[1]), item[0])):
            reasons.add_row(reason, *(f"{count:,}" for count in counts))
        console.print()
        console.print(reasons, soft_wrap=False)
        console.print("languages and filters alone, on every document that was read; nothing was changed")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _changed(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    changed = with_overrides(recipe, overrides)
    old, new = (part.model_dump() for part in (recipe, changed))
    for key in sorted(old.keys() - _JUDGED):
        if old[key] != new[key]:
            raise RecipeError(
                f"--set {key}: cannot be told from stored values; expected keys of {' or '.join(sorted(_JUDGED))}",
                hint="for example --set filters.profiles.prose.num_words.minimum=50",
            )
    return changed


def _name(group: DocumentClass) -> str:
    return safe(f"{group.kind}: {group.subset or group.language or '(unknown)'}", 32)
