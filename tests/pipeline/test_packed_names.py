import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.packed_names import PackedNames
from stages.rendering import packed_id, packed_name

named = st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 300), st.booleans(), st.booleans())


@given(st.lists(named, max_size=20))
def test_names_say_again_what_they_were_made_of(documents: list[tuple[bytes, int, bool, bool]]) -> None:
    names = [packed_name(first, copy, repository=several, rewritten=by) for first, copy, several, by in documents]
    found = PackedNames.of(pa.array(names, pa.string()))
    assert [first.item() for first in found.first_ids] == [first for first, *_ in documents]
    assert found.copies.tolist() == [copy for _, copy, *_ in documents]
    assert found.repositories.tolist() == [several for *_, several, _ in documents]
    assert found.rewritten.tolist() == [by and not several for *_, several, by in documents]
    assert [key.item() for key in found.keys] == [packed_id(name) for name in names]


@pytest.mark.parametrize(
    "name",
    ["", "a", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + " ", "a" * 32 + "-1", "a" * 32 + "-02", "a" * 32 + "-",
     "a" * 32 + "-repository-", "a" * 32 + "-rewrite-repository", "a" * 32 + "-rewritten", "a" * 32 + "-2-repository", "a" * 32 + "-9999999999"],
)  # fmt: skip
def test_what_is_no_name_is_told_by_its_place(name: str) -> None:
    with pytest.raises(ValueError, match=r"^2$"):
        PackedNames.of(pa.array(["0" * 32, "f" * 32 + "-repository-2", name, "A"], pa.string()))
