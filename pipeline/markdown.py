"""Tables of the pages that a release has for people, and what of the data may stand in their cells."""

import re
from collections.abc import Iterable, Sequence

_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "[": "\\[", "&": "&amp;", "<": "&lt;", "`": "'"})
_LINK = re.compile(r"(?<=\w):(?=//)|(?<=www)\.|@", re.IGNORECASE)  # what pages make a link of by themselves


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells must be harmless."""
    lines = [" | ".join(head), " | ".join(["---"] * len(head)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def cell(value: str) -> str:
    """A value from the data, harmless inside a Markdown table."""
    printable = "".join(character if character.isprintable() else "�" for character in value[:100])
    return _LINK.sub(r"\\\g<0>", printable.translate(_ESCAPES))
