"""A run on a bucket whose server or network is ill ends in the same bytes, or says by name what to mend."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_mill import BucketMill, bucket_mill, kill_session, local_files
from fault_proxy import Fault
from object_store import ObjectStore, object_store

pytestmark = pytest.mark.servers


@pytest.fixture
def mill(store: ObjectStore, small_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketMill]:
    with bucket_mill(store, inputs=small_release.parents[1], folder=tmp_path_factory.mktemp("ill-mill")) as mill:
        yield mill


def wait_for(condition: object, command: object) -> None:
    deadline = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        assert command.poll() is None, command.communicate()[0]  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_errors_throttling_resets_and_stalls_do_not_show_in_the_bytes(mill: BucketMill, small_release: Path) -> None:
    kinds = ("500", "503", "reset", "lost_answer", "reset_body", "truncate", "stall", "reset_upload")
    mill.proxy.inject(*(Fault(kind, first=3 + n, every=40 + n, times=None, seconds=1) for n, kind in enumerate(kinds)))
    mill.run()
    assert {request.fault for request in mill.proxy.broken()} == set(kinds)
    assert len(mill.proxy.broken()) > 50
    assert mill.released() == local_files(small_release)


def test_rights_lost_in_the_middle_end_the_run_by_name(mill: BucketMill, small_release: Path) -> None:
    mill.proxy.inject(Fault("403", target="/work/(govern|trees)/", times=None))
    said = mill.run(code=1)
    assert "access refused; the server says InvalidAccessKeyId" in said
    assert "check the credentials" in said
    mill.proxy.inject()
    said = mill.run()
    assert "1 ingest: 2 of 2 done before" in said
    assert mill.released() == local_files(small_release)


def test_keys_that_are_wrong_from_the_start_are_refused_before_any_work(mill: BucketMill) -> None:
    said = mill.run(code=1, AWS_SECRET_ACCESS_KEY="another")
    assert "access refused; the server says 403 to HeadObject" in said  # an answer without a body
    assert mill.keys("work") == []


def test_a_server_killed_and_started_again_in_the_middle_is_waited_for(
    small_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("killed-server")
    with (
        object_store(folder / "store") as server,
        bucket_mill(server, inputs=small_release.parents[1], folder=folder) as mill,
    ):
        with mill.started() as command:
            wait_for(lambda: mill.proxy.count("PUT", "/work/judge/records/"), command)
            server.kill()
            time.sleep(2)
            server.restart()
            said, _ = command.communicate(timeout=200)
        if command.returncode:
            assert command.returncode == 1, said
            assert "cannot be reached" in said or "the server says 5" in said
            mill.run("--take-over")
        assert mill.released() == local_files(small_release)


def test_a_killed_run_goes_on_to_the_same_bytes(mill: BucketMill, small_release: Path) -> None:
    mill.proxy.inject(Fault("stall", method="PUT", target="/work/resolve/data/", times=None, seconds=60))
    with mill.started() as command:
        wait_for(mill.proxy.broken, command)
        kill_session(command.pid)
    mill.proxy.inject()
    said = mill.run("--take-over")
    assert "2 decide: last_rounds: 1 of 1 done before" in said
    assert mill.released() == local_files(small_release)


def test_keys_that_end_in_the_middle_leave_a_lock_and_say_how_to_go_on(mill: BucketMill) -> None:
    mill.proxy.inject(Fault("403", first=40, times=None))
    said = mill.run("--until", "ingest", code=1)
    assert "access refused" in said
    assert "--take-over" in said
    mill.proxy.inject()
    mill.run("--until", "ingest", code=2)
    mill.run("--until", "ingest", "--take-over")
    assert "lock" not in mill.keys("work")
