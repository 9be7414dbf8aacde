import shutil
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from seen_file import SeenFile
from signing import signed

from filters.licence_evidence import Evidence
from manifests.errors import IntegrityError, RecipeError
from manifests.release import CHAIN, Manifest, ReleaseFile
from manifests.release_packing import PackingFigures
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.verify import verify_release
from pipeline.verify_rows import KINDS

SHARDS = ("data/shard-00000-of-00002.parquet", "data/shard-00001-of-00002.parquet")
ATTRIBUTIONS = ("attribution/shard-00000-of-00002.parquet", "attribution/shard-00001-of-00002.parquet")
TEXTS = ("texts/shard-00000-of-00002.parquet", "texts/shard-00001-of-00002.parquet")
FALSE_EVIDENCE = {"id": "0" * 16, "kind": "header", "expression": "MIT", "where": "line 1", "confidence": 1.0}
INDEX = ("index/shard-00000-of-00002.parquet", "index/shard-00001-of-00002.parquet")
POSITIONS = ("positions/shard-00000-of-00002.parquet", "positions/shard-00001-of-00002.parquet")
LONG = ("data-512/shard-00000-of-00002.parquet", "positions-512/shard-00000-of-00002.parquet")
BANDS = ("bands/shard-00000-of-00002.parquet", "bands/shard-00001-of-00002.parquet")
TOKENIZER = "tokenizer/tokenizer.json"


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "release"))


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def forge(release: Path, **changes: object) -> None:
    """Write a manifest whose digest is right, and look at nothing else."""
    (release / "manifest.json").write_bytes(msgspec.structs.replace(manifest_of(release), **changes).to_bytes())


def findings(release: Path) -> str:
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    assert caught.value.exit_code == 3
    assert caught.value.hint
    return caught.value.message


def rewrite(release: Path, change: Callable[[list[dict[str, Any]]], object], *, shard: str = SHARDS[0]) -> None:
    """Change the rows of a shard in place, as Python values."""
    table = pq.read_table(release / shard)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), release / shard)


def long_document(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Row, piece and first token of a piece that is not the last one of its document."""
    lasts: dict[str, int] = {}
    for row in rows:
        for name, offset in zip(row["doc_ids"], row["doc_offsets"], strict=True):
            lasts[name] = max(offset, lasts.get(name, 0))
    for number, row in enumerate(rows):
        if len(row["doc_ids"]) == 1 and row["doc_offsets"][0] < lasts[row["doc_ids"][0]]:
            return number, 0, 0
    raise AssertionError("no document was cut")


def test_a_release_that_the_mill_made_is_sound(small_release: Path) -> None:
    told: list[int] = []
    report = verify_release(str(small_release), progress=told.append)
    manifest = manifest_of(small_release)
    assert report.files == len(manifest.files) + 1 == 28
    assert report.shards == 2
    assert report.documents == sum(row.documents for row in manifest.documents) > 50
    assert report.tokens == sum(manifest.mixture.reached_tokens.values())
    figures = manifest.packing.lengths[0].modes["best_fit"]
    assert report.sequences == figures["code"].sequences + figures["text"].sequences
    assert sum(told) == report.num_bytes == sum(file.num_bytes for file in manifest.files)
    assert f"{report.tokens:,} tokens" in str(report)
    assert report.same_version


def test_a_file_that_is_no_local_one_is_read_by_no_thread_of_arrows(
    small_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a thread may hold an object of Python's when the command ends, and takes the exit code along."""
    threads: set[int] = set()
    monkeypatch.setattr(Storage, "source", lambda release, name: SeenFile(release.read(name), threads))
    assert verify_release(str(small_release)).shards == 2
    assert threads == {threading.get_ident()}


def test_the_small_release_has_cut_documents_and_padding(small_release: Path) -> None:
    packing = manifest_of(small_release).packing
    assert [length.sequence_tokens for length in packing.lengths] == [128, 512]
    figures = packing.lengths[0].modes["best_fit"]["code"]
    assert figures.cut_documents > 0
    assert figures.padding_tokens > 0


def test_the_small_release_has_control_tokens_inside_its_documents(small_release: Path) -> None:
    tokenizer = manifest_of(small_release).tokenizer
    rows = pq.read_table(small_release / SHARDS[0]).column("input_ids").to_pylist()
    middle = tokenizer.template_ids["<|fim_middle|>"]
    assert middle in tokenizer.control_ids
    assert any(middle in row for row in rows)


def test_a_release_has_no_temporary_folder(small_release: Path) -> None:
    assert sorted(path.name for path in small_release.iterdir()) == [
        "ATTRIBUTION.md", "EU-SUMMARY.md", "README.md", "SUMMARY.md", "attribution", "bands", "croissant.json", "data",
        "data-512", "documents", "eu-summary.json", "index", "lookup", "manifest.json", "positions", "positions-512",
        "texts", "tokenizer",
    ]  # fmt: skip


def test_signing_again_what_was_not_changed_is_sound(release: Path) -> None:
    signed(release)
    verify_release(str(release))


def test_rows_written_anew_and_signed_are_sound(release: Path) -> None:
    rewrite(release, lambda _rows: None)
    signed(release)
    verify_release(str(release))


def test_an_empty_temporary_folder_is_no_finding(release: Path) -> None:
    (release / "tmp").mkdir()
    verify_release(str(release))


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such folder"):
        verify_release(str(tmp_path / "absent"))


def test_a_release_without_manifest(release: Path) -> None:
    (release / "manifest.json").unlink()
    assert "manifest.json: expected a file" in findings(release)


def test_a_folder_that_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a release"):
        verify_release(str(tmp_path))


# Files


@pytest.mark.parametrize(
    "path", [*SHARDS, *POSITIONS, *LONG, *ATTRIBUTIONS, *TEXTS, *INDEX, *BANDS, TOKENIZER, "SUMMARY.md", "README.md"]
)
def test_a_flipped_byte(release: Path, path: str) -> None:
    data = bytearray((release / path).read_bytes())
    data[len(data) // 2] ^= 1
    (release / path).write_bytes(data)
    assert f"{path}: expected sha256" in findings(release)


@pytest.mark.parametrize(
    "path", [*SHARDS, *LONG, ATTRIBUTIONS[0], TEXTS[0], INDEX[0], BANDS[0], TOKENIZER, "SUMMARY.md"]
)
def test_a_cut_file(release: Path, path: str) -> None:
    data = (release / path).read_bytes()
    (release / path).write_bytes(data[:-1])
    assert f"{path}: expected a file of {len(data):,} bytes, got {len(data) - 1:,} bytes" in findings(release)


@pytest.mark.parametrize(
    "path", [*SHARDS, *LONG, ATTRIBUTIONS[1], TEXTS[1], INDEX[1], BANDS[1], TOKENIZER, "README.md"]
)
def test_a_missing_file(release: Path, path: str) -> None:
    (release / path).unlink()
    message = findings(release)
    assert f"{path}: expected a file" in message
    assert "got none" in message


@pytest.mark.parametrize(
    "path",
    [
        "data/shard-00002-of-00002.parquet",
        "data-64/shard-00000-of-00002.parquet",
        "positions/shard-00002-of-00002.parquet",
        "attribution/shard-00002-of-00002.parquet",
        "texts/shard-00002-of-00002.parquet",
        "held_out/shard-00000-of-00002.parquet",
        "index/shard-00002-of-00002.parquet",
        "notes.txt",
        "tmp/17-half",
    ],
)
def test_a_file_too_many(release: Path, path: str) -> None:
    (release / path).parent.mkdir(exist_ok=True)
    (release / path).write_bytes(b"x")
    assert f"{path}: expected no such file" in findings(release)


def test_swapped_shards(release: Path) -> None:
    first, second = (release / shard for shard in SHARDS)
    first.rename(release / "aside")
    second.rename(first)
    (release / "aside").rename(second)
    message = findings(release)
    assert all(f"{shard}: expected" in message for shard in SHARDS)


def test_another_tokenizer(release: Path) -> None:
    data = (release / TOKENIZER).read_bytes().replace(b"<|endoftext|>", b"<|endoftexts>")
    (release / TOKENIZER).write_bytes(data)
    assert f"{TOKENIZER}: expected sha256" in findings(release)


def test_another_tokenizer_signed(release: Path) -> None:
    (release / TOKENIZER).write_bytes((release / TOKENIZER).read_bytes() + b"\n")
    signed(release)
    assert f"{TOKENIZER}: expected sha256" in findings(release)


def test_a_tokenizer_that_is_none_signed(release: Path) -> None:
    (release / TOKENIZER).write_bytes(b"{}")
    signed(release)
    assert f"{TOKENIZER}: tokenizer.json:" in findings(release)


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary_size": 600},
        {"control_ids": []},
        {"end_of_document_id": 5},
        {"beginning_of_document_id": 5},
        {"template_ids": {"<|fim_prefix|>": 5}},
    ],
)
def test_a_manifest_that_lies_about_the_tokenizer(release: Path, change: dict[str, Any]) -> None:
    signed(release, tokenizer=msgspec.structs.replace(manifest_of(release).tokenizer, **change))
    assert f"{TOKENIZER}: expected {next(iter(change))} {next(iter(change.values()))}" in findings(release)


