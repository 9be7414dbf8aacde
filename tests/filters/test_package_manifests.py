"""What manifests declare: fields of six formats, silence where the terms stand elsewhere, no exception for any text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_files import licence_role
from filters.package_manifests import (
    MANIFEST_NAMES,
    MAXIMUM_DECLARATION_CHARACTERS,
    MAXIMUM_MANIFEST_CHARACTERS,
    PROPRIETARY,
    UNKNOWN,
    declared_licences,
)

BOM = "\ufeff"
names = st.sampled_from(sorted(MANIFEST_NAMES))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["MIT", "A OR B", "\ud800", "\0"]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["type", "url", "x"]), children, max_size=3)
    ),
    max_leaves=6,
)
fragments = st.lists(
    st.sampled_from(
        [
            *(
                "[project]",
                "[metadata]",
                "[package]",
                "[workspace.package]",
                "license",
                "licenses",
                "=",
                ":",
                '"',
                "\n",
                " ",
            ),
            *(
                "MIT",
                "/",
                "{",
                "}",
                "[",
                "]",
                ",",
                "<project>",
                "<licenses>",
                "<license>",
                "<name>",
                "</name>",
                "</license>",
            ),
            *(
                "</licenses>",
                "</project>",
                "<!DOCTYPE a>",
                "&amp;",
                "\0",
                "\ud800",
                "text",
                "workspace",
                "true",
                ".",
                "'",
            ),
        ]
    ),
    max_size=30,
).map("".join)


def pom(body: str, *, head: str = "<project>", foot: str = "</project>") -> str:
    return f'<?xml version="1.0" encoding="UTF-16"?>{head}{body}{foot}'


def licence(body: str) -> str:
    return f"<licenses><license>{body}</license></licenses>"


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ({"license": "MIT"}, ["MIT"]),
        ({"license": "(MIT OR GPL-2.0)"}, ["(MIT OR GPL-2.0)"]),
        ({"license": "Apache License, Version 2.0"}, ["Apache License, Version 2.0"]),
        ({"license": {"type": "MIT", "url": "https://x.org"}}, ["MIT"]),
        ({"license": {"url": "https://x.org/mit"}}, ["https://x.org/mit"]),
        ({"license": ["MIT", "ISC"]}, ["MIT OR ISC"]),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0 AND ISC"}]}, ["MIT OR (GPL-2.0 AND ISC)"]),
        ({"licenses": [{"type": "MIT"}, {"type": "MIT"}]}, ["MIT"]),
        ({"licenses": [{"type": "Apache License, Version 2.0"}, "MIT"]}, ["Apache License, Version 2.0", "MIT"]),
        ({"license": "ISC", "licenses": [{"type": "MIT"}]}, ["ISC"]),
        ({"license": "UNLICENSED"}, [PROPRIETARY]),
        ({"license": "Unlicense"}, ["Unlicense"]),
        ({"license": "SEE LICENSE IN LICENSE.txt"}, []),
        ({"license": "LICENSE.md"}, []),
        ({"license": "public domain"}, ["public domain"]),
        ({"license": " "}, []),
        ({"license": None}, []),
        ({"license": 3}, []),
        ({"license": [[], {}, None, 1]}, []),
        ({"license": {"type": ["MIT"]}}, []),
        ({}, []),
        ([], []),
        ("MIT", []),
    ],
)
def test_package_json(package: object, expected: list[str]) -> None:
    assert declared_licences("/a/package.json", json.dumps(package)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("MIT", ["MIT"]),
        (["LGPL-2.1-only", "GPL-3.0-or-later"], ["LGPL-2.1-only OR GPL-3.0-or-later"]),
        ("proprietary", [PROPRIETARY]),
    ],
)
def test_composer_json(value: object, expected: list[str]) -> None:
    assert declared_licences("composer.json", json.dumps({"license": value})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[package]\nlicense = "MIT OR Apache-2.0"', ["MIT OR Apache-2.0"]),
        ('[package]\nlicense = "MIT/Apache-2.0"', ["MIT OR Apache-2.0"]),
        ('[package]\nlicense = "MIT / Apache-2.0 WITH LLVM-exception"', ["MIT OR Apache-2.0 WITH LLVM-exception"]),
        ('[package]\nlicense = "MIT/ISC AND Zlib"', ["(MIT OR ISC) AND Zlib"]),
        ('[package]\nlicense = "https://x.org/mit"', ["https://x.org/mit"]),
        ('[package]\nlicense-file = "LICENSE"', []),
        ("[package]\nlicense.workspace = true", []),
        ('[workspace.package]\nlicense = "MIT/ISC"', ["MIT OR ISC"]),
        ('[package]\nlicense = "MIT"\n[workspace.package]\nlicense = "ISC"', ["MIT", "ISC"]),
        ('[package]\nlicense = "MIT"\n[workspace.package]\nlicense = "MIT"', ["MIT"]),
        ('package = "MIT"\nworkspace = [1]', []),
    ],
)
def test_cargo_toml(text: str, expected: list[str]) -> None:
    assert declared_licences("Cargo.toml", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nlicense = "MIT AND (Apache-2.0 OR BSD-2-Clause)"', ["MIT AND (Apache-2.0 OR BSD-2-Clause)"]),
        ('[project]\nlicense = {text = "BSD 3-Clause License"}', ["BSD 3-Clause License"]),
        ('[project]\nlicense = {text = """\nLine one\nLine two\n"""}', ["Line one\nLine two"]),
        ('[project]\nlicense = {file = "LICENSE"}', []),
        ('[project]\nlicense = {text = "MIT"}\nclassifiers = ["License :: OSI Approved :: BSD License"]', ["MIT"]),
        (
            '[project]\nlicense = {file = "LICENSE"}\nclassifiers = ["License :: OSI Approved :: MIT License", "X"]',
            ["License :: OSI Approved :: MIT License"],
        ),
        ('[project]\nclassifiers = ["License :: OSI Approved", 3]', []),
        ('[tool.poetry]\nlicense = "MIT"', ["MIT"]),
        ('[project]\ndynamic = ["license"]\n[tool.poetry]\nlicense = "MIT"', ["MIT"]),
        ("[project]\nlicense = 3\nclassifiers = 4", []),
        ("project = 1\ntool = 2", []),
        ('[project]\nlicense = "Proprietary"', [PROPRIETARY]),
    ],
)
def test_pyproject_toml(text: str, expected: list[str]) -> None:
    assert declared_licences("pyproject.toml", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[metadata]\nlicense = MIT\n", ["MIT"]),
        ("[Metadata]\r\nLicense: Apache License, Version 2.0: yes\r\n", ["Apache License, Version 2.0: yes"]),
        ("[metadata]\nlicense =\n  Apache License\n  # a comment\n  2.0\n", ["Apache License 2.0"]),
        ("[metadata]\nlicense_files = LICENSE\n", []),
        ("[other]\nlicense = MIT\n[metadata]\nname = x\n[more]\nlicense = ISC\n", []),
        ("[metadata]\nlicense = GPL\nlicense = MIT\n", ["MIT"]),
        (
            "[metadata]\nlicense = Dual License\nclassifiers =\n  X\n  License :: A\n  License :: B\n",
            ["License :: A", "License :: B"],
        ),
        ("license = MIT", []),
        ("[metadata]\n= MIT\nlicense\n", []),
    ],
)
def test_setup_cfg(text: str, expected: list[str]) -> None:
    assert declared_licences("setup.cfg", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pom(licence("<name>MIT</name><url>https://x.org</url>")), ["MIT"]),
        (pom(licence("<name>\n  The MIT\n  License </name>")), ["The MIT License"]),
        (pom(licence("<name/><url>https://x.org</url>")), ["https://x.org"]),
        (pom(licence("<comments>MIT</comments>")), []),
        (pom(licence("<name>A &amp; B</name>")), ["A & B"]),
        (pom(licence("<name>M<!-- c -->I<b>x</b>T</name>")), ["MIT"]),
        (pom("<licenses><license><name>A</name></license><license><name>B</name></license></licenses>"), ["A", "B"]),
        (pom(licence("<name>A</name>"), head='<project xmlns="http://maven.apache.org/POM/4.0.0">'), ["A"]),
        (
            pom(
                "<m:licenses><m:license><m:name>A</m:name></m:license></m:licenses>",
                head='<m:project xmlns:m="x">',
                foot="</m:project>",
            ),
            ["A"],
        ),
        (pom(f"<parent>{licence('<name>A</name>')}</parent>"), []),
        (pom(f"<build><plugins>{licence('<name>A</name>')}</plugins></build>"), []),
        (pom(licence("<name>A</name>"), head="<settings>", foot="</settings>"), []),
        (pom(licence("<name>A</name>"), foot=""), [UNKNOWN]),
    ],
)
def test_pom_xml(text: str, expected: list[str]) -> None:
    assert declared_licences("pom.xml", text) == expected


def test_the_name_decides_whatever_its_case_and_folder() -> None:
    text = '{"license": "MIT"}'
    assert declared_licences("/a/b/PACKAGE.JSON", text) == ["MIT"]
    assert declared_licences("package.json/x", text) == []
    assert declared_licences("", text) == []


def test_every_manifest_has_the_role_of_one() -> None:
    assert {licence_role(f"a/{name}") for name in MANIFEST_NAMES} == {"manifest"}


@given(names)
def test_empty_and_broken_manifests_declare_nothing(name: str) -> None:
    assert [declared_licences(name, text) for text in ("", BOM, "\0", "{", "[", "<")] == [[]] * 6


def test_a_byte_order_mark_is_passed_over() -> None:
    assert declared_licences("package.json", BOM + '{"license": "MIT"}') == ["MIT"]
    assert declared_licences("Cargo.toml", BOM + '[package]\nlicense = "MIT"') == ["MIT"]
    assert declared_licences("setup.cfg", BOM + "[metadata]\nlicense = MIT") == ["MIT"]
    assert declared_licences("pom.xml", BOM + pom(licence("<name>MIT</name>"))) == ["MIT"]


def test_of_duplicate_keys_the_last_counts_as_npm_has_it() -> None:
    assert declared_licences("package.json", '{"license": "GPL-2.0", "license": "MIT"}') == ["MIT"]


def test_a_manifest_above_the_bound_that_speaks_of_a_licence_is_unknown() -> None:
    text = json.dumps({"license": "MIT"})
    assert declared_licences("package.json", text.ljust(MAXIMUM_MANIFEST_CHARACTERS)) == ["MIT"]
    assert declared_licences("package.json", text.ljust(MAXIMUM_MANIFEST_CHARACTERS + 1)) == [UNKNOWN]
    assert declared_licences("package.json", "{}".ljust(MAXIMUM_MANIFEST_CHARACTERS + 1)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"license": "GPL-3.0-only",}'),
        ("package.json", '{"license": "MIT" /* and more */}'),
        ("pom.xml", "<project><name>this & that</name><licenses/></project>"),
        ("Cargo.toml", 'license = "GPL'),
    ],
)
def test_a_broken_manifest_that_speaks_of_a_licence_is_unknown(name: str, text: str) -> None:
    assert declared_licences(name, text) == [UNKNOWN]


@pytest.mark.parametrize("said", ["See COPYING (GPL v3)", "see GPL-3.0", "Refer to the GNU GPL", "license.gpl"])
def test_a_reference_that_names_a_licence_is_no_silence(said: str) -> None:
    assert declared_licences("package.json", json.dumps({"license": said})) == [said]


def test_the_address_speaks_where_the_name_of_a_licence_says_nothing() -> None:
    for name in ("license", "See file", "My License", ""):
        said = licence(f"<name>{name}</name><url>http://gnu.org/gpl</url>")
        assert declared_licences("pom.xml", f"<project>{said}</project>") == ["http://gnu.org/gpl"]
    placeholder = licence("<name>My License</name><url>http://....</url>")
    assert declared_licences("pom.xml", f"<project>{placeholder}</project>") == []


def test_a_long_declaration_is_cut() -> None:
    [entry] = declared_licences("package.json", json.dumps({"license": "word " * 10_000}))
    assert len(entry) <= MAXIMUM_DECLARATION_CHARACTERS


def test_more_declarations_than_a_package_has_are_unknown() -> None:
    package = {"licenses": [f"Licence number {number}" for number in range(1_000)]}
    assert declared_licences("package.json", json.dumps(package)) == [UNKNOWN]


def test_what_is_returned_can_be_stored() -> None:
    assert declared_licences("package.json", r'{"license": "M\ud800I\u0000T"}') == ["M?I T"]


def test_entities_are_not_expanded() -> None:
    declaration = '<!DOCTYPE project [<!ENTITY a "MIT">]>'
    assert declared_licences("pom.xml", declaration + f"<project>{licence('<name>&a;</name>')}</project>") == [UNKNOWN]
    assert declared_licences("pom.xml", declaration + f"<project>{licence('<name>MIT</name>')}</project>") == [UNKNOWN]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", "[" * 200_000),
        ("package.json", '{"license":' * 20_000),
        ("package.json", "1" * 200_000),
        ("Cargo.toml", "a=" + "[" * 200_000),
        ("Cargo.toml", "a=" + "{a=" * 80_000),
        ("Cargo.toml", ".".join("a" * 100_000) + "=1"),
        ("Cargo.toml", "[" + ".".join("a" * 100_000) + "]"),
        ("Cargo.toml", "a=" + "1" * 200_000),
        ("pom.xml", "<a>" * 80_000),
        ("pom.xml", "<" * 200_000),
        ("pom.xml", "<" * 20_000_000),
        ("setup.cfg", "[metadata]\na" + " " * 200_000 + "b"),
        ("setup.cfg", "[" * 200_000),
    ],
    ids=lambda value: value[:12],
)
def test_hostile_manifests_declare_nothing_that_is_understood(name: str, text: str) -> None:
    assert declared_licences(name, text) == ([UNKNOWN] if "licen" in text else [])


@pytest.mark.parametrize("licence", ["a" + " " * 200_000 + "b", "a/" * 100_000 + "b", "a" * 1_990 + " and b"])
def test_hostile_expressions_are_read_in_linear_time(licence: str) -> None:
    assert len(declared_licences("Cargo.toml", f'[package]\nlicense = "{licence}"')) == 1


@given(names, st.text() | fragments)
def test_any_text_is_survived(name: str, text: str) -> None:
    for entry in declared_licences(name, text):
        assert entry
        assert entry == entry.strip()
        assert entry.encode()


@given(st.sampled_from(["package.json", "composer.json"]), st.sampled_from(["license", "licenses"]), json_values)
def test_wrong_types_are_survived(name: str, key: str, value: object) -> None:
    entries = declared_licences(name, json.dumps({key: value}))
    assert len(entries) == len(set(entries))
    assert all(isinstance(entry, str) and entry and entry.encode() for entry in entries)
