"""What is done, what is made again, and what a unit that fails leaves behind."""

import json
import os
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from tokenizers import Tokenizer

from manifests.errors import IntegrityError, RecipeError, UnitError
from manifests.ledger import Ledger
from manifests.record import Record, read_record, record_name
from manifests.release import Manifest
from pipeline.pass_9_release import release_folder
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.steps import Step, UnitContext
from pipeline.units import Mill, fail_unit, run_unit, step_named, unit_inputs, units_to_run

Run = Callable[..., None]
Files = dict[str, bytes]
ReleaseFiles = Callable[[Path], Files]


def mill_of(recipe: Path, *overrides: str) -> Mill:
    return open_mill(load_recipe(recipe, overrides))


def done(mill: Mill, step: str, unit: int = 0) -> Record:
    record = mill.records(step_named(step))[unit]
    assert record is not None
    return record


def output_path(mill: Mill, step: str, table: str) -> Path:
    """A file that holds rows of a table."""
    outputs = [record.outputs[table] for record in mill.records(step_named(step)) if record]
    return Path(mill.work.path(max(outputs, key=lambda output: output.num_bytes).file))


def todo(mill: Mill) -> dict[str, int]:
    """Steps with units to run, after the records were read anew."""
    steps = [step for step in steps_of(mill.recipe) if not step.always]
    return {step.name: len(units) for step in steps if (units := units_to_run(mill, step))}


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def shard(recipe: Path, number: int = 0) -> Path:
    return recipe.parent / f"stack/part-{number:05d}.jsonl.zst"


def rewrite(path: Path, old: str, new: str) -> None:
    text = zstandard.decompress(path.read_bytes()).decode()
    assert old in text
    path.write_bytes(zstandard.compress(text.replace(old, new).encode()))


def add_row(path: Path, text: str) -> None:
    row = {"content": text, "path": "added.py", "repo_name": "new/project", "detected_licenses": ["MIT"]}
    path.write_bytes(zstandard.compress(zstandard.decompress(path.read_bytes()) + json.dumps(row).encode() + b"\n"))


def record_times(recipe: Path) -> dict[str, int]:
    folder = recipe.parent / "work"
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.glob("*/records/*")}


def without_release(recipe: Path) -> Path:
    """The recipe of a finished run whose release was taken away."""
    folder = Path(release_folder(load_recipe(recipe)).root)
    folder.rename(folder.with_name("away"))
    return recipe


def test_nothing_is_left_to_do_after_a_run(finished_recipe: Path) -> None:
    assert todo(mill_of(finished_recipe)) == {}


class Watched(list[Record | None]):
    """Records that remember which of them were looked at."""

    def __init__(self, records: list[Record | None]) -> None:
        super().__init__(records)
        self.seen: set[int] = set()

    def __iter__(self) -> Iterator[Record | None]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Record | None:  # type: ignore[override]
        self.seen.add(number)
        return super().__getitem__(number)


