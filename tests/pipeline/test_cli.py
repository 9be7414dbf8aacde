"""The command line as its user meets it: in this process where that is enough, as a process where it is not."""

import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from manifests.errors import EXIT_CODES
from manifests.storage import Storage
from pipeline.cli import app, main
from pipeline.passes import PASSES, steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import locked

PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
HELP_CPU_SECONDS = 0.4


class Ended(NamedTuple):
    code: int
    out: str
    err: str


_WRONG_FORMAT = "{name: stack, format: pile, kind: code, paths: ['stack/*.jsonl.zst']}"


def command(*arguments: object) -> Ended:
    """Run a command in this process."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["corpusmill", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a process that finds byte code, as an installed program does; the first one writes it."""
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("pycache"))}
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | cache


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, _tiny_inputs: Path) -> Path:
    """A folder with a recipe that was run to its release by the command itself. Never change it."""
    import datatrove.executor  # noqa: F401 - else every step's own process imports it

    folder = tmp_path_factory.mktemp("cli") / "run"
    shutil.copytree(_tiny_inputs, folder)
    ended = command("run", folder / "recipe.yaml")
    assert ended.code == 0
    (folder / "printed.txt").write_text(f"{ended.out}\n--\n{ended.err}")
    return folder


def commands(parent: Any, name: str = "corpusmill") -> Iterator[tuple[str, Any]]:
    yield name, parent
    for child, below in getattr(parent, "commands", {}).items():
        yield from commands(below, f"{name} {child}")


COMMANDS = dict(commands(typer.main.get_command(app)))


def assert_is_an_error(ended: Ended, code: int = 2) -> None:
    assert ended.code == code
    first, hint = ended.err.rstrip("\n").split("\n")
    assert first.startswith("error: ")
    assert hint.startswith("hint: ")
    assert len(hint) > len("hint: ")
    assert "Traceback" not in ended.err


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_text_has_a_worked_example(name: str) -> None:
    ended = command(*name.split()[1:], "--help")
    assert ended.code == 0
    example = next(line.strip() for line in ended.out.splitlines() if "Example: corpusmill" in line)
    assert example == COMMANDS[name].epilog.split("\n")[0], "broken over two lines, it cannot be copied"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_a_command_with_options_that_exist(name: str) -> None:
    words = COMMANDS[name].epilog.split("\n")[0].removeprefix("Example: ").split(" > ")[0].split()
    meant = max((other for other in COMMANDS if " ".join(words).startswith(other)), key=len)
    options = {option for parameter in COMMANDS[meant].params for option in parameter.opts}
    assert [word for word in words if word.startswith("-") and word not in options] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    assert [parameter.name for parameter in COMMANDS[name].params if not parameter.help] == []


def test_no_line_of_help_is_cut_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in COMMANDS:
        text = command(*name.split()[1:], "--help").out
        assert max(map(len, text.splitlines())) <= 80
        assert "..." not in text.replace("[ARGS]...", "").replace("{FILE}...", "")


@pytest.mark.parametrize("arguments", [(), ("tokenizer",)])
def test_without_a_command_the_help_is_printed_as_an_error(arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("Usage: corpusmill")


def test_the_exit_codes_are_documented() -> None:
    text = " ".join(command("--help").out.split())
    assert all(f"{code} {meaning}" in text.partition("Exit codes:")[2] for code, meaning in EXIT_CODES.items())


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"corpusmill \d+\.\d+\.\d+\n", command("--version").out)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_is_quick(environment: dict[str, str], arguments: list[str]) -> None:
    seconds = []
    for _ in range(4):  # the first writes the byte code
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds[1:]) <= HELP_CPU_SECONDS


