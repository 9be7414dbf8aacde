"""Positions held against the rows that they are about: full cover, no overlap, source documents whole.

Every token of every row that is no padding lies in exactly one position; a position lies in one piece, and says of it
what its name says: which copy, whether it is a repository's, and if not, which document it is of. The tokens of a
source document stand in one packed document for each copy, in order and without a gap. That they are those of its text
is not looked at.

Cost: 1 s for 2 M positions. Memory: 100 bytes for each position of one shard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.release import Manifest, ReleaseFile
from manifests.release_packing import ContextLength
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.released_schemas import metadata_of
from pipeline.verify_documents import row_groups, why_unreadable
from pipeline.verify_rows import KINDS, Bools, Digests, Int32s, Int64s, MalformedRowsError, digests, header_faults
from pipeline.verify_shards import ShardRows
from stages.exchange import lexsorted, sortable
from stages.parquet_files import ParquetFile
from stages.positions import positions_schema
from stages.rendering import Form

_FORMS: tuple[str, ...] = get_args(Form)
_OF_REPOSITORIES = np.array([form.startswith("repository") for form in _FORMS])


@dataclass(frozen=True, slots=True, eq=False)
class SourceDocuments:
    """The source documents of a shard, each once, in the order of their ids.

    Attributes:
        kinds: indices into KINDS.
        copies: how many copies of each there are.
        tokens: of all copies.
        rewritten: which of them a packed document of their own calls rewritten.
        plain: which of them one does not call so. Those that only stand among other files are neither.
    """

    ids: Digests
    kinds: Int64s
    copies: Int64s
    tokens: Int64s
    rewritten: Bools
    plain: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Positions:
    """A file's rows; `start` counts the tokens of all rows that are no padding, one row after another."""

    ids: Digests
    rows: Int64s
    offsets: Int64s
    lengths: Int64s
    doc_offsets: Int64s
    copies: Int64s
    forms: Int64s


