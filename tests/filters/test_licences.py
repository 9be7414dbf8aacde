import io
import json
import os
import re
from pathlib import Path

import license_expression
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.licences import (
    MAXIMUM_EXPRESSION_CHARACTERS,
    NEUTRAL,
    PERMISSIVE,
    Evidence,
    LicencePolicy,
    header_evidence,
    metadata_evidence,
)

# Assembled, so that this file carries no tags of its own beside those of the tests.
TAG = "SPDX-License-" + "Identifier:"
POLICY = LicencePolicy(frozenset(PERMISSIVE), "reject")
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))


def header(expression: str) -> Evidence:
    return Evidence("header", expression, "line 1")


def metadata(expression: str) -> Evidence:
    return Evidence("metadata", expression, "detected_licenses")


def tagged_expression(text: str) -> str | None:
    evidence = header_evidence(text)
    return evidence.expression if evidence else None


# Header


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"// {TAG} MIT", "MIT"),
        (f"/* {TAG} GPL-2.0 WITH Linux-syscall-note */", "GPL-2.0 WITH Linux-syscall-note"),
        (f"/* {TAG} MIT */ var x = 1; /* GPL */", "MIT"),
        (f"<!-- {TAG} (MIT OR CC0-1.0) -->", "(MIT OR CC0-1.0)"),
        (f"{{# {TAG} Apache-2.0 #}}", "Apache-2.0"),
        (f"(* {TAG} ISC *)", "ISC"),
        (f"{{- {TAG} ISC -}}", "ISC"),
        (f"# {TAG} GPL-2.0+", "GPL-2.0+"),
        (f" * {TAG} MIT          *", "MIT"),
        (f"#!/bin/sh\r\n# {TAG} MIT\r\n", "MIT"),
        (f"# {TAG}MIT.", "MIT"),
        (f"# {TAG.lower()} MIT", "MIT"),
        (f"# {TAG[:-1]} : MIT", "MIT"),
        (f'    "# {TAG} MIT\\n",', "MIT"),
        (f"            '{TAG} MIT',", "MIT"),
        (f'__license__ = "{TAG} MIT"', "MIT"),
        (f'"""{TAG} MIT"""', "MIT"),
        (f"(see {TAG} MIT)", "MIT"),
        (f"# {TAG} MIT, GPL-3.0-only", "MIT, GPL-3.0-only"),
    ],
)
def test_header_expression_without_its_surroundings(line: str, expected: str) -> None:
    assert tagged_expression(line) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT",
        "SPDX-License-Identifier",
        f"# {TAG}",
        f"# {TAG} NOASSERTION",
        f"# {TAG} NONE\n",
        f'if "{TAG}" in line:',
        f"prefix = '{TAG} ' + name",
    ],
)
def test_header_without_a_licence_is_no_evidence(text: str) -> None:
    assert header_evidence(text) is None


def test_header_names_its_line() -> None:
    assert header_evidence(f"#!/bin/sh\n\n# {TAG} MIT\n") == Evidence("header", "MIT", "line 3")


def test_several_tags_are_all_required() -> None:
    evidence = header_evidence(f"# {TAG} MIT OR ISC\n# {TAG} Apache-2.0\n")
    assert evidence == Evidence("header", "(MIT OR ISC) AND Apache-2.0", "lines 1, 2")


def test_repeated_tag_counts_once() -> None:
    assert tagged_expression(f"{TAG} MPL-2.0\n{TAG} mpl-2.0\n{TAG} MPL-2.0") == "MPL-2.0"


def test_tags_on_one_line_do_not_swallow_each_other() -> None:
    assert tagged_expression(f"{TAG} MIT {TAG} GPL-3.0-only") == "MIT AND GPL-3.0-only"


def test_tag_cannot_break_out_of_its_parentheses() -> None:
    evidence = header_evidence(f"# {TAG} (MIT) OR (MIT\n# {TAG} GPL-3.0-only\n")
    assert evidence is not None
    assert POLICY.decide([evidence]).rejected == "unreadable_licence_expression"


def test_tag_within_the_first_4000_characters_is_read_to_the_end_of_its_line() -> None:
    text = " " * (4000 - len(TAG)) + TAG + " Apache-2.0\n"
    assert tagged_expression(text) == "Apache-2.0"
    assert tagged_expression(" " + text) is None


@pytest.mark.parametrize(
    "text",
    [
        "*" * 1_000_000,
        TAG * 40_000,
        f"{TAG} " + "(" * 1_000_000,
        f"{TAG} " + ")" * 1_000_000,
        TAG[:-1] + " " * 1_000_000,
        (f"{TAG} MIT OR " * 100_000),
        f"{TAG} " + "(MIT OR " * 100 + "ISC" + ")" * 100,
        f"{TAG} " + "MIT OR " * 1_000_000,
        f"{TAG} \ud800\n",
        "\u0130" * 1_000_000 + TAG,
    ],
)
def test_hostile_header_is_never_accepted(text: str) -> None:
    evidence = header_evidence(text)
    decision = POLICY.decide([evidence] if evidence else [])
    assert decision.rejected in {"unreadable_licence_expression", "no_licence_found"}
    assert len(decision.detail) < 300


