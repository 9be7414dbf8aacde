"""What of a row's metadata speaks of licences, whatever stands there."""

import json
from typing import Any

import pytest

from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS
from filters.licence_policy import LicencePolicy
from pipeline.measuring import facts_of

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
