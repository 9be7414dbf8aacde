"""How releases differ that the mill made: by other recipes, and by a removal."""

import shutil
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.release_changes import Documents
from pipeline.release_diff import release_diff
from pipeline.removing import apply_opt_outs

pytestmark = pytest.mark.servers


@pytest.fixture
def two(expected_release: dict[str, bytes], holding_out: Path, finished_work: Path) -> tuple[Path, Path, Path]:
    """A release that holds documents out, one of the same inputs that holds out none, and the latter's work folder."""
    return holding_out.parent / "releases/tiny-0.2.0", finished_work.parent / "releases/tiny-0.1.0", finished_work


def test_documents_tell_the_same_numbers_as_the_manifests(two: tuple[Path, Path, Path]) -> None:
    held, whole, _ = two
    diff = release_diff(str(whole), str(held))
    found = diff.documents
    (moved,) = found.changed_values["held_out"]
    assert (moved.old, moved.new, found.changed_fields) == ("False", "True", {"held_out": found.changed})
    assert diff.new.documents - diff.old.documents == found.added.documents - found.removed.documents - moved.documents
    assert diff.new.held_out - diff.old.held_out == found.added.held_out - found.removed.held_out + moved.documents > 0
    assert sum(one.tokens for one in found.added_by["kind"].values()) == found.added.tokens
    assert [(one.key, one.new) for one in diff.folders] == [("held_out", "parquet")]
    assert {change.key for change in diff.recipe} >= {"held_out.fraction", "held_out.seed"}
    assert "held_out/held_out" in {change.reason for change in diff.ledgers}


def test_decisions_say_why_documents_are_gone(two: tuple[Path, Path, Path]) -> None:
    held, whole, work = two
    found = release_diff(str(held), str(whole), work=str(work)).documents
    gone = found.removed.documents + found.removed.held_out
    assert gone == sum(one.documents for one in found.removed_reasons) > 0
    assert {(one.told_by, one.stage) for one in found.removed_reasons} <= {
        ("decisions", "deduplicate"),
        ("decisions", "settle"),
    }
    with pytest.raises(RecipeError, match=r"expected the run of tiny 0\.2\.0, found that of tiny 0\.1\.0"):
        release_diff(str(whole), str(held), work=str(work))


def test_tombstones_and_documents_of_a_removal_tell_the_same_numbers(small_release: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    registry = Registry(str(tmp_path / "registry"))
    registry.append([Request("T-1", "2026-03-04", "repository", "team/project3", "the owner asked", "content")])
    found = release_diff(str(old), apply_opt_outs(registry, str(old)).folder)
    removals = Manifest.read(Storage(str(tmp_path / "small-0.1.1"))).removals
    assert found.parent
    assert found.documents.removed == Documents(
        documents=removals.documents, num_bytes=removals.num_bytes, tokens=removals.tokens, held_out=removals.held_out
    )
    assert found.old.tokens - found.new.tokens == removals.tokens > 0
    (reason,) = found.documents.removed_reasons
    assert (reason.told_by, reason.stage, reason.reason) == ("tombstones", "repository", "the owner asked")
    assert (reason.documents, reason.num_bytes) == (removals.documents, removals.num_bytes)
    assert found.documents.removed_unexplained == found.documents.changed == 0
    assert (found.bump.suggested, found.bump.follows) == ("patch", True)
    assert (found.recipe, found.sources, found.folders, found.tokenizer) == ([], [], [], [])
    assert found.documents.removed.documents + found.documents.unchanged == found.old.documents
