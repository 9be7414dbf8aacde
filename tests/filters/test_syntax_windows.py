import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.syntax_tokens import SHORT_STRING_BYTES, syntax_tokens
from filters.syntax_windows import syntax_windows, telling_tokens

MARKS = ('"""', "'''", '"', "'", "`", "\\", "//", "/*", "*/", "#", "\n", " ", "(", ")", "=")
PIECES = st.sampled_from([*MARKS, "for ", "x", "y1", ".a", "0x1F", "é"])
CODE = st.lists(PIECES, max_size=60).map("".join)
NAMES = st.lists(st.sampled_from(["x", "y", "z", "len", "+", "(", "1"]), max_size=60)


def same(first: str, second: str) -> bool:
    one, two = syntax_tokens(first.encode()), syntax_tokens(second.encode())
    return all(np.array_equal(left, right) for left, right in zip(one, two, strict=True))


def test_comments_white_space_and_documentation_are_dropped() -> None:
    assert same('f(x)  # one\n"""Two."""\n/* three */ y = 1 // four\n', "f(x)y=1")
    assert syntax_tokens(b"")[0].size == syntax_tokens(b"# all\n")[0].size == 0


def test_strings_count_by_their_content_while_short() -> None:
    long, other = "a" * (SHORT_STRING_BYTES + 1), "b" * (SHORT_STRING_BYTES + 1)
    assert same(f"x('{long}')", f"x('{other}')")
    assert not same("x('yes')", "x('no')")
    assert not same("x('1')", "x(1)")


def test_a_quote_without_an_end_is_a_mark() -> None:
    assert syntax_tokens(b"don't stop")[0].size == 4
    assert syntax_tokens(b'"""never ended')[0].size == 4  # an empty string, a quote, two names
    assert syntax_tokens(b"/* never ended")[0].size == 4


def test_words_of_languages_and_members_are_not_renamed() -> None:
    _, renamed = syntax_tokens(b"for x in range(y.append)")
    assert renamed.tolist() == [False, True, False, False, False, True, False, False, False]


@given(CODE)
def test_any_text_has_tokens_and_none_is_zero(text: str) -> None:
    tokens, renamed = syntax_tokens(text.encode())
    assert tokens.size == renamed.size <= len(text.encode())
    assert tokens.all()


@given(NAMES, st.permutations(["p", "q", "r"]), st.integers(2, 20))
def test_consistent_renaming_changes_no_window(words: list[str], names: list[str], window_tokens: int) -> None:
    table = dict(zip("xyz", names, strict=True))
    first = " ".join(words).encode()
    second = " ".join(table.get(word, word) for word in words).encode()
    hashes = syntax_windows(first, window_tokens=window_tokens)
    assert hashes.size == max(0, len(words) - window_tokens + 1)
    assert np.array_equal(hashes, syntax_windows(second, window_tokens=window_tokens))


@given(NAMES, st.integers(2, 12))
def test_windows_are_equal_exactly_where_a_renaming_makes_them_so(words: list[str], window_tokens: int) -> None:
    def shape(window: list[str]) -> tuple[object, ...]:
        return tuple(window.index(word) if word in "xyz" else word for word in window)

    shapes = [shape(words[start : start + window_tokens]) for start in range(len(words) - window_tokens + 1)]
    hashes = syntax_windows(" ".join(words).encode(), window_tokens=window_tokens).tolist()
    assert len(set(zip(shapes, hashes, strict=True))) == len(set(shapes)) == len(set(hashes))


def test_a_window_tells_by_what_nobody_renames() -> None:
    counts = telling_tokens(*syntax_tokens(b"a b ( ) ( c"), 4)
    assert counts.tolist() == [2, 2, 2]
