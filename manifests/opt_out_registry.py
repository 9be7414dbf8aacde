"""The opt-out registry: a folder with `requests.jsonl`, to which lines are only added, and `suppressed/`.

A run reads the registry as it was when it was planned: a snapshot is so many bytes of the requests, their digest, and
the names of the suppression files, each of which is named by its own sha256. So later requests change nothing of a run
under way, and an edited line is found out.

Cost: 120 MB, and 3 s of CPU, for a million requests, which are held in memory. An addition writes the file anew, under
a lock or, in a bucket, on condition that nobody else did: it is seen whole or not at all, and none is lost.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import msgspec

from manifests.buckets import ENVIRONMENT, Access
from manifests.errors import IntegrityError, RecipeError
from manifests.opt_outs import MAXIMUM_LINE_BYTES, Request, checked, decoded, encoded, withdrawn
from manifests.storage import Storage

REQUESTS = "requests.jsonl"
SUPPRESSED = "suppressed"
SUPPRESSED_NAME = re.compile(r"suppressed/[0-9a-f]{64}\.parquet")
MAXIMUM_BYTES = 1 << 30
_BLOCK_BYTES = 8 << 20


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of a registry at one moment.

    Attributes:
        num_bytes: of `requests.jsonl`, whole lines.
        sha256: of these bytes, in hex.
        suppressed: names of suppression files relative to the registry, sorted.
    """

    num_bytes: int
    sha256: str
    suppressed: list[str]


class State(NamedTuple):
    """What a registry says.

    Attributes:
        requests: all lines, in their order, withdrawals among them.
        suppressed: names of suppression files, sorted.
        withdrawn: tickets that count no more, and the ticket that withdrew each.
    """

    requests: list[Request]
    suppressed: list[str]
    withdrawn: dict[str, str]

    @property
    def active(self) -> list[Request]:
        """The requests that count: no withdrawals, none that was withdrawn. In their order."""
        return [one for one in self.requests if one.by != "ticket" and one.ticket not in self.withdrawn]


class Registry:
    """A registry, in a local folder or a bucket.

    Args:
        root: the folder, as a recipe or a command line names it.
        access: how buckets are reached.

    Attributes:
        storage: of the folder; suppression files are read and written through it (`stages.suppression_files`).
    """

    def __init__(self, root: str, access: Access = ENVIRONMENT) -> None:
        self.storage = Storage(root, access)

    @property
    def exists(self) -> bool:
        """Whether anything was ever asked here."""
        return self.storage.exists(REQUESTS)

    def snapshot(self) -> Snapshot:
        """The state of this moment, unchecked; `read` says what stands there.

        Raises:
            RecipeError: there is no registry.
        """
        data = self._bytes()
        return Snapshot(len(data), sha256(data).hexdigest(), self._suppressed())

    def read(self, snapshot: Snapshot | None = None) -> State:
        """What the registry said at that moment; without one, what it says now.

        Raises:
            RecipeError: there is no registry.
            IntegrityError: the earlier bytes are not those of the snapshot, a suppression file is gone, or a line is
                none of ours; the message names file and line.
        """
        if snapshot is None:
            return self._state(self._bytes(), self._suppressed())
        data = self._bytes()[: snapshot.num_bytes]
        if len(data) != snapshot.num_bytes or sha256(data).hexdigest() != snapshot.sha256:
            raise IntegrityError(
                f"{self._where}: the first {snapshot.num_bytes:,} bytes are not those that were planned with; "
                f"expected sha256 {snapshot.sha256[:12]}, got {sha256(data).hexdigest()[:12]} of {len(data):,} bytes",
                hint="lines are only ever added: restore the file from its history or a backup",
            )
        if gone := sorted(set(snapshot.suppressed) - set(self._suppressed())):
            raise IntegrityError(
                f"{self.storage.path(gone[0])}: expected a suppression file, found none",
                hint="suppression files are never deleted: restore it from a backup",
            )
        return self._state(data, list(snapshot.suppressed))

    def append(self, requests: Iterable[Request]) -> int:
        """Add requests that are not there yet, all or none; makes the registry where there is none.

        Returns:
            How many were added; the others are there already.

        Raises:
            RecipeError: a request that cannot be, was asked with another scope, or whose ticket was withdrawn; or a
                withdrawal of a ticket under which nothing was asked.
            IntegrityError: a line that is there is none of ours.
        """
        wanted = [checked(request) for request in requests]
        added = 0

        def change(before: bytes) -> bytes | None:
            nonlocal added
            new = _new(wanted, self._state(before, []).requests)
            added = len(new)
            return before + encoded(new) if new else None

        self.storage.update(REQUESTS, change)
        return added

    @property
    def _where(self) -> str:
        return self.storage.path(REQUESTS)

    def _bytes(self) -> bytes:
        data = self.storage.read_start(REQUESTS, MAXIMUM_BYTES + 1)
        if data is None:
            raise RecipeError(
                f"{self.storage.root}: expected an opt-out registry, found no {REQUESTS} there",
                hint="check the folder; `corpusmill optout add` makes one with its first request",
            )
        return data

    def _suppressed(self) -> list[str]:
        return sorted(name for name in self.storage.list(SUPPRESSED) if SUPPRESSED_NAME.fullmatch(name))

    def _state(self, data: bytes, suppressed: list[str]) -> State:
        if len(data) > MAXIMUM_BYTES:
            raise IntegrityError(
                f"{self._where}: expected at most {MAXIMUM_BYTES:,} bytes, found more", hint="begin a new registry"
            )
        requests: list[Request] = []
        start = 0
        while start < len(data):
            end = data.rfind(b"\n", start, start + _BLOCK_BYTES) + 1
            if not end or not _short_lines(data, start, end):
                raise IntegrityError(
                    f"{self._where}: from byte {start:,} on, expected lines of at most {MAXIMUM_LINE_BYTES:,} bytes "
                    "that end with a line end, found another",
                    hint="a line was cut or is none of ours: restore the file from its history or a backup",
                )
            requests += decoded(data[start:end], self._where, first=len(requests) + 1)
            start = end
        return State(requests, suppressed, withdrawn(requests))


def _short_lines(data: bytes, start: int, end: int) -> bool:
    """Whether no line between two line ends is too long; short ones are passed over many at a time."""
    while start < end:
        start = data.rfind(b"\n", start, min(end, start + MAXIMUM_LINE_BYTES)) + 1
        if not start:
            return False
    return True


def _new(wanted: list[Request], present: list[Request]) -> list[Request]:
    """Those of the wanted that are not present; the first of several that ask for the same."""
    known = {request.key: request for request in present}
    gone = withdrawn(present)
    asked = {request.ticket for request in (*present, *wanted) if request.by != "ticket"}
    new = []
    for request in wanted:
        before = known.get(request.key)
        if before is not None and before.scope == request.scope:
            continue
        if before is not None:
            raise RecipeError(
                f"{request.by} {request.value}: was asked under this ticket with scope {before.scope}, "
                f"expected the same, got {request.scope}",
                hint=f"withdraw ticket {request.ticket} (--by ticket) and ask again under a new one",
            )
        if request.ticket in gone:
            raise RecipeError(
                f"ticket {request.ticket}: was withdrawn by {gone[request.ticket]}; expected one that counts",
                hint="ask again under a new ticket",
            )
        if request.by == "ticket" and request.value not in asked:
            raise RecipeError(
                f"ticket {request.value}: expected a ticket under which something was asked, found none",
                hint="`corpusmill optout list REGISTRY` shows them; a withdrawal itself cannot be withdrawn",
            )
        known[request.key] = request
        new.append(request)
    return new
