"""`corpusmill select`: a part of a release that verifies by itself, token for token what it was."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import zstandard
from signing import signed

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.cli import main
from pipeline.recipe_file import load_recipe
from pipeline.removal_packed import PackedFiles, Removal
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.retokenizing import tokenize_release
from pipeline.selecting import NewName, select_documents
from pipeline.selecting_packed import wait
from pipeline.tokenizer_file import load_tokenizer, recipe_options
from pipeline.verify import verify_release
from stages.parquet_files import ParquetFile
from stages.rendering import Renderer
from stages.text_lines import lines_writer

pytestmark = pytest.mark.servers

MadeOnce = Callable[[str, Callable[[Path], object]], Path]
Run = Callable[..., None]
Take = Callable[[dict[str, bytes], Renderer], dict[tuple[str, str, int], str]]
Row = dict[str, Any]
OVERRIDES = (
    "version=0.6.0",
    "held_out={fraction: 0.2, seed: 3}",
    "rendering.repository.share=0.6",
    "mixture.domains={Python: {epochs: 2}}",
    "packing.sequence_tokens=[64, 256]",
)
WHERE = "kind = 'code' and doc_id < 'a' or kind = 'text' and num_bytes > 400"


@pytest.fixture(scope="session")
def parent_recipe(holding_out: Path, made_once: MadeOnce, run_alone: Run) -> Path:
    """The recipe of a release with copies, repository documents, held-out documents and two context lengths."""

    def make(folder: Path) -> None:
        shutil.copytree(holding_out.parent, folder)
        run_alone(folder / "recipe.yaml", *OVERRIDES)

    return made_once("tiny-to-select-from", make) / "recipe.yaml"


@pytest.fixture(scope="session")
def parent(parent_recipe: Path) -> Path:
    """The release. Never change it: work on a copy."""
    return parent_recipe.parent / "releases/tiny-0.6.0"


@pytest.fixture(scope="session")
def part(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of it. Never change it: work on a copy."""
    return Path(select_documents(str(parent), WHERE, str(tmp_path_factory.mktemp("selected") / "part")))


