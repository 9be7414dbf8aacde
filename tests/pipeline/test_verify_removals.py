"""What a release says of its removals and ancestors is believed only as far as it can be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from synthetic_release import repository_of, write_release

from manifests.errors import IntegrityError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.release_lineage import ReleaseParent, ReleaseRemovals
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.removal_tombstones import PROOF, TOMBSTONES, Proof, Tombstone, encoded, read_tombstones, totals
from pipeline.removing import apply_opt_outs
from pipeline.verify_lineage import check_lineage
from pipeline.verify_removals import check_removals
from stages.suppression_files import NearSettings

NEAR = NearSettings(ngram_words=9, bands=1, rows=1, seed=9)


def lines_of(findings: Findings) -> list[str]:
    try:
        findings.check()
    except IntegrityError as error:
        return [line.strip() for line in error.message.split("\n")[1:]]
    return []


class Patched:
    """What a release says after removals, to be changed."""

    def __init__(self, folder: str) -> None:
        storage = Storage(folder)
        self.manifest = Manifest.read(storage)
        self.proof = Proof.from_bytes(storage.read(PROOF))
        self.tombstones = read_tombstones(storage)

    def say(self, **changes: object) -> None:
        self.manifest = msgspec.structs.replace(self.manifest, **changes)

    def prove(self, **changes: object) -> None:
        self.proof = msgspec.structs.replace(self.proof, **changes)

    def bury(self, *tombstones: Tombstone) -> None:
        self.tombstones = list(tombstones)
        removals = totals(tombstones)
        self.say(removals=removals)

    def opt_outs(self, **changes: object) -> None:
        assert self.manifest.opt_outs
        self.say(opt_outs=msgspec.structs.replace(self.manifest.opt_outs, **changes))

    def told(self, folder: Path) -> list[str]:
        """What is found."""
        storage, findings = Storage(str(folder)), Findings("release")
        storage.write(TOMBSTONES, encoded(self.tombstones))
        storage.write(PROOF, self.proof.to_bytes())
        check_lineage(self.manifest, findings)
        check_removals(storage, self.manifest, {TOMBSTONES, PROOF}, findings)
        return lines_of(findings)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("removals")
    write_release(folder / "many-0.1.0", 2)
    registry = Registry(str(folder / "registry"))
    registry.append([Request("T-1", "2026-03-04", "repository", repository_of(0), "asked")])
    return apply_opt_outs(registry, str(folder / "many-0.1.0")).folder


@pytest.fixture
def patched(made: str) -> Patched:
    return Patched(made)


def test_what_a_removal_writes_is_sound(patched: Patched, tmp_path: Path) -> None:
    assert patched.told(tmp_path) == []


def changed(one: Tombstone, **changes: object) -> Tombstone:
    return msgspec.structs.replace(one, **changes)


_ZEROS = dict.fromkeys(("documents", "exact_copies", "near_copies", "rewrites", "held_out", "num_bytes", "tokens"), 0)

FORGED: dict[str, tuple[Callable[[Patched], Any], str]] = {
    "no parent": (lambda one: one.say(parent=None), "manifest.json: parent: expected the release"),
    "a tombstone of nothing": (
        lambda one: one.bury(*one.tombstones, changed(one.tombstones[0], **_ZEROS)),
        "line 2: expected what it took out, got no document",
    ),
    "a tombstone of the first version": (
        lambda one: one.bury(changed(one.tombstones[0], version="0.1.0"), *one.tombstones),
        "line 1: expected a version above that of 'many 0.1.0' and up to 0.1.1, got 0.1.0",
    ),
    "a tombstone of a later version": (
        lambda one: one.bury(*one.tombstones, changed(one.tombstones[0], version="0.1.10")),
        "line 2: expected a version above",
    ),
    "a tombstone without a version": (
        lambda one: one.bury(*one.tombstones, changed(one.tombstones[0], version="x")),
        "line 2: expected a version above",
    ),
    "no tombstone of its own": (
        lambda one: one.say(version="0.1.2"),
        "removals/tombstones.jsonl: expected a line of version 0.1.2, got none",
    ),
    "other settings": (lambda one: one.prove(near=NEAR), "removals/proof.json: near: expected "),
    "a rule that finds anything": (
        lambda one: one.prove(minimum_agreement=1),
        "removals/proof.json: minimum_agreement: expected 52, got 1",
    ),
    "requests that the registry does not have": (
        lambda one: one.prove(active_requests=7),
        "removals/proof.json: active_requests: expected 1, got 7",
    ),
    "contents that it does not have": (
        lambda one: one.prove(suppressed=10_000),
        "removals/proof.json: suppressed: expected ",
    ),
    "more tombstones than requests": (
        lambda one: one.bury(*one.tombstones, *one.tombstones),
        "opt_outs: requests: expected at least 2, got 1",
    ),
    "a request after the latest one": (
        lambda one: one.opt_outs(as_of="2026-03-03"),
        "opt_outs: as_of: expected 2026-03-04 or later, got '2026-03-03'",
    ),
    "no registry": (lambda one: one.say(opt_outs=None), "removals/proof.json: active_requests: expected None"),
    "folders that were not read": (
        lambda one: one.prove(rows_searched={}),
        "removals/proof.json: rows_searched: folders: expected ['attribution', ",
    ),
    "more rows than there are": (
        lambda one: one.prove(rows_searched=one.proof.rows_searched | {"index": 1 << 40}),
        "removals/proof.json: rows_searched: index: expected up to ",
    ),
    "something left": (
        lambda one: one.prove(residual=one.proof.residual | {"in_files": 1}),
        "removals/proof.json: residual: expected ",
    ),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_account_of_removals(patched: Patched, tmp_path: Path, forgery: str) -> None:
    change, expected = FORGED[forgery]
    change(patched)
    told = patched.told(tmp_path)
    assert any(expected in line for line in told), told


NAMES: dict[str, tuple[dict[str, object], str]] = {
    "another name": ({"name": "famous", "version": "2.0.0"}, "packed_as: expected famous and a version below 2.0.0"),
    "its own version": ({"packed_as": "many 0.1.1"}, "packed_as: expected many and a version below 0.1.1"),
    "a later version": ({"packed_as": "many 0.1.10"}, "packed_as: expected many and a version below 0.1.1"),
    "nothing": ({"packed_as": ""}, "packed_as: expected many and a version below 0.1.1, got ''"),
    "no version": ({"packed_as": "many"}, "packed_as: expected many and"),
    "no numbers": ({"packed_as": "many x"}, "packed_as: expected many and a version below 0.1.1, got 'many x'"),
    "none": ({"packed_as": None}, "packed_as: expected the name and version that files have"),
    "no parent": ({"parent": None}, "packed_as: expected none without a parent and removals, got 'many 0.1.0'"),
    "no removals": ({"removals": ReleaseRemovals()}, "packed_as: expected none without a parent and removals"),
    "a parent of another name": (
        {"parent": ReleaseParent(name="other", version="0.1.0", digest="0" * 64)},
        "parent: expected many and a version from 0.1.0 on and below 0.1.1, got other 0.1.0",
    ),
    "a parent of a later version": (
        {"parent": ReleaseParent(name="many", version="0.2.0", digest="0" * 64)},
        "parent: expected many and a version from 0.1.0 on and below 0.1.1, got many 0.2.0",
    ),
}


@pytest.mark.parametrize("forgery", NAMES)
def test_a_name_that_its_files_cannot_have(patched: Patched, forgery: str) -> None:
    changes, expected = NAMES[forgery]
    findings = Findings("release")
    check_lineage(msgspec.structs.replace(patched.manifest, **changes), findings)
    told = lines_of(findings)
    assert any(line.startswith(f"manifest.json: {expected}") for line in told), told


def test_an_empty_name_is_its_name_and_no_other(patched: Patched) -> None:
    assert msgspec.structs.replace(patched.manifest, packed_as="").label == ""
