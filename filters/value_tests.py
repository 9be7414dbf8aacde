"""Value tests: whether a value that a pattern cut out is a secret, or a placeholder that stands for one.

Cost: a few regular expressions and a count of bytes, some microseconds for a value of 40 bytes.
"""

import re

from filters.entropy import bits_a_character, entropy_fraction
from filters.redaction_policy import Level
from filters.spans import is_redacted

# In one case or with a capital: `YOuR` within 130 random characters is no word.
_PLACEHOLDER_WORDS = (
    "example", "placeholder", "your", "change[_-]?me", "changeMe", "redacted", "dummy", "insert", "replace"
)  # fmt: skip
_SPELT = [spelling for word in _PLACEHOLDER_WORDS for spelling in (word, word.capitalize(), word.upper())]
_PLACEHOLDER = re.compile(
    "|".join([*_SPELT, r"(?i:x{5,})", r"\*{3,}", r"\.{3}", "0{10,}", "(?:1234567890){2}"]).encode()
)
MINIMUM_DISTINCT_BYTES = 5
MINIMUM_BITS_PER_BYTE = 4.6
_PREFIX_BYTES = 4
_CAPITAL, _SMALL, _DIGIT, _LETTER = (re.compile(members) for members in (rb"[A-Z]", rb"[a-z]", rb"[0-9]", rb"[A-Za-z]"))

LONG_VALUE_BYTES = 24
MINIMUM_ENTROPY_FRACTION = {True: 0.72, False: 0.6}
"""For long and short values; of the most that length and alphabet allow, 0.9 is usual, 0.77 rare for random hex."""

MAXIMUM_SEQUENCE_BYTES = 64
"""In a longer value five equal characters are padding, and five small letters in a row are chance."""

_LONE_WORD = re.compile(rb"(?:\A|[-_/+])[A-Za-z][a-z]{4,}(?:[-_/+=]|\Z)")
_WORD_PART = re.compile(rb"[a-z]+|[A-Z]+|[A-Z][a-z]+")
_PART_EDGE = re.compile(rb"[-_./]")
_LOWER_RUN = re.compile(rb"[a-z]{4,}")
_SEQUENCE = re.compile(rb"(?i)1234567|7654321|abcdefg|qwerty|deadbeef|cafebabe|([a-z0-9])\1{4}")
_WORD = re.compile(
    rb"(?i)token|secret|passw|access|client|config|default|service|value|string|object|button|header|"
    rb"content|number|index|image|style|input|event|error|message|system|public|private|window|document|function|"
    rb"database|server|project|package|module|create|update|delete|request|response|account|random|sample"
)


def token(value: bytes, _level: Level) -> bool:
    """Whether a value of a token's form may be one: no word says placeholder, and it has more than a few characters."""
    return not is_redacted(value) and not _PLACEHOLDER.search(value) and len(set(value)) >= MINIMUM_DISTINCT_BYTES


def random(value: bytes, level: Level) -> bool:
    """Whether a value looks as if a machine had drawn it.

    It has letters and digits, nearly as much entropy as its length and alphabet allow, no word, no sequence, no
    repetition and nothing that says placeholder. Of random hex of 32 one in a thousand fails, of 24 letters and digits
    one in seventy (for want of digits), of 16 one in sixteen.
    """
    drawn = value.replace(b"-", b"")
    digits = sum(byte in b"0123456789" for byte in drawn)
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in drawn)
    one_case = value in {value.lower(), value.upper()}
    if letters < 1 or digits < max(1, len(drawn) // (10 if one_case else 20)) or value in (value + value)[1:-1]:
        return False
    least = MINIMUM_ENTROPY_FRACTION[len(drawn) >= LONG_VALUE_BYTES]
    return token(value, level) and entropy_fraction(drawn) >= least and not _readable(value, one_case=one_case)


def hexadecimal(value: bytes, level: Level) -> bool:
    """Whether hexadecimal digits, whose name leaves no doubt, are neither a placeholder nor counted."""
    return token(value, level) and entropy_fraction(value) >= MINIMUM_ENTROPY_FRACTION[True]


def _readable(value: bytes, *, one_case: bool) -> bool:
    if _WORD.search(value) or (len(value) <= MAXIMUM_SEQUENCE_BYTES and _LONE_WORD.search(value)):
        return True
    parts = [part for part in _PART_EDGE.split(value) if part]
    if len(parts) >= 3 and 2 * sum(len(part) for part in parts if _WORD_PART.fullmatch(part)) > len(value):
        return True
    if len(value) <= MAXIMUM_SEQUENCE_BYTES and _SEQUENCE.search(value):
        return True
    return not one_case and 3 * sum(map(len, _LOWER_RUN.findall(value))) >= 2 * len(value)


def alphanumeric_token(value: bytes, level: Level) -> bool:
    """Whether a token also has a letter and a digit behind its first characters, which name its provider."""
    rest = value[_PREFIX_BYTES:]
    return token(value, level) and bool(_LETTER.search(rest) and _DIGIT.search(rest))


def mixed_token(value: bytes, level: Level) -> bool:
    """Whether a token also has a capital, a small letter and a digit there: no word or name of a program has all."""
    rest = value[_PREFIX_BYTES:]
    return token(value, level) and bool(_CAPITAL.search(rest) and _SMALL.search(rest) and _DIGIT.search(rest))


def dense_token(value: bytes, level: Level) -> bool:
    """Whether a long mixed token is as random as one: encoded binary data, full of zeros, is not."""
    return mixed_token(value, level) and bits_a_character(value) >= MINIMUM_BITS_PER_BYTE