def test_a_control_token_that_no_form_of_the_recipe_has_signed(release: Path) -> None:
    tokenizer = manifest_of(release).tokenizer
    template_ids = tokenizer.template_ids | {"<|file_sep|>": max(tokenizer.control_ids)}
    signed(release, tokenizer=msgspec.structs.replace(tokenizer, template_ids=template_ids))
    assert f"{TOKENIZER}: expected template_ids" in findings(release)


def test_forms_that_are_none(release: Path) -> None:
    signed(release, recipe=manifest_of(release).recipe | {"rendering": {"template": "poem"}})
    assert "manifest.json: recipe.rendering: expected the forms of a recipe" in findings(release)


@pytest.mark.parametrize("path", ["SUMMARY.md", "README.md"])
def test_a_stale_text_signed(release: Path, path: str) -> None:
    signed(release)
    text = (release / path).read_text() + "One more line.\n"
    (release / path).write_text(text)
    files = [
        msgspec.structs.replace(file, num_bytes=len(text.encode()), sha256=sha256(text.encode()).hexdigest())
        if file.path == path
        else file
        for file in manifest_of(release).files
    ]
    forge(release, files=files)
    assert f"{path}: expected the text that the manifest generates" in findings(release)


def test_pages_of_another_version_are_held_to_their_digest_alone(release: Path) -> None:
    text = (release / "README.md").read_text() + "One more line.\n"
    (release / "README.md").write_text(text)
    manifest = manifest_of(release)
    data = text.encode()
    card_file = ReleaseFile("README.md", len(data), sha256(data).hexdigest())
    files = [card_file if file.path == "README.md" else file for file in manifest.files]
    root = manifest.with_files(files).content
    forge(release, files=files, content=root, written_by="0.0.1")
    assert "another version wrote card and summary" in str(verify_release(str(release)))
    (release / "README.md").write_text(text[::-1])
    assert "README.md: expected sha256" in findings(release)


# Manifest


