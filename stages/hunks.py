"""Hunks around the same changes with more context, and the lines of a file that surround them."""

from typing import NamedTuple

from stages.diffs import Hunk, counts


class _Edit(NamedTuple):
    """Lines that others take the place of; `at` counts from 0."""

    at: int
    removed: tuple[str, ...]
    added: tuple[str, ...]
    heading: str


def with_context(hunks: tuple[Hunk, ...], before: list[str], num_lines: int) -> tuple[Hunk, ...] | None:
    """The hunks of one file with so many lines around each change, as `git diff -U` writes them.

    Args:
        before: lines of the file before the change, with their LF.
        num_lines: >= 0; hunks whose context would touch are joined.

    Returns:
        None where the hunks do not fit the file. A heading that has come into the context is left out.
    """
    edits: list[_Edit] = []
    for hunk in hunks:
        found = _edits(hunk, before)
        if found is None or (edits and found and found[0].at < edits[-1].at + len(edits[-1].removed)):
            return None
        edits += found
    groups: list[list[_Edit]] = []
    for edit in edits:
        if groups and edit.at - _end(groups[-1][-1]) <= 2 * num_lines:
            groups[-1].append(edit)
        else:
            groups.append([edit])
    shift = 0
    wider = []
    for group in groups:
        wider.append(_hunk(group, before, num_lines, shift))
        shift += sum(len(edit.added) - len(edit.removed) for edit in group)
    return tuple(wider)


def surroundings(hunks: list[Hunk], num_lines: int, margin: int) -> list[tuple[int, int]]:
    """Stretches of the file before the change around what the hunks change.

    Args:
        num_lines: of the file.
        margin: lines above and below each; stretches that touch are joined.

    Returns:
        (first, behind the last), from 0, in order; none where a file has no lines.
    """
    found: list[tuple[int, int]] = []
    for hunk in hunks:
        old, _ = counts(hunk)
        above = next(place for place, line in enumerate(hunk.lines) if line[0] != " ")
        below = next(place for place, line in enumerate(reversed(hunk.lines)) if line[0] != " ")
        start = hunk.old_start - (1 if old else 0)
        first, end = max(0, start + above - margin), min(num_lines, start + old - below + margin)
        if found and first <= found[-1][1]:
            first, end = found[-1][0], max(end, found[-1][1])
            found.pop()
        if first < end:
            found.append((first, end))
    return found


def _end(edit: _Edit) -> int:
    return edit.at + len(edit.removed)


def _edits(hunk: Hunk, before: list[str]) -> list[_Edit] | None:
    """The changes of a hunk; None where its lines are not those of the file."""
    place = hunk.old_start - (1 if counts(hunk)[0] else 0)
    if not 0 <= place <= len(before):
        return None
    found: list[_Edit] = []
    removed: list[str] = []
    added: list[str] = []
    for line in (*hunk.lines, ""):
        sign, content = line[:1], line[1:]
        if sign == "+":
            added.append(content)
            continue
        if sign != "-" and (removed or added):
            found.append(_Edit(place - len(removed), tuple(removed), tuple(added), hunk.heading))
            removed, added = [], []
        if sign and before[place : place + 1] != [content]:
            return None
        if sign == "-":
            removed.append(content)
        place += bool(sign)
    return found


def _hunk(group: list[_Edit], before: list[str], num_lines: int, shift: int) -> Hunk:
    first, end = max(0, group[0].at - num_lines), min(len(before), _end(group[-1]) + num_lines)
    lines: list[str] = []
    place = first
    for edit in group:
        lines += [f" {line}" for line in before[place : edit.at]]
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
        place = _end(edit)
    lines += [f" {line}" for line in before[place:end]]
    old = end - first
    new = old + sum(len(edit.added) - len(edit.removed) for edit in group)
    heading = group[0].heading
    leading = before[first : group[0].at]
    if heading.strip() and any(line.strip().startswith(heading.strip()) for line in leading):
        heading = ""
    return Hunk(first + (1 if old else 0), first + shift + (1 if new else 0), heading, tuple(lines))
