"""Withdrawal: the word of its publisher that a release should not be used any more, and why.

A release is never changed, so this stands beside the manifest, in the one file that no manifest lists. It names the
manifest's digest, so that it cannot be carried to another release.
"""

import re
from typing import Self

import msgspec

from manifests.errors import IntegrityError, RecipeError
from manifests.printable import printable, printable_json
from manifests.release import Manifest
from manifests.storage import Storage

WITHDRAWN = "WITHDRAWN.json"
MAXIMUM_REASON_CHARACTERS = 500
_MAXIMUM_BYTES = 16_384
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `WITHDRAWN.json`.

    Attributes:
        digest: of the manifest of the release that is withdrawn.
        date: YYYY-MM-DD.
        reason: one line, 1 to MAXIMUM_REASON_CHARACTERS characters.
    """

    digest: str
    date: str
    reason: str

    def __str__(self) -> str:
        return f"withdrawn on {self.date}: {self.reason}"

    def to_bytes(self) -> bytes:
        """What stands in the file."""
        return printable_json(msgspec.json.format(msgspec.json.encode(self), indent=1)) + b"\n"

    @classmethod
    def read(cls, release: Storage, digest: str) -> Self | None:
        """What stands beside the manifest of that digest; None where it is not withdrawn.

        Raises:
            IntegrityError: the file cannot be read, or it withdraws another release.
        """
        data = release.read_start(WITHDRAWN, _MAXIMUM_BYTES + 1)
        if data is None:
            return None
        where, hint = release.path(WITHDRAWN), "restore it from the publisher's copy"
        if len(data) > _MAXIMUM_BYTES:
            raise IntegrityError(f"{where}: expected at most {_MAXIMUM_BYTES} bytes, got more", hint=hint)
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise IntegrityError(f"{where}: expected digest, date and reason: {error}", hint=hint) from error
        if found.digest != digest:
            raise IntegrityError(
                f"{where}: withdraws another release; expected digest {digest[:12]}, got {found.digest[:12]}", hint=hint
            )
        if fault := found.fault():
            raise IntegrityError(f"{where}: {fault}", hint=hint)
        return found

    def fault(self) -> str:
        """What is wrong with date or reason, in words; empty where nothing is."""
        if not _DATE.fullmatch(self.date):
            return f"date: expected YYYY-MM-DD, got {self.date[:40]!r}"
        if not 0 < len(self.reason) <= MAXIMUM_REASON_CHARACTERS or self.reason != printable(self.reason).strip():
            return f"reason: expected one line of 1 to {MAXIMUM_REASON_CHARACTERS} characters, got {self.reason[:40]!r}"
        return ""


def withdraw(release: Storage, *, date: str, reason: str) -> Withdrawal:
    """Withdraw a release; a second time changes nothing.

    Raises:
        RecipeError: it is withdrawn already for another reason, or date or reason are none.
        IntegrityError: no manifest that can be read, or there is a withdrawal that is none of this release.
    """
    digest = Manifest.read(release).digest
    there = Withdrawal.read(release, digest)
    made = Withdrawal(digest=digest, date=date, reason=reason.strip())
    if fault := made.fault():
        raise RecipeError(fault, hint="say in one line why nobody should use it: --reason 'wrong licence of source x'")
    if there is None:
        release.write(WITHDRAWN, made.to_bytes())
        return made
    if there.reason != made.reason:
        raise RecipeError(
            f"{release.root}: already {there}", hint="a withdrawal is never changed; say more where you publish it"
        )
    return there


def check_not_withdrawn(release: Storage, manifest: Manifest, *, what: str) -> None:
    """Raise RecipeError where a release is withdrawn.

    Args:
        what: names the release and what it was to be used for, as messages say it: "--release releases/x-0.1.0".
    """
    found = Withdrawal.read(release, manifest.digest)
    if found is not None:
        raise RecipeError(
            f"{what}: {manifest.name} {manifest.version} was {found}",
            hint="use the version that replaces it: `corpusmill release list` shows those beside it",
        )
