"""Pass 8, pack: trim, shuffle, pack, and write for each partition its release shards and what lies beside them.

First slice by slice the source documents of which something stays: what lies beside a shard is about them. Attribution
and texts of a slice are sorted by id; those of a partition would have to be held whole. Then the packed documents
(`pipeline.packed_set`). Slices hold documents at random (by hash), so packing them apart costs a last, half-filled
sequence for each slice and kind and nothing else.
"""

from contextlib import AbstractContextManager
from typing import IO, Any, cast, get_args

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Kind, Rejected
from manifests.ledger import Ledger
from pipeline.document_classes import DocumentClasses, member_sums
from pipeline.kept_texts import INDEXED, TEXTS
from pipeline.overlays import overlay_reads
from pipeline.pack_beside import DocumentFiles
from pipeline.packed_set import PackedSet, PackedSource, PackingChoice
from pipeline.pass_6_tokenize import DOCUMENTS, TOKENS, TOKENS_OF_KIND
from pipeline.pass_7_settle import TRIM
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.rendered_documents import PACKED
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.exchange import Block, BlockWriter, Progress
from stages.mixing import place_of
from stages.packed_documents import PackedDocuments
from stages.packed_rows import compile_kernels
from stages.packing import Int32s

_KINDS = get_args(Kind)
Bools = npt.NDArray[np.bool_]


class _Slices:
    """The packed documents of a partition that settle kept, read slice by slice."""

    def __init__(self, context: UnitContext) -> None:
        self._context = context
        self._trim = context.table("trim").to_pylist()
        self._dropped = pa.array([i for row in self._trim for i in row["dropped"]], pa.binary(ID_BYTES))
        self._told: set[tuple[str, int]] = set()

    def packed(self, number: int) -> tuple[pa.Table, Bools]:
        """Rows of a slice, and whether settle kept each of them."""
        blocks, progress = self._blocks("packed", number)
        table = self._context.rows(blocks, PACKED, progress=progress)
        return table, _kept(table, self._trim, self._dropped)

    def documents(self, number: int, kind: str) -> PackedDocuments:
        """Those of a slice and kind."""
        table, kept = self.packed(number)
        return PackedDocuments.of(table.filter(pa.array(kept & _of_kind(table, kind))))

    def tokens(self, number: int, kind: str) -> Int32s:
        """Their token ids, put together segment by segment, so that there is one copy of them."""
        table, kept = self.packed(number)
        of_kind = _of_kind(table, kind)
        tokens = np.empty(int(table.column("num_tokens").to_numpy()[kept & of_kind].sum()), dtype=np.int32)
        kept, end = kept[of_kind], 0
        blocks, progress = self._blocks(TOKENS_OF_KIND[kind], number)
        for part in self._context.parts(blocks, progress=progress):
            own, kept = kept[: part.num_rows], kept[part.num_rows :]
            lists = part.column("tokens").filter(pa.array(own)) if not own.all() else part.column("tokens")
            for chunk in lists.chunks:
                values = chunk.flatten().to_numpy()
                tokens[end : end + len(values)] = values
                end += len(values)
        return tokens

    def _blocks(self, table: str, number: int) -> tuple[list[Block], Progress]:
        """The blocks of a slice, and what is to be told of their bytes: they count when they are first read."""
        counts = (table, number) not in self._told
        self._told.add((table, number))
        return self._context.of_slice(table, number), lambda size: self._context.progress(size if counts else 0)


def _of_kind(table: pa.Table, kind: str) -> Bools:
    return np.asarray(pc.equal(table.column("kind"), kind).to_numpy(), dtype=np.bool_)


def _kept(packed: pa.Table, trim: list[dict[str, Any]], dropped: pa.Array) -> Bools:
    """bool[rows], whether settle kept each packed document."""
    places = place_of(packed.column("copy").to_numpy().astype(np.int64), packed.column("mix_key").to_numpy())
    kept = np.zeros(packed.num_rows, dtype=np.bool_)
    for row in trim:
        is_here = pc.and_(
            pc.equal(packed.column("kind"), row["kind"]), pc.equal(packed.column("domain"), row["domain"])
        )
        kept |= is_here.to_numpy() & (places <= row["last"])
    goes = pc.is_in(packed.column("packed_id"), value_set=dropped).to_numpy()
    return np.asarray(kept & ~goes, dtype=np.bool_)


