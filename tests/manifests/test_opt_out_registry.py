"""The registry: lines are only added, none is lost, and a run reads what was there when it was planned."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import REQUESTS, Registry
from manifests.opt_outs import Request, encoded

NAMES = st.sampled_from(["a/b", "A/b", "c/d", "e/f"])
TICKETS = st.sampled_from(["T-1", "T-2", "T-3"])


def request(ticket: str = "T-1", value: str = "owner/name", by: str = "repository", **changes: Any) -> Request:
    fields = {"ticket": ticket, "date": "2026-07-31", "by": by, "value": value, "reason": "asked"}
    return Request(**fields | changes)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.servers)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    root = str(tmp_path / "registry") if request.param == "local" else request.getfixturevalue("s3_folder")
    return Registry(root)


def lines(registry: Registry) -> bytes:
    return registry.storage.read(REQUESTS)


# Adding


def test_the_first_request_makes_the_registry(registry: Registry) -> None:
    assert not registry.exists
    assert registry.append([request()]) == 1
    assert registry.exists
    assert registry.read().requests == [request()]
    assert lines(registry) == encoded([request()])


def test_what_is_there_already_is_not_added_again(registry: Registry) -> None:
    registry.append([request()])
    before = lines(registry)
    again = [request(value="https://github.com/OWNER/name.git", reason="other"), request()]
    assert registry.append(again) == 0
    assert lines(registry) == before
    assert registry.append([*again, request("T-2"), request("T-2")]) == 1


def test_nothing_is_added_where_one_cannot_be(registry: Registry) -> None:
    registry.append([request()])
    before = lines(registry)
    for wrong in (
        request("T-2", "nobody"),
        request("T-1", scope="place"),
        request("T-2", "T-7", by="ticket"),
    ):
        with pytest.raises(RecipeError):
            registry.append([request("T-2", "c/d"), wrong])
    assert lines(registry) == before


def test_another_scope_under_the_same_ticket_is_no_repetition(registry: Registry) -> None:
    registry.append([request()])
    with pytest.raises(RecipeError, match="with scope content, expected the same, got place") as refused:
        registry.append([request(scope="place")])
    assert "withdraw ticket T-1" in refused.value.hint


def test_a_withdrawn_ticket_counts_no_more_and_is_not_used_again(registry: Registry) -> None:
    registry.append([request(), request("T-2", "c/d")])
    registry.append([request("T-9", "T-1", by="ticket")])
    state = registry.read()
    assert state.withdrawn == {"T-1": "T-9"}
    assert state.active == [request("T-2", "c/d")]
    with pytest.raises(RecipeError, match="ticket T-1: was withdrawn by T-9"):
        registry.append([request("T-1", "e/f")])
    with pytest.raises(RecipeError, match="expected a ticket under which something was asked"):
        registry.append([request("T-10", "T-9", by="ticket")])
    assert registry.append([request()]) == 0


def test_a_registry_is_imported_into_another_with_its_withdrawals(registry: Registry) -> None:
    all_lines = [request(), request("T-9", "T-1", by="ticket")]
    assert registry.append(all_lines) == 2
    assert registry.append(all_lines) == 0
    assert registry.read().active == []


@settings(max_examples=25)
@given(batches=st.lists(st.lists(st.builds(request, TICKETS, NAMES), max_size=4), max_size=5))
def test_every_earlier_byte_is_kept(batches: list[list[Request]], tmp_path_factory: pytest.TempPathFactory) -> None:
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    before = b""
    wanted: dict[tuple[str, str, str], Request] = {}
    for batch in batches:
        for one in batch:
            wanted.setdefault(one.key, one)
        registry.append(batch)
        after = lines(registry) if registry.exists else b""
        assert after.startswith(before)
        before = after
    if wanted:
        assert registry.read().requests == list(wanted.values())


def test_of_many_writers_none_loses_a_line(registry: Registry) -> None:
    with ThreadPoolExecutor(6) as writers:
        added = list(writers.map(lambda n: registry.append([request(f"T-{n}"), request("T", f"a/{n}")]), range(12)))
    assert added == [2] * 12
    assert {one.key for one in registry.read().requests} == {
        key for n in range(12) for key in (request(f"T-{n}").key, request("T", f"a/{n}").key)
    }


def test_writers_in_processes_of_their_own_lose_no_line(tmp_path: Path) -> None:
    program = (
        "import sys; from manifests.opt_out_registry import Registry; from manifests.opt_outs import Request\n"
        "for n in range(5): Registry(sys.argv[1]).append("
        "[Request(sys.argv[2], '2026-07-31', 'repository', f'a/{n}', 'asked')])"
    )
    root = str(tmp_path / "registry")
    writers = [subprocess.Popen([sys.executable, "-c", program, root, ticket]) for ticket in ("T-1", "T-2")]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(Registry(root).read().requests) == 10


def test_a_killed_writer_loses_nothing_that_was_there_and_keeps_nobody_out(tmp_path: Path) -> None:
    program = (
        "import itertools, sys\n"
        "from manifests.opt_out_registry import Registry\n"
        "from manifests.opt_outs import Request\n"
        "for n in itertools.count():\n"
        "    Registry(sys.argv[1]).append([Request(f'T-{n}', '2026-07-31', 'owner', 'a', 'asked')])\n"
        "    print(n, flush=True)"
    )
    registry = Registry(str(tmp_path / "registry"))
    for last in (5, 9):
        with subprocess.Popen([sys.executable, "-c", program, registry.storage.root], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = next(int(line) for line in writer.stdout if int(line) >= last)
            writer.kill()
        there = [one.ticket for one in registry.read().requests]
        assert there == [f"T-{number}" for number in range(len(there))]
        assert len(there) > said
    assert registry.append([request("T-x")]) == 1


# Reading


def test_a_snapshot_is_read_as_it_was(registry: Registry) -> None:
    registry.append([request()])
    planned = registry.snapshot()
    data = lines(registry)
    assert (planned.num_bytes, planned.sha256) == (len(data), sha256(data).hexdigest())
    registry.append([request("T-2"), request("T-9", "T-1", by="ticket")])
    registry.storage.write(f"suppressed/{'0' * 64}.parquet", b"later")
    assert registry.read(planned).active == [request()]
    assert registry.read(planned).suppressed == []
    assert registry.read().active == [request("T-2")]
    assert registry.snapshot() != planned


def test_a_snapshot_knows_suppression_files_and_nothing_else(registry: Registry) -> None:
    registry.append([request()])
    names = [f"suppressed/{digit * 64}.parquet" for digit in "ba"]
    for name in [*names, "suppressed/notes.txt", "suppressed/aa.parquet", f"suppressed/x/{'c' * 64}.parquet"]:
        registry.storage.write(name, b"x")
    planned = registry.snapshot()
    assert planned.suppressed == sorted(names)
    assert registry.read(planned).suppressed == sorted(names)
    registry.storage.delete(names[0])
    with pytest.raises(IntegrityError, match="expected a suppression file, found none"):
        registry.read(planned)


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-5], lambda data: data.replace(b"owner/name", b"other/name"), lambda data: b"\n" + data],
)
def test_changed_earlier_bytes_are_found_out(registry: Registry, change: Callable[[bytes], bytes]) -> None:
    registry.append([request(), request("T-2")])
    planned = registry.snapshot()
    registry.storage.write(REQUESTS, change(lines(registry)))
    with pytest.raises(IntegrityError, match="are not those that were planned with"):
        registry.read(planned)


def test_a_damaged_line_is_named_by_its_number(registry: Registry) -> None:
    registry.append([request(f"T-{number}") for number in range(3)])
    registry.storage.write(REQUESTS, lines(registry).replace(b'"T-1"', b'"T-1", "more": 1'))
    for ask in (registry.read, lambda: registry.append([request("T-8")])):
        with pytest.raises(IntegrityError, match=r"requests\.jsonl:2: expected a request"):
            ask()


@pytest.mark.parametrize("tail", [b'{"ticket": "T-3"', b"x" * (2 << 20) + b"\n", b"x" * (9 << 20)])
def test_a_line_without_an_end_or_a_very_long_one_is_damage(registry: Registry, tail: bytes) -> None:
    registry.append([request()])
    registry.storage.write(REQUESTS, lines(registry) + tail)
    with pytest.raises(IntegrityError, match=r"requests\.jsonl: from byte \d+ on, expected lines"):
        registry.read()


def test_lines_of_many_blocks_are_read_and_numbered(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manifests.opt_out_registry._BLOCK_BYTES", 300)
    wanted = [request(f"T-{number}") for number in range(50)]
    registry.append(wanted)
    assert registry.read().requests == wanted
    registry.storage.write(REQUESTS, lines(registry).replace(b'"T-40"', b'"T 40"'))
    with pytest.raises(IntegrityError, match=r"requests\.jsonl:41: "):
        registry.read()


def test_a_folder_without_requests_is_no_registry(registry: Registry) -> None:
    for ask in (registry.snapshot, registry.read):
        with pytest.raises(RecipeError, match="expected an opt-out registry") as refused:
            ask()
        assert "optout add" in refused.value.hint


@settings(max_examples=25)
@given(data=st.data())
def test_what_counts_does_not_depend_on_the_order_of_lines(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asked = [request(f"T-{number}", f"a/{number}") for number in range(4)]
    gone = [request(f"W-{number}", f"T-{number}", by="ticket") for number in data.draw(st.sets(st.integers(0, 3)))]
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    registry.storage.write(REQUESTS, encoded(data.draw(st.permutations(asked + gone))))
    left = [one for one in asked if one.ticket not in {other.value for other in gone}]
    assert sorted(registry.read().active, key=lambda one: one.ticket) == left
