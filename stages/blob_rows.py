"""Blob rows: rows of The Stack v2 that name a file's content by its hash and do not hold it.

Everything but the content is checked, and becomes a row, as `format: stack-v2` would: a document does not tell whether
its text stood in the row or was fetched. Of a row nothing but 40 hexadecimal digits ever reaches a path or a key.
"""

from typing import NamedTuple

from stages.blobs import hash_name
from stages.row_presets import PRESETS, preset_row
from stages.rows import Fault, Fields, Row

_UTF8 = "UTF-8"


class BlobRow(NamedTuple):
    """A row whose text has still to be fetched.

    Attributes:
        row: with an empty text.
        blob_id: plain SHA-1 of the file's bytes.
        content_id: git blob id of the same bytes; empty where the row gives none.
        encoding: as the row names it; UTF-8 where it names none.
    """

    row: Row
    blob_id: str
    content_id: str
    encoding: str


def blob_row(fields: Fields) -> BlobRow | Fault:
    """The one file of a row, or of an entry of `files`.

    Returns:
        A BlobRow, or a Fault: those of `stages.row_presets.preset_row`, `missing_blob_id` (absent or null) or
        `invalid_blob_id`.
    """
    row = preset_row({**fields, "content": ""}, PRESETS["stack-v2"])
    if isinstance(row, Fault):
        return row
    blob_id = fields.get("blob_id")
    if blob_id is None:
        return Fault("missing_blob_id", "no `blob_id`")
    if not (name := hash_name(blob_id)):
        return Fault("invalid_blob_id", "expected 40 hexadecimal digits - at `blob_id`")
    return BlobRow(row, name, hash_name(fields.get("content_id") or ""), fields.get("src_encoding") or _UTF8)
