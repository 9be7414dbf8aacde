"""What the documentation shows works: links, command lines, recipes and code."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
import yaml

from manifests.document import document_id
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.cli import app
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = typer.main.get_command(app)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MINIMAL = {
    "name": "minimal",
    "version": "0.1.0",
    "sources": [{"name": "text", "format": "jsonl", "paths": ["text.jsonl"], "kind": "text"}],
}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def fenced(text: str, *languages: str) -> list[str]:
    return [block for language, block in _FENCE.findall(text) if language in languages]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as a forge makes them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_relative_link_resolves(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_path_that_a_page_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:pipeline|stages|filters|manifests|tests|docs)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name


def test_the_index_names_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", page("index.md")))
    assert linked == {path.name for path in PAGES if path.parent.name == "docs"} - {"index.md"}


SHOWN_COMMANDS = [
    pytest.param(words[1:], id=f"{path.name}: {shlex.join(words)}")
    for path in PAGES
    for block in fenced(path.read_text(encoding="utf-8"), "console", "sh")
    for line in block.splitlines()
    if (words := shlex.split(line.removeprefix("$ "), comments=True))[:1] == ["corpusmill"]
]


@pytest.mark.parametrize("arguments", SHOWN_COMMANDS)
def test_every_command_line_shown_parses(arguments: list[str]) -> None:
    # Parsed as for a run, but never invoked.
    command: Any = COMMAND
    context = command.make_context("corpusmill", [word for word in arguments if word != "--help"])
    while rest := [*context._protected_args, *context.args]:
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    assert command is not COMMAND or arguments == ["--help"]


def test_every_command_named_in_a_sentence_exists() -> None:
    context = COMMAND.make_context("corpusmill", [], resilient_parsing=True)
    assert isinstance(COMMAND, typer.core.TyperGroup)
    known = set(COMMAND.list_commands(context))
    for path in PAGES:
        for name in re.findall(r"`corpusmill ([\w-]+)", path.read_text(encoding="utf-8")):
            assert name in known, f"{path.name}: corpusmill {name}"


def test_the_readme_names_every_command() -> None:
    context = COMMAND.make_context("corpusmill", [], resilient_parsing=True)
    assert isinstance(COMMAND, typer.core.TyperGroup)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COMMAND.list_commands(context):
        assert f"`corpusmill {name}" in text, name


def test_every_make_target_shown_exists() -> None:
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for path in PAGES:
        for name in re.findall(r"(?:^\$ |`)make ([\w./-]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in targets, f"{path.name}: make {name}"


@pytest.mark.parametrize("script", ["cli_reference.py", "signals_reference.py"])
def test_generated_pages_are_up_to_date(script: str) -> None:
    command = [sys.executable, str(ROOT / "docs" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


RECIPES = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in PAGES
    for number, block in enumerate(fenced(path.read_text(encoding="utf-8"), "yaml"))
]


@pytest.mark.parametrize("block", RECIPES)
def test_every_recipe_shown_loads(block: str, tmp_path: Path) -> None:
    # A part of a recipe is checked as what it would make of a minimal one.
    path = tmp_path / "recipe.yaml"
    path.write_text(block if "name: my-corpus" in block else yaml.safe_dump(_MINIMAL | yaml.safe_load(block)))
    load_recipe(path)


def test_the_demo_recipe_loads_and_allows_the_default_licences_and_one_more() -> None:
    recipe = load_recipe(ROOT / "docs/demo-recipe.yaml")
    assert [*recipe.licences.allow] == ["permissive", "LicenseRef-demo-prose"]
    assert f"{recipe.name}-{recipe.version}" == "demo-0.1.0"


def test_the_default_filters_shown_are_the_defaults(tmp_path: Path) -> None:
    block = fenced(page("recipe.md").partition("The default of `filters.assign`")[2], "yaml")[0]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(_MINIMAL | yaml.safe_load(block)))
    assert load_recipe(path).filters == Recipe.model_validate(_MINIMAL).filters


@pytest.fixture(scope="module")
def shown_functions() -> dict[str, Any]:
    """What the Python of the data format page defines."""
    names: dict[str, Any] = {}
    for block in fenced(page("data-format.md"), "python"):
        exec(compile(block, "docs/data-format.md", "exec"), names)  # noqa: S102 - our own page
    return names


def test_the_code_shown_puts_every_document_together_again(
    shown_functions: dict[str, Any], small_release: Path
) -> None:
    manifest = Manifest.read(Storage(str(small_release)))
    documents = shown_functions["documents"](str(small_release))
    assert len(documents) == sum(row.documents for row in manifest.documents)
    assert sum(map(len, documents.values())) == sum(manifest.mixture.reached_tokens.values())
    assert all(tokens.index(manifest.tokenizer.end_of_document_id) == len(tokens) - 1 for tokens in documents.values())


def test_the_code_shown_gives_the_texts_back(
    shown_functions: dict[str, Any], small_release: Path, small_recipe: Recipe
) -> None:
    [source] = [source for source in small_recipe.sources if source.format == "jsonl"]
    rows = [json.loads(line) for line in Path(source.paths[0]).read_text().splitlines()]
    raw = {document_id(source.name, "", row["text"]): row["text"] for row in rows if isinstance(row, dict)}
    texts = shown_functions["texts"](str(small_release))
    found = {name: text for name, text in texts.items() if name in raw and "<EMAIL>" not in text}
    assert len(found) > 10
    assert found == {name: raw[name] for name in found}


def test_the_lookup_shown_leads_to_every_document(shown_functions: dict[str, Any], small_release: Path) -> None:
    shards_with = shown_functions["shards_with"]
    for number, path in enumerate(sorted(small_release.glob("documents/*.parquet"))):
        for row in pq.read_table(path).slice(0, 5).to_pylist():
            for kind, name in (("id", "doc_id"), ("blob", "blob"), ("sha256", "sha256"), ("content", "content_hash")):
                assert not row[name] or number in shards_with(str(small_release), kind, row[name])
    assert shards_with(str(small_release), "id", "0" * 32) == []


def test_the_queries_shown_agree_with_the_manifest(small_release: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    [query] = fenced(page("data-format.md"), "sql")
    found = duckdb.sql(query.replace("documents/*", f"{small_release}/documents/*")).fetchall()
    stated: dict[tuple[str, str], list[int]] = {}
    for row in Manifest.read(Storage(str(small_release))).documents:
        sums = stated.setdefault((row.language, row.licence), [0, 0])
        sums[0] += row.documents
        sums[1] += row.tokens
    assert {(language, licence): [documents, tokens] for language, licence, documents, tokens in found} == stated


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_the_data_frames_shown_find_documents(
    shown_functions: dict[str, Any], small_release: Path, library: str
) -> None:
    pytest.importorskip(library)
    rows = pq.read_table(small_release / "documents").to_pylist()
    expected = {row["doc_id"] for row in rows if (row["language"], row["licence"]) == ("Python", "MIT")}
    assert expected
    assert {*shown_functions[f"ids_by_{library}"](str(small_release), "Python", "MIT")} == expected
