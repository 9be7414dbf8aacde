"""The condition of a selection: an SQL expression over the columns of `documents/`, asked of one row at a time.

DuckDB parses and evaluates it. It must be an expression and no more: what DuckDB's parser makes of `WHERE <condition>`
has to be a plain query but for that expression, and the expression may hold columns, constants, comparisons and the
functions named here, all of which say the same of the same row whenever they are asked. So no subquery, no other table,
no file, no clock and no chance has a way in; besides, files, networks and extensions are switched off.

Cost: 0.1 s to begin with; 1-5 M rows a second. Memory: what DuckDB may have, and the rows that are asked about.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.errors import RecipeError
from stages.released_documents import RELEASED_DOCUMENTS

MAXIMUM_CHARACTERS = 100_000
# Each gives the same for the same arguments, reads nothing else, and means the same in every version of DuckDB.
FUNCTIONS = (
    *("abs", "ceil", "floor", "greatest", "least", "mod", "round", "sign", "sqrt"),
    *("concat", "contains", "ends_with", "starts_with", "prefix", "suffix", "instr", "position", "strpos"),
    *("length", "len", "lower", "upper", "lcase", "ucase", "left", "right", "substr", "substring", "split_part"),
    *("trim", "ltrim", "rtrim", "replace", "reverse", "ascii", "md5", "sha256"),
    *("regexp_matches", "regexp_full_match", "regexp_extract", "regexp_replace"),
    *("nullif", "list_value", "list_contains"),
)
_OPERATORS = (
    *("+", "-", "*", "/", "//", "%", "||"),
    *("~~", "!~~", "~~*", "!~~*", "~~~", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"),
)
_EXPRESSIONS = (
    *("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR"),
    "TYPE",
)
_TYPES = (
    *("BOOLEAN", "VARCHAR", "DATE", "FLOAT", "DOUBLE", "DECIMAL"),
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
)
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "threads": "1",
    "memory_limit": "1GB",
    "lock_configuration": "true",
}
_HINT = (
    f"columns are {', '.join(RELEASED_DOCUMENTS.names)}; texts stand in single quotes, as in "
    "\"language = 'Rust' and licence = 'MIT'\""
)

Bools = npt.NDArray[np.bool_]


class Condition:
    """A condition that was found to be one.

    Attributes:
        where: as it was given.
    """

    def __init__(self, where: str) -> None:
        """Parse it.

        Raises:
            RecipeError: it is no such expression, names what is no column, or is neither true nor false.
        """
        self.where = where
        self._database = duckdb.connect(":memory:", config=_SETTINGS)
        self._check()
        self.holds(RELEASED_DOCUMENTS.empty_table())

    def holds(self, documents: pa.Table) -> Bools:
        """bool[rows], whether it is true of each document; where it is null, it is not.

        Args:
            documents: rows of `RELEASED_DOCUMENTS`, proven to be sound.

        Raises:
            RecipeError: it cannot be told of one of them, as where a text is none that a cast can take.
        """
        self._database.register("documents", documents)
        try:
            query = f"SELECT (\n{self.where}\n) AS holds FROM documents"  # noqa: S608 - proven to be an expression
            answer = self._database.execute(query)
            if [str(column[1]) for column in answer.description or []] != ["BOOLEAN"]:
                raise _refused("expected a condition, which is true or false, got something else")
            found = answer.fetchnumpy()["holds"]
        except duckdb.Error as error:
            raise _refused(_first_line(error)) from error
        finally:
            self._database.unregister("documents")
        return np.asarray(np.ma.filled(found, False), dtype=np.bool_)

    def _check(self) -> None:
        """Raise RecipeError unless it is one expression, of what may stand in one."""
        if len(self.where) > MAXIMUM_CHARACTERS:
            raise _refused(f"expected at most {MAXIMUM_CHARACTERS:,} characters, got {len(self.where):,}")
        # Parentheses keep what follows a WHERE out, their absence what would close them.
        alone, enclosed, plain = (self._parsed(text) for text in (self.where, f"(\n{self.where}\n)", "true"))
        if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(self.where)):
            raise _refused("expected no comment in it")
        if len(alone) != 1 or alone != enclosed or _without_condition(alone[0]) != _without_condition(plain[0]):
            raise _refused("expected one expression, got more than that")
        for expression in _expressions(alone[0]["node"]["where_clause"]):
            _check_expression(expression)

    def _parsed(self, condition: str) -> list[Any]:
        """The statements of a query with this condition, as DuckDB's parser has them."""
        query = f"SELECT 1 FROM documents WHERE {condition}"  # noqa: S608 - it is parsed and not run
        try:
            [(text,)] = self._database.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
            parsed = _without_places(msgspec.json.decode(text))
        except duckdb.Error as error:
            raise _refused(_first_line(error)) from error
        except RecursionError as error:
            raise _refused("expected an expression that is nested less deeply") from error
        if parsed["error"]:
            is_syntax = parsed["error_type"] == "parser"
            raise _refused(parsed["error_message"] if is_syntax else "expected one expression, got another statement")
        return list(parsed["statements"])


def _expressions(value: Any) -> Iterator[Mapping[str, Any]]:
    """All expressions within one, itself first."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for part in value.values():
            yield from _expressions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _expressions(part)


def _check_expression(expression: Mapping[str, Any]) -> None:
    kind = expression["class"]
    if kind not in _EXPRESSIONS:
        what = {"SUBQUERY": "query within it", "WINDOW": "window"}.get(kind, kind.lower())
        raise _refused(f"expected columns, constants, comparisons and functions alone, got a {what}")
    if kind == "TYPE" and expression["type_name"].upper() not in _TYPES:
        raise _refused(f"type {expression['type_name']!r}: expected one of {', '.join(_TYPES)}")
    if kind == "FUNCTION":
        name = expression["function_name"].lower()
        plain = name in _OPERATORS if expression["is_operator"] else name in (*FUNCTIONS, *_OPERATORS)
        if not plain or expression["schema"] or expression["catalog"]:
            raise RecipeError(
                f"--where: function {expression['function_name']!r}: expected one that says the same of a document "
                "whenever it is asked, got another",
                hint=f"functions are {', '.join(FUNCTIONS)}",
            )


def _without_condition(statement: dict[str, Any]) -> dict[str, Any]:
    return statement | {"node": statement["node"] | {"where_clause": None}}


def _without_places(value: Any) -> Any:
    """A parsed query without where in its text things stood."""
    if isinstance(value, dict):
        return {name: _without_places(part) for name, part in value.items() if not name.startswith("query_location")}
    return [_without_places(part) for part in value] if isinstance(value, list) else value


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _refused(what: str) -> RecipeError:
    return RecipeError(f"--where: {what}", hint=_HINT)
