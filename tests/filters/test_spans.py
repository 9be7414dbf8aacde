"""Spans: union of overlaps, one-pass replacement, lines kept."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from filters.spans import (
    BARE_PLACEHOLDERS,
    PLACEHOLDERS,
    ZERO,
    Span,
    SpanKind,
    is_redacted,
    merged,
    replaced,
    whole_lines,
    without_placeholders,
)

kinds: st.SearchStrategy[SpanKind] = st.sampled_from(sorted(PLACEHOLDERS))


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=8))
    return [Span(start, start + length, draw(kinds), "rule") for start, length in pairs]


@given(spans())
def test_merged_spans_are_disjoint_and_cover_the_same_bytes(found: list[Span]) -> None:
    result = merged(found)
    assert all(left.stop <= right.start for left, right in pairwise(result))
    covered = {byte for span in found for byte in range(span.start, span.stop)}
    assert {byte for span in result for byte in range(span.start, span.stop)} == covered


@given(spans(), st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_the_order(found: list[Span], random: object) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(shuffled) == merged(found)


def test_a_union_takes_the_worst_kind() -> None:
    found = [Span(0, 9, "email", "address"), Span(5, 12, "secret", "aws")]
    assert merged(found) == [Span(0, 12, "secret", "aws")]


def test_spans_that_touch_stay_apart() -> None:
    found = [Span(0, 3, "email", "address"), Span(3, 6, "email", "address")]
    assert replaced(b"abcdef", merged(found)) == b"<EMAIL><EMAIL>"


def test_a_key_block_keeps_lines_indentation_and_quotes() -> None:
    block = b'"-----BEGIN PRIVATE KEY-----\\n"\n    "QUJD\\n"\n    "-----END PRIVATE KEY-----"'
    span = Span(1, len(block) - 1, "private_key", "pem_block")
    assert replaced(block, [span]) == b'"<PRIVATE_KEY>\\n"\n    "\\n"\n    ""'


def test_whole_lines_keep_the_indentation_and_the_line_end() -> None:
    data = b"one\n  two x three \r\nfour"
    found = [Span(data.index(b"x"), data.index(b"x") + 1, "secret", "aws")]
    assert replaced(data, whole_lines(data, found)) == b"one\n  <KEY> \r\nfour"


def test_only_placeholders_count_as_redacted() -> None:
    assert is_redacted(b"<KEY><EMAIL>")
    assert not is_redacted(b"<KEY>x")


def test_every_spelling_counts_as_redacted() -> None:
    for placeholder in (*PLACEHOLDERS.values(), *BARE_PLACEHOLDERS.values(), ZERO):
        assert is_redacted(placeholder)
        assert without_placeholders(b"a " + placeholder + b"\n") == b"a \n"
    assert not is_redacted(b"REDACTED_KEYS")
    assert not is_redacted(b"10")
    assert without_placeholders(b"10.0 x0 0.5") == b"10.0 x0 0.5"


def test_bare_placeholders_are_identifiers() -> None:
    assert all(placeholder.decode().isidentifier() for placeholder in BARE_PLACEHOLDERS.values())
    assert list(BARE_PLACEHOLDERS) == list(PLACEHOLDERS)


def test_what_stands_for_a_span_may_depend_on_its_value() -> None:
    found = [Span(0, 3, "email", "address"), Span(4, 7, "email", "address")]
    assert replaced(b"abc def", found, lambda _span, value: value[:1]) == b"a d"
