"""Signatures are datasketch's, bit for bit; their estimate keeps to its theory; band keys meet where bands agree."""

import json
import os
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import zstandard
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.shingles import shingle_hashes
from stages.signatures import EMPTY, band_keys, permutations, signature

COMPILES = settings(deadline=None)  # the first call compiles the kernel
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))


def low_32_bits(value: np.uint64) -> int:
    return int(value) & 0xFFFFFFFF


def datasketch_signature(hashes: NDArray[np.uint64], num_permutations: int, seed: int) -> NDArray[np.uint32]:
    minhash = MinHash(num_perm=num_permutations, seed=seed, hashfunc=low_32_bits, scheme="affine32")
    for start in range(0, hashes.size, 1000):
        minhash.update_batch(hashes[start : start + 1000])
    values: NDArray[np.uint32] = minhash.hashvalues
    return values


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1])
@pytest.mark.parametrize("num_permutations", [1, 112, 256])
def test_permutations_are_those_of_datasketch(num_permutations: int, seed: int) -> None:
    a, b = permutations(num_permutations, seed)
    expected = MinHash(num_perm=num_permutations, seed=seed, scheme="affine32").permutations
    assert a.dtype == b.dtype == np.uint32
    assert np.array_equal(np.array([a, b]), expected)


@pytest.mark.parametrize("seed", [1, 7])
@pytest.mark.parametrize("size", [0, 1, 5, 63, 64, 65, 4032, 4033, 4095, 4096, 4097, 10_000])
def test_signature_is_that_of_datasketch(size: int, seed: int) -> None:
    hashes = np.random.default_rng(size).integers(0, 2**64, size, np.uint64)
    ours = signature(hashes, *permutations(256, seed))
    assert ours.dtype == np.uint32
    assert np.array_equal(ours, datasketch_signature(hashes, 256, seed))


@COMPILES
@given(st.lists(st.integers(0, 2**64 - 1), max_size=200), st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_signature_of_any_hashes_is_that_of_datasketch(values: list[int], seed: int, num_permutations: int) -> None:
    hashes = np.array(values, np.uint64)
    ours = signature(hashes, *permutations(num_permutations, seed))
    assert np.array_equal(ours, datasketch_signature(hashes, num_permutations, seed))


def test_signature_of_real_shingles_is_that_of_datasketch() -> None:
    hashes = shingle_hashes("the quick brown fox jumps over the lazy dog and Straße und ΟΔΟΣ 敏捷的棕色狐狸 " * 3)
    assert np.array_equal(signature(hashes, *permutations(256, 1)), datasketch_signature(hashes, 256, 1))


def test_no_shingles_give_all_empty() -> None:
    ours = signature(np.empty(0, np.uint64), *permutations(8, 1))
    assert ours.tolist() == [int(EMPTY)] * 8


@COMPILES
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=100), st.randoms(use_true_random=False))
def test_order_and_repetition_of_shingles_do_not_matter(values: list[int], random: Random) -> None:
    a, b = permutations(16, 3)
    again = values * 2
    random.shuffle(again)
    one, other = np.array(values, np.uint64), np.array(again, np.uint64)
    assert np.array_equal(signature(one, a, b), signature(other, a, b))


def test_estimate_error_on_made_sets_is_binomial() -> None:
    a, b = permutations(256, 1)
    generator = np.random.default_rng(5)
    errors = []
    for shared in range(0, 1000, 5):
        values = generator.integers(0, 2**64, 2000 - shared, np.uint64)
        one, other = values[:1000], values[1000 - shared :]
        estimate = float(np.mean(signature(one, a, b) == signature(other, a, b)))
        errors.append(estimate - shared / (2000 - shared))
    assert float(np.sqrt(np.mean(np.square(errors)))) < 0.032
    assert abs(float(np.mean(errors))) < 0.006


def test_estimate_error_on_real_pairs_is_binomial() -> None:
    path = SHARED / "data" / "pile" / "04.jsonl.zst"
    if not path.exists():
        pytest.skip(f"shared data absent: {path}")
    with zstandard.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        words = [json.loads(line)["text"].split()[:2000] for _, line in zip(range(300), lines, strict=False)]
    a, b = permutations(256, 1)
    errors = []
    for number, (mine, next_one) in enumerate(pairwise(words)):
        share = len(mine) * (number % 10) // 10
        one, other = shingle_hashes(" ".join(mine)), shingle_hashes(" ".join(mine[share:] + next_one[: share + 5]))
        if min(one.size, other.size) >= 50:
            exact = len(np.intersect1d(one, other)) / len(np.union1d(one, other))
            errors.append(float(np.mean(signature(one, a, b) == signature(other, a, b))) - exact)
    assert len(errors) > 100
    assert float(np.sqrt(np.mean(np.square(errors)))) < 0.032
    assert abs(float(np.mean(errors))) < 0.008


def test_band_keys_agree_exactly_where_the_bands_do() -> None:
    one = np.random.default_rng(0).integers(0, 2**32, 256, np.uint32)
    other = one.copy()
    other[[0, 15, 255]] ^= np.uint32(1)
    equal = band_keys(one) == band_keys(other)
    assert np.flatnonzero(~equal).tolist() == [0, 1, 31]


def test_equal_bands_at_different_places_have_different_keys() -> None:
    keys = band_keys(np.zeros(256, np.uint32), bands=64, rows=4)
    assert np.unique(keys).size == 64


def test_order_within_a_band_matters() -> None:
    values = np.arange(8, dtype=np.uint32)
    assert band_keys(values, bands=1, rows=8) != band_keys(values[::-1].copy(), bands=1, rows=8)


def test_no_keys_of_a_million_different_bands_collide() -> None:
    values = np.arange(2**20, dtype=np.uint32)
    assert np.unique(band_keys(values, bands=2**19, rows=2)).size == 2**19


def test_band_keys_never_change() -> None:
    """They are written to disk."""
    keys = band_keys(np.arange(16, dtype=np.uint32), bands=2, rows=8)
    assert [f"{key:016x}" for key in keys] == ["01270eea2cb41962", "425a83c28e135238"]


@pytest.mark.parametrize(("bands", "rows"), [(0, 8), (8, 0), (33, 8), (32, 9)])
def test_bands_that_do_not_fit_are_an_error(bands: int, rows: int) -> None:
    with pytest.raises(ValueError, match="within the 256 permutations"):
        band_keys(np.zeros(256, np.uint32), bands=bands, rows=rows)
