"""From cleaned texts to packed documents: what a sequence is packed from, one row and one list of token ids each.

A packed document is a source document, a pull request or several files of a repository, rendered; every epoch has its
own. Pass 6 makes them from a slice of a run, `corpusmill tokenize` from a slice of a release.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES, Kind
from stages.exchange import fixed_binary_array, lexsorted, sortable
from stages.mixing import order_keys
from stages.rendering import Renderable, Rendered, Renderer, RenderingOptions, packed_id
from stages.rendering_draws import Chunk, chosen_chunks

_ID = pa.binary(ID_BYTES)
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
# What a source document must bring along. `rewrite` says in which modes a model wrote its text; empty: none did.
COLUMNS = (
    "id",
    "text",
    "kind",
    "source",
    "language",
    "repo",
    "path",
    "num_bytes",
    "revision",
    "domain",
    "mix_key",
    "copies",
    "rewrite",
)
PULL_REQUESTS = "pull-requests"
_BATCH_DOCUMENTS = 1000

Int32s = npt.NDArray[np.int32]
Row = dict[str, Any]


class PackedDocument(NamedTuple):
    """A row of `PACKED` on its way, but for what follows from the others."""

    rendered: Rendered
    kind: str
    domain: str
    copy: int
    mix_key: int
    num_bytes: int


class Rendering(NamedTuple):
    """How documents are rendered; `formats` are those of the sources' rows, by source."""

    renderer: Renderer
    options: RenderingOptions
    formats: Mapping[str, str]
    seed: int


def rendered_documents(
    texts: pa.Table, rendering: Rendering, progress: Callable[[], object] = lambda: None
) -> list[PackedDocument]:
    """Render documents, each as often as it has copies.

    Args:
        texts: with `COLUMNS`.
        progress: called after every document.
    """
    packed: list[PackedDocument] = []
    columns = zip(*(texts.column(name).to_pylist() for name in ("kind", "repo", "path", "source")), strict=True)
    together = [
        rendering.options.repository_share > 0
        and kind == "code"
        and bool(repo and path)
        and rendering.formats[source] != PULL_REQUESTS
        for kind, repo, path, source in columns
    ]
    mask = pa.array(together, pa.bool_())
    for row in _rows(texts.filter(pc.invert(mask))):
        packed += [_alone(row, copy, rendering) for copy in range(row["copies"])]
        progress()
    packed += _of_repositories(texts.filter(mask), _code_bytes(texts), rendering, progress)
    return packed


def _code_bytes(texts: pa.Table) -> dict[str, int]:
    """Bytes of all documents of kind code by domain, every copy counted."""
    code = texts.filter(pc.equal(texts.column("kind"), "code"))
    sizes = pc.multiply(code.column("num_bytes"), code.column("copies"))
    sums = (
        pa.table([code.column("domain"), sizes], names=["domain", "size"])
        .group_by("domain")
        .aggregate([("size", "sum")])
    )
    return dict(zip(sums.column("domain").to_pylist(), sums.column("size_sum").to_pylist(), strict=True))


def packed_tables(packed: Sequence[PackedDocument], seed: int) -> tuple[pa.Table, dict[str, list[Int32s]]]:
    """Rows of `PACKED` in the order of their packing keys, and by kind the token ids of its rows."""
    ids = np.array([packed_id(document.rendered.name) for document in packed], dtype=f"V{ID_BYTES}")
    pack_keys = order_keys(ids, seed, "pack")
    order = lexsorted([pack_keys, *sortable(ids)])
    packed = [packed[place] for place in order.tolist()]
    columns: dict[str, Any] = {
        "packed_id": fixed_binary_array(ids[order]),
        "name": [document.rendered.name for document in packed],
        "pack_key": pack_keys[order],
        "form": [document.rendered.form for document in packed],
        "members": [[{"id": name, "length": n} for name, n in document.rendered.members] for document in packed],
        "num_tokens": [len(document.rendered.ids) for document in packed],
    }
    for name in ("kind", "domain", "copy", "mix_key", "num_bytes"):
        columns[name] = [getattr(document, name) for document in packed]
    table = pa.table([pa.array(columns[field.name], field.type) for field in PACKED], schema=PACKED)
    tokens: dict[str, list[Int32s]] = {kind: [] for kind in get_args(Kind)}
    for document in packed:
        tokens[document.kind].append(document.rendered.ids)
    return table, tokens


