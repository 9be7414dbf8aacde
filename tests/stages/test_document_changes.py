from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.decision import decisions_table
from manifests.document import Rejected
from manifests.errors import IntegrityError
from stages import document_changes
from stages.document_changes import COLUMNS, Changed, DocumentTables
from stages.released_documents import RELEASED_DOCUMENTS

SCHEMA = pa.schema([RELEASED_DOCUMENTS.field(name) for name in COLUMNS])


def row(name: object, **changed: object) -> dict[str, Any]:
    said = {
        "kind": "code",
        "source": "stack",
        "subset": "",
        "language": "C",
        "licence": "MIT",
        "rewrite": "",
        "held_out": False,
        "num_bytes": 100,
        "tokens": 40,
        "copies": 1,
    }
    return {"doc_id": sha256(str(name).encode()).hexdigest()[:32], **said, **changed}


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def changes(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], **options: Any) -> list[Changed]:
    with DocumentTables() as tables:
        tables.add_old([table(old)])
        tables.add_new([table(new)])
        return list(tables.changes(**options))


def test_documents_that_came_went_stayed_and_changed() -> None:
    old = [row(1), row(2), row(3), row(4, language="Go")]
    new = [row(2), row(3, licence="ISC", num_bytes=99), row(4, language="Go"), row(5), row(6)]
    found = changes(old, new)
    assert sorted((one.old is None, one.new is None, one.differs, one.documents) for one in found) == [
        (False, False, (), 1),
        (False, False, (), 1),
        (False, False, ("licence", "num_bytes"), 1),
        (False, True, (), 1),
        (True, False, (), 2),
    ]
    came = next(one for one in found if one.old is None)
    assert came.new_sums == {"num_bytes": 200, "tokens": 80, "copies": 2}
    changed = next(one for one in found if one.differs)
    assert (changed.old or {})["licence"] == "MIT"
    assert (changed.new or {})["licence"] == "ISC"


def test_numbers_that_are_not_compared_change_nothing() -> None:
    assert changes([row(1)], [row(1, tokens=41)])[0].differs == ("tokens",)
    assert changes([row(1)], [row(1, tokens=41)], compared=["num_bytes", "copies"])[0].differs == ()
    assert changes([row(1)], [row(1, tokens=41, held_out=True)], compared=[])[0].differs == ("held_out",)


documents = st.dictionaries(
    st.integers(0, 9),
    st.tuples(st.sampled_from(["C", "Go"]), st.sampled_from(["MIT", "ISC"]), st.integers(1, 2), st.booleans()),
    max_size=10,
)


@settings(max_examples=8)
@given(documents, documents)
def test_every_document_is_counted_once_and_as_what_it_is(old: dict[int, Any], new: dict[int, Any]) -> None:
    def rows(of: dict[int, Any]) -> Iterator[dict[str, Any]]:
        for name, (language, licence, tokens, held_out) in of.items():
            yield row(name, language=language, licence=licence, tokens=tokens, held_out=held_out)

    found = changes(list(rows(old)), list(rows(new)))
    assert sum(one.documents for one in found if one.old is None) == len(new.keys() - old.keys())
    assert sum(one.documents for one in found if one.new is None) == len(old.keys() - new.keys())
    both = old.keys() & new.keys()
    assert sum(one.documents for one in found if one.differs) == sum(old[name] != new[name] for name in both)
    assert sum(one.documents for one in found) == len(old.keys() | new.keys())
    assert sum(one.new_sums["tokens"] for one in found) == sum(values[2] for values in new.values())
    assert sum(one.old_sums["tokens"] for one in found) == sum(values[2] for values in old.values())


def test_tables_without_rows() -> None:
    assert changes([], []) == []
    assert [one.documents for one in changes([], [row(1)])] == [1]


def test_why_documents_are_gone_is_the_last_decision_on_them() -> None:
    old = [row(number) for number in range(5)]
    with DocumentTables() as tables:
        tables.add_old([table(old)])
        tables.add_new([table(old[:1])])
        decisions = [
            [
                (old[0], "read", "repeated_row"),
                (old[1], "read", "repeated_row"),
                (old[2], "licence", "unknown_in_header"),
            ],
            [(old[1], "filter", "num_words_below_minimum"), (old[3], "filter", "num_words_below_minimum")],
        ]
        made = [
            decisions_table(
                [Rejected(one["doc_id"], stage, reason, shard="s", row=0, num_bytes=1) for one, stage, reason in part]
            )
            for part in decisions
        ]
        made.append(decisions_table([Rejected("", "read", "not_json", shard="s", row=1, num_bytes=1)]))
        assert list(tables.reasons(made)) == [
            ("filter", "num_words_below_minimum", 2, 200),
            ("licence", "unknown_in_header", 1, 100),
        ]


@pytest.mark.parametrize("changed", [{"doc_id": "no id"}, {"doc_id": ""}, {"num_bytes": (1 << 63) - 1}])
def test_what_is_no_table_of_documents_is_told(changed: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as caught:
        changes([row(1) | changed, row(2, num_bytes=5)], [])
    assert caught.value.hint


def test_more_classes_than_memory_should_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_changes, "MAXIMUM_CLASSES", 3)
    changes([row(n, licence=str(n)) for n in range(3)], [])
    with pytest.raises(IntegrityError, match="at most 3 classes"):
        changes([row(n, licence=str(n)) for n in range(4)], [])
