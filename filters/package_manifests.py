"""The licence that a package manifest declares: read as data, never run.

Each entry is an SPDX expression as written or a free name ("Apache License, Version 2.0") for the detector to
understand. Several entries of one manifest hold together (AND). What says that the terms stand elsewhere
(`license-file`, "SEE LICENSE IN x", `license.workspace = true`, the licence of a pom's parent) declares nothing here.

Not read: `setup.py`, `*.gemspec`, `mix.exs`, `build.sbt`, which are programs.

Hostile input: a manifest of more than 256 KiB declares nothing (the largest of the sample has 28), nor does one that is
broken, nested too deep for its parser, or TOML with more dots in its lines than a manifest has (`tomllib` takes the
square of a dotted key). XML with a DOCTYPE is refused, so there are no entities to grow; of XML no tree is built.
`configparser` takes the square of a run of spaces, so setup.cfg has a reader of its own. The worst 256 KiB found take
2 s, a real manifest 0.1 to 1 ms.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from typing import Any
from xml.parsers import expat

MAXIMUM_MANIFEST_CHARACTERS = 262_144
MAXIMUM_DECLARATIONS = 64
MAXIMUM_DECLARATION_CHARACTERS = 20_000
MAXIMUM_EXPRESSION_CHARACTERS = 2_000
_MAXIMUM_SQUARED_DOTS = 100_000

PROPRIETARY = "LicenseRef-scancode-proprietary-license"
UNKNOWN = "LicenseRef-scancode-unknown"

_NO_PERMISSION = frozenset({"unlicensed", "proprietary", "private", "closed source", "all rights reserved"})
_SAYS_NOTHING = frozenset(
    {"", "none", "unknown", "noassertion", "tbd", "todo", "dual license", "dual licence"}
    | {"my license"}  # of Maven's archetype for Scala
)
_NO_ADDRESS = re.compile(r"https?:[./]*")
_ELSEWHERE = re.compile(
    r"(?:please )?(?:(?:see|refer to|read)\b|file:).{0,200}|(?:the )?licen[cs]e(?:[-.]\w{1,12})?(?: file)?",
    re.IGNORECASE | re.DOTALL,
)
_NAMES_LICENCE = re.compile(
    r"[al]?gpl|gnu|mit\b|apache|bsd|mozilla|mpl|eclipse|epl|creative|cc-by|proprietary|commercial", re.IGNORECASE
)
_SIMPLE = re.compile(r"[A-Za-z0-9][\w.+:-]*", re.ASCII)
_EXPRESSION = re.compile(rf"\(?{_SIMPLE.pattern}(?:\)?\s+(?:AND|OR|WITH)\s+\(?{_SIMPLE.pattern}){{0,16}}\)?", re.ASCII)
_SLASHES = re.compile(rf"{_SIMPLE.pattern}(?:\s*/\s*{_SIMPLE.pattern}){{1,16}}", re.ASCII)
_SECTION = re.compile(r"\[([^\]]*)\]")


def declared_licences(path: str, text: str) -> list[str]:
    """What a manifest says about the licence of its package.

    Args:
        path: decides by the file's name which manifest it is.

    Returns:
        Distinct entries in the order of the file, all of which hold; none where nothing is declared, and for a file
        that is no manifest. More than 64 entries are one unknown licence, and so is whatever a manifest says that is
        broken or too large and speaks of licences.

    Source, from memory: npm's package.json and its old `licenses`, Cargo's manifest, PEP 621 and 639, Composer's
    schema. Deviation: Maven's model lets the user choose among several licences of a pom (from memory as well); poms
    also list what their parts have, so here all of them hold.
    """
    reader = _READERS.get(path.rpartition("/")[2].lower())
    if reader is None:
        return []
    try:
        found = reader(_within_limits(text.removeprefix("\ufeff")))
    except (ValueError, RecursionError, expat.ExpatError):  # broken, as text, JSON, TOML or XML, or nested too deep
        return [UNKNOWN] if re.search("licen[cs]e", text, re.IGNORECASE) else []
    entries = list(dict.fromkeys(entry for entry in map(_readable, found) if entry))
    return entries if len(entries) <= MAXIMUM_DECLARATIONS else [UNKNOWN]


def _package_json(text: str) -> list[str]:
    """npm: a string, {type, url}, or the old list, among which the user chooses."""
    package = _table(json.loads(text))
    return _choice(package.get("license")) or _choice(package.get("licenses"))


def _composer_json(text: str) -> list[str]:
    """Composer: a string or a list, among which the user chooses."""
    return _choice(_table(json.loads(text)).get("license"))


def _cargo_toml(text: str) -> list[str]:
    """Cargo: the package's licence and the one that a workspace hands to its members; an old `/` means OR."""
    manifest = _toml(text)
    package, workspace = _table(manifest.get("package")), _table(_table(manifest.get("workspace")).get("package"))
    return [_without_slashes(_text(table.get("license"))) for table in (package, workspace)]


def _pyproject_toml(text: str) -> list[str]:
    """Python: PEP 639's expression, PEP 621's text, Poetry's name; else the trove classifiers."""
    manifest = _toml(text)
    project, poetry = _table(manifest.get("project")), _table(_table(manifest.get("tool")).get("poetry"))
    for table in (project, poetry):
        value = table.get("license")
        name = _text(value.get("text") if isinstance(value, dict) else value)
        if _readable(name):
            return [name]
    return _classifiers([*_list(project.get("classifiers")), *_list(poetry.get("classifiers"))])


