"""Pass 6, tokenize: render the selected documents of a slice and turn them into token ids, with exact counts.

Documents are put in order of their packing key here, so from now on nothing depends on where they came from.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.kept_texts import TEXTS
from pipeline.pass_4_mix import SELECTION
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.attribution import PROVENANCE
from stages.exchange import fixed_binary, lexsorted, sortable
from stages.mixing import bin_of, order_keys
from stages.rendering import render_file

COUNTS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kind", pa.string()),
        pa.field("mix_key", pa.uint64()),
        pa.field("tokens", pa.int64()),
    ]
)
TOKENS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kind", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("repo", pa.string()),
        pa.field("path", pa.string()),
        pa.field("num_bytes", pa.int64()),
        pa.field("mix_key", pa.uint64()),
        pa.field("pack_key", pa.uint64()),
        pa.field("attribution", PROVENANCE),
        pa.field("tokens", pa.large_list(pa.int32())),
    ]
)
_CHECKED_TEXTS = 16  # of the first slice: compared with the reference tokenizer in every run
_CHECKED_CHARACTERS = 20_000


def _tokenize(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    seed = context.recipe.seed
    texts = context.table("texts")
    last_bins = {row["kind"]: row["last_bin"] for row in context.table("selection").to_pylist()}
    ids = fixed_binary(texts.column("id"), ID_BYTES)
    mix_keys, pack_keys = order_keys(ids, seed, "mix"), order_keys(ids, seed, "pack")
    kinds = np.array(texts.column("kind").to_pylist(), dtype=object)
    selected = np.zeros(len(ids), dtype=np.bool_)
    for kind, last in last_bins.items():
        selected |= (kinds == kind) & (bin_of(mix_keys) <= last)

    texts = texts.append_column("mix_key", pa.array(mix_keys)).append_column("pack_key", pa.array(pack_keys))
    with context.blocks("decisions", DECISIONS) as decisions:
        left_out = [
            Rejected(
                id=row["id"].hex(), stage="mix", reason="not_selected", shard="", row=-1, num_bytes=row["num_bytes"]
            )
            for row in texts.select(["id", "num_bytes"]).filter(pa.array(~selected)).sort_by("id").to_pylist()
        ]
        for item in left_out:
            ledger.reject(item)
        decisions.write(decisions_table(left_out))
    chosen: npt.NDArray[np.int64] = np.flatnonzero(selected)
    chosen = chosen[lexsorted([pack_keys[chosen], *sortable(ids[chosen])])]
    _write_tokens(context, texts, chosen, ledger)


def _write_tokens(context: UnitContext, texts: pa.Table, chosen: npt.NDArray[np.int64], ledger: Ledger) -> None:
    tokenizer = load_tokenizer(context.recipe)
    with context.blocks("tokens", TOKENS, codec="lz4") as tokens, context.blocks("counts", COUNTS) as counts:
        for start in range(0, len(chosen), 1000):
            batch = texts.take(pa.array(chosen[start : start + 1000]))
            strings = batch.column("text").to_pylist()
            if context.unit == 0 and start == 0:
                tokenizer.check([text[:_CHECKED_CHARACTERS] for text in strings[:_CHECKED_TEXTS]])
            rendered = []
            for text, num_bytes in zip(strings, batch.column("num_bytes").to_pylist(), strict=True):
                ids = render_file(tokenizer.encode(text), end_of_document_id=tokenizer.end_of_document_id)
                rendered.append(ids)
                ledger.keep(num_bytes)
                context.progress(0)
            offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in rendered])]).astype(np.int64)
            lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(rendered)))
            batch = batch.append_column("tokens", lists)
            tokens.write(batch.select(TOKENS.names))
            lengths = pc.list_value_length(batch.column("tokens"))
            counts.write(pa.table([*(batch.column(n) for n in COUNTS.names[:3]), lengths], schema=COUNTS))


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return {"tokenizer": tokenizer_settings(recipe), "seed": recipe.seed}


def _prepare(recipe: Recipe) -> None:
    load_tokenizer(recipe).encode("warm")


STEPS = [
    Step(
        name="tokenize",
        number=6,
        pass_name="tokenize",
        grain="slices",
        reads=(Read("clean", "texts", "blocks", TEXTS), Read("mix", "selection", "all", SELECTION)),
        settings=_settings,
        run=_tokenize,
        prepare=_prepare,
    )
]