@pytest.mark.parametrize("path", [["name"], ["packing", "mode"], ["ledgers", "ingest", "read"]])
def test_an_edited_manifest(release: Path, path: list[str]) -> None:
    envelope = msgspec.json.decode((release / "manifest.json").read_bytes())
    place = envelope["manifest"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = {"name": "other", "mode": "concat", "read": [1000, 1000]}[path[-1]]
    (release / "manifest.json").write_bytes(msgspec.json.encode(envelope))
    message = findings(release)
    assert "manifest.json: the manifest was changed after it was written" in message


def test_something_beside_the_manifest(release: Path) -> None:
    data = (release / "manifest.json").read_bytes()
    (release / "manifest.json").write_bytes(data.replace(b"{", b'{"note": "trust me",', 1))
    assert "manifest.json: expected the digest and what it covers" in findings(release)


def test_a_manifest_that_is_no_json(release: Path) -> None:
    (release / "manifest.json").write_bytes(b"\xff{")
    assert "not a release manifest" in findings(release)


def test_a_ledger_that_does_not_balance_signed(release: Path) -> None:
    ledgers = manifest_of(release).ledgers
    ledgers["clean"]["rejected"] = {}
    signed(release, ledgers=ledgers)
    message = findings(release)
    assert "ledgers.clean" in message
    assert "does not balance" in message


@pytest.mark.parametrize("step", CHAIN[1:])
def test_a_chain_of_ledgers_that_is_broken_signed(release: Path, step: str) -> None:
    ledgers = manifest_of(release).ledgers
    for side in ("read", "kept"):
        ledgers[step][side] = [ledgers[step][side][0] + 1, ledgers[step][side][1]]
    signed(release, ledgers=ledgers)
    message = findings(release)
    assert f"ledgers.{step}: read" in message
    assert "that the pass before it kept" in message


def test_a_manifest_without_one_of_the_ledgers_signed(release: Path) -> None:
    ledgers = manifest_of(release).ledgers | {"clean": {}}
    forge(release, ledgers=ledgers)
    assert "not a ledger" in findings(release)


def test_documents_moved_to_another_class_signed(release: Path) -> None:
    first, second, *rest = manifest_of(release).documents
    assert first.kind != second.kind
    moved = [
        msgspec.structs.replace(first, documents=first.documents - 1),
        msgspec.structs.replace(second, documents=second.documents + 1),
    ]
    signed(release, documents=[*moved, *rest])
    assert "manifest.json: documents by kind" in findings(release)


def figured(release: Path, change: Callable[[PackingFigures], PackingFigures], *, mode: str = "best_fit") -> str:
    """What `verify` finds where the figures of code in some mode, at the first length, are changed and signed."""
    packing = manifest_of(release).packing
    first, *others = packing.lengths
    changed = first.modes[mode] | {"code": change(first.modes[mode]["code"])}
    lengths = [msgspec.structs.replace(first, modes=first.modes | {mode: changed}), *others]
    signed(release, packing=msgspec.structs.replace(packing, lengths=lengths))
    return findings(release)


@pytest.mark.parametrize("name", PackingFigures.__struct_fields__)
def test_false_packing_figures_signed(release: Path, name: str) -> None:
    message = figured(release, lambda figures: msgspec.structs.replace(figures, **{name: getattr(figures, name) + 1}))
    assert f"manifest.json: packing, 128 tokens: best_fit, code: {name}: expected" in message
    assert "in data/" in message


def test_figures_of_the_other_mode_that_cannot_be(release: Path) -> None:
    message = figured(release, lambda figures: msgspec.structs.replace(figures, sequences=1), mode="concat")
    assert "manifest.json: packing, 128 tokens: concat, code: padding_tokens: expected" in message


@pytest.mark.parametrize("name", ["cut_documents", "cut_tokens"])
def test_more_cut_than_there_is(release: Path, name: str) -> None:
    message = figured(release, lambda figures: msgspec.structs.replace(figures, **{name: 10**9}), mode="concat")
    assert f"manifest.json: packing, 128 tokens: concat, code: {name}: expected" in message


def test_packed_documents_miscounted_signed(release: Path) -> None:
    packing = manifest_of(release).packing
    documents = packing.documents | {"text": packing.documents["text"] + 1}
    signed(release, packing=msgspec.structs.replace(packing, documents=documents))
    assert "manifest.json: packing.documents: expected" in findings(release)


def test_figures_of_a_mode_that_is_missing(release: Path) -> None:
    packing = manifest_of(release).packing
    lengths = [
        msgspec.structs.replace(length, modes={"best_fit": length.modes["best_fit"]}) for length in packing.lengths
    ]
    signed(release, packing=msgspec.structs.replace(packing, lengths=lengths))
    assert "packing.lengths: modes: expected ['best_fit', 'concat'], got ['best_fit']" in findings(release)


def test_false_tokens_signed(release: Path) -> None:
    manifest = manifest_of(release)
    reached = {kind: count + 7 for kind, count in manifest.mixture.reached_tokens.items()}
    documents = [msgspec.structs.replace(row, tokens=row.tokens + 7) for row in manifest.documents]
    signed(release, documents=documents, mixture=msgspec.structs.replace(manifest.mixture, reached_tokens=reached))
    assert "manifest.json: tokens by kind" in findings(release)


@pytest.mark.parametrize(("version", "hint"), [(3, "make that release again"), (5, "a newer corpusmill")])
def test_a_schema_of_another_version(release: Path, version: int, hint: str) -> None:
    forge(release, schema_version=version)
    with pytest.raises(IntegrityError, match=f"expected a manifest of schema 4, got schema {version}\n") as caught:
        verify_release(str(release))
    assert hint in str(caught.value.hint)


def test_a_false_root(release: Path) -> None:
    root = manifest_of(release).content
    forge(release, content="0" * 64)
    assert f"manifest.json: content: expected {root}, got {'0' * 64}" in findings(release)


@pytest.mark.parametrize("name", ["shares", "selected_tokens", "target_tokens", "reached_tokens"])
def test_a_mixture_without_a_kind(release: Path, name: str) -> None:
    mixture = manifest_of(release).mixture
    only_code = {"code": getattr(mixture, name)["code"]}
    forge(release, mixture=msgspec.structs.replace(mixture, **{name: only_code}))
    assert f"manifest.json: mixture.{name}: kinds: expected ['code', 'text'], got ['code']" in findings(release)


@pytest.mark.parametrize(
    ("redactions", "documents", "says"),
    [
        ({"texts": {"email/address": 1}}, {}, "expected the sources of redacted_documents, got others"),
        ({"other": {"email/address": 1}}, {"other": 1}, "expected the sources of redacted_documents, got others"),
        ({"texts": {"email/address": 1}}, {"texts": 2}, "texts: expected a replacement at least in each of 2"),
        ({"texts": {"email/address": 0, "secret/aws": 9}}, {"texts": 2}, "texts: expected a replacement at least"),
    ],
)
def test_redactions_that_cannot_be(release: Path, redactions: object, documents: object, says: str) -> None:
    forge(release, redactions=redactions, redacted_documents=documents)
    assert f"manifest.json: redactions: {says}" in findings(release)


def test_sequences_of_another_kind(release: Path) -> None:
    forge(release, packing=msgspec.structs.replace(manifest_of(release).packing, documents={"prose": 1}))
    assert "manifest.json: packing.documents: kinds" in findings(release)


def test_tokens_reached_that_are_not_the_sum_of_the_classes(release: Path) -> None:
    mixture = manifest_of(release).mixture
    signed(release, mixture=msgspec.structs.replace(mixture, reached_tokens={"code": 7, "text": 3}))
    assert "manifest.json: mixture.reached_tokens: expected" in findings(release)


def test_bytes_of_the_classes_that_are_not_those_kept(release: Path) -> None:
    first, *rest = manifest_of(release).documents
    signed(release, documents=[msgspec.structs.replace(first, num_bytes=first.num_bytes + 1), *rest])
    assert "manifest.json: documents: num_bytes of all: expected" in findings(release)


def test_classes_with_fewer_documents_than_none(release: Path) -> None:
    first, *rest = manifest_of(release).documents
    less = msgspec.structs.replace(first, documents=-2, num_bytes=0, tokens=0, licence="X")
    more = msgspec.structs.replace(first, documents=first.documents + 2)
    signed(release, documents=[more, less, *rest])
    assert "manifest.json: documents: smallest number: expected 0, got -2" in findings(release)


@pytest.mark.parametrize("counts", [{}, {"repository_copies": 0}, {"repository_copies": 0, "unresolved": 0, "x": 0}])
def test_counts_of_duplicates_with_other_names(release: Path, counts: dict[str, int]) -> None:
    forge(release, duplicate_counts=counts)
    assert "manifest.json: duplicate_counts: names: expected ['repository_copies', 'unresolved']" in findings(release)


def test_held_out_documents_that_nobody_set_aside(release: Path) -> None:
    forge(release, held_out=3)
    message = findings(release)
    assert "manifest.json: held_out: 3 documents and 0 taken out; expected the 0 that clean set aside" in message
    assert "manifest.json: held_out: rows of held_out/: expected 3, got 0" in message


@pytest.mark.parametrize("length", [-1, 0, 1, 2**40])
def test_sequences_of_no_possible_length(release: Path, length: int) -> None:
    packing = manifest_of(release).packing
    lengths = [msgspec.structs.replace(packing.lengths[0], sequence_tokens=length)]
    signed(release, packing=msgspec.structs.replace(packing, lengths=lengths))
    message = findings(release)
    assert f"packing.lengths: sequence_tokens: expected one of range(2, 1048577), got {length}" in message


def test_a_release_of_no_length(release: Path) -> None:
    forge(release, packing=msgspec.structs.replace(manifest_of(release).packing, lengths=[]))
    assert "manifest.json: packing.lengths: sequence_tokens: expected [128, 512], got []" in findings(release)


def test_lengths_that_are_not_those_of_the_recipe(release: Path) -> None:
    packing = manifest_of(release).packing
    signed(release, packing=msgspec.structs.replace(packing, lengths=packing.lengths[:1]))
    assert "manifest.json: packing.lengths: sequence_tokens: expected [128, 512], got [128]" in findings(release)


def test_a_mode_that_is_not_the_recipe_s(release: Path) -> None:
    signed(release, packing=msgspec.structs.replace(manifest_of(release).packing, mode="concat"))
    message = findings(release)
    assert "manifest.json: packing.mode: expected best_fit, got concat" in message
    assert f"{SHARDS[0]}: expected the metadata" in message


def test_a_file_listed_twice(release: Path) -> None:
    files = manifest_of(release).files
    forge(release, files=[*files, files[0]])
    assert f"files: entries of {files[0].path}: expected 1, got 2" in findings(release)


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname", "data/../SUMMARY.md"])
def test_a_listed_path_that_no_release_has(release: Path, path: str) -> None:
    (release.parent / "outside.txt").write_text("x")
    manifest = manifest_of(release)
    forge(release, files=[*manifest.files, ReleaseFile(path, 1, "0" * 64)])
    message = findings(release)
    assert f"files: entries of {path}: expected 0, got 1" in message
    assert f"{path}: expected sha256" not in message


def test_a_shard_that_is_left_out_of_a_signed_manifest(release: Path) -> None:
    (release / SHARDS[1]).unlink()
    files = [file for file in manifest_of(release).files if file.path != SHARDS[1]]
    signed(release, files=files)
    assert "entries of data/shard-00000-of-00001.parquet: expected 1, got 0" in findings(release)


def test_a_release_without_its_attribution_signed(release: Path) -> None:
    shutil.rmtree(release / "attribution")
    signed(release, files=[file for file in manifest_of(release).files if file.path not in ATTRIBUTIONS])
    assert f"manifest.json: files: entries of {ATTRIBUTIONS[0]}: expected 1, got 0" in findings(release)


# Rows


def test_a_removed_row(release: Path) -> None:
    rewrite(release, lambda rows: rows.pop())
    assert f"{SHARDS[0]}: expected" in findings(release)


def test_a_removed_row_signed(release: Path) -> None:
    rewrite(release, lambda rows: rows.pop())
    signed(release)
    message = findings(release)
    assert "packing, 128 tokens: best_fit, " in message
    assert f"{POSITIONS[0]}: row " in message


def test_a_removed_row_of_a_cut_document_signed(release: Path) -> None:
    rewrite(release, lambda rows: rows.pop(long_document(rows)[0]))
    signed(release)
    assert f"{SHARDS[0]}: document " in findings(release)


def test_a_repeated_row_signed(release: Path) -> None:
    rewrite(release, lambda rows: rows.append(rows[0]))
    signed(release)
    message = findings(release)
    assert f"{SHARDS[0]}: document " in message
    assert "expected a piece from token" in message


def test_a_document_in_two_shards_signed(release: Path) -> None:
    """A row of the other shard, with its positions, is put behind the last."""
    end = manifest_of(release).tokenizer.end_of_document_id
    places = pq.read_table(release / POSITIONS[1]).to_pylist()
    whole = next(
        row | {"number": number}
        for number, row in enumerate(pq.read_table(release / SHARDS[1]).to_pylist())
        if row["doc_offsets"][0] == 0 and row["seq_lengths"][0] < 128
    )
    length = whole["seq_lengths"][0]
    copy = {
        "input_ids": whole["input_ids"][:length] + [end] * (128 - length),
        "seq_lengths": [length],
        "loss_mask": [1] * length + [0] * (128 - length),
        "doc_ids": whole["doc_ids"][:1],
        "doc_offsets": [0],
        "kind": whole["kind"],
    }
    num_rows = pq.ParquetFile(release / SHARDS[0]).metadata.num_rows
    place = next(place for place in places if (place["row"], place["offset"]) == (whole["number"], 0))
    rewrite(release, lambda rows: rows.append(copy))
    rewrite(release, lambda rows: rows.append(place | {"row": num_rows}), shard=POSITIONS[0])
    signed(release)
    assert f"document {whole['doc_ids'][0]}: expected it in one place, got it in {' and '.join(SHARDS)}" in findings(
        release
    )


@pytest.mark.parametrize("token", [-1, 512, 2**31 - 1, -(2**31)])
def test_a_token_id_that_is_none_signed(release: Path, token: int) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[2]["input_ids"][3] = token

    rewrite(release, change)
    signed(release)
    message = findings(release)
    assert f"{SHARDS[0]}: row 2: expected token ids of 0 to 511, got {token} as token 3" in message


def test_a_control_token_inside_a_document_signed(release: Path) -> None:
    end = manifest_of(release).tokenizer.end_of_document_id

    def change(rows: list[dict[str, Any]]) -> None:
        rows[1]["input_ids"][1] = end

    rewrite(release, change)
    signed(release)
    assert f"{SHARDS[0]}: row 1: control token inside document" in findings(release)


def test_a_control_token_at_the_end_of_a_piece_that_is_not_the_last_signed(release: Path) -> None:
    end = manifest_of(release).tokenizer.end_of_document_id

    def change(rows: list[dict[str, Any]]) -> None:
        rows[long_document(rows)[0]]["input_ids"][-1] = end

    rewrite(release, change)
    signed(release)
    message = findings(release)
    assert f"{SHARDS[0]}: document " in message
    assert "control token inside document" in message


def test_a_document_without_its_end_signed(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if sum(row["seq_lengths"]) < len(row["input_ids"]))
        row["input_ids"][sum(row["seq_lengths"]) - 1] = 65

    rewrite(release, change)
    signed(release)
    assert "expected the end-of-document token as its last" in findings(release)


def test_padding_that_is_none_signed(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if sum(row["seq_lengths"]) < len(row["input_ids"]))
        row["input_ids"][-1] = 65

    rewrite(release, change)
    signed(release)
    assert "padding: expected the end-of-document id" in findings(release)


def test_a_document_of_two_kinds_signed(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        row = rows[long_document(rows)[0]]
        row["kind"] = next(kind for kind in KINDS if kind != row["kind"])

    rewrite(release, change)
    signed(release)
    assert "expected one kind, got two" in findings(release)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("kind", "prose", "row 4: expected a kind of code, text, got prose"),
        ("kind", None, "expected no null, got some in kind"),
        ("input_ids", [1, 2, 3], "row 4: expected 128 input_ids, got 3"),
        ("input_ids", [None] * 128, "expected no null, got some in input_ids"),
        ("seq_lengths", [], "row 4: expected as many doc_ids as seq_lengths"),
        ("seq_lengths", [0], "row 4: expected seq_lengths above 0, got 0"),
        ("seq_lengths", [129], "row 4: expected seq_lengths of at most 128 together, got 129"),
        ("doc_offsets", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "row 4: expected as many doc_offsets as seq_lengths"),
        (
            "doc_ids",
            ["abc"],
            "row 4: expected doc_ids of 32 hex digits and a suffix as in -repository-2 or -rewrite, got 'abc'",
        ),
        (
            "doc_ids",
            ["g" * 32],
            "row 4: expected doc_ids of 32 hex digits and a suffix as in -repository-2 or -rewrite, got 'ggg",
        ),
        ("doc_ids", ["A" * 32], "row 4: expected doc_ids of 32 hex digits and a suffix"),
        ("doc_ids", ["a" * 32 + "-1"], "row 4: expected doc_ids of 32 hex digits and a suffix"),
        ("doc_ids", ["a" * 32 + "-repo"], "row 4: expected doc_ids of 32 hex digits and a suffix"),
        ("loss_mask", [1] * 128, "row 4: expected a loss_mask for padding and null without, got"),
        ("doc_offsets", [-128], "expected a piece from token"),
    ],
)
def test_a_row_that_does_not_fit_together_signed(release: Path, column: str, value: object, expected: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        one = next(number for number, row in enumerate(rows) if number > 4 and row["seq_lengths"] == [128])
        rows[4], rows[one] = rows[one], rows[4]
        rows[4][column] = value

    rewrite(release, change)
    signed(release)
    message = findings(release)
    assert f"{SHARDS[0]}: " in message
    assert expected in message


def test_a_row_without_a_document_signed(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[4] |= {"seq_lengths": [], "doc_ids": [], "doc_offsets": []}

    rewrite(release, change)
    signed(release)
    assert f"{SHARDS[0]}: row 4: expected at least one piece, got 0" in findings(release)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (None, "expected a loss_mask for padding and null without, got"),
        ([1], "expected a loss_mask for every token, got 1"),
        ([1] * 128, "expected loss_mask 0 for padding and 1 else, got 1"),
        ([0] * 128, "expected loss_mask 0 for padding and 1 else, got 0"),
        ([None] * 128, "expected no null, got some in loss_mask"),
    ],
)
def test_a_loss_mask_that_is_not_that_of_the_padding_signed(release: Path, mask: object, expected: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        next(row for row in rows if sum(row["seq_lengths"]) < len(row["input_ids"]))["loss_mask"] = mask

    rewrite(release, change)
    signed(release)
    assert expected in findings(release)


def test_a_row_group_that_would_fill_the_memory_is_not_read(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.verify_rows.MAXIMUM_ROW_GROUP_BYTES", 10 * 4 * 128)
    assert f"{SHARDS[0]}: row group 0: expected at most 1280 values" in findings(release)


def test_other_columns_signed(release: Path) -> None:
    table = pq.read_table(release / SHARDS[0])
    pq.write_table(table.set_column(5, "kinds", table.column("kind")), release / SHARDS[0])
    signed(release)
    assert f"{SHARDS[0]}: expected the columns input_ids list" in findings(release)


def test_wider_token_ids_signed(release: Path) -> None:
    table = pq.read_table(release / SHARDS[0])
    wide = table.column("input_ids").cast(pa.list_(pa.int64()))
    pq.write_table(table.set_column(0, "input_ids", wide), release / SHARDS[0])
    signed(release)
    assert "input_ids list<element: int64>" in findings(release)


@pytest.mark.parametrize("key", ["corpusmill.release", "corpusmill.packing_mode", "corpusmill.tokenizer_sha256"])
def test_false_metadata_signed(release: Path, key: str) -> None:
    table = pq.read_table(release / SHARDS[0])
    metadata = table.schema.metadata | {key.encode(): b"other"}
    pq.write_table(table.replace_schema_metadata(metadata), release / SHARDS[0])
    signed(release)
    message = findings(release)
    assert f"{SHARDS[0]}: expected the metadata" in message
    assert key in message


def test_a_shard_that_is_no_parquet_signed(release: Path) -> None:
    manifest = manifest_of(release)
    data = b"PAR1" + bytes(100)
    (release / SHARDS[0]).write_bytes(data)
    forged = ReleaseFile(SHARDS[0], len(data), sha256(data).hexdigest(), 1)
    files = [forged if file.path == SHARDS[0] else file for file in manifest.files]
    forge(release, files=files)
    assert f"{SHARDS[0]}: expected a Parquet file" in findings(release)


def test_rows_listed_falsely_signed(release: Path) -> None:
    manifest = manifest_of(release)
    files = [
        msgspec.structs.replace(file, rows=file.rows + 1) if file.rows is not None else file for file in manifest.files
    ]
    forge(release, files=files)
    rows = pq.ParquetFile(release / SHARDS[1]).metadata.num_rows
    assert f"{SHARDS[1]}: expected {rows + 1} rows, got {rows}" in findings(release)


# Reports


def test_all_that_is_false_is_named_at_once(release: Path) -> None:
    (release / "SUMMARY.md").write_text("x")
    (release / "notes.txt").write_text("x")
    rewrite(release, lambda rows: rows.pop())
    message = findings(release)
    assert "got 3 findings" in message
    assert all(path in message for path in ("SUMMARY.md", "notes.txt", SHARDS[0]))


def test_findings_end_at_twenty(release: Path) -> None:
    for number in range(30):
        (release / f"extra-{number:02d}").write_text("x")
    message = findings(release)
    assert "got 20 findings and looked no further" in message
    assert "extra-19" in message
    assert "extra-20" not in message


@pytest.mark.parametrize("seed", range(6))
def test_any_flipped_bit_of_a_release_is_found(release: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    paths = sorted(path for path in release.rglob("*") if path.is_file())
    path = paths[random.integers(len(paths))]
    data = bytearray(path.read_bytes())
    data[random.integers(len(data))] ^= 1 << random.integers(8)
    path.write_bytes(data)
    findings(release)


# Attribution


def attribute(release: Path, change: Callable[[list[dict[str, Any]]], object]) -> str:
    """What `verify` finds in a release whose first attribution was changed and then signed."""
    rewrite(release, change, shard=ATTRIBUTIONS[0])
    signed(release)
    return findings(release)


def test_attribution_written_anew_and_signed_is_sound(release: Path) -> None:
    rewrite(release, lambda _rows: None, shard=ATTRIBUTIONS[0])
    signed(release)
    verify_release(str(release))


def test_a_document_without_attribution_signed(release: Path) -> None:
    gone: list[dict[str, Any]] = []
    message = attribute(release, lambda rows: gone.append(rows.pop(3)))
    assert f"{ATTRIBUTIONS[0]}: document {gone[0]['doc_id']}: expected a row for it, got none" in message
    assert "in attribution/" in message


def test_attribution_of_a_document_that_is_not_there_signed(release: Path) -> None:
    message = attribute(release, lambda rows: rows.append(rows[0] | {"doc_id": "f" * 32}))
    assert f"{ATTRIBUTIONS[0]}: document {'f' * 32}: expected no row" in message


def test_attribution_given_twice_signed(release: Path) -> None:
    message = attribute(release, lambda rows: rows.insert(0, rows[0]))
    assert f"{ATTRIBUTIONS[0]}: row group 0: expected rows sorted by doc_id, each once" in message
    assert "expected one row, got more" in message


def test_attribution_out_of_order_signed(release: Path) -> None:
    message = attribute(release, lambda rows: rows.reverse())
    assert "got 1 finding" in message
    assert f"{ATTRIBUTIONS[0]}: row group 0: expected rows sorted by doc_id, each once" in message


def test_swapped_attributions_signed(release: Path) -> None:
    first, second = (release / path for path in ATTRIBUTIONS)
    first.rename(release / "aside")
    second.rename(first)
    (release / "aside").rename(second)
    signed(release)
    message = findings(release)
    assert all(f"{path}: document " in message for path in ATTRIBUTIONS)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("licence", "", "expected a licence, got ''"),
        ("swhid", "swh:1:cnt:abc", "expected a SWHID of a content or none, got 'swh:1:cnt:abc'"),
        ("swhid", "swh:1:dir:" + "0" * 40, "expected a SWHID of a content or none"),
        ("swhid", "swh:1:cnt:" + "0" * 40 + "\n", "expected a SWHID of a content or none"),
        ("kind", "prose", "expected code or text, got 'prose'"),
        ("doc_id", "abc", "expected doc_ids of 32 hex digits, got abc"),
        ("doc_id", "g" * 32, "expected doc_ids of lower-case hex digits"),
        ("path", None, "row group 0: expected no null, got some in path"),
        ("evidence", [None], "row group 0: expected no null, got some in evidence"),
        ("copyright", [None], "row group 0: expected no null, got some in copyright"),
        ("evidence", [FALSE_EVIDENCE | {"where": None}], "row group 0: expected no null, got some in evidence"),
        ("evidence", [FALSE_EVIDENCE], f"evidence '{'0' * 16}': expected {Evidence('header', 'MIT', 'line 1').id} as"),
    ],
)
def test_attribution_that_says_what_cannot_be_signed(release: Path, column: str, value: object, expected: str) -> None:
    message = attribute(release, lambda rows: rows[2].update({column: value}))
    assert f"{ATTRIBUTIONS[0]}: " in message
    assert expected in message


@pytest.mark.parametrize(("column", "value"), [("licence", "ISC"), ("subset", "other"), ("source", "texts")])
def test_attribution_of_another_class_signed(release: Path, column: str, value: str) -> None:
    message = attribute(
        release, lambda rows: next(row for row in rows if row["source"] == "files").update({column: value})
    )
    assert "manifest.json: documents of code, files, (none), MIT: expected" in message


@pytest.mark.parametrize(("column", "value"), [("repository", ""), ("swhid", ""), ("copyright", ["Copyright Nobody"])])
def test_what_is_not_known_miscounted_signed(release: Path, column: str, value: object) -> None:
    message = attribute(
        release, lambda rows: next(row for row in rows if row["source"] == "files").update({column: value})
    )
    assert "manifest.json: not_known: expected" in message


def test_attribution_of_another_release_signed(release: Path) -> None:
    table = pq.read_table(release / ATTRIBUTIONS[0])
    pq.write_table(table.replace_schema_metadata({b"corpusmill.release": b"other"}), release / ATTRIBUTIONS[0])
    signed(release)
    assert f"{ATTRIBUTIONS[0]}: expected the metadata" in findings(release)


def test_attribution_of_other_columns_signed(release: Path) -> None:
    table = pq.read_table(release / ATTRIBUTIONS[0])
    pq.write_table(table.drop_columns(["copyright"]), release / ATTRIBUTIONS[0])
    signed(release)
    assert f"{ATTRIBUTIONS[0]}: expected the columns doc_id string" in findings(release)


def test_attribution_that_is_no_parquet_signed(release: Path) -> None:
    (release / ATTRIBUTIONS[0]).write_bytes(b"PAR1" * 9)
    manifest = manifest_of(release)
    files = [
        ReleaseFile(file.path, 36, sha256(b"PAR1" * 9).hexdigest(), 1) if file.path == ATTRIBUTIONS[0] else file
        for file in manifest.files
    ]
    forge(release, files=files)
    assert f"{ATTRIBUTIONS[0]}: expected a Parquet file" in findings(release)


def test_attribution_that_would_fill_the_memory_is_not_read(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.verify_documents.MAXIMUM_ROW_GROUP_ROWS", 10)
    assert f"{ATTRIBUTIONS[0]}: row group 0: expected at most 10 rows" in findings(release)


@pytest.mark.parametrize("words", [{}, {"MIT": "copyleft"}, {"MIT": "permissive", "ISC": "permissive"}])
def test_false_licence_words_signed(release: Path, words: dict[str, str]) -> None:
    signed(release, licence_words=words)
    assert "manifest.json: licence_words" in findings(release)


def test_licence_words_of_other_library_versions_are_theirs(release: Path) -> None:
    signed(
        release, licence_words={"MIT": "other"}, software=manifest_of(release).software | {"license-expression": "1"}
    )
    verify_release(str(release))


def test_false_numbers_of_what_is_not_known_signed(release: Path) -> None:
    unknown = manifest_of(release).not_known
    unknown["swhid"]["code"] += 1
    signed(release, not_known=unknown)
    assert "manifest.json: not_known: expected" in findings(release)


@pytest.mark.parametrize("unknown", [{}, {"licence": {}}])
def test_a_manifest_that_does_not_say_what_is_not_known(release: Path, unknown: dict[str, dict[str, int]]) -> None:
    forge(release, not_known=unknown)
    assert "manifest.json: not_known: expected" in findings(release)


# Texts


def retell(release: Path, change: Callable[[list[dict[str, Any]]], object]) -> str:
    """What `verify` finds in a release whose first file of texts was changed and then signed."""
    rewrite(release, change, shard=TEXTS[0])
    signed(release)
    return findings(release)


def without_texts(release: Path, files: list[ReleaseFile]) -> list[ReleaseFile]:
    for path in TEXTS:
        (release / path).unlink()
    return [file for file in files if file.path not in TEXTS]


def test_texts_written_anew_and_signed_are_sound(release: Path) -> None:
    rewrite(release, lambda _rows: None, shard=TEXTS[0])
    signed(release)
    verify_release(str(release))


def test_a_document_without_a_text_signed(release: Path) -> None:
    gone: list[dict[str, Any]] = []
    message = retell(release, lambda rows: gone.append(rows.pop(3)))
    assert f"{TEXTS[0]}: document {gone[0]['doc_id']}: expected a row for it, got none" in message
    assert "in texts/" in message


def test_a_text_with_another_id_signed(release: Path) -> None:
    message = retell(release, lambda rows: rows[-1].update({"doc_id": "f" * 32}))
    assert f"{TEXTS[0]}: document {'f' * 32}: expected no row" in message
    assert "expected a row for it, got none" in message


def test_swapped_texts_signed(release: Path) -> None:
    first, second = (release / path for path in TEXTS)
    first.rename(release / "aside")
    second.rename(first)
    (release / "aside").rename(second)
    signed(release)
    message = findings(release)
    assert all(f"{path}: document " in message for path in TEXTS)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("text", "short", "manifest.json: bytes of code, files, (none), Python, MIT: expected"),
        ("language", "C", "manifest.json: documents of code, files, (none), C, MIT: expected 0, got 1 in texts/"),
        ("licence", "", "expected a licence, got ''"),
        ("kind", "prose", "expected code or text, got 'prose'"),
        ("text", None, "row group 0: expected no null, got some in text"),
    ],
)
def test_texts_that_cannot_be_signed(release: Path, column: str, value: object, expected: str) -> None:
    message = retell(
        release, lambda rows: next(row for row in rows if row["source"] == "files").update({column: value})
    )
    assert expected in message


