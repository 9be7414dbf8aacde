"""Record: the proof that a unit of work is done, made visible last and atomically.

A record names what the unit read (its fingerprint covers inputs, settings and code version), what it wrote (file, size,
sha256 and, inside a file, the byte range and digest of every block) and its account. A unit without a valid record does
not exist and is made again; a file that no record names is garbage.
"""

from hashlib import sha256

import msgspec

from manifests.errors import IntegrityError
from manifests.ledger import Ledger
from manifests.printable import printable_json
from manifests.storage import Storage


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A byte range of an output file: one Arrow IPC stream.

    Attributes:
        digest: xxh3_64 of the bytes, in hex.
    """

    offset: int
    length: int
    digest: str


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file that a unit wrote.

    Attributes:
        blocks: for every consuming unit, its segments; empty for a file that is read whole.
        rows: rows in the file, all blocks together.
    """

    file: str
    num_bytes: int
    sha256: str
    rows: int
    blocks: list[list[Segment]]


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a unit failed: error class, message and the next move."""

    error: str
    message: str
    hint: str


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts of a fingerprint, so that a change can be named; short digests, which decide nothing.

    Attributes:
        software: of the versions of all software.
        version: of the step's code.
        settings: by name of what the step depends on.
        shards: of the identities of input shards, by name.
        written: of what earlier steps wrote for the unit.
    """

    software: str
    version: int
    settings: dict[str, str]
    shards: dict[str, str]
    written: str


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stands in `<step>/records/<unit>.json`.

    Attributes:
        fingerprint: sha256 over inputs, settings and step version: the unit's identity.
        outputs: by table name.
        ledger: `Ledger.to_json()`; None for a unit that moves no documents.
        counts: numbers that later passes and the report add up.
        failure: None where the unit is done.
        measured: seconds and bytes of memory; never an input of anything.
        origin: parts of the fingerprint; None in records of versions that did not keep them.
    """

    step: str
    unit: int
    fingerprint: str
    outputs: dict[str, Output]
    ledger: dict[str, object] | None
    counts: dict[str, object]
    failure: Failure | None
    measured: dict[str, float]
    origin: Origin | None = None

    @property
    def done(self) -> bool:
        """Whether the unit finished."""
        return self.failure is None


class _Signed(msgspec.Struct, forbid_unknown_fields=True):
    """The record and the sha256 of its canonical JSON, so that an edited record is found out."""

    record: Record
    digest: str


def record_name(step: str, unit: int) -> str:
    """Where the record of a unit lies, relative to the work folder."""
    return f"{step}/records/{unit:06d}.json"


def write_record(storage: Storage, record: Record) -> None:
    """Check the account and put the record in place; raises IntegrityError where it does not balance."""
    if record.ledger is not None:
        Ledger.from_json(record.ledger).check(record_name(record.step, record.unit))
    signed = _Signed(record, _digest(record))
    data = printable_json(msgspec.json.encode(signed, order="deterministic"))
    storage.write(record_name(record.step, record.unit), data)


def read_record(storage: Storage, step: str, unit: int) -> Record:
    """Read and check a record.

    Raises:
        IntegrityError: absent, not JSON, of another shape, edited since it was written, or it does not balance.
    """
    name = record_name(step, unit)
    return parse_record(storage.read(name), storage.path(name))


def parse_record(data: bytes, where: str) -> Record:
    """Check a record as it was read.

    Raises:
        IntegrityError: not JSON, of another shape, edited since it was written, or it does not balance.
    """
    try:
        signed = msgspec.json.decode(data, type=_Signed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{where}: not a record: {error}", hint="delete it and run again") from error
    if signed.digest != _digest(signed.record):
        raise IntegrityError(
            f"{where}: the record was changed after it was written; expected digest {signed.digest[:12]}, "
            f"got {_digest(signed.record)[:12]}",
            hint="delete it and run again: its unit is made again",
        )
    if signed.record.ledger is not None:
        Ledger.from_json(signed.record.ledger).check(where)
    return signed.record


def _digest(record: Record) -> str:
    return sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()