class PositionsCheck:
    """Looks into the files of one context length, one after another, and takes down what is false."""

    def __init__(
        self, manifest: Manifest, length: ContextLength, findings: Findings, progress: Callable[[int], None]
    ) -> None:
        self.documents = dict.fromkeys(KINDS, 0)
        self.forms: dict[str, int] = {}
        self._schema = positions_schema(metadata_of(manifest, length.sequence_tokens))
        self._findings = findings
        self._progress = progress
        self._path = ""

    def check(self, release: Storage, listed: ReleaseFile, shard: ShardRows | None) -> SourceDocuments | None:
        """Look into a file; `progress` is told its size.

        Args:
            shard: the rows that it is about; None where they could not be read.

        Returns:
            The documents of the shard; None where they could not be read.
        """
        self._path = listed.path
        documents = None
        try:
            with ParquetFile(release.source(listed.path)) as file:
                for fault in header_faults(file, listed.rows, self._schema):
                    self._found(fault)
                positions = _read(file)
            if shard is not None and self._covers(positions, shard):
                self._check_pieces(positions, shard)
                documents = self._documents(positions, shard)
                self._count_forms(positions)
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            self._found(why_unreadable(error))
        self._progress(listed.num_bytes)
        return documents

    def _count_forms(self, positions: _Positions) -> None:
        tokens = np.bincount(positions.forms, weights=positions.lengths, minlength=len(_FORMS)).astype(np.int64)
        for form, count in zip(_FORMS, tokens.tolist(), strict=True):
            if count:
                self.forms[form] = self.forms.get(form, 0) + count

    def _found(self, what: str) -> None:
        self._findings.add(f"{self._path}: {what}")

    def _wrong(self, wrong: Bools, what: Callable[[int], str]) -> None:
        """Take down the first row for which something is wrong, and how many more there are."""
        places = np.flatnonzero(wrong)
        if len(places):
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            self._found(f"row {places[0]}{more}: {what(int(places[0]))}")

    def _covers(self, positions: _Positions, shard: ShardRows) -> bool:
        """Whether every token lies in exactly one position, and positions stand in the order of the tokens."""
        ends = np.append(np.cumsum(shard.used), shard.used.sum())  # a row more, without tokens, behind all others
        used = np.append(shard.used, 0)
        wanted = np.cumsum(positions.lengths) - positions.lengths
        row = np.minimum(np.searchsorted(ends, wanted, side="right"), len(ends) - 1)
        offset = wanted - (ends - used)[row]
        wrong = (positions.rows != row) | (positions.offsets != offset)
        wrong |= positions.offsets + positions.lengths > used[row]
        self._wrong(
            wrong,
            lambda i: (
                f"expected a position from token {offset[i]} of row {row[i]} of the shard, within its "
                f"{used[row[i]]} tokens, got {positions.lengths[i]} tokens from {positions.offsets[i]} of row "
                f"{positions.rows[i]}"
            ),
        )
        covered = int(positions.lengths.sum())
        if not wrong.any() and covered != ends[-1]:
            self._found(f"expected positions of all {ends[-1]} tokens of the shard, got those of {covered}")
        return not wrong.any() and covered == int(ends[-1])

    def _check_pieces(self, positions: _Positions, shard: ShardRows) -> None:
        """Whether each position lies in one piece, and is what the piece's name says."""
        piece, within = _places(positions, shard)
        crosses = within + positions.lengths > shard.lengths[piece]
        self._wrong(crosses, lambda i: f"expected a position within a piece of {shard.lengths[piece[i]]} tokens")
        copies = shard.copies[piece]
        self._wrong(positions.copies != copies, lambda i: f"expected copy {copies[i]}, got {positions.copies[i]}")
        repositories = shard.repositories[piece]
        self._wrong(
            _OF_REPOSITORIES[positions.forms] != repositories,
            lambda i: (
                f"expected the form of a document {'of several files' if repositories[i] else 'of one file or text'}, "
                f"got {_FORMS[positions.forms[i]]}"
            ),
        )
        opens = (shard.offsets[piece] == 0) & (within == 0)
        ids = shard.first_ids[piece]
        self._wrong(
            (opens | ~repositories) & (positions.ids != ids),
            lambda i: f"expected document {ids[i].tobytes().hex()}, got {positions.ids[i].tobytes().hex()}",
        )

    def _documents(self, positions: _Positions, shard: ShardRows) -> SourceDocuments:
        """Put source documents together from their positions."""
        piece, within = _places(positions, shard)
        keys = sortable(positions.ids)
        order = lexsorted([*keys, positions.copies, positions.doc_offsets])
        ids, copies = positions.ids[order], positions.copies[order]
        kinds = shard.kinds[positions.rows[order]]
        starts, lengths = positions.doc_offsets[order], positions.lengths[order]
        packed = shard.keys[piece][order]
        begins = (shard.offsets[piece] + within)[order] - starts  # of the document within its packed document
        is_new = np.ones(len(order), dtype=np.bool_)
        is_new[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
        opens = is_new | (copies != np.roll(copies, 1))

        def wrong(where: Bools, what: Callable[[int], str]) -> None:
            places = np.flatnonzero(where)
            if len(places):
                more = f" and {len(places) - 1} more" if len(places) > 1 else ""
                place = int(places[0])
                name = f"document {ids[place].tobytes().hex()}, copy {copies[place]}{more}"
                self._found(f"{name}: {what(place)}")

        expected = np.where(opens, 0, np.roll(starts + lengths, 1))
        wrong(starts != expected, lambda i: f"expected a position from token {expected[i]}, got one from {starts[i]}")
        apart = (packed != np.roll(packed, 1)) | (begins != np.roll(begins, 1))
        wrong(~opens & apart, lambda _: "expected its tokens in order in one packed document, got them in two places")
        wrong(~is_new & (kinds != np.roll(kinds, 1)), lambda _: "expected one kind, got two")
        number = np.cumsum(is_new) - 1
        for place, kind in enumerate(KINDS):
            self.documents[kind] += int((kinds[is_new] == place).sum())
        alone, named = ~shard.repositories[piece][order], shard.rewritten[piece][order]
        rewritten, plain = (np.bincount(number, weights=which) > 0 for which in (alone & named, alone & ~named))
        copies_of = np.bincount(number, weights=opens).astype(np.int64)
        tokens = np.bincount(number, weights=lengths).astype(np.int64)
        return SourceDocuments(ids[is_new], kinds[is_new], copies_of, tokens, rewritten, plain)


def _read(file: ParquetFile) -> _Positions:
    """All rows; raises MalformedRowsError where a value is none that a position can have."""
    parts: list[list[Digests | Int64s | Int32s]] = []
    for group, table in row_groups(file):
        names = table.column("doc_id").combine_chunks()
        ids = digests(names, 0, np.arange(len(names)))
        forms = pc.index_in(table.column("form"), value_set=pa.array(_FORMS)).fill_null(-1).to_numpy()
        numbers = [table.column(name).to_numpy() for name in ("row", "offset", "length", "doc_offset", "copy")]
        if forms.min(initial=0) < 0:
            unknown = table.column("form")[int(np.flatnonzero(forms < 0)[0])].as_py()
            raise MalformedRowsError(f"row group {group}: expected a form of {', '.join(_FORMS)}, got {unknown[:80]!r}")
        if min(int(values.min(initial=0)) for values in numbers) < 0 or numbers[2].min(initial=1) < 1:
            raise MalformedRowsError(f"row group {group}: expected numbers of at least 0 and lengths of at least 1")
        parts.append([ids, *numbers, forms])
    if not parts:
        return _Positions(np.empty(0, dtype=f"V{ID_BYTES}"), *(np.empty(0, dtype=np.int64) for _ in range(6)))
    ids, *columns = (np.concatenate([part[place] for part in parts]) for place in range(7))
    return _Positions(ids, *(column.astype(np.int64) for column in columns))


def _places(positions: _Positions, shard: ShardRows) -> tuple[Int64s, Int64s]:
    """The piece that each position begins in, and where in it."""
    starts = np.cumsum(shard.lengths) - shard.lengths
    begins = (np.cumsum(shard.used) - shard.used)[positions.rows] + positions.offsets
    piece = np.searchsorted(starts, begins, side="right") - 1
    return piece, begins - starts[piece]
