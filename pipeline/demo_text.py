"""Demo text: rows in the form of The Pile, made of the prose that comes with installed packages.

Four sets: the long description of each distribution, prose files (.md, .rst, .txt), the language reference behind
`help()`, and long docstrings. Docstrings are read from the syntax tree, never by importing, and only from files that
are no row of code, so that the two sides do not hold the same words. Costs about 4 CPU seconds, most of it parsing;
that is why only files are parsed of which a fifth or more looks like long docstrings: nine tenths of the yield for half
the time.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from hashlib import sha1
from pathlib import PurePosixPath
from pydoc_data.topics import topics

from pipeline.demo_files import InstalledPackage

DESCRIPTIONS = "PyPI Descriptions"
DOCUMENTATION = "Package Documentation"
TOPICS = "Python Topics"
DOCSTRINGS = "Docstrings"

DOCSTRING_BYTES = 6_000_000
MINIMUM_DOCSTRING_CHARACTERS = 1_000
MINIMUM_DOCSTRING_FRACTION = 0.2
MINIMUM_TEXT_CHARACTERS = 300

_PROSE_EXTENSIONS = frozenset(("md", "rst", "txt"))
_NOT_PROSE_NAMES = re.compile(r"(?i)(licen[cs]e|copying|notice|authors|cmakelists|requirements|entry_points|top_level)")
_LITERAL = re.compile(r'"""(.*?)"""', re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"[a-z)`'\"][.!?:](?=\s)")


@dataclass(frozen=True, slots=True)
class DemoText:
    """One text; `key` (`set:origin`) names it among all others."""

    key: str
    subset: str
    text: str


def descriptions(packages: Sequence[InstalledPackage]) -> Iterator[DemoText]:
    """The long description of each package that has one."""
    for package in packages:
        text = package.description.strip()
        if len(text) >= MINIMUM_TEXT_CHARACTERS and _is_plain(text):
            yield DemoText(f"{DESCRIPTIONS}:{package.name}", DESCRIPTIONS, text)


def documentation(packages: Sequence[InstalledPackage]) -> Iterator[DemoText]:
    """The files of the packages that are prose; their key is `repository:path`."""
    for package in packages:
        for file in package.files:
            name = PurePosixPath(file.path).name
            if file.extension not in _PROSE_EXTENSIONS or _NOT_PROSE_NAMES.match(name):
                continue
            text = file.read()
            if text is not None and is_prose(text):
                yield DemoText(f"{package.repo}:{file.path}", DOCUMENTATION, text)


def language_topics() -> Iterator[DemoText]:
    """The language reference as `help()` shows it."""
    for name in sorted(topics):
        text = topics[name].strip()
        if len(text) >= MINIMUM_TEXT_CHARACTERS:
            yield DemoText(f"{TOPICS}:{name}", TOPICS, text)


def docstrings(
    packages: Sequence[InstalledPackage], leave_out: Set[str], *, num_bytes: int = DOCSTRING_BYTES
) -> Iterator[DemoText]:
    """Docstrings of at least `MINIMUM_DOCSTRING_CHARACTERS`.

    Args:
        leave_out: keys (`repository:path`) of files that are rows of code.
        num_bytes: UTF-8 bytes of all together; the file that reaches it is read to its end.
    """
    files = [
        (f"{package.repo}:{file.path}", file)
        for package in packages
        for file in package.files
        if file.extension in ("py", "pyi")
    ]
    seen: set[str] = set()
    left = num_bytes
    for key, file in sorted(files, key=lambda pair: sha1(pair[0].encode(), usedforsecurity=False).digest()):
        source = None if key in leave_out or left <= 0 else file.read()
        if source is None or not _is_worth_parsing(source):
            continue
        for place, text in long_docstrings(source):
            if text not in seen:  # a method and its alias often share one
                seen.add(text)
                left -= len(text.encode())
                yield DemoText(f"{DOCSTRINGS}:{key}:{place}", DOCSTRINGS, text)


def long_docstrings(source: str) -> Iterator[tuple[str, str]]:
    """(line:name, docstring) of each long docstring of a Python source; nothing where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deep
        return
    for node in _with_body(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if len(text) >= MINIMUM_DOCSTRING_CHARACTERS and _is_plain(text):
                yield f"{getattr(node, 'lineno', 0)}:{getattr(node, 'name', '')}", text


def _with_body(tree: ast.Module) -> Iterator[ast.AST]:
    """The tree and its statements, but not their expressions, which are nine nodes in ten."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        for field in ("finalbody", "orelse", "handlers", "body"):
            nodes.extend(reversed(getattr(node, field, ())))


def _is_worth_parsing(source: str) -> bool:
    long = sum(size for size in map(len, _LITERAL.findall(source)) if size >= MINIMUM_DOCSTRING_CHARACTERS)
    return MINIMUM_DOCSTRING_FRACTION * len(source) < long


def is_prose(text: str) -> bool:
    """Whether a text is sentences rather than data: half its characters in words, a sentence every 400 or so."""
    if len(text) < MINIMUM_TEXT_CHARACTERS or not _is_plain(text):
        return False
    in_words = sum(map(len, _WORDS.findall(text)))
    return 2 * in_words >= len(text) and 400 * len(_SENTENCE_END.findall(text)) >= len(text)


def _is_plain(text: str) -> bool:
    """False for text that JSON or UTF-8 cannot carry as it is: NUL, lone surrogates of a docstring's escapes."""
    return "\0" not in text and (text.isascii() or not re.search("[\ud800-\udfff]", text))
