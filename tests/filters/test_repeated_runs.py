import random

from hypothesis import given, settings
from hypothesis import strategies as st

from filters.repeated_runs import RepeatedRuns, repeated_runs


def words(count: int, seed: int = 0) -> str:
    numbers = random.Random(seed)
    return " ".join(f"w{numbers.randrange(10**6)}" for _ in range(count))


def test_a_text_that_never_repeats_has_no_runs() -> None:
    assert repeated_runs(words(500).encode()) == RepeatedRuns(0, 0)
    assert repeated_runs(b"") == repeated_runs(b"a b c") == RepeatedRuns(0, 0)


def test_a_block_repeated_at_once_counts_with_its_tokens() -> None:
    for size, expected in ((40, RepeatedRuns(40, 0)), (80, RepeatedRuns(80, 80))):
        block = words(size)
        assert repeated_runs(f"{words(30, 1)} {block}\n\n  {block} {words(30, 2)}".encode()) == expected


def test_a_block_repeated_elsewhere_is_not_at_once() -> None:
    block = words(80)
    assert repeated_runs(f"{block} {words(40, 1)} {block}".encode()) == RepeatedRuns(0, 80)


def test_a_block_that_says_something_twice_within_is_found_whole() -> None:
    block = f"{words(30, 1)} {words(10, 2)} {words(20, 3)} {words(10, 2)} {words(10, 4)}"
    found = repeated_runs(f"{block} {block}".encode())
    assert found.at_once >= 80


def test_a_loop_of_few_tokens_is_a_repeat_at_once() -> None:
    assert repeated_runs(b"start " + b"x = 1; " * 50).at_once == 49 * 4


def test_a_drawn_line_is_one_token() -> None:
    assert repeated_runs(b"# " + b"=" * 200 + b"\n# title\n# " + b"=" * 200) == RepeatedRuns(0, 0)


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(["a", "b", "x1", "(", ")", "+", "é"]), max_size=60), st.sampled_from([" ", "\n\t", "  "])
)
def test_layout_does_not_matter(tokens: list[str], blank: str) -> None:
    spaced = repeated_runs(" ".join(tokens).encode())
    assert spaced == repeated_runs(blank.join(tokens).encode())
    assert 0 <= spaced.at_once <= len(tokens)
