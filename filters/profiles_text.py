"""Profiles for text: which limits a kind of text is held to. Keep rates on real text are in docs/quality.md.

The first four hold the limits of the papers, on our signals: what these measure otherwise is said there and below. They
were made for web pages: dialogue, mathematics, books and questions with code fail them for what they are, so each has a
profile of its own, tuned on documents just inside and just outside of its limits. What stays in all of them is what no
good text shows: too short, repeated, broken.
"""

from collections.abc import Mapping
from types import MappingProxyType

from filters.rules import Profile, Rule

# Gopher, arXiv 2112.11446, appendix A.1.1 and table A1; limits as in datatrove's two filters.
_GOPHER_QUALITY: Profile = {
    "gopher_num_words": Rule(minimum=50, maximum=100_000),
    "gopher_mean_word_characters": Rule(minimum=3, maximum=10),
    "hash_word_ratio": Rule(maximum=0.1),
    "ellipsis_word_ratio": Rule(maximum=0.1),
    "bullet_line_fraction": Rule(maximum=0.9),
    "ellipsis_line_fraction": Rule(maximum=0.3),
    "gopher_letter_word_fraction": Rule(minimum=0.8),
    "gopher_num_stop_words": Rule(minimum=2),
}
_GOPHER_NGRAMS: Profile = {
    "top_2_gram_character_fraction": Rule(maximum=0.20),
    "top_3_gram_character_fraction": Rule(maximum=0.18),
    "top_4_gram_character_fraction": Rule(maximum=0.16),
    "duplicate_5_gram_character_fraction": Rule(maximum=0.15),
    "duplicate_6_gram_character_fraction": Rule(maximum=0.14),
    "duplicate_7_gram_character_fraction": Rule(maximum=0.13),
    "duplicate_8_gram_character_fraction": Rule(maximum=0.12),
    "duplicate_9_gram_character_fraction": Rule(maximum=0.11),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.10),
}
_GOPHER_REPETITION: Profile = {
    "duplicate_line_fraction": Rule(maximum=0.30),
    "duplicate_paragraph_fraction": Rule(maximum=0.30),
    "duplicate_line_character_fraction": Rule(maximum=0.20),
    "duplicate_paragraph_character_fraction": Rule(maximum=0.20),
    **_GOPHER_NGRAMS,
}
_GOPHER: Profile = {**_GOPHER_QUALITY, **_GOPHER_REPETITION}

# C4, arXiv 1910.10683, section 2.2. Left out: "no curly bracket" and "no line with javascript", which delete text on
# programming (arXiv 2101.00027 finds C4's rules too aggressive); the list of bad words.
_C4: Profile = {
    "c4_num_placeholder_lines": Rule(maximum=0),
    "c4_num_sentences": Rule(minimum=5),
}

# FineWeb's own rules, arXiv 2406.17557, section 3.6. It runs them after Gopher's and C4's: use on top of gopher-text.
_FINEWEB: Profile = {
    "ended_line_fraction": Rule(minimum=0.12),
    "short_line_fraction": Rule(maximum=0.67),
    "duplicate_line_character_fraction": Rule(maximum=0.01),
    "newline_word_ratio": Rule(maximum=0.3),
}

# The limits of Dolma 1.5, arXiv 2402.00159, on our signals: Gopher's, with the median length for the mean and none on
# paragraphs; and OLMo 2's on runs (arXiv 2501.00656, section 3.1: 32 in a row are out). Deviations: Dolma's tagger has
# words between white space for all rules, here three do (number, length, letters), the others Gopher's words; one ratio
# of the words that hold "#" or U+2026 is two ratios of marks here; its bullets are "*" and "-" alone; every occurrence
# of a stop word counts there; the first of equal lines and n-grams counts there, repeats alone do here; and its
# shares are of the characters without white space.
_DOLMA: Profile = {
    "num_words": Rule(minimum=50, maximum=100_000),
    "median_word_characters": Rule(minimum=3, maximum=10),
    "hash_word_ratio": Rule(maximum=0.1),
    "ellipsis_word_ratio": Rule(maximum=0.1),
    "bullet_line_fraction": Rule(maximum=0.9),
    "ellipsis_line_fraction": Rule(maximum=0.3),
    "letter_word_fraction": Rule(minimum=0.8),
    "gopher_num_stop_words": Rule(minimum=2),
    "duplicate_line_fraction": Rule(maximum=0.30),
    "duplicate_line_character_fraction": Rule(maximum=0.30),
    **_GOPHER_NGRAMS,
    "most_repeats_in_a_row": Rule(maximum=31),
}

