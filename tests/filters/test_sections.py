"""Whatever stands in a pull request, its text is split again where it was put together."""

from hypothesis import given
from hypothesis import strategies as st

from filters.sections import MARK, REPLACEMENT, Section, in_one_line, sections, written

ANY = st.one_of(st.text(), st.text(alphabet=f'\n\r {MARK}"a', max_size=8))
PARTS = st.lists(
    st.builds(Section, st.from_regex("[a-z_]+", fullmatch=True), ANY.map(in_one_line), ANY),
    max_size=6,
)


@given(PARTS)
def test_sections_are_split_again(parts: list[Section]) -> None:
    expected = tuple(part._replace(body=part.body.replace(MARK, REPLACEMENT)) for part in parts)
    assert sections(written(parts)) == expected
    assert written(sections(written(parts))) == written(parts)


@given(PARTS)
def test_every_section_has_a_line_of_its_own_and_the_mark_stands_nowhere_else(parts: list[Section]) -> None:
    lines = written(parts).split("\n")
    assert [line[0] for line in lines if MARK in line] == [MARK] * len(parts)
    assert sum(line.count(MARK) for line in lines) == len(parts)


@given(ANY)
def test_any_text_has_a_section_for_every_mark_and_one_for_what_stands_before_them(text: str) -> None:
    before, *marked = text.split(MARK)
    assert len(sections(text)) == len(marked) + bool(before)
    assert all(MARK not in "".join(part) for part in sections(text))


def test_the_layout_is_what_the_page_shows() -> None:
    parts = [Section("title", "", "A title"), Section("file", 'a "b".py', "modified"), Section("status", "", "")]
    assert written(parts) == f'{MARK}title\nA title\n{MARK}file a "b".py\nmodified\n{MARK}status\n'
    assert in_one_line("a\nb") == '"a\\nb"'
    assert in_one_line('"quoted"') == '"\\"quoted\\""'
    assert sections("no section\n") == (Section("", "", "no section\n"),)
