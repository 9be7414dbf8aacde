"""Evidence whose path is that of a removed file."""

import pyarrow as pa
import pytest

from filters.licence_evidence import Evidence, EvidenceKind
from filters.licence_policy import MAXIMUM_WHERE
from stages.attribution import ATTRIBUTION
from stages.evidence_paths import without_names, without_paths

LONG = ", ".join(f"{n}/LICENSE" for n in range(100))[:MAXIMUM_WHERE]


@pytest.mark.parametrize(
    ("where", "paths", "expected"),
    [
        ("LICENSE", {"LICENSE"}, "(removed)"),
        ("LICENSE", {"/LICENSE"}, "(removed)"),
        ("LICENSE", {"LICENSE-MIT", "ICENSE", "a/LICENSE"}, "LICENSE"),
        ("COPYING, LICENSE, NOTICE", {"LICENSE"}, "COPYING, (removed), NOTICE"),
        ("LICENSE, LICENSE-MIT", {"LICENSE", "LICENSE-MIT"}, "(removed), (removed)"),
        ("a, b/LICENSE, NOTICE", {"a, b/LICENSE", "b/LICENSE"}, "(removed), NOTICE"),
        ("(removed)", {"(removed)"}, "(removed)"),
        (LONG, {"28/LICENSE", "3/LIC"}, LONG.replace("28/LICENSE", "(removed)")),
        ("a" * MAXIMUM_WHERE, {"a" * (MAXIMUM_WHERE + 9)}, "(removed)"),
        ("(removed), vendor/secr", {"vendor/secret/LICENSE"}, "(removed), (removed)"),
    ],
)
def test_paths_give_way_to_a_word_alone_among_others_and_cut(where: str, paths: set[str], expected: str) -> None:
    assert without_names(where, paths) == expected


def test_what_a_long_place_ends_with_goes_by_its_beginning() -> None:
    last = LONG.rpartition(", ")[2]
    assert without_names(LONG, {f"{last}-and-more"}) == LONG.removesuffix(last) + "(removed)"


def _row(repository: str, *pieces: tuple[EvidenceKind, str]) -> dict[str, object]:
    evidence = [
        {"id": piece.id, "kind": kind, "expression": "MIT", "where": where, "confidence": 0.5}
        for kind, where in pieces
        for piece in [Evidence(kind, "MIT", where, 0.5)]
    ]
    return dict.fromkeys(ATTRIBUTION.names, "") | {
        "repository": repository,
        "evidence": evidence,
        "copyright": [],
    }


def test_only_evidence_of_files_of_the_same_repository_changes() -> None:
    def table(word: str) -> pa.Table:
        rows = [
            _row("other/repo", ("licence_file", "LICENSE")),
            _row("lic/repo", ("header", "LICENSE"), ("licence_file", word), ("metadata", "LICENSE")),
            _row("lic/repo", ("manifest", "package.json")),
            _row("", ("source", "LICENSE")),
        ]
        return pa.Table.from_pylist(rows, schema=ATTRIBUTION)

    before = table("LICENSE")
    assert without_paths(before, {"lic/repo": {"LICENSE"}}).equals(table("(removed)"))
    assert without_paths(before, {"lic/repo": {"NOTICE"}, "x/y": {"LICENSE"}}) is before