def test_texts_of_another_release_signed(release: Path) -> None:
    table = pq.read_table(release / TEXTS[0])
    pq.write_table(table.replace_schema_metadata({b"corpusmill.release": b"other"}), release / TEXTS[0])
    signed(release)
    assert f"{TEXTS[0]}: expected the metadata" in findings(release)


def test_texts_that_the_recipe_asks_for_and_nobody_lists(release: Path) -> None:
    forge(release, files=without_texts(release, manifest_of(release).files))
    message = findings(release)
    assert all(f"manifest.json: files: entries of {path}: expected 1, got 0" in message for path in TEXTS)


def test_texts_that_the_recipe_does_not_ask_for(release: Path) -> None:
    signed(release, recipe=manifest_of(release).recipe | {"release": {"texts": None}})
    message = findings(release)
    assert all(f"manifest.json: files: entries of {path}: expected 0, got 1" in message for path in TEXTS)


@pytest.mark.parametrize("said", [{"texts": None}, {}, None, "texts", ["texts"]])
def test_a_release_without_texts_is_sound_where_its_recipe_says_so(release: Path, said: object) -> None:
    manifest = manifest_of(release)
    signed(release, files=without_texts(release, manifest.files), recipe=manifest.recipe | {"release": said})
    verify_release(str(release))


