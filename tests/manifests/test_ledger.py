import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import Rejected
from manifests.errors import IntegrityError
from manifests.ledger import Ledger, Tally

sizes = st.integers(0, 10**12)
events = st.lists(st.tuples(st.sampled_from(["keep", "short", "long", "no_licence"]), sizes), max_size=40)


def rejected(reason: str, num_bytes: int) -> Rejected:
    stage = "licence" if reason == "no_licence" else "filter"
    return Rejected("", stage, reason, shard="a.jsonl", row=0, num_bytes=num_bytes)


def ledger_of(happened: list[tuple[str, int]]) -> Ledger:
    ledger = Ledger()
    for what, num_bytes in happened:
        if what == "keep":
            ledger.keep(num_bytes)
        else:
            ledger.reject(rejected(what, num_bytes))
    return ledger


ledgers = events.map(ledger_of)


@given(events)
def test_whatever_is_counted_balances(happened: list[tuple[str, int]]) -> None:
    ledger = ledger_of(happened)
    ledger.check("here")
    assert ledger.read.as_list() == [len(happened), sum(size for _, size in happened)]


@given(events)
def test_rejections_are_counted_by_stage_and_reason(happened: list[tuple[str, int]]) -> None:
    ledger = ledger_of(happened)
    short = [size for what, size in happened if what == "short"]
    assert ledger.rejected.get("filter/short", Tally()).as_list() == [len(short), sum(short)]
    assert set(ledger.rejected) <= {"filter/short", "filter/long", "licence/no_licence"}


@given(ledgers)
def test_json_round_trip(ledger: Ledger) -> None:
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger


@given(st.permutations(["short", "long", "no_licence"]))
def test_the_order_of_rejections_does_not_show(reasons: list[str]) -> None:
    ledger = ledger_of([(reason, 1) for reason in reasons])
    assert list(ledger.to_json()["rejected"]) == ["filter/long", "filter/short", "licence/no_licence"]  # type: ignore[call-overload]


@given(ledgers)
def test_failing_moves_what_was_kept_and_still_balances(ledger: Ledger) -> None:
    kept = ledger.kept.as_list()
    ledger.fail_kept()
    ledger.check("here")
    assert ledger.failed.as_list() == kept
    assert ledger.kept == Tally()


@given(st.lists(events, max_size=5))
def test_a_total_is_the_ledger_of_all_that_happened(parts: list[list[tuple[str, int]]]) -> None:
    total = Ledger.total(ledger_of(part) for part in parts)
    assert total == ledger_of([event for part in parts for event in part])


@given(st.lists(ledgers, max_size=5))
def test_a_total_of_balanced_ledgers_balances(parts: list[Ledger]) -> None:
    Ledger.total(parts).check("here")


def test_the_total_of_none_is_empty() -> None:
    assert Ledger.total([]) == Ledger()


@given(ledgers, st.lists(ledgers, max_size=3))
def test_a_total_changes_none_of_its_parts(first: Ledger, rest: list[Ledger]) -> None:
    before = first.to_json()
    Ledger.total([first, *rest])
    assert first.to_json() == before


@given(
    ledgers, st.sampled_from(["read", "kept", "failed"]), st.sampled_from(["documents", "num_bytes"]), st.integers(1, 9)
)
def test_a_changed_number_does_not_balance(ledger: Ledger, side: str, unit: str, change: int) -> None:
    tally = getattr(ledger, side)
    setattr(tally, unit, getattr(tally, unit) + change)
    with pytest.raises(IntegrityError, match=r"records/000001\.json: the account does not balance; expected"):
        ledger.check("records/000001.json")


@given(ledgers)
def test_a_lost_rejection_does_not_balance(ledger: Ledger) -> None:
    ledger.reject(rejected("short", 0))
    ledger.rejected.clear()
    with pytest.raises(IntegrityError, match="does not balance"):
        ledger.check("here")


def test_negative_counts_do_not_balance() -> None:
    ledger = Ledger(read=Tally(0, 0), kept=Tally(1, 1), failed=Tally(-1, -1))
    with pytest.raises(IntegrityError, match="does not balance"):
        ledger.check("here")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"read": [1, 1], "kept": [1, 1], "failed": [0, 0]},
        {"read": [1, 1], "kept": [1, 1], "rejected": [], "failed": [0, 0]},
        {"read": [1], "kept": [1, 1], "rejected": {}, "failed": [0, 0]},
        {"read": [1, "1"], "kept": [1, 1], "rejected": {}, "failed": [0, 0]},
        {"read": [1, 1.5], "kept": [1, 1], "rejected": {}, "failed": [0, 0]},
        {"read": [1, 1], "kept": None, "rejected": {}, "failed": [0, 0]},
        {"read": [1, 1], "kept": [1, 1], "rejected": {"a/b": 3}, "failed": [0, 0]},
    ],
)
def test_what_is_no_ledger(value: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="not a ledger"):
        Ledger.from_json(value)
