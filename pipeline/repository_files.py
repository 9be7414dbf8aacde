"""The files of a unit's repositories, as ingest writes them down for `pass_2_repositories`: hashes only."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from manifests.document import Document
from pipeline.licence_gathering import slice_of_repository
from pipeline.measuring import RowFacts
from pipeline.steps import UnitContext
from stages.exchange import table_of

RANKED = [pa.field("repo", pa.string()), pa.field("revision", pa.string())]
RANKED += [pa.field("stars", pa.int64()), pa.field("recency", pa.int64())]
FILES = pa.schema(
    [*RANKED, pa.field("directory_id", pa.string()), pa.field("files", pa.binary()), pa.field("unit", pa.int64())]
)


class Repository(NamedTuple):
    """A repository at one revision."""

    repo: str
    revision: str


def hash_of_repository(repo: str, revision: str) -> int:
    """A repository in 64 bits; 0 for none."""
    return xxhash.xxh3_64_intdigest(f"{repo}\0{revision}".encode("utf-8", "surrogatepass")) if repo else 0


class Files:
    """The files of a unit's repositories, each by a hash of its path and content.

    Where rows of one repository differ in what they say of it, the largest counts: their order does not.
    """

    def __init__(self) -> None:
        self._facts: dict[Repository, tuple[int, int, str]] = {}
        self._files: dict[Repository, set[bytes]] = {}

    def add(self, document: Document, facts: RowFacts, content_hash: bytes) -> None:
        """Take on a document; one that is no file of a repository is passed over."""
        if document.repo and document.path:
            repository = Repository(document.repo, facts.revision())
            stars, recency, directory = self._facts.get(repository, (0, 0, ""))
            said = max(stars, facts.stars()), max(recency, facts.recency()), max(directory, facts.directory())
            self._facts[repository] = said
            file = content_hash + document.path.encode("utf-8", "surrogatepass")
            self._files.setdefault(repository, set()).add(xxhash.xxh3_128_digest(file))

    def write(self, context: UnitContext) -> None:
        """Write the table `files`: a row for each repository, to the slice that puts its units together."""
        num_slices = context.plan.num_slices
        rows = [
            (*name, *self._facts[name], b"".join(sorted(files)), context.unit) for name, files in self._files.items()
        ]
        slices = [slice_of_repository(name.repo, num_slices) for name in self._files]
        with context.blocks("files", FILES, num_blocks=num_slices) as out:
            out.write(table_of(rows, FILES), np.array(slices, dtype=np.int64))
