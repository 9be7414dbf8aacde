"""Diffs: what `git diff` wrote, as files and hunks.

A parser of its own, because one is needed that reads any text without raising, goes by a line's place and not by its
looks (a removed line `-- x` reads `--- x`), and gives every line back as it was. The known library, unidiff, raises on
odd input and takes a quoted name with a space in it for a rename. Linear in the text.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from stages.rows import Fault

Status = Literal["modified", "added", "deleted", "renamed", "copied"]

NO_NEWLINE = "\\ No newline at end of file\n"

_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"')  # possessive: else it takes 120 bytes for each character
_PASSED_OVER = ("index ", "similarity index ", "dissimilarity index ")


class Hunk(NamedTuple):
    """A stretch of a file that is changed.

    Attributes:
        old_start: number of its first line before the change, from 1; where it has none, of the line above it.
        new_start: the same after the change.
        heading: what stands behind the second `@@`, its space included.
        lines: each with its sign (space, `-` or `+`) and its LF; one that ends its file without a LF has none.
    """

    old_start: int
    new_start: int
    heading: str
    lines: tuple[str, ...]


class FileDiff(NamedTuple):
    """What a diff does to one file; the paths are the same unless it is renamed or copied."""

    old_path: str
    new_path: str
    status: Status
    is_binary: bool
    hunks: tuple[Hunk, ...]


def file_diffs(diff: str) -> list[FileDiff] | Fault:
    """The files of a diff, in order.

    Args:
        diff: as git writes it, one `diff --git` for each file; prefixes `a/` and `b/` are taken off. Lines end with LF
            alone.

    Returns:
        Empty for an empty text; the fault `invalid_diff`, with the number of the line, for what is no such diff.
    """
    lines = lines_of(diff)
    found: list[FileDiff] = []
    place = 0
    try:
        while place < len(lines):
            place = _read_file(lines, place, found)
    except _NoDiffError as error:
        return Fault("invalid_diff", f"line {error.place + 1}: expected {error.expected}")
    return found


def lines_of(text: str) -> list[str]:
    """Lines with their LF, at which alone they end; the last may have none. Empty for an empty text."""
    *complete, last = text.split("\n")
    lines = [f"{line}\n" for line in complete]
    return [*lines, last] if last else lines


def hunk_text(hunk: Hunk) -> str:
    """A hunk as git writes it, without its last LF."""
    old, new = counts(hunk)
    header = f"@@ -{_range(hunk.old_start, old)} +{_range(hunk.new_start, new)} @@{hunk.heading}\n"
    ended = (line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in hunk.lines)
    return (header + "".join(ended))[:-1]


def counts(hunk: Hunk) -> tuple[int, int]:
    """Lines of a hunk before and after the change."""
    signs = [line[0] for line in hunk.lines]
    return len(signs) - signs.count("+"), len(signs) - signs.count("-")


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"


class _NoDiffError(Exception):
    """What stands at a line is not what must stand there."""

    def __init__(self, place: int, expected: str) -> None:
        super().__init__(expected)
        self.place = place
        self.expected = expected


class _Names:
    """What the lines above the hunks say of a file; a later line knows better than the first."""

    def __init__(self, old: str | None, new: str | None) -> None:
        self.old = old
        self.new = new
        self.status: Status = "modified"
        self.is_binary = False

    def take(self, line: str) -> bool:
        """Whether the line is one of those; `line` without its LF."""
        word, name = _split(line)
        if word in ("rename from ", "copy from "):
            self.status, self.old = ("renamed" if word[0] == "r" else "copied"), _unquoted(name)
        elif word in ("rename to ", "copy to "):
            self.new = _unquoted(name)
        elif word in ("new file mode ", "deleted file mode "):
            self.status = "added" if word[0] == "n" else "deleted"
        elif word == "--- ":
            self.old = _path(name, "a/") or self.old
        elif word == "+++ ":
            self.new = _path(name, "b/") or self.new
        elif word in ("Binary files ", "GIT binary patch"):
            self.is_binary = True
        return bool(word)


_WORDS = (
    *("old mode ", "new mode ", "new file mode ", "deleted file mode ", "rename from ", "rename to ", "copy from "),
    *("copy to ", "--- ", "+++ ", "Binary files ", "GIT binary patch", *_PASSED_OVER),
)


def _split(line: str) -> tuple[str, str]:
    word = next((word for word in _WORDS if line.startswith(word)), "")
    return word, line[len(word) :]


def _read_file(lines: list[str], place: int, found: list[FileDiff]) -> int:
    """Read one file; the number of the line behind it."""
    start, header = place, lines[place].rstrip("\n")
    if not header.startswith("diff --git "):
        raise _NoDiffError(place, "`diff --git`")
    names = _Names(*_header_paths(header.removeprefix("diff --git ")))
    place += 1
    while place < len(lines) and names.take(lines[place].rstrip("\n")):
        place += 1
        if names.is_binary:
            place = _next_file(lines, place)
    hunks: list[Hunk] = []
    while place < len(lines) and not lines[place].startswith("diff --git "):
        hunk, place = _read_hunk(lines, place)
        hunks.append(hunk)
    old, new = names.old or names.new, names.new or names.old
    if old is None or new is None:
        raise _NoDiffError(start, "the names of a file")
    found.append(FileDiff(old, new, names.status, names.is_binary, tuple(hunks)))
    return place


def _next_file(lines: list[str], place: int) -> int:
    """The next file's line: what stands before it is binary."""
    while place < len(lines) and not lines[place].startswith("diff --git "):
        place += 1
    return place


