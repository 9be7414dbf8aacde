"""Encoded private keys: a whole PEM block in one line of base64, as clusters and build servers keep them.

`tls.key: LS0tLS1CRUdJTi…`, `client-key-data: …`; certificates and public keys in base64 stay.

Cost: linear. What stands in the middle of a run of base64 is no beginning, so each run is read once.
"""

import re
from base64 import b64decode

from filters.redaction_policy import Level

MAXIMUM_BYTES = 131_072
MINIMUM_BYTES = 160
HEAD_BYTES = 72
_MARK = b"LS0tLS1CRUdJTi"

_RUN = re.compile(rb"[A-Za-z0-9+/]{160,131072}+={0,2}")
_IN_RUN = re.compile(rb"[A-Za-z0-9+/]")
_HEAD = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY")


def encoded_private_key(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The run of base64 whose first bytes end at `stop`, if it is a private key, or None."""
    start = data.rfind(_MARK, max(0, stop - HEAD_BYTES - len(_MARK)), stop)
    if start < 0 or (_IN_RUN.match(data, start - 1) if start else None):
        return None
    run = _RUN.match(data, start)
    return run.span() if run and _HEAD.match(b64decode(data[start : start + HEAD_BYTES])) else None
