"""What packed shards hold, recomputed: token ids, padding, packed documents whole, kinds interleaved, the sums of it.

Nearly every token is told to be ordinary text by one comparison, because control tokens lie together at one end of a
vocabulary; only the others are looked at again. Documents are put together from their pieces once a shard is read.

Cost: see `pipeline.verify`. Memory: a row group (64 MiB of ids) some four times over, 70 bytes for each piece of one
shard and, for each context length, 32 bytes for each document of the release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa

from manifests.document import ID_BYTES
from manifests.release import Manifest, ReleaseFile, ReleaseTokenizer
from manifests.release_packing import ContextLength, PackingFigures
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.released_schemas import metadata_of
from pipeline.verify_documents import why_unreadable
from pipeline.verify_removals import cut_by_removals
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
from stages.interleaving import largest_deviation
from stages.packed_rows import packed_schema
from stages.parquet_files import ParquetFile

_WINDOW = 1000  # consecutive rows whose share of a kind is that of the shard
_MOST_DEVIATION = 0.002


@dataclass(slots=True)
class Totals:
    """What the shards of one context length hold, added up as they are looked into, by kind.

    Attributes:
        documents: packed documents.
        complete: False once something could not be counted.
    """

    documents: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    figures: dict[str, PackingFigures] = field(default_factory=lambda: dict.fromkeys(KINDS, PackingFigures()))
    complete: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ShardRows:
    """What is remembered of a shard: an entry a row, or a piece; pieces stand in the order of their rows.

    Attributes:
        kinds: of each row, an index into KINDS.
        used: tokens of each row that are no padding.
        rows: row of each piece.
        offsets: of each piece within its packed document.
        ends: which pieces end in the end-of-document token.
        keys: of each piece's packed document.
        first_ids: of its first source document.
        copies: which copy it is, from 0.
        repositories: whether it holds several files of a repository.
        rewritten: whether it is one file that a model rewrote.
    """

    kinds: Int64s
    used: Int64s
    rows: Int64s
    lengths: Int64s
    offsets: Int64s
    ends: Bools
    keys: Digests
    first_ids: Digests
    copies: Int32s
    repositories: Bools
    rewritten: Bools


class ShardCheck:
    """Looks into shards of one context length, one after another, adds up what they hold, takes down what is false.

    `tokenizer` and the context lengths of the manifest must be proven before.
    """

    def __init__(
        self, manifest: Manifest, length: ContextLength, findings: Findings, progress: Callable[[int], None]
    ) -> None:
        self.totals = Totals()
        self._manifest = manifest
        self._length = length.sequence_tokens
        self._padded = manifest.packing.mode != "none"
        self._findings = findings
        self._progress = progress
        self._vocabulary = _Vocabulary(manifest.tokenizer)
        self._path = ""

    def check(self, release: Storage, listed: ReleaseFile) -> ShardRows | None:
        """Look into a shard; `progress` is told its size, bit by bit. None where it cannot be looked into."""
        self._path = listed.path
        told = 0
        parts: list[ShardRows] = []
        try:
            with ParquetFile(release.source(listed.path)) as file:
                for fault in header_faults(file, listed.rows, packed_schema(metadata_of(self._manifest, self._length))):
                    self._found(fault)
                num_rows = 0
                for group in range(file.num_row_groups):
                    rows = read_rows(file, group, first=num_rows, sequence_tokens=self._length, padded=self._padded)
                    parts.append(_remembered(rows, self._check_tokens(rows)))
                    num_rows += len(rows.used)
                    step = listed.num_bytes * num_rows // file.metadata.num_rows - told
                    told += step
                    self._progress(step)
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            self.totals.complete = False
            self._found(why_unreadable(error))
            return None
        finally:
            self._progress(listed.num_bytes - told)
        shard = _joined(parts)
        self._check_order(shard)
        self._check_documents(shard)
        return shard

    def _found(self, what: str) -> None:
        self._findings.add(f"{self._path}: {what}")

    def _check_tokens(self, rows: Rows) -> Bools:
        """Look at every token; returns which pieces end in the end-of-document token."""
        tokenizer = self._manifest.tokenizer
        end, beginning = tokenizer.end_of_document_id, tokenizer.beginning_of_document_id
        places = self._vocabulary.suspects(rows.tokens)
        ids = rows.tokens[places]
        in_rows = np.searchsorted(rows.starts, places, side="right") - 1
        is_padding = places - rows.starts[in_rows] >= rows.used[in_rows]

        padding = np.bincount(in_rows[is_padding & (ids == end)], minlength=len(rows.used))
        wrong = np.flatnonzero(padding != rows.widths - rows.used)
        if len(wrong):
            length = rows.widths[wrong[0]] - rows.used[wrong[0]]
            expected = f"padding: expected the end-of-document id {end} for its last {length} tokens"
            self._found(f"{rows.at(wrong)}: {expected}, got it {padding[wrong[0]]} times")

        last = rows.begins + rows.lengths - 1
        ends = np.isin(last, places[~is_padding & (ids == end)])
        if beginning is not None:  # which may be the same token: cut off alone, it begins its document
            ends &= (rows.offsets > 0) | (rows.lengths > 1)
        inside = ~is_padding & ~np.isin(places, last[ends])
        if beginning is not None:
            first = rows.begins[rows.offsets == 0]
            wrong = np.flatnonzero(rows.tokens[first] != beginning)
            if len(wrong):
                where = rows.at(np.unique(rows.rows[rows.offsets == 0][wrong]))
                self._found(f"{where}: expected the beginning-of-document id {beginning} first, got another")
            inside &= ~(np.isin(places, first) & (ids == beginning))
        for which, what in (
            (self._vocabulary.outside(ids), f"expected token ids of 0 to {self._vocabulary.size - 1}"),
            (self._vocabulary.is_control(ids), "control token inside document: expected token ids of text"),
        ):
            found = np.flatnonzero(inside & which)
            if len(found):
                place, row = places[found[0]], in_rows[found[0]]
                where = rows.at(np.unique(in_rows[found]))
                self._found(f"{where}: {what}, got {rows.tokens[place]} as token {place - rows.starts[row]}")
        return ends

    def _check_order(self, shard: ShardRows) -> None:
        """Whether every stretch of the shard has its share of each kind; add its rows to the totals."""
        deviation = largest_deviation(shard.kinds, num_kinds=len(KINDS), window=_WINDOW)
        if deviation > _MOST_DEVIATION:
            self._found(
                f"expected any {_WINDOW:,} rows in a row to hold the shard's share of each kind within "
                f"{_MOST_DEVIATION:.1%}, got {deviation:.2%}"
            )
        for number, kind in enumerate(KINDS):
            of_kind = shard.kinds == number
            used, rows = int(shard.used[of_kind].sum()), int(of_kind.sum())
            self.totals.tokens[kind] += used
            padding = rows * self._length - used if self._padded else 0
            self.totals.figures[kind] += PackingFigures(rows, padding)

    def _check_documents(self, shard: ShardRows) -> None:
        """Put packed documents together: pieces follow each other, the last alone ends the document."""
        keys = sortable(shard.keys)
        order = lexsorted([*keys, shard.offsets])
        documents, ends = shard.keys[order], shard.ends[order]
        offsets, lengths = shard.offsets[order], shard.lengths[order]
        kinds = shard.kinds[shard.rows[order]]
        opens = np.ones(len(order), dtype=np.bool_)
        opens[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
        closes = np.append(opens, True)[1:]
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
        number = np.cumsum(opens) - 1
        is_cut = np.bincount(number) > 1
        tokens = np.bincount(number, weights=lengths).astype(np.int64)
        if self._manifest.packing.mode != "concat":
            excused = cut_by_removals(
                self._manifest,
                repositories=shard.repositories[order],
                alone=(np.bincount(shard.rows)[shard.rows] == 1)[order],
                closes=closes,
                number=number,
            )
            needless = (is_cut & (tokens <= self._length) & ~excused)[number] & opens
            found(needless, lambda i: f"expected {tokens[number[i]]} tokens in one piece, for they fit in a sequence")
        for place, kind in enumerate(KINDS):
            of_kind = kinds[opens] == place
            self.totals.documents[kind] += int(of_kind.sum())
            cut = of_kind & is_cut
            self.totals.figures[kind] += PackingFigures(0, 0, int(cut.sum()), int(tokens[cut].sum()))


def _remembered(rows: Rows, ends: Bools) -> ShardRows:
    names = rows.names
    return ShardRows(
        kinds=rows.kinds,
        used=rows.used,
        rows=rows.first + rows.rows,
        lengths=rows.lengths,
        offsets=rows.offsets,
        ends=ends,
        keys=names.keys,
        first_ids=names.first_ids,
        copies=names.copies,
        repositories=names.repositories,
        rewritten=names.rewritten,
    )


def _joined(parts: Sequence[ShardRows]) -> ShardRows:
    """What is remembered of several row groups, as one."""
    kinds, used, rows, lengths, offsets = (np.zeros(0, dtype=np.int64) for _ in range(5))
    none, digests = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=f"V{ID_BYTES}")
    copies = np.zeros(0, dtype=np.int32)
    nothing = ShardRows(kinds, used, rows, lengths, offsets, none, digests, digests, copies, none, none)
    names = [item.name for item in fields(ShardRows)]
    return ShardRows(*(np.concatenate([getattr(part, name) for part in (nothing, *parts)]) for name in names))


class _Vocabulary:
    """Tells control tokens that nothing has inside a document, and numbers that are no ids, from all others."""

    def __init__(self, tokenizer: ReleaseTokenizer) -> None:
        self.size = tokenizer.vocabulary_size
        self._is_control = np.zeros(self.size, dtype=np.bool_)
        self._is_control[tokenizer.control_ids] = True
        self._is_control[list(tokenizer.template_ids.values())] = False
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
