"""Demo shards: lines in a fixed random order, dealt out to `*.jsonl.zst` files.

The order is that of the SHA-1 of each line's key, so it depends on neither the clock nor a seed. One zstd
frame a file, level 3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

import zstandard


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a shard.

    Attributes:
        key: names the line among all others of its folder.
        data: JSON without the line feed (or not quite JSON, where that is the plant).
        num_bytes: UTF-8 bytes of the content; 0 for a line without one.
        kind: what was planted; empty for a line as it was found.
        host: key of the row that a plant was made of; empty where it was made of none.
    """

    key: str
    data: bytes
    num_bytes: int
    kind: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class PlantedRow:
    """Where a plant lies: shard (relative to the demo's folder) and zero-based row."""

    shard: str
    row: int
    kind: str
    host: str


def write_shards(lines: Iterable[Line], folder: Path, names: Sequence[str]) -> list[PlantedRow]:
    """Deal the lines out to the named files of a folder; returns where the planted ones went, by shard and row."""
    ordered = sorted(lines, key=lambda line: sha1(line.key.encode(), usedforsecurity=False).digest())
    folder.mkdir(parents=True, exist_ok=True)
    planted: list[PlantedRow] = []
    for number, name in enumerate(names):
        dealt = ordered[number :: len(names)]
        data = b"".join(line.data + b"\n" for line in dealt)
        (folder / name).write_bytes(zstandard.ZstdCompressor(level=3).compress(data))
        shard = f"{folder.name}/{name}"
        planted.extend(PlantedRow(shard, row, line.kind, line.host) for row, line in enumerate(dealt) if line.kind)
    return planted
