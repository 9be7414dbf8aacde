import json
import os
import socket
import unicodedata
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from manifests.errors import RetryableError
from manifests.ledger import Ledger
from manifests.record import Failure, Output, Record, read_record
from manifests.storage import Storage
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.stage_clock import stage_seconds
from pipeline.unit_log import Attempt, log_name, write_log
from pipeline.units import fail_unit, run_unit, step_named

MEASURED = {
    "wall_seconds": 3.0,
    "cpu_seconds": 2.5,
    "peak_private_bytes": 7e6,
    "input_bytes": 4e6,
    "stage.read_seconds": 1.0,
    "stage.measure_seconds": 2.0,
}


def record(failure: Failure | None = None, measured: dict[str, float] = MEASURED) -> Record:
    ledger = Ledger()
    ledger.keep(100)
    return Record(
        step="ingest",
        unit=3,
        fingerprint="f" * 64,
        outputs={} if failure else {"rows": Output("ingest/data/x.arrows", 900, "0" * 64, 12, [])},
        ledger=ledger.to_json(),
        counts={},
        failure=failure,
        measured=measured,
    )


def logged(folder: Path, step: str = "ingest", unit: int = 3) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / log_name(step, unit)).read_bytes().splitlines()]


def write(folder: Path, written: Record, **more: Any) -> list[dict[str, Any]]:
    write_log(Storage(str(folder)), written, Attempt({"python": "3.11"}, **more))
    return logged(folder, written.step, written.unit)


def test_a_unit_that_is_done_has_its_start_its_stages_and_its_end(tmp_path: Path) -> None:
    started, *stages, finished = write(tmp_path, record())
    assert started["event"] == "started"
    assert (started["host"], started["process"]) == (socket.gethostname(), os.getpid())
    assert (started["input_bytes"], started["software"]) == (4_000_000, {"python": "3.11"})
    assert [(line["stage"], line["seconds"]) for line in stages] == [("measure", 2.0), ("read", 1.0)]
    assert stages[1]["bytes"] == 4_000_000
    assert finished["event"] == "finished"
    assert finished["outputs"] == {"rows": {"rows": 12, "bytes": 900}}
    assert finished["documents"] == {"read": 1, "kept": 1, "rejected": 0, "failed": 0}
    assert (finished["wall_seconds"], finished["cpu_seconds"], finished["peak_private_bytes"]) == (3.0, 2.5, 7e6)


def test_every_line_names_its_unit_and_attempt(tmp_path: Path) -> None:
    assert {(line["step"], line["unit"], line["attempt"]) for line in write(tmp_path, record())} == {("ingest", 3, 1)}


def test_times_are_in_utc_and_the_start_lies_before_the_end(tmp_path: Path) -> None:
    started, *_, finished = (line.get("time") for line in write(tmp_path, record()))
    began, ended = datetime.fromisoformat(started), datetime.fromisoformat(finished)
    assert began.tzinfo == ended.tzinfo == UTC
    assert (ended - began).total_seconds() == pytest.approx(3.0, abs=0.5)


def test_a_failure_says_what_where_and_in_which_stage(tmp_path: Path) -> None:
    failure = Failure("UnitError", "a.jsonl: cut", "fetch it again")
    failed = write(tmp_path, record(failure), where="readers.py:12", stage="read")[-1]
    assert failed["event"] == "failed"
    assert (failed["error"], failed["message"], failed["hint"]) == ("UnitError", "a.jsonl: cut", "fetch it again")
    assert (failed["where"], failed["stage"]) == ("readers.py:12", "read")
    assert "outputs" not in failed


def test_nothing_in_a_log_steers_a_terminal(tmp_path: Path) -> None:
    failure = Failure("UnitError", "\x1b[31mred\u202e\nname\x7f" + "x" * 5000, "\x9b")
    write(tmp_path, record(failure))
    text = (tmp_path / log_name("ingest", 3)).read_text()
    shown = "".join(json.dumps(line, ensure_ascii=False) for line in logged(tmp_path))
    assert {unicodedata.category(c) for c in text.replace("\n", "") + shown} & {"Cc", "Cf", "Zl", "Zp"} == set()
    assert len(text) < 4000


