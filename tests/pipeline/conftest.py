"""A mill small enough to be run dozens of times, with something of everything in its inputs.

Two sources in nine shards: exact copies, rows read twice, near duplicates, a copy of a repository, several licences,
e-mail addresses, control tokens written out, bad rows. Its recipe makes several input units, two partitions and two
slices of each.
"""

import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zstandard
from rewriting_mill import rewriting_mill
from run_processes import Command, Start, start_run

from pipeline.local import run_step
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from pipeline.units import Mill, run_unit, units_to_run
from stages.rendering import Renderer
from stages.tokenizer_training import train

MadeOnce = Callable[[str, Callable[[Path], object]], Path]
NUM_FILES = 66
NUM_TEXTS = 36
END_OF_DOCUMENT = "<|endoftext|>"

_RECIPE = """\
name: tiny
version: 0.1.0
partitions: 2
sources:
- {name: stack, format: stack-v2, kind: code, paths: ["stack/*.jsonl.zst"]}
- name: pile
  format: pile
  kind: text
  kinds: {Github: code}
  declared_licence: LicenseRef-tiny
  subset_licences: {Github: LicenseRef-tiny, "Wikipedia (en)": LicenseRef-tiny}
  paths: ["pile/*.jsonl.zst"]
licences: {allow: [MIT, Apache-2.0, LicenseRef-tiny]}
filters:
  assign: {code: [plain], text: [plain]}
  profiles:
    plain:
      num_words: {minimum: 5, maximum: 1000000}
      longest_line_characters: {maximum: 1000}
      duplicate_line_fraction: {maximum: 0.7}
tokenizer: {path: tokenizer.json}
packing: {sequence_tokens: 128}
limits: {unit_bytes: 3600, slice_bytes: 30000}
# Rules for tokens take a second to compile and a fifth of one to load, those of all else a fortieth to load.
redaction: {sensitivity: {secret: off, assigned_secret: off}}
"""


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


def _prose(seed: str, num_words: int = 80) -> str:
    numbers = random.Random(seed)
    syllables = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "xu", "zi")
    words = ["".join(numbers.choices(syllables, k=numbers.randint(1, 4))) for _ in range(num_words)]
    return "\n".join(" ".join(words[start : start + 8]) for start in range(0, num_words, 8)) + "\n"


def _file(number: int, **changed: object) -> dict[str, object]:
    licences = {5: ["GPL-3.0-only"], 11: [], 17: ["MIT", "GPL-2.0-only"], 23: ["Apache-2.0"]}
    return {
        "repo_name": f"team/project{number % 7}",
        "path": f"src/file{number}.py",
        "content": _prose(f"file {number}", 80 if number % 3 == 0 else 12 + 7 * number % 90),
        "language": "Python",
        "detected_licenses": licences.get(number, ["MIT"]),
        "license_type": "permissive",
        "star_events_count": number % 3,
    } | changed


def _stack_rows() -> list[object]:
    rows: list[object] = [_file(number) for number in range(NUM_FILES)]
    for number in range(0, 24, 3):
        text = _prose(f"file {number}")
        rows.append(_file(number))
        rows.append(_file(number, path=f"copies/file{number}.py", **({"star_events_count": 9} if number % 2 else {})))
        rows.append(_file(number, repo_name="fork/project", content=text.replace(text.split()[40], "changed", 1)))
    header = "# SPDX-License-Identifier: GPL-3.0-only\n"
    rows.append(_file(60, repo_name="gpl/project", content=header + _prose("file 60")))  # taints file 60, J = 0.916
    rows.append(_file(63, repo_name="gpl/project", detected_licenses=["GPL-3.0-only"]))  # a copy of file 63: counted
    for number, owner in itertools.product((1, 2), ("mirror", "origin")):  # two repositories of the same files
        stars, text = int(owner == "origin"), _prose(f"twin {number}", 20)
        names = {"repo_name": f"{owner}/twin", "path": f"{number}.py"}
        rows.append(_file(number, **names, content=text, star_events_count=stars))
    rows[30] = _file(30, content=f"# by someone{number}@company.org\n" + _prose("file 30"))
    rows[31] = _file(31, content=f"marker = '{END_OF_DOCUMENT}'\n{END_OF_DOCUMENT}" + _prose("file 31"))
    return [*rows, ["not", "an", "object"], {"path": "no/content.py"}, _file(32, content="short"), "broken"]