def _rows(texts: pa.Table) -> Iterator[Row]:
    for start in range(0, texts.num_rows, _BATCH_DOCUMENTS):
        yield from texts.slice(start, _BATCH_DOCUMENTS).select(COLUMNS).to_pylist()


def _repositories(texts: pa.Table) -> Iterator[list[Row]]:
    """The files of one repository and revision, and of one domain of the mixture, in the order of their paths."""
    keys = ("repo", "revision", "domain", "path", "id")
    texts = texts.take(pc.sort_indices(texts, sort_keys=[(name, "ascending") for name in keys]))
    names = list(zip(*(texts.column(name).to_pylist() for name in keys[:3]), strict=True))
    start = 0
    for _, group in groupby(names):
        num_files = sum(1 for _ in group)
        yield list(_rows(texts.slice(start, num_files)))
        start += num_files


def _of_repositories(
    texts: pa.Table, code_bytes: Mapping[str, int], rendering: Rendering, progress: Callable[[], object]
) -> Iterator[PackedDocument]:
    """As many chunks of files as the share of the code asks for as repository documents, the others file by file.

    Each domain of the mixture has its share, so that what becomes of its files is no matter of the others' weights.
    """
    chunks: dict[str, list[Chunk]] = {}
    for files in _repositories(texts):
        chunks.setdefault(files[0]["domain"], []).extend(_chunks(files, rendering))
        progress()
    chosen = {
        (chunk.first_id, chunk.copy): chunk.num_files
        for domain, of_domain in chunks.items()
        for chunk in chosen_chunks(of_domain, rendering.options.repository_share * code_bytes[domain], rendering.seed)
    }
    for files in _repositories(texts):
        for copy, present in _present(files):
            place = 0
            while place < len(present):
                num_files = chosen.get((present[place]["id"], copy), 1)
                rows = present[place : place + num_files]
                yield _together(rows, copy, rendering) if num_files > 1 else _alone(rows[0], copy, rendering)
                place += num_files
        progress()


def _chunks(files: list[Row], rendering: Rendering) -> Iterator[Chunk]:
    for copy, present in _present(files):
        for run in rendering.renderer.chunks([_renderable(row, rendering.formats) for row in present]):
            rows = present[run]
            num_bytes = sum(row["num_bytes"] for row in rows)
            yield Chunk(rows[0]["repo"], rows[0]["revision"], rows[0]["id"], copy, len(rows), num_bytes)


def _present(files: list[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Copy by copy, the files of which there are as many."""
    for copy in range(max(row["copies"] for row in files)):
        yield copy, [row for row in files if row["copies"] > copy]


def _alone(row: Row, copy: int, rendering: Rendering) -> PackedDocument:
    document = _renderable(row, rendering.formats)
    renderer = rendering.renderer
    render = renderer.pull_request if document.form == "pull_request" else renderer.file
    return PackedDocument(render(document, copy), row["kind"], row["domain"], copy, row["mix_key"], row["num_bytes"])


def _together(rows: list[Row], copy: int, rendering: Rendering) -> PackedDocument:
    """A repository document. It stands in the order of the mixture where its first file does."""
    rendered = rendering.renderer.repository([_renderable(row, rendering.formats) for row in rows], copy)
    num_bytes = sum(row["num_bytes"] for row in rows)
    return PackedDocument(rendered, "code", rows[0]["domain"], copy, rows[0]["mix_key"], num_bytes)


def _renderable(row: Row, formats: Mapping[str, str]) -> Renderable:
    form: Literal["file", "pull_request"] = "pull_request" if formats[row["source"]] == PULL_REQUESTS else "file"
    names = (row["id"], row["text"], row["kind"], row["language"], row["repo"], row["path"])
    return Renderable(*names, form, rewritten=bool(row["rewrite"]))
