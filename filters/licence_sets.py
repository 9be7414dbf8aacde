"""Licences by category and by named set, and the words that a recipe may use for them.

A recipe names licences as a set (`permissive`), as a category of ScanCode's (`category:copyleft-limited`), or one by
one (`MIT`, `GPL-2.0-only WITH Classpath-exception-2.0`, `LicenseRef-...`). The sets are reviewed data in
`licences.json`, a note on every row; the categories are the index that `license_expression` brings, older names for
the same licence included. Both are read on first use, 15 ms a process, and every look-up after that is one in a table.

An exception (`LLVM-exception`) is no licence, so no set and no category holds one; it is only valid behind WITH.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import license_expression

from filters.licence_expressions import ids_of

NAMED_SETS = ("permissive", "open-content", "share-alike")
CATEGORY_PREFIX = "category:"
_OWN_NAMES = ("licenseref-", "documentref-")
_ID = re.compile(r"[A-Za-z0-9.+:-]+")
_WITH = re.compile(r"\s+WITH\s+", re.IGNORECASE)
_MAXIMUM_ENTRY_CHARACTERS = 200


class ReviewedLicence(NamedTuple):
    """One row of `licences.json`.

    Attributes:
        id: as SPDX writes it, or `LicenseRef-scancode-...`.
        category: ScanCode's.
        blue_oak: Blue Oak Council's rating, "Model" to "Lead", or None.
        sets: the sets that hold it; "neutral" marks what is no licence.
        note: why it is in, or why not.
    """

    id: str
    category: str
    blue_oak: str | None
    sets: tuple[str, ...]
    note: str


class _Known(NamedTuple):
    """An id of the index: its spelling, ScanCode's category, and the id that it is an older name of (or itself)."""

    id: str
    category: str
    current: str
    is_exception: bool


def licence_category(licence: str) -> str:
    """ScanCode's category of an id, in any case; `X+` has that of X.

    Returns:
        "Permissive", "Copyleft Limited", ...; empty for an unknown id.
    """
    known = _index().get(licence.casefold()) or _index().get(licence.removesuffix("+").casefold())
    return known.category if known else ""


@cache
def reviewed_licences() -> Mapping[str, ReviewedLicence]:
    """The reviewed rows by id."""
    rows = json.loads(files("filters").joinpath("licences.json").read_text(encoding="utf-8"))["licences"]
    return {
        row["id"]: ReviewedLicence(row["id"], row["category"], row["blue_oak"], tuple(row["sets"]), row["note"])
        for row in rows
    }


@cache
def licence_set(name: str) -> frozenset[str]:
    """The ids of a named set, older names of the same licences included; of "neutral" too.

    Returns:
        Nothing for an unknown name.
    """
    named = {row.id for row in reviewed_licences().values() if name in row.sets}
    older = {known.id for known in _index().values() if known.current in named}
    return frozenset(named | older)


@cache
def category_names() -> Mapping[str, str]:
    """ScanCode's categories by the word for them in a recipe: `copyleft-limited` for "Copyleft Limited"."""
    return {category.casefold().replace(" ", "-"): category for category in sorted(_categories())}


def names_of_licence(licence: str) -> frozenset[str]:
    """All names of the same licence, its own too; itself alone where the index does not know it."""
    known = _index().get(licence.casefold())
    if known is None:
        return frozenset({licence})
    return _names()[known.current]


def licences_of_entry(entry: str) -> frozenset[str]:
    """The licences that one entry of a recipe's list stands for, as SPDX writes them.

    Raises:
        ValueError: no set, category or id of that name; the message names the nearest.
    """
    entry = " ".join(entry.split())
    word = entry.casefold()
    if word in NAMED_SETS:
        return licence_set(word)
    if word.startswith(CATEGORY_PREFIX):
        name = category_names().get(word.removeprefix(CATEGORY_PREFIX))
        if name is None:
            raise ValueError(_complaint(entry, "category", [CATEGORY_PREFIX + key for key in category_names()]))
        return _categories()[name]
    licence, *exceptions = _WITH.split(entry)
    if len(exceptions) > 1:
        raise ValueError(f"{_shown(entry)} has more than one WITH; expected `X WITH exception`")
    return frozenset({" WITH ".join([_checked(licence), *(_checked(item, exception=True) for item in exceptions)])})


def licences_of_entries(entries: Iterable[str]) -> frozenset[str]:
    """The licences that a recipe's list stands for; nothing for an empty one.

    Raises:
        ValueError: as `licences_of_entry`, for the first entry in alphabetical order that is wrong.
    """
    return frozenset().union(*map(licences_of_entry, sorted(entries)))


def _checked(licence: str, *, exception: bool = False) -> str:
    known = _index().get(licence.casefold())
    if known is not None and known.is_exception == exception:
        return known.id
    # ScanCode files some licences of its own making under exceptions; a name of one's own may be either.
    if licence.casefold().startswith(_OWN_NAMES) and _ID.fullmatch(licence):
        return licence
    if known is not None:
        what = "a licence, not an exception" if exception else "an exception"
        raise ValueError(f"{_shown(licence)} is {what}; expected `X WITH exception`")
    words = [item.id for item in _index().values() if item.is_exception == exception]
    kind = "exception" if exception else "set, category or SPDX id"
    raise ValueError(_complaint(licence, kind, words if exception else [*NAMED_SETS, *words]))


def _complaint(entry: str, kind: str, words: Iterable[str]) -> str:
    by_key = {word.casefold(): word for word in words}
    near = difflib.get_close_matches(entry[:_MAXIMUM_ENTRY_CHARACTERS].casefold(), by_key, n=1, cutoff=0)
    own = "" if kind == "category" else "; names of your own begin with LicenseRef-"
    return f"{_shown(entry)} is no {kind}; did you mean {by_key[near[0]]!r}?{own}"


def _shown(entry: str) -> str:
    return repr(entry[:80])


def is_neutral(expression: str) -> bool:
    """Whether an expression names references and notes alone, which are no licence; False where it names nothing."""
    ids = ids_of(expression)
    return bool(ids) and ids <= {name.casefold() for name in licence_set("neutral")}


def only_permits(exception: str) -> bool:
    """Whether an exception is known to widen the licence before it: one of SPDX's own, or one filed as permissive.

    ScanCode also has names for clauses that take something away, such as the Commons Clause.
    """
    known = _index().get(exception.casefold())
    if known is None or not known.is_exception:
        return False
    return known.category == "Permissive" or not known.current.casefold().startswith(_OWN_NAMES)


@cache
def _index() -> Mapping[str, _Known]:
    """The index by case-folded id; current names win over older ones."""
    current: dict[str, _Known] = {}
    older: dict[str, _Known] = {}
    for row in license_expression.get_license_index():
        key, category, is_exception = row["spdx_license_key"], row["category"], bool(row["is_exception"])
        if key is None:  # superseded within ScanCode: never had an SPDX name
            continue
        current[key.casefold()] = _Known(key, category, key, is_exception)
        for other in row["other_spdx_license_keys"]:
            older[other.casefold()] = _Known(other, category, key, is_exception)
    return older | current


@cache
def _names() -> Mapping[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for known in _index().values():
        names.setdefault(known.current, set()).add(known.id)
    return {current: frozenset(ids) for current, ids in names.items()}


@cache
def _categories() -> Mapping[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for known in _index().values():
        if not known.is_exception:
            members.setdefault(known.category, set()).add(known.id)
    return {category: frozenset(ids) for category, ids in members.items()}
