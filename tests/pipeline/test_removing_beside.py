"""Removals beside other things: a withdrawal, an earlier removal, the same version elsewhere, another one at once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.removal_report import check_release
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.verify import verify_release

Ask = Callable[..., Registry]


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Add a request for a repository to the registry."""
    registry = Registry(str(tmp_path / "registry"))

    def ask(value: str, *, ticket: str = "T-1") -> Registry:
        registry.append([Request(ticket, "2026-03-04", "repository", value, "the owner asked")])
        return registry

    return ask


def test_a_withdrawn_release_is_patched_and_that_is_said(
    ask: Ask, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = ask("team/project3")
    withdraw(Storage(str(release)), date="2026-04-05", reason="a key leaked")
    told, said = (
        "small 0.1.0 was withdrawn on 2026-04-05: a key leaked; what is asked for is looked for all the same",
        [],
    )
    assert check_release(registry, str(release), ("", ""), near_copies="").rows
    assert capsys.readouterr().err == f"{told}\n"
    made = apply_opt_outs(registry, str(release), progress=said.append).folder
    assert said[0] == told
    verify_release(made)
    assert not Path(made, "WITHDRAWN.json").exists()


def test_near_copies_that_an_earlier_removal_kept_are_told(
    ask: Ask, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = apply_opt_outs(ask("team/project3"), str(release), ApplyOptions(near_copies="keep")).folder
    registry, said = ask("team/project4", ticket="T-2"), list[str]()
    told = "near copies stay in, as small 0.1.1 was made with keep; --near-copies remove takes them out, too"
    check_release(registry, made, ("", ""), near_copies="")
    assert capsys.readouterr().err == f"{told}\n"
    apply_opt_outs(registry, made, progress=said.append)
    assert said[0] == told
    check_release(registry, made, ("", ""), near_copies="keep")
    assert capsys.readouterr().err == ""


def test_a_version_that_lies_in_its_usual_place_is_not_made_elsewhere(ask: Ask, release: Path) -> None:
    apply_opt_outs(ask("team/project3"), str(release))
    registry = ask("team/project4", ticket="T-2")
    with pytest.raises(RecipeError, match=r"small-0\.1\.1: holds a release of this name and version"):
        apply_opt_outs(registry, str(release), ApplyOptions(output=str(release.parent / "elsewhere")))
    assert not (release.parent / "elsewhere").exists()


def test_of_two_removals_at_once_one_is_refused(ask: Ask, release: Path) -> None:
    registry, refused = ask("team/project3"), list[RecipeError]()

    def second(line: str) -> None:
        """While the first one works."""
        if line.startswith("shard") and not refused:
            with pytest.raises(RecipeError, match="another removal is working here") as caught:
                apply_opt_outs(registry, str(release))
            refused.append(caught.value)

    made = apply_opt_outs(registry, str(release), progress=second).folder
    assert (refused[0].exit_code, refused[0].hint) == (2, "wait for it, or choose another folder with --output")
    verify_release(made)
    assert not [path.name for path in release.parent.iterdir() if path.name.endswith(".lock")]


def test_a_release_that_somebody_finished_meanwhile_keeps_its_manifest(ask: Ask, release: Path) -> None:
    manifest = release.parent / "small-0.1.1/manifest.json"

    def finish(line: str) -> None:
        if line.startswith("shard"):
            manifest.write_bytes(b"another's")

    with pytest.raises(RecipeError, match="holds a release now"):
        apply_opt_outs(ask("team/project3"), str(release), progress=finish)
    assert manifest.read_bytes() == b"another's"
