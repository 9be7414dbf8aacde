"""What is remembered of removed documents, in the registry: hashes of their content, bands, signature values.

Of what a request named, and of copies of the same content, all three: whatever is like it cannot walk back in. Of near
copies the content's hash alone: nobody asked for what is like them and not like what was asked for.
"""

import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.removal_asked import Asked
from pipeline.removal_search import Search
from stages.suppression_files import SUPPRESSIONS, write_suppressed


def remember(asked: Asked, search: Search) -> str:
    """Add what was found to the registry's suppression list; returns the file's name, empty where all is known.

    Raises:
        NoSpaceError: the disk is full; the registry stays as it is.
    """
    tickets = [request.ticket for request in search.requests]
    known = {
        (f"{high:016x}{low:016x}", ticket)
        for one in asked.wanted.suppressed
        for high, low, ticket in zip(*(half.tolist() for half in one.content), one.tickets.to_pylist(), strict=True)
    }
    rows = []
    for row in search.sketched.table().to_pylist():
        request = row.pop("request")
        if request >= 0:
            rows.append(row | {"ticket": tickets[request]})
    for content, request in _near_copies(search):
        rows.append({"content_hash": content, "bands": [], "values": None, "ticket": tickets[request]})
    new = [row for row in rows if (row["content_hash"].hex(), row["ticket"]) not in known]
    return write_suppressed(asked.registry.storage, pa.Table.from_pylist(new, schema=SUPPRESSIONS), asked.wanted.near)


def _near_copies(search: Search) -> list[tuple[bytes, int]]:
    """Content hash and request of each near copy."""
    found = []
    for shard, rows in sorted(search.rows.items()):
        names = (rows.column(name).to_pylist() for name in ("doc_id", "content_hash"))
        for doc_id, content in zip(*names, strict=True):
            match = search.matches[shard][doc_id]
            if match.how == "near_copy" and match.request >= 0:
                found.append((bytes.fromhex(content)[:ID_BYTES], match.request))
    return found
