"""Licences of text sources: what the recipe says, what the table of the Pile knows, and which word wins."""

import license_expression
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.pile_subsets import OFF_BY_DEFAULT, source_licence, subset_licence, subset_table, unknown_subsets

IN_THE_ORDER_OF_THE_PAPER = (
    *("Pile-CC", "PubMed Central", "Books3", "OpenWebText2", "ArXiv", "Github", "FreeLaw", "StackExchange"),
    *("USPTO Backgrounds", "PubMed Abstracts", "Gutenberg (PG-19)", "OpenSubtitles", "Wikipedia (en)"),
    *("DM Mathematics", "Ubuntu IRC", "BookCorpus2", "EuroParl", "HackerNews", "YoutubeSubtitles", "PhilPapers"),
    *("NIH ExPorter", "Enron Emails"),
)
OFF = ("Books3", "OpenWebText2", "Github", "OpenSubtitles", "BookCorpus2", "YoutubeSubtitles")
WITH_A_LICENCE = {
    "FreeLaw": "LicenseRef-scancode-public-domain",
    "StackExchange": "CC-BY-SA-2.5 AND CC-BY-SA-3.0 AND CC-BY-SA-4.0",
    "USPTO Backgrounds": "LicenseRef-scancode-public-domain",
    "Gutenberg (PG-19)": "LicenseRef-scancode-public-domain",
    "Wikipedia (en)": "CC-BY-SA-3.0",
    "DM Mathematics": "Apache-2.0",
}

formats = st.sampled_from(["pile", "jsonl", "columns", "stack-v2"])
any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
subsets = st.sampled_from(IN_THE_ORDER_OF_THE_PAPER) | any_text
licences = st.sampled_from(["", " ", "MIT", "LicenseRef-ours", "NOASSERTION"])
recipes = st.dictionaries(subsets, licences, max_size=4)


def test_table_holds_the_pile() -> None:
    assert [row[0] for row in subset_table()] == list(IN_THE_ORDER_OF_THE_PAPER)


def test_subsets_that_were_taken_down_or_never_licensed_are_off() -> None:
    assert [row[0] for row in subset_table() if row[2] == "off"] == list(OFF)


def test_no_licence_is_guessed() -> None:
    assert {row[0]: row[1] for row in subset_table() if row[1] != "none known"} == WITH_A_LICENCE


@pytest.mark.parametrize("expression", sorted(set(WITH_A_LICENCE.values())))
def test_expressions_hold_known_ids_alone(expression: str) -> None:
    licensing = license_expression.get_spdx_licensing()
    assert licensing.unknown_license_keys(licensing.parse(expression)) == []


@pytest.mark.parametrize("name", IN_THE_ORDER_OF_THE_PAPER)
def test_every_entry_says_why_and_whether_that_was_read(name: str) -> None:
    known = subset_licence(name)
    assert known is not None
    assert known.name == name
    assert known.basis.endswith(".")
    assert known.checked == ("named source" if known.source else "from memory")
    assert "|" not in known.basis + known.source  # they stand in a Markdown table


def test_row_of_the_documentation() -> None:
    rows = {row[0]: row for row in subset_table()}
    assert rows["NIH ExPorter"][1:3] == ("none known", "on")
    assert rows["NIH ExPorter"][4] == "from memory"
    assert rows["StackExchange"][4] == "named source: meta.stackexchange.com/questions/347758"


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("GitHub", "Github"),
        ("books3", "Books3"),
        (" YouTube_Subtitles", "YoutubeSubtitles"),
        ("WIKIPEDIA-EN", "Wikipedia (en)"),
    ],
)
def test_another_spelling_is_the_same_subset(spelt: str, name: str) -> None:
    assert subset_licence(spelt) == subset_licence(name) is not None


@pytest.mark.parametrize("name", ["", "()", "Wikipedia", "Books", "my own", "\0", "\ud800", "x" * 10_000_000])
def test_any_other_name_is_no_subset_of_the_pile(name: str) -> None:
    assert subset_licence(name) is None
    assert source_licence("pile", name, {}, "MIT") == ("MIT", "recipe", None)


