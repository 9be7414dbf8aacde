"""Pass 8, pack: trim, shuffle, best-fit pack, and write for each partition one release shard and what lies beside it.

A partition is packed slice by slice, so memory is that of a slice. Slices hold documents at random (by hash), so
packing them apart costs a last, half-filled sequence for each slice and kind and nothing else. Attribution and texts of
a slice are sorted by id; those of a partition would have to be held whole.
"""

from collections.abc import Iterator
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_table
from manifests.document import Rejected
from manifests.ledger import Ledger
from pipeline.kept_texts import INDEXED, TEXTS
from pipeline.pack_beside import DocumentFiles
from pipeline.pass_6_tokenize import DOCUMENTS, PACKED, TOKENS, TOKENS_OF_KIND
from pipeline.pass_7_settle import TRIM
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.exchange import BlockWriter, read_table
from stages.mixing import KEY_BINS, bin_of
from stages.packing import fill, pack, packed_batches, packed_schema, write_packed

_KINDS = {"code": 0, "text": 1}
_CLASSES = ("kind", "source", "subset", "language", "licence")


class _Tallies:
    """Documents, bytes and tokens by kind, source, subset, language and licence, and what the packing looks like."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.classes: dict[tuple[str, ...], list[int]] = {}
        self.sequences: dict[str, int] = dict.fromkeys(_KINDS, 0)
        self.padding_tokens = 0
        self.cut_documents = 0

    def add(self, documents: pa.Table, tokens: dict[bytes, int]) -> None:
        columns = [documents.column(name).to_pylist() for name in (*_CLASSES, "num_bytes", "id")]
        for *names, num_bytes, identifier in zip(*columns, strict=True):
            sums = self.classes.setdefault(tuple(names), [0, 0, 0])
            sums[0] += 1
            sums[1] += num_bytes
            sums[2] += tokens[identifier]

    def counts(self) -> dict[str, object]:
        return {
            "classes": [[*names, *sums] for names, sums in sorted(self.classes.items())],
            "sequences": self.sequences,
            "padding_tokens": self.padding_tokens,
            "cut_documents": self.cut_documents,
        }


def _pack(context: UnitContext) -> None:
    tokenizer = load_tokenizer(context.recipe)
    release = f"{context.recipe.name} {context.recipe.version}"
    schema = packed_schema(
        {
            "corpusmill.release": release,
            "corpusmill.sequence_tokens": str(context.recipe.packing.sequence_tokens),
            "corpusmill.tokenizer_sha256": tokenizer.sha256,
        }
    )
    trim = {row["kind"]: row for row in context.table("trim").to_pylist()}
    tallies = _Tallies()
    context.ledger = tallies.ledger
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.whole_file("shard", ".parquet") as file,
        DocumentFiles.opened(context, release) as beside,
    ):

        def settled(number: int) -> pa.Table:
            packed = read_table(context.storage, context.of_slice("packed", number), PACKED, context.progress)
            documents = read_table(context.storage, context.of_slice("documents", number), DOCUMENTS, context.progress)
            kept = _kept(packed, trim)
            lengths = _member_tokens(packed.filter(kept))
            documents = _settled(documents, lengths, ledger=tallies.ledger, decisions=decisions)
            beside.write(number, documents)
            tallies.add(documents, lengths)
            tables = [
                _with_tokens(context, packed.filter(of_kind), kept.filter(of_kind), number=number, kind=kind)
                for kind in _KINDS
                for of_kind in [pc.equal(packed.column("kind"), kind)]
            ]
            return pa.concat_tables(tables)

        def batches() -> Iterator[pa.RecordBatch]:
            for number in context.plan.slices_of(context.unit):
                # No name holds a slice longer than it is needed: there is one copy of its tokens at a time.
                for batch in _packed(context, settled(number), schema, tallies):
                    context.progress(0)
                    yield batch

        rows = write_packed(cast("IO[bytes]", file), batches(), schema)
    context.counts = {**tallies.counts(), **beside.counts, "not_known": beside.not_known, "rows": rows}


def _kept(packed: pa.Table, trim: dict[str, dict[str, Any]]) -> pa.ChunkedArray:
    """Of each packed document of a slice, whether settle kept it."""
    places = packed.column("copy").to_numpy() * KEY_BINS + bin_of(packed.column("mix_key").to_numpy())
    dropped = {identifier for row in trim.values() for identifier in row["dropped"]}
    columns = (packed.column(name).to_pylist() for name in ("packed_id", "kind"))
    kept = [
        place <= trim[kind]["last"] and identifier not in dropped
        for identifier, kind, place in zip(*columns, places.tolist(), strict=True)
    ]
    return pa.chunked_array([pa.array(kept, pa.bool_())])


def _member_tokens(packed: pa.Table) -> dict[bytes, int]:
    """By id of source document: its tokens in some packed documents, of all copies together."""
    members = packed.column("members").combine_chunks().flatten()
    sums: dict[bytes, int] = {}
    for identifier, length in zip(*(members.field(name).to_pylist() for name in ("id", "length")), strict=True):
        sums[identifier] = sums.get(identifier, 0) + length
    return sums


def _settled(documents: pa.Table, tokens: dict[bytes, int], *, ledger: Ledger, decisions: BlockWriter) -> pa.Table:
    """The source documents of a slice of which something stays; the others are accounted for."""
    ids = documents.column("id").to_pylist()
    rejected = []
    for identifier, num_bytes in zip(ids, documents.column("num_bytes").to_pylist(), strict=True):
        if identifier in tokens:
            ledger.keep(num_bytes)
        else:
            item = Rejected(identifier.hex(), "settle", "over_budget", shard="", row=-1, num_bytes=num_bytes)
            ledger.reject(item)
            rejected.append(item)
    decisions.write(decisions_table(rejected))
    documents = documents.filter(pa.array([identifier in tokens for identifier in ids], pa.bool_()))
    names = [identifier.hex() for identifier in documents.column("id").to_pylist()]
    return documents.append_column("doc_id", pa.array(names, pa.string()))


def _with_tokens(context: UnitContext, packed: pa.Table, kept: pa.ChunkedArray, *, number: int, kind: str) -> pa.Table:
    """The packed documents of one kind of a slice that stay, with their token ids."""
    tokens = read_table(context.storage, context.of_slice(TOKENS_OF_KIND[kind], number), TOKENS, context.progress)
    return packed.append_column("tokens", tokens.column("tokens")).filter(kept)


def _packed(context: UnitContext, table: pa.Table, schema: pa.Schema, tallies: _Tallies) -> Iterator[pa.RecordBatch]:
    if not table.num_rows:
        return
    recipe = context.recipe
    lists = table.column("tokens").combine_chunks()
    table = table.drop_columns(["tokens"])
    offsets = lists.offsets.to_numpy()
    tokens = lists.values.to_numpy()
    lengths = np.diff(offsets)
    kinds = table.column("kind").combine_chunks()
    numbers = np.array([_KINDS[kind] for kind in kinds.to_pylist()], dtype=np.int64)
    layout = pack(
        lengths,
        table.column("pack_key").to_numpy(),
        numbers,
        sequence_tokens=recipe.packing.sequence_tokens,
        seed=recipe.seed,
    )
    for kind, number in _KINDS.items():
        firsts = numbers[layout.piece_document[layout.sequence_offsets[:-1]]]
        tallies.sequences[kind] += int((firsts == number).sum())
    tallies.padding_tokens += layout.num_sequences * recipe.packing.sequence_tokens - int(lengths.sum())
    tallies.cut_documents += int((lengths > recipe.packing.sequence_tokens).sum())
    names = table.column("name").combine_chunks()
    pad = load_tokenizer(recipe).end_of_document_id
    yield from packed_batches(
        layout, fill(layout, tokens, offsets[:-1], pad_id=pad), schema, doc_ids=names, kinds=kinds
    )


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "name": recipe.name,
        "version": recipe.version,
        "seed": recipe.seed,
        "sequence_tokens": recipe.packing.sequence_tokens,
        "tokenizer": tokenizer_settings(recipe),
        "slices_per_partition": plan.slices_per_partition,
        "texts": recipe.release.texts,
        "held_out": recipe.held_out is not None,
    }


def _prepare(recipe: Recipe) -> None:
    """Load the tokenizer and the packing kernels once, for all forked workers."""
    load_tokenizer(recipe)
    one = np.ones(1, dtype=np.int64)
    layout = pack(one, one.astype(np.uint64), one, sequence_tokens=2, seed=0)
    next(fill(layout, one.astype(np.int32), one - 1, pad_id=0))


STEPS = [
    Step(
        name="pack",
        version=3,
        number=8,
        pass_name="pack",
        grain="partitions",
        reads=(
            Read("tokenize", "packed", "group", PACKED),
            Read("tokenize", "documents", "group", DOCUMENTS),
            *(Read("tokenize", tokens, "group", TOKENS) for tokens in TOKENS_OF_KIND.values()),
            Read("settle", "trim", "all", TRIM),
            Read("clean", "texts", "group", TEXTS, asked_for=lambda recipe: recipe.release.texts is not None),
            Read("clean", "held_out", "group", TEXTS, asked_for=lambda recipe: recipe.held_out is not None),
            Read("clean", "indexed", "group", INDEXED),
        ),
        settings=_settings,
        run=_pack,
        prepare=_prepare,
    )
]
