"""Removal with the work folder of the run: copies that were kept in place of what a request names.

In the tiny mill `origin/twin` has the files of `mirror/twin` and more stars, so of `mirror/twin`, which is the owner's
here, nothing is released; and `fork/project` has the files of others with a word changed, so they are like those.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import By, Request, Scope
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.cli import main
from pipeline.removal_work import read_by_run, without_work
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.verify import verify_release
from stages.suppression_files import read_suppressed

pytestmark = pytest.mark.servers

Ask = Callable[..., Registry]


@pytest.fixture
def release(finished_work: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_work.parent / "releases/tiny-0.1.0", tmp_path / "tiny-0.1.0"))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Make a registry of one request."""

    def ask(by: By, value: str, scope: Scope = "content") -> Registry:
        registry = Registry(str(tmp_path / "registry"))
        registry.append([Request("T-1", "2026-03-04", by, value, "the owner asked", scope)])
        return registry

    return ask


def documents_of(release: Path) -> list[dict[str, str]]:
    return [row for path in sorted(release.glob("documents/*")) for row in pq.read_table(path).to_pylist()]


def of_repository(release: Path, name: str) -> list[dict[str, str]]:
    return [row for row in documents_of(release) if row["repository"] == name]


def test_a_copy_that_was_kept_in_place_of_the_owners_file_goes(ask: Ask, release: Path, finished_work: Path) -> None:
    kept = of_repository(release, "origin/twin")
    assert len(kept) == 2
    assert not of_repository(release, "mirror/twin")
    registry, said = ask("path", f"mirror/twin:{kept[0]['path']}"), list[str]()
    assert apply_opt_outs(registry, str(release), progress=said.append).folder == ""
    assert [line for line in said if "--work" in line] == said != []
    done = apply_opt_outs(registry, str(release), ApplyOptions(work=str(finished_work)), progress=said.append)
    assert len([line for line in said if "--work" in line]) == 1
    verify_release(done.folder)
    before, after = ({row["doc_id"] for row in documents_of(folder)} for folder in (release, Path(done.folder)))
    assert before - after == {kept[0]["doc_id"]}
    [tombstone] = done.tombstones
    assert (tombstone.documents, tombstone.exact_copies, tombstone.near_copies) == (0, 1, 0)
    [suppressed] = read_suppressed(registry.storage, registry.read().suppressed)
    [high], [low] = suppressed.content
    assert f"{high:016x}{low:016x}" == kept[0]["content_hash"]
    assert suppressed.tickets.to_pylist() == ["T-1"]
    proof = json.loads((Path(done.folder) / "removals/proof.json").read_text())
    assert (proof["work"], set(proof["residual"].values())) == (True, {0})
    again = apply_opt_outs(registry, done.folder, ApplyOptions(work=str(finished_work)))
    assert again.folder == ""


def test_a_stopped_removal_ends_in_the_same_bytes(ask: Ask, release: Path, finished_work: Path) -> None:
    registry, options = ask("repository", "mirror/twin"), ApplyOptions(work=str(finished_work))
    made = Path(apply_opt_outs(registry, str(release), options).folder)
    whole = {path: path.read_bytes() for path in made.rglob("*.*")}
    remembered = registry.read().suppressed
    (made / "manifest.json").unlink()
    apply_opt_outs(registry, str(release), options)
    assert {path: path.read_bytes() for path in made.rglob("*.*")} == whole
    assert registry.read().suppressed == remembered


@pytest.mark.parametrize("policy", ["remove", "keep"])
def test_what_is_like_a_dropped_document_goes_unless_near_copies_are_kept(
    ask: Ask, release: Path, finished_work: Path, policy: str
) -> None:
    registry = ask("repository", "fork/project")
    dropped = read_by_run(str(finished_work), Manifest.read(Storage(str(release))), registry.read().active)
    here = {row["content_hash"] for row in of_repository(release, "fork/project")}
    assert len({content.hex() for content in dropped.column("content_hash").to_pylist()} - here) > 2
    options = ApplyOptions(near_copies=policy, work=str(finished_work))
    done = apply_opt_outs(registry, str(release), options)
    near = sum(one.near_copies for one in done.tombstones)
    assert (near > 2) if policy == "remove" else (near == 0)
    if done.folder:
        verify_release(done.folder)


def test_nothing_else_is_meant(ask: Ask, release: Path, finished_work: Path) -> None:
    for request in ask("repository", "mirror/twin", "place").read().active:
        found = read_by_run(str(finished_work), Manifest.read(Storage(str(release))), [request])
        assert found.num_rows == 0
        assert without_work([request]) == ""
    assert without_work([Request("T-1", "2026-03-04", "sha256", "0" * 64, "asked")]) == ""


def test_check_says_what_only_the_work_folder_knows(
    release: Path,
    finished_work: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(*more: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["corpusmill", "optout", *asked, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    registry = tmp_path / "registry"
    Registry(str(registry)).append([Request("T-1", "2026-03-04", "owner", "nobody", "asked")])
    asked = ("check", str(registry), str(release), "--by", "owner", "--value", "mirror")
    code, said = check()
    assert (code, said.count("--work")) == (0, 1)
    assert [json.loads(line)["how"] for line in check("--json", "--work", str(finished_work))[1].splitlines()] == [
        "exact_copy",
        "exact_copy",
    ]
    code, said = check("--work", str(finished_work))
    assert (code, said.count("--work")) == (1, 0)
    assert "owner mirror (asked): 0 documents, 2 exact copies, 0 near copies" in said


@pytest.fixture
def work(finished_work: Path, tmp_path: Path) -> Path:
    """A work folder of one's own."""
    return Path(shutil.copytree(finished_work, tmp_path / "work"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "other"}, "name: expected tiny, got other"),
        ({"version": "0.2.0"}, r"version: expected 0\.1\.0, got 0\.2\.0"),
        ({"deduplication": {"near": {"seed": 2}}}, r"deduplication\.near: expected .*, got .*'seed': 2"),
    ],
)
def test_a_work_folder_of_another_run_is_refused(
    ask: Ask, release: Path, work: Path, changed: dict[str, object], said: str
) -> None:
    recipe = json.loads((work / "recipe.json").read_text())
    (work / "recipe.json").write_text(json.dumps(recipe | changed))
    with pytest.raises(RecipeError, match=f"not of the run that made the release; {said}"):
        apply_opt_outs(ask("repository", "mirror/twin"), str(release), ApplyOptions(work=str(work)))


def test_other_inputs_and_rows_that_are_gone_are_refused(ask: Ask, release: Path, work: Path, tmp_path: Path) -> None:
    registry, options = ask("repository", "mirror/twin"), ApplyOptions(work=str(work))
    text = (work / "plan.json").read_text()
    (work / "plan.json").write_text(text.replace(json.loads(text)["units"][0][0]["sha256"], "0" * 64))
    with pytest.raises(RecipeError, match=r"input .*: expected \d+ bytes .*, got \d+ bytes 0000"):
        apply_opt_outs(registry, str(release), options)
    (work / "plan.json").write_text(text)
    shutil.rmtree(work / "ingest/records")
    with pytest.raises(RecipeError, match="expected all rows that the run read"):
        apply_opt_outs(registry, str(release), options)
    with pytest.raises(RecipeError, match="not a work folder"):
        apply_opt_outs(registry, str(release), ApplyOptions(work=str(tmp_path)))
