"""Signals on pull requests and commits, which are texts of sections (`filters.sections`).

A text without sections has no title, no hunks, no files. The limits of StarCoder2 on the files before the change hold
here for what the text shows of them, and a pull request that fails them goes; there the file alone was left out.
"""

import re
from collections.abc import Iterator

import msgspec

from filters.bots import is_bot, is_branch_of_bot, is_signed_by_bot
from filters.sections import Section, sections
from manifests.document import Document

NOT_KNOWN_CHARACTERS = 1_000_000.0

_DEPENDENCY_OR_RELEASE = re.compile(r"\b(?:dependenc(?:y|ies)|depend|release)\b", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"(?:0x|\\x)[0-9A-Fa-f]+|\b[0-9A-Fa-f]{2}\b")
_DATA_FILES = (".json", ".yaml", ".yml")
_LOCKED = re.compile("pack|lock|yarn|output|swagger|openapi", re.IGNORECASE)


class _Opened(msgspec.Struct):
    """What of a row's metadata says who opened it; any JSON may stand there."""

    user: object = None
    head_branch: object = None


def pull_request_title_characters(document: Document) -> float:
    """Length of the title.

    A title of a word or two says nothing of the change.

    Returns:
        Unicode code points, >= 0; 0 without a title.

    Source: StarCoder2, arXiv 2402.19173 (at least 10).
    """
    return float(len(_body(document, "title") or ""))


def is_dependency_or_release_title(document: Document) -> float:
    """Whether the title speaks of a dependency or a release.

    Such changes are made by rote, mostly by programs: version numbers and lock files.

    Returns:
        1 where a word of it is "dependency", "dependencies", "depend" or "release", in any case; else 0.

    Source: StarCoder2, arXiv 2402.19173 (none).
    """
    return float(_DEPENDENCY_OR_RELEASE.search(_body(document, "title") or "") is not None)


def pull_request_description_characters(document: Document) -> float:
    """Length of the description.

    Meant for a minimum: where nobody knows the description (git does not hold it) it is as if it were very long.

    Returns:
        Unicode code points, >= 0 and at most some 1,000, for longer ones are cut; 1,000,000 where it is not known.

    Source: StarCoder2, arXiv 2402.19173 (at least 20).
    """
    description = _body(document, "description")
    return NOT_KNOWN_CHARACTERS if description is None else float(len(description))


def is_bot_pull_request(document: Document) -> float:
    """Whether a program opened it, as far as the row knows.

    Told by the account that opened it, by the name of the branch (`dependabot/...`), and by who signed the message.

    Returns:
        1 or 0; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173 (none); it has accounts alone. Deviation: descriptions that name Qwiet, a
        scanner, count as a bot's; there they are a rule of their own.
    """
    try:
        opened = msgspec.json.decode(document.metadata, type=_Opened)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        opened = _Opened()
    by_account = isinstance(opened.user, str) and is_bot(opened.user)
    by_branch = isinstance(opened.head_branch, str) and is_branch_of_bot(opened.head_branch)
    return float(by_account or by_branch or is_signed_by_bot(_body(document, "description") or ""))


def num_hunks(document: Document) -> float:
    """Number of the stretches of code that a pull request changes.

    None are left where only modes or binary files change, or where every stretch is longer than 10,000 characters.

    Returns:
        >= 0; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173 (at least 1).
    """
    return float(sum(part.kind == "hunk" for part in sections(document.text)))


def base_longest_line_characters(document: Document) -> float:
    """Length of the longest line of the files before the change.

    Returns:
        Unicode code points, >= 0; 0 where no such file is shown.

    Source: StarCoder2, arXiv 2402.19173 (at most 1,000).
    """
    return float(max(map(len, _base(document).split("\n"))))


def base_mean_line_characters(document: Document) -> float:
    """Mean length of a line of the files before the change.

    Returns:
        Unicode code points, line ends included, >= 0; 0 where no such file is shown.

    Source: StarCoder2, arXiv 2402.19173 (at most 100), file by file. Deviation: all that is shown is one, for of a file
        it may be a line.
    """
    base = _base(document)
    return len(base) / (base.count("\n") + 1)


def base_alphanumeric_fraction(document: Document) -> float:
    """Share of letters and digits in the files before the change.

    Returns:
        0..1; 1 where no such file is shown.

    Source: StarCoder2, arXiv 2402.19173 (at least 0.25), file by file; deviation as in `base_mean_line_characters`.
    """
    base = _base(document)
    return sum(map(str.isalnum, base)) / len(base) if base else 1.0


def base_hexadecimal_fraction(document: Document) -> float:
    """Share of hexadecimal numbers in the files before the change.

    Counted are the characters of numbers with `0x` or a backslash and `x` in front, and of two digits that stand alone.

    Returns:
        0..1; 0 where no such file is shown.

    Source: StarCoder2, arXiv 2402.19173 (at most 0.25), which does not say what counts; deviation as in
        `base_mean_line_characters`.
    """
    base = _base(document)
    return sum(map(len, _HEXADECIMAL.findall(base))) / len(base) if base else 0.0


def data_file_fraction(document: Document) -> float:
    """Share of JSON and YAML in what a pull request shows and changes.

    Returns:
        0..1, by characters of files before the change and of hunks; 0 where there are none.

    Source: StarCoder2, arXiv 2402.19173, which goes by the files before the change and keeps one in ten above one half.
    """
    total = data = 0
    for path, text in _contents(document):
        total += len(text)
        data += len(text) * _is_data(path)
    return data / total if total else 0.0


def num_lock_files(document: Document) -> float:
    """Number of changed JSON and YAML files that are named like a lock file, a build's output or an API's description.

    Returns:
        >= 0; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173, which keeps one in ten of the pull requests that have one: paths with pack,
        lock, yarn, output, swagger or openapi.
    """
    paths = (part.label for part in sections(document.text) if part.kind == "file")
    return float(sum(_is_data(path) and _LOCKED.search(path) is not None for path in paths))


def _body(document: Document, kind: str) -> str | None:
    """The body of the first section of a kind; None where there is none."""
    return next((part.body for part in sections(document.text) if part.kind == kind), None)


def _base(document: Document) -> str:
    """What is shown of the files before the change, line by line; empty where there is none."""
    return "\n".join(part.body.removesuffix("\n") for part in sections(document.text) if _is_base(part))


def _is_base(part: Section) -> bool:
    return part.kind in ("base", "base_lines")


def _contents(document: Document) -> Iterator[tuple[str, str]]:
    """(path, text) of everything that is shown of files."""
    path = ""
    for part in sections(document.text):
        if part.kind == "file":
            path = part.label
        elif part.kind == "hunk":
            yield path, part.body
        elif _is_base(part):
            yield part.label, part.body


def _is_data(path: str) -> bool:
    return path.rstrip('"').lower().endswith(_DATA_FILES)
