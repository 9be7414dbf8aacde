"""JSON Web Keys: the private members `d` (RSA, EC, OKP) and `k` (symmetric) of an object that says its `kty`.

Both names are a single letter and stand in code without quotes too; only the key type before them in the object tells.

Cost: one regular expression on the member that the scanner marked.

Source: RFC 7517, section 9.3; RFC 7518, sections 6.2.2, 6.3.2 and 6.4.
"""

import re

from filters.redaction_policy import Level
from filters.value_tests import mixed_token

_VALUE = re.compile(rb"[A-Za-z0-9_-]{22,1400}+(?=\\?[\"'`])")


def jwk_member(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The value of a private member, whose first byte ends at `stop`, or None."""
    value = _VALUE.match(data, stop - 1)
    return value.span() if value and mixed_token(value[0], level) else None
