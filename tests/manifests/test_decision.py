import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from manifests.decision import DECISIONS, decisions_of, decisions_table
from manifests.document import ID_BYTES, Rejected

identifiers = st.just("") | st.binary(min_size=ID_BYTES, max_size=ID_BYTES).map(bytes.hex)
words = st.text(st.characters(codec="utf-8"), max_size=10)
numbers = st.none() | st.floats(allow_nan=False)
rejections = st.builds(
    Rejected,
    id=identifiers,
    stage=words,
    reason=words,
    shard=words,
    row=st.integers(-1, 2**63 - 1),
    part=st.integers(0, 2**63 - 1),
    value=numbers,
    bound=numbers,
    twin=identifiers,
    similarity=st.none() | st.floats(0, 1),
    detail=words,
    num_bytes=st.integers(0, 2**63 - 1),
)


@given(st.lists(rejections, max_size=8))
def test_rejections_survive_as_a_table(rejected: list[Rejected]) -> None:
    assert decisions_of(decisions_table(rejected)) == rejected


@given(st.lists(rejections, max_size=8))
def test_every_table_has_the_schema(rejected: list[Rejected]) -> None:
    table = decisions_table(rejected)
    assert table.schema == DECISIONS
    assert table.num_rows == len(rejected)


def test_an_absent_id_is_null_and_a_present_one_is_its_bytes() -> None:
    named = Rejected("00" * ID_BYTES, "filter", "short", shard="a", row=1, twin="ff" * ID_BYTES)
    table = decisions_table([Rejected("", "read", "empty_line", shard="a", row=0), named])
    assert table.column("id").to_pylist() == [None, bytes(ID_BYTES)]
    assert table.column("twin").to_pylist() == [None, b"\xff" * ID_BYTES]


def test_every_field_of_a_rejection_has_a_column() -> None:
    assert sorted(DECISIONS.names) == sorted(Rejected.__slots__)
    assert pa.types.is_fixed_size_binary(DECISIONS.field("id").type)
