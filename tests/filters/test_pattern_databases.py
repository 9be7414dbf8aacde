"""Pattern databases: bytes that become the same database again, and a name for them."""

import hyperscan
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.pattern_databases import Pattern, Patterns, compiled, dumped, key, loaded

WORDS = st.text("ab.", min_size=1, max_size=4).filter(lambda word: word.strip("."))
PATTERNS = st.lists(WORDS, min_size=1, max_size=4).map(
    lambda words: tuple(Pattern(word.encode(), 7 * number, 0) for number, word in enumerate(words))
)
ONE = (Pattern(b"ab", 1, 0),)


def matches(database: object, data: bytes) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    database.scan(data, match_event_handler=lambda match_id, _start, stop, *_: found.append((match_id, stop)))  # type: ignore[attr-defined]
    return found


@given(PATTERNS, st.text("abc", max_size=20).map(str.encode))
def test_a_loaded_database_finds_what_the_compiled_one_finds_in_the_same_order(patterns: Patterns, data: bytes) -> None:
    database = compiled(patterns)
    assert matches(loaded(dumped(database)), data) == matches(database, data)


def test_the_same_patterns_have_the_same_bytes() -> None:
    assert dumped(compiled(ONE)) == dumped(compiled(ONE)) == dumped(loaded(dumped(compiled(ONE))))


@pytest.mark.parametrize("cut", [0, 3, 20, -1])
def test_a_part_of_a_database_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="no pattern database"):
        loaded(dumped(compiled(ONE))[:cut])


@pytest.mark.parametrize("place", [0, 4, 8, 16], ids=["magic", "version", "length", "platform"])
def test_a_database_of_another_version_or_platform_is_refused(place: int) -> None:
    data = bytearray(dumped(compiled(ONE)))
    data[place] ^= 0xFF
    with pytest.raises(ValueError, match="no pattern database"):
        loaded(bytes(data))


def test_a_key_is_of_all_that_a_pattern_is() -> None:
    several = [
        ONE,
        ONE + ONE,
        (Pattern(b"abc", 1, 0),),
        (Pattern(b"ab", 2, 0),),
        (Pattern(b"ab", 1, hyperscan.HS_FLAG_CASELESS),),
    ]
    assert len({key(patterns) for patterns in several}) == len(several)
    assert key(ONE) == key((Pattern(b"ab", 1, 0),))
