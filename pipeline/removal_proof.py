"""Whether the files that held removed documents still have a row of one: the last look before a new manifest.

`pipeline.removal_search` goes through `lookup/`, `index/` and `bands/`, which the removal has just cut itself. Here
every file of the shards that were written anew is read as it lies there, and whatever it says of ids and contents is
held against those that went.

Memory: some thousand rows of one column, or a frame of JSON lines, beside the removed ids and hashes.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError
from manifests.release import Manifest
from pipeline.release_folders import folders_of
from pipeline.released_files import ReleasedFiles
from pipeline.removal_search import Search
from stages.text_lines import MalformedLinesError, read_lines

_WITHOUT_IDS = ("bands", "lookup")  # row numbers of index/, and hashes
_BATCH_ROWS = 4096
_ID = pa.schema([pa.field("doc_id", pa.string())])


def searched_folders(manifest: Manifest) -> list[str]:
    """The folders of a release whose files name documents, row by row."""
    return [folder.name for folder in folders_of(manifest.recipe) if folder.name not in _WITHOUT_IDS]


def search_files(files: ReleasedFiles, manifest: Manifest, gone: Search) -> dict[str, int]:
    """Read every file of the shards that were written anew; returns the rows that were read, by folder.

    Args:
        files: of the new release.
        gone: what was found in its parent, and taken out.

    Raises:
        IntegrityError: a removed document, or the content of one that went for its content, is in one of them.
    """
    ids = pa.array(sorted(doc_id for own in gone.matches.values() for doc_id in own), pa.string())
    hashes = pa.array(sorted(_hashes(gone)), pa.string())
    searched: dict[str, int] = {}
    for folder in searched_folders(manifest):
        searched[folder] = 0
        for shard in sorted(gone.rows):
            path = files.folder(folder)[shard]
            for part in _parts(files, path):
                searched[folder] += part.num_rows
                left = _count(_ids_of(part), ids) + _count(_hashes_of(part), hashes)
                if left:
                    raise IntegrityError(
                        f"{files.storage.path(path)}: expected nothing of what was removed, found it {left} times",
                        hint="no manifest was written; tell the makers of corpusmill, with version and requests",
                    )
    return searched


def _hashes(gone: Search) -> Iterator[str]:
    """Contents that may be nowhere; that of a document which went for its place alone may lie in other places."""
    for shard, rows in gone.rows.items():
        columns = (rows.column(name).to_pylist() for name in ("doc_id", "content_hash"))
        for doc_id, content in zip(*columns, strict=True):
            request = gone.matches[shard][doc_id].request
            if request < 0 or gone.requests[request].scope == "content":
                yield content


def _parts(files: ReleasedFiles, path: str) -> Iterator[pa.Table]:
    """The rows of a file, with the columns that name documents and contents."""
    if not path.endswith(".parquet"):
        files.prove(path)
        try:
            with files.storage.open(path) as lines:
                yield from read_lines(lines, _ID, others=True)
        except MalformedLinesError as error:
            raise IntegrityError(f"{files.storage.path(path)}: {error}") from error
        return
    with files.parquet(path) as file:
        names = [name for name in ("doc_id", "doc_ids", "content_hash") if name in file.schema_arrow.names]
        for batch in file.iter_batches(_BATCH_ROWS, columns=names):
            yield pa.Table.from_batches([batch])


def _ids_of(part: pa.Table) -> pa.ChunkedArray:
    if "doc_id" in part.column_names:
        return part.column("doc_id")
    return pc.utf8_slice_codeunits(pc.list_flatten(part.column("doc_ids")), 0, 2 * ID_BYTES)  # a copy's number follows


def _hashes_of(part: pa.Table) -> pa.ChunkedArray:
    if "content_hash" not in part.column_names:
        return pa.chunked_array([], pa.string())
    column = part.column("content_hash")
    if column.type == pa.string():
        return column
    return pa.chunked_array([pa.array([value.hex() for value in column.to_pylist()], pa.string())])


def _count(values: pa.ChunkedArray, wanted: pa.Array) -> int:
    return int(pc.sum(pc.is_in(values, value_set=wanted), min_count=0).as_py())
