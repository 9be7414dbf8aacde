"""What an earlier removal remembered finds again, and that nothing spreads from there to what nobody asked for.

Of three documents the second agrees with the first in 56 of 64 values of its signature, and the third in 56 with the
second, but in 48 alone with the first. Only the first is asked for.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic_release
from synthetic_release import write_release

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.removal_report import check_release
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.verify_removals import check_removals
from stages.suppression_files import SUPPRESSIONS, NearSettings, read_suppressed, write_suppressed

NEAR = NearSettings(ngram_words=5, bands=8, rows=8, seed=1)
PLACE, SHARDS = 4, 4
_AGREEING, _SHARED_BANDS = (64, 56, 48), 1


class _Chained(synthetic_release._Shard):
    """A shard one document of which is like that of the shard before."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        if number < len(_AGREEING):
            values, bands = np.arange(64, dtype=np.uint32), np.arange(100, 108, dtype=np.uint64)
            values[: 64 - _AGREEING[number]] += np.uint32(1000)
            bands[_SHARED_BANDS:] += np.uint64(1000 * number)
            self.values[PLACE], self.bands[PLACE] = values, bands


ASKED, LIKE, LIKE_THAT = (_Chained(number).ids[PLACE] for number in range(3))


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(synthetic_release, "_Shard", _Chained)
    write_release(tmp_path / "many-0.1.0", SHARDS)
    return tmp_path / "many-0.1.0"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "registry"))


def ask(registry: Registry, identity: bytes, *, ticket: str = "T-1", reason: str = "asked") -> None:
    registry.append([Request(ticket, "2026-03-04", "document", identity.hex(), reason)])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def counts(release: Path, registry: Registry, **options: str) -> list[tuple[str, int, int, int]]:
    done = apply_opt_outs(registry, str(release), ApplyOptions(**options))
    return [(one.by, one.documents, one.exact_copies, one.near_copies) for one in done.tombstones]


def ids_in(release: Path) -> set[str]:
    return {name for path in release.glob("documents/*") for name in pq.read_table(path).column("doc_id").to_pylist()}


def whole_rows(registry: Registry) -> dict[str, bool]:
    """Whether values are remembered, by the content's hash."""
    return {
        f"{high:016x}{low:016x}": whole
        for one in read_suppressed(registry.storage, registry.read().suppressed)
        for high, low, whole in zip(*(half.tolist() for half in one.content), one.has_values.tolist(), strict=True)
    }


def content(identity: bytes) -> str:
    return identity[::-1].hex()


def test_a_stopped_removal_of_near_copies_that_is_run_again_ends_in_the_same_bytes(
    release: Path, registry: Registry
) -> None:
    ask(registry, ASKED)
    assert counts(release, registry) == [("document", 1, 0, 1)]
    made = release.parent / "many-0.1.1"
    whole, remembered = bytes_of(made), registry.read().suppressed
    for _ in range(2):
        (made / "manifest.json").unlink()
        assert counts(release, registry) == [("document", 1, 0, 1)]
        assert bytes_of(made) == whole
        assert registry.read().suppressed == remembered
    assert ids_in(release) - ids_in(made) == {ASKED.hex(), LIKE.hex()}


def test_check_finds_after_a_removal_what_it_found_before(release: Path, registry: Registry) -> None:
    ask(registry, ASKED)
    before = check_release(registry, str(release), ("", ""), near_copies="")
    counts(release, registry)
    after = check_release(registry, str(release), ("", ""), near_copies="")
    assert before.matches == after.matches
    assert not check_release(registry, str(release.parent / "many-0.1.1"), ("", ""), near_copies="").rows


