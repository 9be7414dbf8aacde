"""Defects of code: what does not parse, and what linters find, for many hostile texts at a time.

Texts are parsed in a child process, one after the other; what it finds out lies in memory that both have. Where the
child ends, by a limit or a signal, another begins at the text that it was at, with all limits anew: if that ends there,
too, the text cannot be measured. So whether a text can be does not depend on those beside it, and a process is paid for
a batch, not for each text. ruff, for Python, is a process of its own anyway.
"""

import mmap
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.grammars import grammar, parse
from filters.lint_rules import compiled_rules, findings_in
from filters.preprocessor import unexplained_errors
from filters.text_views import utf8_bytes
from manifests.isolation import in_child
from stages.linting import SYNTAX, UNKNOWN, Linter

_MEMORY_BYTES = 300_000_000  # real files: below 50 MB
_CPU_SECONDS = 10  # real files: below 0.1; a batch of them: see where it is made
_Rows = npt.NDArray[np.int64]  # of each text: 1 when it was measured, errors, their bytes, findings


class Defects(NamedTuple):
    """What is wrong with a text.

    Attributes:
        num_errors: places that do not parse, less what a preprocessor explains; of Python, what ruff cannot read,
            where that is more: tree-sitter reads Python 2 as well.
        error_bytes: inside outermost ERROR nodes, and one for every missing node.
        findings: of the linter; syntax errors are none.
    """

    num_errors: int
    error_bytes: int
    findings: int


def code_defects(texts: Sequence[tuple[str, str]], linter: Linter) -> list[Defects | None]:
    """The defects of every (language, text); the texts together are a batch of a few MB.

    Returns:
        None for a text whose parse takes more than 300 MB or 10 CPU seconds, or ends the process.

    Raises:
        KeyError: a language has no grammar.
    """
    for language in {language for language, _ in texts}:
        grammar(language)  # loaded once, for all children
        compiled_rules(language)
    rows = _parsed(texts)
    python = [text for (language, text), row in zip(texts, rows, strict=True) if language == "Python" and row[0]]
    found = iter(linter.python_findings(python))
    measured: list[Defects | None] = []
    for (language, _), (done, *amounts) in zip(texts, rows.tolist(), strict=True):
        one = Defects(*amounts) if done else None
        measured.append(_with_findings(one, next(found)) if one and language == "Python" else one)
    return measured


def _with_findings(one: Defects, found: Counter[str]) -> Defects:
    syntax = found[SYNTAX]
    return one._replace(num_errors=max(one.num_errors, syntax), findings=found.total() - syntax - found[UNKNOWN])


def _parsed(texts: Sequence[tuple[str, str]]) -> _Rows:
    rows = np.frombuffer(mmap.mmap(-1, max(1, len(texts)) * 32), dtype=np.int64).reshape(-1, 4)[: len(texts)]
    first = 0
    while first < len(texts):

        def measure(first: int = first) -> float:
            for place in range(first, len(texts)):
                rows[place, 1:] = _measured(*texts[place])
                rows[place, 0] = 1
            return 0.0

        in_child(measure, memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS)
        undone = np.flatnonzero(rows[first:, 0] == 0)
        if not len(undone):
            break
        # The first text of a child had its limits for itself; others are given the same chance.
        first += int(undone[0]) or 1
    return rows


def _measured(language: str, text: str) -> tuple[int, int, int]:
    encoded = utf8_bytes(text)
    tree = parse(encoded, language)
    return (*unexplained_errors(tree, encoded, language), findings_in(tree, encoded, language).total())
