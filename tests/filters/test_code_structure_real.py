"""Structure of real files: nearly all have one, and in Python it is what CPython's own parser reads."""

import ast
import io
import json
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

from filters.code_structure import code_structure, structure_and_units
from filters.grammars import has_grammar

pytestmark = pytest.mark.real

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))
# Share of files that declare something public or import something; the others are data, scripts, empty modules.
FLOORS = {
    "C": 0.85,
    "C#": 0.95,
    "C++": 0.95,
    "Go": 0.85,
    "Java": 0.90,
    "JavaScript": 0.60,
    "PHP": 0.90,
    "Python": 0.90,
    "Ruby": 0.65,
    "Rust": 0.90,
    "TypeScript": 0.90,
}
CALLS = {"__import__", "import_module", "importlib.import_module"}  # what imports by a call, as in structure_queries


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    shards = sorted((SHARED / "data" / "stack_v2").glob("*.jsonl.zst"))[:4]
    if not shards:
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    found = []
    for shard in shards:
        with shard.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            found += [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n")]
    return [row for row in found if has_grammar(row["language"] or "") and len(row["content"]) < 100_000]


def test_real_files_have_structure_and_units(rows: list[dict[str, Any]]) -> None:
    with_structure: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for row in rows:
        text, language = row["content"], row["language"]
        both = structure_and_units(text, language)
        assert both is not None
        found, units = both
        assert "".join(text[start:stop] for start, stop in units) == text
        files[language] += 1
        with_structure[language] += bool(found.public or found.imports)
    low = {language: with_structure[language] / files[language] for language in FLOORS}
    assert {language: share for language, share in low.items() if share < FLOORS[language]} == {}


def test_python_is_read_as_its_own_parser_reads_it(rows: list[dict[str, Any]]) -> None:
    num_files = 0
    for row in rows:
        text = row["content"]
        if row["language"] != "Python":
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in strings
                tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        num_files += 1
        found, printed = code_structure(text, "Python"), code_structure(ast.unparse(tree), "Python")
        assert found is not None
        assert printed is not None
        assert found.imports == imported(tree), row["path"]
        assert (found.public, found.stubs) == (printed.public, printed.stubs), row["path"]
    assert num_files > 200


def imported(tree: ast.Module) -> set[str]:
    """The modules that a file imports, by statement or by a call with a literal, as its syntax tree has them."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            modules |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and type(arg.value) is str}
    return modules
