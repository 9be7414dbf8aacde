"""Suppression files: what is written is read, withdrawn tickets are not, and no forged file is believed."""

import io
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import IntegrityError
from manifests.storage import Storage
from stages.exchange import sortable
from stages.suppression_files import SUPPRESSIONS, NearSettings, num_suppressed, read_suppressed, write_suppressed

NEAR = NearSettings(ngram_words=5, bands=2, rows=8, seed=1)
CONTENTS = [bytes(16), b"a" * 16, b"a" * 15 + b"b", b"\xff" * 16]
# Of one content there is one text: bands and values follow from its hash. The first has no shingles.
BANDS = {CONTENTS[0]: None, CONTENTS[1]: [2**64 - 1, 0], CONTENTS[2]: [7, 5], CONTENTS[3]: []}
ROWS = st.tuples(st.sampled_from(CONTENTS), st.sampled_from(["T-1", "T-2", "ü"]))
TABLES = st.lists(ROWS, max_size=6)


@pytest.fixture
def registry(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SUPPRESSIONS)


def table_for(rows: list[tuple[bytes, str]]) -> pa.Table:
    """Rows of some contents and tickets."""
    return table_of(
        [
            {
                "content_hash": content,
                "bands": BANDS[content],
                "values": None if BANDS[content] is None else content * 16,
                "ticket": ticket,
            }
            for content, ticket in rows
        ]
    )


def row(content: bytes = b"a", ticket: str = "T-1", **changes: Any) -> dict[str, Any]:
    fields = {"content_hash": content * 16, "bands": [3, 1], "values": bytes(range(256)), "ticket": ticket}
    return fields | changes


