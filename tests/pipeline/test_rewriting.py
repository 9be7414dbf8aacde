"""Rewriting from end to end, by the real steps and a scripted model: what stands, what does not, what is released."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
import scripted_answers as answers
import zstandard
from rewriting_mill import MARKERS, MODEL, NUM_FILES, TWINS, code, files, mended, words, write_mill
from scripted_model import Asked, Reply, scripted_model

from manifests.decision import decisions_of
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from manifests.storage import Storage
from pipeline.inspect_documents import print_life
from pipeline.inspect_samples import print_samples
from pipeline.pass_5_rewrite import OUTCOMES
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.retokenizing import tokenize_release
from pipeline.runner import open_mill
from pipeline.tables import tables
from pipeline.units import Mill
from pipeline.verify import verify_release
from stages.rewrite_provenance import RELEASED_REWRITES

pytestmark = pytest.mark.servers
Run = Callable[..., None]
Row = dict[str, Any]
GOOD = [f"src/file{number}.py" for number in range(NUM_FILES)]


class Release(NamedTuple):
    """A release and what is in it, by path of the document."""

    folder: Path
    manifest: Manifest
    texts: dict[str, Row]
    rewrites: dict[str, Row]

    @classmethod
    def of(cls, mill: Mill) -> "Release":
        folder = Path(release_folder(mill.recipe).root)
        texts = {row["path"]: row for row in rows_of(folder, "texts")}
        path_of = {row["doc_id"]: row["path"] for row in rows_of(folder, "attribution")}
        rewrites = {path_of[row["doc_id"]]: row for row in rows_of(folder, "rewrites")}
        return cls(folder, Manifest.read(Storage(str(folder))), texts, rewrites)

    @property
    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.folder.rglob("*.*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    @property
    def rewriting(self) -> ReleaseRewriting:
        assert isinstance(self.manifest.rewriting, ReleaseRewriting)
        return self.manifest.rewriting

    def rejected(self) -> dict[str, int]:
        found = self.manifest.ledgers["tokenize"]["rejected"]
        return {key: documents for key, (documents, _) in found.items() if key.startswith("rewrite/")}


def rows_of(folder: Path, name: str) -> list[Row]:
    rows = [row for path in sorted(folder.glob(f"{name}/*.parquet")) for row in pq.read_table(path).to_pylist()]
    for path in sorted(folder.glob(f"{name}/*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    return rows


@pytest.fixture(scope="module")
def release(rewritten_recipe: Path) -> Release:
    return Release.of(open_mill(load_recipe(rewritten_recipe)))


@pytest.fixture
def recipe(rewritten_recipe: Path, tmp_path: Path) -> Path:
    """The path of a recipe of one's own, in a folder where it was run; it shares the answers."""
    shutil.copytree(rewritten_recipe.parent, tmp_path / "mill")
    return tmp_path / "mill/recipe.yaml"


@pytest.fixture
def released(recipe: Path, run_alone: Run) -> Callable[..., Release]:
    """What the recipe makes with some overrides, verified."""

    def made(*overrides: str, backwards: bool = False) -> Release:
        mill = open_mill(load_recipe(recipe, ["version=0.2.0", *overrides]))
        run_alone(mill, backwards=backwards)
        verify_release(release_folder(mill.recipe).root)
        return Release.of(mill)

    return made


def packed_names(release: Release) -> Counter[str]:
    return Counter(name for row in rows_of(release.folder, "data") for name in set(row["doc_ids"]))


def test_good_answers_take_the_originals_places(release: Release) -> None:
    texts = files()
    names = packed_names(release)
    for path in GOOD:
        row, rewrite = release.texts[path], release.rewrites[path]
        assert (row["text"], row["rewrite"]) == (mended(texts[path]), "repair")
        assert rewrite["original"] == texts[path]
        assert rewrite["original_sha256"] == sha256(texts[path].encode()).hexdigest()
        assert rewrite["text_sha256"] == sha256(row["text"].encode()).hexdigest()
        assert (rewrite["original_bytes"], rewrite["text_bytes"]) == (len(texts[path]), len(row["text"]))
        assert (rewrite["modes"], rewrite["language"], rewrite["licence"]) == ("repair", "Python", "Apache-2.0")
        assert [prompt["mode"] for prompt in rewrite["prompts"]] == ["repair"]
        measured = {value["name"]: value["value"] for value in rewrite["gates"]}
        assert measured["findings_before"] > measured["findings_after"]
        assert rewrite["prompt_tokens"] > rewrite["completion_tokens"] > 0
        assert names[f"{row['doc_id']}-rewrite"] > 0 == names[row["doc_id"]]
    verify_release(str(release.folder))


