"""Value tests: whether a value that a pattern cut out is a secret, or a placeholder that stands for one.

Cost: a few regular expressions and a count of bytes, some microseconds for a value of 40 bytes.
"""

import re

from filters.redaction_policy import Level
from filters.spans import is_redacted

_PLACEHOLDER = re.compile(
    rb"(?i)example|placeholder|your[_-]?|change[_-]?me|redacted|dummy|insert|replace|x{5,}|\*{3,}|\.{3}|0{10,}|(?:1234567890){2}"
)
MINIMUM_DISTINCT_BYTES = 5


def anything(value: bytes, _level: Level) -> bool:
    """Whether a value is no placeholder of ours."""
    return not is_redacted(value)


def token(value: bytes, _level: Level) -> bool:
    """Whether a value of a token's form may be one: no word says placeholder, and it has more than a few characters."""
    return not is_redacted(value) and not _PLACEHOLDER.search(value) and len(set(value)) >= MINIMUM_DISTINCT_BYTES
