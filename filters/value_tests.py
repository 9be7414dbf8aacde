"""Value tests: whether a value that a pattern cut out is a secret, or a placeholder that stands for one.

Cost: a few regular expressions and a count of bytes, some microseconds for a value of 40 bytes.
"""

import re
from collections import Counter
from math import log2

from filters.redaction_policy import Level
from filters.spans import is_redacted

_PLACEHOLDER = re.compile(
    rb"(?i)example|placeholder|your[_-]?|change[_-]?me|redacted|dummy|insert|replace|x{5,}|\*{3,}|\.{3}|0{10,}|(?:1234567890){2}"
)
MINIMUM_DISTINCT_BYTES = 5
MINIMUM_BITS_PER_BYTE = 4.6
_PREFIX_BYTES = 4
_CAPITAL, _SMALL, _DIGIT, _LETTER = (re.compile(members) for members in (rb"[A-Z]", rb"[a-z]", rb"[0-9]", rb"[A-Za-z]"))


def anything(value: bytes, _level: Level) -> bool:
    """Whether a value is no placeholder of ours."""
    return not is_redacted(value)


def token(value: bytes, _level: Level) -> bool:
    """Whether a value of a token's form may be one: no word says placeholder, and it has more than a few characters."""
    return not is_redacted(value) and not _PLACEHOLDER.search(value) and len(set(value)) >= MINIMUM_DISTINCT_BYTES


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
    return mixed_token(value, level) and _entropy(value) >= MINIMUM_BITS_PER_BYTE


def _entropy(value: bytes) -> float:
    """Shannon's, of the bytes of a value, in bits per byte: 5.0 at least for 90 random letters and digits."""
    return -sum(count / len(value) * log2(count / len(value)) for count in Counter(value).values())
