"""Share of a source file that does not parse, by tree-sitter's grammars.

tree-sitter never gives up: it sets what it cannot read apart in ERROR nodes and goes on, so the share of bytes inside
them measures how broken a file is.

On some broken texts its recovery takes memory by the square of the text (12 kB of `x=>` in C take 0.8 GB) or recurses
until the stack ends, and no measure of the text foretells it. So every text is parsed in a process of its own, within
limits that real files stay a hundred times below; one that reaches them counts as broken as can be. Slow: 7 to 12 MB
per CPU second for the parse and some milliseconds a file for the process. No default profile holds it.
"""

from filters.grammars import grammar, has_grammar, parse, parse_errors
from filters.text_views import utf8_bytes
from manifests.document import Document
from manifests.isolation import in_child

MAXIMUM_BYTES = 400_000

_MEMORY_BYTES = 300_000_000
_CPU_SECONDS = 10  # real files: below 0.1


def parse_error_fraction(document: Document) -> float:
    """Share of the bytes that a grammar cannot read.

    High values mark files in another language than they say, templates, merge conflicts and cut-off files.

    Returns:
        0..1; 0 for an empty document, for a language without a grammar here, and for a text above 400 kB of UTF-8,
        which is not parsed; 1 where the parse takes more than 300 MB or 10 CPU seconds. A missing token counts one
        byte.

    Source: OpenCoder, arXiv 2411.04905 (Python, JavaScript and HTML must parse). Deviation: a share, where they ask
    whether a file parses at all, and by other parsers (Python's own, esprima); not for HTML, where any text parses.
    """
    encoded = utf8_bytes(document.text)
    if not 0 < len(encoded) <= MAXIMUM_BYTES or not has_grammar(document.language):
        return 0.0
    grammar(document.language)  # loaded once, for all children

    def measure() -> float:
        return min(1.0, parse_errors(parse(encoded, document.language)).num_bytes / len(encoded))

    fraction = in_child(measure, memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS)
    return 1.0 if fraction is None else fraction
