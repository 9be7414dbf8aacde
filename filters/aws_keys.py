"""AWS secret access keys: forty characters of base64 with no form of their own.

Two things give one away: a name (`aws_secret_access_key`), or an access key id (`AKIA...`) beside it, as in a CSV of
credentials or two lines of a configuration.

Cost: one regular expression on at most `REACH_BYTES` on each side of a key id.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
"""

import re

from filters.named_secrets import named_secret
from filters.redaction_policy import Level
from filters.value_tests import random

REACH_BYTES = 256

_SECRET = re.compile(rb"(?<![A-Za-z0-9+/_.-])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_.-])")
_CLASSES = tuple(map(re.compile, (rb"[A-Z]", rb"[a-z]", rb"[0-9]")))


def aws_secret(data: bytes, start: int, stop: int, level: Level) -> bool:
    """Whether data[start:stop], behind a name of Amazon's, is a secret key: all three classes, so that no SHA-1 is."""
    return _is_mixed(data[start:stop]) and named_secret(data, start, stop, level)


def aws_secret_near_id(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The secret key that stands behind the key id that ends at `stop`, in its line or the next, or before it."""
    first_end = data.find(b"\n", stop, stop + REACH_BYTES)
    limit = stop + REACH_BYTES
    if first_end >= 0 and (second_end := data.find(b"\n", first_end + 1, limit)) >= 0:
        limit = second_end
    line_start = max(data.rfind(b"\n", max(0, stop - REACH_BYTES), stop) + 1, stop - REACH_BYTES, 0)
    for first, last in ((stop, limit), (line_start, stop)):
        for match in _SECRET.finditer(data, first, last):
            if _is_mixed(match[0]) and random(match[0], level):
                return match.span()
    return None


def _is_mixed(value: bytes) -> bool:
    return all(members.search(value) for members in _CLASSES)