# Metadata


@pytest.mark.parametrize(
    ("detected", "repository", "expected"),
    [
        (["MIT"], None, Evidence("metadata", "MIT", "detected_licenses")),
        (["MIT", "ISC"], None, Evidence("metadata", "MIT AND ISC", "detected_licenses")),
        (["MIT OR ISC", "ISC"], None, Evidence("metadata", "(MIT OR ISC) AND ISC", "detected_licenses")),
        (["MIT OR ISC"], None, Evidence("metadata", "MIT OR ISC", "detected_licenses")),
        ([], "MIT", Evidence("metadata", "MIT", "gha_license_id")),
        (["GPL-3.0-only"], "MIT", Evidence("metadata", "GPL-3.0-only AND MIT", "detected_licenses, gha_license_id")),
        (["MIT"], "mit", Evidence("metadata", "MIT", "detected_licenses, gha_license_id")),
        (["MIT"], "NOASSERTION", Evidence("metadata", "MIT", "detected_licenses")),
        ([], "NOASSERTION", None),
        ([], None, None),
        (["", "NONE"], None, None),
    ],
)
def test_metadata_evidence(detected: list[str], repository: str | None, expected: Evidence | None) -> None:
    assert metadata_evidence(detected, repository) == expected


# Policy


@pytest.mark.parametrize(
    ("expression", "licence"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("apache-2.0 and mit", "Apache-2.0 AND MIT"),
        ("MIT AND MIT", "MIT"),
        ("GPL-3.0-only OR MIT", "MIT"),
        ("MIT OR Apache-2.0", "Apache-2.0"),
        ("MIT OR (ISC AND BSD-3-Clause)", "BSD-3-Clause AND ISC"),
        ("(MIT OR GPL-2.0-only) AND (Zlib OR GPL-2.0-only)", "MIT AND Zlib"),
        ("apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("MIT OR GPL-2.0-only AND ISC", "MIT"),
    ],
)
def test_allowed_expression_and_what_is_concluded(expression: str, licence: str) -> None:
    decision = POLICY.decide([header(expression)])
    assert (decision.licence, decision.rejected) == (licence, None)


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT+",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "GPL-2.0-only OR (MIT AND LGPL-2.1-only)",
        "MIT AND NOASSERTION",
        "Artistic-2.0",
        "Ruby",
        "LicenseRef-scancode-unknown-license-reference",
    ],
)
def test_expression_that_is_not_allowed(expression: str) -> None:
    decision = POLICY.decide([header(expression)])
    assert (decision.licence, decision.rejected) == ("", "licence_not_allowed_in_header")
    assert expression in decision.detail


@pytest.mark.parametrize(
    "expression",
    [
        "MIT/Apache-2.0",
        "MIT, ISC",
        "MIT License",
        "MIT OR",
        "OR MIT",
        "(MIT",
        "MIT)",
        "()",
        "( or MIT)",
        "(AND MIT)",
        "{{ expression",
        "A WITH B WITH C",
        "(MIT OR ISC) WITH x",
        "\ud800",
        "(" * 40 + "MIT" + ")" * 40,
        "MIT OR " * MAXIMUM_EXPRESSION_CHARACTERS + "MIT",
    ],
)
def test_unreadable_expression(expression: str) -> None:
    decision = POLICY.decide([header(expression)])
    assert (decision.licence, decision.rejected) == ("", "unreadable_licence_expression")


def test_detail_of_an_unreadable_header_holds_none_of_its_text() -> None:
    assert "pass word" not in POLICY.decide([header("pass word")]).detail


def test_exception_allowed_as_a_whole() -> None:
    policy = LicencePolicy(frozenset({"GPL-2.0-only WITH Classpath-exception-2.0"}), "reject")
    decision = policy.decide([header("gpl-2.0-only with classpath-exception-2.0")])
    assert decision.licence == "GPL-2.0-only WITH Classpath-exception-2.0"
    assert policy.decide([header("GPL-2.0-only")]).rejected == "licence_not_allowed_in_header"


def test_policies_do_not_share_conclusions() -> None:
    assert LicencePolicy(frozenset({"ISC"}), "reject").decide([header("MIT")]).rejected
    assert not LicencePolicy(frozenset({"MIT"}), "reject").decide([header("MIT")]).rejected


def test_finding_that_is_no_licence_is_passed_over_beside_one() -> None:
    evidence = metadata_evidence(["LicenseRef-scancode-unknown-license-reference", "MIT"], None)
    assert evidence is not None
    assert POLICY.decide([evidence]).licence == "MIT"
    strict = LicencePolicy(frozenset(PERMISSIVE), "reject", neutral=frozenset())
    assert strict.decide([evidence]).rejected == "licence_not_allowed_in_metadata"


