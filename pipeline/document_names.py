"""What a user may name a document by: its id, a hash of its content, a SWHID, a URL, a repository or a path in one."""

import re
from typing import NamedTuple

from manifests.document import ID_BYTES

FORMS = "a git blob id (40), a sha256 (64), swh:1:cnt:..., a URL, owner/name or owner/name:path"
"""What may stand for an id, as messages say it behind "expected 32 hex digits of a document id, "."""
_HEX = re.compile(r"[0-9a-fA-F]+")
_SWHID = re.compile(r"swh:1:cnt:([0-9a-f]{40})(?:;.*)?")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
_BY_DIGITS = {2 * ID_BYTES: "id", 40: "blob", 64: "sha256"}


class Name(NamedTuple):
    """What a document is named by.

    Attributes:
        kind: of `stages.released_documents.LOOKUP_KINDS`, one of id, blob, sha256, url and repository.
        value: hashes in lower case, all else as given.
        path: inside the repository; None for all of it.
    """

    kind: str
    value: str
    path: str | None = None


def name_of(identifier: str) -> Name | None:
    """What an identifier is by its form; None for none of these. A repository has a slash, or a path behind it."""
    if _HEX.fullmatch(identifier):
        kind = _BY_DIGITS.get(len(identifier))
        return None if kind is None else Name(kind, identifier.lower())
    if swhid := _SWHID.fullmatch(identifier):
        return Name("blob", swhid[1])
    if _URL.fullmatch(identifier):
        return Name("url", identifier)
    repository, colon, path = identifier.partition(":")
    named = repository and (colon or "/" in repository)
    return Name("repository", repository, path if colon else None) if named else None
