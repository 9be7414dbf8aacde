"""What ingest writes down of a document: its form, its language, the values of its signals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.decision import decisions_of
from manifests.errors import RecipeError
from pipeline.inspect_documents import print_life
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.tables import tables
from pipeline.units import Mill, step_named

Run = Callable[..., None]
RECIPE = """\
name: forms
version: 0.1.0
sources:
- name: repos
  format: columns
  kind: code
  kinds: {Markdown: text}
  paths: ["repos.parquet"]
  columns: {text: body, repo: project, path: name, files: blobs, language: lang}
- {name: texts, format: jsonl, kind: text, paths: ["texts.jsonl"], declared_licence: MIT}
licences: {no_licence: keep}
filters:
  assign: {code: [shape], text: [], Perl: [shape, long]}
  profiles:
    shape: {num_lines: {minimum: 1}, longest_line_characters: {languages: {Python: {maximum: 100}}}}
    long: {num_words: {minimum: 1}}
"""
ENGLISH = "The committee met on Tuesday and agreed that the report should be written before the end of the year. " * 4
GERMAN = (
    "Der Ausschuss trat am Dienstag zusammen und beschloss, den Bericht noch vor Ende des Jahres zu schreiben. " * 4
)
NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": ["x = 1\n"], "outputs": [{"data": "9" * 1000}]}],
    "metadata": {},
    "nbformat": 4,
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    def file(name: str, body: str | None, **more: Any) -> dict[str, Any]:
        return {"name": name, "body": body, "lang": more.get("lang")}

    blobs = [
        [file("a.py", "x = 1\n"), file("b.pl", "#!/usr/bin/perl\nprint 1;\n"), file("x.ipynb", json.dumps(NOTEBOOK))],
        [file("README.md", GERMAN), file("c.py", "a\r\nb\r\n", lang="Cobol"), file("d.py", "\0"), file("e.py", None)],
        [],
    ]
    table = pa.table({"project": ["one/a", "two/b", "three/c"], "blobs": blobs})
    pq.write_table(table, tmp_path / "repos.parquet")
    rows = [{"text": "\ufeff" + ENGLISH}, {"text": GERMAN, "src_encoding": "ISO-8859-1"}, {"text": "17 32"}]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path / "recipe.yaml"


def ingested(recipe: Path, run_alone: Run, *overrides: str) -> tuple[dict[str, dict[str, Any]], Mill]:
    """Ingest's rows by path or, for texts, by row number."""
    mill = open_mill(load_recipe(recipe, overrides))
    run_alone(mill, before="judge")
    rows = [row for table in tables(mill, "ingest", "rows") for row in table.to_pylist()]
    return {row["path"] or str(row["row"]): row for row in rows}, mill


def measured(row: dict[str, Any], mill: Mill) -> dict[str, float]:
    values = zip(mill.recipe.filters.signals, row["signals"], strict=True)
    return {name: value for name, value in values if value is not None}


def test_every_file_of_a_repository_is_a_document_at_its_place(recipe: Path, run_alone: Run) -> None:
    rows, mill = ingested(recipe, run_alone)
    places = {name: (row["shard"], row["row"], row["part"]) for name, row in rows.items() if row["repo"]}
    assert places == {
        "a.py": ("repos/repos.parquet", 0, 0),
        "b.pl": ("repos/repos.parquet", 0, 1),
        "x.ipynb": ("repos/repos.parquet", 0, 2),
        "README.md": ("repos/repos.parquet", 1, 0),
        "c.py": ("repos/repos.parquet", 1, 1),
    }
    rejected = [item for table in tables(mill, "ingest", "decisions") for item in decisions_of(table)]
    assert sorted((item.row, item.part, item.reason) for item in rejected) == [
        (1, 2, "nul_character"),
        (1, 3, "missing_text"),
        (2, 0, "no_files"),
    ]


