"""Merkle root: one digest over all files of a release, of which any file can be proven a part without the others.

The tree is that of RFC 6962, section 2.1: a leaf is the sha256 of 0x00 and its bytes, a node that of 0x01 and its two
children, and a tree of n leaves splits at the largest power of two below n.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256


def merkle_root(files: Iterable[tuple[str, str]]) -> str:
    """The root, in hex.

    Args:
        files: (path, sha256 in hex); their order does not matter. A leaf is the path in UTF-8, NUL, and the 32 bytes.

    Returns:
        64 lower-case hex digits; the sha256 of nothing for no files, as the RFC has it.
    """
    leaves = [
        sha256(b"\0" + path.encode("utf-8", "surrogatepass") + b"\0" + bytes.fromhex(digest)).digest()
        for path, digest in sorted(files)
    ]
    return (_root(leaves) if leaves else sha256(b"").digest()).hex()


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()
