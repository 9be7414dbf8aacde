"""Which pieces of a text are cut out as notices, in which form, and what hostile text costs."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.notice_lines import SOMEONE, line_facts
from filters.notices import (
    END_CHARACTERS,
    KEYWORDS,
    LICENCE_CHARACTERS,
    MAXIMUM_LICENCE_PIECES,
    MAXIMUM_NOTICES,
    NOTICE_CHARACTERS,
    Notice,
    Notices,
    notices,
    text_key,
    whole_text,
)

TERMS = (
    "You may redistribute this thing under the Example licence, version 3,",
    "as long as the wind blows from the north",
    "and everybody who gets a copy is told about it.",
    "There is no warranty.",
)
PLAIN = "\n".join(TERMS).lower()
CODE = "value = compute(1)\n"
NONE = Notices([], complete=True)

LINE_MARKS = (
    "#",
    "##",
    "//",
    "///",
    "//!",
    "--",
    ";",
    ";;",
    "%",
    "'",
    '"',
    "!",
    "REM",
    "@rem",
    "dnl",
    "C",
    "::",
    '.\\"',
)
BLOCKS = (
    ("/*", " *", " */"),
    ("/**", " *", " */"),
    ("/*!", "", "*/"),
    ("/******", " **", " ******/"),
    ("<!--", "", "-->"),
    ("{-", "", "-}"),
    ("(*", "", "*)"),
    ("(*", " *", " *)"),
    ("#|", "", "|#"),
    ("=begin", "", "=end"),
    ("=pod", "", "=cut"),
    ("{#", "", "#}"),
    ("<%--", "", "--%>"),
    ("--[[", "", "]]"),
    ("--[==[", "", "]==]"),
    ("<#", "", "#>"),
    ('"""', "", '"""'),
    ("'''", "", "'''"),
    ("", "", ""),  # a text file
)
BOXES = (("/*", "*/"), ("(*", "*)"), ("<!--", "-->"), ("{#", "#}"))


def texts(text: str) -> list[str]:
    return [notice.text for notice in notices(text).found]


@pytest.mark.parametrize("mark", LINE_MARKS)
def test_a_comment_of_marked_lines_is_one_notice(mark: str) -> None:
    text = CODE + "".join(f"{mark} {line}\n" for line in TERMS) + CODE
    assert notices(text) == Notices([Notice(PLAIN, 2, at_end=True)], complete=True)


@pytest.mark.parametrize(("opening", "mark", "closing"), BLOCKS)
def test_a_block_comment_is_one_notice(opening: str, mark: str, closing: str) -> None:
    text = (
        f"{opening}\n"
        + "".join(f"{mark} {line}\n" for line in TERMS)
        + f"{closing}\n"
        + ("" if opening else "\n")
        + CODE
    )
    assert notices(text) == Notices([Notice(PLAIN, 2, at_end=True)], complete=True)


@pytest.mark.parametrize(("opening", "mark", "closing"), [block for block in BLOCKS if block[0][:1] != "="])
def test_a_block_comment_may_open_and_close_on_lines_of_words(opening: str, mark: str, closing: str) -> None:
    lines = [
        f"{opening} {TERMS[0]}",
        *(f"{mark} {line}" for line in TERMS[1:-1]),
        f"{mark} {TERMS[-1]} {closing}",
        "",
        CODE,
    ]
    assert texts("\n".join(lines)) == [PLAIN]


@pytest.mark.parametrize(("opening", "closing"), BOXES)
def test_a_box_of_comments_is_one_notice(opening: str, closing: str) -> None:
    rule = opening + "*" * 75 + closing + "\n" if opening == "/*" else ""
    text = rule + "".join(f"{opening} {line:75}{closing}\n" for line in TERMS) + rule + CODE
    assert texts(text) == [PLAIN]


def test_windows_line_ends_make_no_difference() -> None:
    text = "".join(f"// {line}\n" for line in TERMS) + CODE
    assert notices(text.replace("\n", "\r\n")) == notices(text)


def test_a_byte_order_mark_makes_no_difference() -> None:
    text = "".join(f"// {line}\n" for line in TERMS) + CODE
    assert notices("\ufeff" + text) == notices(text)


def test_lines_may_end_in_decoration() -> None:
    text = "#" * 80 + "\n" + "".join(f"# {line:76} #\n" for line in TERMS) + "#" * 80 + "\n" + CODE
    assert texts(text) == [PLAIN]


def test_blank_lines_of_a_comment_do_not_end_it() -> None:
    text = f"# {TERMS[0]}\n#\n\n#   {TERMS[2]}\n# {TERMS[3]}\n" + CODE
    assert texts(text) == ["\n".join((TERMS[0], *TERMS[2:])).lower()]


def test_bullets_and_quotation_marks_belong_to_the_block_around_them() -> None:
    lines = (
        "You may use the software if you keep the licence",
        "* with all its copies and permissions,",
        "- without any warranty,",
        '"as is", without damage,',
        "; and tell everybody.",
    )
    # A mark at the beginning of a line goes, whatever it was meant as.
    words = [
        "you may use the software if you keep the licence",
        "with all its copies and permissions,",
        "- without any warranty,",
        'as is", without damage,',
        "and tell everybody.",
    ]
    text = "".join(f"{line}\n" for line in lines)
    assert texts(f"/*\n{text}*/\n{CODE}") == ["\n".join(words)]
    assert texts(f"{text}\n{CODE}") == ["\n".join(words)]


@given(
    st.lists(
        st.lists(
            st.sampled_from(["licence", "warranty", "provided", "the", "quick", "redistribute", "(c)", "2020", "fox"]),
            min_size=1,
            max_size=6,
        ).map(" ".join),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(LINE_MARKS),
)
def test_another_mark_does_not_change_a_notice(rows: list[str], mark: str) -> None:
    assert notices("".join(f"{mark} {row}\n" for row in rows)).found == [
        notice._replace(at_end=True) for notice in notices("".join(f"# {row}\n" for row in rows)).found
    ]


def test_a_comment_of_names_alone_is_no_notice() -> None:
    assert notices("# Copyright (c) 2019 Jane Doe\n# Copyright 2020 Example Inc. <mail@company.org>\n" + CODE) == NONE
    assert notices("# SPDX-FileCopyrightText: 2019 Jane Doe\n" + CODE) == NONE


def test_a_tag_by_itself_needs_no_detector() -> None:
    assert notices("# SPDX-FileCopyrightText: 2019 Jane Doe\n# SPDX-License-Identifier: MIT\n" + CODE) == NONE


def test_a_name_in_the_middle_does_not_join_its_neighbours() -> None:
    assert texts(f"# {TERMS[0]}\n# Copyright 2019 Jane Doe\n# {TERMS[3]}\n") == [
        f"{TERMS[0]}\n{SOMEONE}\n{TERMS[3]}".lower()
    ]


def test_names_before_and_after_terms_are_no_part_of_them() -> None:
    names = "# Copyright 2019 Jane Doe\n# Copyright 2020 John Doe\n"
    assert notices(f"{names}# {TERMS[0]}\n{names}{CODE}").found == [Notice(TERMS[0].lower(), 3, at_end=True)]


def test_only_the_comment_around_a_keyword_is_taken() -> None:
    text = CODE * 3 + f"# {TERMS[0]}\n" + CODE * 3
    assert notices(text).found == [Notice(TERMS[0].lower(), 4, at_end=True)]
    several = "".join(f"# line {number}\n" for number in range(20))
    [notice] = notices(several + f"# {TERMS[0]}\n" + several).found
    assert notice == Notice(f"line 18\nline 19\n{TERMS[0]}\nline 0".lower(), 19, at_end=True)


def test_some_lines_between_terms_may_say_nothing_of_them() -> None:
    gap = "# line\n" * 3
    assert texts(f"# {TERMS[0]}\n{gap}# {TERMS[3]}\n") == [f"{TERMS[0]}\nline\nline\nline\n{TERMS[3]}".lower()]
    far = "# line\n" * 20
    assert texts(f"# {TERMS[0]}\n{far}# {TERMS[3]}\n") == [
        f"{TERMS[0]}\nline".lower(),
        f"line\nline\n{TERMS[3]}".lower(),
    ]


def test_what_ends_or_stands_by_itself_next_to_a_notice_is_no_part_of_it() -> None:
    assert texts(f"an older comment */\n{TERMS[0]}\n") == [TERMS[0].lower()]
    assert texts(f"<!-- a remark -->\n{TERMS[0]}\n<!-- another -->\n") == [TERMS[0].lower()]
    assert texts(f"# a remark\n{TERMS[0]}\n// another\n") == [TERMS[0].lower()]
    assert texts(f"/* {TERMS[0]}\n/* another\n") == [TERMS[0].lower()]


def test_two_comments_are_two_notices_and_neighbours_one() -> None:
    first, second = f"/* {TERMS[0]}\n */\n", f"// {TERMS[3]}\n"
    assert texts(first + CODE + second) == [TERMS[0].lower(), TERMS[3].lower()]
    assert texts(first + second) == [f"{TERMS[0]}\n{TERMS[3]}".lower()]


def test_text_without_keywords_has_none() -> None:
    assert notices("") == NONE
    assert notices(CODE * 100) == NONE
    assert notices("the terms, conditions and rights of the software, provided that damage is modified\n") == NONE


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_keyword_is_found_in_any_case(keyword: str) -> None:
    assert texts(f"# these are licence terms\n# {keyword.upper()}\n") == [f"these are licence terms\n{keyword}"]
    text = CODE + f"# {keyword.title()}\n# of terms\n"
    assert texts(text) == [f"{keyword}\nof terms"]


@pytest.mark.parametrize("keyword", [keyword for keyword in KEYWORDS if keyword != "copyright"])
def test_every_keyword_alone_makes_a_notice(keyword: str) -> None:
    assert texts(CODE + f"/* {keyword} */\n" + CODE) == [keyword]
    assert texts(f"// Copyright 2020 Jane Doe, {keyword}\n" + CODE) == [f"copyright 2020 jane doe, {keyword}"]


def test_what_a_second_keyword_of_a_long_line_names_is_not_cut_off() -> None:
    for gap in range(430, 520, 10):
        line = "/* copyright 2010 foo */" + "a=1;" * (gap // 4) + "/* licensed under the EPL-1.0 */" + "b();" * 900
        assert any("epl-1.0" in text for text in texts(line)), gap


@pytest.mark.parametrize("tag", ["", " ${licence} EPL-2.0", "\u00a0: EPL-2.0"])
def test_a_tag_that_says_nothing_by_itself_is_left_to_the_detector(tag: str) -> None:
    [text] = texts(f"// SPDX-License-Identifier:{tag}\n// EPL-2.0\n" + CODE)
    assert "epl-2.0" in text


def test_beginning_and_end_are_told_from_the_middle() -> None:
    filler = CODE * (1 + END_CHARACTERS // len(CODE))
    comment = f"# {TERMS[0]}\n"
    assert [(notice.line, notice.at_end) for notice in notices(comment + filler * 2 + comment + filler * 2).found] == [
        (1, True),
        (2 + 2 * filler.count("\n"), False),
    ]
    [notice] = notices(filler * 2 + comment).found
    assert notice.at_end


def test_beginning_and_end_are_counted_in_characters() -> None:
    comment = f"# {TERMS[0]}\n"
    near, far = "é\n" * (END_CHARACTERS // 2 - len(comment)), "é\n" * (END_CHARACTERS // 2)
    after = CODE * END_CHARACTERS
    assert [notice.at_end for notice in notices(near + comment + after).found] == [True]
    assert [notice.at_end for notice in notices(far + comment + after).found] == [False]


def test_of_one_long_notice_only_the_first_and_last_pieces_stand_at_an_end() -> None:
    rows = [f'"license": "package {number} of many",' for number in range(2_000)]
    found = notices("{\n" + "\n".join(rows) + "\n}\n").found
    assert len(found) > 8
    assert "".join("x" if notice.at_end else "-" for notice in found).strip("x") == "-" * (len(found) - 3)


def test_a_notice_in_the_middle_of_a_long_line_is_cut_out_whole() -> None:
    banner = "/*! " + " ".join(f"{line} {number}" for number in range(5) for line in TERMS) + " */"
    line = "a=1;" * 2_000 + banner + "b();" * 2_000
    text = CODE + line + "\n" + CODE
    [notice] = notices(text).found
    assert banner.lower()[4:-4] in notice.text
    assert (notice.line, notice.at_end, len(notice.text) < len(banner) + 1_200) == (2, False, True)


def test_a_notice_of_a_long_line_that_reaches_its_end_stands_there() -> None:
    line = "x" * 9_000 + f" {TERMS[0]} " + "x" * 700 + f" {TERMS[3]} "
    [notice] = notices(line + "x" * (END_CHARACTERS - 200)).found
    assert notice.at_end
    [notice] = notices(line + "x" * (END_CHARACTERS + 200)).found
    assert not notice.at_end


def test_of_a_long_line_nothing_of_its_neighbours_is_taken() -> None:
    line = f"{TERMS[0]} " + "x" * 2_000
    found = notices(CODE + line + "\n" + CODE + "y" * 2_000 + f" {TERMS[3]}\n" + CODE).found
    assert [notice.line for notice in found] == [2, 4]
    assert found[0].text.startswith(TERMS[0].lower() + " xxx")
    assert found[1].text.endswith("yyy " + TERMS[3].lower())
    assert not any("compute" in notice.text for notice in found)


def test_notices_come_in_their_order_long_lines_among_them() -> None:
    long = f"{TERMS[0]} " + "x" * 2_000 + "\n"
    comment = f"# {TERMS[3]}\n"
    found = notices(comment + CODE * 5 + long + CODE * 5 + comment).found
    assert [notice.line for notice in found] == [1, 7, 13]


def test_a_long_line_is_cut_between_characters() -> None:
    [notice] = notices("é€😀" * 1_000 + "license" + "😀€é" * 1_000).found
    assert set(notice.text) == set("é€😀license")


def test_what_is_too_much_is_told() -> None:
    comment = "# under terms {}, all rights reserved\n"
    text = "".join(comment.format(number) + CODE for number in range(MAXIMUM_NOTICES))
    assert (len(notices(text).found), notices(text).complete) == (MAXIMUM_NOTICES, True)
    more = text + comment.format("x")
    assert notices(more) == Notices(notices(text).found, complete=False)
    # Too many keywords, and not a notice among them.
    assert notices("copyright 2019\n" * 5_000) == Notices([], complete=False)


def test_a_long_notice_comes_in_pieces() -> None:
    rows = [f"{TERMS[number % 4]} {number}" for number in range(1_000)]
    found = notices("".join(f"# {row}\n" for row in rows)).found
    assert "\n".join(notice.text for notice in found) == "\n".join(rows).lower()
    assert all(len(notice.text) < NOTICE_CHARACTERS for notice in found)
    assert [rows[notice.line - 1].lower() for notice in found] == [notice.text.split("\n")[0] for notice in found]


FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *KEYWORDS,
                *TERMS,
                "\n",
                "\n",
                "\r\n",
                "# ",
                "// ",
                "/* ",
                " */",
                '"""',
                "<!--",
                "-->",
                "copyright 2020",
                "x" * 1_200,
            ]
        ),
        st.text(max_size=8),
        st.characters(categories=["Cs"]),
    ),
    max_size=60,
).map(" ".join)


