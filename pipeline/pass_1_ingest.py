"""Pass 1, ingest: read every shard once and write columns, not text.

Per document: where it came from, licence evidence, the value of every signal that a filter needs, the content hash and
the LSH band keys. Thresholds are not looked at here, so other bounds need no second reading.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.licences import header_evidence, metadata_evidence
from filters.signals import resolve
from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Document, Rejected
from manifests.ledger import Ledger
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.shards import unit_rows
from pipeline.steps import Step, UnitContext
from stages.shingles import content_hash_utf8, shingle_hashes_utf8
from stages.signatures import band_keys, permutations, signature

ROWS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("shard", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("num_bytes", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("repo", pa.string()),
        pa.field("path", pa.string()),
        pa.field("metadata", pa.string()),
        pa.field("licence_metadata", pa.string()),
        pa.field("licence_header", pa.string()),
        pa.field("licence_header_where", pa.string()),
        pa.field("stars", pa.int64()),
        pa.field("signals", pa.list_(pa.float64())),
        pa.field("content_hash", pa.binary(ID_BYTES)),
        pa.field("bands", pa.list_(pa.uint64())),
    ]
)
# Where rows stand, apart from what was measured: the passes that read shards again need no more.
PLACES = pa.schema([ROWS.field(name) for name in ("id", "shard", "row", "num_bytes")])
_BATCH_ROWS = 2_000
_BATCH_METADATA_CHARACTERS = 4_000_000
_NOT_TEXT = "(licence field is no text)"  # no expression can be read from it, so it is never taken for no evidence
_MAXIMUM_STARS = (1 << 32) - 1


class _RowFacts(msgspec.Struct):
    """What of a row's metadata speaks of licences and of its rank among duplicates; any JSON may stand there."""

    detected_licenses: Any = None
    gha_license_id: Any = None
    star_events_count: Any = None

    def licences(self) -> str:
        """The expression that the metadata gives; one that nothing allows where the fields are of a wrong type."""
        detected = [self.detected_licenses] if isinstance(self.detected_licenses, str) else self.detected_licenses or []
        named = self.gha_license_id
        if not isinstance(detected, list) or not all(isinstance(item, str) for item in detected):
            return _NOT_TEXT
        if named is not None and not isinstance(named, str):
            return _NOT_TEXT
        evidence = metadata_evidence(detected, named)
        return evidence.expression if evidence else ""

    def stars(self) -> int:
        """Stars of the repository, 0 where the row gives no number."""
        stars = self.star_events_count
        return max(0, min(int(stars), 2**31 - 1)) if isinstance(stars, int | float) else 0


def _ingest(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    measure = _measures(context.recipe)
    columns: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    held = 0
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("rows", ROWS) as rows,
        context.blocks("places", PLACES) as places,
    ):

        def flush() -> None:
            table = _table(columns)
            rows.write(table)
            places.write(table.select(PLACES.names))
            decisions.write(decisions_table(rejected))
            columns.clear()
            rejected.clear()

        for item in unit_rows(context):
            if isinstance(item, Rejected):
                ledger.reject(item)
                rejected.append(item)
            else:
                row = measure(item)
                ledger.keep(int(row[3]))  # type: ignore[call-overload]
                columns.append(row)
                held += len(item.metadata)
            if max(len(columns), len(rejected)) >= _BATCH_ROWS or held >= _BATCH_METADATA_CHARACTERS:
                flush()
                held = 0
        flush()


def _table(columns: list[tuple[object, ...]]) -> pa.Table:
    if not columns:
        return ROWS.empty_table()
    return pa.table(list(map(list, zip(*columns, strict=True))), schema=ROWS)


def _measures(recipe: Recipe) -> Callable[[Document], tuple[object, ...]]:
    """A function from a document to its row of `ROWS`."""
    signals = [resolve(name) for name in recipe.signals]
    bands = _bands(recipe)
    decode = msgspec.json.Decoder(_RowFacts).decode

    def measure(document: Document) -> tuple[object, ...]:
        encoded = document.text.encode()
        facts = decode(document.metadata)
        header = header_evidence(document.text)
        return (
            bytes.fromhex(document.id),
            document.shard,
            document.row,
            len(encoded),
            document.kind,
            document.source,
            document.subset,
            document.language,
            document.repo,
            document.path,
            document.metadata,
            facts.licences(),
            header.expression if header else "",
            header.where if header else "",
            int(min(max(facts.stars(), 0), _MAXIMUM_STARS)),
            [signal(document) for signal in signals],
            content_hash_utf8(encoded),
            bands(encoded),
        )

    return measure


def _bands(recipe: Recipe) -> Callable[[bytes], npt.NDArray[np.uint64] | None]:
    near = recipe.deduplication.near
    if near is None:
        return lambda _encoded: None
    a, b = permutations(near.bands * near.rows, near.seed)

    def bands(encoded: bytes) -> npt.NDArray[np.uint64] | None:
        hashes = shingle_hashes_utf8(encoded, ngram_words=near.ngram_words)
        if not len(hashes):
            return None
        return band_keys(signature(hashes, a, b), bands=near.bands, rows=near.rows)

    return bands


def _settings(recipe: Recipe, _plan: Plan) -> object:
    near = recipe.deduplication.near
    return {
        "signals": recipe.signals,
        "near": None if near is None else near.model_dump(exclude={"minimum_similarity", "candidates_per_bucket"}),
        "maximum_line_bytes": recipe.limits.maximum_line_bytes,
    }


def _prepare(recipe: Recipe) -> None:
    """Compile the kernels once, so that forked workers find them ready."""
    document = Document(id="0" * 32, text="a b c d e f\nä b c d e f", kind="code", source="warm")
    _measures(recipe)(document)


STEPS = [
    Step(
        name="ingest",
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
