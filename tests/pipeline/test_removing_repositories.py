"""Files taken out of documents of several files, in a release that the mill made, and what `verify` lets pass of it."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.release_lineage import ReleaseRemovals
from manifests.storage import Storage
from pipeline.diff_printing import print_diff
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.release_changes import HandedOver
from pipeline.release_diff import release_diff
from pipeline.removal_tombstones import PROOF, TOMBSTONES, encoded, read_tombstones
from pipeline.removing import apply_opt_outs
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers

LENGTH = 128


@pytest.fixture(scope="module")
def removed(_tiny_finished: Path, run_alone: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that kept one file of six; most of its code stood in repositories. Never change it."""
    folder = tmp_path_factory.mktemp("repositories")
    recipe = Path(shutil.copytree(_tiny_finished, folder / "mill")) / "recipe.yaml"
    overrides = ["version=0.2.0", "rendering.repository.share=0.95", f"packing.sequence_tokens=[{LENGTH}, 64]"]
    run_alone(recipe, *overrides)
    registry = Registry(str(folder / "registry"))
    registry.append([Request("T-1", "2026-03-04", "path", "**/file??.py", "asked")])
    return Path(apply_opt_outs(registry, release_folder(load_recipe(recipe, overrides)).root).folder)


@pytest.fixture
def made(removed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(removed, tmp_path / "release"))


def pieces(release: Path) -> dict[str, list[tuple[int, int]]]:
    """By packed document, (row, tokens) of its pieces."""
    found: dict[str, list[tuple[int, int]]] = {}
    for path in sorted(release.glob("data/*")):
        for number, row in enumerate(pq.read_table(path).to_pylist()):
            for name, length in zip(row["doc_ids"], row["seq_lengths"], strict=True):
                found.setdefault(name, []).append((number, length))
    return found


def message_of(release: Path, **changes: Any) -> str:
    signed(release, **changes)
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    return caught.value.message


def test_files_of_repository_documents_go_one_by_one(made: Path) -> None:
    verify_release(str(made))
    found = pieces(made)
    cut = [name for name, own in found.items() if len(own) > 1 and sum(length for _, length in own) <= LENGTH]
    assert cut
    assert all("-repository" in name for name in cut)
    members = Counter(row["form"] for path in made.glob("positions/*") for row in pq.read_table(path).to_pylist())
    assert members["repository"] > 1
    paths = [row["path"] for path in made.glob("documents/*") for row in pq.read_table(path).to_pylist()]
    assert not [path for path in paths if "/file" in path and len(path.rpartition("/")[2]) != len("file9.py")]
    manifest = Manifest.read(Storage(str(made)))
    assert manifest.removals.documents > 5
    # What is cut is no fault only where something was taken out.
    said = message_of(made, removals=msgspec.structs.replace(manifest.removals, documents=0))
    assert "tokens in one piece, for they fit in a sequence" in said


def test_a_diff_tells_what_tombstones_tell(removed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [parent] = removed.parent.glob("*-0.2.0")
    diff = release_diff(str(parent), str(removed))
    found, [tombstone] = diff.documents, read_tombstones(Storage(str(removed)))
    assert (found.removed.documents, found.removed.held_out) == (
        tombstone.documents + tombstone.exact_copies + tombstone.near_copies,
        tombstone.held_out,
    )
    assert (found.removed.num_bytes, found.removed.tokens) == (tombstone.num_bytes, tombstone.tokens)
    assert found.removed.tokens == diff.old.tokens - diff.new.tokens
    assert (found.changed, found.changed_fields, found.removed_unexplained) == (0, {}, 0)
    assert diff.bump.because == [f"{found.removed.documents + found.removed.held_out} documents removed"]
    # Files that stay begin and end documents of several files now; of removed ones the same numbers went there.
    assert found.handed_over.documents > 1
    had = sum(one.tokens for one in found.removed_by["kind"].values())
    assert had == found.removed.tokens + found.handed_over.tokens
    print_diff(diff)
    assert f"\n{found.handed_over.tokens} tokens more of removed ones were handed over" in capsys.readouterr().out
    again = release_diff(str(removed), str(removed)).documents
    assert again.handed_over == HandedOver()


def _unlisted(release: Path, *paths: str) -> None:
    """Delete files, and take them off the manifest's list."""
    manifest = Manifest.read(Storage(str(release)))
    for path in paths:
        (release / path).unlink()
    left = manifest.with_files(file for file in manifest.files if file.path not in paths)
    (release / "manifest.json").write_bytes(left.to_bytes())


def _more(release: Path) -> dict[str, Any]:
    [one] = read_tombstones(Storage(str(release)))
    (release / TOMBSTONES).write_bytes(encoded([msgspec.structs.replace(one, tokens=one.tokens + 1)]))
    return {}


def _ticket(release: Path) -> dict[str, Any]:
    line = (release / TOMBSTONES).read_bytes()
    (release / TOMBSTONES).write_bytes(line.replace(b'{"version"', b'{"ticket":"T-1","version"'))
    return {}


def _left(release: Path) -> dict[str, Any]:
    proof = (release / PROOF).read_bytes()
    (release / PROOF).write_bytes(proof.replace(b'"named": 0', b'"named": 1'))
    return {}


def _no_proof(release: Path) -> dict[str, Any]:
    _unlisted(release, PROOF)
    return {}


def _unasked(release: Path) -> dict[str, Any]:
    removals = Manifest.read(Storage(str(release))).removals
    _unlisted(release, PROOF, TOMBSTONES)
    return {"removals": msgspec.structs.replace(removals, requests=0)}


def _none(release: Path) -> dict[str, Any]:
    del release
    return {"removals": ReleaseRemovals()}


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (_more, f"the sums of {TOMBSTONES}, got"),
        (_ticket, f"{TOMBSTONES}: "),
        (_left, f"{PROOF}: residual: expected"),
        (_no_proof, f"files: entries of {PROOF}: expected 1, got 0"),
        (_unasked, "removals: expected nothing without a request"),
        (_none, f"files: entries of {TOMBSTONES}: expected 0, got 1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_said_of_removals_is_held_against_itself(
    made: Path, forge: Callable[[Path], dict[str, Any]], expected: str
) -> None:
    assert expected in message_of(made, **forge(made))
