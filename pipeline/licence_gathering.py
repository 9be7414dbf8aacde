"""Gathering licence evidence at ingest: what a later detector must look at, and which files speak for which folders.

Three tables leave a unit: texts to be detected, by hash of the text; claims of licence files and manifests, and the
folders that have documents, both by hash of the repository. Texts go once a unit, however many documents have them.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from filters.licence_expressions import ids_of, joined, parsed
from filters.licence_files import LicenceRole, governed_directory, licence_role
from filters.licence_sets import licence_category
from filters.notices import Notices, notices, text_key, whole_text
from filters.package_manifests import declared_licences
from manifests.document import Document
from pipeline.steps import UnitContext
from stages.exchange import BlockWriter, table_of

KEY_BYTES = 16
# Where what has a repository but no path lies, such as a pull request: the files at the top of every revision speak.
ANY_REVISION = "*"
KEY = pa.binary(KEY_BYTES)
# Who waits for the answer: the unit's own rows, and the slice of a repository (-1 for none).
NOTICES = pa.schema(
    [
        pa.field("key", KEY),
        pa.field("text", pa.large_string()),
        pa.field("unit", pa.int32()),
        pa.field("slice", pa.int32()),
    ]
)
CLAIMS = pa.schema(
    [pa.field(name, pa.string()) for name in ("repo", "revision", "directory", "role", "path", "expression")]
    + [pa.field("keys", pa.list_(KEY)), pa.field("complete", pa.bool_())]
)
MEMBERS = pa.schema(
    [pa.field(name, pa.string()) for name in ("repo", "revision", "directory")] + [pa.field("unit", pa.int32())]
)
_BATCH_ROWS = 1_000
# What a repository holds in place of a link that a checkout would follow: nothing but its target.
_LINK = re.compile(
    r"\s*(?:\.{0,2}/(?:[\w.-]+/)*[\w.-]+|(?:licen[cs]e|copying)(?:\.(?:txt|md|rst|html))?)\s*", re.IGNORECASE
)
_MAXIMUM_LINK_CHARACTERS = 300
NOTHING = Notices([], complete=True)


class Place(NamedTuple):
    """Whose licence files speak for a document."""

    repo: str
    revision: str
    directory: str


def place_of(repo: str, revision: str, path: str) -> Place:
    """The place of a file; the repository is empty where none is named, and nothing speaks for it then.

    What has no path is no file of a revision: a pull request stands between two, of which the run may hold neither.
    """
    if not path:
        return Place(repo, ANY_REVISION, "")
    above, _, _ = path.rpartition("/")
    return Place(repo, revision, "/".join(part for part in above.split("/") if part not in ("", ".")))


def slice_of_repository(repo: str, num_slices: int) -> int:
    """The slice that puts the claims and folders of all revisions of a repository together."""
    return xxhash.xxh3_64_intdigest(repo.encode("utf-8", "surrogatepass")) % num_slices


def slice_of_key(key: bytes, num_slices: int) -> int:
    """The slice that has a text detected: a range of keys, so that a reader decodes a range of the cache alone."""
    return int.from_bytes(key[:8], "big") * num_slices >> 64


class Gathering:
    """The licence evidence of a unit's documents, on its way to the tables."""

    def __init__(self, writers: dict[str, BlockWriter], *, unit: int, num_slices: int) -> None:
        self._writers = writers
        self._unit = unit
        self._num_slices = num_slices
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in writers}
        self._blocks: dict[str, list[int]] = {name: [] for name in writers}
        self._texts: set[tuple[bytes, int]] = set()
        self._members: set[Place] = set()

    def notices_of(self, document: Document) -> Notices:
        """What is to be detected for the document itself: of a licence file all, of other code its notices.

        Text without a path talks of licences more than it has them; only its tags count. The target of a link says
        nothing by itself.
        """
        if document.repo and licence_role(document.path) in ("licence_file", "notice_file"):
            is_link = len(document.text) <= _MAXIMUM_LINK_CHARACTERS and _LINK.fullmatch(document.text)
            return NOTHING if is_link else whole_text(document.text)
        return notices(document.text) if document.kind == "code" or document.path else NOTHING

    def add(self, document: Document, revision: str) -> Notices:
        """Take on a document as it was read, before its form is judged: a licence file in a bad one still speaks."""
        found = self.notices_of(document)
        for notice in found.found:
            self._text(notice.key, notice.text, -1)
        if document.repo:
            place = place_of(document.repo, revision, document.path)
            block = slice_of_repository(document.repo, self._num_slices)
            if place not in self._members:
                self._members.add(place)
                self._put("members", (*place, self._unit), block)
            if role := licence_role(document.path):
                self._claim(document, place, role, found, block=block)
        return found

    def _claim(self, document: Document, place: Place, role: LicenceRole, found: Notices, *, block: int) -> None:
        expression, keys, complete = "", [notice.key for notice in found.found], found.complete
        if role == "manifest":
            complete = True  # of what is declared, whatever notices there are besides
            expression, texts = _declared(document)
            keys = [text_key(text) for text in texts]
            for key, text in zip(keys, texts, strict=True):
                self._text(key, text, block)
            if not expression and not keys:
                return
        else:
            for notice in found.found:
                self._text(notice.key, notice.text, block)
        directory, path = governed_directory(document.path), document.path.lstrip("/")
        row = (place.repo, place.revision, directory, role, path, expression, keys, complete)
        self._put("claims", row, block)

    def _text(self, key: bytes, text: str, block: int) -> None:
        if (key, block) in self._texts:
            return
        known = (key, -1) in self._texts
        self._texts.add((key, block))
        row = (key, "" if known and block >= 0 else text, self._unit, block)
        self._put("notices", row, slice_of_key(key, self._num_slices))

    def _put(self, table: str, row: tuple[object, ...], block: int) -> None:
        self._rows[table].append(row)
        self._blocks[table].append(block)
        if len(self._rows[table]) >= _BATCH_ROWS:
            self.flush(table)

    def flush(self, table: str) -> None:
        """Hand a table's rows over."""
        rows, schema = self._rows[table], SCHEMAS[table]
        if rows:
            self._writers[table].write(table_of(rows, schema), np.array(self._blocks[table], dtype=np.int64))
        self._rows[table], self._blocks[table] = [], []


SCHEMAS = {"notices": NOTICES, "claims": CLAIMS, "members": MEMBERS}


@contextmanager
def gathering(context: UnitContext) -> Iterator[Gathering]:
    """The gathering of a unit; its tables are written when the block ends well."""
    with ExitStack() as stack:
        num_slices = context.plan.num_slices
        writers: dict[str, Any] = {
            name: stack.enter_context(context.blocks(name, schema, num_blocks=num_slices))
            for name, schema in SCHEMAS.items()
        }
        gathered = Gathering(writers, unit=context.unit, num_slices=num_slices)
        yield gathered
        for name in SCHEMAS:
            gathered.flush(name)


def _declared(document: Document) -> tuple[str, list[str]]:
    """What a manifest declares: SPDX expressions of known licences, joined, and texts that the detector must read."""
    expressions: list[str] = []
    texts: list[str] = []
    for entry in declared_licences(document.path, document.text):
        known = parsed(entry) is not None and all(licence_category(name) for name in ids_of(entry))
        (expressions if known else texts).append(entry if known else f"license: {entry}")
    return joined(expressions), texts
