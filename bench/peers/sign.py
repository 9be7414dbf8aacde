"""Signatures alone, by rensa and by datasketch: MB of text per CPU second, as used (Python's `re` makes the shingles).

Documents are held in memory; the measured passes, three of each, run in forked children. `shingles alone` is what both
share.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from child import cpu_seconds
from datasketch import MinHash
from rensa import RMinHash
from shingling import word_ngrams


def main(path: str) -> None:
    """Print the speeds by name."""
    texts: list[str] = json.loads(Path(path).read_text())
    total = sum(len(text.encode()) for text in texts)
    works: dict[str, tuple[Callable[[str], object], int]] = {"shingles alone": (word_ngrams, 1)}
    for permutations in (128, 256):
        works[f"rensa, {permutations} permutations"] = (_by_rensa(permutations), 1)
        works[f"datasketch, {permutations} permutations"] = (_by_datasketch(permutations), 4)
    speeds = {}
    for name, (function, one_in) in works.items():
        some = texts[::one_in]  # the slow ones on fewer texts
        size = total if one_in == 1 else sum(len(text.encode()) for text in some)
        speeds[name] = size / 1e6 / median(cpu_seconds(function, some, copy=_copied) for _ in range(3))
    print(json.dumps(speeds))


def _by_rensa(permutations: int) -> Callable[[str], object]:
    def sign(text: str) -> object:
        sketch = RMinHash(num_perm=permutations, seed=42)
        sketch.update(word_ngrams(text))
        return sketch.digest()

    return sign


def _by_datasketch(permutations: int) -> Callable[[str], object]:
    def sign(text: str) -> object:
        sketch = MinHash(num_perm=permutations)
        sketch.update_batch([ngram.encode() for ngram in word_ngrams(text)])
        return sketch.digest()

    return sign


def _copied(text: str) -> str:
    return text.encode().decode()


if __name__ == "__main__":
    main(sys.argv[1])
