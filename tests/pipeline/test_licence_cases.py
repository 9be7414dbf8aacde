"""The mill's licence decisions, and the evidence for them, against files read by a human.

`licence_cases.json` holds what was read in 90 files of the sample shards: which licence a file itself names and where
(`header`; `header_at`, first and last line of each statement), what the nearest licence files say (`licence_files`,
`governed`), what the nearest manifest that declares a licence says (`manifest`, `manifest_file`), what the row says
(`metadata`), and what follows under the default policy. Where the mill finds something else, that stands in `mill`, and
why in `why`. Nothing else may differ, and a difference that is gone must leave the table.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from license_expression import Licensing

from filters.licence_evidence import Evidence, EvidenceKind
from pipeline.recipe import Licences
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.tables import tables
from pipeline.units import Mill

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
LINES_BEFORE = 2  # a notice is cut out with up to so many lines above it

Case = dict[str, Any]
CASES: list[Case] = json.loads(Path(__file__).with_name("licence_cases.json").read_text(encoding="utf-8"))
COLUMNS: dict[EvidenceKind, str] = {
    "header": "header",
    "licence_file": "governed",
    "manifest": "manifest",
    "metadata": "metadata",
}
EXPRESSIONS = (*COLUMNS.values(), "licence")
NAMES = ("licence_files", "manifest_file", "decision", "reason")

# Golden numbers. Whoever changes a rule changes them here, in the same commit, and says why.
NUM_DIFFERING = 30
STRICTER = {
    "tidyverse/dplyr/revdep/problems.md",
    "psf/requests/docs/_themes/flask_theme_support.py",
    "pypa/packaging/src/packaging/licenses/__init__.py",
    "pypa/packaging/src/packaging/licenses/_spdx.py",
}
MORE_LENIENT = {"nlohmann/json/tests/src/unit-unicode1.cpp"}

RECIPE = """\
name: cases
version: 0.1.0
sources:
- {{name: stack, format: stack-v2, kind: code, paths: ["{data}/part-*.jsonl.zst"]}}
"""


class SilentProgress:
    def start(self, *_: object, **__: object) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, *_: object, **__: object) -> None: ...


def name(case: Case) -> str:
    return f"{case['repo_name']}{case['path']}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """What the mill found and decided, in the form of cases, by name; `lines` instead of `header_at`."""
    data = SHARED / "data/stack_v2"
    if not data.exists():
        pytest.skip(f"shared data absent: {data}")
    import datatrove.executor  # noqa: F401 - else every step's own process imports it

    recipe = tmp_path_factory.mktemp("cases") / "recipe.yaml"
    recipe.write_text(RECIPE.format(data=data.resolve()))
    mill = open_mill(load_recipe(recipe))
    run_mill(mill, workers=2, progress=SilentProgress(), until="decide")
    return verdicts(mill)


# The table by itself


def test_the_table_holds_distinct_cases() -> None:
    assert len({(case["repo_name"], case["revision_id"], case["path"]) for case in CASES}) == len(CASES) == 90
    assert len({name(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_what_was_read_leads_to_what_was_decided(case: Case) -> None:
    pieces = [Evidence(kind, case[column], column) for kind, column in COLUMNS.items() if case[column]]
    decision = Licences().policy.decide(pieces)
    assert (decision.rejected or "", decision.licence) == (case["reason"], case["licence"])
    assert case["decision"] == ("reject" if case["reason"] else "keep")


def test_only_the_known_cases_differ_and_each_says_why() -> None:
    differing = [case for case in CASES if "mill" in case]
    assert len(differing) == NUM_DIFFERING
    assert all(case["why"] for case in differing)
    assert not [name(case) for case in CASES if "why" in case and "mill" not in case]
    decided = {name(case): (case["decision"], case["mill"].get("decision")) for case in differing}
    assert {key for key, how in decided.items() if how == ("keep", "reject")} == STRICTER
    assert {key for key, how in decided.items() if how == ("reject", "keep")} == MORE_LENIENT


@pytest.mark.parametrize("case", [case for case in CASES if "mill" in case], ids=name)
def test_what_the_mill_finds_otherwise_is_no_copy_of_what_was_read(case: Case) -> None:
    alike = {key for key, value in case["mill"].items() if same(key, value, case[key])}
    assert alike <= {"header_at"}


# The mill


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_mill_finds_and_decides_what_a_human_does(case: Case, found: dict[str, Case]) -> None:
    expected = case | case.get("mill", {})
    got = found[name(case)]
    assert {key: got[key] for key in (*EXPRESSIONS, *NAMES) if not same(key, got[key], expected[key])} == {}


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_mill_tells_the_lines_where_a_human_finds_it(case: Case, found: dict[str, Case]) -> None:
    spans = (case | case.get("mill", {}))["header_at"]
    lines = found[name(case)]["lines"]
    told = [{line for line in lines if first - LINES_BEFORE <= line <= last} for first, last in spans]
    assert all(told), "a statement without a line"
    assert set(lines) == set().union(*told), "a line outside of all statements"


# How cases are compared


def same(key: str, one: object, other: object) -> bool:
    return form(str(one)) == form(str(other)) if key in EXPRESSIONS else one == other


def form(expression: str) -> object:
    """An expression without order and repetition; nothing else is simplified."""
    return _form(Licensing().parse(expression)) if expression else ""


def _form(node: Any) -> object:
    operator = type(node).__name__
    if operator not in ("AND", "OR"):
        return str(node)
    parts: set[object] = set()
    for part in map(_form, node.args):
        parts |= part[1] if isinstance(part, tuple) and part[0] == operator else {part}
    return parts.pop() if len(parts) == 1 else (operator, frozenset(parts))


def verdicts(mill: Mill) -> dict[str, Case]:
    wanted = {(case["repo_name"], case["revision_id"], case["path"]): name(case) for case in CASES}
    reasons = {
        (item["shard"], item["row"]): item["reason"]
        for step in ("judge", "resolve")
        for table in tables(mill, step, "decisions")
        for item in table.to_pylist()
        if item["stage"] == "licence"
    }
    found: dict[str, Case] = {}
    columns = ["repo", "revision", "path", "shard", "row"]
    both = zip(tables(mill, "ingest", "rows", columns=columns), tables(mill, "judge", "judged"), strict=True)
    for rows, judged in both:
        for row, verdict in zip(rows.to_pylist(), judged.to_pylist(), strict=True):
            key = wanted.get((row["repo"], row["revision"], row["path"]))
            if key is not None:
                assert key not in found, f"{key} stands in the shards twice"
                found[key] = as_case(verdict, reasons.get((row["shard"], row["row"]), ""))
    return found


def as_case(verdict: dict[str, Any], reason: str) -> Case:
    pieces = {piece["kind"]: piece for piece in verdict["evidence"]}
    assert len(pieces) == len(verdict["evidence"]), "two pieces of a kind"
    assert pieces.keys() <= COLUMNS.keys()
    said = {column: pieces[kind]["expression"] if kind in pieces else "" for kind, column in COLUMNS.items()}
    places = {kind: pieces[kind]["where"] if kind in pieces else "" for kind in COLUMNS}
    return {
        **said,
        "lines": [int(number) for number in re.findall(r"\d+", places["header"])],
        "licence_files": [f"/{path}" for path in places["licence_file"].split(", ") if path],
        "manifest_file": places["manifest"] and f"/{places['manifest']}",
        "decision": "reject" if reason else "keep",
        "reason": reason,
        "licence": verdict["licence"],
    }
