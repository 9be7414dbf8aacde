"""Pass 4, mix, step `survey`: how good the selected code is, and which of it may be given to the model that rewrites.

Every selected source file whose language has a grammar is parsed and linted, and is of one tier: `hopeless` (too much
of it does not parse), `broken` (something does not), `smelly` (the linter finds much) or `fine`; what is too small, too
large, of other languages or a pull request is `unmeasured`. Fine code is no candidate, and hopeless files are dropped
rather than made up anew.

Memory: one segment of texts. What is written has no text in it.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pyarrow as pa

from filters.grammars import GRAMMARS, grammar, has_grammar
from filters.lint_rules import compiled_rules
from manifests.document import ID_BYTES
from pipeline.kept_texts import TEXTS
from pipeline.pass_4_mix import SELECTION
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.recipe_rewriting import Selection
from pipeline.rendered_documents import PULL_REQUESTS
from pipeline.rewriting_settings import rewriting_of
from pipeline.selected import selected
from pipeline.steps import Read, Step, UnitContext
from stages.code_defects import Defects, code_defects
from stages.exchange import fixed_binary, lexsorted, sortable, table_of
from stages.linting import Linter
from stages.mixing import order_keys

# Documents that may be given to the model, in the order of their ids.
CANDIDATES = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("language", pa.string()),
        pa.field("num_bytes", pa.int64()),  # of clean's text
        pa.field("order", pa.uint64()),  # a seeded random place: the lower, the sooner
        pa.field("tier", pa.string()),
        pa.field("error_bytes", pa.int64()),
        pa.field("num_errors", pa.int64()),
        pa.field("findings", pa.int64()),
    ]
)
# Documents that are dropped, where the recipe says so, in the order of their ids.
HOPELESS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("num_bytes", pa.int64()),
        pa.field("error_fraction", pa.float64()),
    ]
)
TIERS = ("broken", "smelly", "fine", "hopeless", "unmeasured")
UNMEASURABLE = 1.0  # the error fraction of a text whose parse breaks its limits
_COUNTED = ("documents", "num_bytes", *TIERS, "dropped_bytes")
_COLUMNS = ("id", "kind", "source", "subset", "language", "text", "num_bytes")
_BATCH_BYTES = 2 * 1024 * 1024  # a few tenths of a CPU second: 10 are allowed
_BATCH_TEXTS = 200


class _File(NamedTuple):
    """A selected source file."""

    id: bytes
    language: str
    text: str
    num_bytes: int
    measurable: bool


def tier(defects: Defects | None, text: str, num_bytes: int, selection: Selection) -> str:
    """Of a text that was measured; `defects` None: it could not be.

    Args:
        num_bytes: of the text in UTF-8.
    """
    if error_fraction(defects, num_bytes) > selection.hopeless_errors or defects is None:
        return "hopeless"
    if defects.num_errors:
        return "broken"
    num_lines = text.count("\n") + (not text.endswith("\n"))
    return "smelly" if defects.findings * 100 >= max(1, selection.smelly_findings * num_lines) else "fine"


def error_fraction(defects: Defects | None, num_bytes: int) -> float:
    """Share of the bytes that do not parse, 0..1; 0 for an empty text."""
    return UNMEASURABLE if defects is None else min(1.0, defects.error_bytes / max(1, num_bytes))


class _Survey:
    """What was found out so far of a slice."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self.candidates: list[tuple[object, ...]] = []
        self.hopeless: list[tuple[object, ...]] = []
        self.counts: dict[str, dict[str, int]] = {}

    def add(self, file: _File, defects: Defects | None) -> None:
        of = tier(defects, file.text, file.num_bytes, self._selection) if file.measurable else "unmeasured"
        sums = self.counts.setdefault(file.language, dict.fromkeys(_COUNTED, 0))
        for name, amount in (("documents", 1), ("num_bytes", file.num_bytes), (of, 1)):
            sums[name] += amount
        if of in self._selection.tiers and defects is not None:
            amounts = (defects.error_bytes, defects.num_errors, defects.findings)
            self.candidates.append((file.id, file.language, file.num_bytes, 0, of, *amounts))
        elif of == "hopeless" and self._selection.hopeless == "drop":
            self.hopeless.append((file.id, file.num_bytes, error_fraction(defects, file.num_bytes)))
            sums["dropped_bytes"] += file.num_bytes


