"""Pass 6, tokenize: render the selected documents of a slice and turn them into token ids, with exact counts.

Where code is rewritten, a rewrite that stands is rendered in its original's place, and what pass 5 leaves out leaves
here, so that the account stays that of one pass after another.

What is written is a *packed document*: one source document or several, rendered, once for every epoch. They are put in
order of their packing key here, so from now on nothing depends on where they came from. Token ids lie apart from all
that is said of them, and apart by kind: pack lays out a whole shard before it reads one id, and then reads two kinds at
different places.

Memory: the texts, rewrites and token ids of one slice.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.kept_texts import TEXTS
from pipeline.overlays import REJECTION_READS, Overlay, left_out, overlay_reads, rejection_settings
from pipeline.pass_4_mix import SELECTION
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.rendered_documents import PACKED, PackedDocument, Rendering, packed_tables, rendered_documents
from pipeline.selected import selected
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import (
    load_renderer,
    load_tokenizer,
    recipe_options,
    rendering_settings,
    tokenizer_settings,
)
from stages.exchange import fixed_binary, lexsorted, sortable

# One row for each source document that was selected.
DOCUMENTS = pa.schema([field for field in TEXTS if field.name != "text"])
COUNTS = pa.schema(
    [PACKED.field(name) for name in ("packed_id", "kind", "domain", "copy", "mix_key", "num_tokens", "num_bytes")]
)
# Rows stand in the order of those rows of PACKED that are of the kind.
TOKENS = pa.schema([pa.field("tokens", pa.large_list(pa.int32()))])
TOKENS_OF_KIND = {"code": "code_tokens", "text": "text_tokens"}
_CHECKED_TEXTS = 16  # of the first slice: compared with the reference tokenizer in every run
_CHECKED_CHARACTERS = 20_000
_BATCH_DOCUMENTS = 1000


def _tokenize(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    texts = context.table("texts")
    texts = texts.take(pa.array(lexsorted(sortable(fixed_binary(texts.column("id"), ID_BYTES)))))
    selection = context.table("selection")
    mix_keys, domains, copies = context.clock.timing("select", selected)(texts, selection, context.recipe)
    columns = {"mix_key": mix_keys, "copies": copies, "domain": pa.array(domains, pa.string())}
    not_selected = texts.filter(pa.array(copies == 0))
    for name, column in columns.items():
        texts = texts.append_column(name, pa.array(column))
    texts = texts.filter(pa.array(copies > 0))
    gone = left_out(context, texts)
    _leave_out(context, not_selected, gone, ledger)
    texts = Overlay.of(context).laid_over(_without(texts, gone))
    for num_bytes in texts.column("num_bytes").to_pylist():
        ledger.keep(num_bytes)
    with context.blocks("documents", DOCUMENTS) as documents:
        documents.write(texts.select(DOCUMENTS.names))
    _write(context, context.clock.timing("render", _rendered)(context, texts))


def _without(texts: pa.Table, gone: list[Rejected]) -> pa.Table:
    ids = pa.array([bytes.fromhex(item.id) for item in gone], pa.binary(ID_BYTES))
    return texts.filter(pc.invert(pc.is_in(texts.column("id"), value_set=ids))) if gone else texts


def _leave_out(context: UnitContext, not_selected: pa.Table, gone: list[Rejected], ledger: Ledger) -> None:
    with context.blocks("decisions", DECISIONS) as decisions:
        not_taken = [
            Rejected(
                id=row["id"].hex(), stage="mix", reason="not_selected", shard="", row=-1, num_bytes=row["num_bytes"]
            )
            for row in not_selected.select(["id", "num_bytes"]).to_pylist()
        ]
        for item in (*not_taken, *gone):
            ledger.reject(item)
        decisions.write(decisions_table([*not_taken, *gone]))


def _rendered(context: UnitContext, texts: pa.Table) -> list[PackedDocument]:
    recipe = context.recipe
    if context.unit == 0:
        few = texts.column("text").slice(0, _CHECKED_TEXTS).to_pylist()
        with context.clock.during("check"):
            load_tokenizer(recipe).check([text[:_CHECKED_CHARACTERS] for text in few])
    attribution = texts.column("attribution").combine_chunks()
    texts = texts.append_column("revision", attribution.field("revision")).drop_columns(["attribution"])
    formats = {source.name: str(source.format) for source in recipe.sources}
    rendering = Rendering(load_renderer(recipe), recipe_options(recipe), formats, recipe.seed)
    return rendered_documents(texts, rendering, lambda: context.progress(0))


def _write(context: UnitContext, packed: list[PackedDocument]) -> None:
    table, tokens = context.clock.timing("sort", packed_tables)(packed, context.recipe.seed)
    with context.blocks("packed", PACKED) as rows, context.blocks("counts", COUNTS) as counts:
        rows.write(table)
        counts.write(table.select(COUNTS.names))
    for kind, output in TOKENS_OF_KIND.items():
        _write_tokens(context, output, tokens[kind])


def _write_tokens(context: UnitContext, output: str, tokens: list[npt.NDArray[np.int32]]) -> None:
    with context.blocks(output, TOKENS, codec="lz4") as blocks:
        for start in range(0, len(tokens), _BATCH_DOCUMENTS):
            batch = tokens[start : start + _BATCH_DOCUMENTS]
            offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in batch])]).astype(np.int64)
            lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(batch)))
            blocks.write(pa.table([lists], schema=TOKENS))
            context.progress(0)


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return {
        "tokenizer": tokenizer_settings(recipe),
        "rendering": rendering_settings(recipe),
        "formats": [[source.name, source.format] for source in recipe.sources],
        "domains": recipe.mixture.naming(),
        **rejection_settings(recipe),
    }


def _prepare(recipe: Recipe) -> None:
    load_renderer(recipe)
    load_tokenizer(recipe).encode("warm")


STEPS = [
    Step(
        name="tokenize",
        version=6,
        number=6,
        pass_name="tokenize",
        grain="slices",
        reads=(
            Read("clean", "texts", "blocks", TEXTS),
            Read("mix", "selection", "all", SELECTION),
            *overlay_reads("same", "blocks"),
            *REJECTION_READS,
        ),
        settings=_settings,
        run=_tokenize,
        prepare=_prepare,
    )
]
