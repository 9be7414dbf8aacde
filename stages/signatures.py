"""MinHash signatures and LSH band keys.

The signature is datasketch's scheme "affine32" (2.0.0), bit for bit, so signatures can be checked and reused with
that library: each shingle's low 32 bits go through MurmurHash3's fmix32, and permutation k keeps the smallest
a[k] * h + b[k] modulo 2**32. The standard error of the similarity estimate is sqrt(J (1 - J) / permutations): 0.03 at
most for 256. Candidates only: the decision is the exact similarity of `stages.similarity`.

Cost: 256 permutations take 20 ns a shingle on a busy hyperthread of a 2.5 GHz Cascade Lake (280 to 420 MB of text a
second), as much as the shingling. The inner loop runs over shingles, in blocks that stay in the first-level cache.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

EMPTY = np.uint32(0xFFFFFFFF)

_BLOCK_SHINGLES = 4096
_PADDING = 64


def permutations(num_permutations: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The multipliers (odd) and addends of datasketch's affine32 permutations.

    Args:
        num_permutations: length of a signature, >= 1.
        seed: 0 to 2**32 - 1.

    Returns:
        (a, b), each uint32 of shape (num_permutations,).
    """
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 2**31, num_permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 2**32, num_permutations, dtype=np.uint32)
    return a, b


def signature(hashes: NDArray[np.uint64], a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MinHash signature of a set of shingles.

    Args:
        hashes: shingle hashes in any order, repetitions allowed; their low 32 bits are used.
        a: multipliers from `permutations`.
        b: addends from `permutations`.

    Returns:
        uint32 of shape (num_permutations,); all EMPTY for no shingles. Never band those: all such documents would meet.
    """
    minima: NDArray[np.uint32] = _signature(hashes, a, b)
    return minima


def band_keys(signature: NDArray[np.uint32], *, bands: int = 32, rows: int = 8) -> NDArray[np.uint64]:
    """One 64-bit key a band; two documents are candidates where they share a key.

    The key is a hash of the band's number and its `rows` values: from state = band + 1, for each value
    state = (state xor value) * 0x9E3779B97F4A7C15, state ^= state >> 32; then MurmurHash3's fmix64. It is written to
    disk, so it never changes. Keys of different bands live in one space and can be sorted together.

    Returns:
        uint64 of shape (bands,).

    Raises:
        ValueError: `bands` or `rows` is below 1, or bands * rows is more than the signature holds.
    """
    if min(bands, rows) < 1 or bands * rows > signature.size:
        raise ValueError(f"expected bands x rows within the {signature.size} permutations, got {bands} x {rows}")
    keys: NDArray[np.uint64] = _band_keys(signature, bands, rows)
    return keys


@njit(cache=True, nogil=True)
def _signature(hashes: NDArray[np.uint64], a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.uint32]:
    minima = np.full(a.size, EMPTY, np.uint32)
    buffer = np.empty(min(_BLOCK_SHINGLES, hashes.size + _PADDING), np.uint32)
    for start in range(0, hashes.size, _BLOCK_SHINGLES):
        block = hashes[start : start + _BLOCK_SHINGLES]
        # Padded with a repeated value, which changes no minimum, to whole steps of the vectorised loop.
        mixed = buffer[: (block.size + _PADDING - 1) // _PADDING * _PADDING]
        for index in range(block.size):
            mixed[index] = _fmix32(np.uint32(block[index]))
        mixed[block.size :] = mixed[0]
        for place in range(a.size):
            minima[place] = min(minima[place], _lowest(mixed, a[place], b[place]))
    return minima


@intrinsic
def _prefer_widest_vectors(typing_context: Any) -> Any:  # noqa: ARG001 (numba calls it by name)
    """A hint to LLVM, which keeps to 256 bits on most processors that have 512: 1.2 to 1.35 times as fast.

    llvmlite knows no attributes with a value, so it is put past its check. It changes no result, on any processor.
    """

    def generate(context: Any, builder: Any, *_: object) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@njit(cache=True, nogil=True)
def _lowest(mixed: NDArray[np.uint32], multiplier: np.uint32, addend: np.uint32) -> np.uint32:
    _prefer_widest_vectors()  # type: ignore[call-arg]
    lowest = EMPTY
    for index in range(mixed.size):
        value = np.uint32(np.uint32(multiplier * mixed[index]) + addend)
        lowest = value if value < lowest else lowest  # noqa: FURB136 (min() is not vectorised)
    return lowest


@njit(cache=True, nogil=True)
def _fmix32(value: np.uint32) -> np.uint32:
    value = np.uint32((value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    value = np.uint32((value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@njit(cache=True, nogil=True)
def _band_keys(signature: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    keys = np.empty(bands, np.uint64)
    for band in range(bands):
        state = np.uint64(band + 1)
        for place in range(band * rows, (band + 1) * rows):
            state = (state ^ np.uint64(signature[place])) * np.uint64(0x9E3779B97F4A7C15)
            state ^= state >> np.uint64(32)
        state = (state ^ (state >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        state = (state ^ (state >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        keys[band] = state ^ (state >> np.uint64(33))
    return keys