# Text that is none


def spoiled(array: pa.Array) -> pa.Array:
    """The array with bytes that are no UTF-8 in place of its first text."""
    if pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(array.offsets, spoiled(array.values), type=array.type)
    if pa.types.is_struct(array.type):
        first, *others = (array.field(number) for number in range(array.type.num_fields))
        return pa.StructArray.from_arrays([spoiled(first), *others], fields=list(array.type))
    first, *others = array.cast(pa.binary()).to_pylist()
    return pa.array([b"\xff" * (len(first) or 1), *others], pa.binary()).view(array.type)


@pytest.mark.parametrize(
    ("path", "column"),
    [
        *(
            (ATTRIBUTIONS[0], name)
            for name in ("doc_id", "kind", "source", "repository", "path", "licence", "evidence")
        ),
        *((SHARDS[0], name) for name in ("doc_ids", "kind")),
        *((TEXTS[0], name) for name in ("text", "language")),
    ],
)
def test_text_that_is_not_utf_8_signed(release: Path, path: str, column: str) -> None:
    table = pq.read_table(release / path)
    place = table.schema.get_field_index(column)
    column_spoiled = spoiled(table.column(column).combine_chunks())
    pq.write_table(table.set_column(place, table.schema.field(column), column_spoiled), release / path)
    signed(release)
    message = findings(release)
    assert f"{path}: row group 0: expected sound values in {column}: " in message
    assert "Invalid UTF8" in message


