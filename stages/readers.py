"""Readers: a shard becomes documents, one row at a time; a row that cannot is a counted `Rejected`.

Every row of a shard gives exactly one item, or one for each of its files where the layout says that it is a repository,
in order, so the account balances whatever the shard holds. Only a shard cut or damaged where it is compressed stops,
after the rows before that were yielded.

Memory: one line, bounded by `maximum_line_bytes`, and one chunk; of Parquet see `stages.parquet_rows`. Cost, ids apart:
a sixth more than a bare loop of zstandard and a msgspec Struct (120 against 144 MB of text a CPU second, measured side
by side on a busy machine). The sha256 in the id runs at 360 MB a second where the processor has no SHA instructions,
and is then a third of it all.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, NamedTuple

from filters.natural_languages import PROSE_FILES
from manifests.document import Document, Kind, Rejected, named_document_id, text_sha256
from stages.blob_rows import BlobRow
from stages.decompression import decompressed
from stages.parquet_rows import parquet_rows
from stages.row_layouts import Columns, RowFormat, row_layout
from stages.rows import Fault, Fields, Row, parse_line
from stages.software_heritage import Contents, Filled, Part

MAXIMUM_LINE_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class ShardSource:
    """How the shards of one source are to be read.

    Attributes:
        source: the source's name in the recipe; a part of every document's id.
        kind: of a document that `kinds` does not name.
        kinds: by subset or, where that is not named, by language.
        prose_files: kind of code in one of `filters.natural_languages.PROSE_FILES` that `kinds` does not name.
        contents: where texts are fetched, for the format "stack-v2-ids" alone.
        columns: names of the fields, for the format "columns" alone.
    """

    source: str
    format: RowFormat
    kind: Kind
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    columns: Columns | None = None
    prose_files: Kind = "code"
    contents: Contents | None = None

    def kind_of(self, subset: str, language: str) -> Kind:
        """The kind of a document with this subset and language."""
        own = self.prose_files if self.kind == "code" and language in PROSE_FILES else self.kind
        return self.kinds.get(subset) or self.kinds.get(language) or own


class Line(NamedTuple):
    """One line of a shard.

    Attributes:
        row: zero-based.
        content: without its LF; None where it is longer than the limit.
        terminated: False for a last line without a LF.
    """

    row: int
    content: bytes | None
    terminated: bool


def read_documents(
    file: BinaryIO,
    *,
    shard: str,
    source: ShardSource,
    maximum_line_bytes: int = MAXIMUM_LINE_BYTES,
    only: Container[int] | Mapping[int, Container[int]] | None = None,
) -> Iterator[Document | Rejected]:
    """Every row of a shard, in order, as a document or as a rejection of the stage "read".

    A name that ends in `.parquet` is read as Parquet, any other as JSON lines, decompressed as it says. The reasons are
    those of `stages.rows.parse_line`, `stages.row_layouts.Layout`, `stages.parquet_rows.parquet_rows` and, where texts
    are fetched, `stages.software_heritage.Contents`, with `line_too_long`, and with `file_ends_mid_line` for a last
    line without a LF that does not parse. An empty text is a document.

    Args:
        file: the shard, opened for reading bytes; Parquet is read at random.
        shard: name of the shard, relative to the source's folder.
        maximum_line_bytes: a longer line is skipped, unread; >= 0.
        only: rows to read; the others are passed over unparsed. A mapping says which parts of each row are wanted, and
            no text is fetched for another. None for all.

    Raises:
        DamagedShardError: the shard is cut or damaged; see `stages.decompression.decompressed` and `parquet_rows`.
        UnitError: a Parquet file without the text column, or one that cannot be read.
    """
    for row, part, item in _filled(_parts(file, shard, source, maximum_line_bytes, only), source):
        if isinstance(item, Row):
            yield _document(item, source, shard, row, part)
        else:
            yield _rejected(item, shard, row, part)


def _parts(
    file: BinaryIO, shard: str, source: ShardSource, maximum_line_bytes: int, only: Container[int] | None
) -> Iterator[Part]:
    layout = row_layout(source.format, source.columns)
    parts_of = layout.parts
    if is_parquet(shard):
        rows = parquet_rows(file, shard, layout, maximum_bytes=maximum_line_bytes, only=only)
    else:
        rows = _json_rows(file, shard, maximum_line_bytes, only)
    for row, fields in rows:
        for part, item in enumerate((fields,) if isinstance(fields, Fault) else parts_of(fields)):
            if not isinstance(only, Mapping) or part in only[row]:
                yield Part(row, part, item)


def _filled(parts: Iterator[Part], source: ShardSource) -> Iterator[Filled]:
    if source.contents is not None:
        yield from source.contents.fill(parts)
        return
    for row, part, item in parts:
        if isinstance(item, BlobRow):
            raise ValueError(f"the format `{source.format}` needs a place where contents are fetched")  # noqa: TRY004
        yield Filled(row, part, item)


def is_parquet(shard: str) -> bool:
    """Whether a shard of this name is read as Parquet, and so at random."""
    return shard.endswith(".parquet")


def _json_rows(
    file: BinaryIO, shard: str, maximum_line_bytes: int, only: Container[int] | None
) -> Iterator[tuple[int, Fields | Fault]]:
    for row, content, terminated in lines(decompressed(file, shard), maximum_line_bytes):
        if only is not None and row not in only:
            continue
        if content is None:
            yield row, Fault("line_too_long", f"more than {maximum_line_bytes} bytes")
            continue
        fields = parse_line(content)
        if isinstance(fields, Fault) and not terminated and fields.reason in {"invalid_json", "invalid_utf8"}:
            fields = Fault("file_ends_mid_line", fields.detail)
        yield row, fields


def lines(chunks: Iterable[bytes], maximum_line_bytes: int = MAXIMUM_LINE_BYTES) -> Iterator[Line]:
    """Split a stream of bytes at LF, and at nothing else.

    Never holds more than `maximum_line_bytes` and one chunk; what a longer line has is dropped as it comes.

    Args:
        maximum_line_bytes: the longest line that is given with its content, its LF not counted.

    Returns:
        Every line, an empty one too; nothing after the last LF is no line.
    """
    row = 0
    pending, pending_bytes = BytesIO(), 0
    for chunk in chunks:
        first, *complete = chunk.split(b"\n")
        pending_bytes += len(first)
        if pending_bytes <= maximum_line_bytes:
            pending.write(first)
        else:
            pending = BytesIO()
        if not complete:
            continue
        yield Line(row, pending.getvalue() if pending_bytes <= maximum_line_bytes else None, True)
        last = complete.pop()
        for content in complete:
            row += 1
            yield Line(row, content if len(content) <= maximum_line_bytes else None, True)
        row += 1
        pending, pending_bytes = BytesIO(), len(last)
        if pending_bytes <= maximum_line_bytes:
            pending.write(last)
    if pending_bytes:
        yield Line(row, pending.getvalue() if pending_bytes <= maximum_line_bytes else None, False)


def _document(item: Row, source: ShardSource, shard: str, row: int, part: int) -> Document:
    text, subset, language, repo, path, natural_key, metadata = item
    digest = text_sha256(text)
    return Document(
        id=named_document_id(source.source, natural_key, digest),
        text=text,
        kind=source.kind_of(subset, language),
        source=source.source,
        subset=subset,
        language=language,
        repo=repo,
        path=path,
        shard=shard,
        row=row,
        part=part,
        metadata=metadata,
        sha256=digest,
    )


def _rejected(fault: Fault, shard: str, row: int, part: int) -> Rejected:
    return Rejected(id="", stage="read", reason=fault.reason, shard=shard, row=row, part=part, detail=fault.detail)
