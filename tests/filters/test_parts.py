"""Where a word is cut, by example; and what holds for every text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.character_classes import DIGIT, LETTER
from filters.parts import hash_of_part, parts, words

MARKED_TEXT = st.text(st.one_of(st.sampled_from("aB1 \n.,'\u2019-/:=(\")+*_\u2026\u2014\ud800é語"), st.characters()))
FEW_WORDS = st.lists(st.sampled_from(["a", "A", "b.", "...", "x-y", "é"]), max_size=12).map(" ".join)


def parts_of(text: str) -> list[str]:
    table = parts(text)
    return [text[start : start + size] for start, size in zip(table.starts, table.characters, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("word", "word"),
        ("(quoted), too.", "( quoted ) , too ."),
        ('"\u2018so\u2019"', '" \u2018 so \u2019 "'),
        ("x.y v1.2 1,000", "x.y v1.2 1,000"),
        ("U.S. J. end. NASA.", "U.S. J. end . NASA ."),
        ("end.Start", "end . Start"),
        ("so... wait...what .. .", "so ... wait ... what .. ."),
        ("so.. (so..)", "so .. ( so .. )"),
        ("we're it's don't O'Neil's \u2019tis", "we 're it 's don 't O'Neil 's \u2019 tis"),
        ("O'Neil rock'n'roll 5'10", "O'Neil rock 'n'roll 5'10"),
        ("well-known 2-door a/b key=word a,b", "well - known 2 - door a / b key = word a , b"),
        ("1-2 3*4 a*b 2^8", "1 - 2 3 * 4 a*b 2 ^ 8"),
        ("-5 --flag", "-5 --flag"),
        ("foo(bar) f()", "foo(bar ) f ( )"),
        ("__init__ #1 $5", "_ _ init _ _ # 1 $ 5"),
        ("see http://a.b/c-d,e:f. (https://x.y/a=b)", "see http://a.b/c-d,e:f . ( https://x.y/a=b )"),
        ("wait\u2026 what\u2014now", "wait \u2026 what \u2014 now"),
    ],
)
def test_cuts(text: str, expected: str) -> None:
    assert parts_of(text) == expected.split()


@given(MARKED_TEXT)
def test_words_are_those_of_str_split(text: str) -> None:
    table = words(text)
    found = [text[start : start + size] for start, size in zip(table.starts, table.characters, strict=True)]
    assert found == text.split()


@given(MARKED_TEXT)
def test_parts_are_words_cut_further(text: str) -> None:
    starts, found = set(parts(text).starts.tolist()), parts_of(text)
    assert "".join(found) == "".join(text.split())
    assert all(part == part.strip() != "" for part in found)
    assert starts >= set(words(text).starts.tolist())


@given(MARKED_TEXT)
def test_classes_of_a_part_are_those_of_its_characters(text: str) -> None:
    for part, classes in zip(parts_of(text), parts(text).classes.tolist(), strict=True):
        assert bool(classes & LETTER) == any(map(str.isalpha, part))
        assert bool(classes & DIGIT) == any(map(str.isdigit, part))


@given(st.one_of(MARKED_TEXT, FEW_WORDS))
def test_hashes_are_equal_exactly_where_parts_are(text: str) -> None:
    found, hashes = parts_of(text), parts(text).hashes.tolist()
    assert len(set(hashes)) == len(set(found)) == len(set(zip(found, hashes, strict=True)))
    assert 0 not in hashes


def test_hash_does_not_depend_on_the_text_around() -> None:
    assert parts("not the end").hashes[1] == parts("the").hashes[0] == hash_of_part("the")


def test_many_addresses_in_one_word_take_no_longer_than_one() -> None:
    def seconds(count: int) -> float:
        text = "https://example.com/item/," * count
        started = time.process_time()
        parts(text)
        return time.process_time() - started

    seconds(10)  # compiles
    assert seconds(8 * 10_000) < 40 * max(seconds(10_000), 0.005)  # 64 times as long where it is quadratic
