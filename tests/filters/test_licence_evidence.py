import io
import json
import os
import re
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_evidence import HEADER_CHARACTERS, Evidence, header_evidence, metadata_evidence
from filters.licence_expressions import parsed

# Assembled, so that this file carries no tags of its own beside those of the tests.
TAG = "SPDX-License-" + "Identifier:"
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))


def tagged_expression(text: str) -> str | None:
    evidence = header_evidence(text)
    return evidence.expression if evidence else None


# Evidence


def test_evidence_id_is_the_same_for_the_same_facts_only() -> None:
    pieces = [
        Evidence(kind, expression, where, confidence)
        for kind in ("header", "metadata")
        for expression in ("MIT", "ISC", "\ud800")
        for where in ("line 1", "line 2")
        for confidence in (1.0, 0.5)
    ]
    assert len({piece.id for piece in pieces}) == len(pieces)
    assert Evidence("header", "MIT", "line 1").id == Evidence("header", "MIT", "line 1", 1).id == "d344e694a8564b0d"


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
    expression = tagged_expression(f"# {TAG} (MIT) OR (MIT\n# {TAG} GPL-3.0-only\n")
    assert expression is not None
    assert parsed(expression) is None


def test_tag_within_the_first_4000_characters_is_read_to_the_end_of_its_line() -> None:
    text = " " * (4000 - len(TAG)) + TAG + " Apache-2.0\n"
    assert tagged_expression(text + "x" * 4_000) == "Apache-2.0"
    assert tagged_expression(" " + text + "x" * 4_000) is None


def test_tag_that_begins_within_the_last_4000_characters_is_found() -> None:
    tag = f"{TAG} ISC"
    text = "a\n" * 50_000 + tag + " " * (4_000 - len(tag))
    assert header_evidence(text) == Evidence("header", "ISC", "line 50001")
    assert tagged_expression(text + " ") is None


@pytest.mark.parametrize("gap", [0, 3_000, 3_990, 5_000, 100_000])
def test_tags_of_both_ends_are_joined_once(gap: int) -> None:
    text = f"# {TAG} MIT\n" + "x" * gap + f"\n# {TAG} GPL-3.0-only"
    assert header_evidence(text) == Evidence("header", "MIT AND GPL-3.0-only", "lines 1, 3")


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_tag_is_found_exactly_in_the_two_windows(before: int, after: int) -> None:
    tag = f"{TAG} MIT"
    is_near = before + len(TAG) <= HEADER_CHARACTERS or len(tag) + after <= HEADER_CHARACTERS
    assert (tagged_expression("x" * before + tag + "\n" + "y" * max(after - 1, 0)) is not None) == is_near


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
def test_hostile_header_is_nothing_or_unreadable(text: str) -> None:
    expression = tagged_expression(text)
    assert expression is None or parsed(expression) is None


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
                expected += any(re.search(TAG + r"[ \t]*[\w(]", end) for end in (text[:4000], text[-4000:]))
    assert found == expected > 0
