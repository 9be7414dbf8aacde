"""Families are those that a plain count of the decisions finds, and samples of them show no secret."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipeline.masking import MASK
from pipeline.report_duplicates import duplicates_section
from pipeline.report_families import REASONS, families, keepers
from pipeline.reported import of_run
from pipeline.runner import reopen_mill
from pipeline.tables import decision_tables, tables
from pipeline.units import Mill


@pytest.fixture(scope="module")
def mill(finished_work: Path) -> Mill:
    return reopen_mill(str(finished_work))


@pytest.fixture(scope="module")
def members(mill: Mill) -> dict[bytes, list[tuple[str, float]]]:
    """Reason and similarity of all that went, by the document that stayed."""
    found = defaultdict(list)
    for table in decision_tables(mill, {"stage": "deduplicate"}):
        for row in table.to_pylist():
            if row["reason"] in REASONS:
                found[row["twin"]].append((row["reason"], row["similarity"]))
    return dict(found)


def test_sizes_are_those_of_a_plain_count(mill: Mill, members: dict[bytes, list[tuple[str, float]]]) -> None:
    assert families(mill, count=3).sizes == Counter(1 + len(went) for went in members.values())
    assert {"exact_duplicate", "near_duplicate"} <= {reason for went in members.values() for reason, _ in went}


def test_the_largest_come_first_and_equal_ones_by_id(mill: Mill, members: dict[bytes, list[tuple[str, float]]]) -> None:
    found = families(mill, count=5).largest
    expected = sorted((-1 - len(went), name) for name, went in members.items())[:5]
    assert [(-family.members, family.id) for family in found] == expected
    for family in found:
        assert family.reasons == Counter(reason for reason, _ in members[family.id])
        assert family.similarity == min(similarity for _, similarity in members[family.id])


@pytest.mark.parametrize("at_once", [1, 5])
def test_several_readings_find_the_same(mill: Mill, at_once: int) -> None:
    assert families(mill, count=10, at_once=at_once) == families(mill, count=10)


def test_keepers_are_named_and_have_the_text_that_clean_left(mill: Mill) -> None:
    largest = families(mill, count=10).largest
    kept = keepers(mill, [family.id for family in largest])
    texts = {row["id"]: row["text"] for table in tables(mill, "clean", "texts") for row in table.to_pylist()}
    assert kept.keys() == {family.id for family in largest}
    for name, keeper in kept.items():
        assert keeper.text == texts[name]
        assert keeper.language in {"Python", "Wikipedia (en)", "Github"}
        assert ":" in keeper.place


def test_what_redaction_would_take_is_masked_in_samples(finished_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.report_duplicates as page

    mill = reopen_mill(str(finished_work))
    found = keepers(mill, [family.id for family in families(mill, count=10).largest])
    leaking = {name: one._replace(text="by someone@company.org <b>\x1b[31m\n") for name, one in found.items()}
    monkeypatch.setattr(page, "keepers", lambda *_: leaking)
    parts = "".join(part for part in duplicates_section(of_run(mill)).parts if isinstance(part, str))
    assert "someone@company.org" not in parts
    assert f"by {MASK} &lt;b&gt;�[31m" in parts
