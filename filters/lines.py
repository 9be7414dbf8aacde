"""Signals on the lines of a document. Only LF ends a line.

The BigCode filters call `str.splitlines`, which also breaks at form feeds, U+0085, U+2028 and the like: characters that
a compiler or a diff does not take for a line end. A file with bare CR for line ends (classic Mac OS) is one line here.
"""

from filters.text_views import lines
from manifests.document import Document


def num_lines(document: Document) -> float:
    """Number of lines.

    Very many mark data that was checked in as code.

    Returns:
        Lines, >= 0; 0 for an empty document. A final LF does not start another line.

    Source: StarCoder2, arXiv 2402.19173 (at most 100,000). Deviation: see the module.
    """
    text = document.text
    return float(text.count("\n") + (text != "" and not text.endswith("\n")))


def longest_line_characters(document: Document) -> float:
    """Length of the longest line.

    High values mark minified or generated code.

    Returns:
        Unicode code points, >= 0; 0 for an empty document. A CR before the LF counts.

    Source: StarCoder2, arXiv 2402.19173 (at most 1,000 for most languages, 100,000 for HTML, JSON,
    Markdown, Roff, SMT, TeX, Text and XML). Deviation: see the module.
    """
    return float(max(map(len, lines(document.text)), default=0))


def duplicate_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that repeat an earlier one, white space at both ends apart.

    High values mark tables, logs and boilerplate; code repeats short lines (`}`) too, so bound it for text.

    Returns:
        0..1, below 1 always; 0 for a document without a non-blank line.

    Source: Gopher, arXiv 2112.11446, table A1 (duplicate line fraction, at most 0.30). Deviation: Gopher compares lines
    as they stand; here indentation and a CR make no difference.
    """
    stripped = list(map(str.strip, lines(document.text)))
    num_nonblank = len(stripped) - stripped.count("")
    if not num_nonblank:
        return 0.0
    distinct = set(stripped)
    distinct.discard("")
    return (num_nonblank - len(distinct)) / num_nonblank
