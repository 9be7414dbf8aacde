"""Sections: how a pull request stands in one text, so that it can be split again.

Everything that looks at texts (redaction, decontamination, duplicates, signals) so sees all of it, and rendering finds
its parts. A section is a line that begins with the mark U+001E, then its body and a LF:

    <U+001E>kind label
    body

The mark stands nowhere else: in contents it is replaced by U+FFFD, and labels that could end their line are quoted.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

MARK = "\x1e"
REPLACEMENT = "\ufffd"

_UNFIT = re.compile(r'^"|[\x00-\x1f]')


class Section(NamedTuple):
    """A part of a pull request.

    Attributes:
        kind: `title`, `description`, `repository`, `base`, `base_lines`, `file`, `hunk`, `comment`, `status`; empty for
            what stands before the first mark of a text that is none of ours.
        label: the rest of the section's line; empty where there is nothing.
        body: any text without the mark; it may be empty.
    """

    kind: str
    label: str
    body: str


def written(parts: Iterable[Section]) -> str:
    """Sections as one text; `sections` is the inverse.

    Args:
        parts: kinds are words of `a` to `z` and `_`, labels have gone through `in_one_line`; the mark in a body is
            replaced.
    """
    return "".join(map(_written, parts))


@lru_cache(maxsize=1)  # one document is asked for them by all of its signals
def sections(text: str) -> tuple[Section, ...]:
    """The sections of a text, in order; total, for a text may have been changed since it was written.

    Returns:
        `written(sections(text)) == text` for whatever `written` gave. Empty for an empty text.
    """
    before, *pieces = text.split(MARK)
    return ((Section("", "", before),) if before else ()) + tuple(map(_read, pieces))


def in_one_line(label: str) -> str:
    """A label as it is written: as it is, or as a JSON string where it holds control characters or begins with `"`."""
    return json.dumps(label, ensure_ascii=False) if _UNFIT.search(label) else label


def _written(part: Section) -> str:
    line = f"{MARK}{part.kind} {part.label}\n" if part.label else f"{MARK}{part.kind}\n"
    body = part.body.replace(MARK, REPLACEMENT)
    return f"{line}{body}\n" if body else line


def _read(piece: str) -> Section:
    line, _, rest = piece.partition("\n")
    kind, _, label = line.partition(" ")
    return Section(kind, label, rest.removesuffix("\n"))
