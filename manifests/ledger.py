"""Ledger: the account of one unit. What was read is kept, rejected with a reason, or failed; nothing is just gone.

Counted in documents (input rows) and in UTF-8 bytes of their text, both of which must balance.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from manifests.document import Rejected
from manifests.errors import IntegrityError


@dataclass(slots=True)
class Tally:
    """A number of documents and of the UTF-8 bytes of their texts."""

    documents: int = 0
    num_bytes: int = 0

    def add(self, num_bytes: int, documents: int = 1) -> None:
        """Count `documents` more, of `num_bytes` together."""
        self.documents += documents
        self.num_bytes += num_bytes

    def as_list(self) -> list[int]:
        """[documents, bytes], the form that stands in records and manifests."""
        return [self.documents, self.num_bytes]


@dataclass(slots=True)
class Ledger:
    """read = kept + rejected + failed.

    Attributes:
        rejected: by "stage/reason".
    """

    read: Tally = field(default_factory=Tally)
    kept: Tally = field(default_factory=Tally)
    rejected: dict[str, Tally] = field(default_factory=dict)
    failed: Tally = field(default_factory=Tally)

    def keep(self, num_bytes: int) -> None:
        """Count one document as read and kept."""
        self.read.add(num_bytes)
        self.kept.add(num_bytes)

    def reject(self, rejected: Rejected) -> None:
        """Count one document as read and rejected for its stage and reason."""
        self.read.add(rejected.num_bytes)
        key = f"{rejected.stage}/{rejected.reason}"
        self.rejected.setdefault(key, Tally()).add(rejected.num_bytes)

    def fail_kept(self) -> None:
        """Turn what was kept into failed: the unit that held it could not be finished."""
        self.failed.add(self.kept.num_bytes, self.kept.documents)
        self.kept = Tally()

    def check(self, where: str) -> None:
        """Raise IntegrityError unless the account balances."""
        for unit in ("documents", "num_bytes"):
            read = getattr(self.read, unit)
            parts = [self.kept, self.failed, *self.rejected.values()]
            total = sum(getattr(part, unit) for part in parts)
            if read != total or any(getattr(part, unit) < 0 for part in parts):
                raise IntegrityError(
                    f"{where}: the account does not balance; expected {unit} read = kept + rejected + failed, "
                    f"got {read} read and {total} accounted for",
                    hint="the record was damaged or edited: delete it and run again",
                )

    def to_json(self) -> dict[str, object]:
        """The form that stands in records and manifests; reasons in alphabetical order."""
        return {
            "read": self.read.as_list(),
            "kept": self.kept.as_list(),
            "rejected": {key: self.rejected[key].as_list() for key in sorted(self.rejected)},
            "failed": self.failed.as_list(),
        }

    @classmethod
    def from_json(cls, value: dict[str, object]) -> Self:
        """The inverse of `to_json`; raises IntegrityError where the shape is wrong."""
        try:
            rejected = value["rejected"]
            assert isinstance(rejected, dict)
            return cls(
                read=_tally(value["read"]),
                kept=_tally(value["kept"]),
                rejected={str(key): _tally(pair) for key, pair in rejected.items()},
                failed=_tally(value["failed"]),
            )
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise IntegrityError(f"not a ledger: {error!r}; expected read, kept, rejected, failed") from error

    @classmethod
    def total(cls, ledgers: Iterable[Self]) -> Self:
        """The sum of accounts; an empty ledger for none."""
        result = cls()
        for ledger in ledgers:
            result.read.add(ledger.read.num_bytes, ledger.read.documents)
            result.kept.add(ledger.kept.num_bytes, ledger.kept.documents)
            result.failed.add(ledger.failed.num_bytes, ledger.failed.documents)
            for key, tally in ledger.rejected.items():
                result.rejected.setdefault(key, Tally()).add(tally.num_bytes, tally.documents)
        return result


def _tally(value: object) -> Tally:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(item, int) for item in value):
        raise TypeError(f"expected [documents, bytes], got {value!r}")
    return Tally(value[0], value[1])
