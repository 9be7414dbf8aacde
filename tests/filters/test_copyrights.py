"""Copyright statements: who is named, in which forms, and what only talks of copyright."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.copyrights import MAXIMUM_LINE_CHARACTERS, MAXIMUM_LINES, WINDOW_CHARACTERS, copyright_lines

texts = st.text() | st.lists(
    st.sampled_from(
        [
            *(
                "Copyright ",
                "copyright",
                "COPYRIGHT: ",
                "(c) ",
                "(C)",
                "© ",
                "&copy; ",
                "SPDX-FileCopyrightText: ",
                "by ",
            ),
            *(
                "2010 ",
                "1999-2003, ",
                "Jane Doe",
                "jane@x.org ",
                "<jane@x.org>",
                "jane at x dot org",
                "<",
                ">",
                "at ",
                "[at]",
            ),
            *(
                "\n",
                " * ",
                "# ",
                "*/",
                "-->",
                '"',
                "'",
                "=",
                "</",
                "<b>",
                "</b>",
                "<a ",
                "All rights reserved.",
                "licensed under ",
            ),
            *(
                "\\n",
                "{{",
                "}}",
                "(",
                ")",
                ".",
                ",",
                "  ",
                "\t",
                "\0",
                "\u2028",
                "é",
                "版",
                "a" * 210,
                "b " * 120,
                "_",
                "u'",
            ),
        ]
    ),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Copyright (c) 2012-2020 Jane Doe <jane@x.org>", "Copyright (c) 2012-2020 Jane Doe <EMAIL>"),
        ("Copyright (c) 2012-2020 Jane Doe <REDACTED_EMAIL>", "Copyright (c) 2012-2020 Jane Doe <EMAIL>"),
        ("Copyright 2012 Jane Doe, REDACTED_EMAIL", "Copyright 2012 Jane Doe, <EMAIL>"),
        ("Copyright 2012 Jane Doe (user7@example.com)", "Copyright 2012 Jane Doe (<EMAIL>)"),
        (" *   Copyright (C) 2008   Google Inc.", "Copyright (C) 2008 Google Inc."),
        ("# Copyright 2019 Kenneth Reitz", "Copyright 2019 Kenneth Reitz"),
        ("/* Copyright IBM Corp. 2014, 2025 */", "Copyright IBM Corp. 2014, 2025"),
        ("// Copyright the maintainers, 2015-2025.", "Copyright the maintainers, 2015-2025."),
        ("-- Copyright Joyent, Inc. and other contributors", "Copyright Joyent, Inc. and other contributors"),
        ("<!-- (C) 2010 Jane Doe -->", "(C) 2010 Jane Doe"),
        ("dnl © 2010 Jane Doe", "© 2010 Jane Doe"),
        ("(* © University of Glasgow 2004 *)", "© University of Glasgow 2004"),
        ("Portions Copyright (c) 1990 Jane Doe", "Copyright (c) 1990 Jane Doe"),
        ("MicroX 3.9 (c) Copyright 1987 by Jane Doe", "Copyright 1987 by Jane Doe"),
        ("/*! x v3.1 | (c) OpenJS Foundation | x.org/license */", "(c) OpenJS Foundation | x.org/license"),
        ("# SPDX-FileCopyrightText: 2020 Jane Doe", "SPDX-FileCopyrightText: 2020 Jane Doe"),
        ('SPDX-FileCopyrightText = "2020 Jane Doe"', "SPDX-FileCopyrightText: 2020 Jane Doe"),
        ("Copyright   : Copyright (C) 2006 Jane Doe", "Copyright (C) 2006 Jane Doe"),
        (":copyright: (c) 2012 by Jane Doe.", "copyright: (c) 2012 by Jane Doe."),
        ('copyright = u"2010, Jane Doe"', "copyright: 2010, Jane Doe"),
        ('__copyright__ = "Copyright Jane Doe"', "Copyright Jane Doe"),
        ('[assembly: AssemblyCopyright("Copyright © Jane 2008")]', "Copyright © Jane 2008"),
        ("x = 'Copyright 2010 Jane', 'y'", "Copyright 2010 Jane"),
        ('x = "Copyright 2010 Dan O\'Neil", 5', "Copyright 2010 Dan O'Neil"),
        ("<copyright>1995-2004 Jane Doe</copyright>", "copyright: 1995-2004 Jane Doe"),
        ('<p>&copy; 2026 <a href="x">Jane</a>. All rights reserved.</p>', "&copy; 2026 Jane. All rights reserved."),
        ("Copyright 2012 Jane Doe. You may copy this", "Copyright 2012 Jane Doe."),
        ("Copyright (c) 2012 Jane Doe; licensed under MIT", "Copyright (c) 2012 Jane Doe"),
        ("Copyright (c) 2005, 伊藤 哲哉", "Copyright (c) 2005, 伊藤 哲哉"),
        ("%% Copyright (c) jdoe <jdoe@x.org>", "Copyright (c) jdoe <EMAIL>"),
        ("(c) 2010 Jane Doe, https://x.org", "(c) 2010 Jane Doe, https://x.org"),
    ],
)
def test_statements(line: str, expected: str) -> None:
    assert copyright_lines(line) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        *("", "no mark", "The above copyright notice and this permission notice shall be included", "copyright law"),
        *(
            "IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT",
            "COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES",
            "Copyright",
        ),
        *("* Redistributions of source code must retain the above copyright", "2. Grant of Copyright License. Subject"),
        *("Copyright [yyyy] [name of copyright owner]", "Copyright (C) <year>  <name of author>", "COPYRIGHT NOTICE"),
        *(
            "Copyright (c) {{ year }} {{ author }}",
            "Copyright (C) yyyy  name of author",
            "Copyright and related rights",
        ),
        *(
            "Copyright (C) 1998",
            "Copyright (c) 2010-present. All rights reserved.",
            "## Copyright and License",
            "(c) 2010",
        ),
        *(
            "(c) You must retain, in the Source form",
            "(c) The Foundation may publish",
            "if (c) return;",
            "f(c) 2010 Jane",
            "switch (c) {",
            "enum, bind(C)",
        ),
        *("/dieresis /copyright /Rcedilla", "copyrighted 2010 Jane", "SPDX-FileCopyrightText: NONE", "REP S © # x"),
        *("person who certified (a), (b) or (c) and I have", "epub_copyright = copyright", "Copyright Guidance"),
    ],
)
def test_talk_code_and_forms_are_no_statements(line: str) -> None:
    assert copyright_lines(line) == []


@pytest.mark.parametrize(
    "address",
    [
        "jane@x.org",
        "<jane at x dot org>",
        "jane [at] x [dot] org",
        "jane at x.org",
        "<jane AT x DOT org>",
        "j.d+e@localhost",
    ],
)
def test_addresses_are_redacted_and_names_stay(address: str) -> None:
    assert copyright_lines(f"Copyright 2010 Jane Doe {address}") == ["Copyright 2010 Jane Doe <EMAIL>"]


def test_statements_keep_their_order_and_stand_once() -> None:
    text = "# (c) 2010 B\n# Copyright 2011 A\n\n// (c)  2010  B\r\n"
    assert copyright_lines(text) == ["(c) 2010 B", "Copyright 2011 A"]


def test_a_line_may_hold_several_statements() -> None:
    assert copyright_lines("/* (c) 2010 A */ x() /* (c) 2011 B */") == ["(c) 2010 A", "(c) 2011 B"]


def test_head_and_foot_are_read_and_nothing_between() -> None:
    code = "x = 1\n" * WINDOW_CHARACTERS
    assert copyright_lines(f"(c) 2010 A\n{code}(c) 2011 B\n{code}(c) 2012 C") == ["(c) 2010 A", "(c) 2012 C"]


def test_a_word_that_the_window_cuts_is_left_out() -> None:
    line = "(c) 2010 Jane jane@x.org"
    text = "#" * (WINDOW_CHARACTERS - len(line) + 6) + " " + line + "#" * 2 * WINDOW_CHARACTERS
    assert text[WINDOW_CHARACTERS - 3 : WINDOW_CHARACTERS] == "jan"
    assert copyright_lines(text) == ["(c) 2010 Jane"]


def test_there_are_bounds() -> None:
    many = "\n".join(f"(c) 2010 Jane Doe {number}" for number in range(100))
    assert len(copyright_lines(many)) == MAXIMUM_LINES
    [long] = copyright_lines("(c) 2010 " + "Jane " * 1_000)
    assert MAXIMUM_LINE_CHARACTERS - 5 <= len(long) <= MAXIMUM_LINE_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        *(
            "(c)" * 3_000,
            "copyright " * 900,
            'copyright="' * 800,
            "#" * 4_000 + "x" + "(c) 2010" * 900,
            "copyright:" * 900,
        ),
        *(
            "(c) 2010 " + "<" * 8_000,
            "(c) 2010 x" + "@x" * 4_000,
            "(c) 2010 a" + " " * 8_000 + "b",
            "(c) 2010 " + "a at " * 2_000,
        ),
        *("(" * 4_000 + "(c) 2010 x" * 800, "x" * 50_000_000 + " (c) 2010 Jane", "\0" * 10_000 + " (c) 2010 Jane"),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_are_survived(text: str) -> None:
    assert all(len(line) <= MAXIMUM_LINE_CHARACTERS for line in copyright_lines(text))


@given(texts)
@example("(c) 2010 a" + "<b>" + "*" + "<i>" + "/ b")
@example("Copyright: 2010 " + "a" * 190 + " (c) 2011 Jane " * 9)
def test_the_lines_joined_give_themselves(text: str) -> None:
    lines = copyright_lines(text)
    assert copyright_lines("\n".join(lines)) == lines


@given(texts)
def test_lines_are_short_distinct_and_hold_no_address(text: str) -> None:
    lines = copyright_lines(text)
    assert len(lines) == len(set(lines)) <= MAXIMUM_LINES
    for line in lines:
        assert 0 < len(line) <= MAXIMUM_LINE_CHARACTERS
        assert line == " ".join(line.split())
        assert line.isprintable()
        assert not re.search(r"\w@\w", line)
