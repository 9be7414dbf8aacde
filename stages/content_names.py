"""What else names a document's content: hashes of its file, and a URL. Requests to take documents out give these.

All of them are of the text as it was read, before it was put in form. Cost: git's SHA-1 of code without a `content_id`,
1 GB/s and more, and 1 us for the metadata; the sha256 is that of the document's id.
"""

from typing import NamedTuple

import msgspec
import pyarrow as pa

from filters.swhid import blob_of_text, is_git_id
from manifests.document import SHA256_BYTES, Document, Kind, text_sha256

BLOB_BYTES = 20
MAXIMUM_URL_CHARACTERS = 2_000

CONTENT_NAMES = pa.schema(
    [
        pa.field("sha256", pa.binary(SHA256_BYTES)),
        pa.field("blob", pa.binary(BLOB_BYTES)),
        pa.field("url", pa.string()),
    ]
)

_NULL = msgspec.Raw(b"null")


class ContentNames(NamedTuple):
    """Names of a content.

    Attributes:
        sha256: of the raw text in UTF-8, 32 bytes.
        blob: git's blob id of the file, 20 bytes; None where it is not known.
        url: the first one that the row gives; empty for none.
    """

    sha256: bytes
    blob: bytes | None
    url: str


class _Meta(msgspec.Struct):
    url: msgspec.Raw = _NULL


class _Named(msgspec.Struct):
    """What of a row's metadata names its content; any JSON may stand there."""

    content_id: msgspec.Raw = _NULL
    url: msgspec.Raw = _NULL
    html_url: msgspec.Raw = _NULL
    repo_url: msgspec.Raw = _NULL
    source_url: msgspec.Raw = _NULL
    meta: msgspec.Raw = _NULL


_decode = msgspec.json.Decoder(_Named).decode
_meta = msgspec.json.Decoder(_Meta).decode
_text = msgspec.json.Decoder(str).decode


def content_names(raw: Document, *, kind: Kind, encoding: str) -> ContentNames:
    """The names of a document's content.

    The blob id is the row's `content_id`, that of the file in whatever encoding it was. Where the row has none, it is
    computed from the text, if that is a file's (code, or anything with a path) and was not decoded from another
    encoding. The `blob_id` of The Stack v2 is no blob id of git's, but the plain SHA-1 of the bytes.

    Args:
        raw: as it was read.
        kind: of the document, as its language tells.
        encoding: what the text was decoded from, see `stages.text_forms.source_encoding`.
    """
    try:
        named = _decode(raw.metadata)
    except msgspec.MsgspecError:
        named = _Named()
    git_id = _string(named.content_id)
    blob = bytes.fromhex(git_id) if is_git_id(git_id) else None
    if blob is None and not encoding and (kind == "code" or raw.path):
        blob = blob_of_text(raw.text)
    return ContentNames(raw.sha256 or text_sha256(raw.text), blob, _url(named))


def _url(named: _Named) -> str:
    for value in (named.url, named.html_url, named.repo_url, named.source_url):
        if url := _string(value):
            break
    else:
        try:
            url = _string(_meta(named.meta).url)
        except msgspec.MsgspecError:
            return ""
    return url if len(url) <= MAXIMUM_URL_CHARACTERS else ""


def _string(value: msgspec.Raw) -> str:
    try:
        return _text(value)
    except msgspec.MsgspecError:
        return ""
