"""Authorization: what stands behind `Bearer`, `Basic`, `Token` and in headers that carry a key.

Cost: a count of the value's bytes, or a decoding of base64, at most `HEADER_BYTES` long.

Source: RFC 7617 (Basic: base64 of `user:password`), RFC 6750 (Bearer), RFC 9110, section 11 (the header).
"""

import base64
import binascii

from filters.passwords import is_password
from filters.redaction_policy import Level
from filters.value_tests import random

HEADER_BYTES = 4_096


def basic_credentials(value: bytes, _level: Level) -> bool:
    """Whether base64 text holds `user:password` with a password that is none of a manual's words."""
    value = value.rstrip(b"=")
    if len(value) > HEADER_BYTES:
        return False
    try:
        text = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False
    user, colon, password = text.partition(b":")
    readable = len(text) >= 3 and all(32 <= byte < 127 for byte in text)
    return bool(colon) and readable and (is_password(password, user) or random(user, "balanced"))


def header_token(value: bytes, level: Level) -> bool:
    """Whether a header's value is a random token; one of several parts (a JWT) counts by its longest."""
    return random(max(value.replace(b"~", b".").split(b"."), key=len), level)
