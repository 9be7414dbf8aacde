import json
import re
import runpy
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.programming_languages import languages_table, programming_language
from filters.shared_extensions import HEAD_CHARACTERS, MARKS

NAMES = st.one_of(
    st.text(max_size=20),
    st.sampled_from([*MARKS, "Makefile", "a.py", "a.html.erb", "x.tar.gz", "a/b", "", ".", "..", "a."]),
)
CONTENT = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from("#!-*:; \n\r\x00\ud800\ufeffavimftse=/"), max_size=60),
)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/a.py", "Python"),
        ("SRC/A.PY", "Python"),
        ("/Makefile", "Makefile"),
        ("Makefile.am", "Makefile"),
        ("makefile.am", ""),
        ("." * 10**6 + "x y", ""),
        ("." * 10**6 + ".py", "Python"),
        ("view.html.erb", "HTML+ERB"),
        ("view.html.unknown", ""),
        ("a.min.js", "JavaScript"),
        (".gitignore", "Ignore List"),
        ("py", ""),
        ("folder.py/data", ""),
        ("", ""),
        (".", ""),
    ],
)
def test_name_alone_decides(path: str, language: str) -> None:
    assert programming_language(path, "") == language


def test_a_name_of_one_language_is_not_overruled() -> None:
    assert programming_language("a.py", "#!/bin/sh\n# -*- mode: ruby -*-\n") == "Python"


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("#!/bin/sh", "Shell"),
        ("#! /bin/bash -e", "Shell"),
        ("#!/usr/bin/env python3", "Python"),
        ("#!/usr/bin/env -S LC_ALL=C perl -w", "Perl"),
        ("#!/usr/bin/python3.11", "Python"),
        ("#!perl", "Perl"),
        ("\ufeff#!/bin/sh", "Shell"),
        ("#!/usr/bin/unheard-of", ""),
        ("#!", ""),
        ("#!/usr/bin/env", ""),
        (" #!/bin/sh", ""),
        ('<?xml version="1.0"?>', "XML"),
        ("\ufeff<?xml", "XML"),
        ("<xml>", ""),
    ],
)
def test_first_line_of_a_file_without_a_known_name(line: str, language: str) -> None:
    assert programming_language("run", f"{line}\nrest\n") == language
    assert programming_language("run", line) == language


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("# -*- mode: org -*-", "Org"),
        ("# -*- coding: utf-8; mode: ruby; -*-", "Ruby"),
        ("/* -*- C++ -*- */", "C++"),
        ("// -*-Mode:C++-*-", "C++"),
        ("# vim: set ft=make :", "Makefile"),
        ("# vim:ft=sh:sw=4", "Shell"),
        ("# ex: syntax=lua", "Lua"),
        ("; -*- coding: utf-8 -*-", ""),
        ("-*- org", ""),
        ("# convim:ft=sh", ""),
        ("# vim: set ft=unheardof:", ""),
    ],
)
def test_modeline_at_either_end(line: str, language: str) -> None:
    middle = "x\n" * 20
    assert programming_language("notes.0", f"{line}\n{middle}") == language
    assert programming_language("notes.0", f"{middle}{line}\n") == language
    assert programming_language("notes.0", f"{middle}{line}\n{middle}") == ""


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a.h", "int x;\n", "C"),
        ("a.h", "namespace a {\n}\n", "C++"),
        ("a.h", "/* -*- C++ -*- */\nint x;\n", "C++"),
        ("a.h", "// c\r\n@interface A\r\n@end\r\n", "Objective-C"),
        ("a.m", "#import <A.h>\n", "Objective-C"),
        ("a.m", "function y = f(x)\ny = x;\n", "MATLAB"),
        ("a.pl", "use strict;\n", "Perl"),
        ("a.pl", ":- module(a, []).\nb(X) :- c(X).\n", "Prolog"),
        ("a.t", "#!/usr/bin/env raku\n", "Raku"),
        ("a.t", "Test of a thing\n\n  $ echo a\n  a\n", ""),
        ("a.rs", "fn main() {}\n", "Rust"),
        ("a.rs", "#pragma version(1)\n", "RenderScript"),
        ("a.ts", "let a = 1;\n", "TypeScript"),
        ("a.ts", '<?xml version="1.0"?>\n<TS version="2.0">\n', "XML"),
        ("a.md", "# Title\n", "Markdown"),
        ("a.md", '(define_insn "a")\n', "GCC Machine Description"),
        ("a.v", "Lemma a : b.\nProof.\nQed.\n", "Coq"),
        ("a.v", "module a(input b);\nendmodule\n", "Verilog"),
        ("a.sql", "SELECT 1;\n", "SQL"),
        ("a.sql", "USE a\r\nGO\r\nSELECT 1\r\n", "TSQL"),
        ("a.1", ".TH A 1\n.SH NAME\n", "Roff Manpage"),
        ("release.1", "just text\n", ""),
        ("a.pro", "/* vim: set ft=c : */\n", "C"),
        ("a.pro", "-keep class a\n", "Proguard"),
        ("a.sol", "// SPDX-License-" + "Identifier: MIT\ncontract A {}\n", "Solidity"),
        ("a.sol", "G04 a*\n", "Gerber Image"),
        ("a.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "Public Key"),
        ("a.fs", "let a = 1\n", "F#"),
        ("a.fs", "#version 330\nvoid main() {}\n", "GLSL"),
        ("a.yaml", "a: 1\n", "YAML"),
        ("a.plist", '<?xml version="1.0"?>\n', "XML Property List"),
        ("a.cls", "\\ProvidesClass{a}\n", "TeX"),
        ("a.cls", "public class A {}\n", "Apex"),
        ("a.php", "<?hh\n", "Hack"),
        ("a.x", "[NAME]\na - b\n", ""),
    ],
)
def test_content_tells_languages_of_one_extension_apart(path: str, text: str, language: str) -> None:
    assert programming_language(path, text) == language