def test_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    program = (
        "import sys, pipeline.cli\n"
        "try: pipeline.cli.app(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pyarrow', 'numba', 'datatrove', 'fsspec', 'rich', 'yaml', 'hyperscan', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines()[-1] == "[]"


# Errors


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "no such command 'nonsense'"),
        (["run"], "corpusmill run: missing argument 'RECIPE'"),
        (["explain", "work"], "corpusmill explain: missing argument 'ID'"),
        (["run", "x.yaml", "--wrkers", "2"], "no such option: --wrkers (Possible options: --work, --workers)"),
        (["run", "x.yaml", "--workers", "0"], "invalid value for '--workers': expected greater than or equal to 1"),
        (["run", "x.yaml", "--workers", "two"], "invalid value for '--workers': expected a valid integer"),
        (["plan", "x.yaml", "--set"], "option '--set' requires an argument"),
        (["show", "work", "-n", "0"], "invalid value for '-n'"),
        (["status", "a", "b"], "unexpected extra argument"),
        (["plan", "none.yaml"], "none.yaml: expected a recipe, found no such file"),
        (["run", "none.yaml"], "none.yaml: expected a recipe, found no such file"),
        (["tokenizer", "train", "none.yaml"], "none.yaml: expected a recipe, found no such file"),
        (["status", "none"], "none: not a work folder; expected plan.json, found none"),
        (["show", "none"], "none: not a work folder"),
        (["explain", "none", "0123456789"], "none: not a work folder"),
        (["gc", "none"], "none: not a work folder"),
        (["gc", "gs://bucket/work"], "gs://bucket/work: expected a local folder or s3://bucket/path"),
        (["verify", "none"], "none"),
        (["init", "none/recipe.yaml"], "none/recipe.yaml: cannot be written: No such file or directory"),
    ],
)
def test_a_wrong_command_line_is_told_in_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command(*arguments)
    assert_is_an_error(ended)
    assert says in ended.err
    assert list(tmp_path.iterdir()) == [], "an error leaves nothing behind"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("mixtrue.code=1", "recipe.yaml with --set: mixtrue: unknown key"),
        ("sources.0.kind=text", "expected keys below `sources`, got a list of 2"),
        ("packing.sequence_tokens=many", "packing.sequence_tokens: expected a valid integer, got 'many'"),
        ("executor=slurm", "executor: slurm needs `slurm`, with a partition"),
        ("work=gs://bucket/work", "work: gs:// storage: not in this version"),
        ("tokenizer.path=none.json", "tokenizer.path: "),
    ],
)
def test_a_wrong_recipe_stops_a_run_before_it_starts(tiny_recipe: Path, override: str, says: str) -> None:
    ended = command("run", tiny_recipe, "--set", override)
    assert_is_an_error(ended)
    assert says in ended.err
    assert not (tiny_recipe.parent / "work/ingest").exists()


def test_a_pattern_that_matches_nothing_is_named(tiny_recipe: Path) -> None:
    shutil.rmtree(tiny_recipe.parent / "pile")
    ended = command("plan", tiny_recipe)
    assert_is_an_error(ended)
    assert f"sources.pile.paths: {tiny_recipe.parent}/pile/*.jsonl.zst: expected at least one file" in ended.err


def test_an_unknown_pass_is_told_with_those_there_are(tiny_recipe: Path) -> None:
    ended = command("run", tiny_recipe, "--until", "nonsense")
    assert_is_an_error(ended)
    assert "--until nonsense" in ended.err
    assert ", ".join(PASSES) in ended.err


def test_a_file_in_the_place_of_the_work_folder_is_told(tiny_recipe: Path) -> None:
    ended = command("plan", tiny_recipe, "--work", tiny_recipe)
    assert_is_an_error(ended, code=1)
    assert str(tiny_recipe) in ended.err


def test_an_object_store_is_never_taken_for_a_folder(tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_recipe.parent)
    ended = command("plan", tiny_recipe, "--work", "s3://bucket/work")
    assert_is_an_error(ended)
    assert "s3://bucket/work/inputs.json: no credentials found" in ended.err
    assert not (tiny_recipe.parent / "s3:").exists()


