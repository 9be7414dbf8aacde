"""Secret values: whether what is assigned to a secret's name is a value somebody could use.

Not: references and calls that the value is read from, placeholders that a reader must replace, the name itself, and
forms that say what they are (`filters.value_forms`). What stays after that is judged by its length, by how many bits a
character carries, and by how much of it passes for words; the limits stand in `redaction_rules.toml`, by level.

Cost: a dozen regular expressions and a count of bytes, 10 to 20 microseconds for a value of 40 bytes.
"""

import re
from collections import Counter
from math import log2

from filters.letter_pairs import word_letters
from filters.redaction_rules import AssignedSecretLimits
from filters.secret_names import NameSort
from filters.spans import is_redacted
from filters.value_forms import REFERENCES, is_no_secret, says_its_name

_NUMBER = re.compile(rb"[0-9]+")
_DIGIT = re.compile(rb"[0-9]")
_ALPHANUMERIC = re.compile(rb"[A-Za-z0-9]")
# `_ . / : -` join the words of an identifier.
_SYMBOL = re.compile(rb"[^A-Za-z0-9_./: \x80-\xff-]")
_SPACE = re.compile(rb"\s|\\[nrt](?![a-z])|%20")
_BYTES_LITERAL = re.compile(rb"\\x[0-9A-Fa-f]{2}")
_CAPITALS = re.compile(rb"[A-Z_]+")
_JOINED_WORDS = re.compile(rb"[A-Za-z][_.:/-]+[A-Za-z]")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")

# `todo-list-v3`, `cmp2-qat-1208358310`: every part is letters, or digits.
_PARTS = re.compile(rb"(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10})(?:[_.:/@-]+(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10}))+")
# `shop-secret-key-2024` is made up to be one.
_OWN_SECRET = re.compile(rb"(?i)(?:secret|key|jwt).{0,24}[0-9]{3,}\Z")
_SEQUENCE = re.compile(
    rb"(?i)01234567|12345678|abcdef(?:gh|01)|deadbeef|cafebabe|00112233|aabbcc|0{6}|abcd1234|1234abcd|asdf"
)


def is_secret(name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value may be the secret that its name promises.

    Args:
        limits: of the level; `redaction_rules.toml` holds them.
    """
    shortest = limits.minimum_characters[sort]
    if is_redacted(value) or not shortest <= len(value) <= limits.maximum_characters:
        return False
    if _NUMBER.fullmatch(value):
        least = limits.minimum_number_digits
        return sort == "password" and least is not None and len(value) >= least
    rest = REFERENCES.sub(b"", value)
    if len(rest) * 2 <= len(value) or len(rest) < shortest or is_redacted(rest) or is_no_secret(value):
        return False
    if says_its_name(name, value):
        others = len(_DIGIT.findall(value)) + len(_SYMBOL.findall(value))
        if others < limits.minimum_digits_beside_keywords:
            return False
    if _SPACE.search(rest) and not limits.sentences and not _BYTES_LITERAL.search(rest):
        return False
    return sum(byte >= 0x80 for byte in rest) * 2 <= len(rest) and _is_drawn(rest, sort, limits)


def is_random(value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value needs no quotes and no line of its own to be believed: long, dense, and hardly a word in it."""
    return (
        len(value) >= limits.minimum_bare_characters
        and _DIGIT.search(value) is not None
        and bits_a_character(value) >= limits.minimum_bare_bits
        and word_letters(value) <= limits.maximum_bare_word_fraction * len(value)
    )


def bits_a_character(value: bytes) -> float:
    """Shannon entropy of a value's bytes, bits a byte; 0 for an empty value."""
    size = len(value)
    return sum(count * log2(size / count) for count in Counter(value).values()) / size if size else 0.0


def _is_drawn(value: bytes, sort: NameSort, limits: AssignedSecretLimits) -> bool:
    """Whether a value was chosen or drawn to be secret, by what its characters are."""
    digits, symbols = len(_DIGIT.findall(value)), len(set(_SYMBOL.findall(value)))
    words = word_letters(value) / len(value)
    if bits_a_character(value) < limits.minimum_bits[sort] or len(_ALPHANUMERIC.findall(value)) < 3:
        return False
    if words > limits.maximum_path_word_fraction and (value.count(b"/") >= 2 or _DOTTED.fullmatch(value)):
        return False
    if sort == "key" and _SEQUENCE.search(value):
        return False
    if _CAPITALS.fullmatch(value) and len(value) < limits.minimum_letters_alone["key"]:
        return False
    if sort != "password" and _PARTS.fullmatch(value) and not limits.sentences and not _OWN_SECRET.search(value):
        return False
    if words > limits.maximum_word_fraction[sort]:
        needed = limits.minimum_digits_among_words.get(sort)
        if needed is None or (not digits and words * len(value) > limits.maximum_letters_in_words):
            return False
        # Joined words are identifiers, whose numbers say which: `user_password_2`, `step-12`.
        return digits + 2 * symbols >= needed + 2 * (_JOINED_WORDS.search(value) is not None)
    return bool(digits or symbols) or len(value) >= limits.minimum_letters_alone[sort]
