"""Text forms: what is put right in a text before anything measures it, wherever a shard is read.

A byte order mark at the start goes. CRLF becomes LF, as do any number of CR before a LF. A text without a LF has its CR
for line ends (classic Mac OS), and gets LF; a CR inside other lines is no line end but a character, and stays. A
notebook becomes a script. A text that holds NUL is binary and goes no further. Nothing else is touched: no
normalisation of Unicode, no repair of mojibake (`filters.mojibake` measures it).

A pure function of the document, so every pass that reads a shard sees the same text; done twice, it changes nothing
more. The id stays that of the text as it was read. Cost: three searches for a character, 4 GB/s and more, for a text
with nothing to do.
"""

import codecs
import encodings
import re
from dataclasses import replace
from encodings.aliases import aliases
from functools import cache
from pkgutil import iter_modules
from typing import Literal, NamedTuple

import msgspec

from manifests.document import Document, Rejected
from stages.notebooks import CELL_STARTS, NotebookError, script_of

Notebooks = Literal["script", "drop", "keep"]

_BYTE_ORDER_MARK = "\ufeff"
_CR_BEFORE_LF = re.compile(r"\r+\n")
_UTF8 = '"src_encoding":"UTF-8"'
_UTF8_NAMES = frozenset({"", "utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"})


class Formed(NamedTuple):
    """A document in form.

    Attributes:
        document: the very object that was given where nothing was to do.
        changes: of "byte_order_mark", "line_ends", "notebook": what was put right, in this order.
    """

    document: Document
    changes: tuple[str, ...]


class _Provenance(msgspec.Struct):
    src_encoding: msgspec.Raw = msgspec.Raw(b"null")  # any JSON may stand there


_decode = msgspec.json.Decoder(_Provenance).decode


def in_form(document: Document, *, notebooks: Notebooks) -> Formed | Rejected:
    """A document with its text in form.

    Args:
        notebooks: "script" makes a script of a notebook, "drop" rejects it, "keep" leaves its JSON.

    Returns:
        The document, or a rejection of the stage "read": `nul_character`, `notebook` (dropped by recipe) or
        `invalid_notebook` (its name or language says notebook, its text does not).

    Source: StarCoder2, arXiv 2402.19173 (NUL dropped, notebooks as scripts). Deviation: line ends and byte order marks
    stay there.
    """
    text = document.text
    if "\0" in text:
        return _rejected(document, "nul_character")
    changes: tuple[str, ...] = ()
    if text.startswith(_BYTE_ORDER_MARK):
        text = text.lstrip(_BYTE_ORDER_MARK)
        changes = ("byte_order_mark",)
    if "\r" in text and (ended := with_lf(text)) != text:
        text = ended
        changes = (*changes, "line_ends")
    if notebooks != "keep" and _is_notebook(document, text):
        if notebooks == "drop":
            return _rejected(document, "notebook")
        try:
            text = script_of(text)
        except NotebookError as error:
            return _rejected(document, "invalid_notebook", str(error))
        if "\0" in text:  # as an escape in a cell
            return _rejected(document, "nul_character")
        changes = (*changes, "notebook")
    return Formed(replace(document, text=text), changes) if changes else Formed(document, ())


def source_encoding(document: Document) -> str:
    """The encoding that the text had before it came into the row, as the row says: Python's name of it.

    Returns:
        Empty for UTF-8, and where the row does not say, or not by a string; "other" for a name that is no encoding, so
        that nothing which a row says can stand in an account.
    """
    metadata = document.metadata
    if _UTF8 in metadata or '"src_encoding"' not in metadata:
        return ""
    try:
        name = msgspec.json.decode(_decode(metadata).src_encoding, type=str).lower()
    except msgspec.MsgspecError:
        return ""
    if name in _UTF8_NAMES:
        return ""
    if name not in _python_names():  # looked up, any name would be looked for as a module, and remembered
        return "other"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "other"


@cache
def _python_names() -> frozenset[str]:
    """Every spelling of an encoding that has one: as modules and aliases are called, with `-`, blanks or without."""
    known = {*aliases, *aliases.values(), *(module.name for module in iter_modules(encodings.__path__))}
    return frozenset(name.replace("_", to) for name in known for to in "_- ") | {
        name.replace("_", "-", 1) for name in known
    }


def with_lf(text: str) -> str:
    """A text whose lines end in LF; see the module."""
    if "\n" not in text:
        return text.replace("\r", "\n")
    if "\r\r\n" in text:
        return _CR_BEFORE_LF.sub("\n", text)
    return text.replace("\r\n", "\n")


def _is_notebook(document: Document, text: str) -> bool:
    """Whether a text is to be a script and is none yet; a blank file of that name holds no notebook."""
    if document.language != "Jupyter Notebook" and not document.path.lower().endswith(".ipynb"):
        return False
    return not text.startswith(CELL_STARTS) and bool(text) and not text.isspace()


def _rejected(document: Document, reason: str, detail: str = "") -> Rejected:
    return Rejected(
        id=document.id,
        stage="read",
        reason=reason,
        shard=document.shard,
        row=document.row,
        part=document.part,
        detail=detail,
        num_bytes=len(document.text.encode()),
    )
