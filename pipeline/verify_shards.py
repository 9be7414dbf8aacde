"""What packed shards hold, recomputed row group by row group; every falsehood becomes a finding, one line of text.

Rows, pieces and tokens are arrays here. Nearly every token is told to be ordinary text by one comparison, because
control tokens lie together at an end of a vocabulary; only the others are looked at again.

Cost: 45 M tokens per CPU second, nearly all of it Parquet's decoding. Memory: a row group (64 MiB of ids) some four
times over, 30 bytes for each piece of one shard, and 16 bytes for each document of the release.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import ID_BYTES, Kind
from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile, ReleaseTokenizer
from manifests.storage import Storage
from stages.exchange import lexsorted, sortable
from stages.packing import ROW_GROUP_BYTES, packed_schema

KINDS: tuple[str, ...] = get_args(Kind)

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.void]


@dataclass(slots=True)
class Totals:
    """What the shards of a release hold, added up as they are looked into.

    Attributes:
        document_ids: by shard, the 16-byte ids of its documents, each once.
        complete: False once something could not be counted.
    """

    documents: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    sequences: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    padding_tokens: int = 0
    cut_documents: int = 0
    document_ids: dict[str, Digests] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Parallel arrays, one entry a piece; `kind` is an index into KINDS, `ends` says that it ends its document."""

    document: Digests
    offset: Int64s
    length: Int64s
    kind: Int64s
    ends: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """A row group as arrays: rows are sequences; pieces stand in the order of the rows.

    Attributes:
        tokens: of all rows, one after another.
        used: by row, the tokens that are no padding.
        piece_last: by piece, where in `tokens` its last one stands.
    """

    first_row: int
    tokens: Int32s
    kind: Int64s
    used: Int64s
    piece_row: Int64s
    piece_last: Int64s
    piece_length: Int64s
    piece_offset: Int64s
    piece_document: Digests


class _Vocabulary:
    """Tells control tokens, and ids that are none, from ordinary ones."""

    def __init__(self, tokenizer: ReleaseTokenizer) -> None:
        self.size = tokenizer.vocabulary_size
        self._is_control = np.zeros(self.size, dtype=np.bool_)
        self._is_control[tokenizer.control_ids] = True
        marks = np.array([-1, *sorted(tokenizer.control_ids), self.size])
        longest = int(np.argmax(np.diff(marks)))
        self._first = int(marks[longest]) + 1
        self._count = int(marks[longest + 1]) - self._first

    def suspects(self, tokens: Int32s) -> Int64s:
        """Positions of all ids but those of the longest run without a control token."""
        # Unsigned numbers wrap round, so one comparison does for both ends of the run.
        ids = tokens.view(np.uint32)
        return np.flatnonzero((ids - np.uint32(self._first) if self._first else ids) >= self._count)

    def outside(self, ids: Int32s) -> Bools:
        return (ids < 0) | (ids >= self.size)

    def is_control(self, ids: Int32s) -> Bools:
        return self._is_control[np.clip(ids, 0, self.size - 1)] & ~self.outside(ids)


def check_shard(
    release: Storage, listed: ReleaseFile, manifest: Manifest, *, totals: Totals, progress: Callable[[int], None]
) -> Iterator[str]:
    """Findings about the rows of a shard; what it holds is added to `totals`.

    Args:
        manifest: its `tokenizer` and `packing.sequence_tokens` must be proven already.
        progress: told the size of the shard, bit by bit.
    """
    told = 0
    try:
        with pq.ParquetFile(release.path(listed.path)) as file:
            yield from (f"{listed.path}: {finding}" for finding in _header(file, listed, manifest))
            vocabulary, pieces, rows_done = _Vocabulary(manifest.tokenizer), list[_Pieces](), 0
            for group in range(file.num_row_groups):
                _check_group_size(file.metadata.row_group(group), manifest.packing.sequence_tokens)
                table = file.read_row_group(group)
                rows = _rows(table, rows_done, manifest.packing.sequence_tokens)
                ends = yield from _prefixed(listed.path, _tokens(rows, vocabulary, manifest))
                pieces.append(_counted(rows, ends, totals))
                rows_done += table.num_rows
                step = listed.num_bytes * rows_done // max(1, file.metadata.num_rows) - told
                told += step
                progress(step)
        yield from _prefixed(listed.path, _documents(listed.path, pieces, totals))
    except IntegrityError as error:
        totals.complete = False
        yield f"{listed.path}: {error.message}"
    except (pa.ArrowException, OSError) as error:
        totals.complete = False
        yield f"{listed.path}: expected a Parquet file, got {str(error).splitlines()[0]}"
    progress(listed.num_bytes - told)


def _prefixed[T](path: str, findings: Generator[str, None, T]) -> Generator[str, None, T]:
    ...