def test_a_file_of_a_repository_is_explained_by_its_place(
    recipe: Path, run_alone: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    _, mill = ingested(recipe, run_alone)
    print_life(mill, "repos/repos.parquet:0:1")
    assert "read: repos/repos.parquet:0:1, code Perl one/a:b.pl" in capsys.readouterr().out
    print_life(mill, "repos/repos.parquet:1:3")
    assert "row repos/repos.parquet:1:3: no document was made of it" in capsys.readouterr().out
    with pytest.raises(RecipeError, match="found 3 files in this row"):
        print_life(mill, "repos/repos.parquet:0")


def test_languages_come_from_the_row_then_the_name_then_the_prose(recipe: Path, run_alone: Run) -> None:
    rows, _ = ingested(recipe, run_alone)
    assert {name: (row["kind"], row["language"], row["natural_language"]) for name, row in rows.items()} == {
        "a.py": ("code", "Python", None),
        "b.pl": ("code", "Perl", None),
        "x.ipynb": ("code", "Jupyter Notebook", None),
        "README.md": ("text", "Markdown", "de"),
        "c.py": ("code", "Cobol", None),
        "0": ("text", "en", "en"),
        "1": ("text", "de", "de"),
        "2": ("text", "", ""),
    }
    assert rows["0"]["natural_confidence"] > 0.9
    assert rows["2"]["natural_confidence"] == 0.0


def test_a_signal_is_measured_where_a_rule_asks_for_it(recipe: Path, run_alone: Run) -> None:
    rows, mill = ingested(recipe, run_alone)
    assert measured(rows["a.py"], mill) == {"longest_line_characters": 5.0, "num_lines": 1.0}
    assert measured(rows["b.pl"], mill) == {"num_lines": 2.0, "num_words": 3.0}
    assert measured(rows["README.md"], mill) == {}


def test_forms_are_put_right_before_anything_is_measured_and_counted(recipe: Path, run_alone: Run) -> None:
    rows, mill = ingested(recipe, run_alone)
    assert measured(rows["x.ipynb"], mill) == {"num_lines": 2.0}  # "# %%", "x = 1"
    assert rows["x.ipynb"]["num_bytes"] == len(json.dumps(NOTEBOOK))  # of the raw text
    counts = [record.counts for record in mill.records(step_named("ingest")) if record]
    forms: dict[str, int] = {}
    encodings: dict[str, int] = {}
    for count in counts:
        forms |= count["text_forms"]  # type: ignore[operator]
        encodings |= count["encodings"]  # type: ignore[operator]
    assert forms == {"byte_order_mark": 1, "line_ends": 1, "notebook": 1}
    assert encodings == {"iso8859-1": 1}


def test_later_passes_see_the_same_texts(recipe: Path, run_alone: Run) -> None:
    from stages.tokenizer_training import train

    (recipe.parent / "tokenizer.json").write_bytes(train([ENGLISH, GERMAN], vocabulary_size=300))
    mill = open_mill(load_recipe(recipe, ["licences.allow=[MIT]"]))
    run_alone(mill, before="mix")
    rows = [row for table in tables(mill, "clean", "texts") for row in table.to_pylist()]
    assert {row["path"]: (row["text"], row["language"]) for row in rows if row["repo"] and row["kind"] == "code"} == {
        "a.py": ("x = 1\n", "Python"),
        "b.pl": ("#!/usr/bin/perl\nprint 1;\n", "Perl"),
        "x.ipynb": ("# %%\nx = 1\n", "Jupyter Notebook"),
        "c.py": ("a\nb\n", "Cobol"),
    }


@pytest.mark.parametrize(
    ("override", "rejected"),
    [
        ("languages.programming.allow=[Python, Perl, Jupyter Notebook]", {"c.py": "programming_language_not_allowed"}),
        ("languages.programming.deny=[Perl]", {"b.pl": "programming_language_denied"}),
        (
            "languages.natural.allow=[en]",
            dict.fromkeys(["README.md", "1", "2"], "natural_language_not_allowed"),
        ),
        (
            "languages.natural={allow: [de, ''], minimum_confidence: 1.0}",
            {"0": "natural_language_not_allowed", "1": "natural_language_uncertain"},
        ),
    ],
)
def test_languages_are_let_in_by_list(override: str, rejected: dict[str, str], recipe: Path, run_alone: Run) -> None:
    mill = open_mill(load_recipe(recipe, [override]))
    run_alone(mill, before="pair")
    names = {
        row["id"].hex(): row["path"] or str(row["row"])
        for table in tables(mill, "ingest", "rows")
        for row in table.to_pylist()
    }
    found = {
        names[item.id]: item.reason
        for table in tables(mill, "judge", "decisions")
        for item in decisions_of(table)
        if item.stage == "language"
    }
    assert rejected.items() <= found.items()
    assert set(found) - set(rejected) <= {"README.md"}  # German too, and nobody is as sure as 1.0 of a few lines


def test_notebooks_can_be_dropped_or_kept(recipe: Path, run_alone: Run) -> None:
    dropped, _ = ingested(recipe, run_alone, "text_forms.notebooks=drop")
    assert "x.ipynb" not in dropped
    kept, mill = ingested(recipe, run_alone, "text_forms.notebooks=keep", f"work={recipe.parent / 'other'}")
    assert measured(kept["x.ipynb"], mill) == {"num_lines": 1.0}