@settings(max_examples=25)
@given(first=TABLES, second=TABLES)
def test_what_was_written_is_read_in_order(
    first: list[tuple[bytes, str]], second: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    registry = Storage(str(tmp_path_factory.mktemp("registry")))
    names = [name for some in (first, second) for name in write_suppressed(registry, table_for(some), NEAR)]
    assert sorted(set(names)) == sorted(registry.list("suppressed"))
    wanted = sorted({*first, *second})
    found = read_suppressed(registry, names)
    assert len(found) == bool(wanted)
    for one in found:
        assert one.near == NEAR
        hashes = np.frombuffer(b"".join(content for content, _ in wanted), "V16")
        assert [half.tolist() for half in one.content] == [half.tolist() for half in sortable(hashes)]
        assert one.tickets.to_pylist() == [ticket for _, ticket in wanted]
        bands = sorted((key, number) for number, (content, _) in enumerate(wanted) for key in BANDS[content] or [])
        assert list(zip(one.band_keys.tolist(), one.band_rows.tolist(), strict=True)) == bands
        assert one.has_values.tolist() == [BANDS[content] is not None for content, _ in wanted]
        assert one.values.tobytes() == b"".join(
            (content if BANDS[content] is not None else bytes(16)) * 16 for content, _ in wanted
        )
    assert num_suppressed(registry, names) == Counter(ticket for _, ticket in wanted)


def test_the_same_rows_make_the_same_file_in_any_order(registry: Storage) -> None:
    rows = [row(), row(b"b"), row(b"b", "T-2")]
    [name] = write_suppressed(registry, table_of(rows), NEAR)
    assert write_suppressed(registry, table_of([*reversed(rows), rows[0]]), NEAR) == [name]
    assert name == f"suppressed/{sha256(registry.read(name)).hexdigest()}.parquet"
    assert write_suppressed(registry, table_of([]), NEAR) == []
    assert list(registry.list("suppressed")) == [name]


@pytest.mark.parametrize(
    ("bound", "files"), [({"_FILE_ROWS": 3}, 4), ({"MAXIMUM_FILE_BYTES": 6 * 305}, 4), ({"MAXIMUM_FILE_BYTES": 1}, 10)]
)
def test_no_file_is_written_that_would_not_be_read(
    registry: Storage, monkeypatch: pytest.MonkeyPatch, bound: dict[str, int], files: int
) -> None:
    rows = table_of([row(bytes([number])) for number in range(10)])
    for name, value in bound.items():
        monkeypatch.setattr(f"stages.suppression_files.{name}", value)
    names = write_suppressed(registry, rows, NEAR)
    assert len(names) == files
    # A stop between two files leaves whole ones; what is then written for the rest are the others.
    done = pq.read_metadata(io.BytesIO(registry.read(names[0]))).num_rows
    assert write_suppressed(registry, rows.slice(done), NEAR) == names[1:]
    monkeypatch.undo()
    [found] = read_suppressed(registry, names)
    assert len(found.tickets) == 10


@pytest.mark.parametrize("apart", [True, False])
def test_a_row_with_values_stands_before_a_hash_alone(registry: Storage, *, apart: bool) -> None:
    rows = [row(bands=None, values=None), row(), row(b"b", bands=[], values=None), row(b"b", "T-2")]
    tables = [table_of([one]) for one in rows] if apart else [table_of(rows)]
    for order in (tables, tables[::-1]):
        [found] = read_suppressed(
            registry, [name for table in order for name in write_suppressed(registry, table, NEAR)]
        )
        assert list(zip(found.tickets.to_pylist(), found.has_values.tolist(), strict=True)) == [
            ("T-1", True),
            ("T-1", False),
            ("T-2", True),
        ]
        assert found.band_rows.tolist() == [0, 2, 0, 2]


def test_rows_of_withdrawn_tickets_are_left_out(registry: Storage) -> None:
    names = write_suppressed(registry, table_of([row(b"a"), row(b"b", "T-2")]), NEAR)
    names += write_suppressed(registry, table_of([row(b"c")]), NEAR)
    [found] = read_suppressed(registry, names, withdrawn=["T-1", "T-7"])
    assert found.tickets.to_pylist() == ["T-2"]
    assert read_suppressed(registry, names, withdrawn=["T-1", "T-2"]) == []


def test_settings_that_differ_stay_apart(registry: Storage) -> None:
    other = NearSettings(ngram_words=6, bands=2, rows=8, seed=1)
    plain = [row(bands=None, values=None)]
    names = [name for near in (other, NEAR) for name in write_suppressed(registry, table_of([row()]), near)]
    names += write_suppressed(registry, table_of(plain), None)
    assert {one.near for one in read_suppressed(registry, names)} == {NEAR, other, None}


def test_a_file_holds_no_text_path_or_id(registry: Storage) -> None:
    [name] = write_suppressed(registry, table_of([row()]), NEAR)
    schema = pq.read_schema(io.BytesIO(registry.read(name)))
    assert schema.names == ["content_hash", "bands", "values", "ticket"]
    assert set(schema.metadata) == {b"corpusmill.near"}


# Files that were not written by us


def forged(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


GOOD = table_of([row()]).replace_schema_metadata({"corpusmill.near": "null"})


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "got: "),
        (b"PAR1 no Parquet", "got: "),
        (forged(GOOD)[:-40], "got: "),
        (forged(GOOD.select(["content_hash", "ticket"])), "expected the columns"),
        (forged(GOOD.append_column("path", pa.array(["a"]))), "expected the columns"),
        (forged(GOOD.replace_schema_metadata({})), "got: "),
        (forged(GOOD.replace_schema_metadata({"corpusmill.near": '{"bands": "x"}'})), "got: "),
        (
            forged(
                pa.table({**{name: GOOD[name] for name in ("content_hash", "values", "ticket")}, "bands": [[None]]})
                .select(GOOD.column_names)
                .cast(SUPPRESSIONS)
                .replace_schema_metadata({"corpusmill.near": "null"})
            ),
            "found null",
        ),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(registry: Storage, data: bytes, what: str) -> None:
    name = f"suppressed/{sha256(data).hexdigest()}.parquet"
    registry.write(name, data)
    with pytest.raises(IntegrityError, match=what) as refused:
        read_suppressed(registry, [name])
    assert name in refused.value.message


def test_a_file_that_claims_very_much_is_refused(registry: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table_of([row(bytes([number]), bands=[7] * 10_000) for number in range(64)])
    data = forged(rows.replace_schema_metadata({"corpusmill.near": "null"}), compression="zstd", use_dictionary=False)
    assert len(data) < 1 << 16
    name = f"suppressed/{sha256(data).hexdigest()}.parquet"
    registry.write(name, data)
    assert num_suppressed(registry, [name]) == {"T-1": 64}
    monkeypatch.setattr("stages.suppression_files._MAXIMUM_ROW_GROUP_BYTES", 1 << 20)
    with pytest.raises(IntegrityError, match=r"pages of at most|memory can take"):
        read_suppressed(registry, [name])


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data.swapcase()])
def test_changed_bytes_are_found_out(registry: Storage, damage: Callable[[bytes], bytes]) -> None:
    [name] = write_suppressed(registry, table_of([row()]), NEAR)
    registry.write(name, damage(registry.read(name)))
    with pytest.raises(IntegrityError, match="not those that its name says"):
        read_suppressed(registry, [name])


@pytest.mark.parametrize("name", ["suppressed/../requests.jsonl", "suppressed/x.parquet", "/etc/passwd"])
def test_another_name_is_never_opened(registry: Storage, name: str) -> None:
    with pytest.raises(IntegrityError, match="named by its sha256"):
        read_suppressed(registry, [name])


def test_a_file_that_is_gone_is_damage(registry: Storage) -> None:
    with pytest.raises(IntegrityError, match="found none"):
        read_suppressed(registry, [f"suppressed/{'a' * 64}.parquet"])
