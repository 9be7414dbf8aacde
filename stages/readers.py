"""Readers: a shard becomes documents, one row at a time; a row that cannot is a counted `Rejected`.

Every line of a shard gives exactly one item, in order, so the account balances whatever the shard holds. Only a cut or
damaged compressed frame stops a shard, after the rows before it were yielded.

Memory: one line, bounded by `maximum_line_bytes`, and one chunk. Cost, ids apart: a sixth more than a bare loop of
zstandard and a msgspec Struct (120 against 144 MB of text a CPU second, measured side by side on a busy machine). The
sha256 in the id runs at 360 MB a second where the processor has no SHA instructions, and is then a third of it all.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, NamedTuple

from manifests.document import Document, Kind, Rejected, document_id
from stages.decompression import decompressed
from stages.rows import Fault, Row, RowFormat, parse_row

MAXIMUM_LINE_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class ShardSource:
    """How the shards of one source are to be read.

    Attributes:
        source: the source's name in the recipe; a part of every document's id.
        kind: of a document that `kinds` does not name.
        kinds: by subset or, where that is not named, by language.
    """

    source: str
    format: RowFormat
    kind: Kind
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def kind_of(self, subset: str, language: str) -> Kind:
        """The kind of a document with this subset and language."""
        return self.kinds.get(subset) or self.kinds.get(language) or self.kind


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
    only: Container[int] | None = None,
) -> Iterator[Document | Rejected]:
    """Every row of a shard, in order, as a document or as a rejection of the stage "read".

    The reasons are those of `stages.rows.parse_row`, with `line_too_long`, and with `file_ends_mid_line` for a last
    line without a LF that does not parse. An empty text is a document.

    Args:
        file: the shard, opened for reading bytes; compressed as its name says.
        shard: name of the shard, relative to the source's folder.
        maximum_line_bytes: a longer line is skipped, unread; >= 0.
        only: rows to read; the others are passed over unparsed. None for all.

    Raises:
        DamagedShardError: a compressed frame is cut or damaged; see `stages.decompression.decompressed`.
    """
    for row, content, terminated in lines(decompressed(file, shard), maximum_line_bytes):
        if only is not None and row not in only:
            continue
        if content is None:
            fault = Fault("line_too_long", f"more than {maximum_line_bytes} bytes")
            yield _rejected(fault, shard, row)
            continue
        parsed = parse_row(content, source.format)
        if isinstance(parsed, Row):
            yield _document(parsed, source, shard, row)
        elif not terminated and parsed.reason in {"invalid_json", "invalid_utf8"}:
            yield _rejected(Fault("file_ends_mid_line", parsed.detail), shard, row)
        else:
            yield _rejected(parsed, shard, row)


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


def _document(row_parts: Row, source: ShardSource, shard: str, row: int) -> Document:
    text, subset, language, repo, path, natural_key, metadata = row_parts
    return Document(
        id=document_id(source.source, natural_key, text),
        text=text,
        kind=source.kind_of(subset, language),
        source=source.source,
        subset=subset,
        language=language,
        repo=repo,
        path=path,
        shard=shard,
        row=row,
        metadata=metadata,
    )


def _rejected(fault: Fault, shard: str, row: int) -> Rejected:
    return Rejected(id="", stage="read", reason=fault.reason, shard=shard, row=row, detail=fault.detail)
