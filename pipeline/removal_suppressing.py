"""What is remembered of removed documents, in the registry: hashes of their content, bands, signature values.

Of what a request named, and of copies of the same content, all three, for every ticket that names it: whatever is like
it cannot walk back in, and to withdraw one ticket does not lift what another asks. Of near copies the content's hash
alone: nobody asked for what is like them and not like what was asked for. Of what only the suppression list found
nothing: what found it is there already.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.opt_outs import Request
from pipeline.removal_asked import Asked
from pipeline.removal_search import Search, names_of
from stages.exchange import fixed_binary, sortable
from stages.opt_out_matching import OptOuts
from stages.suppression_files import SUPPRESSIONS, write_suppressed


def remember(asked: Asked, search: Search) -> list[str]:
    """Add what was found to the registry's suppression list; returns the names of files, none where all is known.

    Raises:
        NoSpaceError: the disk is full; the registry stays as it is, or has some of the files.
    """
    tickets = pa.array([request.ticket for request in search.requests], pa.string())
    sketched = search.sketched.table()
    whole = sketched.append_column("ticket", tickets.take(sketched.column("request"))).select(SUPPRESSIONS.names)
    whole = whole.cast(SUPPRESSIONS)
    rows = pa.concat_tables([whole, _of_other_tickets(search, whole), _near_copies(search, tickets)])
    return write_suppressed(asked.registry.storage, _not_known(asked, rows), asked.wanted.near)


def _of_other_tickets(search: Search, whole: pa.Table) -> pa.Table:
    """The same rows for every other ticket that names their content: to withdraw one lifts no other."""
    by_ticket: dict[str, list[Request]] = {}
    for request in search.requests:
        if request.scope == "content":
            by_ticket.setdefault(request.ticket, []).append(request)
    found: list[pa.Table] = [SUPPRESSIONS.empty_table()]
    if len(by_ticket) > 1 and search.rows:
        documents = pa.concat_tables(search.rows.values())
        names, contents = names_of(documents), documents.column("content_hash")
        for ticket, requests in by_ticket.items():
            own = contents.filter(pa.array(OptOuts(requests).match(names) >= 0)).to_pylist()
            hashes = pa.array([bytes.fromhex(content) for content in own], pa.binary(ID_BYTES))
            is_other = pc.not_equal(whole.column("ticket"), ticket)
            rows = whole.filter(pc.and_(is_other, pc.is_in(whole.column("content_hash"), hashes)))
            place = SUPPRESSIONS.get_field_index("ticket")
            found.append(
                rows.set_column(place, SUPPRESSIONS.field(place), pa.array([ticket] * rows.num_rows, pa.string()))
            )
    return pa.concat_tables(found)


def _not_known(asked: Asked, rows: pa.Table) -> pa.Table:
    """Rows whose content is not remembered under their ticket, or by its hash alone where they have values."""
    keys = ["high", "low", "ticket", "whole"]
    high, low = sortable(fixed_binary(rows.column("content_hash"), ID_BYTES))
    asks = [high, low, rows.column("ticket"), pc.is_valid(rows.column("values")), np.arange(rows.num_rows)]
    left = pa.table(asks, names=[*keys, "row"])
    for one in asked.wanted.suppressed:
        # Values of another setting are worth no more here than a hash; a hash is known wherever a row is.
        hashed = pa.table([*one.content, one.tickets, np.zeros(len(one.tickets), dtype=np.bool_)], names=keys)
        same = one.has_values & (one.near == asked.wanted.near)
        whole = hashed.set_column(3, "whole", pa.array(np.ones(len(same), dtype=np.bool_))).filter(pa.array(same))
        left = left.join(pa.concat_tables([hashed, whole]), keys, join_type="left anti")
    return rows.take(np.sort(left.column("row").to_numpy()))


def _near_copies(search: Search, tickets: pa.Array) -> pa.Table:
    """A row for each near copy: its content's hash and the ticket of its request."""
    found: list[pa.Table] = [SUPPRESSIONS.empty_table()]
    for shard, rows in sorted(search.rows.items()):
        matches = [search.matches[shard][doc_id] for doc_id in rows.column("doc_id").to_pylist()]
        here = [place for place, match in enumerate(matches) if match.how == "near_copy" and match.request >= 0]
        hashes = [
            bytes.fromhex(content)
            for content in rows.column("content_hash").take(pa.array(here, pa.int64())).to_pylist()
        ]
        columns = {
            "content_hash": pa.array(hashes, pa.binary(ID_BYTES)),
            "bands": pa.nulls(len(here), SUPPRESSIONS.field("bands").type),
            "values": pa.nulls(len(here), SUPPRESSIONS.field("values").type),
            "ticket": tickets.take(pa.array([matches[place].request for place in here], pa.int64())),
        }
        found.append(pa.table(columns, schema=SUPPRESSIONS))
    return pa.concat_tables(found)