@pytest.mark.parametrize("marker", MARKERS)
def test_a_bad_answer_is_asked_for_twice_and_leaves_the_original(
    rewritten_recipe: Path, release: Release, marker: str
) -> None:
    path = f"src/{marker}.py"
    row = release.texts[path]
    assert (row["text"], row["rewrite"]) == (files()[path], "")
    assert path not in release.rewrites
    assert f"{row['doc_id']}-rewrite" not in packed_names(release)
    judged = [one for one in outcomes(open_mill(load_recipe(rewritten_recipe))) if one["id"].hex() == row["doc_id"]]
    gate = MARKERS[marker][1]
    assert [(one["attempt"], one["gate"]) for one in judged] == [(0, gate), (1, gate)]


def outcomes(mill: Mill) -> list[Row]:
    found = [row for table in tables(mill, "rewrite", "outcomes") for row in table.to_pylist()]
    assert all(list(row) == OUTCOMES.names for row in found)
    return found


def test_of_equal_and_near_equal_rewrites_the_one_of_lowest_id_stands(rewritten_recipe: Path, release: Release) -> None:
    texts = files()
    rulings = {
        row["id"].hex(): row
        for table in tables(open_mill(load_recipe(rewritten_recipe)), "overlay", "rulings")
        for row in table.to_pylist()
    }
    for names, reason in ((TWINS[:2], "equal_rewrite"), (TWINS[2:], "near_duplicate_rewrite")):
        first, second = sorted(release.texts[f"src/{name}.py"]["doc_id"] for name in names)
        paths = {release.texts[path]["doc_id"]: path for path in (f"src/{name}.py" for name in names)}
        assert paths[first] in release.rewrites
        assert paths[second] not in release.rewrites
        assert release.texts[paths[second]]["text"] == texts[paths[second]]
        assert (rulings[second]["reason"], rulings[second]["twin"].hex()) == (reason, first)
        assert rulings[second]["similarity"] >= 0.8
    assert len(rulings) == 2


def test_accounts_say_what_became_of_every_document(release: Release) -> None:
    assert "src/hopeless.py" not in release.texts
    assert release.rejected() == {"rewrite/hopeless_code": 1}
    python = release.rewriting.languages["Python"]
    standing = len(GOOD) + 2
    assert python.surveyed == {"fine": 0, "smelly": 24, "broken": 0, "hopeless": 1, "unmeasured": 0}
    assert (python.chosen, python.rewritten, python.standing) == (24, standing + 2, standing)
    assert python.overruled == {"equal_rewrite": 1, "near_duplicate_rewrite": 1, "over_share": 0}
    assert (python.released_documents, len(release.rewrites)) == (standing, standing)
    assert python.released_bytes == sum(row["text_bytes"] for row in release.rewrites.values())
    refused = Counter(gate for _, gate in MARKERS.values())
    assert python.answers == {"repair": {"accepted": standing + 2, **{gate: 2 * n for gate, n in refused.items()}}}
    assert (python.findings_before > 0, python.findings_after) == (True, 0)
    assert pq.read_schema(next(release.folder.glob("rewrites/*"))).names == RELEASED_REWRITES.names


def test_any_order_of_units_and_any_concurrency_make_the_same_bytes_from_the_answers(
    rewritten_recipe: Path, release: Release, tmp_path: Path, run_alone: Run
) -> None:
    for name in ("stack", "tokenizer.json", "recipe.yaml"):
        source = rewritten_recipe.parent / name
        copy = tmp_path / "again" / name
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    mill = open_mill(load_recipe(tmp_path / "again/recipe.yaml", ["rewriting.concurrency=1"]))
    run_alone(mill, backwards=True)  # nobody is there to be asked
    assert Release.of(mill).files == release.files


def test_with_drop_refused_documents_and_twins_leave(released: Callable[..., Release]) -> None:
    release = released("rewriting.failed=drop")
    refused = Counter(f"rewrite/refused_{gate}" for _, gate in MARKERS.values())
    twins = {"rewrite/equal_rewrite": 1, "rewrite/near_duplicate_rewrite": 1}
    assert release.rejected() == {"rewrite/hopeless_code": 1, **refused, **twins}
    assert release.texts.keys() == release.rewrites.keys()
    assert len(release.texts) == len(GOOD) + 2


