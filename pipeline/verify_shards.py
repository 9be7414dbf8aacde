"""What packed shards hold, recomputed: token ids, padding, documents whole and each in one place, and the sums of it.

Nearly every token is told to be ordinary text by one comparison, because control tokens lie together at one end of a
vocabulary; only the others are looked at again. Documents are put together from their pieces once a shard is read.

Cost: see `pipeline.verify`. Memory: a row group (64 MiB of ids) some four times over, 41 bytes for each piece of one
shard and 16 bytes for each document of the release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from manifests.release import Manifest, ReleaseFile, ReleaseTokenizer
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_rows import (
    KINDS,
    Bools,
    Digests,
    Int32s,
    Int64s,
    MalformedRowsError,
    Rows,
    header_faults,
    read_rows,
)
from stages.exchange import lexsorted, sortable
from stages.packing import packed_schema


def _zero_by_kind() -> dict[str, int]:
    return dict.fromkeys(KINDS, 0)


@dataclass(slots=True)
class Totals:
    """What the shards of a release hold, added up as they are looked into.

    Attributes:
        document_ids: by shard, the 16-byte ids of its documents, each once.
        complete: False once something could not be counted.
    """

    documents: dict[str, int] = field(default_factory=_zero_by_kind)
    tokens: dict[str, int] = field(default_factory=_zero_by_kind)
    sequences: dict[str, int] = field(default_factory=_zero_by_kind)
    padding_tokens: int = 0
    cut_documents: int = 0
    document_ids: dict[str, Digests] = field(default_factory=dict)
    complete: bool = True


class _Pieces(NamedTuple):
    """What is remembered of pieces; `ends` says which end in the end-of-document token."""

    documents: Digests
    offsets: Int64s
    lengths: Int64s
    kinds: Int64s
    ends: Bools


class ShardCheck:
    """Looks into shards one after another, adds up what they hold, and takes down what is false.

    `tokenizer` and `packing.sequence_tokens` of the manifest must be proven before.
    """

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self.totals = Totals()
        self._manifest = manifest
        self._findings = findings
        self._progress = progress
        self._vocabulary = _Vocabulary(manifest.tokenizer)
        self._path = ""

    def check(self, release: Storage, listed: ReleaseFile) -> None:
        """Look into a shard; `progress` is told its size, bit by bit."""
        self._path = listed.path
        told = 0
        try:
            with pq.ParquetFile(release.path(listed.path)) as file:
                self._check_header(file, listed)
                pieces, num_rows = [], 0
                for group in range(file.num_row_groups):
                    length = self._manifest.packing.sequence_tokens
                    rows = read_rows(file, group, first=num_rows, sequence_tokens=length)
                    pieces.append(self._counted(rows, self._check_tokens(rows)))
                    num_rows += len(rows.used)
                    step = listed.num_bytes * num_rows // file.metadata.num_rows - told
                    told += step
                    self._progress(step)
            if pieces:
                self._check_documents(pieces)
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            self.totals.complete = False
            known = isinstance(error, MalformedRowsError)
            self._found(str(error) if known else f"expected a Parquet file, got {str(error).partition(chr(10))[0]}")
        self._progress(listed.num_bytes - told)

    def _found(self, what: str) -> None:
        self._findings.add(f"{self._path}: {what}")

    def _check_header(self, file: pq.ParquetFile, listed: ReleaseFile) -> None:
        manifest = self._manifest
        expected = packed_schema(
            {
                "corpusmill.release": f"{manifest.name} {manifest.version}",
                "corpusmill.sequence_tokens": str(manifest.packing.sequence_tokens),
                "corpusmill.tokenizer_sha256": manifest.tokenizer.sha256,
            }
        )
        for fault in header_faults(file, listed.rows, expected):
            self._found(fault)

    def _check_tokens(self, rows: Rows) -> Bools:
        """Look at every token; returns which pieces end in the end-of-document token."""
        length = self._manifest.packing.sequence_tokens
        end = self._manifest.tokenizer.end_of_document_id
        positions = self._vocabulary.suspects(rows.tokens)
        ids = rows.tokens[positions]
        is_padding = positions % length >= rows.used[positions // length]

        padding = np.bincount(positions[is_padding & (ids == end)] // length, minlength=len(rows.used))
        wrong = np.flatnonzero(padding != length - rows.used)
        if len(wrong):
            expected = (
                f"padding: expected the end-of-document id {end} for its last {length - rows.used[wrong[0]]} tokens"
            )
            self._found(f"{rows.at(wrong)}: {expected}, got it {padding[wrong[0]]} times")

        ends = np.isin(rows.last, positions[~is_padding & (ids == end)])
        inside = ~is_padding & ~np.isin(positions, rows.last[ends])
        for which, what in (
            (self._vocabulary.outside(ids), f"expected token ids of 0 to {self._vocabulary.size - 1}"),
            (self._vocabulary.is_control(ids), "control token inside document: expected token ids of text"),
        ):
            found = positions[inside & which]
            if len(found):
                where = rows.at(np.unique(found // length))
                self._found(f"{where}: {what}, got {rows.tokens[found[0]]} as token {found[0] % length}")
        return ends

    def _counted(self, rows: Rows, ends: Bools) -> _Pieces:
        """Add a row group to the totals; returns what is remembered of its pieces."""
        totals, length = self.totals, self._manifest.packing.sequence_tokens
        for number, kind in enumerate(KINDS):
            of_kind = rows.kinds == number
            totals.sequences[kind] += int(of_kind.sum())
            totals.tokens[kind] += int(rows.used[of_kind].sum())
        totals.padding_tokens += len(rows.used) * length - int(rows.used.sum())
        return _Pieces(rows.documents, rows.offsets, rows.lengths, rows.kinds[rows.rows], ends)

    def _check_documents(self, parts: Sequence[_Pieces]) -> None:
        """Put the documents of a shard together: pieces follow each other, the last alone ends the document."""
        documents, offsets, lengths, kinds, ends = (
            np.concatenate([getattr(part, name) for part in parts]) for name in _Pieces._fields
        )
        keys = sortable(documents)
        order = lexsorted([*keys, offsets])
        documents, offsets, lengths, kinds, ends = (
            array[order] for array in (documents, offsets, lengths, kinds, ends)
        )
        opens = np.ones(len(order), dtype=np.bool_)
        opens[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
        closes = np.append(opens[1:], True)
        expected = np.where(opens, 0, np.roll(offsets + lengths, 1))

        def found(wrong: Bools, what: Callable[[int], str]) -> None:
            places = np.flatnonzero(wrong)
            if len(places):
                more = f" and {len(places) - 1} more" if len(places) > 1 else ""
                self._found(f"document {documents[places[0]].tobytes().hex()}{more}: {what(int(places[0]))}")

        found(offsets != expected, lambda i: f"expected a piece from token {expected[i]}, got one from {offsets[i]}")
        found(closes & ~ends, lambda _: "expected the end-of-document token as its last, got another")
        found(ends & ~closes, lambda _: "control token inside document: expected end-of-document at its end alone")
        found(~opens & (kinds != np.roll(kinds, 1)), lambda _: "expected one kind, got two")
        for number, kind in enumerate(KINDS):
            self.totals.documents[kind] += int((opens & (kinds == number)).sum())
        self.totals.cut_documents += int((opens & ~closes).sum())
        self.totals.document_ids[self._path] = documents[opens]


class _Vocabulary:
    """Tells control tokens, and numbers that are no ids, from the ids of text."""

    def __init__(self, tokenizer: ReleaseTokenizer) -> None:
        self.size = tokenizer.vocabulary_size
        self._is_control = np.zeros(self.size, dtype=np.bool_)
        self._is_control[tokenizer.control_ids] = True
        marks = np.array([-1, *sorted(tokenizer.control_ids), self.size])
        longest = int(np.argmax(np.diff(marks)))
        self._first = int(marks[longest]) + 1
        self._count = int(marks[longest + 1]) - self._first

    def suspects(self, tokens: Int32s) -> Int64s:
        """Positions of all but the longest run of ids without a control token."""
        # As unsigned numbers, all that lies before the run wraps round to far behind it.
        ids = tokens.view(np.uint32)
        return np.flatnonzero((ids - np.uint32(self._first) if self._first else ids) >= self._count)

    def outside(self, ids: Int32s) -> Bools:
        return (ids < 0) | (ids >= self.size)

    def is_control(self, ids: Int32s) -> Bools:
        return self._is_control[np.clip(ids, 0, self.size - 1)] & ~self.outside(ids)
