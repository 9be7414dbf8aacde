import json
import shutil
from pathlib import Path

import msgspec
import pytest
from signing import signed

from manifests.errors import RecipeError
from manifests.release import Manifest
from manifests.release_lineage import ReleaseParent
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.release_listing import listed_releases, release_summary
from pipeline.release_printing import print_listed, print_summary


@pytest.fixture
def releases(small_release: Path, tmp_path: Path) -> Path:
    """A folder with releases of every state, and with what is none."""
    folder = tmp_path / "releases"

    def copied(version: str, **changes: object) -> Path:
        copy = Path(shutil.copytree(small_release, folder / f"small-{version}"))
        return signed(copy, version=version, **changes)

    shutil.copytree(small_release, folder / "small-0.1.0")
    digest = Manifest.read(Storage(str(small_release))).digest
    copied("0.10.0", parent=ReleaseParent(name="small", version="0.1.0", digest=digest))
    withdraw(Storage(str(copied("0.2.0"))), date="2026-01-31", reason="wrong licence")
    (copied("0.9.0") / "manifest.json").unlink()
    (copied("0.3.0") / "manifest.json").write_text("{}\n")
    (folder / "work").mkdir()
    (folder / "work/notes.txt").write_text("no release")
    return folder


def test_releases_are_listed_by_version_with_their_state(releases: Path) -> None:
    found = listed_releases(str(releases))
    assert [(one.version, one.state) for one in found] == [
        ("0.1.0", "whole"),
        ("0.2.0", "withdrawn"),
        ("0.3.0", "unreadable"),
        ("0.9.0", "unfinished"),
        ("0.10.0", "whole"),
    ]
    assert [one.parent for one in found] == ["", "", "", "", "small 0.1.0"]
    assert found[1].note == "withdrawn on 2026-01-31: wrong licence"
    assert "not a release manifest" in found[2].note
    manifest = Manifest.read(Storage(str(releases / "small-0.1.0")))
    assert (found[0].documents, found[0].tokens) == (
        sum(row.documents for row in manifest.documents),
        sum(row.tokens for row in manifest.documents),
    )
    assert found[3].documents is None


def test_the_list_is_a_table_with_notes_below(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_listed("releases", listed_releases(str(releases)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "version", "state", "documents", "tokens", "parent"]
    assert lines[5].split()[:3] == ["small", "0.10.0", "whole"]
    assert lines[6] == "small-0.2.0: withdrawn on 2026-01-31: wrong licence"


def test_an_empty_folder_has_no_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed_releases(str(tmp_path)) == []
    print_listed("here", [])
    assert capsys.readouterr().out == "no release in here\n"


@pytest.mark.parametrize("folder", ["releases/small-0.1.0", "nowhere"])
def test_what_is_no_folder_of_releases_is_told(releases: Path, folder: str) -> None:
    with pytest.raises(RecipeError) as caught:
        listed_releases(str(releases.parent / folder))
    assert caught.value.hint


def test_a_summary_says_what_the_manifest_says(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = release_summary(str(releases / "small-0.10.0"))
    manifest = Manifest.read(Storage(str(releases / "small-0.10.0")))
    assert summary.digest == manifest.digest
    assert summary.state == "whole"
    assert summary.sequence_tokens == [128, 512]
    assert (
        sum(one.tokens for one in summary.by["kind"].values())
        == summary.tokens
        == sum(one.tokens for one in summary.sources)
    )
    assert sum(one["files"] for one in summary.folders.values()) == len(manifest.files)
    said = json.loads(msgspec.json.encode(summary))
    assert said["parent"]["version"] == "0.1.0"
    assert said["by"]["language"]["Python"]["documents"] == summary.by["language"]["Python"].documents > 0
    print_summary(summary)
    out = capsys.readouterr().out
    assert out.startswith("small 0.10.0: whole\n")
    assert f"parent: small 0.1.0, digest {said['parent']['digest']}" in out


def test_a_summary_of_a_withdrawn_release_says_so_first(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(release_summary(str(releases / "small-0.2.0")))
    assert capsys.readouterr().out.startswith("small 0.2.0: withdrawn on 2026-01-31: wrong licence\n")


def test_there_is_no_summary_of_what_is_no_release(releases: Path) -> None:
    with pytest.raises(RecipeError, match=r"expected manifest\.json, found none"):
        release_summary(str(releases / "small-0.9.0"))


def test_names_that_could_steer_a_terminal_do_not(small_release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = release_summary(str(small_release))
    print_summary(
        msgspec.structs.replace(summary, name="\x1b[2J", by={"licence": {"\x1b]0;x\x07": summary.by["kind"]["code"]}})
    )
    assert "\x1b" not in capsys.readouterr().out
