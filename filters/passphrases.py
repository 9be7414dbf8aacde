"""Passphrases: whether words with spaces between them were chosen to be secret, or are a sentence or a label.

`correct horse battery staple`, `blue cat 99`, `wkfe pwqm rnvz jzuv` are; `Enter your password`, `Password 2` are not. A
passphrase has no punctuation, no word that glues a sentence, and either a number, enough words, or words that no
language has.

Cost: one regular expression and a set look-up for each word.
"""

import re

from filters.letter_pairs import word_letters

FEW_WORDS = 3
"""So many words are enough where four are asked for, if each has four small letters."""

_WORDS = re.compile(rb"[A-Za-z0-9'@#$!_-]{1,16}(?: [A-Za-z0-9'@#$!_-]{1,16}){1,9}")
_LETTERS = re.compile(rb"[A-Za-z]{3}")
_NUMBER = re.compile(rb"[0-9]{2,}\Z|[A-Za-z][0-9]|[0-9][A-Za-z]")
_FEW = re.compile(rb"[a-z]{4,16}(?: [a-z]{4,16}){2}")
# What a label in another language says: `digite senha novamente`.
_ANY_PASSWORD = re.compile(rb"pass|senha|clave|contras|wort|woord|haslo|parol|sifre|sandi|losen|salasana")

# What joins the words of a sentence, or names what a form, a message or a test speaks of.
_OF_A_SENTENCE = frozenset(
    b"""
    a about account add after again all already also an and any are as at auto be been before being below but by call
    can cannot change changed character characters check click code confirm confirmed contains current data default
    did digit digits do does email empty enter error expected expired failed field file first for forgot found from
    get given has have here hint how if in incorrect input into invalid is it its  label least length letter
    letters level line login long match max maximum message method min minimum missing more must name need new no not
    number of ok old on one only or other our out page param parameter part passphrase password passwords phase
     please previous protected protection prompt proxy re reads real remember repeat required reset retype same
    saved second secret section see select set should show  so some step strength string test text than that the
    their them then these this to token too try two type unknown up update use used user username using value verify
    version via was we weak were when where which will with without wrong you your
    """.split()
)


def is_passphrase(value: bytes, minimum_words: int) -> bool:
    """Whether a value of several words is a passphrase.

    Args:
        minimum_words: how many a passphrase has that holds no number and only words that pass for real ones.
    """
    if not _WORDS.fullmatch(value):
        return False
    words = value.split()
    if any(word.strip(b"'!").lower() in _OF_A_SENTENCE for word in words):
        return False
    if not _LETTERS.search(value):
        return False
    if any(map(_NUMBER.search, words[1:])):
        return True
    # `Server Manager Web Console` is a label: a passphrase has small letters throughout, or no words at all.
    if word_letters(value) * 3 <= len(value) and len(words) >= 3:
        return True
    if len(words) == FEW_WORDS and minimum_words == FEW_WORDS + 1:
        return _FEW.fullmatch(value) is not None and _ANY_PASSWORD.search(value) is None
    return len(words) >= minimum_words and value.islower()
