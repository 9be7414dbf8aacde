"""Bad answers that lose what stands at the head of a file: whose it is, and under which licence."""

import random
import re

from rewriting.answers import Case, Said, answered
from rewriting.syntax import is_no_worse

from filters.copyrights import copyright_lines
from filters.licence_evidence import header_evidence
from filters.source_kinds import COMMENT, source_kinds


def removed_header(case: Case, draw: random.Random) -> Said | None:
    """The comment with licence or copyright gone, or put in other words, or a line of it gone."""
    lines = copyright_lines(case.original[:2000])
    tag = header_evidence(case.original[:2000])
    head = _head_comment(case.rewrite, case.language)
    if head is None or not (lines or tag):
        return None
    comment = case.rewrite[:head]
    if "opyright" not in comment and "SPDX" not in comment and "(c)" not in comment.lower():
        return None
    kind = draw.randrange(3)
    if kind == 0:
        new = ""
    elif kind == 1:
        sign = "#" if case.language in ("Python", "Ruby") else "//"
        new = f"{sign} Licensed under the project's licence.\n"
        new = f"/* {new[3:-1]} */\n" if case.language == "C" else new
    else:
        gone = [
            line
            for line in comment.splitlines(keepends=True)
            if not re.search(r"copyright|spdx-|\(c\)", line, re.IGNORECASE)
        ]
        new = "".join(gone)
    answer = new + case.rewrite[head:]
    if case.language == "PHP" and not answer.lstrip().startswith("<?"):
        answer = "<?php\n" + answer
    if not is_no_worse(answer, case.original, case.language):
        return None
    return Said(answered(answer, case.language, draw))


def _head_comment(text: str, language: str) -> int | None:
    """Characters of the comments that a text begins with; None where it begins with code."""
    kinds = source_kinds(text, language)
    encoded = text.encode()
    stop = 0
    for index in range(len(encoded)):
        if kinds[index] != COMMENT and encoded[index] > 0x20:
            break
        stop = index + 1
    head = encoded[:stop].decode(errors="ignore")
    return len(head) if head.strip() else None
