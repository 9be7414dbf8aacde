import contextlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import IntegrityError
from manifests.ledger import Ledger, Tally
from manifests.record import Failure, Output, Record, Segment, read_record, record_name, write_record
from manifests.storage import Storage

NAME = "clean/records/000003.json"


def a_record(**changes: Any) -> Record:
    ledger = Ledger()
    ledger.keep(17)
    record = Record(
        step="clean",
        unit=3,
        fingerprint="f" * 64,
        outputs={"texts": Output("clean/data/x.arrows", 9, "a" * 64, 1, [[Segment(0, 9, "b" * 16)], []])},
        ledger=ledger.to_json(),
        counts={"sample": {"code": [1, 2, 3]}},
        failure=None,
        measured={"wall_seconds": 0.5},
    )
    return msgspec.structs.replace(record, **changes)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def test_a_record_is_read_as_it_was_written(storage: Storage) -> None:
    write_record(storage, a_record())
    assert read_record(storage, "clean", 3) == a_record()
    assert read_record(storage, "clean", 3).done


def test_a_failed_record_is_read_as_it_was_written(storage: Storage) -> None:
    record = a_record(failure=Failure("UnitError", "no space left", "free some"), outputs={}, ledger=None)
    write_record(storage, record)
    assert read_record(storage, "clean", 3) == record
    assert not record.done


def test_the_same_record_is_the_same_bytes(storage: Storage) -> None:
    write_record(storage, a_record(counts={"a": 1, "b": {"x": 1, "y": 2}}))
    first = storage.read(NAME)
    write_record(storage, a_record(counts={"b": {"y": 2, "x": 1}, "a": 1}))
    assert storage.read(NAME) == first


def test_names_sort_by_unit() -> None:
    assert record_name("clean", 3) == NAME
    assert record_name("clean", 99) < record_name("clean", 100)


def test_a_later_record_replaces_an_earlier_one(storage: Storage) -> None:
    write_record(storage, a_record(failure=Failure("UnitError", "x", "")))
    write_record(storage, a_record())
    assert read_record(storage, "clean", 3).done


def test_an_account_that_does_not_balance_is_not_written(storage: Storage) -> None:
    ledger = Ledger(read=Tally(2, 20), kept=Tally(1, 20)).to_json()
    with pytest.raises(IntegrityError, match=NAME):
        write_record(storage, a_record(ledger=ledger))
    assert not storage.exists(NAME)


def test_an_absent_record(storage: Storage) -> None:
    with pytest.raises(IntegrityError, match=r"000003\.json: expected a file, found none"):
        read_record(storage, "clean", 3)


@pytest.mark.parametrize(
    "edit",
    [
        (b'"unit":3', b'"unit":4'),
        (b'"fingerprint":"f', b'"fingerprint":"e'),
        (b'"kept":[1,17]', b'"kept":[1,18]'),
        (b'"failure":null', b'"failure":{"error":"","message":"","hint":""}'),
        (b'"wall_seconds":0.5', b'"wall_seconds":0.4'),
        (b'"digest":"', b'"digest":"0'),
    ],
)
def test_an_edited_record_is_found_out(storage: Storage, edit: tuple[bytes, bytes]) -> None:
    write_record(storage, a_record())
    data = storage.read(NAME)
    assert edit[0] in data
    storage.write(NAME, data.replace(*edit))
    with pytest.raises(IntegrityError, match=f"{NAME}: the record was changed after it was written"):
        read_record(storage, "clean", 3)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"record":{},"digest":""}'])
def test_what_is_no_record(storage: Storage, data: bytes) -> None:
    storage.write(NAME, data)
    with pytest.raises(IntegrityError, match=f"{NAME}: not a record"):
        read_record(storage, "clean", 3)


def test_a_field_too_many_is_no_record(storage: Storage) -> None:
    write_record(storage, a_record())
    storage.write(NAME, storage.read(NAME).replace(b'"unit":3', b'"unit":3,"note":"x"'))
    with pytest.raises(IntegrityError, match="not a record"):
        read_record(storage, "clean", 3)


@settings(max_examples=50)
@given(data=st.data())
def test_a_record_cut_anywhere_is_found_out(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    storage = Storage(str(tmp_path_factory.getbasetemp() / "cut"))
    write_record(storage, a_record())
    whole = storage.read(NAME)
    storage.write(NAME, whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(IntegrityError):
        read_record(storage, "clean", 3)


@settings(max_examples=100)
@given(data=st.data())
def test_a_flipped_bit_never_gives_another_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    storage = Storage(str(tmp_path_factory.getbasetemp() / "flipped"))
    write_record(storage, a_record())
    changed = bytearray(storage.read(NAME))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    storage.write(NAME, bytes(changed))
    with contextlib.suppress(IntegrityError):  # the flip may leave the value as it is: 5e-1 for 0.5
        assert read_record(storage, "clean", 3) == a_record()


def test_a_record_that_is_no_utf8_is_found_out(storage: Storage) -> None:
    write_record(storage, a_record())
    storage.write(NAME, storage.read(NAME).replace(b'"clean"', b'"cle\xe1n"'))
    with pytest.raises(IntegrityError, match="not a record"):
        read_record(storage, "clean", 3)


def test_a_ledger_that_was_signed_false_is_found_out(storage: Storage) -> None:
    record = a_record(ledger=Ledger(read=Tally(2, 20), kept=Tally(1, 20)).to_json())
    digest = sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()
    storage.write(NAME, msgspec.json.encode({"record": record, "digest": digest}))
    with pytest.raises(IntegrityError, match="does not balance"):
        read_record(storage, "clean", 3)
