"""Synthetic documents for deduplication at scale: made-up words, a known share of duplicates, one large family.

Of 100 documents 70 are unrelated texts of 60 to 200 words, 5 are exact copies of one of them, 5 near copies (two or
three words changed), and 20 are of one family: a template of 200 words of which each member changes the first word, the
last and up to five others, so that two members are .6 to .98 alike. Deterministic for a seed and a number of
documents. Cost: about 10 CPU seconds per million documents (0.9 GB of text).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import zstandard

_NUM_WORDS = 30_000
_TEMPLATE_WORDS = 200
_BATCH_DOCUMENTS = 5_000
_SHARD_BYTES = 4_000_000
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]

Indices = npt.NDArray[np.int64]


def write_rows(num_documents: int, folder: Path, *, seed: int = 1) -> list[Path]:
    """Write rows {"id": ..., "text": ...} as shards of about 4 MB compressed; returns their paths."""
    folder.mkdir(parents=True)
    shards: list[Path] = []
    batches = _encoded(num_documents, np.random.default_rng(seed))
    batch = next(batches, b"")
    while batch:
        shards.append(folder / f"{len(shards):05}.jsonl.zst")
        with shards[-1].open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as out:
            while batch and file.tell() < _SHARD_BYTES:
                out.write(batch)
                batch = next(batches, b"")
    return shards


def _encoded(num_documents: int, generator: np.random.Generator) -> Iterator[bytes]:
    words = _words(generator)
    lines: list[str] = []
    for number, text in enumerate(_documents(num_documents, generator)):
        lines.append(f'{{"id":"{number}","text":"{" ".join(words[text].tolist())}"}}\n')
        if len(lines) == _BATCH_DOCUMENTS:
            yield "".join(lines).encode()
            lines = []
    if lines:
        yield "".join(lines).encode()


def _words(generator: np.random.Generator) -> npt.NDArray[np.object_]:
    """Distinct words of two to four syllables."""
    known: dict[str, None] = {}
    while len(known) < _NUM_WORDS:
        syllables = generator.choice(_SYLLABLES, size=generator.integers(2, 5))
        known["".join(syllables)] = None
    return np.array(list(known), dtype=object)


def _documents(num_documents: int, generator: np.random.Generator) -> Iterator[Indices]:
    """Texts as numbers of words, in a random order."""
    shares = {"exact": 0.05, "near": 0.05, "family": 0.2}
    numbers = {name: int(num_documents * share) for name, share in shares.items()}
    num_unrelated = num_documents - sum(numbers.values())
    ends = np.cumsum(generator.integers(60, 201, num_unrelated))
    flat = generator.integers(0, _NUM_WORDS, ends[-1]).astype(np.uint16)
    template = generator.integers(0, _NUM_WORDS, _TEMPLATE_WORDS)
    kinds = np.repeat(np.arange(4), [num_unrelated, *numbers.values()])
    unrelated = 0
    for kind in generator.permutation(kinds).tolist():
        if kind == 0:
            chosen, unrelated = unrelated, unrelated + 1
        else:
            chosen = int(generator.integers(num_unrelated))
        if kind == 3:
            yield _changed(template, int(generator.integers(6)), generator, ends_too=True)
            continue
        text = flat[ends[chosen - 1] if chosen else 0 : ends[chosen]].astype(np.int64)
        yield _changed(text, int(generator.integers(2, 4)), generator) if kind == 2 else text


def _changed(text: Indices, num_changes: int, generator: np.random.Generator, *, ends_too: bool = False) -> Indices:
    """A copy with some words replaced at random places, and the first and last one where `ends_too`."""
    places = generator.integers(0, len(text), num_changes).tolist() + [0, len(text) - 1] * ends_too
    changed = text.copy()
    changed[places] = generator.integers(0, _NUM_WORDS, len(places))
    return changed
