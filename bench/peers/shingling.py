r"""Word 5-grams the way users of rensa and datasketch make them: `re` and `str.join`, as neither library brings any."""

import re

_WORDS = re.compile(r"\w+")


def word_ngrams(text: str) -> list[str]:
    """All 5-grams of the lower-cased words; all words as one where there are fewer."""
    words = _WORDS.findall(text.lower())
    if len(words) < 5:
        return [" ".join(words)]
    return list(map(" ".join, zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)))
