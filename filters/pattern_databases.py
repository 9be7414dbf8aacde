"""Pattern databases: what hyperscan compiles patterns to, and such a database as bytes.

Compiling is what costs (1.0 CPU s for all patterns of redaction, a millisecond for a database of one), a database's
bytes become one again in a millisecond. They are a program for hyperscan's engines: whoever loads them must trust them.
"""

from hashlib import sha256
from typing import Any, NamedTuple

import hyperscan

_HEADER_BYTES = 20
"""Of a database's bytes: magic, version and length, 32 bits each, and the platform that it runs on, 64 bits."""


class Pattern(NamedTuple):
    """An expression of hyperscan's, the id that its matches come with, and hyperscan's flags."""

    expression: bytes
    match_id: int
    flags: int


Patterns = tuple[Pattern, ...]


def compiled(patterns: Patterns) -> Any:
    """The database of some patterns, at least one, in block mode."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions, ids, flags = zip(*patterns, strict=True)
    database.compile(expressions=list(expressions), ids=list(ids), elements=len(ids), flags=list(flags))
    return database


def dumped(database: Any) -> bytes:
    """A database as bytes; the same on every call."""
    return bytes(hyperscan.dumpb(database))


def loaded(data: bytes) -> Any:
    """The database that `dumped` made bytes of.

    Hyperscan compares length, version, platform and a CRC-32: that shows damage, and no intent.

    Raises:
        ValueError: the bytes are damaged, or none of this version's on a processor like this one.
    """
    try:
        database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)  # which `loadb` leaves out, and `scan` wants
    except hyperscan.error as error:
        raise ValueError(f"no pattern database of this hyperscan: {error}") from error
    return database


def key(patterns: Patterns) -> str:
    """The name of some patterns' database, as hex digits: a hash of all that decides its bytes.

    That is the patterns, the package's version and what hyperscan says of itself and the processor: the words of
    `info`, and the version and platform that stand in the header of every database.
    """
    least = compiled((Pattern(b"a", 0, 0),))
    version = hyperscan.__version__  # type: ignore[attr-defined]  # the stub leaves it out
    engine = (version, least.info(), dumped(least)[:_HEADER_BYTES])
    return sha256(repr((engine, [tuple(pattern) for pattern in patterns])).encode()).hexdigest()[:32]