def _pile_rows() -> list[object]:
    def row(number: int, text: str) -> dict[str, object]:
        return {"text": text, "meta": {"pile_set_name": "Github" if number % 9 == 0 else "Wikipedia (en)"}}

    rows: list[object] = [row(number, _prose(f"text {number}", 60 + number)) for number in range(NUM_TEXTS)]
    rows += [row(1, _prose("text 1", 61)), row(2, _prose("text 2", 62) + "the end"), row(3, _prose("text 3", 55))]
    rows += [row(4, f"{END_OF_DOCUMENT}{END_OF_DOCUMENT} " + _prose("text 4")), {"meta": {}}]
    return rows


def _write_shards(folder: Path, rows: Sequence[object], num_shards: int) -> None:
    folder.mkdir(parents=True)
    random.Random(folder.name).shuffle(shuffled := list(rows))
    for number in range(num_shards):
        part = shuffled[number::num_shards]
        lines = ["{broken" if row == "broken" else json.dumps(row) for row in part]
        data = "".join(f"{line}\n" for line in lines).encode()
        (folder / f"part-{number:05d}.jsonl.zst").write_bytes(zstandard.compress(data))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command on a recipe, as `start(recipe, *arguments)`; it ends with the test."""
    commands: list[Command] = []

    def start(recipe: Path, *more: str) -> Command:
        commands.append(start_run(recipe, tmp_path / f"log-{len(commands)}.txt", *more))
        return commands[-1]

    yield start
    for command in commands:
        command.end()


@pytest.fixture(scope="session")
def _tiny_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    _write_shards(folder / "stack", _stack_rows(), 6)
    _write_shards(folder / "pile", _pile_rows(), 3)
    (folder / "tokenizer.json").write_bytes(train([_prose(f"file {n}") for n in range(20)], vocabulary_size=400))
    (folder / "recipe.yaml").write_text(_RECIPE)
    return folder


@pytest.fixture
def tiny_recipe(_tiny_inputs: Path, tmp_path: Path) -> Path:
    """The path of a recipe of one's own: inputs lie beside it, nothing was run yet."""
    return _copied(_tiny_inputs, tmp_path / "tiny")


@pytest.fixture(scope="session")
def _tiny_finished(_tiny_inputs: Path, made_once: MadeOnce) -> Path:
    def make(folder: Path) -> None:
        run_mill(open_mill(load_recipe(_copied(_tiny_inputs, folder))), workers=2, progress=SilentProgress())

    return made_once("tiny-finished", make)


@pytest.fixture(scope="session")
def finished_work(_tiny_finished: Path) -> Path:
    """The work folder of a run to the end with two workers. Never change it."""
    return _tiny_finished / "work"


@pytest.fixture(scope="session")
def holding_out(_tiny_finished: Path, made_once: MadeOnce) -> Path:
    """The path of a recipe that was run with a fifth of its documents held out. Never change it: work on a copy."""

    def make(folder: Path) -> None:
        overrides = ["version=0.2.0", "held_out={fraction: 0.2, seed: 3}"]
        mill = open_mill(load_recipe(_copied(_tiny_finished, folder), overrides))
        for step in steps_of(mill.recipe):
            _run_step_alone(mill, step, backwards=False)

    return made_once("tiny-holding-out", make) / "recipe.yaml"


@pytest.fixture
def finished_recipe(_tiny_finished: Path, tmp_path: Path) -> Path:
    """The path of a recipe of one's own, in a folder where it was run to the end with two workers."""
    return _copied(_tiny_finished, tmp_path / "finished")


