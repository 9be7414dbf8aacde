"""The overlay laid over texts: rewrites that stand take their originals' places, everything else stays as it is."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.overlays import Overlay
from pipeline.pass_5_overlay import RULINGS
from pipeline.pass_5_rewrite import REWRITES
from stages.exchange import table_of

TEXTS = pa.schema(
    [pa.field("id", pa.binary(16)), pa.field("text", pa.large_string()), pa.field("num_bytes", pa.int64())]
)
numbers = st.sets(st.integers(0, 9))


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rewrites(of: set[int]) -> pa.Table:
    rows = [(name(n), "Python", f"new {n}", 5, 8, bytes(32), "repair", "{}") for n in sorted(of)]
    return table_of(rows, REWRITES)


@settings(max_examples=30)
@given(numbers, numbers, numbers)
def test_a_rewrite_stands_unless_it_is_ruled_out(texts: set[int], rewritten: set[int], gone: set[int]) -> None:
    rulings = table_of([(name(n), "over_share", None, None) for n in sorted(gone)], RULINGS)
    overlay = Overlay(rewrites(rewritten), rulings)
    given_texts = [(name(n), f"original {n}", 10) for n in sorted(texts)]
    laid = overlay.laid_over(table_of(given_texts, TEXTS)).to_pylist()
    standing = rewritten - gone
    assert laid == [
        {"id": name(n), "text": f"new {n}", "num_bytes": 5, "rewrite": "repair"}
        if n in standing
        else {"id": name(n), "text": f"original {n}", "num_bytes": 10, "rewrite": ""}
        for n in sorted(texts)
    ]
    assert overlay.laid_over(table_of(given_texts, TEXTS)).schema.field("text").type == pa.large_string()
    assert sorted(overlay.rewrites.column("id").to_pylist()) == [name(n) for n in sorted(standing)]


def test_without_number_of_bytes_none_is_laid_over() -> None:
    overlay = Overlay(rewrites({1}), RULINGS.empty_table())
    laid = overlay.laid_over(table_of([(name(1), "original 1", 10)], TEXTS).select(["id", "text"]))
    assert laid.to_pylist() == [{"id": name(1), "text": "new 1", "rewrite": "repair"}]
