"""Signals on the lines of a document. Only LF ends a line.

The BigCode filters call `str.splitlines`, which also breaks at form feeds, U+0085, U+2028 and the like: characters that
a compiler or a diff does not take for a line end. A file with bare CR for line ends (classic Mac OS) is one line here.
The visible part of a line is what `str.strip` leaves of it; a line without one is blank.
"""

from filters.character_classes import character_classes
from filters.line_table import line_counts
from filters.parts import parts
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
    return float(line_counts(document.text).longest)


def mean_line_characters(document: Document) -> float:
    """Mean length of a line, blank ones included.

    High values mark minified or generated code, low ones columns of data.

    Returns:
        Unicode code points, >= 0, the LF not counted; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173 (at most 100); OpenCoder, arXiv 2411.04905 (5 to 100). Deviation: see the
    module.
    """
    counts = line_counts(document.text)
    return counts.characters / counts.lines if counts.lines else 0.0


def duplicate_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that repeat an earlier one, white space at both ends apart.

    High values mark tables, logs and boilerplate; code repeats short lines (`}`) too, so bound it for text.

    Returns:
        0..1, below 1 always; 0 for a document without a non-blank line.

    Source: Gopher, arXiv 2112.11446, table A1 (duplicate line fraction, at most 0.30). Deviation: Gopher compares lines
    as they stand; here indentation and a CR make no difference.
    """
    counts = line_counts(document.text)
    return counts.repeated / counts.nonblank if counts.nonblank else 0.0


def duplicate_line_character_fraction(document: Document) -> float:
    """Share of the characters in lines that repeat an earlier one.

    As the share of the lines, but a long one weighs more: pasted paragraphs and boilerplate.

    Returns:
        0..1, below 1 always; 0 for an empty document. Of the lines their visible part counts, of the document all
        characters but LF.

    Source: Gopher, arXiv 2112.11446, table A1 (at most 0.20); FineWeb, arXiv 2406.17557, section 3.6 (at most 0.01).
    Deviation: lines are compared by their visible part; Gopher's share is of all characters, LF included.
    """
    counts = line_counts(document.text)
    return counts.repeated_characters / counts.characters if counts.characters else 0.0


def bullet_line_fraction(document: Document) -> float:
    """Share of the lines that start with a bullet or a hyphen, white space apart.

    High values mark lists and menus.

    Returns:
        0..1, blank lines among the lines; 0 for an empty document.

    Source: Gopher, arXiv 2112.11446, appendix A.1.1 (at most 0.90).
    """
    counts = line_counts(document.text)
    return counts.bullets / counts.lines if counts.lines else 0.0


def ellipsis_line_fraction(document: Document) -> float:
    """Share of the lines that end in an ellipsis (three dots or U+2026), white space apart.

    High values mark lists of teasers, each cut short.

    Returns:
        0..1, blank lines among the lines; 0 for an empty document.

    Source: Gopher, arXiv 2112.11446, appendix A.1.1 (at most 0.30).
    """
    counts = line_counts(document.text)
    return counts.ellipses / counts.lines if counts.lines else 0.0


def ended_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that end in a mark that ends a sentence, white space apart.

    Low values mark menus, tables and code.

    Returns:
        0..1; 0 for a document without a non-blank line.

    Source: FineWeb, arXiv 2406.17557, section 3.6 (at least 0.12); NeMo Curator's English heuristics (at least 0.15).
    Deviation: marks of scripts in daily use; FineWeb's list holds those of historic ones, too, and sees no mark before
    a blank or CR.
    """
    counts = line_counts(document.text)
    return counts.ended / counts.nonblank if counts.nonblank else 0.0


def short_line_fraction(document: Document) -> float:
    """Share of the non-blank lines of at most 30 characters.

    High values mark menus and lists.

    Returns:
        0..1; 0 for a document without a non-blank line. A CR before the LF counts as a character.

    Source: FineWeb, arXiv 2406.17557, section 3.6 (at most 0.67).
    """
    counts = line_counts(document.text)
    return counts.short / counts.nonblank if counts.nonblank else 0.0


def newline_word_ratio(document: Document) -> float:
    """Line ends for each word, as Gopher's rules count words.

    High values mark lists of single words.

    Returns:
        >= 0; 0 for a document without a word.

    Source: FineWeb, arXiv 2406.17557, section 3.6 (at most 0.3). Deviation: what a word is (`filters.parts`).
    """
    text = document.text
    num_parts = parts(text).starts.size
    return character_classes(text).line_ends.size / num_parts if num_parts else 0.0
