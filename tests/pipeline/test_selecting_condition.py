"""The condition of a selection: one expression about a row of `documents/`, and no way to anything else."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import RecipeError
from pipeline.selecting_condition import FUNCTIONS, MAXIMUM_CHARACTERS, Condition
from stages.released_documents import RELEASED_DOCUMENTS

SECRET = "what-nobody-may-read"


def row(**values: Any) -> dict[str, Any]:
    nothing: dict[Any, Any] = {pa.string(): "", pa.bool_(): False}
    return {field.name: nothing.get(field.type, 0) for field in RELEASED_DOCUMENTS} | values


def documents(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RELEASED_DOCUMENTS)


ROWS = documents(
    row(doc_id="a", language="Rust", licence="MIT", num_bytes=5),
    row(doc_id="b", language="C'est", path="ü/é.py", num_bytes=50, held_out=True),
    row(doc_id="c", language="Rust", licence="Apache-2.0", repository="Team/One", copies=2),
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("language = 'Rust' and licence = 'MIT'", "a"),
        ("\"language\" = 'Rust' AND NOT licence = 'MIT'", "c"),
        ("language = 'C''est'", "b"),
        ("path like 'ü/%' and path ilike '%É.PY'", "b"),
        ("num_bytes between 1 and 10 or copies > 1", "ac"),
        ("licence in ('MIT', 'Apache-2.0') and not held_out", "ac"),
        ("case when held_out then num_bytes > 10 else copies::int = 2 end", "bc"),
        ("regexp_matches(path, '\\.py$') or lower(repository) = 'team/one'", "bc"),
        ("nullif(language, 'Rust') <> 'x'", "b"),
        ("null = 1", ""),
        ("null::boolean", ""),
        ("true", "abc"),
        ("path = '' and language = 'Rust'\n  and num_bytes < 3", "c"),
        ("documents.doc_id < 'b'", "a"),
        ("'--' = '--' and language != ';'", "abc"),
        ("try_cast(path as int) is null", "abc"),
        (" or ".join(f"doc_id = '{number}'" for number in range(500)), ""),
    ],
)
def test_what_holds(where: str, expected: str) -> None:
    holds = Condition(where).holds(ROWS)
    assert "".join(ROWS.filter(pa.array(holds)).column("doc_id").to_pylist()) == expected


def test_every_column_can_be_asked() -> None:
    assert Condition(" and ".join(f"{name} = {name}" for name in RELEASED_DOCUMENTS.names)).holds(ROWS).all()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("", "syntax error"),
        ("language = ", "syntax error"),
        ("5", "expected a condition"),
        ("language", "expected a condition"),
        ('licence = "MIT"', 'Referenced column "MIT" not found'),
        ("licenze = 'MIT'", 'Referenced column "licenze" not found'),
        ("1=1; DROP TABLE documents", "another statement"),
        ("1=1; select 1", "syntax error"),
        ("1=1) or (1=1", "syntax error"),
        ("1=1 union select 1", "syntax error"),
        ("1=1 order by 1", "syntax error"),
        ("1=1 limit 1", "syntax error"),
        ("1=1 -- and all the rest", "no comment"),
        ("1=1 /* and all the rest */", "no comment"),
        ("$1 = doc_id", "more than that"),
        ("#1 = 'a'", "got a positional_reference"),
        ("* = 'a'", "got a star"),
        ("columns('doc_id') = 'a'", "got a star"),
        ("exists (select 1)", "query within it"),
        ("doc_id in (select doc_id from documents)", "query within it"),
        ("doc_id in (select content from read_text('/etc/passwd'))", "query within it"),
        ("exists (from read_csv('/etc/passwd'))", "query within it"),
        ("exists (from duckdb_settings())", "query within it"),
        ("COPY documents TO 'out.csv'", "syntax error"),
        ("ATTACH 'other.db'", "type 'ATTACH'"),
        ("PRAGMA version", "syntax error"),
        ("INSTALL httpfs", "syntax error"),
        ("row_number() over () < 3", "got a window"),
        ("'2020-01-01'::timestamptz is null", "type 'timestamptz'"),
        ("not " * 5000 + "true", "depth"),
        ("main.lower(doc_id) = 'a'", "function 'lower'"),
        ("x" * (MAXIMUM_CHARACTERS + 1), "characters"),
        *((f"{name} is null", f"function '{name.partition('(')[0]}'") for name in (
            "random()", "now()", "today()", "uuid()", "getenv('HOME')", "read_text('/etc/passwd')", "version()",
            "read_blob('/etc/passwd')", "current_setting('threads')", "query('select 1')", "getvariable('x')",
            "sum(num_bytes)", "hash(doc_id)", "write_log('x')", "error('x')",
        )),
    ],
)  # fmt: skip
def test_what_is_refused(where: str, what: str) -> None:
    with pytest.raises(RecipeError) as refused:
        Condition(where)
    assert refused.value.message.startswith("--where: ")
    assert what in refused.value.message
    assert refused.value.hint
    assert "\x1b" not in refused.value.message


def test_a_file_cannot_be_read_whatever_asks(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text(SECRET)
    condition = Condition("true")
    for query in (f"from read_text('{path}')", f"from '{path}'", f"copy documents to '{path}'", "load httpfs"):
        condition.where = f"1=1) as holds from documents; {query}; select (1=1"  # past the proof
        with pytest.raises(RecipeError) as refused:
            condition.holds(ROWS)
        assert SECRET not in str(refused.value)
    assert path.read_text() == SECRET


def test_a_row_of_which_it_cannot_be_told_is_named_as_an_error() -> None:
    with pytest.raises(RecipeError, match=r"--where: .*Could not convert string 'ü/é.py'"):
        Condition("path::int > 3").holds(ROWS.slice(1))


@settings(max_examples=20)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_any_text_can_be_asked_for_between_quotes(text: str) -> None:
    quoted = text.replace("'", "''")
    table = documents(row(path=text), row(path=text + "x"))
    assert Condition(f"path = '{quoted}'").holds(table).tolist() == [True, False]


def test_functions_are_there_and_say_the_same_of_the_same() -> None:
    found = duckdb.connect().execute("select function_name, function_type, stability from duckdb_functions()")
    kinds = {name: (kind, stability) for name, kind, stability in found.fetchall() if name in FUNCTIONS}
    assert kinds.keys() == set(FUNCTIONS)
    macros = {name for name, (kind, _) in kinds.items() if kind == "macro"}
    assert macros == {"nullif", "split_part"}  # made of such functions
    assert {kinds[name] for name in kinds.keys() - macros} == {("scalar", "CONSISTENT")}
    assert Condition("ifnull(path, 'x') = coalesce(path, 'x')").holds(ROWS).all()
