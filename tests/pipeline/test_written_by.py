"""What made the files of a release is told apart from what wrote its manifest and its pages."""

import shutil
from pathlib import Path

import pytest
from signing import signed

from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.removing import apply_opt_outs
from pipeline.selecting import select_documents
from pipeline.software import software_versions
from pipeline.verify import verify_release

NOW = software_versions()["corpusmill"]
EARLIER = {"corpusmill": "0.0.1", "scancode-toolkit": "1.0"}


def manifest_of(release: str | Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def unjudged(release: str | Path) -> bool:
    """Whether it is sound, and its licences are left to the versions that decided them."""
    report = verify_release(str(release))
    assert report.same_version
    return "other versions decided them, so they were not judged" in str(report)


@pytest.fixture
def earlier(small_release: Path, tmp_path: Path) -> Path:
    """A release that earlier versions made."""
    release = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    assert manifest_of(release).written_by == manifest_of(release).software["corpusmill"] == NOW
    words = dict.fromkeys(manifest_of(release).licence_words, "called otherwise")
    return signed(release, software=software_versions() | EARLIER, written_by="0.0.1", licence_words=words)


def removed(release: Path, repository: str) -> Path:
    registry = Registry(str(release.parent / f"registry-{repository}"))
    registry.append([Request("T-1", "2026-03-04", "repository", f"team/{repository}", "asked")])
    return Path(apply_opt_outs(registry, str(release)).folder)


def test_a_release_without_some_documents_keeps_what_made_it(earlier: Path) -> None:
    made = removed(earlier, "project3")
    old, new = manifest_of(earlier), manifest_of(made)
    assert (new.software, new.written_by) == (old.software, NOW)
    assert set(new.licence_words.values()) == {"called otherwise"}
    assert unjudged(made)


def test_a_part_of_a_release_keeps_what_made_it_and_may_lose_more(earlier: Path, tmp_path: Path) -> None:
    part = Path(select_documents(str(earlier), "kind = 'code'", str(tmp_path / "small-selection-0.1.0")))
    assert (manifest_of(part).software, manifest_of(part).written_by) == (manifest_of(earlier).software, NOW)
    assert unjudged(part)
    less = removed(part, "project3")
    assert manifest_of(less).packed_as == "small-selection 0.1.0"
    assert (less / "removals/proof.json").exists()
    assert unjudged(less)
    again = Path(select_documents(str(less), "licence = 'MIT'", str(tmp_path / "again")))
    assert not (again / "removals/proof.json").exists()
    assert unjudged(again)