def _setup_cfg(text: str) -> list[str]:
    """Setuptools: `license` of `[metadata]`, else the trove classifiers."""
    values = _metadata(text)
    name = " ".join(values.get("license") or values.get("licence") or [])
    return [name] if _readable(name) else _classifiers(values.get("classifiers") or values.get("classifier") or [])


def _pom_xml(text: str) -> list[str]:
    """Maven: of each licence of the project the name, else the address; the parent's and the plugins' stand deeper."""
    reader = _PomReader()
    parser = expat.ParserCreate("utf-8")  # the text is decoded already, whatever its declaration says
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.Parse(text.encode(), True)
    found = ([licence.get("name", ""), licence.get("url", "")] for licence in reader.licences)
    return [next(filter(_readable, said), "") for said in found]


_READERS: dict[str, Callable[[str], list[str]]] = {
    "cargo.toml": _cargo_toml,
    "composer.json": _composer_json,
    "package.json": _package_json,
    "pom.xml": _pom_xml,
    "pyproject.toml": _pyproject_toml,
    "setup.cfg": _setup_cfg,
}
MANIFEST_NAMES = frozenset(_READERS)
"""The names of the manifests that are read, in lower case."""


class _PomReader:
    """Collects the text at project/licenses/license/{name,url}; namespaces and their prefixes make no difference."""

    def __init__(self) -> None:
        self.licences: list[dict[str, str]] = []
        self._depth = 0
        self._path = [""] * 4
        self._pieces: list[str] = []

    def start(self, tag: str, _attributes: object) -> None:
        if self._depth < 4:
            self._path[self._depth] = tag.rpartition(":")[2]
            self._pieces = []
        self._depth += 1
        if self._depth == 3 and self._path[:3] == ["project", "licenses", "license"]:
            self.licences.append({})

    def characters(self, data: str) -> None:
        if self._depth == 4:
            self._pieces.append(data)

    def end(self, _tag: str) -> None:
        if self._depth == 4 and self._path[:3] == ["project", "licenses", "license"]:
            self.licences[-1].setdefault(self._path[3], " ".join("".join(self._pieces).split()))
        self._depth -= 1


def _refuse(*_arguments: object) -> None:
    raise ValueError("a DOCTYPE")


def _within_limits(text: str) -> str:
    if len(text) > MAXIMUM_MANIFEST_CHARACTERS:
        raise ValueError("too large")
    return text


def _toml(text: str) -> dict[str, Any]:
    if sum(line.count(".") ** 2 for line in text.split("\n")) > _MAXIMUM_SQUARED_DOTS:
        raise ValueError("too many dotted keys")
    return tomllib.loads(text)


def _metadata(text: str) -> dict[str, list[str]]:
    """The lines of each value of the section `[metadata]` of an INI file, by its name."""
    values: dict[str, list[str]] = {}
    is_metadata, key = False, ""
    for line in text.splitlines():
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        if section := _SECTION.match(line):
            is_metadata, key = section[1].strip().lower() == "metadata", ""
        elif is_metadata and line[0].isspace():
            values.setdefault(key, []).append(content)
        elif is_metadata:
            name, _, value = line.partition("=" if "=" in line.partition(":")[0] or ":" not in line else ":")
            key = name.strip().lower()
            values[key] = [value.strip()]
    return values


def _classifiers(values: Iterable[Any]) -> list[str]:
    """The trove classifiers that name a licence, as written: the detector knows them."""
    found = (value.strip() for value in values if isinstance(value, str) and value.strip().startswith("License ::"))
    return [value for value in found if value != "License :: OSI Approved"]


def _choice(value: Any) -> list[str]:
    """One expression with OR where each member is one; else every member by itself, which asks for all of them."""
    values = value if isinstance(value, list) else [value]
    names = [_table(item).get("type") or _table(item).get("url") if isinstance(item, dict) else item for item in values]
    texts = list(dict.fromkeys(filter(None, (_readable(_text(name)) for name in names))))
    if 2 <= len(texts) <= MAXIMUM_DECLARATIONS and all(map(_EXPRESSION.fullmatch, texts)):
        return [" OR ".join(text if _SIMPLE.fullmatch(text) else f"({text})" for text in texts)]
    return texts


def _without_slashes(expression: str) -> str:
    """`MIT/Apache-2.0` as an expression; an address keeps its slashes."""
    if "://" in expression or len(expression) > MAXIMUM_EXPRESSION_CHARACTERS:
        return expression
    if " and " in expression.lower():  # AND binds closer than OR
        return _SLASHES.sub(lambda match: f"({_either(match[0])})", expression)
    return _either(expression)


def _either(expression: str) -> str:
    return " OR ".join(part.strip() for part in expression.split("/"))


def _readable(text: str) -> str:
    """An entry fit to be detected and stored, "" for one that points elsewhere or says nothing."""
    text = text.encode("utf-8", "replace").decode().replace("\0", " ").strip()[:MAXIMUM_DECLARATION_CHARACTERS]
    word = " ".join(text.split()).lower() if len(text) <= 200 else text
    if word in _SAYS_NOTHING or _NO_ADDRESS.fullmatch(word):
        return ""
    if _ELSEWHERE.fullmatch(word) and not _NAMES_LICENCE.search(word):
        return ""
    return PROPRIETARY if word in _NO_PERMISSION else text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
