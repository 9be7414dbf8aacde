"""What the documentation says of licences is held against the program: reasons, evidence, sets, subsets, numbers."""

import json
import re
from pathlib import Path
from typing import get_args

from filters.copyrights import MAXIMUM_LINES, WINDOW_CHARACTERS
from filters.licence_evidence import HEADER_CHARACTERS
from filters.licence_files import licence_role
from filters.licence_policy import KINDS, licence_reasons
from filters.licence_rules import WORDS, policy_table
from filters.licence_sets import NAMED_SETS, category_names, licence_category, licence_set, reviewed_licences
from filters.notices import KEYWORDS, LICENCE_CHARACTERS, MAXIMUM_LICENCE_PIECES, MAXIMUM_NOTICES
from filters.package_manifests import MANIFEST_NAMES
from filters.pile_subsets import OFF_BY_DEFAULT, subset_table
from pipeline.pass_2_copies import COPY_REASONS, COPY_SIMILARITY
from pipeline.pass_2_licences import UNDECIDED
from pipeline.recipe import Licences

ROOT = Path(__file__).resolve().parents[2]
LICENCES = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
PROSE = " ".join(LICENCES.split())  # a sentence may go on in the next line
REASONS_OF_LICENCES = [*licence_reasons(), *COPY_REASONS, OFF_BY_DEFAULT]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """Cells of all Markdown table rows, heads included."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def unquoted(cell: str) -> str:
    return cell.removeprefix("`").removesuffix("`")


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second or third level, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    below = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{2,{len(level)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def cells_that_are_names(rows: list[list[str]]) -> list[str]:
    """Cells that are one name in code style and nothing else."""
    return [unquoted(cell) for row in rows for cell in row if re.fullmatch(r"`[a-z]+(?:_[a-z]+)+`", cell)]


def test_the_page_has_every_reason_once() -> None:
    shown = cells_that_are_names(table_rows(section(LICENCES, "## The reasons")))
    heads = {kind for kind in KINDS if "_" in kind}
    assert sorted(name for name in shown if name not in heads) == sorted(REASONS_OF_LICENCES)


def test_the_reasons_stand_where_the_grid_says() -> None:
    head, *rows = table_rows(section(LICENCES, "## The reasons"))[: 1 + len(WORDS)]
    kinds = [unquoted(cell) for cell in head[1:]]
    assert kinds == list(KINDS)
    for row, word in zip(rows, WORDS, strict=True):
        assert [unquoted(cell) for cell in row[1:]] == [f"{word}_in_{kind}" for kind in kinds]


def test_the_errors_page_has_every_reason_of_licences() -> None:
    rows = [row for row in table_rows(page("errors.md")) if row[0] == "`licence`"]
    shown = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    assert sorted(shown) == sorted(REASONS_OF_LICENCES)


def test_the_page_shows_how_to_list_every_quarantined_document() -> None:
    shown = re.findall(r"^\$ .* --reason (\w+)", section(LICENCES, "### When the evidence disagrees"), re.MULTILINE)
    assert sorted(shown) == sorted(reason for reason in licence_reasons() if reason.startswith("quarantined_"))


def test_the_page_has_every_kind_of_evidence_from_the_strongest_on() -> None:
    rows = table_rows(section(LICENCES, "## What counts as evidence"))
    assert [unquoted(row[0]) for row in rows[1:]] == list(KINDS)


def test_the_page_has_the_choices_of_a_conflict() -> None:
    rows = table_rows(section(LICENCES, "### When the evidence disagrees"))
    shown = [re.sub(r"[`\s]|\(default\)", "", row[0]) for row in rows[1:]]
    assert shown == list(get_args(Licences.model_fields["conflict"].annotation))
    assert f"`{Licences().conflict}` (default)" in rows[1][0]


def test_the_page_says_how_notes_and_unknown_terms_are_treated() -> None:
    rows = table_rows(section(LICENCES, "### References, notes and unknown terms"))
    expected = [[row.what, f"`{row.example}`", row.beside, row.alone, row.choice] for row in policy_table()]
    assert rows[1:] == expected


def test_the_page_has_the_named_sets_with_their_sizes() -> None:
    text = section(LICENCES, "## The lists")
    reviewed = list(reviewed_licences().values())
    sizes = {name: sum(name in row.sets for row in reviewed) for name in NAMED_SETS}
    rows = [row for row in table_rows(text) if unquoted(row[0]) in NAMED_SETS]
    assert {unquoted(row[0]): int(row[1]) for row in rows} == sizes
    assert f"{len(reviewed):,} names" in text
    unrated = sum("permissive" in row.sets and row.blue_oak is None for row in reviewed)
    assert f"does not rate {unrated} of the ids" in PROSE
    assert all(f"`{name}`" in text for name in category_names())


def test_the_page_names_the_version_of_its_source() -> None:
    data = json.loads((ROOT / "filters/licences.json").read_text(encoding="utf-8"))
    [version] = re.findall(r"version \d+", data["sources"]["blue_oak"])
    assert f"permissive licence list, {version}." in PROSE


def test_what_the_licences_page_calls_not_permissive_is_not() -> None:
    sentence = section(LICENCES, "## The lists").partition("Not in `permissive`")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w.-]+)`", sentence)
    assert len(named) > 5
    assert not licence_set("permissive") & set(named)
    assert all(licence_category(name) for name in named)


def test_the_page_has_the_table_of_the_piles_subsets() -> None:
    rows = table_rows(section(LICENCES, "### What is known of the Pile"))
    plain = [[re.sub(r"^(`|\*\*)|(`|\*\*)$", "", cell) for cell in row] for row in rows[1:]]
    assert plain == [list(row) for row in subset_table()]


def test_the_recipe_page_names_the_subsets_that_are_off() -> None:
    sentence = section(page("recipe.md"), "### Sources").partition("subsets of the Pile are off")[2].partition(". ")[0]
    off = {name for name, _, state, *_ in subset_table() if state == "off"}
    assert set(re.findall(r"`(\w+)`", sentence)) - {"subset_licences"} == off


def test_the_page_has_the_numbers_of_the_program() -> None:
    assert f"first and last {HEADER_CHARACTERS:,} characters" in PROSE
    assert f"{MAXIMUM_NOTICES} notices" in PROSE
    assert f"{LICENCE_CHARACTERS * MAXIMUM_LICENCE_PIECES:,} characters" in PROSE
    assert f"at least {COPY_SIMILARITY} of" in PROSE
    assert f"`licences.text_seconds` of computing time ({Licences().text_seconds:g} seconds)" in PROSE
    assert f"`{UNDECIDED}`" in PROSE
    assert f"first and last {WINDOW_CHARACTERS:,} characters of the text, at most {MAXIMUM_LINES}." in PROSE


def test_the_page_has_the_words_that_notices_are_found_by() -> None:
    text = section(LICENCES, "## What counts as evidence")
    assert [word for word in KEYWORDS if f"`{word}`" not in text] == []


def test_the_page_names_the_manifests_that_are_read() -> None:
    text = section(LICENCES, "## What counts as evidence").lower()
    assert [name for name in MANIFEST_NAMES if f"`{name}`" not in text] == []


def test_the_names_that_the_licences_page_calls_licence_files_are_some() -> None:
    text = section(LICENCES, "## What counts as evidence")
    paragraph = text.partition("**Licence files.**")[2].partition("\n\n")[0]
    terms, _, notes = paragraph.partition("Notice files are")
    notes, _, others = notes.partition("All such files")
    names = [re.findall(r"`([\w.-]+)`", part) for part in (terms, notes)]
    assert [len(found) > 2 for found in names] == [True, True]
    assert {licence_role(name) for name in names[0] if name != "LICENSES"} == {"licence_file"}
    assert {licence_role(name) for name in names[1]} == {"notice_file"}
    excepted = re.findall(r"\b[A-Z]{5,}\b", others)
    assert {licence_role(name) for name in excepted} == {""}


def test_the_page_counts_the_cases_that_were_read() -> None:
    cases = json.loads((ROOT / "tests/pipeline/licence_cases.json").read_text(encoding="utf-8"))
    repositories = {case["repo_name"] for case in cases}
    assert f"{len(cases)} files of {len(repositories)} repositories" in PROSE
