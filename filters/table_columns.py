r"""Table columns: what the head of a table calls the column that a value stands in; CSV, TSV and Markdown.

In a table the word that says what a number is stands once, at its head, however many lines below. The head is the first
line of the block, or of the text where the block is long. Reads at most 800 bytes, and looks for a line end in 2,400.
"""

import re

MAXIMUM_LINE_BYTES = 400
MAXIMUM_BLOCK_BYTES = 2_000

_QUOTED = re.compile(rb'"[^"\n]*"')
_DELIMITERS = (b"\t", b";", b"|", b",")


def column_name(data: bytes, start: int) -> bytes:
    """The name of the column in which the byte at `start` stands; empty where it stands in no table.

    Both lines have the same number of delimiters, one at least; what stands in double quotes holds none.
    """
    line_start = data.rfind(b"\n", max(0, start - MAXIMUM_LINE_BYTES), start) + 1
    block = data.rfind(b"\n\n", max(0, line_start - MAXIMUM_BLOCK_BYTES), line_start)
    head_start = block + 2 if block >= 0 else 0
    head_end = data.find(b"\n", head_start, head_start + MAXIMUM_LINE_BYTES)
    if not line_start or not 0 <= head_end < line_start:
        return b""
    line_end = data.find(b"\n", start, start + MAXIMUM_LINE_BYTES)
    if line_end < 0:
        line_end = min(len(data), start + MAXIMUM_LINE_BYTES)
    head = _QUOTED.sub(_without_delimiters, data[head_start:head_end])
    left = _QUOTED.sub(b"", data[line_start:start])
    right = _QUOTED.sub(b"", data[start:line_end])
    for delimiter in _DELIMITERS:
        place = left.count(delimiter)
        names = head.split(delimiter)
        if len(names) > 1 and len(names) - 1 == place + right.count(delimiter):
            return names[place].strip(b' "\r')
    return b""


def _without_delimiters(match: re.Match[bytes]) -> bytes:
    return match[0].translate(None, b"\t;|,")