def test_a_warning_is_told_by_its_place_and_not_by_what_it_quotes(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            warnings.warn("a text of a document", RuntimeWarning, stacklevel=1)
    [warning] = [line for line in write(tmp_path, record(), warnings=caught) if line["event"] == "warning"]
    assert (warning["warning"], warning["times"]) == ("RuntimeWarning", 2)
    assert warning["where"].startswith("test_unit_log.py:")
    assert "a text" not in (tmp_path / log_name("ingest", 3)).read_text()


def test_earlier_attempts_stay_above(tmp_path: Path) -> None:
    write(tmp_path, record(Failure("UnitError", "cut", "")))
    lines = write(tmp_path, record())
    ends = [(line["attempt"], line["event"]) for line in lines if line["event"] in ("failed", "finished")]
    assert ends == [(1, "failed"), (2, "finished")]


def test_a_log_does_not_grow_with_every_attempt(tmp_path: Path) -> None:
    for _ in range(30):
        lines = write(tmp_path, record())
    assert lines[-1]["attempt"] == 30
    assert (tmp_path / log_name("ingest", 3)).stat().st_size < 20_000


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[1]\nnull\n{}\n", b'{"attempt":"x"}\n', b'{"attempt": 1'])
def test_what_is_no_log_is_written_over(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "ingest/logs").mkdir(parents=True)
    (tmp_path / log_name("ingest", 3)).write_bytes(damage)
    assert write(tmp_path, record())[0]["attempt"] == 1


def test_a_unit_that_was_ended_from_outside_has_a_log(tiny_recipe: Path) -> None:
    mill = open_mill(load_recipe(tiny_recipe))
    error = RetryableError("ingest, unit 1: its process was ended by signal 9", hint="run again")
    fail_unit(mill, step_named("ingest"), 1, error, measured={"wall_seconds": 2.0, "peak_private_bytes": 9e6})
    started, failed = logged(Path(mill.work.root), "ingest", 1)
    assert (started["event"], started["process"]) == ("started", None)
    assert (failed["error"], failed["peak_private_bytes"]) == ("RetryableError", 9e6)


def test_the_want_of_a_log_fails_no_unit(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mill = open_mill(load_recipe(tiny_recipe))
    (tiny_recipe.parent / "work/ingest").mkdir(parents=True)
    (tiny_recipe.parent / "work/ingest/logs").write_bytes(b"no folder")
    idle = replace(step_named("ingest"), run=lambda _context: None)
    assert run_unit(mill, idle, 0, lambda _num_bytes: None).done
    assert read_record(mill.work, "ingest", 0).done
    assert capsys.readouterr().err.startswith("ingest/logs/000000.jsonl: cannot be written")


def test_every_unit_of_a_run_has_a_log_beside_its_record(finished_work: Path) -> None:
    records = {path.relative_to(finished_work).parts[::2] for path in finished_work.glob("*/records/*.json")}
    files = [path.relative_to(finished_work) for path in finished_work.glob("*/logs/*.jsonl")]
    logs = {path.with_suffix(".json").parts[::2] for path in files}
    assert records == logs
    for step, name in records:
        unit = int(name.removesuffix(".json"))
        lines = logged(finished_work, step, unit)
        assert [lines[0]["event"], lines[-1]["event"]] == ["started", "finished"]
        assert b"company.org" not in (finished_work / log_name(step, unit)).read_bytes()


def test_the_stages_of_a_unit_add_up_to_its_time(finished_work: Path) -> None:
    storage = Storage(str(finished_work))
    for path in finished_work.glob("*/records/*.json"):
        measured = read_record(storage, path.parts[-3], int(path.stem)).measured
        assert sum(stage_seconds(measured).values()) == pytest.approx(measured["wall_seconds"], abs=0.001)


@pytest.mark.parametrize(
    ("step", "stages"),
    [
        ("ingest", {"read", "gather", "form", "identify", "measure", "sign", "keep", "write"}),
        ("detect", {"read", "recall", "detect", "keep", "write"}),
        ("judge", {"read", "gather", "decide", "judge", "compare", "opt_out", "write"}),
        ("group", {"read", "opt_out", "group", "look_up", "write"}),
        ("pair", {"read", "pair", "write"}),
        ("sign", {"read", "pick", "write"}),
        ("sift", {"read", "estimate", "write"}),
        ("shingle", {"read", "form", "shingle", "write"}),
        ("verify", {"read", "compare", "play", "write"}),
        ("clean", {"read", "form", "decontaminate", "redact", "keep", "estimate", "write"}),
        ("tokenize", {"read", "select", "check", "render", "sort", "write"}),
        ("pack", {"read", "trim", "describe", "pack", "index", "write"}),
        ("release", {"describe", "place", "write"}),
    ],
)
def test_the_stages_of_a_step(finished_work: Path, step: str, stages: set[str]) -> None:
    storage = Storage(str(finished_work))
    records = [read_record(storage, step, int(path.stem)) for path in Path(storage.path(step)).glob("records/*")]
    assert {stage for one in records for stage in stage_seconds(one.measured)} == stages | {"other"}
