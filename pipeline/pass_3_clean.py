"""Pass 3, clean: read the shards again, apply the decisions, decontaminate, redact, write every kept text once.

Texts go to their slice by hash of the repository, else of the id, so that a repository lies in one release shard. With
each goes what its attribution will say. A sample of one document in 64 is tokenized here: it is what mix estimates the
token budgets from.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from filters.copyrights import copyright_lines
from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Document, Rejected
from manifests.ledger import Ledger
from pipeline.benchmark_files import benchmark_settings, load_matcher
from pipeline.decontamination import Decontaminator
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_decide import JUDGED
from pipeline.pass_2_duplicates import DUPLICATES
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.shards import documents_again
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.attribution import PROVENANCE, provenances, revision_and_swhid
from stages.exchange import BlockWriter
from stages.mixing import KEY_BINS, bin_of, order_keys
from stages.redaction import nothing_left, redact

TEXTS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kind", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("repo", pa.string()),
        pa.field("path", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("num_bytes", pa.int64()),
        pa.field("attribution", PROVENANCE),
    ]
)
BINS = pa.schema(
    [pa.field("kind", pa.string())] + [pa.field(name, pa.int64()) for name in ("bin", "documents", "num_bytes")]
)
SAMPLED_ONE_IN = 64
_BATCH_BYTES = 4 * 1024 * 1024
_ROW_BYTES = 512  # about what comes with a text: licence, evidence, copyright statements
_OF_DOCUMENT = ("kind", "source", "subset", "language", "repo", "path")


class _Decided(NamedTuple):
    """A document that pass 2 let through, or that its barrier rejected; `num_bytes` of its raw text."""

    ordinal: int
    document: Document
    rejected: Rejected | None
    num_bytes: int


def _clean(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    kinds = frozenset(context.recipe.redaction.kinds)
    sample, benchmarks = _Sample(context.recipe), Decontaminator(context.recipe)
    redactions: dict[str, int] = {}
    rejected: list[Rejected] = []
    judged = context.table("judged")
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("texts", TEXTS, num_blocks=context.plan.num_slices) as texts,
    ):
        batch = _Batch(texts, judged, context.plan.num_slices)
        for ordinal, document, verdict, num_bytes in _decided(context, judged):
            verdict = verdict or benchmarks.rejected(document, num_bytes)  # noqa: PLW2901 - pass 2 comes first
            cleaned = redact(document.text, kinds=kinds) if verdict is None else None
            if cleaned is None or (cleaned.counts and nothing_left(cleaned.text)):
                rejected.append(
                    verdict or _rejected(document, num_bytes, stage="redact", reason="only_placeholders_left")
                )
                ledger.reject(rejected[-1])
                continue
            ledger.keep(num_bytes)
            for rule, count in cleaned.counts.items():
                redactions[rule] = redactions.get(rule, 0) + count
            size = batch.add(ordinal, document, cleaned.text)
            sample.add(document, cleaned.text, size)
        batch.flush()
        decisions.write(decisions_table(rejected))
    with context.blocks("bins", BINS) as bins:
        bins.write(sample.bins())
    context.counts = {
        "redactions": dict(sorted(redactions.items())),
        "sample": sample.counts(),
        "benchmarks": benchmarks.counts(),
    }


def _decided(context: UnitContext, judged: pa.Table) -> Iterator[_Decided]:
    removed = {row["ordinal"]: row for row in context.table("duplicates").to_pylist()}
    places = context.table("places")
    sizes = places.column("num_bytes").to_pylist()
    kept = frozenset(np.flatnonzero(judged.column("kept").to_numpy()).tolist())
    for ordinal, document in documents_again(context, places, kept):
        row, num_bytes = removed.get(ordinal), sizes[ordinal]
        yield _Decided(ordinal, document, row and _removed(document, row, num_bytes), num_bytes)


def _removed(document: Document, row: dict[str, Any], num_bytes: int) -> Rejected:
    facts = {"twin": row["twin"].hex(), "similarity": row["similarity"]}
    return _rejected(document, num_bytes, stage=row["stage"], reason=row["reason"], **facts)


def _rejected(document: Document, num_bytes: int, **facts: Any) -> Rejected:
    return Rejected(
        id=document.id, shard=document.shard, row=document.row, part=document.part, num_bytes=num_bytes, **facts
    )


class _Batch:
    """Rows of `TEXTS` on their way to their slices; what `judged` says of them is never turned into Python's values."""

    def __init__(self, writer: BlockWriter, judged: pa.Table, num_slices: int) -> None:
        self._writer = writer
        self._judged = judged.select(["licence", "licence_declared", "evidence"]).combine_chunks()
        self._num_slices = num_slices
        self._clear()

    def add(self, ordinal: int, document: Document, text: str) -> int:
        """Take a document on; returns the UTF-8 bytes of its cleaned text."""
        size = len(text) if text.isascii() else len(text.encode())
        names = tuple(getattr(document, name) for name in _OF_DOCUMENT)
        self._rows.append((bytes.fromhex(document.id), *names, text, size))
        self._ordinals.append(ordinal)
        self._provenance.append((*revision_and_swhid(document), copyright_lines(text)))
        self._slices.append(xxhash.xxh3_64_intdigest((document.repo or document.id).encode()) % self._num_slices)
        self._bytes += size + sum(map(len, names)) + _ROW_BYTES
        if self._bytes >= _BATCH_BYTES:
            self.flush()
        return size

    def flush(self) -> None:
        """Hand the rows to the writer."""
        if self._rows:
            self._writer.write(self._table(), np.array(self._slices, dtype=np.int64))
        self._clear()

    def _clear(self) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._ordinals: list[int] = []
        self._provenance: list[tuple[str, str, list[str]]] = []
        self._slices: list[int] = []
        self._bytes = 0

    def _table(self) -> pa.Table:
        judged = self._judged.take(pa.array(self._ordinals))
        declared, evidence = (judged.column(name).combine_chunks() for name in ("licence_declared", "evidence"))
        own = dict(zip(("id", *_OF_DOCUMENT, "text", "num_bytes"), zip(*self._rows, strict=True), strict=True))
        joined = {
            "licence": judged.column("licence"),
            "attribution": provenances(self._provenance, declared, evidence),
        }
        return pa.table(own | joined, schema=TEXTS)


