"""Every line of both texts stands on its side, once and in its order, and what is the same is never marked."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.side_by_side import Line, Part, Row, side_by_side

lines = st.lists(st.text("ab (\n", max_size=6), max_size=8)


@given(lines, lines)
@settings(max_examples=60)
def test_both_sides_are_the_texts(before: list[str], after: list[str]) -> None:
    rows = side_by_side(before, after)
    for side, expected in (([row.before for row in rows], before), ([row.after for row in rows], after)):
        shown = [line for line in side if line is not None]
        assert [line.text for line in shown] == expected
        assert [line.number for line in shown] == list(range(1, len(expected) + 1))
    assert not any(row.before is None and row.after is None for row in rows)


@given(lines, lines)
@settings(max_examples=60)
def test_unmarked_parts_say_the_same_on_both_sides(before: list[str], after: list[str]) -> None:
    for row in side_by_side(before, after):
        unmarked = ["".join(part.text for part in line.parts if not part.changed) if line else "" for line in row]
        assert unmarked[0] == unmarked[1]


@given(lines)
@settings(max_examples=20)
def test_a_text_beside_itself_is_equal(text: list[str]) -> None:
    assert all(row.equal for row in side_by_side(text, text))


def test_what_changed_in_a_line_is_marked() -> None:
    [row] = side_by_side(["total = 1"], ["total = 10"])
    assert row.after is not None
    assert [part.text for part in row.after.parts if part.changed] == ["10"]
    assert not row.equal


def test_lines_that_only_moved_to_the_right_stand_beside_each_other() -> None:
    rows = side_by_side(["return a"], ["if a:", "    return a"])
    assert rows[0] == Row(None, Line(1, (Part("if a:", True),)))
    assert rows[1].before is not None
    assert rows[1].after is not None
    assert rows[1].after.parts[0] == Part("    ", True)
