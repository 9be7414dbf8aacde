"""The table of faults is held against the tests that it names, and `plan`'s reasons against the program."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
OF_FAULTS = ("test_faults.py", "test_survival.py", "test_random_kills.py", "test_second_tries.py")


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def names_of_tests(name: str) -> set[str]:
    [path] = (ROOT / "tests").rglob(name)
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def named() -> list[tuple[str, str]]:
    return re.findall(r"`(test_\w+\.py)::(\w+)`", PAGE)


def test_every_row_names_a_test_that_is_there() -> None:
    table = rows("Every way to die")
    assert len(table) > 20
    for fault, instrument, outcome, shown in table:
        assert fault, shown
        assert instrument, fault
        assert outcome, fault
        assert re.fullmatch(r"`test_\w+\.py::\w+`(, `test_\w+\.py::\w+`)*", shown), fault
    absent = [f"{file}::{name}" for file, name in named() if f"test_{name}" not in names_of_tests(file)]
    assert absent == []


def test_every_test_of_a_fault_has_its_row() -> None:
    shown = {f"{file}::test_{name}" for file, name in named()}
    assert {f"{file}::{test}" for file in OF_FAULTS for test in names_of_tests(file)} - shown == set()


def test_every_reason_of_plan_is_explained() -> None:
    source = (ROOT / "pipeline" / "reasons.py").read_text(encoding="utf-8")
    for line in PAGE.split("| `plan` says |")[1].split("\n\n")[0].splitlines()[2:]:
        said = re.findall(r"`([^`]+)`", line.split("|")[1])
        for text in said:
            assert text.split("<")[0].split(":")[0].strip() in source, text
