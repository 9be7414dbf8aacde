"""Nothing leaks: of what is planted in inputs, no byte of the work folder, of the release or of an error holds a value.

Rules' own examples are planted, in documents that are kept, held out or rejected by every pass, in rows that
cannot be read and in a shard that is cut off. Licence notices at the head of a file are the exception: the work folder
has them as they stand, for the licence detector, in two tables and nowhere else.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from tokenizers import Tokenizer

from filters.example_values import example
from filters.redaction_policy import KINDS
from filters.redaction_rules import rules
from manifests.document import Document
from manifests.ledger import Ledger
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.licence_gathering import Gathering
from pipeline.pass_9_release import release_folder
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from pipeline.tokenizer_corpus import train_tokenizer

INPUTS = ("files", "texts.jsonl", "recipe.yaml")
pytestmark = pytest.mark.real  # a minute and a half

MINIMUM_PIECE_BYTES = 12
ONE_TOKEN_RULE_IN = 10
NOTICE = "licence notice"
NOTICE_STEPS = {"ingest", "look_up"}
HIGH = "{" + ", ".join(f"{kind}: high" for kind in KINDS) + "}"


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


class Run(NamedTuple):
    """A run over planted inputs; `values` by what was planted."""

    recipe: Recipe
    values: dict[bytes, str]
    manifest: Manifest


def pieces(value: bytes) -> Iterator[bytes]:
    """What of a value is looked for: its lines, without the words around a key."""
    for line in value.splitlines():
        if len(line) >= MINIMUM_PIECE_BYTES and b"-----" not in line and b": " not in line:
            yield line


class Planter:
    """Makes texts that hold values, and remembers the values."""

    def __init__(self) -> None:
        self.values: dict[bytes, str] = {}

    def examples(self, seed: str, *, one_line: bool = False) -> Iterator[str]:
        """A text for every example of the rules of most kinds and of one in ten of the many for tokens."""
        for place, rule in enumerate(rules()):
            if rule.kind == "secret" and place % ONE_TOKEN_RULE_IN:
                continue
            for number, template in enumerate(rule.found):
                made = example(template, f"{seed}/{rule.id}/{number}")
                if one_line and "\n" in made.text:
                    continue
                data = made.text.encode()
                for start, stop, _ in made.labels:
                    for piece in pieces(data[start:stop]):
                        if NOTICE not in self.values.get(piece, ""):  # some examples are the same for every seed
                            self.values[piece] = f"{rule.id}, {seed}"
                yield made.text

    def tell_notices(self, rows: Iterable[dict[str, Any]]) -> None:
        """Remember which values stand in what is cut out as a notice: a hash in lines of code can look like one."""
        gathering = Gathering({}, unit=0, num_slices=1)
        for row in rows:
            if isinstance(row["content"], str):
                facts = {"kind": "code", "source": "files", "language": row["language"], "path": row["path"]}
                found = gathering.notices_of(Document(id="0" * 32, text=row["content"], **facts)).found
                data = "\n".join(notice.text for notice in found).encode()
                for value in (value for value in self.values if value in data):
                    self.values[value] = f"{self.values[value]}, {NOTICE}"

    def code(self, seed: str, filler: Iterable[str], **fields: Any) -> list[dict[str, Any]]:
        """Rows of code with a few examples each, at the end of a file."""
        rows = []
        groups = zip_longest(*[self.examples(seed)] * 3, fillvalue="")
        for number, (parts, text) in enumerate(zip(groups, filler, strict=False)):
            content = "\n".join(["# made up", text, *parts, ""])
            row = {"repo_name": f"team/{seed}{number % 5}", "path": f"{seed}/file{number}.py", "language": "Python"}
            rows.append(row | {"content": content, "detected_licenses": ["MIT"], "license_type": "permissive"} | fields)
        return rows


def shard(path: Path, rows: Iterable[object]) -> None:
    path.write_bytes(zstandard.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


def renamed(texts: list[str], salt: str) -> Iterator[str]:
    """The texts over and over, each time with other words, so that no two are near duplicates."""
    for turn in range(20):
        suffix = sha256(f"{salt}{turn}".encode()).hexdigest()[:4].translate(str.maketrans("0123456789", "qwxzvkjpyu"))
        for text in texts:
            yield re.sub(r"\b(?!def\b|return\b)[a-z]{2,}", lambda word, end=suffix: word[0] + end, text)


def plant(folder: Path) -> dict[bytes, str]:
    """Write planted shards beside the small ones."""
    planter = Planter()
    lines = zstandard.decompress((folder / "files/part-0.jsonl.zst").read_bytes()).splitlines()
    code = [json.loads(line)["content"] for line in lines]
    kept = planter.code("kept", renamed(code, "kept"))
    rows = [*kept, *(row | {"path": f"copy/{row['path']}"} for row in kept)]
    rows += planter.code("copyleft", renamed(code, "copyleft"), detected_licenses=["GPL-3.0-only"])
    rows += planter.code("filtered", ["x " * 600] * 1_000)
    rows += [row | {"language": "HTML"} for row in planter.code("markup", renamed(code, "markup"))]
    rows += [kept[0] | {"content": text, "path": f"bare{n}"} for n, text in enumerate(planter.examples("bare"))]
    rows += [kept[0] | {"content": "\n".join(list(planter.examples(f"heavy{n}")) * 3), "path": f"h{n}"} for n in (1, 2)]
    notice = "# Copyright (c) 2021 Team\n# {}\n# Permission is hereby granted, free of charge, to any person.\n{}"
    headed = (
        notice.format(text, words)
        for text, words in zip(islice(planter.examples(NOTICE, one_line=True), 40), renamed(code, NOTICE), strict=False)
    )
    rows += [kept[0] | {"content": text, "path": f"notice{n}.py"} for n, text in enumerate(headed)]
    rows += [kept[0] | {"content": 7, "note": text} for text in planter.examples("wrong type")]
    shard(folder / "files/planted.jsonl.zst", rows)
    planter.tell_notices(rows)
    unread = "".join(f'{{"content": "{json.dumps(text)[1:-1]}", oops}}\n' for text in planter.examples("no json"))
    unread += "".join(f'{{"content": {json.dumps(text)}, "x": "\\ud800"}}\n' for text in planter.examples("surrogate"))
    (folder / "files/unread.jsonl.zst").write_bytes(zstandard.compress(unread.encode() + b"\xff\n"))
    shard(folder / "files/cut.jsonl.zst", planter.code("cut", renamed(code, "cut")))
    cut = (folder / "files/cut.jsonl.zst").read_bytes()
    (folder / "files/cut.jsonl.zst").write_bytes(cut[: len(cut) // 2])
    with (folder / "texts.jsonl").open("a") as file:
        for text, words in zip(planter.examples("text"), renamed(code, "text"), strict=False):
            file.write(json.dumps({"text": f"{words}\n{text}\n"}) + "\n")
    return planter.values


@pytest.fixture(scope="module", params=["placeholder", "stand_in"])
def run(request: pytest.FixtureRequest, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("planted")
    for name in INPUTS:
        copy = shutil.copytree if (Path(small_recipe.work).parent / name).is_dir() else shutil.copy
        copy(Path(small_recipe.work).parent / name, folder / name)
    values = plant(folder)
    overrides = [
        f"redaction.sensitivity={HIGH}",
        f"redaction.addresses={request.param}",
        "failed_units=leave_out",
        "limits.unit_bytes=1",
        "held_out={fraction: 0.2, seed: 1}",
    ]
    recipe = load_recipe(folder / "recipe.yaml", overrides)
    cut = folder / "files/cut.jsonl.zst"
    aside = cut.rename(folder / "cut")  # training stops at a damaged shard
    train_tokenizer(recipe, vocabulary_size=2_000, maximum_bytes=1_000_000)
    aside.rename(cut)
    run_mill(open_mill(recipe), workers=2, progress=SilentProgress())
    return Run(recipe, values, Manifest.read(Storage(release_folder(recipe).root)))


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and those of its columns where they are compressed."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        yield from buffers(pq.read_table(path))
    elif path.suffix == ".arrows":
        source = pa.BufferReader(data)
        while source.tell() < source.size():
            yield from buffers(pa.ipc.open_stream(source).read_all())


def buffers(table: pa.Table) -> Iterator[bytes]:
    for column in table.columns:
        for chunk in column.chunks:
            arrays = [chunk, chunk.dictionary] if pa.types.is_dictionary(chunk.type) else [chunk]
            yield from (buffer.to_pybytes() for array in arrays for buffer in array.buffers() if buffer)


def found(run: Run, where: Iterable[bytes]) -> set[str]:
    return {what for data in where for value, what in run.values.items() if value in data}


def files(folder: str) -> list[Path]:
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_the_inputs_hold_what_was_planted(run: Run) -> None:
    folder = Path(run.recipe.work).parent
    shards = [path for path in files(str(folder / "files")) if path.name != "cut.jsonl.zst"]
    data = [zstandard.decompress(path.read_bytes()).replace(b"\\\\", b"\\") for path in shards]
    data += [(folder / "texts.jsonl").read_bytes().replace(b"\\\\", b"\\")]
    planted = {what for what in run.values.values() if not what.endswith(", cut")}
    assert len(planted) > 100
    assert found(run, data) >= {what for what in planted if '"' not in what}


def test_every_fate_was_met(run: Run) -> None:
    rejected = {key for step in run.manifest.ledgers.values() for key in Ledger.from_json(step).rejected}
    assert rejected >= {
        "read/invalid_json",
        "read/lone_surrogate",
        "read/invalid_utf8",
        "read/wrong_type",
        "deduplicate/exact_duplicate",
        "held_out/held_out",
        "redact/heavy_leak",
        "redact/key_material",
        "filter/longest_line_characters_above_maximum",
    }
    assert any(key.startswith("licence/copyleft") for key in rejected)
    [failed] = run.manifest.failed_units
    assert "cut.jsonl.zst" in failed
    kinds = {key.partition("/")[0] for counts in run.manifest.redactions.values() for key in counts}
    assert kinds == {rule.kind for rule in rules()}


def test_no_value_is_in_the_work_folder(run: Run) -> None:
    for path in files(run.recipe.work):
        leaked = found(run, contents(path))
        if path.relative_to(run.recipe.work).parts[0] in NOTICE_STEPS:
            leaked = {what for what in leaked if NOTICE not in what}
        assert leaked == set(), path


def test_no_value_is_in_the_answers_of_the_licence_detector(run: Run) -> None:
    for path in files(run.recipe.licences.cache_folder):
        assert found(run, contents(path)) == set(), path


def test_no_value_is_in_the_release_or_its_tokens(run: Run) -> None:
    release = release_folder(run.recipe).root
    tokenizer = Tokenizer.from_file(run.recipe.tokenizer.path)
    for path in files(release):
        assert found(run, contents(path)) == set(), path
    for path in files(f"{release}/data"):
        for row in pq.read_table(path).column("input_ids").to_pylist():
            assert found(run, [tokenizer.decode(row, skip_special_tokens=False).encode()]) == set(), path