@pytest.mark.parametrize(
    ("row_format", "subset", "named", "declared", "expected"),
    [
        # The more specific word wins.
        ("pile", "Wikipedia (en)", {}, "MIT", ("CC-BY-SA-3.0", "table of the Pile's subsets", None)),
        ("pile", "Wikipedia (en)", {"Wikipedia (en)": "X"}, "MIT", ("X", "recipe, subset_licences", None)),
        ("pile", "Pile-CC", {}, "MIT", ("MIT", "recipe", None)),
        ("pile", "Pile-CC", {"Pile-CC": "X"}, "MIT", ("X", "recipe, subset_licences", None)),
        ("pile", "Pile-CC", {"Wikipedia (en)": "X"}, "", ("", "", None)),
        # Off until named; the blanket word does not turn anything on.
        ("pile", "Books3", {}, "MIT", ("", "", OFF_BY_DEFAULT)),
        ("pile", "Books3", {"Books3": "X"}, "", ("X", "recipe, subset_licences", None)),
        ("pile", "GitHub", {"Github": "X"}, "", ("X", "recipe, subset_licences", None)),
        ("pile", "Github", {"Books3": "X"}, "", ("", "", OFF_BY_DEFAULT)),
        # An empty word says nothing, NOASSERTION that nothing is known.
        ("pile", "Books3", {"Books3": ""}, "", ("", "", None)),
        ("pile", "Books3", {"Books3": " "}, "MIT", ("MIT", "recipe", None)),
        ("pile", "DM Mathematics", {"DM Mathematics": ""}, "MIT", ("Apache-2.0", "table of the Pile's subsets", None)),
        (
            *("pile", "DM Mathematics", {"DM Mathematics": "NOASSERTION"}, "MIT"),
            ("NOASSERTION", "recipe, subset_licences", None),
        ),
        ("pile", "", {}, "", ("", "", None)),
        ("pile", "", {}, " ", ("", "", None)),
        # The table is about the Pile alone.
        ("jsonl", "Books3", {}, "MIT", ("MIT", "recipe", None)),
        ("columns", "Wikipedia (en)", {}, "", ("", "", None)),
        ("jsonl", "manuals", {"manuals": "CC0-1.0"}, "MIT", ("CC0-1.0", "recipe, subset_licences", None)),
        ("jsonl", "Manuals", {"manuals": "CC0-1.0"}, "MIT", ("MIT", "recipe", None)),
    ],
)
def test_who_has_the_word(
    row_format: str, subset: str, named: dict[str, str], declared: str, expected: tuple[str, str, str | None]
) -> None:
    assert source_licence(row_format, subset, named, declared) == expected


@given(formats, subsets, recipes, licences)
def test_a_licence_comes_from_somebody_and_with_who_it_was(
    row_format: str, subset: str, named: dict[str, str], declared: str
) -> None:
    expression, where, rejected = source_licence(row_format, subset, named, declared)
    known = subset_licence(subset) if row_format == "pile" else None
    assert expression in {"", declared, known.expression if known else "", *named.values()}
    assert bool(expression.strip()) == bool(expression) == bool(where)
    assert rejected in {None, OFF_BY_DEFAULT}
    if rejected:
        assert not expression
        assert row_format == "pile"


@given(st.sampled_from(OFF), recipes, licences)
def test_only_its_own_name_turns_a_subset_on(subset: str, named: dict[str, str], declared: str) -> None:
    _, _, rejected = source_licence("pile", subset, named, declared)
    assert (rejected is None) == (subset in named)


@given(formats, subsets, recipes, st.sampled_from(IN_THE_ORDER_OF_THE_PAPER), licences)
def test_naming_one_subset_changes_no_other(
    row_format: str, subset: str, named: dict[str, str], other: str, licence: str
) -> None:
    known = subset_licence(subset)
    if other not in {subset, known.name if known else ""}:
        before = source_licence(row_format, subset, named, "MIT")
        assert source_licence(row_format, subset, {**named, other: licence}, "MIT") == before


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Wikipedia", "Wikipedia (en)"),
        ("GitHub", "Github"),
        ("Stack Exchange", "StackExchange"),
        ("OWT2", "OpenWebText2"),
        ("YTSubtitles", "YoutubeSubtitles"),
        ("BookCorpus", "BookCorpus2"),
    ],
)
def test_mistyped_name_is_told_with_the_nearest(name: str, nearest: str) -> None:
    assert unknown_subsets("pile", ["Books3", name]) == [(name, nearest)]


@pytest.mark.parametrize("row_format", ["jsonl", "columns", "stack-v2"])
def test_subsets_of_other_formats_are_anybodys(row_format: str) -> None:
    assert unknown_subsets(row_format, ["Wikipedia", ""]) == []


@given(st.lists(subsets))
def test_what_the_check_lets_through_is_in_the_table(names: list[str]) -> None:
    unknown = unknown_subsets("pile", names)
    assert [name for name, _ in unknown] == [name for name in names if name not in IN_THE_ORDER_OF_THE_PAPER]
    assert {nearest for _, nearest in unknown} <= set(IN_THE_ORDER_OF_THE_PAPER)


def test_the_check_survives_a_long_name() -> None:
    assert unknown_subsets("pile", ["Wikipedia" + "x" * 5_000_000])[0][1] == "Wikipedia (en)"
