"""The fault matrix: each fault injected for real, and after it the same bytes, or the named error and its exit code.

The whole table is in docs/reliability.md, which names for each row the test that proves it, here or elsewhere.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from fault_instruments import fill, memory_limit, read_only, remount, small_disk
from run_processes import BOUND_SECONDS, Command, Hit, Start, alive, left_over, run_into, session, stop_in_unit

from pipeline.garbage import collect

pytestmark = pytest.mark.servers

Files = dict[str, bytes]
Same = Callable[[Path], None]


@pytest.fixture
def goes_on(start: Start, release_files: Callable[[Path], Files], expected_release: Files) -> Same:
    """Run the same command again; it ends well, with the release that an undisturbed run makes."""

    def check(recipe: Path) -> None:
        again = start(recipe)
        assert again.wait() == 0, again.log.read_text()
        assert release_files(recipe) == expected_release

    return check


def text(command: Command) -> str:
    return " ".join(command.log.read_text().split())


def second_try(command: Command, hit: Hit, step: str) -> Hit:
    """Let the pool of a step go on until a unit runs alone, and stop that."""
    log = command.recipe.parent / f"work/logs/{step}-{command.process}-1.log"
    deadline = time.monotonic() + BOUND_SECONDS
    while not log.exists():
        assert time.monotonic() < deadline, command.log.read_text()
        hit.let_go()
        time.sleep(0.002)
    alone = stop_in_unit(command, step, submission=1)
    assert alone is not None, "the second try was over before it was seen"
    return alone


def end_by_kernel(procs: Path, unit: int, hit: Hit) -> None:
    """Give a stopped unit no more memory, and let it go on: the kernel's own killer ends it."""
    procs.write_text(str(unit))
    deadline = time.monotonic() + BOUND_SECONDS
    while Path(f"/proc/{unit}").exists() and time.monotonic() < deadline:
        hit.let_go()
        time.sleep(0.002)


@pytest.mark.parametrize("step", ["ingest", "clean"])
def test_a_unit_that_the_kernel_ends_for_its_memory_runs_again_alone(
    step: str, tiny_recipe: Path, start: Start, *, release_files: Callable[[Path], Files], expected_release: Files
) -> None:
    with memory_limit() as procs:
        command, hit = run_into(start, tiny_recipe, step)
        end_by_kernel(procs, hit.unit, hit)
        assert (tiny_recipe.parent / f"work/logs/{step}-{command.process}-0.log").exists()
        assert command.wait(hit) == 0, command.log.read_text()
        assert (tiny_recipe.parent / f"work/logs/{step}-{command.process}-1.log").exists()
    assert release_files(tiny_recipe) == expected_release


def test_a_unit_that_the_kernel_ends_twice_is_failed_by_name(tiny_recipe: Path, start: Start, goes_on: Same) -> None:
    with memory_limit() as procs:
        command, hit = run_into(start, tiny_recipe, "ingest")
        end_by_kernel(procs, hit.unit, hit)
        alone = second_try(command, hit, "ingest")
        end_by_kernel(procs, alone.unit, alone)
        assert command.wait(alone) == 1
    assert "1 of 5 units of ingest failed: unit " in text(command)
    assert ": its process was ended by signal 9 (SIGKILL); " in text(command)
    assert "so it was beside others before, and now alone (run again with fewer --workers, a smaller" in text(command)
    goes_on(tiny_recipe)


@pytest.mark.parametrize("step", ["ingest", "release"])
def test_a_killed_runner_costs_no_more_than_its_units(
    step: str, tiny_recipe: Path, start: Start, *, release_files: Callable[[Path], Files], expected_release: Files
) -> None:
    command, hit = run_into(start, tiny_recipe, step)
    os.kill(hit.pool, signal.SIGKILL)
    assert command.wait(hit) == 0, command.log.read_text()
    assert left_over(command, hit) == []
    assert release_files(tiny_recipe) == expected_release


def test_a_stopped_unit_is_ended_after_the_limit_and_named(tiny_recipe: Path, start: Start, goes_on: Same) -> None:
    limits = ("--set", "limits.progress_seconds=2", "--set", "licences.text_seconds=1")
    command, hit = run_into(start, tiny_recipe, "ingest", *limits)
    while alive(hit.unit):  # a process born in the moment of the stop may miss being let go once
        for process in session(command.process):
            if process != hit.unit:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)
        time.sleep(0.005)
    assert command.wait(hit) == 1
    assert " of 5 units of ingest failed: unit " in text(command)
    assert ": no progress for 2 s; expected some, ended it (run again: only this unit is made again)" in text(command)
    assert "alone" not in text(command)
    goes_on(tiny_recipe)


