"""Model answers: the one fenced code block that an answer should be, and what else is in it.

Fences are read as CommonMark has them (section 4.5): three or more backticks or tildes behind at most three blanks; the
block ends at a line of at least as many of the same and nothing else, so shorter fences within are content. Deviation:
a block that nothing closes is told apart, because it was cut off. Linear in the answer: about 300 MB a CPU second.
"""

import re
from dataclasses import dataclass

MINIMUM_FENCE = 3

_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)(?:\n|\Z)", re.MULTILINE)
_RUN = re.compile(r"`{3,}")
_LABEL = re.compile(r"[{.\s]*([^\s{}:,]*)")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """The first code block of an answer.

    Attributes:
        code: what stands between the fences, with the line end before the closing one.
        label: the first word behind the opening fence, in lower case; "" for none.
        is_closed: whether a closing fence was there.
        num_blocks: in the whole answer.
        outside: what stands outside of all blocks, less white space around it.
    """

    code: str
    label: str
    is_closed: bool
    num_blocks: int
    outside: str


def code_of(answer: str) -> CodeBlock | None:
    """The code block of an answer, with all that tells whether it is the only thing there; None without a block."""
    first: tuple[str, str, bool] | None = None
    num_blocks = position = 0
    outside: list[str] = []
    while opening := _opening(answer, position):
        outside.append(answer[position : opening.start()])
        closing = _closing(answer, opening)
        stop = len(answer) if closing is None else closing.start()
        if first is None:
            first = answer[opening.end() : stop], _label(opening["info"]), closing is not None
        num_blocks += 1
        position = len(answer) if closing is None else closing.end()
    outside.append(answer[position:])
    if first is None:
        return None
    code, label, is_closed = first
    return CodeBlock(code, label, is_closed, num_blocks, "".join(outside).strip())


def fence_for(text: str) -> str:
    """The fence for a block that holds a text: of backticks, longer than any run of them in it, three at least."""
    longest = max(map(len, _RUN.findall(text)), default=0)
    return "`" * max(MINIMUM_FENCE, longest + 1)


def _opening(answer: str, position: int) -> re.Match[str] | None:
    while fence := _FENCE.search(answer, position):
        if fence["marks"][0] == "~" or "`" not in fence["info"]:
            return fence
        position = fence.end()
    return None


def _closing(answer: str, opening: re.Match[str]) -> re.Match[str] | None:
    marks = opening["marks"]
    closing = re.compile(rf"^ {{0,3}}{marks[0]}{{{len(marks)},}}[ \t\r]*(?:\n|\Z)", re.MULTILINE)
    return closing.search(answer, opening.end())


def _label(info: str) -> str:
    found = _LABEL.match(info)
    return found[1].lower() if found else ""
