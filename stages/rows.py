"""Rows: one JSON line of a shard becomes the parts of a document, or a reason why it cannot.

A sound row takes the fast way: msgspec decodes the line, a Struct checks the types, and all but the text goes back to
JSON as metadata. A line that fails there is looked at again by the standard library, which decides the reason: msgspec
calls a lone surrogate "truncated", and how deep it can nest depends on the caller's stack.

Cost: about 25 us a row of 7 kB of text, most of it for the text itself. A hostile line (nothing but `[],[],`) takes
about 30 times its length in memory while it is decoded: bound it by `maximum_line_bytes`.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Never

import msgspec

RowFormat = Literal["stack-v2", "pile", "jsonl"]

MAXIMUM_NESTING = 100

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Row(NamedTuple):
    """The parts of a document that stand in its row; a part that is absent or null is empty.

    Attributes:
        natural_key: `repository:path` for code, empty for text.
        metadata: the row without its text, one JSON object.
    """

    text: str
    subset: str
    language: str
    repo: str
    path: str
    natural_key: str
    metadata: str


class Fault(NamedTuple):
    """Why a line is no row; `detail` is a parser's message, never content."""

    reason: str
    detail: str


def parse_row(line: bytes, row_format: RowFormat) -> Row | Fault:
    r"""The row in a line, or what is wrong with it.

    Args:
        line: without its LF; white space around the object is allowed, so CRLF files are.

    Returns:
        A Row, or a Fault with the first of these reasons that holds: `empty_line` (white space only), `invalid_utf8`,
        `invalid_json` (also NaN, a number too large for any reader, nesting deeper than 100), `not_an_object`,
        `lone_surrogate` (an escape such as `\ud800`, in any field), `missing_text` (absent or null), `wrong_type`.
    """
    layout = _LAYOUTS[row_format]
    try:
        fields = _decode(line)
        checked = msgspec.convert(fields, layout.fields)
        del fields[layout.text_field]
        metadata = _encode(fields)
        if _nested_too_deep(metadata):
            return _fault(line, layout, "")
        return layout.row(checked, metadata.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _fault(line, layout, str(error))


class _StackV2(msgspec.Struct):
    """A file of The Stack v2 with its content: the fields of the data set card, all but the content nullable.

    Counts and ids are floats and dates may be numbers, because pandas writes columns with nulls that way.
    """

    content: str
    blob_id: str | None = None
    directory_id: str | None = None
    path: str | None = None
    content_id: str | None = None
    detected_licenses: list[str] | None = None
    license_type: str | None = None
    repo_name: str | None = None
    snapshot_id: str | None = None
    revision_id: str | None = None
    branch_name: str | None = None
    visit_date: str | float | None = None
    revision_date: str | float | None = None
    committer_date: str | float | None = None
    github_id: float | None = None
    star_events_count: float | None = None
    fork_events_count: float | None = None
    gha_license_id: str | None = None
    gha_event_created_at: str | float | None = None
    gha_created_at: str | float | None = None
    gha_language: str | None = None
    src_encoding: str | None = None
    language: str | None = None
    is_vendor: bool | None = None
    is_generated: bool | None = None
    length_bytes: float | None = None
    extension: str | None = None
    filename: str | None = None


class _PileMeta(msgspec.Struct):
    pile_set_name: str | None = None


class _Pile(msgspec.Struct):
    text: str
    meta: _PileMeta | None = None


class _Jsonl(msgspec.Struct):
    """Anybody's rows: the same name may mean something else here, so only the text has a fixed type."""

    text: str
    subset: Any = None
    source: Any = None
    language: Any = None


class _Layout(NamedTuple):
    text_field: str
    fields: type[msgspec.Struct]
    row: Callable[[Any, str], Row]


def _stack_v2_row(checked: _StackV2, metadata: str) -> Row:
    repo, path = checked.repo_name or "", checked.path or ""
    return Row(checked.content, "", checked.language or "", repo, path, f"{repo}:{path}", metadata)


def _pile_row(checked: _Pile, metadata: str) -> Row:
    subset = (checked.meta.pile_set_name if checked.meta else None) or ""
    return Row(checked.text, subset, "", "", "", "", metadata)


def _jsonl_row(checked: _Jsonl, metadata: str) -> Row:
    subset = next((name for name in (checked.subset, checked.source) if isinstance(name, str)), "")
    language = checked.language if isinstance(checked.language, str) else ""
    return Row(checked.text, subset, language, "", "", "", metadata)


_LAYOUTS: Mapping[RowFormat, _Layout] = {
    "stack-v2": _Layout("content", _StackV2, _stack_v2_row),
    "pile": _Layout("text", _Pile, _pile_row),
    "jsonl": _Layout("text", _Jsonl, _jsonl_row),
}


def _fault(line: bytes, layout: _Layout, fast_message: str) -> Fault:
    if not line.strip():
        return Fault("empty_line", "")
    try:
        characters = line.decode()
    except UnicodeDecodeError as error:
        return Fault("invalid_utf8", str(error))
    if _nested_too_deep(line):
        return Fault("invalid_json", f"nested deeper than {MAXIMUM_NESTING} levels")
    try:
        value = json.loads(characters, parse_constant=_refuse_constant)
    except ValueError as error:
        return Fault("invalid_json", str(error))
    if not isinstance(value, dict):
        return Fault("not_an_object", f"expected an object, got {type(value).__name__}")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Fault("lone_surrogate", "an escape names half of a surrogate pair, which is no character")
    if value.get(layout.text_field) is None:
        return Fault("missing_text", f"no `{layout.text_field}`")
    try:
        msgspec.convert(value, layout.fields)
    except msgspec.ValidationError as error:
        return Fault("wrong_type", str(error))
    return Fault("invalid_json", fast_message)


def _nested_too_deep(json_text: bytes) -> bool:
    if json_text.count(b"[") + json_text.count(b"{") <= MAXIMUM_NESTING:
        return False
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(json_text):
        first = json_text[token.start()]
        if first in b"[{":
            depth += 1
            if depth > MAXIMUM_NESTING:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
