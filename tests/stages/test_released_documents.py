import io
import itertools
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from manifests.opt_out_values import url_key
from stages import released_documents as module
from stages.exchange import table_of
from stages.released_documents import (
    LOOKUP,
    LOOKUP_KINDS,
    RELEASED_DOCUMENTS,
    document_keys,
    lookup_keys,
    sorted_keys,
    write_documents,
    write_lookup,
)

KEYS = st.lists(st.tuples(*(st.integers(0, 3) for _ in LOOKUP.names)), max_size=12)


def documents(*rows: dict[str, Any]) -> pa.Table:
    empty = {field.name: "" if pa.types.is_string(field.type) else 0 for field in RELEASED_DOCUMENTS}
    empty["held_out"] = False
    return pa.Table.from_pylist([empty | row for row in rows], schema=RELEASED_DOCUMENTS)


def key(kind: str, value: str) -> tuple[int, int]:
    high, low = lookup_keys(kind, [value])
    return int(high[0]), int(low[0])


def rows_of(keys: pa.Table) -> list[tuple[int, ...]]:
    return [tuple(row.values()) for row in keys.to_pylist()]


def test_a_key_is_the_hash_of_a_kind_and_a_value() -> None:
    digest = xxhash.xxh3_128_hexdigest(b"url\0https://a.example/\xc3\xa9")
    assert "{:016x}{:016x}".format(*key("url", "https://a.example/é")) == digest
    assert len({key(kind, "x") for kind in LOOKUP_KINDS}) == len(LOOKUP_KINDS)


def test_everything_that_names_a_document_is_a_key() -> None:
    row = {
        "doc_id": "a" * 32, "blob": "b" * 40, "sha256": "c" * 64, "content_hash": "d" * 32,
        "repository": "Owner/Name", "url": "https://a.example/X",
    }  # fmt: skip
    expected = {
        key("id", "a" * 32), key("blob", "b" * 40), key("sha256", "c" * 64), key("content", "d" * 32),
        key("repository", "owner/name"), key("owner", "owner"), key("url", url_key("https://a.example/X")),
    }  # fmt: skip
    found = rows_of(document_keys(documents(row, row), 7))
    assert len(found) == len(expected)
    assert set(found) == {(*name, 7) for name in expected}
    assert found == sorted(found)


def test_what_a_document_does_not_have_names_nothing() -> None:
    found = rows_of(document_keys(documents({"doc_id": "a" * 32, "repository": "/name"}), 0))
    assert set(found) == {(*key("id", "a" * 32), 0), (*key("repository", "name"), 0)}


@given(KEYS)
def test_keys_are_sorted_each_once(keys: list[tuple[int, ...]]) -> None:
    assert rows_of(sorted_keys(table_of(keys, LOOKUP))) == sorted(set(keys))


def parts_of(table: pa.Table, cuts: Sequence[int]) -> list[pa.Table]:
    places = sorted({0, table.num_rows, *(cut for cut in cuts if cut < table.num_rows)})
    return [table.slice(start, stop - start) for start, stop in itertools.pairwise(places)]


@pytest.mark.parametrize("cuts", [[], [1], [3, 4, 5], range(11)])
def test_row_groups_are_ranges_and_how_rows_come_leaves_no_trace(
    cuts: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DOCUMENT_ROWS", 4)
    monkeypatch.setattr(module, "LOOKUP_ROWS", 4)
    ids = sorted(sha256(bytes([number])).hexdigest()[:32] for number in range(11))
    told = documents(*({"doc_id": name} for name in ids))
    keys = pa.table([np.arange(11, dtype=np.uint64)] * 2 + [np.zeros(11, dtype=np.uint32)], schema=LOOKUP)
    for write, table in ((write_documents, told), (write_lookup, keys)):
        whole, cut = io.BytesIO(), io.BytesIO()
        assert write(whole, [table], "tiny 0.1.0") == 11
        assert write(cut, parts_of(table, cuts), "tiny 0.1.0") == 11
        assert whole.getvalue() == cut.getvalue()
        file = pq.ParquetFile(whole)
        assert file.schema_arrow.metadata == {b"corpusmill.release": b"tiny 0.1.0"}
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [4, 4, 3]
        bounds = [file.metadata.row_group(n).column(0).statistics for n in range(file.num_row_groups)]
        assert all(one.max < other.min for one, other in itertools.pairwise(bounds))
        assert file.metadata.row_group(0).column(0).has_offset_index
        assert file.read().equals(table)


def test_no_rows_are_a_file_without_row_groups() -> None:
    file = io.BytesIO()
    assert write_documents(file, [], "tiny 0.1.0") == 0
    assert pq.ParquetFile(file).num_row_groups == 0
