"""What one line of a notice is like."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.notice_lines import SOMEONE, line_facts, words_of


def words(row: str) -> str:
    return line_facts(row).words


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("  * Licensed   under\tMIT. *", "licensed under mit."),
        ("/* Licensed */", "licensed"),
        ("<!-- Licensed -->", "licensed"),
        ('"""Licensed"""', "licensed"),
        ("(* Licensed                   *)", "licensed"),
        ("/*----------------------*/", ""),
        ("#######", ""),
        ("(********)", ""),
        ("# Licensed\r", "licensed"),
        ("\ufeff// Licensed", "licensed"),
        ("ÿþ// Licensed", "licensed"),
        ('.\\" Licensed', "licensed"),
        ("C Licensed", "licensed"),
        ("Copies may be made", "copies may be made"),
        ("remember the terms", "remember the terms"),
        ('"software"), to deal', 'software"), to deal'),
        (r'"# Licensed under MIT\n",', '# licensed under mit ",'),
        (r"\title{The \notes} of the licence", r"\title{the \notes} of the licence"),
        ("", ""),
    ],
)
def test_words_come_without_marks_case_and_blanks(row: str, expected: str) -> None:
    assert words(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        "# Copyright (c) 2019 Jane Doe",
        " * (C) 2001-2004 Jane Doe, Example Inc.",
        "© 2020 Jane Doe",
        "&copy; 2020 Jane Doe",
        "// SPDX-FileCopyrightText: 2020 Jane Doe",
        "SPDX-FileContributor: Jane Doe",
    ],
)
def test_a_line_of_names_is_one_word(row: str) -> None:
    assert words(row) == SOMEONE


@pytest.mark.parametrize(
    "row",
    [
        "Copyright 2019 Jane Doe, licensed under MIT",  # terms on the same line
        "Copyright 2019 Jane Doe. All rights reserved.",
        "The copyright notice must stay.",
        "Jane Doe wrote this in 2019",
    ],
)
def test_a_line_that_says_more_than_names_stays(row: str) -> None:
    assert words(row) == row.lower().rstrip("!")


@pytest.mark.parametrize(
    ("row", "family", "opens", "closes"),
    [
        ("# a", "#", False, False),
        ("// a", "/", False, False),
        ("/* a", "b", True, False),
        (" * a", "b", False, False),
        (" a */", "", False, True),
        ("*/", "b", False, True),
        ("/* a */", "x", False, False),
        ("/*****/", "x", False, False),
        ("(*****)", "x", False, False),
        ('"""', "b", True, True),
        ('"""a', "b", True, False),
        ('a"""', "", False, True),
        ('"""a"""', "x", False, False),
        ("]==]", "b", False, True),
        ("::: a", ":", False, False),
        ("DNL a", "d", False, False),
        ("a", "", False, False),
        ("", "", False, False),
    ],
)
def test_marks_say_which_lines_belong_together(row: str, family: str, opens: bool, closes: bool) -> None:
    facts = line_facts(row)
    assert (facts.family, facts.opens, facts.closes) == (family, opens, closes)


def test_tags_are_told_apart() -> None:
    assert line_facts("# SPDX-License-Identifier: MIT").is_tag
    assert line_facts("spdx-license-identifier : MIT").is_tag
    assert not line_facts("# the SPDX-License-Identifier: MIT").is_tag
    assert list(words_of("# SPDX-License-Identifier: MIT", 100, tags=False)) == [SOMEONE]
    assert list(words_of("# SPDX-License-Identifier: MIT", 100, tags=True)) == ["spdx-license-identifier: mit"]


@given(st.lists(st.text("ab \tİ", max_size=40), max_size=80), st.integers(30, 200))
def test_a_long_line_comes_in_parts_with_all_its_words(pieces: list[str], maximum: int) -> None:
    row = "x" * 1_000 + " " + " ".join(pieces)
    parts = list(words_of(row, maximum, tags=True))
    assert all(0 < len(part) < maximum for part in parts)
    assert "".join(parts).replace(" ", "") == "".join(row.lower().split())


def test_parts_of_a_long_line_end_between_words_where_they_can() -> None:
    row = "word " * 1_000
    parts: Iterator[str] = words_of(row, 98, tags=True)
    assert {word for part in parts for word in part.split()} == {"word"}


@given(st.text("#/*-\"'()[]=<>{}| \t\r\\ncC:.;%!abİΣ©2019", max_size=60))
def test_any_line_has_facts_that_do_not_depend_on_what_came_before(row: str) -> None:
    facts = line_facts(row)
    line_facts.cache_clear()
    assert line_facts(row) == facts
    assert facts.words == " ".join(facts.words.lower().split())
    assert not (facts.family == "x" and (facts.opens or facts.closes))
