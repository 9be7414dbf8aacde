"""Opt-out requests: one line of JSON each, that a person can review and that nobody ever edits.

A request says who is meant by a kind (`by`) and a value, under a ticket of the operator's own. The ticket stays in the
registry: no release, manifest or tombstone has it. The reason is published. A request is withdrawn by a later one of
kind `ticket`, and then it counts as never asked, wherever the two lines stand.

Source: docs/removals.md says what each kind means.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Literal, get_args

import msgspec

from manifests.errors import CorpusmillError, IntegrityError, RecipeError
from manifests.opt_out_values import checked_ticket, checked_value, value_key
from manifests.printable import printable_json

By = Literal["repository", "owner", "path", "blob", "sha256", "content", "swhid", "url", "document", "ticket"]
Scope = Literal["content", "place"]

KINDS: tuple[str, ...] = get_args(By)
SCOPES: tuple[str, ...] = get_args(Scope)
MAXIMUM_LINE_BYTES = 1 << 20
MAXIMUM_REASON_CHARACTERS = 500

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One request, as it stands in a line of the registry.

    Attributes:
        ticket: the operator's number for it, opaque, never published; several requests may share one.
        date: when it was asked, YYYY-MM-DD.
        by: the kind of `value`; `ticket` withdraws what was asked under that ticket.
        reason: published, so it names nobody.
        scope: "content" takes the documents and copies of their content wherever they lie; "place" only what lies
            there. "content" for a withdrawal.
    """

    ticket: str
    date: str
    by: By
    value: str
    reason: str
    scope: Scope = "content"

    @property
    def key(self) -> tuple[str, str, str]:
        """What two lines that ask for the same under one ticket have in common."""
        return self.ticket, self.by, value_key(self.by, self.value)


def checked(request: Request) -> Request:
    """A request with its value as the registry writes it down.

    Raises:
        RecipeError: a field that cannot be, and which one.
    """
    _check_shared(request.ticket, request.date, request.reason)
    if request.by == "ticket" and (request.scope != "content" or request.value == request.ticket):
        raise RecipeError(
            "ticket: expected another ticket than the withdrawal's own, and no scope",
            hint="a withdrawal has a ticket of its own and takes back all that was asked under the other",
        )
    value = checked_value(request.by, request.value)
    return request if value == request.value else msgspec.structs.replace(request, value=value)


def encoded(requests: Iterable[Request]) -> bytes:
    """Lines of the registry."""
    encoder = msgspec.json.Encoder()
    return b"".join(printable_json(encoder.encode(request)) + b"\n" for request in requests)


def decoded(lines: bytes, where: str, *, first: int = 1) -> list[Request]:
    """Requests of whole lines, checked. Cost: 3 to 5 us a request.

    Args:
        where: the file's name, for messages.
        first: number of the first of these lines in it.

    Raises:
        IntegrityError: a line that is none of ours; the message names it.
    """
    try:
        requests = _LINE.decode_lines(lines)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        requests = []
    if len(requests) != lines.count(b"\n"):
        requests = [_decoded(line, f"{where}:{number}") for number, line in enumerate(lines.splitlines(), first)]
    for number, request in enumerate(requests, first):
        try:
            canonical = checked(request)
        except CorpusmillError as error:
            raise _damaged(f"{where}:{number}", error.message) from error
        if canonical is not request:
            raise _damaged(f"{where}:{number}", f"expected the value {canonical.value!r}, got {request.value[:100]!r}")
    return requests


def parsed(line: bytes) -> Request:
    """The request of one line of somebody else's, in any order of keys; not checked.

    Raises:
        RecipeError: it is none.
    """
    try:
        return _LINE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(
            f"expected a request as one JSON object, got: {error}",
            hint='such as {"ticket": "T-1", "date": "2026-07-31", "by": "repository", "value": "owner/name", '
            '"reason": "the owner asked"}',
        ) from error


def withdrawn(requests: Iterable[Request]) -> dict[str, str]:
    """Tickets that were withdrawn, and by which ticket: the smallest, of several."""
    found: dict[str, str] = {}
    for request in requests:
        if request.by == "ticket":
            found[request.value] = min(request.ticket, found.get(request.value, request.ticket))
    return found


_LINE = msgspec.json.Decoder(Request)


@lru_cache(maxsize=1024)
def _check_shared(ticket: str, day: str, reason: str) -> None:
    """What requests of one list have in common is looked at once."""
    checked_ticket(ticket)
    if not _DATE.fullmatch(day) or not _is_day(day):
        raise RecipeError(f"date: expected YYYY-MM-DD, got {day[:40]!r}", hint="such as 2026-07-31")
    if not reason.strip() or len(reason) > MAXIMUM_REASON_CHARACTERS or not reason.isprintable():
        raise RecipeError(
            f"reason: expected one line of 1 to {MAXIMUM_REASON_CHARACTERS} printable characters",
            hint="it is published: say why, and name nobody, such as: the owner asked",
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _decoded(line: bytes, where: str) -> Request:
    try:
        return _LINE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(where, f"expected a request as one JSON object, got: {error}") from error


def _damaged(where: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"{where}: {what}", hint="no line of a registry is ever edited: restore the file from its history or a backup"
    )