def test_marks_beyond_the_head_are_not_seen() -> None:
    assert programming_language("a.h", " " * HEAD_CHARACTERS + "\nnamespace a {}\n") == "C"


def test_every_shared_extension_has_marks() -> None:
    shared = {extension for extension, languages in languages_table().extensions.items() if len(languages) > 1}
    assert shared <= MARKS.keys() <= languages_table().extensions.keys()


def test_marks_name_languages_of_the_table_and_are_in_lower_case() -> None:
    known = {language for languages in languages_table().aliases.values() for language in languages}
    for languages in MARKS.values():
        assert languages.keys() - {""} <= known
        *_, last = languages
        for language, marks in languages.items():
            assert marks or language == last  # what stands behind a default is never reached
            assert all(mark == mark.lower() and "\r" not in mark for mark in marks)


def test_the_table_is_as_its_script_writes_it() -> None:
    text = files("filters").joinpath("linguist.json").read_text(encoding="utf-8")
    data = json.loads(text)
    version = data["source"].split()[1].rstrip(",")
    script = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "linguist_table.py"))
    assert script["table"](data["languages"], version) == text


def test_table_is_linguists() -> None:
    table = languages_table()
    assert len({language for languages in table.aliases.values() for language in languages}) == 658
    assert table.extensions[".h"] == ("C", "C++", "Objective-C")
    assert table.filenames["Makefile"] == ("Makefile",)
    assert table.interpreters["python3"] == ("Python",)


@given(path=NAMES, text=CONTENT)
def test_is_total_and_names_known_languages(path: str, text: str) -> None:
    known = {language for languages in languages_table().aliases.values() for language in languages}
    language = programming_language(path, text)
    assert language in known | {""}
    assert programming_language(path, text) == language


@given(folder=st.from_regex(re.compile(r"[a-z./]{0,12}"), fullmatch=True), name=NAMES, text=CONTENT)
def test_folders_say_nothing(folder: str, name: str, text: str) -> None:
    assert programming_language(f"{folder}/{name}", text) == programming_language(name, text)