@given(FRAGMENTS)
def test_any_text_gives_words_of_its_own_in_order_and_in_bounds(text: str) -> None:
    found = notices(text)
    line_facts.cache_clear()
    assert notices(text) == found
    own = text.casefold()
    for notice in found.found:
        assert all(word.casefold() in own or word == SOMEONE for word in notice.text.split())
        assert 0 < len(notice.text) <= NOTICE_CHARACTERS
        assert 1 <= notice.line <= text.count("\n") + 1
        assert notice.at_end or len(text) > 2 * END_CHARACTERS
        assert notice.key == text_key(notice.text)
    assert [notice.line for notice in found.found] == sorted(notice.line for notice in found.found)


@given(FRAGMENTS)
def test_of_a_whole_text_every_word_is_there(text: str) -> None:
    found = whole_text(text)
    words = [word for notice in found.found for word in notice.text.split()]
    own = text.replace("\0", "").casefold()
    assert all(word.casefold() in own or word == SOMEONE for word in words)
    assert found.complete


def test_a_licence_file_is_taken_whole() -> None:
    rows = [
        "The Example Licence",
        "",
        "1. Be kind.",
        "",
        "2. SPDX-License-Identifier is a word.",
        "",
        "Copyright 2019 Doe",
        "Copyright 2020 Doe",
        "3.",
    ]
    text = "the example licence\n1. be kind.\n2. spdx-license-identifier is a word.\n" + SOMEONE + "\n3."
    assert whole_text("\n".join(rows)).found == [Notice(text, 1, at_end=True)]
    assert whole_text("Do as you like.\n").found == [Notice("do as you like.", 1, at_end=True)]


