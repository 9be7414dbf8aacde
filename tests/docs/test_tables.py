"""The tables of the documentation are held against the program: recipe keys, signals, steps, reasons, fields."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer
import yaml
from pydantic import BaseModel

from filters.pile_weights import PILE_WEIGHTS
from filters.redaction_rules import rules
from filters.rewrite_gates import GATES
from filters.spans import BARE_PLACEHOLDERS, PLACEHOLDERS
from manifests.errors import EXIT_CODES, CorpusmillError
from manifests.release import CHAIN, Manifest
from manifests.release_rewriting import STAGE
from manifests.storage import Storage
from pipeline.cli import app
from pipeline.overlays import HOPELESS_CODE
from pipeline.pass_5_overlay import OF_TWINS
from pipeline.passes import STEPS
from pipeline.recipe import Recipe
from pipeline.steps import RECORDS, Step
from stages.rewrite_provenance import RELEASED_REWRITES
from stages.software_heritage import BLOB_FAULTS

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """Cells of all Markdown table rows, heads included."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def unquoted(cell: str) -> str:
    return cell.removeprefix("`").removesuffix("`").replace("\\|", "|")


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, default or "required") of every key; a plain section counts by its own keys alone."""
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not field.annotation:
            yield prefix + name, "required" if field.is_required() else field.get_default()
        if section is not None:
            yield from keys(section, f"{prefix}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _section(argument))), None)


def test_the_recipe_page_has_every_key_with_its_default() -> None:
    heads = {"key", "signal", "---"}
    rows = {unquoted(row[0]): row[2] for row in table_rows(page("recipe.md")) if len(row) == 4 and row[0] not in heads}
    expected = dict(keys(Recipe))
    assert set(rows) == set(expected)
    for key, cell in rows.items():
        if cell == "see below":
            continue
        shown = "required" if cell == "required" else yaml.safe_load(unquoted(cell)) if cell != '`""`' else ""
        assert shown == expected[key], key


def test_the_data_format_page_has_every_form_and_its_reasons() -> None:
    text = page("data-format.md").partition("### Text forms")[2].partition("###")[0]
    source = (ROOT / "stages/text_forms.py").read_text(encoding="utf-8")
    changes = re.findall(r'changes = \((?:\*changes, )?"(\w+)"', source)
    reasons = re.findall(r'_rejected\(document, "(\w+)"', source)
    assert len(changes) == 3
    for name in (*changes, *reasons):
        assert f"`{name}`" in text, name


def test_the_errors_page_has_every_reason_of_languages() -> None:
    source = (ROOT / "pipeline/judgement.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'"(\w+_language_\w+)"', source))
    assert len(reasons) == 4
    assert all(f"`{reason}`" in page("errors.md") for reason in reasons)


def _numberless(table: str) -> str:
    """The tables of further context lengths are those of the first with a number."""
    return re.sub(r"_\d$", "", table)


def _reads(step: Step) -> set[str]:
    named = {f"{read.step}.{_numberless(read.table)}" for read in step.reads if read.table != RECORDS}
    return named | {read.step for read in step.reads if read.table == RECORDS}


def test_the_architecture_page_has_every_step() -> None:
    rows = [row for row in table_rows(page("architecture.md")) if re.match(r"\d ", row[0])]
    assert [row[1] for row in rows] == [f"`{step.name}`" for step in STEPS]
    for row, step in zip(rows, STEPS, strict=True):
        assert row[0] == f"{step.number} {step.pass_name}"
        assert step.run.__module__ == f"pipeline.{unquoted(row[2])}"
        assert row[3] == step.grain
        assert set(re.findall(r"`([\w.]+)`", row[4])) == _reads(step)
        assert ("the shards" in row[4]) == step.reads_shards


def test_the_architecture_page_names_every_table_that_is_read() -> None:
    rows = {unquoted(row[1]): row[5] for row in table_rows(page("architecture.md")) if re.match(r"\d ", row[0])}
    for step in STEPS:
        for read in step.reads:
            assert not read.table or f"`{_numberless(read.table)}`" in rows[read.step], (read.step, read.table)


def test_the_picture_shows_every_pass() -> None:
    picture = page("passes.svg")
    for number, name in {(step.number, step.pass_name) for step in STEPS}:
        assert f">{number} {name}<" in picture


def _errors(error: type[CorpusmillError]) -> Iterator[type[CorpusmillError]]:
    for child in error.__subclasses__():
        yield child
        yield from _errors(child)


def test_the_errors_page_has_every_class_with_its_exit_code() -> None:
    rows = {unquoted(row[0]): row[-1] for row in table_rows(page("errors.md")) if row[0].endswith("Error`")}
    assert rows == {
        error.__name__: str(error.exit_code)
        for error in _errors(CorpusmillError)
        if error.__module__ == "manifests.errors"
    }


def test_the_errors_page_has_every_exit_code_with_its_meaning() -> None:
    rows = {row[0]: row[1] for row in table_rows(page("errors.md")) if row[0].isdigit()}
    assert rows == {str(code): meaning for code, meaning in EXIT_CODES.items()}


def test_the_errors_page_names_every_command_that_may_end_otherwise_than_well() -> None:
    rows = {row[0]: row[1] for row in table_rows(page("errors.md")) if row[0].startswith("`corpusmill ")}
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = " ".join(rows).replace("`corpusmill ", "`")
    assert {name.split()[0] for name in re.findall(r"`([\w -]+)`", named)} == commands.keys()
    codes = {int(code) for cell in rows.values() for code in re.findall(r"\d+", cell)}
    assert codes == EXIT_CODES.keys()


def test_every_class_of_errors_ends_with_a_documented_code() -> None:
    assert {error.exit_code for error in (CorpusmillError, *_errors(CorpusmillError))} <= EXIT_CODES.keys()


def test_the_data_format_page_has_every_reason_of_the_reader() -> None:
    text = page("data-format.md")
    for module in ("rows", "readers", "row_layouts", "row_presets", "parquet_rows"):
        for reason in re.findall(
            r'(?:Fault\(|reason=)"(\w+)"', (ROOT / f"stages/{module}.py").read_text(encoding="utf-8")
        ):
            assert f"| `{reason}` |" in text, reason


def test_the_redaction_page_has_every_kind_with_its_placeholders() -> None:
    text = page("redaction.md")
    for kind, placeholder in PLACEHOLDERS.items():
        assert f"| `{kind}` | `{placeholder.decode()}` | `{BARE_PLACEHOLDERS[kind].decode()}` |" in text
    assert {rule.kind for rule in rules()} == PLACEHOLDERS.keys()


def test_the_pages_have_every_reason_of_redaction() -> None:
    reasons = set(re.findall(r'Leak\("(\w+)"', (ROOT / "stages/leaks.py").read_text(encoding="utf-8")))
    reasons |= set(re.findall(r'"reason": "(\w+)"', (ROOT / "pipeline/redactions.py").read_text(encoding="utf-8")))
    assert len(reasons) == 3
    for reason in reasons:
        assert f"| `{reason}` |" in page("redaction.md")
        assert f"| `redact` | `{reason}` |" in page("errors.md")


def test_the_data_format_page_has_every_field_of_the_manifest() -> None:
    text = page("data-format.md").partition("### Manifest")[2].partition("\n### ")[0]
    shown = {name for row in table_rows(text) for name in re.findall(r"`(\w+)`", row[0])}
    assert shown == set(Manifest.__struct_fields__)
    assert all(f"`{step}`" in text for step in CHAIN)


def test_the_errors_page_has_every_reason_of_a_release(small_release: Path) -> None:
    rows = [row for row in table_rows(page("errors.md")) if len(row) == 4]
    known = {(unquoted(row[0]), reason) for row in rows for reason in re.findall(r"`([\w<>]+)`", row[1])}
    manifest = Manifest.read(Storage(str(small_release)))
    for step in CHAIN:
        for key in manifest.ledgers[step]["rejected"]:
            stage, _, reason = key.partition("/")
            if stage == "filter":
                reason = re.sub(r"^\w+?(?=_(?:below_minimum|above_maximum)$)", "<signal>", reason)
            assert stage == "read" or (stage, reason) in known, key


def test_the_errors_page_has_every_reason_of_rewriting() -> None:
    rows = [row for row in table_rows(page("errors.md")) if len(row) == 4 and unquoted(row[0]) == STAGE]
    named = {reason for row in rows for reason in re.findall(r"`(\w+)`", row[1])}
    assert named == {HOPELESS_CODE, *OF_TWINS, *(f"refused_{gate}" for gate in GATES)}


def test_the_data_format_page_has_every_column_of_rewrites() -> None:
    text = page("data-format.md").partition("### Rewrites")[2].partition("###")[0]
    named = [name for row in table_rows(text) for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(RELEASED_REWRITES.names)


def test_the_mixture_page_has_the_published_weights() -> None:
    rows = {unquoted(row[0]): row[1:] for row in table_rows(page("mixture.md")) if len(row) == 3}
    del rows["subset"]
    assert rows == {name: [f"{one.weight * 100:.2f} %", f"{one.epochs:g}"] for name, one in PILE_WEIGHTS.items()}


def test_the_page_on_contents_has_every_reason_of_fetching() -> None:
    modules = ("blobs", "blob_rows", "software_heritage")
    sources = [(ROOT / f"stages/{module}.py").read_text(encoding="utf-8") for module in modules]
    reasons = {reason for source in sources for reason in re.findall(r'Fault\("(\w+)"', source)}
    assert reasons >= BLOB_FAULTS | {"missing_blob_id", "invalid_blob_id"}
    for reason in reasons:
        assert f"| `{reason}` |" in page("software-heritage.md")
        assert f"`{reason}`" in page("data-format.md")