class _Sample:
    """What mix estimates from: tokens of the sample by kind, and documents and bytes by place in the random order."""

    def __init__(self, recipe: Recipe) -> None:
        self._tokenizer = load_tokenizer(recipe)
        self._seed = recipe.seed
        self._sampled: dict[str, list[int]] = {}
        self._ids: dict[str, list[bytes]] = {}
        self._sizes: dict[str, list[int]] = {}

    def add(self, document: Document, text: str, num_bytes: int) -> None:
        self._ids.setdefault(document.kind, []).append(bytes.fromhex(document.id))
        self._sizes.setdefault(document.kind, []).append(num_bytes)
        if int(document.id[-8:], 16) % SAMPLED_ONE_IN == 0:
            sampled = self._sampled.setdefault(document.kind, [0, 0])
            sampled[0] += num_bytes
            sampled[1] += len(self._tokenizer.encode(text)) + 1

    def counts(self) -> dict[str, list[int]]:
        """By kind: [bytes in the sample, tokens in the sample]."""
        return dict(sorted(self._sampled.items()))

    def bins(self) -> pa.Table:
        """Documents and bytes by kind and bin of the mix key."""
        parts = []
        for kind, ids in sorted(self._ids.items()):
            bins = bin_of(order_keys(np.array(ids, dtype=f"V{ID_BYTES}"), self._seed, "mix"))
            sizes = np.array(self._sizes[kind], dtype=np.int64)
            num_bytes = np.bincount(bins, weights=sizes, minlength=KEY_BINS).astype(np.int64)
            documents = np.bincount(bins, minlength=KEY_BINS)
            some = np.flatnonzero(documents)
            parts.append(pa.table([[kind] * len(some), some, documents[some], num_bytes[some]], schema=BINS))
        return pa.concat_tables(parts) if parts else BINS.empty_table()


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "redaction": sorted(recipe.redaction.kinds),
        "decontamination": benchmark_settings(recipe),
        "seed": recipe.seed,
        "tokenizer": tokenizer_settings(recipe),
        "slices": plan.num_slices,
        "maximum_line_bytes": recipe.limits.maximum_line_bytes,
        "text_forms": recipe.text_forms.model_dump(),
    }


def _prepare(recipe: Recipe) -> None:
    """Load the tokenizer and the benchmarks and compile the patterns once, for all forked workers."""
    if (matcher := load_matcher(recipe)) is not None:
        matcher.match("warm", is_code=True)
    load_tokenizer(recipe).encode("warm")
    redact("warm", kinds=frozenset(recipe.redaction.kinds))


STEPS = [
    Step(
        name="clean",
        number=3,
        pass_name="clean",
        grain="inputs",
        reads=(
            Read("ingest", "places", "same", PLACES),
            Read("judge", "judged", "same", JUDGED),
            Read("resolve", "duplicates", "blocks", DUPLICATES),
        ),
        settings=_settings,
        run=_clean,
        prepare=_prepare,
        reads_shards=True,
    )
]
