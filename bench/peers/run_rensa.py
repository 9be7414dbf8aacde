r"""rensa's whole job: read, sign (128 permutations, lower-cased `\w+` 5-grams), keep the first of what is alike, write.

One pass and one process, as rensa is used: rows are written as they are kept, untouched. 16 bands of 8 rows and an
estimated similarity of 0.7 stand for what the other jobs ask.
"""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import zstandard
from rensa import RMinHashDeduplicator
from shingling import word_ngrams

_BATCH_ROWS = 1_000


def main(files: list[str], folder: str) -> None:
    """Print how many rows were read and kept."""
    deduplicator = RMinHashDeduplicator(threshold=0.7, num_perm=128, use_lsh=True, num_bands=16)
    read = kept = 0
    output = zstandard.ZstdCompressor(level=3)
    with Path(folder, "kept.jsonl.zst").open("wb") as file, output.stream_writer(file) as out:
        for lines in _batches(files):
            pairs = ((str(read + n), word_ngrams(orjson.loads(line)["text"])) for n, line in enumerate(lines))
            stays = deduplicator.add_pairs(pairs)
            out.write(b"".join(line for line, stay in zip(lines, stays, strict=True) if stay))
            read += len(lines)
            kept += sum(stays)
    print(json.dumps({"read": read, "kept": kept}))


def _batches(files: list[str]) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    for name in files:
        with zstandard.open(name, "rb") as packed:
            for line in io.BufferedReader(packed, 1 << 20):
                lines.append(line)
                if len(lines) == _BATCH_ROWS:
                    yield lines
                    lines = []
    if lines:
        yield lines


if __name__ == "__main__":
    main(sys.argv[2:], sys.argv[1])
