"""Sketches: what ingest writes down of a text so that its duplicates are found without it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.recipe_duplicates import NearDuplicates
from stages.estimates import SKETCH_VALUES
from stages.set_hashes import set_hash
from stages.shingles import content_hash_utf8, shingle_hashes_utf8
from stages.signatures import band_keys, permutations, signature


class Sketch(NamedTuple):
    """A row of `stages.release_index.SKETCHES`.

    Attributes:
        key: `set_hash` of its shingles; the content hash of a text with fewer words than a shingle has.
        bands: uint64, the keys of its LSH bands; None without shingles.
        values: the first 64 values of its signature, little-endian uint32; None without shingles.
    """

    key: bytes
    content_hash: bytes
    bands: npt.NDArray[np.uint64] | None
    values: bytes | None


def sketching(near: NearDuplicates | None) -> Callable[[bytes], Sketch]:
    """A function from a text in UTF-8 to its sketch; without near duplicates its key is its content hash."""
    if near is None:
        return _by_content
    a, b = permutations(max(near.bands * near.rows, SKETCH_VALUES), near.seed)

    def sketch(encoded: bytes) -> Sketch:
        hashes = shingle_hashes_utf8(encoded, ngram_words=near.ngram_words)
        if not len(hashes):
            return _by_content(encoded)
        values = signature(hashes, a, b)
        keys = band_keys(values, bands=near.bands, rows=near.rows)
        first = values[:SKETCH_VALUES].astype("<u4").tobytes()
        return Sketch(set_hash(hashes), content_hash_utf8(encoded), keys, first)

    return sketch


def _by_content(encoded: bytes) -> Sketch:
    content_hash = content_hash_utf8(encoded)
    return Sketch(content_hash, content_hash, None, None)
