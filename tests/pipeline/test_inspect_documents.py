"""`explain` and `show` on runs of the real mill."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from manifests.decision import decisions_of
from manifests.document import Document, Rejected
from manifests.errors import RecipeError, SourceError
from pipeline.inspect_documents import print_life
from pipeline.inspect_run import is_released
from pipeline.inspect_samples import print_samples
from pipeline.passes import STEPS
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, reopen_mill, run_mill
from pipeline.shards import shard_rows
from pipeline.tables import tables
from pipeline.units import Mill
from stages.exchange import Block, read_segments
from stages.shingles import content_hash

Shown = Callable[..., str]
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def mill(_tiny_finished: Path) -> Mill:
    """The mill of a finished run, which is only looked at."""
    return reopen_mill(str(_tiny_finished / "work"))


@pytest.fixture
def life(capsys: pytest.CaptureFixture[str]) -> Shown:
    def shown(mill: Mill, identifier: str) -> str:
        print_life(mill, identifier)
        return capsys.readouterr().out

    return shown


@pytest.fixture
def samples(capsys: pytest.CaptureFixture[str]) -> Shown:
    def shown(mill: Mill, *, stage: str | None = None, reason: str | None = None, number: int = 20) -> str:
        print_samples(mill, stage=stage, reason=reason, number=number)
        return capsys.readouterr().out

    return shown


def decisions(mill: Mill) -> Iterator[Rejected]:
    for step in STEPS:
        for number, record in enumerate(mill.records(step)):
            if record is not None and "decisions" in record.outputs:
                output = record.outputs["decisions"]
                segments = tuple(segment for block in output.blocks for segment in block)
                for table in read_segments(mill.work, [Block(number, output.file, segments)], lambda _bytes: None):
                    yield from decisions_of(table)


def released(mill: Mill) -> set[str]:
    folder = Path(mill.recipe.release.path)
    names = [pq.read_table(path, columns=["doc_ids"]).column(0) for path in folder.rglob("data/*.parquet")]
    return {name for column in names for row in column.to_pylist() for name in row}


# explain


def test_every_decision_of_a_run_is_explained(mill: Mill, life: Shown) -> None:
    found = list(decisions(mill))
    assert {item.stage for item in found} >= {"read", "licence", "filter", "deduplicate"}
    for item in found:
        text = life(mill, item.id or f"{item.shard}:{item.row}")
        assert item.reason in text
        assert item.stage in text
        assert item.twin in text


def test_every_document_of_the_release_says_so(mill: Mill, life: Shown) -> None:
    documents = released(mill)
    assert len(documents) > 50
    for identifier in sorted(documents)[::4]:
        text = life(mill, identifier)
        assert "release: the document is in it, data/shard-0000" in text
        assert "copy 0: row " in text
        assert "clean: kept with " in text


def test_a_rejected_document_is_not_said_to_be_released(mill: Mill, life: Shown) -> None:
    out = {item.id for item in decisions(mill) if item.id} - released(mill)
    assert [identifier for identifier in out if "release: the document" in life(mill, identifier)] == []


def test_a_life_begins_where_the_document_was_read(mill: Mill, life: Shown) -> None:
    item = next(item for item in decisions(mill) if item.stage == "filter")
    lines = life(mill, item.id).splitlines()
    assert lines[0] == f"document {item.id}"
    assert lines[1].startswith(f"read: {item.shard}:{item.row}, code Python team/project")
    assert lines[2].startswith(f"size: {item.num_bytes} bytes; content hash ")
    assert re.fullmatch(r"raw text: sha256 [0-9a-f]{64}; git blob [0-9a-f]{40}", lines[3])
    assert re.fullmatch(r"licence evidence [0-9a-f]{16}: metadata says MIT \(detected_licenses\)", lines[4])
    assert lines[5] == "licence: concluded MIT; declared MIT"
    assert "signal num_words = 1; minimum 5, maximum 1,000,000" in lines
    assert lines[-1] == "filter: rejected, num_words_below_minimum; value 1, bound 5"


def test_the_content_hash_is_that_of_the_text(mill: Mill, life: Shown) -> None:
    """Some of every unit: it stands in another table than the rest of what is told."""
    for unit in mill.plan.units:
        for document in [item for item in shard_rows(mill.recipe, unit[0]) if isinstance(item, Document)][:2]:
            expected = f"size: {len(document.text.encode())} bytes; content hash {content_hash(document.text).hex()}"
            assert expected in life(mill, document.id).splitlines()


def test_a_duplicate_names_its_twin_and_the_twin_names_it(mill: Mill, life: Shown) -> None:
    item = next(item for item in decisions(mill) if item.reason == "near_duplicate")
    assert f"kept twin {item.twin}, similarity {item.similarity:.4f}" in life(mill, item.id)
    assert "deduplicate: kept in place of " in life(mill, item.twin)


def test_a_file_of_a_repository_that_is_a_copy_of_another_says_so(mill: Mill, life: Shown) -> None:
    copies = [item for item in decisions(mill) if item.reason == "repository_copy"]
    assert len(copies) == 2
    for item in copies:
        text = life(mill, item.id)
        assert "code Python mirror/twin:" in text
        assert "code Python origin/twin:" in life(mill, item.twin)
        assert f"deduplicate: rejected, repository_copy; kept twin {item.twin}, similarity 1.0000" in text


def test_a_repeated_row_does_not_reject_its_document(mill: Mill, life: Shown) -> None:
    kept = released(mill)
    item = next(item for item in decisions(mill) if item.reason == "repeated_row" and item.id in kept)
    text = life(mill, item.id)
    assert "deduplicate: 1 row rejected, repeated_row: the document stays once" in text
    assert text.count("read: ") == 2
    assert "release: the document is in it" in text


def test_the_first_digits_or_the_row_will_do(mill: Mill, life: Shown) -> None:
    item = next(item for item in decisions(mill) if item.stage == "filter")
    assert (
        life(mill, item.id)
        == life(mill, item.id[:8].upper())
        == life(mill, item.id[:9])
        == life(mill, f"{item.shard}:{item.row}")
    )


@pytest.mark.parametrize("identifier", ["", "abc", "0123456", "x" * 32, "0" * 33, "01234567 "])
def test_what_is_no_id_is_told(mill: Mill, life: Shown, identifier: str) -> None:
    with pytest.raises(RecipeError, match="expected 8 to 32 hex digits"):
        life(mill, identifier)


def test_an_id_of_another_run_is_told(mill: Mill, life: Shown) -> None:
    with pytest.raises(RecipeError, match="expected one document of this run, found none"):
        life(mill, "0" * 32)


def rows_of(mill: Mill) -> list[dict[str, Any]]:
    return [row for table in tables(mill, "ingest", "rows") for row in table.to_pylist()]


def test_a_document_is_found_by_whatever_names_it(mill: Mill, life: Shown) -> None:
    row = next(row for row in rows_of(mill) if row["path"] == "src/file30.py")
    expected = life(mill, row["id"].hex())
    for name in (
        row["blob"].hex().upper(),
        f"swh:1:cnt:{row['blob'].hex()}",
        row["sha256"].hex(),
        f"{row['repo'].upper()}:{row['path']}",
        f"{row['repo']}:/src//file30.py",
    ):
        assert life(mill, name) == expected


def test_several_documents_of_one_name_are_listed(mill: Mill, life: Shown) -> None:
    own = {row["id"].hex(): row["path"] for row in rows_of(mill) if row["repo"] == "team/project6"}
    lines = life(mill, "team/project6").splitlines()
    assert dict(line.split() for line in lines[:-1]) == {name: f"team/project6:{path}" for name, path in own.items()}
    assert lines[-1] == f"{len(own)} of {len(own)} documents shown; name one by its id to be told its life"


@pytest.mark.parametrize("name", ["no/body", "team/project6:none.py", "f" * 40, "f" * 64, "https://a.example/1"])
def test_a_name_that_no_document_has_is_told(mill: Mill, life: Shown, name: str) -> None:
    with pytest.raises(RecipeError, match="found no document of this run"):
        life(mill, name)


def test_what_was_redacted_is_told_by_its_kind_and_never_shown(mill: Mill, life: Shown) -> None:
    text = life(mill, "team/project2:src/file30.py")
    assert "redact: replaced email/address 1\n" in text
    assert "company.org" not in text
    assert "redact: nothing found\n" in life(mill, "team/project3:src/file31.py")


def test_a_kept_document_says_how_mix_took_it_and_where_its_tokens_are(mill: Mill, life: Shown) -> None:
    lines = life(mill, "team/project2:src/file30.py").splitlines()
    assert "mix: code: the rest: taken 1 time" in lines
    [end] = [line for line in lines if line.startswith("release: ")]
    number = re.search(r"shard-(\d{5})-of-00002\.parquet: (\d+) tokens in 1 copy", end)
    assert number
    folder = Path(mill.recipe.release.path) / "tiny-0.1.0/positions"
    places = pq.read_table(folder / f"shard-{number[1]}-of-00002.parquet").to_pylist()
    own = [place for place in places if place["doc_id"] == lines[0].removeprefix("document ")]
    assert sum(place["length"] for place in own) == int(number[2])
    for place in own:
        first, last = place["offset"], place["offset"] + place["length"]
        assert any(line.startswith(f"copy 0: row {place['row']}, tokens {first} to {last}: ") for line in lines)


def test_a_shard_that_is_gone_hides_what_was_redacted_and_nothing_else(finished_recipe: Path, life: Shown) -> None:
    mill = open_mill(load_recipe(finished_recipe))
    for path in finished_recipe.parent.glob("*/*.zst"):
        path.unlink()
    text = life(mill, "team/project2:src/file30.py")
    assert "cannot be read (No such file or directory), so what was replaced is not told" in text
    assert "release: the document is in it, " in text


def test_a_row_that_is_not_there_is_told_with_the_shards(mill: Mill, life: Shown) -> None:
    with pytest.raises(RecipeError, match="expected a row that was read") as caught:
        life(mill, "stack/part-00000.jsonl.zst:99999")
    assert "show" in caught.value.hint
    with pytest.raises(RecipeError, match="found no shard") as caught:
        life(mill, "stack/part-99999.jsonl.zst:0")
    assert "did you mean stack/part-0000" in caught.value.hint


# show


def test_kept_documents_are_shown_by_default(mill: Mill, samples: Shown) -> None:
    text = samples(mill, number=3)
    heads = [line for line in text.splitlines() if line.startswith("── ")]
    assert len(heads) == 3
    assert all("  kept  " in head for head in heads)
    assert re.search(r"^3 of \d+ kept documents shown$", text, re.MULTILINE)


def test_rejected_documents_are_shown_with_their_reason_and_text(mill: Mill, samples: Shown) -> None:
    text = samples(mill, stage="filter")
    assert "filter: rejected, num_words_below_minimum; value 1, bound 5\n  short\n" in text
    assert text.endswith("1 of 1 rejected document shown\n")


def test_what_was_rejected_late_is_shown_with_its_row(mill: Mill, samples: Shown) -> None:
    reasons = {item.reason for item in decisions(mill) if item.stage in ("mix", "settle")}
    for reason in reasons:
        head, _, excerpt = samples(mill, reason=reason, number=1).splitlines()[:3]
        assert re.fullmatch(r"── [0-9a-f]{32}  (stack|pile)/part-\d+\.jsonl\.zst:\d+", head)
        assert excerpt.strip()


def test_a_row_that_became_no_document_is_shown_by_its_place(mill: Mill, samples: Shown) -> None:
    assert "── (no document)  stack/part-" in samples(mill, stage="read")


def test_the_sample_is_the_same_at_every_call_and_grows_by_its_end(mill: Mill, samples: Shown) -> None:
    def heads(number: int) -> list[str]:
        return [line for line in samples(mill, stage="deduplicate", number=number).splitlines() if line[:1] == "─"]

    assert heads(5) == heads(5) == heads(9)[:5]


def test_no_more_than_the_asked_are_counted_as_shown(mill: Mill, samples: Shown) -> None:
    total = sum(item.stage == "deduplicate" for item in decisions(mill))
    assert samples(mill, stage="deduplicate", number=2).endswith(f"2 of {total} rejected documents shown\n")
    assert samples(mill, stage="deduplicate", number=999).endswith(f"{total} of {total} rejected documents shown\n")


@pytest.mark.parametrize(("stage", "reason"), [("nonsense", None), (None, "nonsense"), ("read", "near_duplicate")])
def test_a_stage_that_rejected_nothing_is_told_with_those_that_did(
    mill: Mill, samples: Shown, stage: str | None, reason: str | None
) -> None:
    with pytest.raises(RecipeError, match="found none") as caught:
        samples(mill, stage=stage, reason=reason)
    assert "deduplicate/near_duplicate" in caught.value.hint


def test_a_shard_that_went_away_is_told(finished_recipe: Path, samples: Shown) -> None:
    mill = open_mill(load_recipe(finished_recipe))
    for shard in finished_recipe.parent.glob("stack/*"):
        shard.unlink()
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        samples(mill, stage="filter")


# Hostile content

_EVIL = "\x1b[2J\x1b]0;owned\x07\u202etxt.exe\u2066\x9b31m\r\u2028:warning: [red]x[/red] [/]"


def run_until(recipe: Path, last: str) -> Mill:
    class Silent:
        def start(self, *_: object, **__: object) -> None: ...

        def advance(self, num_bytes: int) -> None: ...

        def finish(self, *_: object, **__: object) -> None: ...

    mill = open_mill(load_recipe(recipe))
    run_mill(mill, workers=1, progress=Silent(), until=last)
    return reopen_mill(str(recipe.parent / "work"))


@pytest.fixture(scope="module")
def hostile_mill(tmp_path_factory: pytest.TempPathFactory, _tiny_inputs: Path) -> Mill:
    """A run, up to clean, over rows whose every name and text would steer a terminal. It is only looked at."""
    folder = tmp_path_factory.mktemp("hostile")
    words = f"{_EVIL} one two three four five six seven eight nine ten\n" * 30
    names = {"repo_name": f"evil/{_EVIL}", "path": f"a/{_EVIL}.py", "language": _EVIL, "detected_licenses": ["MIT"]}
    rows = [
        names | {"content": words},
        names | {"content": f"// SPDX-License-Identifier: {_EVIL}\n{words}", "path": "b"},
        names | {"content": _EVIL, "path": "c"},
        names | {"content": 1, "path": _EVIL},
    ]
    (folder / f"sh{_EVIL[:4]}ard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.yaml").write_text(
        "name: evil\nversion: 0.1.0\nmixture: {code: 1.0, text: 0.0}\nfilters: {assign: null}\n"
        "sources: [{name: a, format: stack-v2, kind: code, paths: ['*.jsonl']}]\n"
        f"tokenizer: {{path: '{_tiny_inputs}/tokenizer.json'}}\n"
    )
    return run_until(folder / "recipe.yaml", "clean")


def test_hostile_content_does_not_steer_the_terminal(hostile_mill: Mill, life: Shown, samples: Shown) -> None:
    assert not is_released(hostile_mill)
    found = list(decisions(hostile_mill))
    assert {item.stage for item in found} == {"read", "licence"}
    texts = [samples(hostile_mill), *(samples(hostile_mill, stage=stage) for stage in ("read", "licence"))]
    ids = re.findall(r"^── ([0-9a-f]{32})", texts[0], re.MULTILINE)
    assert len(ids) == 2
    texts += [life(hostile_mill, identifier) for identifier in ids]
    texts += [life(hostile_mill, item.id or f"{item.shard}:{item.row}") for item in found]
    for text in texts:
        assert _STEERING.search(text) is None
        assert "[red]x[/red]" in text or "no document" in text, "shown as it is, not understood as markup"
    assert all("no decision yet: the run goes on" in text for text in texts[3:5])


def test_no_line_of_a_text_passes_for_a_line_of_ours(hostile_mill: Mill, samples: Shown) -> None:
    lines = samples(hostile_mill).splitlines()
    ours = [line for line in lines if not line.startswith("  ")]
    assert len(ours) == 3
    assert ours[-1] == "2 of 2 kept documents shown"


def test_a_long_text_is_cut_visibly(hostile_mill: Mill, samples: Shown) -> None:
    text = samples(hostile_mill)
    assert " […]" in text
    assert len(text) < 3_000
