"""What a distribution declares about its licence, as SPDX."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo_licences import detected_licences, licence_type


@pytest.mark.parametrize(
    ("metadata", "notice", "expected"),
    [
        ({"license_expression": "MIT OR Apache-2.0", "license": "GPL"}, "", ["MIT OR Apache-2.0"]),
        ({"license": "Apache 2.0"}, "", ["Apache-2.0"]),
        ({"license": "MPL-2.0 AND MIT"}, "", ["MPL-2.0 AND MIT"]),
        ({"license": "BSD"}, "Redistribution and use ...", ["BSD-2-Clause"]),
        ({"license": "BSD"}, "Neither  the\nname of", ["BSD-3-Clause"]),
        ({"license": "UNKNOWN", "classifier": ["License :: OSI Approved :: MIT License"]}, "", ["MIT"]),
        ({"license": "Copyright (c) 2001\nAll rights", "classifier": ["License :: OSI Approved"]}, "", []),
        ({}, "", []),
    ],
)
def test_declared_licences_become_spdx(metadata: dict[str, Any], notice: str, expected: list[str]) -> None:
    assert detected_licences(metadata, notice) == expected


@given(st.text(alphabet="()MITandorBSD-2.0 +/", max_size=30))
def test_any_licence_field_is_taken(text: str) -> None:
    assert licence_type(detected_licences({"license": text}, "")) in ("permissive", "non_permissive", "no_license")


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        ([], "no_license"),
        (["MIT"], "permissive"),
        (["GPL-3.0-only OR MIT"], "permissive"),
        (["MPL-2.0 AND MIT"], "non_permissive"),
        (["MIT", "LGPL-2.1-only"], "non_permissive"),
        (["BSD-2-Clause AND Apache-2.0 WITH LLVM-exception"], "permissive"),
    ],
)
def test_licence_type(licences: list[str], expected: str) -> None:
    assert licence_type(licences) == expected
