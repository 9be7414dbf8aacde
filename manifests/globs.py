"""Globs of paths inside a repository, as patterns that RE2 and Python read alike.

A glob is held against the whole path from the top of the repository: `*` and `?` stay within a folder, `**` is any
depth, none included (`**/id_rsa` is also `id_rsa`). All else is itself, brackets and backslashes too: `pages/[id].py`
is the name of a file, and files that a class of characters would take are not meant. Case counts.
"""

import re

_SPECIAL = re.compile(r"[*?]")
_TOKEN = re.compile(r"(?s)/\*\*\Z|\*\*/|\*\*|\*|\?|(?P<plain>.)")
_WILD = {"/**": "/.+", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_glob(text: str) -> bool:
    """Whether a path is more than one path."""
    return bool(_SPECIAL.search(text))


def glob_pattern(glob: str) -> str:
    """A glob as a pattern that is to match all of a path, with a dot that matches anything (flag s)."""
    return "".join(map(_translated, _TOKEN.finditer(glob)))


def quoted(text: str) -> str:
    """A text that a pattern takes as it is: `re.escape` quotes what RE2 must not have quoted."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda found: f"\\{found[0]}", text)


def literal_characters(glob: str) -> str:
    """The characters of a glob that stand for themselves, but for slashes."""
    plain = (token["plain"] or "" for token in _TOKEN.finditer(glob))
    return "".join(plain).replace("/", "")


def _translated(token: re.Match[str]) -> str:
    return quoted(token["plain"]) if token["plain"] else _WILD[token[0]]
