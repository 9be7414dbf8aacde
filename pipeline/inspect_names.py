"""Documents of a run by what else names them than their ids: hashes of their content, URL, repository and path."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.opt_out_values import path_key
from pipeline.document_names import Name
from pipeline.tables import place, tables
from pipeline.units import Mill
from stages.content_names import CONTENT_NAMES
from stages.opt_out_matching import path_keys

_PLACE = ("repo", "path", "subset")


def documents_named(mill: Mill, name: Name) -> dict[bytes, str]:
    """By id, the place of every document of ingest's that is so named; names of repositories in any case."""
    column = "repo" if name.kind == "repository" else name.kind
    found: dict[bytes, str] = {}
    for table in tables(mill, "ingest", "rows", columns=tuple({"id", column, *_PLACE})):
        here = np.flatnonzero(_is_named(table, name).to_numpy())
        if len(here):
            rows = table.select(["id", *_PLACE]).take(pa.array(here)).to_pylist()
            found |= {row["id"]: place(row) for row in rows}
    return found


def _is_named(table: pa.Table, name: Name) -> pa.ChunkedArray:
    if name.kind == "repository":
        encoded = table.column("repo").combine_chunks().dictionary_encode()
        same = pa.array([value.lower() == name.value.lower() for value in encoded.dictionary.to_pylist()], pa.bool_())
        holds = pa.chunked_array([same.take(encoded.indices)])
        if name.path is None:
            return holds
        return pc.and_(holds, pc.equal(path_keys(table.column("path")), path_key(name.path)))
    kind = CONTENT_NAMES.field(name.kind).type
    value = name.value if name.kind == "url" else bytes.fromhex(name.value)
    return pc.equal(table.column(name.kind), pa.scalar(value, kind)).fill_null(False)
