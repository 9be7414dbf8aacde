"""What a shingle is, held against a naive Python version; what a content hash forgets and what it keeps."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xxhash
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.shingles import _SCRIPTS_WITHOUT_SPACES, _letters, content_hash, shingle_hashes, shingle_hashes_utf8

COMPILES = settings(deadline=None)  # the first call compiles the kernel
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))

OWN_WORD = "".join(f"{chr(first)}-{chr(last)}" for first, last in _SCRIPTS_WITHOUT_SPACES)
NAIVE_WORD = re.compile(rf"[{OWN_WORD}]|[^\W{OWN_WORD}]+")

TRICKY = "aAbBzZ019_ \n.-İıßẞſKΣσςΑάéÉǅȺⱥ你好ア゙กำ한글²Ⅷ𝒜𠀀\u0301\u200d\u00ad😀\ud800"
mixed_texts = st.text(alphabet=st.one_of(st.sampled_from(TRICKY), st.characters()), max_size=60)
word_lists = st.lists(st.sampled_from(["a", "A", "b", "ß", "ΟΔΟΣ", "İ", "你"]), max_size=30).map(" ".join)


def naive_words(text: str) -> list[str]:
    return [word for word in NAIVE_WORD.findall(text.lower()) if re.match(r"\w", word)]


def naive_shingles(text: str, ngram_words: int) -> list[tuple[str, ...]]:
    words = naive_words(text)
    return [tuple(words[start : start + ngram_words]) for start in range(len(words) - ngram_words + 1)]


def shared_texts(limit_characters: int) -> Iterator[str]:
    for name, field in (("stack_v2/part-00000-of-00010.jsonl.zst", "content"), ("pile/03.jsonl.zst", "text")):
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"shared data absent: {path}")
        left = limit_characters
        with zstandard.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                text = json.loads(line)[field]
                yield text
                left -= len(text)
                if left < 0:
                    break


@COMPILES
@given(st.one_of(mixed_texts, word_lists), st.integers(1, 6))
@example("ΟΔΟΣ ΟΔΟΣ. οδος οδοσ", 1)
@example("İstanbul istanbul i\u0307stanbul", 1)
def test_hashes_are_equal_exactly_where_naive_shingles_are(text: str, ngram_words: int) -> None:
    hashes = shingle_hashes(text, ngram_words=ngram_words).tolist()
    shingles = naive_shingles(text, ngram_words)
    assert len(hashes) == len(shingles)
    assert len(set(hashes)) == len(set(shingles)) == len(set(zip(hashes, shingles, strict=True)))


@COMPILES
@given(mixed_texts, mixed_texts)
def test_equal_shingles_have_equal_hashes_in_different_texts(one: str, other: str) -> None:
    both = {
        shingle: int(value)
        for text in (one, other)
        for shingle, value in zip(naive_shingles(text, 1), shingle_hashes(text, ngram_words=1), strict=True)
    }
    for text in (one, other):
        assert shingle_hashes(text, ngram_words=1).tolist() == [both[shingle] for shingle in naive_shingles(text, 1)]


def test_an_ascii_shingle_hashes_the_same_beside_other_scripts() -> None:
    alone = shingle_hashes("one two three four five")
    assert alone.size == 1
    assert alone[0] == shingle_hashes("é. One TWO three_ four five".replace("_", ""))[1]
    assert alone[0] == shingle_hashes("Σ one two three four five")[1]


def test_hashes_never_change() -> None:
    """They are stored in signatures and band keys."""
    assert [f"{value:016x}" for value in shingle_hashes("The quick brown fox jumps over")] == [
        "69f98eac1f89e196",
        "e579cf9563c58a86",
    ]


def test_letters_are_one_to_one_with_lower_case_apart_from_the_two_exceptions() -> None:
    others = "".join(chr(point) for point in range(0x110000) if point not in {0x130, 0x3A3})
    assert list(others.lower()) == [character.lower() for character in others]
    assert len("\u0130".lower()) == 2
    assert "\u03a3".lower() != "a\u03a3".lower()[1]


def test_letters_of_one_case_pair_share_bits_and_others_differ() -> None:
    letters = _letters()
    words = letters[letters != 0]
    folded = {chr(point).lower() for point in np.flatnonzero(letters).tolist()}
    assert np.unique(words).size == len(folded)
    assert letters[ord("É")] == letters[ord("é")] != letters[ord("e")]


@pytest.mark.parametrize("text", ["", " ", "one two three four", "...\n\n...", "é"])
def test_fewer_words_than_a_shingle_give_none(text: str) -> None:
    hashes = shingle_hashes(text)
    assert hashes.size == 0
    assert hashes.dtype == np.uint64


def test_each_character_of_a_script_without_spaces_is_a_word() -> None:
    assert shingle_hashes("敏捷的棕色狐狸").size == 3
    assert shingle_hashes("x敏y捷z", ngram_words=1).size == 5
    assert shingle_hashes("빠른 갈색 여우가 게으른 개를").size == 1


def test_position_and_multiplicity_of_words_count() -> None:
    texts = ["a b c d e", "b a c d e", "a a c d e", "e d c b a", "ab c d e f", "a bc d e f", "a" * 128 + " b c d e"]
    assert len({int(shingle_hashes(text)[0]) for text in texts}) == len(texts)


def test_very_long_words_of_one_letter_differ() -> None:
    texts = [letter * length for letter in "ab" for length in range(1, 400)]
    assert len({int(shingle_hashes(text, ngram_words=1)[0]) for text in texts}) == len(texts)


def test_zero_words_in_a_shingle_is_an_error() -> None:
    with pytest.raises(ValueError, match="ngram_words"):
        shingle_hashes("a", ngram_words=0)


def test_no_two_shingles_of_real_texts_collide() -> None:
    """Some 250,000 different 5-grams; the chance of a collision is 2e-9."""
    shingles: set[tuple[str, ...]] = set()
    hashes: set[int] = set()
    num_shingles = num_hashes = 0
    for text in shared_texts(1_000_000):
        naive, ours = naive_shingles(text, 5), shingle_hashes(text).tolist()
        num_shingles, num_hashes = num_shingles + len(naive), num_hashes + len(ours)
        shingles.update(naive)
        hashes.update(ours)
    assert num_hashes == num_shingles
    assert len(hashes) == len(shingles)


@COMPILES
@given(mixed_texts)
def test_utf8_and_text_give_the_same(text: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    assert shingle_hashes_utf8(encoded, ngram_words=2).tolist() == shingle_hashes(text, ngram_words=2).tolist()


def naive_tidied(text: str) -> str:
    lines = re.split(r"\r\n|\r|\n", text)
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n")


@COMPILES
@given(st.one_of(st.text(), st.text(alphabet="ab \t\r\n\v\x85é", max_size=40)))
@example("\r")
@example("\n\r\n")
@example("a \r\n\t\rb")
def test_content_hash_is_the_digest_of_the_tidied_text(text: str) -> None:
    expected = xxhash.xxh3_128(naive_tidied(text).encode()).digest()
    assert content_hash(text) == expected
    assert len(expected) == 16


def test_content_hash_forgets_line_ends_and_trailing_blanks_only() -> None:
    same = ["a\n  b\n", "a\r\n  b", "a\r  b\r\r", "a \t\n  b\t\n \n\t\n"]
    assert len({content_hash(text) for text in same}) == 1
    different = ["a\n  b\n", "a\n b", "a\n\n  b", "A\n  b", " a\n  b", "a\n  b\v"]
    assert len({content_hash(text) for text in different}) == len(different)


def test_content_hash_of_blank_texts_is_that_of_no_bytes() -> None:
    assert {content_hash(text) for text in ("", "\n", " \t\r\n \r")} == {xxhash.xxh3_128(b"").digest()}


def test_content_hash_is_linear_in_blanks() -> None:
    blanks = " " * 2_000_000
    assert content_hash(blanks + "x" + blanks) == content_hash(blanks + "x")