def _pack(context: UnitContext) -> None:
    recipe = context.recipe
    tokenizer = load_tokenizer(recipe)
    release = f"{recipe.name} {recipe.version}"
    slices = _Slices(context)
    classes = DocumentClasses()
    context.ledger = Ledger()
    with context.blocks("decisions", DECISIONS) as decisions, DocumentFiles.opened(context, release) as beside:
        for number in context.plan.slices_of(context.unit):
            documents = context.clock.timing("trim", _settled)(context, slices, number, decisions)
            classes.add(documents)
            context.clock.timing("describe", beside.write)(number, documents)

    def new_file(table: str) -> AbstractContextManager[IO[bytes]]:
        return cast("AbstractContextManager[IO[bytes]]", context.whole_file(table, ".parquet"))

    source = PackedSource(_KINDS, list(context.plan.slices_of(context.unit)), slices.documents, slices.tokens)
    choice = PackingChoice(
        mode=recipe.packing.mode,
        sequence_tokens=recipe.packing.lengths,
        seed=recipe.seed,
        pad_id=tokenizer.end_of_document_id,
        release=release,
        tokenizer_sha256=tokenizer.sha256,
    )
    with context.clock.during("pack"):
        counts = PackedSet(source, choice, new_file, lambda: context.progress(0)).write()
    context.counts = {
        "classes": classes.rows(),
        **msgspec.to_builtins(counts),
        **beside.counts,
        "not_known": beside.not_known,
        **(beside.rewrites.counts() if beside.rewrites else {}),
    }


def _settled(context: UnitContext, slices: _Slices, number: int, decisions: BlockWriter) -> pa.Table:
    """The source documents of a slice of which something stays, with tokens and copies; others are accounted for."""
    packed, kept = slices.packed(number)
    documents = context.rows(context.of_slice("documents", number), DOCUMENTS)
    tokens = member_sums(packed.filter(pa.array(kept)))
    places = pc.index_in(documents.column("id"), value_set=tokens.column("id").combine_chunks())
    stays = places.is_valid().to_numpy()
    ledger = context.ledger
    assert ledger is not None  # noqa: S101 - set before
    rejected = []
    for identifier, num_bytes, is_kept in zip(
        documents.column("id").to_pylist(), documents.column("num_bytes").to_pylist(), stays.tolist(), strict=True
    ):
        if is_kept:
            ledger.keep(num_bytes)
        else:
            item = Rejected(identifier.hex(), "settle", "over_budget", shard="", row=-1, num_bytes=num_bytes)
            ledger.reject(item)
            rejected.append(item)
    decisions.write(decisions_table(rejected))
    of_kept = tokens.take(places.drop_null())
    documents = documents.filter(pa.array(stays)).append_column("tokens", of_kept.column("tokens"))
    return documents.append_column("copies", of_kept.column("copies").cast(pa.int32()))


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "name": recipe.name,
        "version": recipe.version,
        "seed": recipe.seed,
        "packing": [recipe.packing.mode, recipe.packing.lengths],
        "tokenizer": tokenizer_settings(recipe),
        "slices_per_partition": plan.slices_per_partition,
        "texts": recipe.release.texts,
        "held_out": recipe.held_out is not None,
    }


def _prepare(recipe: Recipe) -> None:
    """Load the tokenizer and the packing kernels once, for all forked workers."""
    load_tokenizer(recipe)
    compile_kernels()


STEPS = [
    Step(
        name="pack",
        version=6,
        number=8,
        pass_name="pack",
        grain="partitions",
        reads=(
            Read("tokenize", "packed", "group", PACKED),
            Read("tokenize", "documents", "group", DOCUMENTS),
            *(Read("tokenize", tokens, "group", TOKENS) for tokens in TOKENS_OF_KIND.values()),
            Read("settle", "trim", "all", TRIM),
            Read("clean", "texts", "group", TEXTS, asked_for=lambda recipe: recipe.release.texts != "off"),
            Read("clean", "held_out", "group", TEXTS, asked_for=lambda recipe: recipe.held_out is not None),
            Read("clean", "indexed", "group", INDEXED),
            *overlay_reads("group", "group"),
        ),
        settings=_settings,
        run=_pack,
        prepare=_prepare,
    )
]
