import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.versions import PARTS, Part, order_of, raised, raised_part

numbers = st.integers(0, 999)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)


def test_versions_are_sorted_as_numbers_and_what_is_none_comes_first() -> None:
    found = sorted(["1.10.0", "1.9.0", "2.0.0", "1.9.0-rc1", "0.1.0", "latest", "1.9"], key=order_of)
    assert found == ["1.9", "latest", "0.1.0", "1.9.0-rc1", "1.9.0", "1.10.0", "2.0.0"]


@pytest.mark.parametrize(
    ("part", "expected"), [("major", "2.0.0"), ("minor", "1.3.0"), ("patch", "1.2.4"), ("none", "1.2.3")]
)
def test_the_next_version(part: Part, expected: str) -> None:
    assert raised("1.2.3", part) == expected


@given(versions, st.sampled_from(PARTS))
def test_a_raised_version_is_raised_in_that_part(version: str, part: Part) -> None:
    assert raised_part(version, raised(version, part)) == part
    assert part == "none" or raised_part(raised(version, part), version) is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("0.9.9", "0.10.0", "minor"), ("1.0.0", "1.0.0-rc1", None), ("1.0.0-rc1", "1.0.0", "patch"), ("x", "1.0.0", None)],
)
def test_which_part_was_raised(old: str, new: str, expected: Part | None) -> None:
    assert raised_part(old, new) == expected
