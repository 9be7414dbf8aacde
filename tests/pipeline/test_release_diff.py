import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from document_tables import Rows, changed_release, document, with_documents
from signing import signed

from manifests.errors import IntegrityError, RecipeError
from manifests.release import Manifest, ReleaseFile
from manifests.release_lineage import ReleaseParent
from manifests.storage import Storage
from pipeline.changelog_entry import changelog_entry
from pipeline.diff_printing import print_diff
from pipeline.release_changes import Documents, FromTo, Reason, ReleaseDiff
from pipeline.release_diff import release_diff

SHARDS = [
    [document(n, language="C" if n % 2 else "Go") for n in range(8)],
    [document(n, kind="text", source="web", language="", licence="CC0-1.0") for n in range(8, 12)]
    + [document("held", held_out=True, tokens=0, copies=0)],
]


@pytest.fixture
def old(small_release: Path, tmp_path: Path) -> Path:
    return with_documents(Path(shutil.copytree(small_release, tmp_path / "old")), SHARDS)


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def diff_of(old: Path, new: Path, **options: Any) -> ReleaseDiff:
    return release_diff(str(old), str(new), **options)


def edited(shards: list[Rows]) -> None:
    """Two documents go, one comes, one has another licence and fewer bytes; all of the first shard."""
    del shards[0][:2]
    shards[0][0] |= {"licence": "ISC", "num_bytes": 90}
    shards[0].append(document("new", language="Rust", tokens=50))


def test_documents_that_came_went_and_changed(old: Path, tmp_path: Path) -> None:
    found = diff_of(old, changed_release(old, tmp_path / "new", edited, version="0.2.0")).documents
    assert found.added == Documents(documents=1, num_bytes=100, tokens=50)
    assert found.removed == Documents(documents=2, num_bytes=200, tokens=80)
    assert found.added_by["language"] == {"Rust": Documents(documents=1, num_bytes=100, tokens=50)}
    assert sum(one.documents for one in found.removed_by["language"].values()) == 2
    assert list(found.removed_by["source"]) == ["stack"]
    assert (found.changed, found.unchanged, found.in_equal_files) == (1, 10, 5)
    assert found.changed_fields == {"licence": 1, "num_bytes": 1}
    assert found.changed_values == {"licence": [FromTo(old="MIT", new="ISC", documents=1)]}
    assert (found.removed_reasons, found.removed_unexplained) == ([], 2)
    assert found.tokens_compared


def test_a_file_that_both_have_is_not_read(old: Path, tmp_path: Path) -> None:
    new = changed_release(old, tmp_path / "new", edited, version="0.2.0")
    for release in (old, new):
        (release / "documents/shard-00001-of-00002.parquet").unlink()
    assert diff_of(old, new).documents.in_equal_files == 5


def test_held_out_documents_are_counted_apart(old: Path, tmp_path: Path) -> None:
    def change(shards: list[Rows]) -> None:
        shards[1].remove(next(row for row in shards[1] if row["held_out"]))
        shards[0][0]["held_out"] = True

    found = diff_of(old, changed_release(old, tmp_path / "new", change, version="0.2.0")).documents
    assert found.removed == Documents(held_out=1)
    assert found.changed_fields == {"held_out": 1}
    assert found.changed_values["held_out"] == [FromTo(old="False", new="True", documents=1)]


