"""Rows: one JSON line of a shard becomes the fields of a row, or a reason why it cannot.

A sound line takes the fast way, msgspec. A line that fails there is looked at again by the standard library, which
decides the reason: msgspec calls a lone surrogate "truncated", and how deep it can nest depends on the caller's stack.
What the fields mean is for `stages.row_layouts` to say.

Cost: about 25 us a row of 7 kB of text, most of it for the text itself. A hostile line (nothing but `[],[],`) takes
about 30 times its length in memory while it is decoded: bound it by `maximum_line_bytes`.
"""

import json
import re
from typing import Any, NamedTuple, Never

import msgspec

MAXIMUM_NESTING = 100

Fields = dict[str, Any]

_decode = msgspec.json.Decoder(Fields).decode
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
    """Why a line, a row or a file in it is no document; `detail` is a parser's message, never content."""

    reason: str
    detail: str


def parse_line(line: bytes) -> Fields | Fault:
    r"""The object in a line, or what is wrong with it.

    Args:
        line: without its LF; white space around the object is allowed, so CRLF files are.

    Returns:
        The object's fields, or a Fault with the first of these reasons that holds: `empty_line` (white space only),
        `invalid_utf8`, `invalid_json` (also NaN and a number too large for any reader), `not_an_object`,
        `lone_surrogate` (an escape such as `\ud800`, in any field).
    """
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _line_fault(line, str(error))


def json_object(fields: Fields) -> str | Fault:
    """Fields as one JSON object, or the fault `invalid_json` where they nest deeper than 100 levels.

    A value that JSON has no form for, as columns of Parquet may hold, is the fault `wrong_type`.

    Numbers that are none become null, bytes become base64.
    """
    try:
        encoded = _encode(fields)
    except RecursionError:
        return _TOO_DEEP
    except (TypeError, ValueError, OverflowError) as error:
        return Fault("wrong_type", str(error))
    return _TOO_DEEP if _nested_too_deep(encoded) else encoded.decode()


def missing_text(name: str) -> Fault:
    """The fault of a row whose text, in the field of that name, is absent or null."""
    return Fault("missing_text", f"no `{name}`")


_TOO_DEEP = Fault("invalid_json", f"nested deeper than {MAXIMUM_NESTING} levels")


def _line_fault(line: bytes, fast_message: str) -> Fault:
    if not line.strip():
        return Fault("empty_line", "")
    try:
        characters = line.decode()
    except UnicodeDecodeError as error:
        return Fault("invalid_utf8", str(error))
    if _nested_too_deep(line):
        return _TOO_DEEP
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