def manifest_of(release: str | Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def rows(release: Path, folder: str) -> list[Row]:
    return [row for path in sorted((release / folder).iterdir()) for row in pq.read_table(path).to_pylist()]


def tokens(release: Path) -> dict[tuple[str, int], list[int]]:
    """Token ids by source document and copy."""
    pieces: dict[tuple[str, int], dict[int, list[int]]] = {}
    for path in sorted((release / "positions").iterdir()):
        ids = pq.read_table(release / "data" / path.name).column("input_ids").to_pylist()
        for place in pq.read_table(path).to_pylist():
            own = ids[place["row"]][place["offset"] : place["offset"] + place["length"]]
            pieces.setdefault((place["doc_id"], place["copy"]), {})[place["doc_offset"]] = own
    return {name: [token for offset in sorted(parts) for token in parts[offset]] for name, parts in pieces.items()}


@pytest.mark.parametrize(
    ("where", "takes"),
    [
        ("language = 'Python' and licence = 'MIT'", lambda row: (row["language"], row["licence"]) == ("Python", "MIT")),
        ("nullif(licence, 'MIT') = 'Apache-2.0'", lambda row: row["licence"] == "Apache-2.0"),
        ("kind = 'text' or doc_id < '4'", lambda row: row["kind"] == "text" or row["doc_id"] < "4"),
    ],
)
def test_a_selection_is_a_release_of_what_was_chosen(
    parent: Path, tmp_path: Path, where: str, takes: Callable[[Row], bool]
) -> None:
    out = Path(select_documents(str(parent), where, str(tmp_path / "part")))
    verify_release(str(out))
    before, after = rows(parent, "documents"), rows(out, "documents")
    chosen = {row["doc_id"] for row in before if takes(row)}
    assert {row["doc_id"] for row in after} == chosen
    for folder in ("attribution", "texts", "held_out", "index"):
        expected = [row for row in rows(parent, folder) if row["doc_id"] in chosen]
        assert rows(out, folder) == expected, folder

    theirs, ours = tokens(parent), tokens(out)
    assert ours.keys() == {name for name in theirs if name[0] in chosen}
    end = manifest_of(out).tokenizer.end_of_document_id
    for name, own in ours.items():
        inside = own[:-1] if own[-1] == end != theirs[name][-1] else own
        assert inside[-len(theirs[name]) :] == theirs[name]  # before it may stand what names its repository


def test_the_manifest_says_of_what_it_is_a_part(parent: Path, part: Path, tmp_path: Path) -> None:
    others = select_documents(str(parent), f"not ({WHERE})", str(tmp_path / "others"))
    whole, made = manifest_of(parent), [manifest_of(part), manifest_of(others)]
    for one in made:
        assert (one.name, one.version, one.label) == ("tiny-selection", "0.6.0", "tiny-selection 0.6.0")
        assert one.parent is not None
        assert one.parent.digest == whole.digest
        assert one.selection is not None
        assert one.ledgers == whole.ledgers
        assert one.mixture.shares == whole.mixture.shares
        assert one.tokens_by_kind() == one.mixture.reached_tokens
    for what in ("documents", "num_bytes"):
        sums = [sum(getattr(row, what) for row in one.documents) for one in (*made, whole)]
        assert sums[0] + sums[1] == sums[2]
        assert [getattr(one.selection, what) for one in made] == [sums[1], sums[0]]
    assert made[0].held_out + made[1].held_out == whole.held_out > made[0].held_out > 0
    summary = (part / "SUMMARY.md").read_text()
    assert "**This is a part of tiny 0.6.0**" in summary
    assert f"\n    {WHERE}\n" in summary
    assert "Warning" not in summary


def test_all_of_a_release_names_and_finds_the_same(parent: Path, tmp_path: Path) -> None:
    out = Path(select_documents(str(parent), "true", str(tmp_path / "part")))
    for folder in ("documents", "lookup", "attribution", "texts", "held_out", "index", "bands"):
        assert rows(out, folder) == rows(parent, folder), folder
    whole, made = manifest_of(parent), manifest_of(out)
    assert made.documents == whole.documents
    assert made.packing.documents == whole.packing.documents
    assert made.packing.forms == whole.packing.forms


def test_texts_come_back_from_tokens_but_for_the_line_feed_between_files(
    part: Path, parent_recipe: Path, texts_from_tokens: Take
) -> None:
    verify_release(str(part))
    recipe = load_recipe(parent_recipe, OVERRIDES)
    renderer = Renderer(load_tokenizer(recipe), recipe_options(recipe), recipe.seed)
    texts = {row["doc_id"]: row["text"] for row in rows(part, "texts")}
    found = texts_from_tokens(files(part), renderer)
    assert {name[1] for name in found} == texts.keys()
    longer = [name for name, text in found.items() if text != texts[name[1]]]
    assert all(found[name] == texts[name[1]] + "\n" for name in longer)
    assert 0 < len(longer) < len(found) / 4


def test_a_shard_of_which_nothing_is_chosen_is_there_without_rows(parent: Path, tmp_path: Path) -> None:
    path = sorted((parent / "attribution").iterdir())[1]
    chosen = pq.read_table(path).column("doc_id")[0].as_py()
    out = Path(select_documents(str(parent), f"doc_id = '{chosen}'", str(tmp_path / "part")))
    report = verify_release(str(out))
    assert (report.shards, report.documents) == (2, 1)
    assert pq.read_metadata(min((out / "data").iterdir())).num_rows == 0


def test_a_part_of_a_part_says_both_conditions(parent: Path, part: Path, tmp_path: Path) -> None:
    second = select_documents(str(part), "doc_id < '8'", str(tmp_path / "second"), new=NewName("other", "3.0.0"))
    verify_release(second)
    at_once = select_documents(str(parent), f"({WHERE}) and (doc_id < '8')", str(tmp_path / "once"))
    one, other = manifest_of(second), manifest_of(at_once)
    assert one.selection == other.selection
    assert one.documents == other.documents
    assert (one.name, one.version) == ("other", "3.0.0")
    assert one.parent is not None
    assert one.parent.name == "tiny-selection"


def test_a_stopped_selection_is_made_again_with_the_same_bytes(parent: Path, part: Path, tmp_path: Path) -> None:
    out, expected = Path(shutil.copytree(part, tmp_path / "part")), files(part)
    (out / "manifest.json").unlink()
    (out / "texts/shard-00001-of-00002.parquet").write_bytes(b"half")
    (out / "held_out/shard-00000-of-00001.parquet").write_bytes(b"of another one")
    select_documents(str(parent), WHERE, str(out))
    assert files(out) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


@pytest.mark.parametrize(
    "folder",
    ["data", "positions", "documents", "attribution", "texts", "held_out", "index", "bands", "tokenizer"],
)
def test_a_file_that_is_not_the_one_of_the_manifest_is_an_error(parent: Path, tmp_path: Path, folder: str) -> None:
    damaged = Path(shutil.copytree(parent, tmp_path / "release"))
    [first, *_] = sorted((damaged / folder).iterdir())
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    with pytest.raises(IntegrityError, match=f"{folder}/{first.name}"):
        select_documents(str(damaged), "true", str(tmp_path / "part"))
    assert not (tmp_path / "part/manifest.json").exists()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("language = 'Latin'", "holds for none"),
        ("held_out", "holds for none"),
        ("licence = MIT", 'Referenced column "MIT" not found'),
        ("language in (select language from documents)", "got a query within it"),
        ("read_csv('/etc/passwd') is null", "function 'read_csv'"),
        ("path::int > 3", "Could not convert"),
    ],
)
def test_a_condition_that_is_none_or_holds_for_nothing_writes_nothing(
    parent: Path, tmp_path: Path, where: str, what: str
) -> None:
    with pytest.raises(RecipeError, match=what) as refused:
        select_documents(str(parent), where, str(tmp_path / "part"))
    assert refused.value.hint
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_taken_is_left_alone(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for taken in (tmp_path, parent):
        before = files(taken)
        with pytest.raises(RecipeError, match=r"holds '.*'; expected an empty folder"):
            select_documents(str(parent), "true", str(taken))
        assert files(taken) == before


def test_what_is_no_release_or_no_name_is_refused(parent: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "part")
    with pytest.raises(RecipeError, match="no such folder"):
        select_documents(str(tmp_path / "absent"), "true", out)
    with pytest.raises(RecipeError, match="--name: Two Words"):
        select_documents(str(parent), "true", out, new=NewName("Two Words"))
    with pytest.raises(RecipeError, match=r"--version: 1\.0"):
        select_documents(str(parent), "true", out, new=NewName(None, "1.0"))
    again = tokenize_release(str(parent), str(parent / "tokenizer/tokenizer.json"), output=str(tmp_path / "again"))
    with pytest.raises(RecipeError, match="found a second packed set of one"):
        select_documents(again, "true", out)


def with_texts(release: Path, form: str) -> None:
    """Make it a release whose recipe asks for other texts; its pages do not know."""
    manifest = manifest_of(release)
    listed = [file for file in manifest.files if not file.path.startswith("texts/")]
    for path in sorted((release / "texts").iterdir()):
        groups = pq.ParquetFile(path)
        if form == "jsonl.zst":
            lines = path.with_suffix(".jsonl.zst")
            with lines.open("wb") as file, lines_writer(file) as write:
                for group in range(groups.num_row_groups):
                    write(groups.read_row_group(group))
            new = ReleaseFile.of(f"texts/{lines.name}", lines.read_bytes())
            listed.append(msgspec.structs.replace(new, rows=groups.metadata.num_rows))
        path.unlink()
    recipe = manifest.recipe | {"release": {"texts": form}}
    manifest = msgspec.structs.replace(manifest, recipe=recipe).with_files(listed)
    (release / "manifest.json").write_bytes(manifest.to_bytes())


@pytest.mark.parametrize("form", ["off", "jsonl.zst"])
def test_texts_are_not_needed_and_may_be_lines(parent: Path, part: Path, tmp_path: Path, form: str) -> None:
    release = Path(shutil.copytree(parent, tmp_path / "release"))
    with_texts(release, form)
    out = Path(select_documents(str(release), WHERE, str(tmp_path / "part")))
    verify_release(str(out))
    for path in sorted((part / "data").iterdir()):
        assert pq.read_table(out / "data" / path.name).equals(pq.read_table(path))
    lines = []
    for path in sorted((out / "texts").glob("*")):
        with zstandard.open(path) as file:
            lines.append(file.read())
    expected = [row["doc_id"] for row in rows(part, "texts")] if form == "jsonl.zst" else []
    assert [json.loads(line)["doc_id"] for text in lines for line in text.splitlines()] == expected


def test_rewrites_stay_with_their_documents(rewritten_recipe: Path, tmp_path: Path) -> None:
    [release] = (rewritten_recipe.parent / "releases").iterdir()
    before = rows(release, "documents")
    modes = sorted({row["rewrite"] for row in before} - {""})
    out = Path(select_documents(str(release), f"rewrite = '{modes[0]}' or kind = 'text'", str(tmp_path / "part")))
    verify_release(str(out))
    chosen = [row["doc_id"] for row in before if row["rewrite"] == modes[0]]
    assert sorted(row["doc_id"] for row in rows(out, "rewrites")) == sorted(chosen)
    assert f"document {chosen[0]}" in (out / "rewriting.html").read_text() or len(chosen) > 12


def test_what_was_removed_before_stays_removed_and_told(parent: Path, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    registry.append([Request("T-1", "2026-03-04", "repository", "team/project2", "the owner asked", "content")])
    release = Path(shutil.copytree(parent, tmp_path / parent.name))
    patched = Path(apply_opt_outs(registry, str(release), ApplyOptions()).folder)
    out = Path(select_documents(str(patched), "language = 'Python' and doc_id > '2'", str(tmp_path / "part")))
    verify_release(str(out))
    made, before = manifest_of(out), manifest_of(patched)
    assert made.removals == before.removals
    assert made.removals.documents > 0
    assert (made.label, before.label) == ("tiny-selection 0.6.1", "tiny 0.6.0")
    assert [path.name for path in (out / "removals").iterdir()] == ["tombstones.jsonl"]
    assert not any("project2" in row["repository"] for row in rows(out, "documents"))


def test_slices_hold_every_packed_document_once_and_whole(parent: Path, tmp_path: Path) -> None:
    manifest, name = manifest_of(parent), "shard-00000-of-00002.parquet"
    others = sorted(row["doc_id"] for row in rows(parent, "attribution"))[::3]
    goes = np.array([np.void(bytes.fromhex(other)) for other in others], dtype="V16")
    with ParquetFile(f"{parent}/data/{name}") as data, ParquetFile(f"{parent}/positions/{name}") as positions:
        removal = Removal.of(PackedFiles(data, positions, name), goes, manifest.tokenizer)
        chosen = wait(removal, data, tmp_path / "tokens", seed=0, slice_bytes=4000)
    source = chosen.source(tmp_path / "tokens")
    assert len(source.slices) > 3
    found: dict[tuple[str, int], list[int]] = {}
    names: list[str] = []
    for number in source.slices:
        for kind in source.kinds:
            documents, ids = source.documents(number, kind), source.tokens(number, kind)
            assert len(ids) == documents.lengths.sum() == documents.member_lengths.sum()
            assert sorted(documents.keys.tolist()) == documents.keys.tolist()
            names += documents.names.to_pylist()
            copies = documents.copies[documents.member_document]
            lengths = documents.member_lengths.tolist()
            for member, copy, length in zip(documents.member_ids, copies.tolist(), lengths, strict=True):
                found[member.tobytes().hex(), copy], ids = ids[:length].tolist(), ids[length:]
    assert len(set(names)) == len(names)
    theirs = {key: own for key, own in tokens(parent).items() if key[0] not in others}
    assert found.keys() < theirs.keys()
    end = manifest.tokenizer.end_of_document_id
    for key, own in found.items():
        inside = own[:-1] if own[-1] == end != theirs[key][-1] else own
        assert inside[-len(theirs[key]) :] == theirs[key]


def test_verify_holds_a_selection_against_the_accounts(part: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(part, tmp_path / "part"))
    selection = manifest_of(release).selection
    assert selection is not None
    for changes, what in (
        (
            {"selection": msgspec.structs.replace(selection, documents=selection.documents + 1)},
            "documents: .* taken out",
        ),
        ({"selection": msgspec.structs.replace(selection, num_bytes=-1)}, "num_bytes of all"),
        ({"selection": None}, "documents: .* taken out"),
        ({"selection": selection, "parent": None}, "selection: parent is there: expected True, got False"),
    ):
        with pytest.raises(IntegrityError, match=what):
            verify_release(str(signed(release, **changes)))


def test_a_manifest_that_cannot_be_is_refused(parent: Path, tmp_path: Path) -> None:
    release, whole = tmp_path / "release", manifest_of(parent)
    release.mkdir()
    seedless = {key: value for key, value in whole.recipe.items() if key != "seed"}
    for changed, what in (
        (msgspec.structs.replace(whole, packing=msgspec.structs.replace(whole.packing, lengths=[])), "packing.lengths"),
        (msgspec.structs.replace(whole, recipe=seedless), "recipe.seed"),
        (msgspec.structs.replace(whole, recipe=whole.recipe | {"mixture": 3}), "recipe.mixture"),
        (whole.with_files(whole.files[3:]), "files: entries of"),
    ):
        (release / "manifest.json").write_bytes(changed.to_bytes())
        with pytest.raises(IntegrityError, match=what):
            select_documents(str(release), "true", str(tmp_path / "part"))


def test_the_command_says_where_it_is_and_how_to_check_it(
    parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def select(where: str) -> int | str | None:
        monkeypatch.setattr(sys, "argv", ["corpusmill", "select", str(parent), "--where", where, "-o", str(out)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    out = tmp_path / "part"
    assert select("language = 'Pyton'") == 2
    assert "error: --where: expected a condition that holds for some document" in capsys.readouterr().err
    assert select("language = 'Python'") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["shard 1 of 2", "shard 2 of 2", f"selection: {out}", f"check it: corpusmill verify {out}"]