def test_a_unit_looks_at_no_other_record_for_what_it_reads_of_its_own_number(
    finished_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100,000 units, a look at all records for each of them takes a day."""
    mill, clean = mill_of(finished_recipe), step_named("clean")
    expected = unit_inputs(mill, clean, 1)
    records = {name: Watched(mill.records(step_named(name))) for name in ("ingest", "judge", "resolve")}
    monkeypatch.setattr(Mill, "records", lambda _mill, step: records[step.name])
    assert unit_inputs(mill, clean, 1) == expected
    assert {name: records[name].seen for name in ("ingest", "judge")} == {"ingest": {1}, "judge": {1}}


def test_a_record_is_valid_wherever_the_folder_lies(finished_recipe: Path) -> None:
    moved = finished_recipe.parent.rename(finished_recipe.parent.with_name("moved"))
    assert todo(mill_of(moved / "recipe.yaml")) == {}


@pytest.mark.parametrize("damage", ["removed", "cut"])
@pytest.mark.parametrize(
    ("step", "table"),
    [
        ("ingest", "rows"),
        ("ingest", "sketches"),
        ("judge", "contents"),
        ("group", "bands"),
        ("pair", "pairs"),
        ("clean", "texts"),
        ("settle", "trim"),
    ],
)
def test_an_output_that_is_not_whole_is_made_again(
    step: str, table: str, damage: str, *, finished_recipe: Path, run_alone: Run, expected_release: Files
) -> None:
    mill = mill_of(finished_recipe)
    path = output_path(mill, step, table)
    whole = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    assert todo(mill) == {step: 1}
    run_alone(finished_recipe)
    assert path.read_bytes() == whole
    assert todo(mill) == {}


@pytest.mark.parametrize("damage", ["removed", "edited", "half"])
def test_a_record_that_is_not_whole_is_made_again(
    damage: str, finished_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    mill = mill_of(finished_recipe)
    path = Path(mill.work.path(record_name("judge", 1)))
    text = path.read_text()
    path.unlink()
    if damage != "removed":
        path.write_text(text.replace('"kept":[', '"kept":[1') if damage == "edited" else text[: len(text) // 2])
    assert units_to_run(mill, step_named("judge")) == [1]
    without_release(finished_recipe)
    run_alone(finished_recipe)
    assert release_files(finished_recipe) == expected_release


@pytest.mark.parametrize(
    ("step", "table", "reader"),
    [
        ("ingest", "rows", "judge"),
        ("judge", "contents", "group"),
        ("group", "bands", "pair"),
        ("verify", "verify_fates", "resolve"),
        ("clean", "texts", "tokenize"),
        ("tokenize", "packed", "pack"),
        ("pack", "shard", "release"),
    ],
)
def test_a_flipped_byte_is_an_error_that_names_the_file(
    step: str, table: str, reader: str, *, finished_recipe: Path, run_recipe: Run, release_files: ReleaseFiles,
    expected_release: Files,
) -> None:  # fmt: skip
    mill = mill_of(without_release(finished_recipe))
    path = output_path(mill, step, table)
    flip_byte(path)
    for unit in range(step_named(reader).num_units(mill.plan)):
        mill.work.delete(record_name(reader, unit))
    with pytest.raises(IntegrityError, match=rf"units of {reader} failed:\n(.*\n)*?.*{path.name}") as raised:
        run_recipe(finished_recipe)
    assert raised.value.exit_code == 3
    path.unlink()  # as the hint says
    run_recipe(finished_recipe)
    assert release_files(finished_recipe) == expected_release


def test_only_what_depends_on_a_replaced_shard_is_made_again(
    finished_recipe: Path, run_alone: Run, tiny_recipe: Path, release_files: ReleaseFiles
) -> None:
    without_release(finished_recipe)
    [number] = [
        number for number in range(6) if b"{broken" in zstandard.decompress(shard(tiny_recipe, number).read_bytes())
    ]
    for recipe in (finished_recipe, tiny_recipe):
        rewrite(shard(recipe, number), "{broken", "{broken again")
    written = record_times(finished_recipe)
    run_alone(finished_recipe)
    again = {name for name, time in record_times(finished_recipe).items() if time != written[name]}
    # The row is bad before and after: only what reads the shard itself, and the release, which lists it, can differ.
    plan = mill_of(tiny_recipe).plan
    name = shard(tiny_recipe, number).name
    [unit] = [unit for unit, shards in enumerate(plan.units) if any(item.name.endswith(name) for item in shards)]
    assert f"ingest/records/{unit:06d}.json" in again
    assert again <= {f"{step}/records/{unit:06d}.json" for step in ("ingest", "shingle", "clean")} | {
        "release/records/000000.json"
    }
    run_alone(tiny_recipe)
    assert release_files(finished_recipe) == release_files(tiny_recipe)


def test_a_run_after_a_shard_was_replaced_equals_a_fresh_run(
    finished_recipe: Path, run_alone: Run, tiny_recipe: Path, release_files: ReleaseFiles, expected_release: Files
) -> None:
    without_release(finished_recipe)
    for recipe in (finished_recipe, tiny_recipe):
        add_row(shard(recipe), "one more file with some words of its own, not seen anywhere else\n")
    run_alone(finished_recipe)
    run_alone(tiny_recipe)
    assert release_files(finished_recipe) == release_files(tiny_recipe) != expected_release


def test_a_shard_replaced_by_one_of_equal_size_and_date_is_noticed(finished_recipe: Path) -> None:
    assert todo(mill_of(finished_recipe)) == {}  # and the shards of this folder are known now
    path = shard(finished_recipe)
    status = path.stat()
    flip_byte(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert todo(mill_of(finished_recipe))["ingest"] == 1


def test_a_release_is_never_replaced_by_one_of_other_inputs(finished_recipe: Path, run_recipe: Run) -> None:
    add_row(shard(finished_recipe), "one more file")
    with pytest.raises(RecipeError, match="exists and was made from another recipe, other inputs"):
        run_recipe(finished_recipe)


@pytest.mark.parametrize("step", ["ingest", "clean"])
def test_a_shard_replaced_after_the_plan_is_an_error_that_names_it(
    step: str, tiny_recipe: Path, run_alone: Run
) -> None:
    mill = mill_of(tiny_recipe)
    run_alone(mill, before=step)
    add_row(shard(tiny_recipe), "one more file")
    record = run_unit(mill, step_named(step), 2, lambda _num_bytes: None)
    assert record.failure is not None
    assert record.failure.error == "IntegrityError"
    assert "stack/part-00000.jsonl.zst: the file changed since the run was planned" in record.failure.message


def test_a_changed_shard_is_never_left_out_as_a_failed_unit(tiny_recipe: Path, run_recipe: Run) -> None:
    mill = mill_of(tiny_recipe, "failed_units=leave_out")
    add_row(shard(tiny_recipe), "one more file")
    with pytest.raises(IntegrityError, match="the file changed since the run was planned"):
        run_recipe(mill)


def cut(path: Path) -> None:
    """Leave a frame whose first block is whole and whose second is not there."""
    data = zstandard.decompress(path.read_bytes())
    compressor = zstandard.ZstdCompressor().compressobj()
    whole = compressor.compress(data) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    path.write_bytes(whole)


def test_a_cut_shard_fails_its_unit_by_name_and_what_it_held_is_accounted_for(
    tiny_recipe: Path, run_recipe: Run
) -> None:
    cut(shard(tiny_recipe, 3))
    with pytest.raises(UnitError, match=r"1 of 5 units of ingest failed:\n  unit 3: stack/part-00003.jsonl.zst: ") as e:
        run_recipe(tiny_recipe)
    assert (e.value.exit_code, "leave_out" in e.value.hint) == (1, True)
    record = done(mill_of(tiny_recipe), "ingest", 3)
    assert record.ledger is not None
    ledger = Ledger.from_json(record.ledger)
    rejected = sum(tally.documents for tally in ledger.rejected.values())
    assert ledger.read.documents == ledger.failed.documents + rejected > 0
    assert (ledger.kept.documents, record.outputs) == (0, {})


def test_failed_units_can_be_left_out_and_the_release_names_them(tiny_recipe: Path, run_alone: Run) -> None:
    cut(shard(tiny_recipe, 3))
    mill = mill_of(tiny_recipe, "failed_units=leave_out")
    run_alone(mill)
    manifest = Manifest.read(release_folder(mill.recipe))
    manifest.check_accounts()
    (failed,) = manifest.failed_units
    assert "stack/part-00003.jsonl.zst" in failed
    assert manifest.ledgers["ingest"]["failed"][0] > 0


def test_a_left_out_unit_is_tried_again_by_the_next_run(tiny_recipe: Path, run_alone: Run) -> None:
    whole = shard(tiny_recipe, 3).read_bytes()
    cut(shard(tiny_recipe, 3))
    mill = mill_of(tiny_recipe, "failed_units=leave_out")
    run_alone(mill, before="judge")
    assert units_to_run(mill, step_named("ingest")) == [3]
    shard(tiny_recipe, 3).write_bytes(whole)
    mill = mill_of(tiny_recipe, "failed_units=leave_out")
    run_alone(mill, before="judge")
    assert units_to_run(mill, step_named("ingest")) == []


def test_a_unit_that_raises_anything_becomes_a_failed_record(finished_recipe: Path) -> None:
    def run(context: UnitContext) -> None:
        context.ledger = Ledger()
        context.ledger.keep(7)
        with context.whole_file("half", ".txt") as file:
            file.write(b"half")
        raise ZeroDivisionError("by accident")

    mill = mill_of(finished_recipe)
    step = Step("defect", 1, "ingest", "one", (), lambda _recipe, _plan: None, run)
    run_unit(mill, step, 0, lambda _num_bytes: None)
    record = read_record(mill.work, "defect", 0)
    assert record.failure is not None
    assert record.failure.error == "ZeroDivisionError"
    assert record.failure.message.startswith("ZeroDivisionError at test_units.py:")
    assert "defect of corpusmill" in record.failure.hint
    assert record.outputs == {}
    assert record.ledger == {"read": [1, 7], "kept": [0, 0], "rejected": {}, "failed": [1, 7]}
    assert not any(mill.work.list("tmp"))


def test_what_a_defect_quotes_is_not_kept(finished_recipe: Path) -> None:
    def run(context: UnitContext) -> None:
        context.ledger = Ledger()
        raise ValueError("cannot read the words of a document")

    mill = mill_of(finished_recipe)
    run_unit(
        mill, Step("quoting", 1, "ingest", "one", (), lambda _recipe, _plan: None, run), 0, lambda _num_bytes: None
    )
    failure = read_record(mill.work, "quoting", 0).failure
    assert failure is not None
    assert failure.message.startswith("ValueError at test_units.py:")
    assert "words" not in failure.message


def test_a_failed_unit_is_to_be_run_again(finished_recipe: Path) -> None:
    mill = mill_of(finished_recipe)
    fail_unit(mill, step_named("pair"), 1, UnitError("broken on purpose", hint="none"))
    assert units_to_run(mill, step_named("pair")) == [1]


@pytest.mark.parametrize(
    ("setting", "first"),
    [
        ("filters.profiles.plain.num_lines={minimum: 1}", "ingest"),
        ("filters.profiles.plain.num_words.languages={C: {}}", "ingest"),
        ("filters.assign.Github=[]", "ingest"),
        ("text_forms.notebooks=drop", "ingest"),
        ("filters.profiles.plain.num_words.minimum=9", "judge"),
        ("languages.natural.allow=[en]", "judge"),
        ("licences.allow=[MIT, LicenseRef-tiny]", "judge"),
        ("deduplication.keep=[length]", "judge"),
        ("held_out={fraction: 0.1}", "judge"),
        ("deduplication.near.seed=2", "ingest"),
        ("deduplication.near.minimum_similarity=0.9", "sift"),
        ("licences.copies=strict", "group"),
        ("redaction.sensitivity.email=off", "clean"),
        ("mixture.tokens=5000", "mix"),
        ("mixture.domains={Python: {weight: 0.4}}", "mix"),
        ("tokenizer.beginning_of_document=<|repo_name|>", "tokenize"),
        ("rendering.fim.rate=0.1", "tokenize"),
        ("rendering.repository.share=0.1", "tokenize"),
        ("packing.sequence_tokens=64", "pack"),
        ("packing.mode=concat", "pack"),
        ("release.texts=off", "pack"),
    ],
)
def test_a_changed_setting_makes_nothing_again_before_its_step(setting: str, first: str, finished_recipe: Path) -> None:
    assert next(iter(todo(mill_of(finished_recipe, setting)))) == first


def test_star_counts_as_pandas_writes_them_lose_no_licence(tiny_recipe: Path, run_alone: Run) -> None:
    rewrite(shard(tiny_recipe), '"star_events_count": 1}', '"star_events_count": 1.0}')
    rewrite(shard(tiny_recipe, 1), '"star_events_count": 1}', '"star_events_count": 99999999999999999999}')
    mill = mill_of(tiny_recipe)
    run_alone(mill, before="group")
    ledgers = [record.ledger for record in mill.records(step_named("judge")) if record and record.ledger]
    rejected = Ledger.total(Ledger.from_json(ledger) for ledger in ledgers).rejected
    assert rejected["licence/no_licence_found"].documents == 1


def test_control_tokens_written_in_texts_stay_text(expected_release: Files, finished_recipe: Path) -> None:
    tokenizer = Tokenizer.from_file(str(finished_recipe.parent / "tokenizer.json"))
    end = tokenizer.token_to_id("<|endoftext|>")
    first_control = min(tokenizer.get_added_tokens_decoder())
    ends, documents, text = 0, set(), ""
    for name, data in expected_release.items():
        if not name.startswith("data/"):
            continue
        for row in pq.read_table(BytesIO(data)).to_pylist():
            tokens = row["input_ids"][: sum(row["seq_lengths"])]
            ends += tokens.count(end)
            documents |= set(row["doc_ids"])
            text += tokenizer.decode([token for token in tokens if token < first_control], skip_special_tokens=False)
    assert ends == len(documents) > 50
    assert "<|endoftext|>" in text
