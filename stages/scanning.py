"""Scanning: what a policy finds in a text, by a scanner whose pattern databases are kept on disk across processes.

The folder is the user's cache folder, `corpusmill/scanners` in it. A file is named by all that decides its database and
begins with the digest of the rest, so a damaged one, or one that a processor like this cannot run, is made anew and
replaced; a folder that cannot be read or written costs the compiling, and is no error. No result depends on it.
Whoever can write there must be trusted: a database is a program for hyperscan, and a digest is no signature.

A process's first scan takes 1.2 CPU s where nothing is kept, and 0.2 where all is. A file is at most 3 MB.
"""

from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from filters.candidates import Scanner, scanner
from filters.pattern_databases import Patterns, compiled, dumped, key, loaded
from filters.redaction_policy import RedactionPolicy
from filters.spans import Span
from manifests.errors import NoSpaceError
from manifests.storage import Storage, user_cache_folder

_DIGEST_BYTES = 32


def find_spans(data: bytes, *, policy: RedactionPolicy) -> list[Span]:
    """Everything in a text that the policy looks for; see `Scanner.spans`."""
    return kept_scanner(policy).spans(data)


@cache
def kept_scanner(policy: RedactionPolicy) -> Scanner:
    """The scanner for a policy, its databases from the user's cache folder or, newly compiled, put there."""
    try:
        folder = user_cache_folder("scanners")
    except RuntimeError:  # this user has no home
        return scanner(policy, compiled)
    return scanner(policy, lambda patterns: kept_database(patterns, folder))


def kept_database(patterns: Patterns, folder: Path) -> Any:
    """The database of some patterns, from a folder or, newly compiled, put there if that can be."""
    path = folder / f"{key(patterns)}.hs"
    with suppress(OSError, ValueError):
        data = path.read_bytes()
        if sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]:
            return loaded(data[_DIGEST_BYTES:])
    database = compiled(patterns)
    data = dumped(database)
    with suppress(OSError, NoSpaceError):
        Storage(str(folder)).write(path.name, sha256(data).digest() + data)
    return database