def _survey(context: UnitContext) -> None:
    selection = rewriting_of(context.recipe).selection
    survey = _Survey(selection)
    measure = context.clock.timing("lint", code_defects)
    linter = _linter()
    for batch in _batches(_files(context, selection)):
        found = iter(measure([(file.language, file.text) for file in batch if file.measurable], linter))
        for file in batch:
            survey.add(file, next(found) if file.measurable else None)
        context.progress(0)
    _write(context, "candidates", _with_order(table_of(survey.candidates, CANDIDATES), context.recipe.seed))
    _write(context, "hopeless", table_of(survey.hopeless, HOPELESS))
    context.counts = {"surveyed": dict(sorted(survey.counts.items()))}


def _files(context: UnitContext, selection: Selection) -> Iterator[_File]:
    """All selected code of the slice, in the order in which it lies there."""
    pull_requests = _pull_requests(context.recipe)
    chosen = context.table("selection")
    for texts in context.parts(context.inputs["texts"], columns=_COLUMNS):
        keep = selected(texts, chosen, context.recipe).copies > 0
        columns = [texts.filter(pa.array(keep)).column(name) for name in _COLUMNS]
        for row in zip(*columns, strict=True):
            identifier, kind, source, _, language, text, num_bytes = (value.as_py() for value in row)
            if kind == "code":
                measurable = source not in pull_requests and _is_asked_for(language, num_bytes, selection)
                yield _File(identifier, language, text if measurable else "", num_bytes, measurable)


def _is_asked_for(language: str, num_bytes: int, selection: Selection) -> bool:
    return (
        has_grammar(language)
        and (selection.languages is None or language in selection.languages)
        and selection.minimum_bytes <= num_bytes <= selection.maximum_bytes
    )


def _batches(files: Iterator[_File]) -> Iterator[list[_File]]:
    batch: list[_File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.text)
        if len(batch) == _BATCH_TEXTS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _with_order(candidates: pa.Table, seed: int) -> pa.Table:
    keys = order_keys(fixed_binary(candidates.column("id"), ID_BYTES), seed, "rewrite")
    return candidates.set_column(
        CANDIDATES.names.index("order"), CANDIDATES.field("order"), pa.array(keys, pa.uint64())
    )


def _write(context: UnitContext, name: str, table: pa.Table) -> None:
    order = lexsorted(sortable(fixed_binary(table.column("id"), ID_BYTES)))
    with context.blocks(name, table.schema) as out:
        out.write(table.take(pa.array(order)))


def _pull_requests(recipe: Recipe) -> list[str]:
    return sorted(source.name for source in recipe.sources if source.format == PULL_REQUESTS)


@cache
def _linter() -> Linter:
    return Linter()


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return {
        "selection": rewriting_of(recipe).selection.model_dump(exclude={"share"}),  # choose asks for that
        "linter": _linter().version,
        "seed": recipe.seed,
        "domains": recipe.mixture.naming(),
        "pull_requests": _pull_requests(recipe),
    }


def _prepare(recipe: Recipe) -> None:
    """Find ruff, and load grammars and rules once, for all forked workers."""
    _linter()
    asked = rewriting_of(recipe).selection.languages
    for language in GRAMMARS:
        if asked is None or language in asked:
            grammar(language)
            compiled_rules(language)


STEPS = [
    Step(
        name="survey",
        number=4,
        pass_name="mix",
        grain="slices",
        reads=(Read("clean", "texts", "blocks", TEXTS), Read("mix", "selection", "all", SELECTION)),
        settings=_settings,
        run=_survey,
        prepare=_prepare,
        asked_for=lambda recipe: recipe.rewriting is not None,
    )
]
