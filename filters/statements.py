"""Signals on what the lines of code say: definitions, imports, prints, assertions, and how little logic is left.

Shares of lines tell stubs, listings and generated accessors from programs without a parse. They are known for C, C++,
C#, Go, Java, JavaScript and Python, and 0 for other languages: bound them by language. All signals of a document share
one hyperscan pass; compiling a language's patterns takes a few hundredths of a second, once a process.

Source: OpenCoder, arXiv 2411.04905, table of rules, and its filter code; deviations stand in `statement_patterns`. Its
two rules that keep a fifth of the files by chance are plain signals here.
"""

from functools import cache, lru_cache
from typing import Any

import hyperscan

from filters.source_comments import code_lines
from filters.statement_patterns import ASSERTION, PATTERNS
from manifests.document import Document

_MAXIMUM_BYTES = 2**32 - 1  # hyperscan counts in 32 bits
_NO_LOGIC = ("function", "import", "class", "simple_return", "simple_variable")
_C_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".h++")


def function_line_fraction(document: Document) -> float:
    """Share of the lines of code that begin a function.

    High values mark stubs and lists of declarations.

    Returns:
        0..1; 0 without code and for languages without patterns.

    Source: see the module (at most 0.2).
    """
    return _share(document, "function")


def one_line_function_fraction(document: Document) -> float:
    """Python functions that only return something, for every line of code.

    High values mark accessors and mocks.

    Returns:
        0..1; 0 without code and for languages other than Python. One with its `return` on a line of its own has two
        lines and counts as one. A docstring is no part of a function.

    Source: see the module (at most 0.1).
    """
    return _share(document, "one_line_function")


def import_line_fraction(document: Document) -> float:
    """Share of the lines of code that import or include.

    High values mark files that pass names on.

    Returns:
        0..1; 0 without code and for languages without patterns.

    Source: see the module (Python, at most 0.3).
    """
    return _share(document, "import")


def pass_line_fraction(document: Document) -> float:
    """Share of the lines of Python code that are `pass`.

    High values mark templates and exercises.

    Returns:
        0..1; 0 without code and for languages other than Python.

    Source: see the module (at most 0.05).
    """
    return _share(document, "pass")


def print_line_fraction(document: Document) -> float:
    """Share of the lines of code that print.

    High values mark first exercises and banners.

    Returns:
        0..1; 0 without code and for languages without patterns.

    Source: see the module (at most 0.4).
    """
    return _share(document, "print")


def assert_line_fraction(document: Document) -> float:
    """Share of the lines of code with `assert` in them, in any case and any language.

    High values mark tables of tests.

    Returns:
        0..1; 0 without code. Where a language's comments are not known, all lines are code.

    Source: see the module (at most 0.4).
    """
    return _share(document, "assertion")


def preprocessor_line_fraction(document: Document) -> float:
    """Share of the lines of C and C++ code that are preprocessor directives; headers do not count.

    High values mark configuration.

    Returns:
        0..1; 0 without code, for other languages, and for a path that ends in .h, .hh, .hpp, .hxx or .h++.

    Source: see the module (at most 0.8). Deviation: lines with `struct` or `using` are no directives here.
    """
    return 0.0 if document.path.lower().endswith(_C_HEADERS) else _share(document, "preprocessor")


def num_main_functions(document: Document) -> float:
    """Number of definitions of main() in C and C++ code.

    Two mark several programs pasted into one file.

    Returns:
        Definitions, >= 0; 0 for an empty document and for other languages.

    Source: see the module (at most 1).
    """
    return float(max(0, _counts(document.text, document.language).get("main", 0)))


def num_variable_lines(document: Document) -> float:
    """Number of lines of code that declare or assign a variable.

    None mark declarations without a program.

    Returns:
        Lines, >= 0; 0 for an empty document and for languages without patterns.

    Source: see the module (at least 1).
    """
    return float(max(0, _counts(document.text, document.language).get("variable", 0)))


def no_logic_line_fraction(document: Document) -> float:
    """Share of the lines of code that only declare: functions, imports, classes, simple returns and variables.

    High values mark stubs, interfaces and generated accessors.

    Returns:
        0..1; 0 without code and for languages without patterns. A line of two kinds counts twice, up to 1 in all.

    Source: see the module (above 0.5, four of five are dropped by chance). Deviation: no chance.
    """
    return min(1.0, sum(_share(document, statement) for statement in _NO_LOGIC))


def is_go_test(document: Document) -> float:
    """Whether a path ends in _test.go.

    Go keeps a package's tests beside its code, often more of them.

    Returns:
        1 or 0; 0 without a path.

    Source: see the module (four of five are dropped by chance). Deviation: no chance.
    """
    return float(document.path.lower().endswith("_test.go"))


def _share(document: Document, statement: str) -> float:
    num_statements = _counts(document.text, document.language).get(statement, 0)
    return max(0, num_statements) / code_lines(document.text, document.language).num_lines if num_statements else 0.0


@lru_cache(maxsize=1)
def _counts(text: str, language: str) -> dict[str, int]:
    """Lines by the kind of statement; kinds that do not occur are left out."""
    code = code_lines(text, language).code
    if not code:
        return {}
    database, statements = _database(language if language in PATTERNS else "")
    numbers = [0] * len(statements)

    def count(index: int, _start: int, _end: int, _flags: int, _context: object) -> None:
        numbers[index] += 1

    database.scan(code[:_MAXIMUM_BYTES], match_event_handler=count)
    counts: dict[str, int] = {}
    for statement, number in zip(statements, numbers, strict=True):
        kind = statement.removeprefix("-")
        counts[kind] = counts.get(kind, 0) + (-number if statement.startswith("-") else number)
    return counts


@cache
def _database(language: str) -> tuple[Any, tuple[str, ...]]:
    """The compiled patterns of a language and their names; the empty language has assertions alone."""
    patterns = PATTERNS.get(language, {})
    statements = (*patterns, "assertion")
    expressions = [pattern.encode() for pattern in (*patterns.values(), ASSERTION)]
    flags = [int(hyperscan.HS_FLAG_MULTILINE)] * len(patterns)
    flags.append(int(hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_CASELESS))
    database = hyperscan.Database()
    database.compile(expressions=expressions, ids=list(range(len(statements))), elements=len(statements), flags=flags)
    return database, statements
