"""What a row's metadata says, whatever stands there, and what is written down of a document."""

import json
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS
from filters.licence_policy import LicencePolicy
from filters.swhid import blob_of_text
from manifests.document import Document
from pipeline.licence_gathering import NOTHING
from pipeline.measuring import ROWS, Raw, RowFacts, facts_of, identified, measuring
from pipeline.recipe import Recipe, Source
from stages.exchange import table_of
from stages.readers import ShardSource
from stages.release_index import SKETCHES
from stages.shingles import content_hash

UNKNOWN = "LicenseRef-scancode-unknown"
TOO_LONG = [f"LicenseRef-{number}" for number in range(MAXIMUM_EXPRESSION_CHARACTERS // 10)]


def said(**fields: Any) -> tuple[str, str]:
    evidence = facts_of(json.dumps(fields)).licences()
    assert evidence.kind == "metadata"
    return evidence.expression, evidence.where


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("", "")),
        ({"detected_licenses": [], "gha_license_id": None, "license_type": "no_license"}, ("", "")),
        ({"detected_licenses": ["MIT"]}, ("MIT", "detected_licenses")),
        ({"detected_licenses": "MIT"}, ("MIT", "detected_licenses")),
        ({"gha_license_id": "ISC", "license_type": "non_permissive"}, ("ISC", "gha_license_id")),
        ({"detected_licenses": ["MIT"], "gha_license_id": "ISC"}, ("MIT AND ISC", "detected_licenses, gha_license_id")),
        ({"license_type": "non_permissive"}, (UNKNOWN, "license_type")),
        ({"license_type": "permissive"}, ("", "")),
    ],
)
def test_the_fields_that_speak_are_named(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert said(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"detected_licenses": {"MIT": 1}}, "detected_licenses"),
        ({"detected_licenses": ["MIT", 1], "gha_license_id": "MIT"}, "detected_licenses"),
        ({"detected_licenses": ["MIT"], "gha_license_id": ["MIT"]}, "gha_license_id"),
    ],
)
def test_a_field_of_a_wrong_type_is_evidence_that_nothing_allows(fields: dict[str, Any], where: str) -> None:
    evidence = facts_of(json.dumps(fields)).licences()
    assert evidence.where == where
    assert LicencePolicy(frozenset(["permissive"])).decide([evidence]).rejected == "unreadable_licence_expression"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"detected_licenses": TOO_LONG}, "detected_licenses"),
        ({"detected_licenses": ["M" * (MAXIMUM_EXPRESSION_CHARACTERS + 1)]}, "detected_licenses"),
        ({"gha_license_id": " OR ".join(["MIT", *TOO_LONG])}, "gha_license_id"),
    ],
)
def test_more_than_can_be_read_is_one_licence_that_nobody_knows(fields: dict[str, Any], where: str) -> None:
    assert said(**fields) == (UNKNOWN, where)


def test_the_longest_that_can_be_read_stays() -> None:
    longest = "M" * MAXIMUM_EXPRESSION_CHARACTERS
    assert said(detected_licenses=[longest]) == (longest, "detected_licenses")


def facts(**fields: Any) -> RowFacts:
    return facts_of(json.dumps(fields))


@pytest.mark.parametrize(
    ("stars", "expected"),
    [(None, 0), (7, 7), (7.0, 7), (-3, 0), (10**20, 2**31 - 1), (1e300, 2**31 - 1), ("7", 0), ([7], 0)],
)
def test_stars_are_a_number_of_31_bits(stars: object, expected: int) -> None:
    assert facts(star_events_count=stars).stars() == expected


@given(st.datetimes())
def test_recency_is_the_day_of_the_revision(when: datetime) -> None:
    days = max(0, (when.date() - date(1970, 1, 1)).days)
    assert facts(revision_date=when.isoformat()).recency() == days
    assert facts(revision_date=when.date().isoformat()).recency() == days


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON, JSON, JSON, JSON)
@example("20200101T00", 10**400, "2020-13-01", 5)
@example("2020-W01-1", "9" * 5000, {"a": 1}, [])
@example(True, 10**400, False, True)
def test_any_facts_are_read(one: object, other: object, third: object, fourth: object) -> None:
    said = facts(revision_date=one, star_events_count=other, directory_id=third, revision_id=fourth)
    assert 0 <= said.recency() < 2**22
    assert 0 <= said.stars() < 2**31
    assert said.directory() == (third if isinstance(third, str) else "")
    assert said.revision() == (fourth if isinstance(fourth, str) else "")


def test_a_document_is_measured_as_a_row_and_a_sketch() -> None:
    source = Source(name="code", format="stack-v2", paths=["*"], kind="code")
    recipe = Recipe(name="small", version="0.1.0", sources=[source])
    text = "def greeting(name):\n    return f'hello, {name}, and welcome'\n"
    document = Document(id="ab" * 16, text=text, kind="code", source="code", path="x.py", repo="a/b")
    said = facts(star_events_count=3, revision_date="1970-01-03", revision_id="r1", directory_id="d1")
    row, sketch = measuring(recipe)(document, Raw(document, 77), said, NOTHING)
    written = table_of([row], ROWS).to_pylist()[0]
    expected = {"id": b"\xab" * 16, "num_bytes": 77, "language": "Python", "repo": "a/b", "path": "x.py"}
    expected |= {"revision": "r1", "stars": 3, "recency": 2, "url": "", "sha256": sha256(text.encode()).digest()}
    expected |= {"blob": blob_of_text(text)}
    assert {name: written[name] for name in expected} == expected
    assert sketch.content_hash == content_hash(text)
    assert table_of([sketch], SKETCHES).to_pylist()[0]["values"] == sketch.values


@pytest.mark.parametrize(
    ("path", "kind", "language"), [("a/README.md", "text", "Markdown"), ("a.py", "code", "Python")]
)
def test_prose_is_told_by_the_language_that_its_name_has(path: str, kind: str, language: str) -> None:
    source = ShardSource("stack", "stack-v2", "code", prose_files="text")
    text = "The rain in Spain stays mainly in the plain, and so do all of the people whom we have asked about it.\n"
    given = Document(id="0" * 32, text=text, kind="code", source="stack", path=path)
    found, natural, _ = identified(given, source, from_content=False)
    assert (found.kind, found.language) == (kind, language)
    assert natural == ("en" if kind == "text" else None)
