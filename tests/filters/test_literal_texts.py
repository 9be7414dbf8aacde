from filters.benchmark_parts import Bounds, Problem
from filters.benchmark_words import word_ngrams
from filters.literal_texts import ANCHOR_WORDS, LiteralTexts

WORDS = [f"word{number} next" for number in range(40)]


def longest(texts: LiteralTexts, text: str) -> tuple[int, int, int] | None:
    encoded = text.encode()
    anchors = word_ngrams(encoded, ngram_words=ANCHOR_WORDS, wanted=texts.anchors.wanted)
    return texts.longest_in(encoded, anchors)


def test_of_several_literals_the_longest_is_told() -> None:
    short, long = " ".join(WORDS[:20]), " ".join(WORDS)
    texts = LiteralTexts.build([Problem("b", "1", short), Problem("b", "2", long)], Bounds())
    assert longest(texts, f"x{long}x") == (1, len(long), 80)
    assert longest(texts, f"x{short}x") == (0, len(short), 80)
    assert longest(texts, " ".join(WORDS[:19])) is None


def test_a_literal_that_many_problems_share_is_left_out() -> None:
    problems = [Problem("b", str(number), " ".join(WORDS)) for number in range(4)]
    assert LiteralTexts.build(problems, Bounds()).literals == ()
    assert len(LiteralTexts.build(problems[:3], Bounds()).literals) == 3