def test_what_only_the_suppression_list_finds_has_a_tombstone_of_its_own(release: Path, registry: Registry) -> None:
    ask(registry, ASKED, reason="the first")
    counts(release, registry)
    other = Registry(str(release.parent / "other"))
    other.append([Request("T-1", "2026-03-06", "repository", "nobody/nothing", "another of the same ticket")])
    for name in registry.read().suppressed:
        other.storage.write(name, registry.storage.read(name))
    out = release.parent / "second"
    done = apply_opt_outs(other, str(release), ApplyOptions(output=str(out), version="0.1.2"))
    [one] = done.tombstones
    assert (one.by, one.reason, one.date) == ("suppressed", "taken out of an earlier release", "")
    assert (one.documents, one.exact_copies, one.near_copies) == (0, 1, 1)
    assert ids_in(release) - ids_in(out) == {ASKED.hex(), LIKE.hex()}
    assert whole_rows(other) == {content(ASKED): True, content(LIKE): False}
    findings, manifest = Findings(str(out)), Manifest.read(Storage(str(out)))
    check_removals(Storage(str(out)), manifest, {file.path for file in manifest.files}, findings)
    findings.check()


def test_a_hash_alone_finds_the_same_content_and_nothing_that_is_like_it(release: Path, registry: Registry) -> None:
    row = {"content_hash": LIKE[::-1], "bands": None, "values": None, "ticket": "T-0"}
    write_suppressed(registry.storage, pa.Table.from_pylist([row], SUPPRESSIONS), NEAR)
    ask(registry, b"\1" * 16)
    assert counts(release, registry) == [("suppressed", 0, 0, 1)]
    assert ids_in(release) - ids_in(release.parent / "many-0.1.1") == {LIKE.hex()}


def test_a_near_copy_that_is_asked_for_later_is_remembered_whole(release: Path, registry: Registry) -> None:
    ask(registry, ASKED)
    counts(release, registry)
    assert whole_rows(registry) == {content(ASKED): True, content(LIKE): False}
    ask(registry, LIKE)
    found = counts(release, registry, output=str(release.parent / "second"), version="0.1.2")
    assert sorted(found) == [("document", 1, 0, 0), ("document", 1, 0, 1)]
    assert whole_rows(registry) == {content(ASKED): True, content(LIKE): True, content(LIKE_THAT): False}


@pytest.mark.parametrize("compares", [True, False])
def test_what_was_measured_by_other_settings_is_refused_unless_near_copies_are_kept(
    release: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, *, compares: bool
) -> None:
    if not compares:
        plain = synthetic_release._RECIPE | {"deduplication": {"near": None}}
        monkeypatch.setattr(synthetic_release, "_RECIPE", plain)
        release = release.parent / "plain-0.1.0"
        write_release(release, SHARDS, name="plain")
    shard = _Chained(0)
    row = {"content_hash": b"\7" * 16, "bands": shard.bands[PLACE].tolist(), "values": shard.values[PLACE].tobytes()}
    other = NearSettings(ngram_words=5, bands=8, rows=8, seed=7)
    write_suppressed(registry.storage, pa.Table.from_pylist([row | {"ticket": "T-0"}], SUPPRESSIONS), other)
    ask(registry, _Chained(3).ids[0])
    with pytest.raises(RecipeError, match=r"measured by other settings; deduplication\.near: expected .*'seed': 7"):
        counts(release, registry)
    with pytest.raises(RecipeError, match="measured by other settings"):
        check_release(registry, str(release), ("", ""), near_copies="")
    assert counts(release, registry, near_copies="keep") == [("document", 1, 0, 0)]


def test_what_two_tickets_name_is_remembered_for_both(release: Path, registry: Registry) -> None:
    ask(registry, ASKED)
    registry.append([Request("T-2", "2026-03-05", "content", content(ASKED), "another asked as well")])
    counts(release, registry)
    registry.append([Request("T-9", "2026-03-06", "ticket", "T-1", "withdrawn")])
    state = registry.read()
    left = [
        (ticket, f"{high:016x}{low:016x}", whole)
        for one in read_suppressed(registry.storage, state.suppressed, withdrawn=state.withdrawn)
        for ticket, high, low, whole in zip(
            one.tickets.to_pylist(), *(half.tolist() for half in one.content), one.has_values.tolist(), strict=True
        )
    ]
    assert ("T-2", content(ASKED), True) in left
