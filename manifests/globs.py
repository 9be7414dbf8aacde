"""Globs of paths inside a repository, as patterns that RE2 and Python read alike.

A glob is held against the whole path from the top of the repository: `*` and `?` stay within a folder, `**` is any
depth, none included (`**/id_rsa` is also `id_rsa`), `[a-z]` and `[!a-z]` are one character, a backslash takes the next
one as it is. An open bracket that nothing closes is itself. Case counts.
"""

import re

_SPECIAL = re.compile(r"[*?\[\\]")
_TOKEN = re.compile(r"(?s)/\*\*\Z|\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|\\(?P<escaped>.)|(?P<plain>.)")
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
    plain = (token["escaped"] or token["plain"] or "" for token in _TOKEN.finditer(glob))
    return "".join(plain).replace("/", "")


def _translated(token: re.Match[str]) -> str:
    text = token[0]
    if token["plain"] or token["escaped"]:
        return quoted(token["escaped"] or text)
    if not text.startswith("["):
        return _WILD[text]
    negated = text[1] in "!^"
    inside = re.sub(r"[\\\[\]&~|^]", lambda found: f"\\{found[0]}", text[1 + negated : -1])
    return f"[^/{inside}]" if negated else f"[{inside}]"