def test_a_release_and_itself(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = diff_of(old, old)
    assert found.same_content
    assert (found.bump.suggested, found.bump.raised, found.bump.follows) == ("none", "none", True)
    assert found.documents.unchanged == found.documents.in_equal_files == 13
    assert (found.recipe, found.software, found.sources, found.ledgers, found.tokens) == ([], [], [], [], {})
    print_diff(found)
    assert capsys.readouterr().out.endswith("version: the same content as 0.1.0\n")


def patched(old: Path, to: Path, version: str = "0.1.1") -> Path:
    """What a removal makes, as far as a diff can see: documents are gone, tombstones say why."""
    parent = ReleaseParent(name="small", version="0.1.0", digest=manifest_of(old).digest)
    new = changed_release(old, to, lambda shards: shards[0].__delitem__(slice(0, 2)), version=version, parent=parent)
    (new / "removals").mkdir()
    line = {"by": "repository", "date": "2026-01-31", "exact_copies": 1, "near_copies": 0, "rewrites": 0, "held_out": 0}
    lines = [
        line | {"version": "0.1.1", "reason": "asked by the owner", "documents": 1, "num_bytes": 200, "tokens": 80},
        line | {"version": "0.1.0", "reason": "before", "documents": 5, "num_bytes": 1, "tokens": 1},
    ]
    data = "".join(json.dumps(one) + "\n" for one in lines).encode()
    (new / "removals/tombstones.jsonl").write_bytes(data)
    files = [*manifest_of(new).files, ReleaseFile.of("removals/tombstones.jsonl", data)]
    return signed(new, files=files)


def test_tombstones_say_why_documents_are_gone(old: Path, tmp_path: Path) -> None:
    found = diff_of(old, patched(old, tmp_path / "new"))
    assert found.parent
    assert found.documents.removed_reasons == [
        Reason(told_by="tombstones", stage="repository", reason="asked by the owner", documents=2, num_bytes=200)
    ]
    assert found.documents.removed_unexplained == 0
    assert (found.bump.suggested, found.bump.because, found.bump.follows) == ("patch", ["2 documents removed"], True)
    assert found.folders == []


def test_a_damaged_tombstone_is_told(old: Path, tmp_path: Path) -> None:
    new = patched(old, tmp_path / "new")
    (new / "removals/tombstones.jsonl").write_text("{}\n")
    with pytest.raises(IntegrityError, match=r"removals/tombstones\.jsonl"):
        diff_of(old, signed(new))


def with_manifest(old: Path, to: Path, **changes: object) -> Path:
    return signed(Path(shutil.copytree(old, to)), **changes)


def test_what_changed_in_recipe_sources_software_and_ledgers(old: Path, tmp_path: Path) -> None:
    manifest = manifest_of(old)
    recipe = json.loads(json.dumps(manifest.recipe))
    recipe["mixture"]["code"] = 0.9
    recipe["sources"][0]["declared_licence"] = "ISC"
    recipe["decontamination"] = {"benchmarks": []}
    shard = msgspec.structs.replace(manifest.sources[0].shards[0], sha256="0" * 64)
    sources = [msgspec.structs.replace(manifest.sources[0], shards=[shard], snapshot="2026-01-31")]
    ledgers = json.loads(json.dumps(manifest.ledgers))
    ledgers["judge"]["rejected"]["filter/num_words_below_minimum"] = [7, 70]
    new = with_manifest(
        old, tmp_path / "new", version="0.2.0", recipe=recipe, sources=sources, ledgers=ledgers,
        software=manifest.software | {"numpy": "9.9"},
    )  # fmt: skip
    found = diff_of(old, new)
    assert {change.key: change.new for change in found.recipe}["mixture.code"] == 0.9
    assert "sources.files.declared_licence" in {change.key for change in found.recipe}
    assert [(one.key, one.new) for one in found.software] == [("numpy", "9.9")]
    changed, gone = found.sources
    assert (changed.what, changed.shards_removed, changed.shards_changed) == ("changed", 1, 1)
    assert [(one.key, one.old, one.new) for one in changed.fields] == [("snapshot", None, "2026-01-31")]
    assert (gone.name, gone.what, gone.shards_removed) == ("texts", "removed", 1)
    assert {(one.step, one.reason, one.new) for one in found.ledgers} >= {
        ("judge", "filter/num_words_below_minimum", 7)
    }
    assert found.bump.suggested == "minor"
    assert found.bump.because[0] == "sources: files changed, texts removed"


def test_another_tokenizer_is_a_major_change_and_no_document_s(old: Path, tmp_path: Path) -> None:
    def other_tokens(shards: list[Rows]) -> None:
        for row in shards[0]:
            row["tokens"] += 1

    tokenizer = msgspec.structs.replace(manifest_of(old).tokenizer, sha256="0" * 64)
    new = changed_release(old, tmp_path / "new", other_tokens, version="0.2.0", tokenizer=tokenizer)
    found = diff_of(old, new)
    assert (found.documents.changed, found.documents.tokens_compared) == (0, False)
    assert (found.bump.suggested, found.bump.version, found.bump.follows) == ("major", "1.0.0", False)
    assert found.bump.because == ["another tokenizer"]


def test_folders_that_are_gone_or_of_another_form_are_a_major_change(old: Path, tmp_path: Path) -> None:
    files = [file for file in manifest_of(old).files if not file.path.startswith(("data-512/", "positions-512/"))]
    found = diff_of(old, with_manifest(old, tmp_path / "new", version="1.0.0", files=files))
    assert [(one.key, one.old, one.new) for one in found.folders] == [
        ("data-512", "parquet", None),
        ("positions-512", "parquet", None),
    ]
    assert (found.bump.suggested, found.bump.follows) == ("major", True)
    back = diff_of(tmp_path / "new", old)
    assert (back.bump.suggested, back.bump.raised, back.bump.follows) == ("minor", None, False)


def test_files_alone_are_a_patch(old: Path, tmp_path: Path) -> None:
    found = diff_of(old, with_manifest(old, tmp_path / "new", version="0.1.1"))  # pages name the version
    assert (found.bump.suggested, found.bump.follows) == ("patch", True)
    assert found.bump.because == ["files differ, though documents and recipe do not"]


@pytest.mark.parametrize(
    ("version", "warning"),
    [
        ("0.1.0", "0.1.0 is the version of both"),
        ("0.0.9", "0.0.9 is not later than 0.1.0"),
        ("0.1.1", "0.1.1 raises but the patch number"),
    ],
)
def test_a_version_that_does_not_follow_the_changes(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str, warning: str
) -> None:
    print_diff(diff_of(old, changed_release(old, tmp_path / "new", edited, version=version)))
    assert f"\nwarning: {warning}; expected 0.2.0 or later\n" in capsys.readouterr().out


def test_a_diff_is_told_in_tables(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_diff(diff_of(old, changed_release(old, tmp_path / "new", edited, version="0.2.0")))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "small 0.2.0 against small 0.1.0"
    assert "version: minor change, so 0.2.0 or later: 1 document added" in lines
    assert "same: 10 documents, 5 of them in files that are the same" in lines
    assert "removed 2 200 B 80 0" in lines
    assert "licence MIT ISC 1" in lines


def test_a_changelog_entry_can_be_pasted(old: Path, tmp_path: Path) -> None:
    new = patched(old, tmp_path / "new")
    entry = changelog_entry(diff_of(old, new))
    assert entry.startswith("## 0.1.1\n\n94 documents (0), 20,116 tokens (0), against 0.1.0.\n")
    assert "\nA patch change: 2 documents removed.\n" in entry
    assert "\n### Removed\n\n- 2 documents, 80 tokens: stack 2; C 1, Go 1\n" in entry
    assert "- of these 2 for asked by the owner (repository)\n" in entry
    assert "### Added" not in entry


def test_a_diff_is_json(old: Path, tmp_path: Path) -> None:
    found = diff_of(old, changed_release(old, tmp_path / "new", edited, version="0.2.0"))
    said = json.loads(msgspec.json.encode(found))
    assert list(said) == list(ReleaseDiff.__struct_fields__)
    assert said["documents"]["removed"] == {"documents": 2, "num_bytes": 200, "tokens": 80, "held_out": 0}
    assert said["bump"]["because"] == ["1 document added"]


def test_a_release_without_documents_cannot_be_compared(old: Path, tmp_path: Path) -> None:
    files = [file for file in manifest_of(old).files if not file.path.startswith("documents/")]
    with pytest.raises(RecipeError, match="expected a release with documents/"):
        diff_of(old, with_manifest(old, tmp_path / "new", files=files))


def test_documents_that_cannot_be_read_are_told(old: Path, tmp_path: Path) -> None:
    new = changed_release(old, tmp_path / "new", edited, version="0.2.0")
    (new / "documents/shard-00000-of-00002.parquet").write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match=r"documents/shard-00000-of-00002\.parquet: cannot be read"):
        diff_of(old, new)


def test_values_that_could_steer_a_terminal_or_a_page_do_not(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hostile(shards: list[Rows]) -> None:
        shards[0].append(document("hostile", language="\x1b[2J<script>", source="[x](http://x)", licence="\x1b]0;x"))
        shards[0][0]["licence"] = "\x9b31m"

    recipe = manifest_of(old).recipe | {"\x1b[2J": "\x1b[2J"}
    found = diff_of(old, changed_release(old, tmp_path / "new", hostile, version="0.2.0", recipe=recipe))
    print_diff(found)
    printed, entry = capsys.readouterr().out, changelog_entry(found)
    assert "\x1b" not in printed + entry
    assert "\x9b" not in printed + entry
    assert "<script>" not in entry
    assert r"\[x](http\://x)" in entry  # no link