def test_a_licence_file_keeps_its_tag() -> None:
    assert whole_text("SPDX-License-Identifier: MIT\n").found[0].text == "spdx-license-identifier: mit"


@pytest.mark.parametrize(
    "text", ["", " \n\n", "\0\0", "====\n", "Copyright 2019 Doe\n", "YEAR: 2019\nCOPYRIGHT HOLDER: Doe\n"]
)
def test_a_licence_file_of_names_or_of_nothing_says_nothing(text: str) -> None:
    assert whole_text(text) == NONE


def test_a_licence_file_read_as_latin_1_loses_what_utf_16_added() -> None:
    text = "\r\n".join(TERMS)
    assert [notice.text for notice in whole_text(text.encode("utf-16").decode("latin-1")).found] == [PLAIN]


def test_a_long_licence_file_comes_in_pieces_and_its_end_is_told() -> None:
    row = TERMS[0] + "\n"
    fits = row * (LICENCE_CHARACTERS * (MAXIMUM_LICENCE_PIECES - 1) // len(row))
    found = whole_text(fits)
    assert found.complete
    assert "\n".join(notice.text for notice in found.found) == fits.lower().rstrip()
    assert all(len(notice.text) < LICENCE_CHARACTERS for notice in found.found)
    more = whole_text(fits * 2)
    assert (len(more.found), more.complete) == (MAXIMUM_LICENCE_PIECES, False)


def test_a_licence_file_on_one_line_is_not_cut_short() -> None:
    text = " ".join(f"{line} {number}" for number in range(700) for line in TERMS)
    found = whole_text(text)
    assert len(text) > LICENCE_CHARACTERS
    assert (" ".join(notice.text for notice in found.found), found.complete) == (text.lower(), True)
    assert [notice.line for notice in found.found] == [1] * len(found.found)


MEGABYTES = 50_000_000
# Made where they are needed: half a gigabyte in this process would be paid for at every fork of a later test.
HOSTILE: dict[str, Callable[[], str]] = {
    "one line": lambda: "x" * MEGABYTES,
    "one line of keywords": lambda: "license " * (MEGABYTES // 8),
    "one line of names": lambda: "copyright 2019 " * (MEGABYTES // 15),
    "a rule of stars": lambda: "/" + "*" * 1_000_000 + "\nlicense\n" + "*" * 1_000_000 + "/ license",
    "a million lines": lambda: "license\n" * 1_000_000,
    "lines of stars": lambda: ("/" + "*" * 985 + " license\n") * (MEGABYTES // 4_000),
    "lines of dashes": lambda: ("-" * 985 + "> license }\n") * (MEGABYTES // 4_000),
    "lines of equals": lambda: ("]" + "=" * 980 + "] license\n") * (MEGABYTES // 4_000),
    "quotes": lambda: '"' * MEGABYTES + "license",
    "openers": lambda: "/*" * (MEGABYTES // 2) + "license",
    "lines of openers": lambda: "/* license\n" * 1_000_000,
    "blanks": lambda: " \t" * (MEGABYTES // 2) + "license",
    "blank lines": lambda: "license\n" + "\n" * 2_000_000 + "license",
    "terms that go on": lambda: "license\n" + "software\n" * 1_000_000,
    "nul": lambda: "\0" * MEGABYTES + "license",
    "backslashes": lambda: "\\n" * (MEGABYTES // 2) + "license",
    "long and short": lambda: ("license\n" + "x" * 1_001 + " license\n") * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(name: str) -> None:
    """Each takes about half a second; the square of any of them would take an hour."""
    text = HOSTILE[name]()
    found, whole = notices(text), whole_text(text)
    assert len(found.found) <= MAXIMUM_NOTICES
    assert len(whole.found) <= MAXIMUM_LICENCE_PIECES
