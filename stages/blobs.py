"""Blobs: the bytes of a file as an archive of contents keeps them, a gzip object named by the plain SHA-1 of the bytes.

Nothing of an object is believed: it is unpacked up to a bound, and its bytes are held against its name and, where the
row gives one, against its git blob id. A text is decoded by the encoding that the row names or not at all: no character
is ever made up. Cost: SHA-1 twice and inflate, some 200 MB of content a CPU second together.
"""

import encodings
import hashlib
import pkgutil
import re
import zlib
from collections.abc import Mapping
from encodings.aliases import aliases
from functools import cache

from stages.rows import Fault

_HASH = re.compile(r"[0-9a-fA-F]{40}")
_SHOWN_NAME = re.compile(r"[A-Za-z0-9._:-]{1,40}")
_MAXIMUM_NAME_CHARACTERS = 64

# Python calls these encodings, and no file is written in one: they are not from bytes to text, need Windows, or can be
# made to take quadratic time or to give half characters.
_NO_ENCODINGS = frozenset(
    {
        *("aliases", "base64_codec", "bz2_codec", "charmap", "hex_codec", "idna", "mbcs", "oem", "punycode"),
        *("quopri_codec", "raw_unicode_escape", "rot_13", "undefined", "unicode_escape", "uu_codec", "zlib_codec"),
    }
)


def hash_name(value: str) -> str:
    """A SHA-1 as it may stand in a path or key: 40 hexadecimal digits, lower case; empty for anything else."""
    return value.lower() if _HASH.fullmatch(value) else ""


def unpacked(packed: bytes, blob_id: str, *, maximum_bytes: int) -> bytes | Fault:
    """The bytes in a gzip object, if they are those that its name says.

    Args:
        packed: the object, one gzip member and nothing after it.
        blob_id: SHA-1 of the bytes, 40 hexadecimal digits, lower case.
        maximum_bytes: no more is unpacked, whatever the object claims.

    Returns:
        The bytes, or a Fault: `blob_corrupt` or `blob_too_large`.
    """
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        raw = member.decompress(packed, maximum_bytes + 1)
    except zlib.error as error:
        return _corrupt(blob_id, f"expected a gzip object, got {error}")
    if len(raw) > maximum_bytes:
        return too_large(blob_id, maximum_bytes)
    if not member.eof:
        return _corrupt(blob_id, "expected a gzip object, got a part of one")
    if member.unused_data:
        return _corrupt(blob_id, f"expected one gzip member, got {len(member.unused_data)} bytes after it")
    found = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    return raw if found == blob_id else _corrupt(blob_id, f"its bytes have SHA-1 {found}")


def too_large(blob_id: str, maximum_bytes: int) -> Fault:
    """The fault of a blob that holds more than may be held."""
    return Fault("blob_too_large", f"blob {blob_id}: more than {maximum_bytes} bytes")


def missing(blob_id: str) -> Fault:
    """The fault of a blob that is not where contents are kept."""
    return Fault("blob_missing", f"blob {blob_id}: no such object")


def is_git_blob(raw: bytes, content_id: str) -> bool:
    """Whether git would give these bytes this blob id, 40 hexadecimal digits in lower case."""
    digest = hashlib.sha1(b"blob %d\0" % len(raw), usedforsecurity=False)
    digest.update(raw)
    return digest.hexdigest() == content_id


def decoded(raw: bytes, encoding: str, blob_id: str) -> str | Fault:
    """The text of a file, by the encoding that its row names; the fault `blob_undecodable` where there is none."""
    codec = codec_of(encoding)
    if not codec:
        name = encoding if _SHOWN_NAME.fullmatch(encoding) else "one with a strange name"
        return _undecodable(blob_id, f"expected an encoding that Python knows, got {name}")
    try:
        text = raw.decode(codec)
        if codec != "utf_8" and not text.isascii():
            text.encode()  # UTF-7 has a way to write half a character
    except UnicodeError as error:
        return _undecodable(blob_id, " ".join(str(error).split()))
    return text


def codec_of(encoding: str) -> str:
    """Python's module for a name of an encoding, spelled in any of the usual ways; empty where it has none.

    Not `codecs.lookup`, which remembers every name that it was ever asked for.
    """
    if len(encoding) > _MAXIMUM_NAME_CHARACTERS or not (encoding.isascii() and encoding.isprintable()):
        return ""
    return _codecs().get(encodings.normalize_encoding(encoding.lower()).replace(".", "_"), "")


@cache
def _codecs() -> Mapping[str, str]:
    modules = {module.name: module.name for module in pkgutil.iter_modules(encodings.__path__)}
    return {name: codec for name, codec in (modules | aliases).items() if codec not in _NO_ENCODINGS}


def _corrupt(blob_id: str, found: str) -> Fault:
    return Fault("blob_corrupt", f"blob {blob_id}: {found}")


def _undecodable(blob_id: str, found: str) -> Fault:
    return Fault("blob_undecodable", f"blob {blob_id}: {found}")
