"""Demo data: raw shards for `make demo`, made of what is installed, without a network.

A demo on invented text shows nothing, and real samples may not be shipped; but every machine that runs corpusmill holds
tens of megabytes of real, licensed code and its documentation. Same environment, same bytes: names are sorted, choices
are made by SHA-1, nothing depends on the clock, the hash seed, the current directory, the output folder or byte code.
Costs 5 to 8 CPU seconds and 180 MB of memory for 30 MB of code and 10 MB of text.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.demo_code import code_rows
from pipeline.demo_files import installed_packages
from pipeline.demo_plants import plant_code, plant_text
from pipeline.demo_shards import write_shards
from pipeline.demo_text import DOCSTRING_BYTES, descriptions, docstrings, documentation, language_topics

NUM_CODE_SHARDS = 6
NUM_TEXT_SHARDS = 3


@dataclass(frozen=True, slots=True)
class DemoData:
    """What was written; rows count every line, the planted and broken ones too.

    Attributes:
        code_bytes: UTF-8 bytes of content.
        text_bytes: UTF-8 bytes of text.
        planted_rows: lines of `planted.jsonl`.
        licences: rows as found by their declared licences, joined by a comma; "" is none.
        subsets: bytes of text as found by Pile set name.
    """

    code_rows: int
    code_bytes: int
    text_rows: int
    text_bytes: int
    planted_rows: int
    licences: dict[str, int]
    subsets: dict[str, int]


def write_demo_data(out: Path, *, docstring_bytes: int = DOCSTRING_BYTES) -> DemoData:
    """Write `stack/part-0000N-of-00006.jsonl.zst`, `pile/0N.jsonl.zst` and `planted.jsonl` under a folder.

    Files of an earlier run are written over. `planted.jsonl` names shard, row, kind and host of every plant; it holds
    none of the planted values.

    Args:
        docstring_bytes: how much of the text shall be docstrings; finding them takes most of the time.
    """
    out.mkdir(parents=True, exist_ok=True)  # what is in its place is told before a minute of work
    packages = installed_packages()
    prose = list(documentation(packages))
    rows = code_rows(packages, {text.key for text in prose})
    texts = [*descriptions(packages), *prose, *language_topics()]
    texts.extend(docstrings(packages, {row.key for row in rows}, num_bytes=docstring_bytes))
    code, text = plant_code(rows), plant_text(texts)
    shards = [f"part-{number:05}-of-{NUM_CODE_SHARDS:05}.jsonl.zst" for number in range(NUM_CODE_SHARDS)]
    planted = write_shards(code, out / "stack", shards)
    planted += write_shards(text, out / "pile", [f"{number:02}.jsonl.zst" for number in range(NUM_TEXT_SHARDS)])
    (out / "planted.jsonl").write_bytes(msgspec.json.Encoder().encode_lines(planted))
    licences = Counter(", ".join(row.detected_licenses) for row in rows)
    subsets: Counter[str] = Counter()
    for each in texts:
        subsets[each.subset] += len(each.text.encode())
    return DemoData(
        code_rows=len(code),
        code_bytes=sum(line.num_bytes for line in code),
        text_rows=len(text),
        text_bytes=sum(line.num_bytes for line in text),
        planted_rows=len(planted),
        licences=dict(licences.most_common()),
        subsets=dict(subsets.most_common()),
    )
