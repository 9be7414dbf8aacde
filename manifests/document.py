"""Document: the immutable value that flows through the mill; Rejected: what a stage yields instead of losing one.

A document's id is stable over runs, shard layouts and hosts: it depends on the source's name, the natural key and the
raw text alone. Rows equal in all three are one document.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

Kind = Literal["code", "text"]

ID_BYTES = 16
SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Document:
    """One file of code or one text.

    Attributes:
        id: 32 lower-case hex digits, see `document_id`.
        text: the content, valid Unicode (no lone surrogate).
        kind: "code" or "text", the two sides of the mixture.
        source: name of the recipe's source.
        subset: the source's own part (a Pile set name); empty where there is none.
        language: programming or natural language as the row names it; empty where unknown.
        repo: repository name; empty for text.
        path: path inside the repository; empty for text.
        licence: the concluded SPDX expression; empty before the licence decision.
        shard: name of the input shard, relative to the source's folder.
        row: zero-based line or row of the shard.
        part: zero-based file of the row; 0 where a row is one document.
        metadata: every other field of the input row, one JSON object as text.
        sha256: of the text as it was read, in UTF-8, whatever form it was put in since; empty where nobody took it.
    """

    id: str
    text: str
    kind: Kind
    source: str
    subset: str = ""
    language: str = ""
    repo: str = ""
    path: str = ""
    licence: str = ""
    shard: str = ""
    row: int = 0
    part: int = 0
    metadata: str = "{}"
    sha256: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document, or a row that never became one, that goes no further.

    Attributes:
        id: the document's id; empty for a row that never became a document.
        stage: where it ended: "read", "filter", "licence", "deduplicate", "decontaminate",
            "redact", "mix", "rewrite", "settle".
        reason: snake_case; derived from the signal's name and the bound where a filter decided.
        value: what was measured; None where nothing was.
        bound: the limit it was held against; None where there is none.
        twin: id of the kept duplicate, or, in stage "licence", of the rejected copy that taints; empty for none.
        similarity: exact Jaccard similarity with the twin, 0..1; None where there is no twin.
        detail: a short human text (an SPDX expression, a parser's message); never document content.
        num_bytes: UTF-8 bytes of the text; 0 for a row without one.
    """

    id: str
    stage: str
    reason: str
    shard: str
    row: int
    part: int = 0
    value: float | None = None
    bound: float | None = None
    twin: str = ""
    similarity: float | None = None
    detail: str = ""
    num_bytes: int = 0


def document_id(source: str, natural_key: str, text: str) -> str:
    """First 128 bits, in hex, of sha256(source NUL natural key NUL sha256(text)).

    Args:
        natural_key: `repository:path` for code (not the revision), empty for text.

    Returns:
        32 lower-case hex digits.
    """
    return named_document_id(source, natural_key, text_sha256(text))


def text_sha256(text: str) -> bytes:
    """The 32 bytes of the sha256 of a text in UTF-8, which is most of the cost of an id."""
    return sha256(text.encode()).digest()


def named_document_id(source: str, natural_key: str, text_sha256: bytes) -> str:
    """As `document_id`, of a text whose sha256 is known."""
    key = b"\0".join((source.encode(), natural_key.encode("utf-8", "surrogatepass"), text_sha256))
    return sha256(key).hexdigest()[: 2 * ID_BYTES]
