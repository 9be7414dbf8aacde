"""One run at a time works in a folder of a bucket; who holds it is named, and only somebody who knows takes it over."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_mill import BucketMill, bucket_mill, kill_session
from fault_proxy import Fault, fault_proxy
from object_store import ObjectStore

from manifests.buckets import Access, BucketAccess
from manifests.errors import UnitError
from manifests.storage import Storage
from pipeline.locks import locked

pytestmark = pytest.mark.servers


@pytest.fixture
def mill(store: ObjectStore, small_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketMill]:
    with bucket_mill(store, inputs=small_release.parents[1], folder=tmp_path_factory.mktemp("locked-mill")) as mill:
        yield mill


def wait_until_held(mill: BucketMill, command: object) -> None:
    """Until a run has the lock and its first unit waits for its shard."""
    deadline = time.monotonic() + 120
    while not mill.proxy.broken():
        assert command.poll() is None, command.communicate()[0]  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_second_run_is_refused_and_so_is_one_after_a_kill_until_it_takes_over(mill: BucketMill) -> None:
    mill.proxy.inject(Fault("stall", method="PUT", target="/work/ingest/", times=None, seconds=60))
    with mill.started("--until", "ingest") as command:
        wait_until_held(mill, command)
        holder = f"process {command.pid} on {socket.gethostname()} is working here"
        for said in (mill.run(code=2), mill.call("gc", mill.work, code=2)):
            assert holder in said
            assert "--take-over" in said
        kill_session(command.pid)
    mill.proxy.inject()
    assert holder in mill.run(code=2)
    assert "1 ingest: 2 units" in mill.run("--until", "ingest", "--take-over")
    assert "lock" not in mill.keys("work")


def test_a_run_that_was_taken_over_stops_before_its_next_step(mill: BucketMill) -> None:
    mill.proxy.inject(Fault("stall", method="PUT", target="/work/ingest/data/", seconds=20))
    with mill.started("--until", "decide") as command:
        wait_until_held(mill, command)
        mill.run("--until", "ingest", "--take-over")
        said, _ = command.communicate(timeout=120)
    assert command.returncode == 2, said
    assert "took the folder over" in said
    assert mill.keys("work/look_up") == []
    assert "1 ingest: 2 of 2 done before" in mill.run("--until", "ingest")


def test_a_lock_whose_answer_was_lost_is_held_all_the_same(mill: BucketMill) -> None:
    mill.proxy.inject(Fault("lost_answer", method="PUT", target="/work/lock"))
    mill.run("--until", "ingest")
    assert [request.fault for request in mill.proxy.broken()] == ["lost_answer"]
    assert "lock" not in mill.keys("work")


def test_what_stopped_a_run_is_told_where_the_bucket_does_not_let_go_of_its_lock(
    store: ObjectStore, s3_folder: str
) -> None:
    with fault_proxy(store.port) as proxy:
        work = Storage(s3_folder, Access(BucketAccess(endpoint=proxy.endpoint)))

        def run() -> None:
            with locked(work):
                proxy.inject(Fault("403", times=None))
                raise UnitError("units failed")

        with pytest.raises(UnitError, match=r"^units failed\n.*run with --take-over$"):
            run()
