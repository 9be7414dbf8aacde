import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import IntegrityError, RecipeError
from manifests.release import Manifest
from manifests.storage import Storage
from manifests.withdrawal import WITHDRAWN, Withdrawal, check_not_withdrawn, withdraw

REASON = "wrong licence of source x"


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Storage:
    (tmp_path / "release").mkdir()
    shutil.copy(small_release / "manifest.json", tmp_path / "release")
    return Storage(str(tmp_path / "release"))


def test_a_withdrawal_is_read_as_it_was_written(release: Storage) -> None:
    digest = Manifest.read(release).digest
    assert Withdrawal.read(release, digest) is None
    done = withdraw(release, date="2026-01-31", reason=f" {REASON} ")
    assert done == Withdrawal(digest=digest, date="2026-01-31", reason=REASON) == Withdrawal.read(release, digest)
    assert json.loads(release.read(WITHDRAWN)) == {"digest": digest, "date": "2026-01-31", "reason": REASON}


def test_a_second_withdrawal_for_the_same_reason_changes_nothing(release: Storage) -> None:
    withdraw(release, date="2026-01-31", reason=REASON)
    before = release.read(WITHDRAWN)
    assert withdraw(release, date="2026-02-01", reason=REASON).date == "2026-01-31"
    assert release.read(WITHDRAWN) == before


def test_a_second_withdrawal_for_another_reason_is_refused(release: Storage) -> None:
    withdraw(release, date="2026-01-31", reason=REASON)
    with pytest.raises(RecipeError, match=f"already withdrawn on 2026-01-31: {REASON}"):
        withdraw(release, date="2026-01-31", reason="another")


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        ("31.1.2026", REASON),
        ("2026-13-01", REASON),
        ("2026-01-31", " "),
        ("2026-01-31", "x" * 501),
        ("2026-01-31", "two\nlines"),
        ("2026-01-31", "\x1b[2J"),
    ],
)
def test_what_is_no_date_or_reason_is_refused(release: Storage, date: str, reason: str) -> None:
    with pytest.raises(RecipeError):
        withdraw(release, date=date, reason=reason)
    assert not release.exists(WITHDRAWN)


def test_nothing_is_built_on_a_withdrawn_release(release: Storage) -> None:
    manifest = Manifest.read(release)
    check_not_withdrawn(release, manifest, what="release")
    withdraw(release, date="2026-01-31", reason=REASON)
    with pytest.raises(RecipeError, match=f"release: small 0.1.0 was withdrawn on 2026-01-31: {REASON}") as caught:
        check_not_withdrawn(release, manifest, what="release")
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 20_000,
        b'{"digest": "0", "date": "2026-01-31", "reason": "of another release"}',
        b'{"digest": "D", "date": "2026-01-31", "reason": "x", "by": "somebody"}',
        b'{"digest": "D", "date": "today", "reason": "x"}',
        b'{"digest": "D", "date": "2026-01-31", "reason": "\\u001b[2J"}',
        b'{"digest": "D", "date": "2026-01-31", "reason": ""}',
        b'{"digest": "D", "date": "2026-01-31", "reason": "x"}' + b" " * 20_000 + b"!",
    ],
)
def test_what_is_no_withdrawal_of_this_release_is_told(release: Storage, data: bytes) -> None:
    digest = Manifest.read(release).digest
    release.write(WITHDRAWN, data.replace(b'"D"', f'"{digest}"'.encode()))
    with pytest.raises(IntegrityError, match=WITHDRAWN):
        Withdrawal.read(release, digest)


@given(st.text(max_size=600), st.text(max_size=12) | st.just("2026-01-31"))
def test_a_withdrawal_without_a_fault_comes_back(reason: str, date: str) -> None:
    made = Withdrawal(digest="0" * 64, date=date, reason=reason)
    if not made.fault():
        assert json.loads(made.to_bytes())["reason"] == reason
