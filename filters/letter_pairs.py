"""Letter pairs: how much a run of letters looks like a word, by how often each letter follows the one before it.

Counted over the 37,862 lower-case words of 3 to 14 letters that stand in at least three files of the sample shards,
identifiers and prose alike; a word counts 1 + log2 of the number of its files. Of random runs of 8 letters 4 in 100
cost less than `WORD_BITS` a pair, of real words of 8 letters 96 in 100; of 4 letters 15 and 78.

Cost: one look-up a letter.
"""

import re

# -log2 p(second | first) in half bits, one digit in base 36; a row for each first letter.
_ROWS = (
    "g989hdaeahc696kak685acefcf", "6bcd5ehj6dk5ee7fk79c7jkkci", "6hbf6gk58k89fh5gk9c79klleh",
    "7deb3ddh5ghbed7en99d9efidh", "9d97cbceaif8a5fbf569ecdafh", "7fde67em5nj8ee6fu8c98khkbk",
    "7igh3ga87kg9d98fp69b8ijldj", "5fff4hii6lgbbb6gm8c7ajflbl", "ab7a8baijie9a47bia77iangob",
    "5gec4kgh9pgdfc5eff7f5eghih", "7efc4fee6if9fa7dib789heobg", "6feb4efi5jf6ff7elhaaaejl8k",
    "5age4gij6mgc9f76kjae9ikmem", "8g877b5g8gcegb9fjf75bchkef", "cb9afcbfcgc884a9m5998baffg",
    "6hef5fga8pg7gh68k5a89jikcn", "djfgdjjdgoo9oeeffcdc1cfjjh", "6eba4ebg6kccab7dma88aefkbg",
    "9g8g5fg97kcbdf89gg748iemcf", "7gcf4fi94ojbfg8fo78aaiekae", "999b9bbj9if785d9w667iilgig",
    "5hfh2hik5tjggf7imfdffkjlej", "5fdd4fg95ngcf86el99deifhej", "8d7b6cgc6iicbhd5ifc5cfh9bi",
    "8b9b7dcf8ke88896kb68dfckdc", "6efd3hhg6kgbdb9gkfda8gbfa9",
)  # fmt: skip
_BITS = {
    bytes((first, second)): int(_ROWS[first - 97][second - 97], 36) / 2
    for first in range(97, 123)
    for second in range(97, 123)
}

WORD_BITS = 4.75
"""A run of letters whose pairs cost no more than this on average passes for a word."""

MINIMUM_WORD_LETTERS = 3

# Words of an identifier: `getHTTPHeader_name` has four.
_RUN = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def word_letters(value: bytes) -> int:
    """How many letters stand in runs that pass for words; a capital letter starts a run of its own."""
    return sum(
        len(run) for run in _RUN.findall(value) if len(run) >= MINIMUM_WORD_LETTERS and pair_bits(run) <= WORD_BITS
    )


def pair_bits(run: bytes) -> float:
    """Mean cost of a pair in a run of two or more ASCII letters, bits; random letters cost 6.4, English words 3.5."""
    lower = run.lower()
    return sum(_BITS[lower[place : place + 2]] for place in range(len(lower) - 1)) / (len(lower) - 1)