def test_finding_that_is_no_licence_is_no_choice() -> None:
    decision = POLICY.decide([header("GPL-3.0-only OR LLVM-exception")])
    assert decision.rejected == "licence_not_allowed_in_header"


@pytest.mark.parametrize("pieces", [[], [metadata("NOASSERTION"), header("none")], [metadata("")]])
def test_without_evidence_the_recipe_decides(pieces: list[Evidence]) -> None:
    assert POLICY.decide(pieces).rejected == "no_licence_found"
    kept = LicencePolicy(POLICY.allow, "keep").decide(pieces)
    assert (kept.licence, kept.rejected) == ("NOASSERTION", None)


def test_header_concludes_before_metadata_and_source() -> None:
    pieces = [Evidence("source", "CC0-1.0", "recipe"), metadata("Apache-2.0"), header("MIT")]
    assert POLICY.decide(pieces).licence == "MIT"
    assert POLICY.decide(pieces[:2]).licence == "Apache-2.0"
    assert POLICY.decide(pieces[:1]).licence == "CC0-1.0"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([header("GPL-3.0-only"), metadata("MIT")], "licence_not_allowed_in_header"),
        ([header("MIT"), metadata("GPL-3.0-only")], "licence_not_allowed_in_metadata"),
        ([header("MIT"), Evidence("source", "CC-BY-NC-4.0", "recipe")], "licence_not_allowed_in_source"),
        ([header("MIT"), metadata("MIT OR")], "unreadable_licence_expression"),
    ],
)
def test_one_bad_piece_of_evidence_is_enough(pieces: list[Evidence], reason: str) -> None:
    assert POLICY.decide(pieces).rejected == reason
    assert POLICY.decide(pieces[::-1]).rejected == reason


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, bool]:
    """An expression over allowed letters and forbidden ones, and whether it can be satisfied."""
    operator = draw(st.sampled_from(["", "AND", "or"])) if depth else ""
    if not operator:
        identifier = draw(st.sampled_from(["MIT", "isc", "Zlib", "GPL-3.0-only", "MPL-2.0"]))
        exception = draw(st.sampled_from(["", " WITH some-exception"]))
        return identifier + exception, identifier[:3] not in ("GPL", "MPL")
    operands = draw(st.lists(expressions(depth - 1), min_size=2, max_size=3))
    text = f" {operator} ".join(f"({operand})" for operand, _ in operands)
    return text, (all if operator == "AND" else any)(satisfied for _, satisfied in operands)


@given(expressions())
def test_decision_agrees_with_boolean_logic(case: tuple[str, bool]) -> None:
    expression, satisfied = case
    decision = POLICY.decide([header(expression)])
    assert (decision.rejected is None) == satisfied


@given(expressions())
def test_concluded_licence_is_a_conjunction_of_allowed_ones(case: tuple[str, bool]) -> None:
    decision = POLICY.decide([header(case[0])])
    if decision.rejected is None:
        concluded = decision.licence.split(" AND ")
        assert concluded == sorted(set(concluded))
        assert {licence.removesuffix(" WITH some-exception") for licence in concluded} <= POLICY.allow


WORDS = st.sampled_from(["MIT", "GPL-3.0-only", "and", "OR", "with", "(", ")", "+", ":", "/", "\ud800", " "])


@given(st.one_of(st.text(st.characters()), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_expression_gets_a_decision(expression: str) -> None:
    evidence = header_evidence(f"{TAG} {expression}")
    for piece in (header(expression), metadata(expression), evidence):
        if piece is not None:
            decision = POLICY.decide([piece])
            assert (decision.licence == "") == (decision.rejected is not None)


# Lists


def test_permissive_licences_are_so_in_scancode_categories() -> None:
    index = json.loads(Path(license_expression.vendored_scancode_licensedb_index_location).read_text(encoding="utf-8"))
    categories = {entry["spdx_license_key"]: entry["category"] for entry in index}
    assert {categories.get(name) for name in PERMISSIVE} == {"Permissive", "Public Domain"}


def test_lists_name_nothing_twice() -> None:
    assert len({name.casefold() for name in (*PERMISSIVE, *NEUTRAL)}) == len(PERMISSIVE) + len(NEUTRAL)


# Real rows


def test_tags_of_real_headers_are_those_of_a_naive_search() -> None:
    shards = sorted(SHARED.glob("data/stack_v2/part-*.jsonl.zst"))[:2]
    if not shards:
        pytest.skip(f"shared data absent: {SHARED}")
    found = expected = 0
    for shard in shards:
        with shard.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                text = json.loads(line)["content"]
                found += header_evidence(text) is not None
                expected += re.search(TAG + r"[ \t]*[\w({]", text[:4000]) is not None
    assert found == expected > 0