# Chat, subtitles, comments, mail (Ubuntu IRC, OpenSubtitles, YoutubeSubtitles, HackerNews, Enron Emails). A time and a
# name in brackets before every remark are words without a letter that repeat; a day of a channel is one document; a
# short post says its title again. Out: mere links, tables, words without sentences.
_DIALOGUE: Profile = {
    "gopher_num_words": Rule(minimum=20, maximum=1_000_000),
    "gopher_mean_word_characters": Rule(minimum=3, maximum=10),
    "gopher_letter_word_fraction": Rule(minimum=0.5),
    "gopher_num_stop_words": Rule(minimum=1),
    "hash_word_ratio": Rule(maximum=0.1),
    "ellipsis_word_ratio": Rule(maximum=0.1),
    "ellipsis_line_fraction": Rule(maximum=0.5),
    "address_character_fraction": Rule(maximum=0.5),
    "duplicate_line_fraction": Rule(maximum=0.3),
    "duplicate_line_character_fraction": Rule(maximum=0.2),
    "top_2_gram_character_fraction": Rule(maximum=0.3),
    "top_4_gram_character_fraction": Rule(maximum=0.3),
    "duplicate_5_gram_character_fraction": Rule(maximum=0.4),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.25),
}

# Questions and answers with code, formulae and drawings in them (StackExchange): fewer words with a letter, and lines
# that repeat in a drawing. Out: tables of links and sandboxes.
_Q_AND_A: Profile = {
    "gopher_num_words": Rule(minimum=30, maximum=100_000),
    "gopher_mean_word_characters": Rule(minimum=3, maximum=10),
    "gopher_letter_word_fraction": Rule(minimum=0.55),
    "gopher_num_stop_words": Rule(minimum=2),
    "alphabetic_fraction": Rule(minimum=0.5),
    "duplicate_line_character_fraction": Rule(maximum=0.25),
    "duplicate_5_gram_character_fraction": Rule(maximum=0.25),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.2),
}

# Exercises and TeX (DM Mathematics, ArXiv): hardly a word has a letter, and the same question comes with other numbers.
# Out: stubs of TeX, and files of macros or tables.
_MATH: Profile = {
    "gopher_num_words": Rule(minimum=100, maximum=1_000_000),
    "alphabetic_fraction": Rule(minimum=0.15),
    "duplicate_line_character_fraction": Rule(maximum=0.2),
    "top_4_gram_character_fraction": Rule(maximum=0.5),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.35),
}

# Whole books (Gutenberg, Books3, BookCorpus2): Gopher's limits but for the length, and for dialogue, whose quotation
# marks are words without a letter. Out: parts of books, other languages than English, word lists.
_BOOKS: Profile = {
    **_GOPHER,
    "gopher_num_words": Rule(minimum=5_000, maximum=3_000_000),
    "gopher_letter_word_fraction": Rule(minimum=0.75),
    "gopher_num_stop_words": Rule(minimum=6),
}

# Mild limits for what was chosen by hand already, in any language with spaces: documentation with code in it,
# encyclopaedias, papers, court opinions. Words are what white space separates: a tokenizer's words make every bracket
# of a citation or of code one without a letter. Out: stubs, menus, tables, placeholder text, pages pasted twice.
_PROSE: Profile = {
    "num_words": Rule(minimum=20, maximum=1_000_000),
    "mean_word_characters": Rule(minimum=3, maximum=15),
    "letter_word_fraction": Rule(minimum=0.5),
    "duplicate_line_character_fraction": Rule(maximum=0.3),
    "duplicate_5_gram_character_fraction": Rule(maximum=0.4),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.3),
    "replacement_character_fraction": Rule(maximum=0.01),
}

TEXT_PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "gopher-text": _GOPHER,
        "c4-text": _C4,
        "fineweb-text": _FINEWEB,
        "dolma-text": _DOLMA,
        "dialogue": _DIALOGUE,
        "q-and-a": _Q_AND_A,
        "math": _MATH,
        "books": _BOOKS,
        "prose": _PROSE,
    }
)
"""Profiles by name; a recipe assigns them to subsets."""