# What the publisher says beside the manifest


def test_the_digest_that_the_publisher_gave(small_release: Path) -> None:
    digest = manifest_of(small_release).digest
    assert f"digest {digest}: the one that was given" in str(verify_release(str(small_release), digest=digest))
    assert "compare it with the publisher's" in str(verify_release(str(small_release)))


def test_a_sound_release_of_another_digest_than_the_publisher_gave(release: Path) -> None:
    manifest = manifest_of(release)
    digest = manifest.digest
    signed(release, software=manifest.software | {"numpy": "0"})
    with pytest.raises(IntegrityError, match=f"manifest.json: expected the digest that the publisher gave, {digest}"):
        verify_release(str(release), digest=digest)


def test_a_withdrawn_release_is_what_its_manifest_says(release: Path) -> None:
    done = withdraw(Storage(str(release)), date="2026-01-31", reason="wrong licence")
    report = verify_release(str(release))
    assert report.withdrawn == done
    assert str(report).endswith("\nWITHDRAWN: do not use it: withdrawn on 2026-01-31: wrong licence")


@pytest.mark.parametrize("data", [b"{}", b'{"digest": "0", "date": "2026-01-31", "reason": "of another"}'])
def test_a_withdrawal_that_is_none_of_this_release(release: Path, data: bytes) -> None:
    (release / "WITHDRAWN.json").write_bytes(data)
    assert "\n  WITHDRAWN.json: " in findings(release)