@pytest.fixture(scope="session")
def expected_release(_tiny_finished: Path) -> dict[str, bytes]:
    """Every file of the release that an undisturbed run with two workers makes, by name."""
    return _release(_tiny_finished / "recipe.yaml")


@pytest.fixture(scope="session")
def rewritten_recipe(made_once: MadeOnce) -> Path:
    """The path of a recipe whose code a scripted model rewrote, with two workers. Never change it: it is gone."""

    def make(folder: Path) -> None:
        with rewriting_mill(folder) as (recipe, model):
            run_mill(open_mill(load_recipe(recipe)), workers=2, progress=SilentProgress())
            assert model.asked.total() == model.answered.total() == len(model.asked)
            assert model.most_at_a_time > 1

    return made_once("rewritten", make) / "mill/recipe.yaml"


@pytest.fixture(scope="session")
def run_recipe() -> Callable[..., None]:
    """Run a recipe, or a mill planned already, with the executor: `run_recipe(recipe, *overrides, workers=2)`."""

    def run(recipe: Path | Mill, *overrides: str, workers: int = 2) -> None:
        mill = recipe if isinstance(recipe, Mill) else open_mill(load_recipe(recipe, overrides))
        run_mill(mill, workers=workers, progress=SilentProgress())

    return run


@pytest.fixture(scope="session")
def run_alone() -> Callable[..., None]:
    """Run units in this process: `run_alone(recipe_or_mill, *overrides, backwards=False, before="judge")`."""

    def run(recipe: Path | Mill, *overrides: str, backwards: bool = False, before: str = "") -> None:
        mill = recipe if isinstance(recipe, Mill) else open_mill(load_recipe(recipe, overrides))
        for step in itertools.takewhile(lambda step: step.name != before, steps_of(mill.recipe)):
            _run_step_alone(mill, step, backwards=backwards)

    return run


@pytest.fixture(scope="session")
def release_files() -> Callable[[Path], dict[str, bytes]]:
    """Every file of the release of a recipe's folder, by name."""
    return _release


@pytest.fixture(scope="session")
def texts_from_tokens() -> Callable[[dict[str, bytes], Renderer], dict[tuple[str, str, int], str]]:
    """The text of every document of a release by shard, id and copy, from `positions/` and the ids it points at."""
    return _texts_from_tokens


def _texts_from_tokens(files: dict[str, bytes], renderer: Renderer) -> dict[tuple[str, str, int], str]:
    tokens: dict[tuple[str, str, int], list[int]] = {}
    forms: dict[tuple[str, str, int], str] = {}
    for name in sorted(name for name in files if name.startswith("positions/")):
        shard = name.removeprefix("positions/")
        rows = pq.read_table(BytesIO(files[f"data/{shard}"])).column("input_ids").to_pylist()
        places = pq.read_table(BytesIO(files[name])).to_pylist()
        for place in sorted(places, key=lambda one: (one["doc_id"], one["copy"], one["doc_offset"])):
            key = (shard, place["doc_id"], place["copy"])
            assert place["doc_offset"] == len(tokens.setdefault(key, []))
            tokens[key] += rows[place["row"]][place["offset"] : place["offset"] + place["length"]]
            forms[key] = place["form"]
    return {key: renderer.restore(np.array(ids, np.int32), forms[key]) for key, ids in tokens.items()}


def _copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to / "recipe.yaml"


def _release(recipe: Path) -> dict[str, bytes]:
    folder = recipe.parent / "releases/tiny-0.1.0"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def _run_step_alone(mill: Mill, step: Step, *, backwards: bool) -> None:
    if step.prepare_for:  # in processes of its own: what it loads would stay in this one, and be paid for at each fork
        run_step(mill, step, units_to_run(mill, step), workers=1)
        return
    step.prepare(mill.recipe)
    for unit in sorted(units_to_run(mill, step), reverse=backwards):
        record = run_unit(mill, step, unit, lambda _num_bytes: None)
        assert record.done or mill.recipe.failed_units == "leave_out", record.failure
    mill.records(step, fresh=True)
