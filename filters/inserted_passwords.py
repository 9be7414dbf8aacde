"""Inserted passwords: what a SQL statement inserts into columns that are named like secrets, in each of its rows.

`INSERT INTO users (name, password) VALUES ('bob', 'X'), ('ann', 'Y')`; a dump has thousands of rows in a statement.

Cost: linear. The columns are read once, a row's bytes are read once, and no statement is read within one that was.
"""

import re
from collections.abc import Iterable, Iterator

from filters.redaction_policy import Level
from filters.redaction_rules import AssignedSecretLimits, assigned_secret_limits
from filters.secret_names import NameSort, name_sort
from filters.secret_values import is_secret

MAXIMUM_STATEMENT_BYTES = 1_000
MAXIMUM_BYTES_BEFORE_INTO = 32

_INSERT = re.compile(
    rb"(?is)(?:insert|replace)\s{1,8}(?:ignore\s{1,8})?into\s{1,8}[^\s(]{1,80}\s{0,8}"
    rb"\((?P<columns>[^()]{1,600})\)\s{0,8}\Z"
)
_VALUE = re.compile(
    rb"\s{0,8}(?:(?:N|_[a-z0-9]{1,12}[ ])?(?:'(?P<single>(?:[^'\\]|''|\\.){0,2000}+)'"
    rb"|\"(?P<double>(?:[^\"\\]|\"\"|\\.){0,2000}+)\")|[^'\"(),]{0,60}(?:\([^()']{0,60}\))?)\s{0,8}(?P<end>[,)])",
    re.DOTALL,
)
_NEXT_ROW = re.compile(rb"\s{0,40},\s{0,40}\(")
_HASH = re.compile(
    rb"\$\w{1,12}\$.*|\{\w{3,8}\}.*|(?:pbkdf2|sha|argon|bcrypt|scrypt)\w*[:$].*|[0-9a-fA-F]{32,128}", re.DOTALL
)

_Column = tuple[bytes, NameSort | None]


def inserted_passwords(data: bytes, stops: Iterable[int], level: Level) -> Iterator[tuple[int, int]]:
    """The secrets among the rows whose first values begin at the marks, by the names of their columns."""
    limits = assigned_secret_limits(level)
    reached = 0
    for stop in stops:
        if stop < reached:
            continue
        columns = _columns(data[max(0, stop - MAXIMUM_STATEMENT_BYTES) : stop])
        row: int | None = stop if any(sort for _, sort in columns) else None
        while row is not None:
            found, row, reached = _row(data, row, columns, limits)
            yield from found


def _columns(head: bytes) -> list[_Column]:
    """The names in the list before `VALUES (`, each with the sort of its secret."""
    lower = head.lower()
    end = max(0, lower.rfind(b"values"))
    statement = _INSERT.search(head[:end], max(0, lower.rfind(b"into", 0, end) - MAXIMUM_BYTES_BEFORE_INTO))
    if statement is None:
        return []
    names = (column.strip(b" \t\r\n`\"'[]") for column in statement["columns"].split(b","))
    return [(name, name_sort(name)) for name in names]


def _row(
    data: bytes, start: int, columns: list[_Column], limits: AssignedSecretLimits
) -> tuple[list[tuple[int, int]], int | None, int]:
    """The secrets of a row, where the next one begins, and how far it was read."""
    found: list[tuple[int, int]] = []
    for place, (name, sort) in enumerate(columns):
        value = _VALUE.match(data, start)
        if value is None:
            return found, None, start
        start = value.end()
        if sort and (group := value.lastgroup and next((g for g in ("single", "double") if value[g]), None)):
            is_hash = _HASH.fullmatch(value[group])
            if not is_hash and is_secret(name, sort, value[group], limits):
                found.append(value.span(group))
        if (value["end"] == b")") != (place == len(columns) - 1):
            return found, None, start
    following = _NEXT_ROW.match(data, start)
    return found, following.end() if following else None, start
