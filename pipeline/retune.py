"""`retune`: what other limits would keep, told from the values that ingest stored; nothing is read again or changed.

Cost: the columns of `judgement.COLUMNS`, some CPU seconds for a million rows.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from manifests.errors import RecipeError
from pipeline.inspect_run import plain_console, safe
from pipeline.judgement import COLUMNS, failing, unmeasured
from pipeline.recipe import Recipe
from pipeline.recipe_file import with_overrides
from pipeline.tables import measured_signals, tables
from pipeline.units import Mill

_GROUPS_SHOWN = 60
_GROUP = ("kind", "subset", "language")


@dataclass(slots=True)
class _Tally:
    """Documents of a group: all of them, and those that pass now and then."""

    documents: int = 0
    now: int = 0
    then: int = 0

    def add(self, documents: int, now: int, then: int) -> None:
        """Count more documents in."""
        self.documents += documents
        self.now += now
        self.then += then

    def row(self, name: str, *, changed: bool) -> list[str]:
        """The cells of a printed row; a share and a change of documents."""
        if not changed:
            return [name, f"{self.documents:,}", f"{self.now:,}", f"{self.now / self.documents:.1%}"]
        counts = [f"{count:,}" for count in (self.documents, self.now, self.then)]
        return [name, *counts, f"{self.then / self.documents:.1%}", f"{self.then - self.now:+,}"]


def print_retuned(mill: Mill, overrides: Iterable[str]) -> None:
    """Say, by subset or language, what languages and filters keep now, and what they would with some keys changed.

    Only these two judge here: licences, duplicates and the mixture come on top.

    Raises:
        RecipeError: a setting that is none, one that neither judges language nor quality, one that needs a signal
            which the run did not measure, an assignment of a group that no document is in, or a run without a finished
            ingest.
    """
    recipe = _changed(mill.recipe, overrides)
    signals = measured_signals(mill)
    told = _Told(changed=recipe != mill.recipe)
    missing: Counter[str] = Counter()
    for rows in tables(mill, "ingest", "rows", columns=COLUMNS):
        for bounds, count in unmeasured(rows, recipe, signals):
            missing[bounds.signal] = max(missing[bounds.signal], count)
        if not missing:
            told.add(rows, mill.recipe, recipe, signals)
    if missing:
        raise RecipeError(
            f"{len(missing)} signals were not measured of the documents that this would judge: {', '.join(missing)}",
            hint="measure them first, in another work folder: corpusmill run RECIPE --until ingest --work FOLDER --set "
            "filters.measure.KIND=[PROFILE]",
        )
    if not told.groups:
        raise RecipeError("this run has read no document yet", hint="`corpusmill run RECIPE --until ingest` first")
    _check_groups(mill.recipe, recipe, {name for group in told.groups for name in group})
    told.print()


class _Told:
    """What was counted so far: documents by kind, subset and language, and rejections by reason."""

    def __init__(self, *, changed: bool) -> None:
        self.groups: dict[tuple[str, ...], _Tally] = {}
        self._reasons: dict[str, list[int]] = {}
        self._changed = changed

    def add(self, rows: pa.Table, now: Recipe, then: Recipe, signals: list[str]) -> None:
        """Judge the rows of a table by two recipes."""
        first = self._passing(rows, now, signals, 0)
        second = self._passing(rows, then, signals, 1) if self._changed else first
        # A document with a subset is told by it, one without by its language.
        has_subset = pc.not_equal(rows.column("subset"), "")
        language = pc.if_else(has_subset, "", rows.column("language"))
        columns = [rows.column("kind"), rows.column("subset"), language]
        table = pa.table([*columns, pa.array(first), pa.array(second)], names=[*_GROUP, "now", "then"])
        sums = table.group_by(list(_GROUP)).aggregate([("now", "count"), ("now", "sum"), ("then", "sum")])
        for *group, documents, kept, kept_then in zip(*(column.to_pylist() for column in sums.columns), strict=True):
            self.groups.setdefault(tuple(group), _Tally()).add(documents, kept, kept_then)

    def _passing(self, rows: pa.Table, recipe: Recipe, signals: list[str], place: int) -> npt.NDArray[np.bool_]:
        passing = np.ones(rows.num_rows, dtype=np.bool_)
        for found in failing(rows, recipe, signals):
            counts = self._reasons.setdefault(found.reason, [0, 0])
            counts[place] += int(passing[found.rows].sum())  # the first reason of a row is the one that counts
            passing[found.rows] = False
        return passing

    def print(self) -> None:
        """Two tables: groups, the largest first, and reasons."""
        changed = self._changed
        groups = _table("group", "documents", "kept now", *(("then", "share", "change") if changed else ("share",)))
        tallies: dict[str, _Tally] = {}
        everything = _Tally()
        for (kind, subset, language), tally in self.groups.items():
            name = f"{kind}: {subset or language or '(unknown)'}"
            tallies.setdefault(name, _Tally()).add(tally.documents, tally.now, tally.then)
            everything.add(tally.documents, tally.now, tally.then)
        ordered = sorted(tallies.items(), key=lambda item: (-abs(item[1].then - item[1].now), -item[1].documents, item))
        for name, tally in ordered[:_GROUPS_SHOWN]:
            groups.add_row(*tally.row(safe(name, 30), changed=changed))
        if rest := ordered[_GROUPS_SHOWN:]:
            small = _Tally()
            for _, tally in rest:
                small.add(tally.documents, tally.now, tally.then)
            groups.add_row(*small.row(f"({len(rest)} smaller groups)", changed=changed))
        groups.add_row(*everything.row("all", changed=changed))
        console = plain_console()
        console.print(groups, soft_wrap=False)
        reasons = _table("reason", "rejected now", *(("then",) if changed else ()))
        for reason, counts in sorted(self._reasons.items(), key=lambda item: (-max(item[1]), item[0])):
            reasons.add_row(reason, *(f"{count:,}" for count in counts[: 1 + changed]))
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
    old, new = (part.model_dump(exclude={"filters": {"assign", "profiles"}}) for part in (recipe, changed))
    for part in (old, new):  # the lists are judged; whether content is looked at decides what there is to judge
        part["languages"] = part["languages"]["programming"]["from_content"]
    for key in sorted(old):
        if old[key] != new[key]:
            name = {"filters": "filters.measure", "languages": "languages.programming.from_content"}.get(key, key)
            raise RecipeError(
                f"--set {name}: cannot be told from stored values; expected filters.assign, filters.profiles or the "
                "lists of languages",
                hint="for example --set filters.profiles.prose.num_words.minimum=50",
            )
    return changed


def _check_groups(recipe: Recipe, changed: Recipe, known: set[str]) -> None:
    """See that an assignment that was changed is of some document: a typing error would look like no effect."""
    known -= {""}
    for group, names in changed.filters.assign.items():
        if names != recipe.filters.assign.get(group) and group not in known:
            near = get_close_matches(group, sorted(known), n=1, cutoff=0.0)
            raise RecipeError(
                f"filters.assign.{safe(group)}: expected a kind, subset or language of this run, found no document",
                hint=f"did you mean {safe(near[0])!r}?" if near else "",
            )
