"""Pass 1, ingest: read every shard once and write columns, not text.

`measuring` says what is written of a document. Thresholds are not looked at here, so other bounds need no second
reading.
"""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from filters.notices import notices
from filters.signals import resolve
from filters.text_views import utf8_bytes
from manifests.decision import DECISIONS, decisions_table
from manifests.document import Document, Rejected
from manifests.ledger import Ledger
from pipeline.licence_gathering import NOTHING, gathering
from pipeline.measuring import ROWS, Measured, Raw, facts_of, measuring
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.repository_files import Files
from pipeline.shards import unit_rows
from pipeline.sketches import Sketch
from pipeline.steps import Step, UnitContext
from stages.content_names import CONTENT_NAMES
from stages.exchange import BlockWriter, table_of
from stages.release_index import SKETCHES
from stages.text_forms import in_form, source_encoding

# Where rows stand and what they are, apart from what was measured: the passes that read shards again need no more.
PLACES = pa.schema(
    [ROWS.field(name) for name in ("id", "shard", "row", "part", "num_bytes", "kind", "language", *CONTENT_NAMES.names)]
)
# Fields that a row may fill, by their names in a document and in a recipe's `columns`.
NAMED = ("subset", "language", "repo", "path")
_BATCH_ROWS = 2_000
_BATCH_METADATA_CHARACTERS = 4_000_000


def _ingest(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    timing = context.clock.timing
    form, measured = timing("form", in_form), measuring(context.recipe, context.clock)
    forms: Counter[str] = Counter()
    encodings: Counter[str] = Counter()
    named: set[str] = set()
    digests: dict[str, str] = {}
    files = Files()
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("rows", ROWS) as rows,
        context.blocks("places", PLACES) as places,
        context.blocks("sketches", SKETCHES) as sketches,
        gathering(context) as gathered,
    ):
        batch = _Batch(ledger, _Writers(rows, places, sketches, decisions))
        gather, keep = timing("gather", gathered.add), timing("keep", batch.keep)
        for item in context.clock.timed("read", unit_rows(context, digests=digests)):
            if isinstance(item, Rejected):
                batch.reject(item)
                continue
            named.update(name for name in NAMED if getattr(item, name))
            facts = facts_of(item.metadata)
            found = gather(item, facts.revision())
            formed = form(item, notebooks=context.recipe.text_forms.notebooks)
            if isinstance(formed, Rejected):
                batch.reject(formed)
                continue
            forms.update(formed.changes)
            raw = Raw(item, len(utf8_bytes(item.text)), source_encoding(item))
            encodings[raw.encoding] += 1
            written = measured(formed.document, raw, facts, found)
            files.add(item, facts, written.sketch.content_hash)
            keep(written, raw.num_bytes, len(item.metadata))
        batch.flush()
    files.write(context)
    del encodings[""]
    context.counts = {
        "text_forms": dict(sorted(forms.items())),
        "encodings": dict(sorted(encodings.items())),
        "signals": context.recipe.filters.signals,
        "named": sorted(named),
        "shards": digests,
    }


class _Writers(NamedTuple):
    rows: BlockWriter
    places: BlockWriter
    sketches: BlockWriter
    decisions: BlockWriter


class _Batch:
    """Rows on their way to their account and their tables."""

    def __init__(self, ledger: Ledger, writers: _Writers) -> None:
        self._ledger = ledger
        self._writers = writers
        self._rows: list[tuple[object, ...]] = []
        self._sketches: list[Sketch] = []
        self._rejected: list[Rejected] = []
        self._metadata_characters = 0

    def keep(self, measured: Measured, num_bytes: int, metadata_characters: int) -> None:
        """Take on a document."""
        self._ledger.keep(num_bytes)
        self._rows.append(measured.row)
        self._sketches.append(measured.sketch)
        self._metadata_characters += metadata_characters
        if len(self._rows) >= _BATCH_ROWS or self._metadata_characters >= _BATCH_METADATA_CHARACTERS:
            self.flush()

    def reject(self, rejected: Rejected) -> None:
        """Take on a rejection."""
        self._ledger.reject(rejected)
        self._rejected.append(rejected)
        if len(self._rejected) >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand over what is held."""
        if self._rows:
            table = pa.table(list(map(list, zip(*self._rows, strict=True))), schema=ROWS)
            self._writers.rows.write(table)
            self._writers.places.write(table.select(PLACES.names))
            self._writers.sketches.write(table_of(self._sketches, SKETCHES))
        self._writers.decisions.write(decisions_table(self._rejected))
        self._rows, self._sketches, self._rejected, self._metadata_characters = [], [], [], 0


def _settings(recipe: Recipe, plan: Plan) -> object:
    near = recipe.deduplication.near
    return {
        "signals": recipe.filters.measuring,
        "near": None if near is None else near.model_dump(exclude={"minimum_similarity", "candidates_per_bucket"}),
        "maximum_line_bytes": recipe.limits.maximum_line_bytes,
        "text_forms": recipe.text_forms.model_dump(),
        "slices": plan.num_slices,
        "from_content": recipe.languages.programming.from_content,
    }


def _prepare(recipe: Recipe) -> None:
    """Compile the kernels and load the tables once, so that forked workers find them ready."""
    document = Document(id="0" * 32, text="a b c d e f\nä b", kind="code", source=recipe.sources[0].name, path="x.py")
    notices("license")
    measuring(recipe)(document, Raw(document, len(document.text)), facts_of(document.metadata), NOTHING)
    for name in recipe.filters.signals:
        resolve(name)(replace(document, language="Python"))


STEPS = [
    Step(
        name="ingest",
        version=6,
        number=1,
        pass_name="ingest",
        grain="inputs",
        reads=(),
        settings=_settings,
        run=_ingest,
        prepare=_prepare,
        reads_shards=True,
    )
]
