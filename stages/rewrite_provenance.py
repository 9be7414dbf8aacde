"""Provenance of rewrites: which model wrote a text, asked what, from which original. It becomes `rewrites/`.

A rewrite lies over its original and never in its place: the release has both, and this table says how the one was made
of the other. It is written slice by slice, each one sorted by id, so memory is that of a slice.

Cost: the originals, which zstd leaves a quarter of, and 0.5 kB a document.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import IO, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PROMPT = pa.struct([pa.field("mode", pa.string()), pa.field("version", pa.int32()), pa.field("sha256", pa.string())])
GATE_VALUE = pa.struct([pa.field("name", pa.string()), pa.field("value", pa.float64())])
ORIGINAL = "original"
RELEASED_REWRITES = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("doc_id", "language", "modes")),
        *(pa.field(name, pa.string()) for name in ("original_sha256", "text_sha256")),
        *(pa.field(name, pa.int64()) for name in ("original_bytes", "text_bytes")),
        *(pa.field(name, pa.string()) for name in ("model", "revision", "licence", "dtype")),
        *(pa.field(name, pa.float64()) for name in ("temperature", "top_p")),
        pa.field("seed", pa.int64()),
        pa.field("prompts", pa.list_(PROMPT)),
        pa.field("gates", pa.list_(GATE_VALUE)),
        *(pa.field(name, pa.int64()) for name in ("prompt_tokens", "completion_tokens")),
        pa.field(ORIGINAL, pa.string()),
    ]
)
_REPEATED = [
    *("language", "modes", "model", "revision", "licence", "dtype", "temperature", "top_p", "seed"),
    *(f"prompts.list.element.{field.name}" for field in PROMPT),
    "gates.list.element.name",
]


class UsedPrompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt whose answer became part of the text; `sha256` in hex of its file."""

    mode: str
    version: int
    sha256: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a rewrite came to be.

    Attributes:
        prompts: of its modes, in their order.
        gates: what the gates measured, original against rewrite, by name.
        prompt_tokens, completion_tokens: of all that the model was asked for this document, refused answers included.
    """

    model: str
    revision: str
    licence: str
    dtype: str
    temperature: float
    top_p: float
    seed: int
    prompts: list[UsedPrompt]
    gates: dict[str, float]
    prompt_tokens: int
    completion_tokens: int

    def to_json(self) -> str:
        """One JSON object, the same for equal values."""
        return msgspec.json.encode(self, order="deterministic").decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        return msgspec.json.decode(text, type=cls)


def released_rewrites(*, originals: bool) -> pa.Schema:
    """Columns of a release's file; `originals`: it has the originals' texts, as `texts/` has the rewrites."""
    return RELEASED_REWRITES if originals else RELEASED_REWRITES.remove(RELEASED_REWRITES.get_field_index(ORIGINAL))


def rewrites_schema(release: str, *, originals: bool) -> pa.Schema:
    """Schema of a release's file; `release` is its name and version."""
    return released_rewrites(originals=originals).with_metadata({"corpusmill.release": release})


def rewrite_rows(rewrites: pa.Table, doc_ids: pa.Array, originals: Iterable[str] | None) -> pa.Table:
    """The rows of a release's table for some rewrites, sorted by id.

    Args:
        rewrites: with the columns language, modes, text, num_bytes, original_bytes, original_sha256 (32 bytes) and
            provenance, JSON of `Provenance`.
        doc_ids: their ids as text, in the same order.
        originals: their originals, in the same order; None where the release has no texts.
    """
    made = [Provenance.from_json(text) for text in rewrites.column("provenance").to_pylist()]
    columns: dict[str, object] = {
        "doc_id": doc_ids,
        "original_sha256": [digest.hex() for digest in rewrites.column("original_sha256").to_pylist()],
        "text_sha256": [sha256(text.encode()).hexdigest() for text in rewrites.column("text").to_pylist()],
        "text_bytes": rewrites.column("num_bytes"),
        "prompts": [msgspec.to_builtins(one.prompts) for one in made],
        "gates": [[{"name": name, "value": value} for name, value in sorted(one.gates.items())] for one in made],
    }
    columns |= {name: rewrites.column(name) for name in ("language", "modes", "original_bytes")}
    for name in ("model", "revision", "licence", "dtype", "temperature", "top_p", "seed"):
        columns[name] = [getattr(one, name) for one in made]
    for name in ("prompt_tokens", "completion_tokens"):
        columns[name] = [getattr(one, name) for one in made]
    if originals is not None:
        columns[ORIGINAL] = list(originals)
    schema = released_rewrites(originals=originals is not None)
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    return table.take(pc.sort_indices(table.column("doc_id")))


def rewrites_writer(sink: str | IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file whose bytes depend on what is written and on pyarrow's version alone."""
    return pq.ParquetWriter(
        sink,
        schema,
        use_dictionary=_REPEATED,
        compression="zstd",
        compression_level=3,
        write_page_index=True,
        write_statistics=[name for name in schema.names if name != ORIGINAL],
    )