def _read_hunk(lines: list[str], place: int) -> tuple[Hunk, int]:
    match = _HUNK.fullmatch(lines[place].rstrip("\n"))
    if match is None:
        raise _NoDiffError(place, "`@@ -1,2 +3,4 @@` or `diff --git`")
    old_left, new_left = (1 if count is None else int(count) for count in match.group(2, 4))
    place += 1
    body: list[str] = []
    while old_left or new_left:
        line = lines[place] if place < len(lines) else ""
        line = " \n" if line == "\n" else line  # an editor took the space of an empty line away
        if line[:1] not in {" ", "-", "+"}:
            raise _NoDiffError(place, "a line of a hunk")
        old_left -= line[0] != "+"
        new_left -= line[0] != "-"
        if old_left < 0 or new_left < 0:
            raise _NoDiffError(place, "no more lines of this kind in the hunk")
        body.append(line if line.endswith("\n") else f"{line}\n")
        place += 1
        if place < len(lines) and lines[place].startswith("\\"):
            body[-1] = body[-1].removesuffix("\n")
            place += 1
    return Hunk(int(match[1]), int(match[3]), match[5], tuple(body)), place


def _header_paths(names: str) -> tuple[str | None, str | None]:
    """The two names behind `diff --git`; None where they cannot be told apart, as with spaces in both."""
    if quoted := _QUOTED.match(names):
        return _path(quoted[0], "a/"), _path(names[quoted.end() + 1 :], "b/")
    if names.endswith('"') and ' "' in names:
        old, _, new = names.partition(' "')
        return _path(old, "a/"), _path(f'"{new}', "b/")
    half = len(names) // 2
    old, new = names[:half], names[half + 1 :]
    if names[half : half + 1] == " " and old.removeprefix("a/") == new.removeprefix("b/"):
        return _path(old, "a/"), _path(new, "b/")
    return None, None


def _path(name: str, prefix: str) -> str | None:
    """A path of a header; None for no file. Git puts a tab behind names with spaces."""
    name = name.removesuffix("\t")
    return None if name == "/dev/null" else _unquoted(name).removeprefix(prefix)


def _unquoted(name: str) -> str:
    r"""A name without git's quotes and their escapes, such as `\t` and `\303`."""
    if len(name) < 2 or not (name[0] == name[-1] == '"'):
        return name
    return b"".join(_bytes_of(name[1:-1])).decode("utf-8", "replace")


def _bytes_of(quoted: str) -> Iterator[bytes]:
    end = 0
    for match in _ESCAPE.finditer(quoted):
        yield quoted[end : match.start()].encode()
        escaped = match[1]
        if escaped[0] in "01234567":
            yield bytes([int(escaped, 8) & 0xFF])
        else:
            yield bytes([_ESCAPED[escaped]]) if escaped in _ESCAPED else escaped.encode()
        end = match.end()
    yield quoted[end:].encode()
