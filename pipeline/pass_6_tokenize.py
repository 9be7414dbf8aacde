"""Pass 6, tokenize: render the selected documents of a slice and turn them into token ids, with exact counts.

What is written is a *packed document*: one source document or several, rendered, once for every epoch. They are put in
order of their packing key here, so from now on nothing depends on where they came from. Token ids lie apart from all
that is said of them, and apart by kind: pack lays out a whole shard before it reads one id, and then reads two kinds at
different places.

Memory: the texts and the token ids of one slice.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.kept_texts import TEXTS
from pipeline.pass_4_mix import SELECTION
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.exchange import fixed_binary, fixed_binary_array, lexsorted, sortable
from stages.mixing import order_keys
from stages.rendering import render_file

_ID = pa.binary(ID_BYTES)
# One row for each source document that was selected.
DOCUMENTS = pa.schema([field for field in TEXTS if field.name != "text"])
# One row for each packed document; `members` are the source documents that its tokens are of, in order.
PACKED = pa.schema(
    [
        pa.field("packed_id", _ID),
        pa.field("name", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("copy", pa.int32()),
        pa.field("mix_key", pa.uint64()),
        pa.field("pack_key", pa.uint64()),
        pa.field("form", pa.string()),
        pa.field("members", pa.list_(pa.struct([pa.field("id", _ID), pa.field("length", pa.int32())]))),
        pa.field("num_tokens", pa.int64()),
        pa.field("num_bytes", pa.int64()),
    ]
)
COUNTS = pa.schema(
    [PACKED.field(name) for name in ("packed_id", "kind", "domain", "copy", "mix_key", "num_tokens", "num_bytes")]
)
# Rows stand in the order of those rows of PACKED that are of the kind.
TOKENS = pa.schema([pa.field("tokens", pa.large_list(pa.int32()))])
TOKENS_OF_KIND = {"code": "code_tokens", "text": "text_tokens"}
_CHECKED_TEXTS = 16  # of the first slice: compared with the reference tokenizer in every run
_CHECKED_CHARACTERS = 20_000
_BATCH_DOCUMENTS = 1000


class _PackedDocument(NamedTuple):
    """A row of PACKED on its way, but for what follows from the others."""

    name: str
    kind: str
    domain: str
    copy: int
    mix_key: int
    form: str
    members: list[tuple[bytes, int]]
    num_bytes: int
    tokens: npt.NDArray[np.int32]


def _tokenize(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    texts = context.table("texts")
    texts = texts.take(pa.array(lexsorted(sortable(fixed_binary(texts.column("id"), ID_BYTES)))))
    ids = fixed_binary(texts.column("id"), ID_BYTES)
    mix_keys = order_keys(ids, context.recipe.seed, "mix")
    domains = [""] * len(ids)
    copies = _copies(context, texts.column("kind").to_pylist(), domains, mix_keys)
    columns = {"mix_key": mix_keys, "copies": copies, "domain": pa.array(domains, pa.string())}
    _leave_out(context, texts.filter(pa.array(copies == 0)), ledger)
    for name, column in columns.items():
        texts = texts.append_column(name, pa.array(column))
    texts = texts.filter(pa.array(copies > 0))
    for num_bytes in texts.column("num_bytes").to_pylist():
        ledger.keep(num_bytes)
    with context.blocks("documents", DOCUMENTS) as documents:
        documents.write(texts.select(DOCUMENTS.names))
    _write(context, _rendered(context, texts))


def _copies(
    context: UnitContext, kinds: list[str], domains: list[str], mix_keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """int64[n], how many times each document was selected; 0 for those that mix left out."""
    rows = {(row["kind"], row["domain"]): row for row in context.table("selection").to_pylist()}
    copies = np.zeros(len(kinds), dtype=np.int64)
    places: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(kinds, domains, strict=True)):
        places.setdefault(key, []).append(place)
    for key in places.keys() & rows.keys():
        row, here = rows[key], np.array(places[key])
        copies[here] = row["full_epochs"] + (mix_keys[here] < np.uint64(row["bound"]))
    return copies


def _leave_out(context: UnitContext, texts: pa.Table, ledger: Ledger) -> None:
    with context.blocks("decisions", DECISIONS) as decisions:
        left_out = [
            Rejected(
                id=row["id"].hex(), stage="mix", reason="not_selected", shard="", row=-1, num_bytes=row["num_bytes"]
            )
            for row in texts.select(["id", "num_bytes"]).to_pylist()
        ]
        for item in left_out:
            ledger.reject(item)
        decisions.write(decisions_table(left_out))


def _rendered(context: UnitContext, texts: pa.Table) -> list[_PackedDocument]:
    tokenizer = load_tokenizer(context.recipe)
    packed = []
    for start in range(0, texts.num_rows, _BATCH_DOCUMENTS):
        batch = texts.slice(start, _BATCH_DOCUMENTS).drop_columns(["attribution"]).to_pylist()
        if context.unit == 0 and start == 0:
            tokenizer.check([row["text"][:_CHECKED_CHARACTERS] for row in batch[:_CHECKED_TEXTS]])
        for row in batch:
            tokens = render_file(tokenizer.encode(row["text"]), end_of_document_id=tokenizer.end_of_document_id)
            packed.append(
                _PackedDocument(
                    row["id"].hex(), row["kind"], row["domain"], 0, row["mix_key"], "file",
                    [(row["id"], len(tokens))], row["num_bytes"], tokens,
                )
            )  # fmt: skip
            context.progress(0)
    return packed


def _write(context: UnitContext, packed: list[_PackedDocument]) -> None:
    names = np.array([bytes.fromhex(document.name) for document in packed], dtype=f"V{ID_BYTES}")
    pack_keys = order_keys(names, context.recipe.seed, "pack")
    order = lexsorted([pack_keys, *sortable(names)]).tolist()
    packed = [packed[place] for place in order]
    columns = {
        "packed_id": fixed_binary_array(names[order]),
        "pack_key": pack_keys[order],
        "members": [[{"id": name, "length": length} for name, length in document.members] for document in packed],
        "num_tokens": [len(document.tokens) for document in packed],
    }
    for name in ("name", "kind", "domain", "copy", "mix_key", "form", "num_bytes"):
        columns[name] = [getattr(document, name) for document in packed]
    table = pa.table([pa.array(columns[field.name], field.type) for field in PACKED], schema=PACKED)
    with context.blocks("packed", PACKED) as rows, context.blocks("counts", COUNTS) as counts:
        rows.write(table)
        counts.write(table.select(COUNTS.names))
    for kind, output in TOKENS_OF_KIND.items():
        _write_tokens(context, output, [document.tokens for document in packed if document.kind == kind])


def _write_tokens(context: UnitContext, output: str, tokens: list[npt.NDArray[np.int32]]) -> None:
    with context.blocks(output, TOKENS, codec="lz4") as blocks:
        for start in range(0, len(tokens), _BATCH_DOCUMENTS):
            batch = tokens[start : start + _BATCH_DOCUMENTS]
            offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in batch])]).astype(np.int64)
            lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(batch)))
            blocks.write(pa.table([lists], schema=TOKENS))
            context.progress(0)


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return {"tokenizer": tokenizer_settings(recipe), "seed": recipe.seed}


def _prepare(recipe: Recipe) -> None:
    load_tokenizer(recipe).encode("warm")


STEPS = [
    Step(
        name="tokenize",
        version=2,
        number=6,
        pass_name="tokenize",
        grain="slices",
        reads=(Read("clean", "texts", "blocks", TEXTS), Read("mix", "selection", "all", SELECTION)),
        settings=_settings,
        run=_tokenize,
        prepare=_prepare,
    )
]
