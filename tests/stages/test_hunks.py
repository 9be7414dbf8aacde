"""With any context, hunks do to a file what they did before, and are written as `git diff -U` writes them."""

import difflib

from hypothesis import given
from hypothesis import strategies as st

from stages.diffs import Hunk, file_diffs, hunk_text, lines_of
from stages.hunks import surroundings, with_context

FILES = st.lists(st.sampled_from("abcdefgh"), max_size=40).map(lambda lines: [f"{line}\n" for line in lines])


def hunks_of(before: list[str], after: list[str], num_lines: int) -> tuple[Hunk, ...]:
    diff = "".join(list(difflib.unified_diff(before, after, n=num_lines))[2:])
    found = file_diffs(f"diff --git a/x b/x\n{diff}")
    assert isinstance(found, list)
    return found[0].hunks


def applied(before: list[str], hunks: tuple[Hunk, ...]) -> list[str]:
    """The file after the change; what hunks say of line numbers must be right."""
    after: list[str] = []
    place = 0
    for hunk in hunks:
        old = [line[1:] for line in hunk.lines if line[0] != "+"]
        start = hunk.old_start - bool(old)
        after += before[place:start]
        new = [line[1:] for line in hunk.lines if line[0] != "-"]
        assert before[start : start + len(old)] == old
        assert hunk.new_start == len(after) + bool(new)
        after += new
        place = start + len(old)
    return after + before[place:]


@given(FILES, FILES, st.integers(0, 3), st.integers(0, 12))
def test_more_context_changes_the_same(before: list[str], after: list[str], given_lines: int, wanted: int) -> None:
    wider = with_context(hunks_of(before, after, given_lines), before, wanted)
    assert wider is not None
    assert applied(before, wider) == after
    assert [hunk_text(hunk) for hunk in wider] == [hunk_text(hunk) for hunk in hunks_of(before, after, wanted)]


@given(FILES, FILES, FILES)
def test_hunks_of_another_file_are_refused_or_fit(before: list[str], after: list[str], other: list[str]) -> None:
    wider = with_context(hunks_of(before, after, 3), other, 3)
    if wider is not None:
        applied(other, wider)


@given(FILES, FILES, st.integers(0, 5))
def test_surroundings_hold_every_changed_line_and_no_more_than_the_margin(
    before: list[str], after: list[str], margin: int
) -> None:
    hunks = hunks_of(before, after, 3)
    changed = set[int]()
    for hunk in with_context(hunks, before, 0) or ():
        removed = sum(line[0] == "-" for line in hunk.lines)
        start = hunk.old_start - bool(removed)
        changed.update(range(start, start + removed))
    found = surroundings(list(hunks), len(before), margin)
    shown = [line for first, end in found for line in range(first, end)]
    assert changed <= set(shown)
    assert shown == sorted(set(shown))
    assert all(0 <= first < end <= len(before) for first, end in found)


def test_a_heading_that_comes_into_the_context_goes() -> None:
    before = lines_of("def f():\n  1\n  2\n  3\n  4\n")
    hunk = Hunk(5, 5, " def f():", ("-  4\n", "+  5\n"))
    assert [hunk.heading for hunk in with_context((hunk,), before, 3) or ()] == [" def f():"]
    assert [hunk.heading for hunk in with_context((hunk,), before, 4) or ()] == [""]
