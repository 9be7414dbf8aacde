"""A small corpus and the release that the real mill makes of it.

`small_inputs` is a folder of one's own to run in; `small_release` is made once and shared: copy it before a change.
"""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from filelock import FileLock
from hypothesis import settings

from pipeline.pass_9_release import release_folder
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from stages.tokenizer_training import train

pytest_plugins = ["server_fixtures"]

# A first call may compile or import for seconds; a law is not about time.
settings.register_profile("corpusmill", deadline=None)
settings.load_profile("corpusmill")


NUM_CODE_FILES = 60
NUM_TEXTS = 40
SEQUENCE_TOKENS = 128

_RECIPE = """\
name: small
version: 0.1.0
partitions: 2
sources:
- {name: files, format: stack-v2, kind: code, paths: ["files/*.jsonl.zst"]}
- {name: texts, format: jsonl, kind: text, paths: ["texts.jsonl"], declared_licence: MIT}
filters:
  assign: {code: [plain], text: [plain]}
  profiles:
    plain:
      num_words: {minimum: 5, maximum: 1000000}
      longest_line_characters: {maximum: 1000}
      duplicate_line_fraction: {maximum: 0.7}
tokenizer: {path: tokenizer.json}
packing: {sequence_tokens: [128, 512]}
# Rules for tokens take a second to compile and a fifth of one to load, those of all else a fortieth to load.
redaction: {sensitivity: {secret: off, assigned_secret: off}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last come the modules that load the licence detector into this process: forking 1.5 GB slows all other tests."""
    loading = {"test_pass_2_licences.py", "test_licence_detection.py"}
    items.sort(key=lambda item: item.path.name in loading)


@pytest.fixture(scope="session")
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all test processes that run side by side: the temporary folder of each lies in the session's."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _user_cache(_shared_folder: Path) -> Iterator[None]:
    """One cache for all tests, none of the user's, so that the detector's index is loaded at most a few times.

    `make test` gives its three parts one between them; it shows in no output what a cache holds.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", os.environ.get("CORPUSMILL_TEST_CACHE") or str(_shared_folder / "cache"))
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)  # no test reaches a bucket that it did not make
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        yield


@pytest.fixture(scope="session")
def made_once(_shared_folder: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """`made_once(name, make)`: a folder that one of the test processes fills and all of them read."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = _shared_folder / name, _shared_folder / f"{name}.done"
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


def _words(numbers: random.Random, count: int) -> list[str]:
    syllables = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "xu", "zi")
    return ["".join(numbers.choices(syllables, k=numbers.randint(1, 4))) for _ in range(count)]


def _code(number: int) -> str:
    numbers = random.Random(number)
    functions = (
        f"def {name}({argument}):\n    return {argument} + {numbers.randint(0, 99)}\n\n\n"
        for name, argument in zip(*[iter(_words(numbers, 2 * numbers.randint(3, 30)))] * 2, strict=True)
    )
    return "".join(functions)


def _text(number: int) -> str:
    numbers = random.Random(1000 + number)
    return "\n".join(" ".join(_words(numbers, 12)).capitalize() + "." for _ in range(numbers.randint(2, 12)))


def write_small_inputs(folder: Path) -> Path:
    """Shards (two of code, one of text), tokenizer and recipe; what must be rejected or redacted is in them, too.

    Returns:
        The recipe.
    """
    code = [
        {
            "repo_name": f"team/project{n % 9}",
            "path": f"src/file{n}.py",
            "content": _code(n),
            "language": "Python",
            "detected_licenses": ["GPL-3.0-only" if n == 7 else "MIT"],
            "license_type": "permissive",
        }
        for n in range(NUM_CODE_FILES)
    ]
    code.append(code[3] | {"path": "src/copy.py"})
    texts: list[object] = [{"text": _text(n)} for n in range(NUM_TEXTS)]
    texts += [{"text": _text(NUM_TEXTS) + "\nWrite to someone@company.org about it."}, {"text": "short"}, ["no row"]]
    (folder / "files").mkdir()
    for number, rows in enumerate((code[:30], code[30:])):
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (folder / f"files/part-{number}.jsonl.zst").write_bytes(zstandard.compress(data))
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    tokenizer = train([_code(n) for n in range(10)] + [_text(n) for n in range(10)], vocabulary_size=512)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    recipe = folder / "recipe.yaml"
    recipe.write_text(_RECIPE)
    return recipe


@pytest.fixture
def small_inputs(tmp_path: Path) -> Path:
    """The path of a recipe, whose inputs lie beside it and whose work and release folders will."""
    return write_small_inputs(tmp_path)


@pytest.fixture(scope="session")
def small_recipe(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Recipe:
    """The recipe of `small_release`, which is made."""

    def make(folder: Path) -> None:
        # Otherwise every step's own process imports it, a second each where Python writes no bytecode.
        import datatrove.executor  # noqa: F401

        folder.mkdir()
        recipe = load_recipe(write_small_inputs(folder))
        run_mill(open_mill(recipe), workers=2, progress=SilentProgress())

    return load_recipe(made_once("small", make) / "recipe.yaml")


@pytest.fixture(scope="session")
def small_release(small_recipe: Recipe) -> Path:
    """A release folder. Never change it: work on a copy."""
    return Path(release_folder(small_recipe).root)