def test_names_in_an_error_do_not_steer_the_terminal(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text('"\\e[31mred\\u202e\\nhint: rm -rf": 1\n')
    ended = command("plan", recipe)
    assert_is_an_error(ended)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", ended.err) is None


def test_two_runs_do_not_share_a_work_folder(tiny_recipe: Path) -> None:
    with locked(Storage(str(tiny_recipe.parent / "work"))):
        ended = command("run", tiny_recipe)
    assert_is_an_error(ended)
    assert "another run is working here" in ended.err


# Commands


def test_a_run_says_where_the_release_is_and_how_to_check_it(run_folder: Path) -> None:
    out, err = (run_folder / "printed.txt").read_text().split("\n--\n")
    release = run_folder / "releases/tiny-0.1.0"
    assert out.splitlines() == [
        f"release: {release}",
        f"summary: {release}/SUMMARY.md",
        f"report: {run_folder}/work/report.html",
        f"check it: corpusmill verify {release}",
    ]
    steps = steps_of(load_recipe(run_folder / "recipe.yaml"))
    assert [line.split(":")[0] for line in err.splitlines()] == [f"{step.number} {step.pass_name}" for step in steps]


def test_a_release_of_a_run_verifies(run_folder: Path) -> None:
    ended = command("verify", run_folder / "releases/tiny-0.1.0")
    assert ended.code == 0
    assert "is what its manifest says" in ended.out


def test_a_damaged_release_ends_with_3(run_folder: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(run_folder / "releases/tiny-0.1.0", tmp_path / "release"))
    shard = next(release.glob("data/*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    ended = command("verify", release)
    assert ended.code == 3
    assert shard.name in ended.err


def test_a_manifest_that_is_nested_too_deep_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"a":' * 20_000)
    ended = command("verify", tmp_path)
    assert_is_an_error(ended, code=3)
    assert "manifest.json: not a release manifest" in ended.err


def test_a_row_number_beyond_all_is_a_row_that_was_not_read(run_folder: Path) -> None:
    for digits in (23, 5_000):
        ended = command("explain", run_folder / "work", f"stack/part-00000.jsonl.zst:1:{'9' * digits}")
        assert_is_an_error(ended)
        assert "expected a row that was read, found none" in ended.err


def test_a_link_to_itself_is_told_like_any_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "text.txt").write_text("text")
    ended = command("redact", tmp_path / "text.txt", "--level", "low", "--output", tmp_path / "loop")
    assert_is_an_error(ended, code=1)


def test_a_file_in_the_place_of_demo_data_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ended = command("demo-data", tmp_path / "file")
    assert_is_an_error(ended, code=1)
    assert "file: File exists" in ended.err


def test_a_run_may_stop_after_a_pass(tiny_recipe: Path) -> None:
    ended = command("run", tiny_recipe, "--until", "ingest")
    assert ended.code == 0
    assert ended.out == ""
    assert "next: 2 decide: look_up" in command("status", tiny_recipe.parent / "work").out


def test_a_failed_unit_ends_a_run_with_1_and_stands_in_the_status(tiny_recipe: Path) -> None:
    shard = min(tiny_recipe.parent.glob("stack/*.zst"))
    shard.write_bytes(shard.read_bytes()[:-20])
    ended = command("run", tiny_recipe)
    assert ended.code == 1
    assert "units of ingest failed" in ended.err
    assert f"stack/{shard.name}" in ended.err
    assert "hint: mend the cause and run the same command again" in ended.err
    status = command("status", tiny_recipe.parent / "work").out
    assert f"stack/{shard.name}" in status
    [log] = [Path(line.partition("its log is ")[2]) for line in status.splitlines() if "its log is" in line]
    assert json.loads(log.read_text().splitlines()[-1])["error"] == "DamagedShardError"


def test_a_source_of_which_no_row_is_a_document_ends_a_run_with_1(tiny_recipe: Path) -> None:
    ended = command("run", tiny_recipe, "--until", "ingest", "--set", "sources=[" + _WRONG_FORMAT + "]")
    assert ended.code == 1
    assert "sources.stack: expected documents, found " in ended.err
    assert "read/missing_text" in ended.err
    assert "--stage read" in ended.err


def test_a_column_that_no_row_has_ends_a_run_with_1(tiny_recipe: Path) -> None:
    source = "{name: stack, format: columns, kind: code, paths: ['stack/*.jsonl.zst'], columns: COLUMNS}"
    right = source.replace("COLUMNS", "{text: content, repo: repo_name, path: path}")
    assert command("run", tiny_recipe, "--until", "ingest", "--set", f"sources=[{right}]").code == 0
    wrong = source.replace("COLUMNS", "{text: content, repo: repo_name, path: pth}")
    ended = command("run", tiny_recipe, "--until", "ingest", "--set", f"sources=[{wrong}]")
    assert ended.code == 1
    assert re.search(r"sources\.stack\.columns\.path: expected 'pth' in some row, found it in none of \d+", ended.err)


def test_init_writes_a_recipe_that_plan_understands(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    assert command("init", recipe).code == 0
    for name in ("code", "text"):
        (tmp_path / "shards" / name).mkdir(parents=True)
        (tmp_path / "shards" / name / "0.jsonl.zst").write_bytes(b"")
    ended = command("plan", recipe)
    assert ended.code == 0
    assert ended.out.startswith("my-corpus 0.1.0: 2 shards, 0 B, in 2 units; 1 partition")
    assert "no tokenizer yet: tokenizer.path" in ended.out
    assert_is_an_error(command("init", recipe))


def test_the_schema_is_json() -> None:
    assert set(json.loads(command("schema").out)["required"]) == {"name", "version", "sources"}


def test_a_closed_pipe_is_no_traceback(run_folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -n 1', "-", *PROGRAM, "show", str(run_folder / "work"), "-n", "200"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("── ")
    assert done.stderr == ""


def test_ctrl_c_stops_a_run_with_130_and_leaves_no_process(tiny_recipe: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*PROGRAM, "run", str(tiny_recipe)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        assert run.stderr.readline().startswith("1 ingest")
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.splitlines()[-1].startswith("stopped. What is finished stays finished")
    assert "Traceback" not in err
    # The lock goes with the last process that held it.
    with locked(Storage(str(tiny_recipe.parent / "work"))):
        pass


def test_the_exit_code_reaches_the_shell(tmp_path: Path, environment: dict[str, str]) -> None:
    arguments = ["init", str(tmp_path / "none/recipe.yaml")]
    done = subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
