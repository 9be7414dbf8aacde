"""Suppression: which documents are removed content come back, told from sketches alone. Pure functions over arrays.

A document is suppressed if its content hash is that of a removed one; or, nearly, if the two share an LSH band and at
least `MINIMUM_AGREEMENT` of 64 values of their signatures agree. Nothing but sketches is left of what was removed, so
near ones are estimated: the one exception to exact verification. Runs and removals ask this one function.

Two documents of similarity J agree in a binomial number of 64 values: of pairs at J = 0.9 the rule finds 99 of 100, at
0.7 it takes 3 of 100, at 0.5 none of a million. A document without shingles has no signature, and only equals.

Memory: 0.66 kB a removed document: 256 bytes of values, 32 x 12 bytes of band keys, 24 bytes of content hash and place.
Cost: 10 us a document of 32 bands against 100,000 removed ones, 15 ns for each that it meets.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from manifests.document import ID_BYTES
from stages.candidates import Digests, fresh
from stages.estimates import SKETCH_VALUES
from stages.exchange import fixed_binary, lexsorted, sortable

MINIMUM_AGREEMENT = 52
"""Of `SKETCH_VALUES` values, so many must agree for a near copy of removed content."""

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Sketches(NamedTuple):
    """What is compared of some documents.

    Attributes:
        content: content hashes, as two uint64[n].
        values: uint32[n, 64], the first values of each signature; whatever stands there for one without bands is not
            looked at.
        band_key: uint64[m], the LSH band keys of all documents.
        band_row: int64[m], the document that each belongs to, by its place; those of one document side by side, where
            it is held against a list.
    """

    content: Digests
    values: U32
    band_key: U64
    band_row: I64


class Matches(NamedTuple):
    """Which documents are suppressed.

    Attributes:
        by: int64[n], place of the removed document that each one is, or is like; -1 where it may stay. Of several
            equal ones the first; of near ones that which its bands lead to first.
        agreeing: int64[n], how many values agree with that one; `SKETCH_VALUES` for the same content, 0 where it may
            stay.
        equal: bool[n], whether it has the same content.
    """

    by: I64
    agreeing: I64
    equal: Bools


class SuppressionList:
    """The sketches of removed documents, sorted to be asked."""

    def __init__(self, removed: Sketches) -> None:
        order = lexsorted([*removed.content, np.arange(len(removed.content[0]), dtype=np.uint64)])
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        rows = place[removed.band_row].astype(np.uint32)
        by_key = np.lexsort((rows, removed.band_key))
        self._order: I64 = order.astype(np.int64)
        self._high, self._low = (half[order] for half in removed.content)
        self._values = removed.values[order]
        self._band_key, self._band_row = removed.band_key[by_key], rows[by_key]

    def __len__(self) -> int:
        return len(self._order)

    @property
    def num_contents(self) -> int:
        """How many different contents were removed."""
        return int(fresh([self._high, self._low]).sum())

    def matches(self, sketches: Sketches, *, near: bool = True) -> Matches:
        """Which of some documents are suppressed, and by what.

        Args:
            near: whether near copies are, too, and not only the same content.
        """
        size = len(sketches.content[0])
        found, agreeing = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)
        if len(self) and size:
            _find_equal(self._high, self._low, _writable(sketches.content[0]), _writable(sketches.content[1]), found)
        equal: Bools = found >= 0
        if near and len(self._band_key) and len(sketches.band_key):
            removed = (self._band_key, self._band_row, self._values)
            documents = _writable(sketches.band_key), _writable(sketches.band_row), _writable(sketches.values)
            _find_near(removed, documents, found, agreeing)
        agreeing[equal] = SKETCH_VALUES
        hit = found >= 0
        found[hit] = self._order[found[hit]]
        return Matches(found, agreeing, equal)


def sketches_of(table: pa.Table) -> Sketches:
    """The sketches of a table with the columns content_hash, bands and values, such as `release_index.SKETCHES`."""
    content = sortable(fixed_binary(table.column("content_hash"), ID_BYTES))
    bands = table.column("bands").combine_chunks()
    if isinstance(bands, pa.ChunkedArray):
        bands = pa.concat_arrays(bands.chunks) if bands.num_chunks else pa.array([], bands.type)
    lengths = bands.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(table.num_rows, dtype=np.int64), lengths)
    filled = table.column("values").fill_null(bytes(4 * SKETCH_VALUES))
    values = fixed_binary(filled, 4 * SKETCH_VALUES).view(np.uint32).reshape(-1, SKETCH_VALUES)
    return Sketches(content, values, bands.flatten().to_numpy(), rows)


def _writable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array as kernels are compiled for: they would be compiled once more for what may not be written to."""
    return np.require(array, requirements=["C", "W"])


def compile_kernels() -> None:
    """Compile, or load, what `matches` runs, so that it is there before processes fork."""
    nothing = np.zeros(1, dtype=np.uint64)
    one = Sketches((nothing, nothing), np.zeros((1, SKETCH_VALUES), np.uint32), nothing, np.zeros(1, np.int64))
    SuppressionList(one).matches(one)


@njit(cache=True, nogil=True)
def _first_at(keys: U64, key: np.uint64) -> int:
    """Place of the first of some ascending keys that is not less."""
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _find_equal(known_high: U64, known_low: U64, high: U64, low: U64, found: I64) -> None:
    for document in range(high.size):
        place = _first_at(known_high, high[document])
        while place < known_high.size and known_high[place] == high[document]:
            if known_low[place] == low[document]:
                found[document] = place
                break
            place += 1


@njit(cache=True, nogil=True)
def _find_near(removed: tuple[U64, U32, U32], documents: tuple[U64, I64, U32], found: I64, agreeing: I64) -> None:
    known_key, known_row, known = removed
    key, row, values = documents
    met = np.full(known.shape[0], -1, np.int64)  # by the document that was held against it last
    for band in range(key.size):
        document = row[band]
        if found[document] >= 0:
            continue
        place = _first_at(known_key, key[band])
        while place < known_key.size and known_key[place] == key[band]:
            other = np.int64(known_row[place])
            place += 1
            if met[other] == document:
                continue
            met[other] = document
            agree = _agreement(known[other], values[document])
            if agree >= MINIMUM_AGREEMENT:
                found[document], agreeing[document] = other, agree
                break


@njit(cache=True, nogil=True)
def _agreement(left: U32, right: U32) -> int:
    """How many values agree; -1 as soon as they are too few."""
    differing = 0
    for place in range(SKETCH_VALUES):
        differing += left[place] != right[place]
        if differing > SKETCH_VALUES - MINIMUM_AGREEMENT:
            return -1
    return SKETCH_VALUES - differing
