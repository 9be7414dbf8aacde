"""How much each package gives to the demo, and what is no text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo_code import fair_share
from pipeline.demo_files import InstalledFile


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 50_000))
def test_fair_share_is_the_largest_cap_within_the_budget(sizes: list[int], budget: int) -> None:
    share = fair_share(sizes, budget)
    assert sum(min(size, share) for size in sizes) <= budget
    if share < max(sizes, default=0):
        assert sum(min(size, share + 1) for size in sizes) > budget


@pytest.mark.parametrize("data", [b"", b"a\0b", b"\xff\xfe"])
def test_what_is_no_text_is_not_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_bytes(data)
    assert InstalledFile("/x.py", tmp_path / "x.py", len(data)).read() is None