@pytest.mark.parametrize("size", ["24k", "400k", "1500k"])
def test_a_full_disk_of_the_work_folder_is_named_and_room_is_all_it_takes(
    size: str, tiny_recipe: Path, start: Start, goes_on: Same
) -> None:
    """Where it is full in the middle of a step, the log of the executor may be what has no room."""
    work = tiny_recipe.parent / "work"
    with small_disk(work, size):
        command = start(tiny_recipe)
        assert command.wait() == 1
        assert "no space left" in text(command).lower() or "look whether the disk is full" in text(command)
        assert "Traceback" not in text(command)
        assert not any((tiny_recipe.parent / "releases").rglob("manifest.json"))
        remount(work, "size=64m")
        goes_on(tiny_recipe)
        collect(str(work), dry_run=False)
        assert not list((work / "tmp").glob("*"))


def test_a_full_disk_of_the_release_is_named_and_no_release_is_there(
    tiny_recipe: Path, start: Start, goes_on: Same
) -> None:
    releases = tiny_recipe.parent / "releases"
    with small_disk(releases, "100k"):
        command = start(tiny_recipe)
        assert command.wait() == 1
        assert "no space left" in text(command).lower()
        assert "units of release failed" in text(command)
        assert not any(releases.rglob("manifest.json"))
        remount(releases, "size=64m")
        goes_on(tiny_recipe)


def test_a_full_disk_for_temporary_files_is_passed_over(
    tiny_recipe: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, *,
    release_files: Callable[[Path], Files], expected_release: Files,
) -> None:  # fmt: skip
    """Python takes another folder for the few sockets that it makes, and everything of ours is in the work folder."""
    with small_disk(tmp_path / "temporary", "64k"):
        fill(tmp_path / "temporary")
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        monkeypatch.setattr(tempfile, "tempdir", None)
        command = start(tiny_recipe)
        assert command.wait() == 0, command.log.read_text()
    assert release_files(tiny_recipe) == expected_release


def test_a_full_disk_of_the_cache_stops_the_run_before_its_first_pass(
    tiny_recipe: Path, tmp_path: Path, start: Start, goes_on: Same
) -> None:
    with small_disk(tmp_path / "cache", "64k"):
        fill(tmp_path / "cache")
        command = start(tiny_recipe, "--set", f"licences.cache={tmp_path / 'cache'}")
        assert command.wait() == 1
        assert "this is the folder of the licence detector's answers" in text(command)
    assert not (tiny_recipe.parent / "work/ingest").exists()
    goes_on(tiny_recipe)


def test_a_work_folder_that_cannot_be_written_is_named(tiny_recipe: Path, start: Start, goes_on: Same) -> None:
    work = tiny_recipe.parent / "work"
    work.mkdir()
    with read_only(work):
        command = start(tiny_recipe)
        assert command.wait() == 1
    assert str(work) in text(command)
    assert "Read-only file system" in text(command)
    assert "Traceback" not in text(command)
    goes_on(tiny_recipe)


def test_a_work_folder_that_becomes_read_only_stops_the_run_by_name(
    tiny_recipe: Path, start: Start, goes_on: Same
) -> None:
    command, hit = run_into(start, tiny_recipe, "judge")
    with read_only(tiny_recipe.parent / "work"):
        assert command.wait(hit) == 1
    assert "Read-only file system" in text(command)
    assert "Traceback" not in text(command)
    goes_on(tiny_recipe)


@pytest.mark.parametrize("name", ["plan.json", "recipe.json", "inputs.json", "software.json"])
def test_what_a_run_left_beside_its_records_may_be_damaged(name: str, finished_recipe: Path, goes_on: Same) -> None:
    path = finished_recipe.parent / "work" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + b"\xff")
    goes_on(finished_recipe)


def test_an_input_replaced_under_a_run_stops_it_and_the_next_one_reads_it(
    tiny_recipe: Path, finished_recipe: Path, start: Start, run_alone: Callable[..., None],
    release_files: Callable[[Path], Files],
) -> None:  # fmt: skip
    other = (tiny_recipe.parent / "stack/part-00001.jsonl.zst").read_bytes()
    (finished_recipe.parent / "releases/tiny-0.1.0").rename(finished_recipe.parent / "away")
    command, hit = run_into(start, tiny_recipe, "clean")
    for recipe in (tiny_recipe, finished_recipe):
        (recipe.parent / "stack/part-00005.jsonl.zst").write_bytes(other)
    assert command.wait(hit) == 3
    assert "units of clean failed: unit 4: stack/part-00005.jsonl.zst" in text(command)
    run_alone(tiny_recipe)
    run_alone(finished_recipe)
    assert release_files(tiny_recipe) == release_files(finished_recipe)