def test_hopeless_code_may_stay(released: Callable[..., Release]) -> None:
    release = released("rewriting.selection.hopeless=keep")
    assert release.rejected() == {}
    assert release.texts["src/hopeless.py"]["rewrite"] == ""


def test_rewrites_that_grow_have_no_more_than_their_share(recipe: Path, tmp_path: Path, run_alone: Run) -> None:
    def longer(asked: Asked) -> Reply:
        more = "".join(f"# {' '.join(words(f'{asked.code} {number}', 8))}\n" for number in range(len(asked.code) // 60))
        return answers.good(mended(asked.code) + more)

    overrides = ["version=0.3.0", "rewriting.maximum_share=0.5", f"rewriting.cache={tmp_path / 'longer'}"]
    with scripted_model(longer, folder=tmp_path, name=MODEL) as model:
        mill = open_mill(load_recipe(recipe, [*overrides, f"rewriting.endpoint={model.address}"]))
        run_alone(mill)
    release = Release.of(mill)
    verify_release(str(release.folder))
    total = sum(len(row["text"]) for row in release.texts.values())
    rewritten = sum(row["text_bytes"] for row in release.rewrites.values())
    largest = max(row["text_bytes"] for row in release.rewrites.values())
    assert 0.5 * total - largest < rewritten <= 0.5 * total
    python = release.rewriting.languages["Python"]
    assert python.overruled["over_share"] == python.rewritten - len(release.rewrites) > 0


def test_with_a_share_of_nothing_nothing_is_rewritten(
    recipe: Path, released: Callable[..., Release], capsys: pytest.CaptureFixture[str]
) -> None:
    release = released("rewriting.maximum_share=0")
    assert release.rewrites == {}
    mill = open_mill(load_recipe(recipe, ["version=0.2.0", "rewriting.maximum_share=0"]))
    print_life(mill, release.texts[GOOD[0]]["doc_id"])
    assert "choose: not given to the model, for share, maximum_share or budget\n" in capsys.readouterr().out
    assert {path: row["text"] for path, row in release.texts.items()} == {
        path: text for path, text in files().items() if path != "src/hopeless.py"
    }


def test_opting_out_of_the_original_takes_the_rewrite_away(
    recipe: Path, released: Callable[..., Release], release: Release
) -> None:
    gone = "src/file3.py"
    assert gone in release.rewrites
    for path in recipe.parent.glob("stack/*"):
        lines = zstandard.decompress(path.read_bytes()).decode().splitlines(keepends=True)
        left = [line for line in lines if json.loads(line)["path"] != gone]
        path.write_bytes(zstandard.compress("".join(left).encode()))
    found = released()
    assert gone not in found.texts
    identifier = release.rewrites[gone]["doc_id"]
    assert identifier not in {row["doc_id"] for row in rows_of(found.folder, "rewrites")}
    assert not any(name.startswith(identifier) for name in packed_names(found))
    assert len(found.rewrites) == len(release.rewrites) - 1


def test_a_mode_is_laid_upon_what_the_mode_before_left(recipe: Path, tmp_path: Path, run_alone: Run) -> None:
    def styled(asked: Asked) -> Reply:
        return answers.good(asked.code.replace("return", "return ", 1).replace("return  ", "return (0) or "))

    overrides = ["version=0.3.0", "rewriting.modes=[repair, style]"]
    with scripted_model(styled, folder=tmp_path, name=MODEL) as model:
        mill = open_mill(load_recipe(recipe, [*overrides, f"rewriting.endpoint={model.address}"]))
        run_alone(mill)
        assert model.asked.total() == model.answered.total() > 0
    found = Release.of(mill)
    verify_release(str(found.folder))
    assert Counter(row["modes"] for row in found.rewrites.values())["repair+style"] >= len(GOOD)
    for path in GOOD:
        assert found.texts[path]["rewrite"] == "repair+style"
        assert "(0) or" in found.texts[path]["text"]
        assert " == None" not in found.texts[path]["text"]
        assert [prompt["mode"] for prompt in found.rewrites[path]["prompts"]] == ["repair", "style"]


def test_without_texts_the_table_has_no_originals(released: Callable[..., Release], release: Release) -> None:
    found = released("release.texts=off")
    assert found.rewrites == {
        path: {name: value for name, value in row.items() if name != "original"}
        for path, row in release.rewrites.items()
    }
    assert found.texts == {}


def test_lines_have_the_column_of_rewrites(released: Callable[..., Release], release: Release) -> None:
    found = released("release.texts=jsonl.zst")
    assert not list(found.folder.glob("texts/*.parquet"))
    assert found.texts == release.texts


def test_the_live_figures_of_units_that_have_ended_are_gone(rewritten_recipe: Path) -> None:
    assert not list(rewritten_recipe.parent.glob("work/rewrite/live/*"))


def test_explain_says_what_became_of_the_answers(
    rewritten_recipe: Path, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    mill = open_mill(load_recipe(rewritten_recipe))

    def life(path: str) -> list[str]:
        print_life(mill, release.texts[path]["doc_id"])
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith(("survey:", "rewrite:"))]

    found = life("src/file3.py")
    assert found[0].startswith("survey: smelly; 0 places that cannot be parsed, ")
    sizes = (release.rewrites["src/file3.py"][f"{which}_bytes"] for which in ("text", "original"))
    assert found[1:] == [
        "rewrite: repair: passed every gate",
        "rewrite: accepted, repair; {:,} bytes in place of {:,}".format(*sizes),
    ]
    _, first, second, last = life("src/new_import.py")
    assert first.startswith("rewrite: repair: refused by imports")
    assert "leftpadding" in first
    assert second.startswith("rewrite: repair, second try: refused by imports")
    assert last == "rewrite: no rewrite, refused by imports"
    twin, other = sorted((f"src/{name}.py" for name in TWINS[:2]), key=lambda path: release.texts[path]["doc_id"])
    ruled = f"rewrite: does not stand, equal_rewrite; kept twin {release.texts[twin]['doc_id']}, similarity 1.0000"
    assert life(other)[-1] == ruled
    assert life(twin)[-1].startswith("rewrite: accepted, repair")


def test_show_prints_refused_rewrites_and_their_originals(
    rewritten_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mill = open_mill(load_recipe(rewritten_recipe))
    print_samples(mill, stage="rewrite", reason="refused_imports", number=5)
    out = capsys.readouterr().out
    assert "rewrite: rejected, refused_imports; value 1, bound 0; the original stays; " in out
    assert "  # new_import" in out
    print_samples(mill, stage="rewrite", reason=None, number=50)
    assert f"{len(MARKERS) + 3} of {len(MARKERS) + 3} rejected documents shown" in capsys.readouterr().out


def test_a_second_packed_set_keeps_the_names_of_rewrites(
    rewritten_recipe: Path, release: Release, tmp_path: Path
) -> None:
    out = tokenize_release(
        str(release.folder), str(rewritten_recipe.parent / "tokenizer.json"), output=str(tmp_path / "set")
    )
    verify_release(out)
    names = {name for row in rows_of(Path(out), "data") for name in row["doc_ids"]}
    assert names == set(packed_names(release))
    assert sum("-rewrite" in name for name in names) == len(release.rewrites)


def test_rewrites_stand_among_other_files_of_their_repository_and_once_for_each_epoch(
    recipe: Path, run_alone: Run
) -> None:
    overrides = ["version=0.2.0", "rendering.repository.share=0.6", "mixture.tokens=20000", "mixture.shortfall=repeat"]
    mill = open_mill(load_recipe(recipe, overrides))
    run_alone(mill)
    found = Release.of(mill)
    verify_release(str(found.folder))
    names = packed_names(found)
    assert any(name.endswith("-repository") for name in names)
    assert any(name.endswith("-rewrite-2") for name in names)
    together = [row for row in found.rewrites.values() if f"{row['doc_id']}-rewrite" not in names]
    assert together
    assert all(row["copies"] > 1 for row in found.texts.values() if row["rewrite"])


def test_a_later_release_is_held_against_the_originals(
    rewritten_recipe: Path, release: Release, tmp_path: Path, run_alone: Run
) -> None:
    texts = files()
    near = {path: texts[path].replace("return", "return 0 or", 1) for path in (GOOD[3], GOOD[4], "src/twin_a.py")}
    again = {GOOD[2]: texts[GOOD[2]], "src/truncated.py": texts["src/truncated.py"]}
    later = write_mill(tmp_path / "later", "http://127.0.0.1:1/v1", {**near, **again, "new.py": code("new")})
    mill = open_mill(load_recipe(later, ["rewriting=null", f"deduplication.against=[{release.folder}]"]))
    run_alone(mill)
    rejected = [item for table in tables(mill, "clean", "decisions") for item in decisions_of(table)]
    assert Counter(item.reason for item in rejected) == {"in_earlier_release": len(near) + len(again)}
    assert {item.twin for item in rejected} == {release.texts[path]["doc_id"] for path in (*near, *again)}
    assert any(0.7 <= (item.similarity or 0) < 1 for item in rejected)
