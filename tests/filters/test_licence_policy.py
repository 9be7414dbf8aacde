from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_evidence import Evidence, header_evidence, metadata_evidence
from filters.licence_policy import KINDS, UNREADABLE, LicencePolicy, licence_reasons
from filters.licence_sets import licence_category

POLICY = LicencePolicy(frozenset({"permissive"}), frozenset({"open-content", "share-alike"}))
REFERENCE = "LicenseRef-scancode-unknown-license-reference"


def header(expression: str, line: int = 1) -> Evidence:
    return Evidence("header", expression, f"line {line}")


def licence_file(expression: str, path: str = "LICENSE") -> Evidence:
    return Evidence("licence_file", expression, path, 0.9)


def manifest(expression: str) -> Evidence:
    return Evidence("manifest", expression, "Cargo.toml")


def metadata(expression: str) -> Evidence:
    return Evidence("metadata", expression, "detected_licenses")


def source(expression: str) -> Evidence:
    return Evidence("source", expression, "recipe")


# One piece


def test_kept_document_records_its_choice() -> None:
    decision = POLICY.decide([header("GPL-2.0-only OR mit")])
    assert (decision.licence, decision.rejected, decision.taints) == ("MIT", None, "")
    assert decision.detail == "header line 1: GPL-2.0-only OR mit (chosen: MIT)"


@pytest.mark.parametrize(
    ("piece", "reason", "taints"),
    [
        (header("GPL-3.0-only"), "copyleft_in_header", "header"),
        (header("MIT AND CC-BY-NC-4.0"), "proprietary_in_header", "header"),
        (header("Example-1.0"), "unknown_in_header", ""),
        (header("JSON"), "not_allowed_in_header", ""),
        (licence_file("GPL-3.0-only"), "copyleft_in_licence_file", "lies_in"),
        (manifest("BUSL-1.1"), "proprietary_in_manifest", "lies_in"),
        (metadata("MPL-2.0 AND MIT"), "copyleft_in_metadata", "lies_in"),
        (metadata("LicenseRef-scancode-unknown"), "unknown_in_metadata", ""),
        (source("CC-BY-NC-4.0"), "proprietary_in_source", ""),
        (header("MIT OR"), "unreadable_licence_expression", ""),
    ],
)
def test_reason_names_what_is_wrong_and_where(piece: Evidence, reason: str, taints: str) -> None:
    decision = POLICY.decide([piece])
    assert (decision.licence, decision.rejected, decision.taints) == ("", reason, taints)
    assert piece.where in decision.detail


def test_detail_names_what_is_not_allowed() -> None:
    assert POLICY.decide([metadata("MIT AND GPL-3.0-only")]).detail == (
        "metadata detected_licenses: MIT AND GPL-3.0-only (not allowed: GPL-3.0-only)"
    )


def test_detail_of_an_unreadable_header_holds_none_of_its_text() -> None:
    assert "pass word" not in POLICY.decide([header("pass word")]).detail


# Several pieces


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([header("GPL-3.0-only"), metadata("MIT")], "copyleft_in_header"),
        ([header("GPL-3.0-only"), metadata("BUSL-1.1")], "copyleft_in_header"),
        ([header("BUSL-1.1"), header("GPL-3.0-only", 9)], "copyleft_in_header"),
        ([header("MIT OR"), header("GPL-3.0-only", 9)], "copyleft_in_header"),
        ([header("MIT"), metadata("GPL-3.0-only")], "metadata_contradicts_header"),
        ([header("MIT"), licence_file("GPL-3.0-only"), metadata("GPL-3.0-only")], "licence_file_contradicts_header"),
        ([header("MIT"), manifest("JSON")], "manifest_contradicts_header"),
        ([header("MIT"), source("CC-BY-NC-4.0")], "source_contradicts_header"),
        ([header("MIT"), metadata("MIT OR")], "unreadable_licence_expression"),
        ([licence_file("MIT"), metadata("GPL-3.0-only")], "copyleft_in_metadata"),
        ([licence_file("BUSL-1.1"), metadata("GPL-3.0-only")], "proprietary_in_licence_file"),
        ([header(REFERENCE), licence_file("GPL-3.0-only")], "copyleft_in_licence_file"),
        ([header(REFERENCE), source("NONE")], "no_licence_found"),
    ],
)
def test_one_bad_piece_of_evidence_is_enough(pieces: list[Evidence], reason: str) -> None:
    assert POLICY.decide(pieces).rejected == reason


def test_strongest_evidence_concludes() -> None:
    pieces = [source("CC0-1.0"), metadata("Apache-2.0"), manifest("Zlib"), licence_file("ISC"), header("MIT")]
    assert [POLICY.decide(pieces[:count]).licence for count in (1, 2, 3, 4, 5)] == [
        "CC0-1.0",
        "Apache-2.0",
        "Zlib",
        "ISC",
        "MIT",
    ]


def test_pieces_of_the_same_kind_are_all_concluded() -> None:
    assert POLICY.decide([licence_file("MIT"), licence_file("ISC", "third_party/LICENSE")]).licence == "ISC AND MIT"


def test_declared_is_what_the_strongest_surroundings_say_as_written() -> None:
    pieces = [header("MIT"), licence_file("isc OR MIT"), licence_file("Zlib", "b/LICENSE"), metadata("Apache-2.0")]
    assert POLICY.decide(pieces).declared == "(isc OR MIT) AND Zlib"
    assert POLICY.decide([header("MIT")]).declared == ""
    assert POLICY.decide([header("GPL-2.0-only"), metadata("mit")]).declared == "mit"
    assert POLICY.decide([licence_file("MIT OR"), metadata("mit")]).declared == "mit"


def test_header_that_names_no_licence_is_passed_over() -> None:
    decision = POLICY.decide([header(REFERENCE), licence_file("MIT")])
    assert (decision.licence, decision.rejected) == ("MIT", None)


@pytest.mark.parametrize("pieces", [[], [metadata("NOASSERTION"), header("none")], [metadata("")], [header(REFERENCE)]])
def test_without_a_licence_the_recipe_decides(pieces: list[Evidence]) -> None:
    assert POLICY.decide(pieces).rejected == "no_licence_found"
    kept = replace(POLICY, no_licence="keep").decide(pieces)
    assert (kept.licence, kept.rejected, kept.declared) == ("NOASSERTION", None, "")


def test_finding_that_is_no_licence_is_passed_over_beside_one() -> None:
    evidence = metadata_evidence([REFERENCE, "MIT"], None)
    assert evidence is not None
    assert POLICY.decide([evidence]).licence == "MIT"


# Contradictions


def test_header_is_preferred_where_the_recipe_says_so() -> None:
    policy = replace(POLICY, conflict="prefer_header")
    decision = policy.decide([header("MIT"), metadata("GPL-3.0-only"), licence_file("EPL-2.0")])
    assert (decision.licence, decision.rejected, decision.declared) == ("MIT", None, "EPL-2.0")
    assert decision.taints == "lies_in"
    assert "not allowed: GPL-3.0-only" in policy.decide([header("MIT"), metadata("ISC AND GPL-3.0-only")]).detail
    assert policy.decide([header("GPL-3.0-only"), metadata("MIT")]).rejected == "copyleft_in_header"
    assert policy.decide([header(REFERENCE), metadata("GPL-3.0-only")]).rejected == "copyleft_in_metadata"


def test_contradiction_is_set_apart_where_the_recipe_says_so() -> None:
    policy = replace(POLICY, conflict="quarantine")
    decision = policy.decide([header("MIT"), metadata("GPL-3.0-only")])
    assert decision.rejected == "quarantined_metadata_contradicts_header"
    assert "header line 1: MIT" in decision.detail
    assert policy.decide([metadata("GPL-3.0-only")]).rejected == "copyleft_in_metadata"


@pytest.mark.parametrize("explaining", [manifest, header])
@pytest.mark.parametrize("explained", [licence_file, metadata])
def test_texts_of_a_choice_are_explained_by_it(explaining: object, explained: object) -> None:
    assert callable(explaining)
    assert callable(explained)
    pieces = [explaining("MIT OR GPL-2.0-only"), explained(f"MIT AND GPL-2.0-only AND {REFERENCE}")]
    decision = POLICY.decide(pieces)
    assert (decision.licence, decision.rejected, decision.taints) == ("MIT", None, "")
    assert f"(explained by {pieces[0].kind} {pieces[0].where})" in decision.detail
    assert POLICY.decide([*pieces, explained("GPL-3.0-only")]).rejected is not None


@pytest.mark.parametrize(
    "pieces",
    [
        [manifest("MIT OR GPL-2.0-only"), licence_file("MIT AND GPL-3.0-only")],
        [manifest("MIT AND GPL-2.0-only"), licence_file("MIT AND GPL-2.0-only")],
        [manifest("GPL-3.0-only OR GPL-2.0-only"), licence_file("GPL-2.0-only")],
        [licence_file("MIT OR GPL-2.0-only"), metadata("MIT AND GPL-2.0-only")],
        [header("MIT OR GPL-2.0-only"), manifest("GPL-2.0-only")],
        [manifest("MIT OR GPL-2.0-only"), header("GPL-2.0-only")],
    ],
)
def test_only_a_choice_that_can_be_made_explains_a_list_of_texts(pieces: list[Evidence]) -> None:
    assert POLICY.decide(pieces).rejected is not None


def test_choice_of_a_manifest_concludes_before_the_texts_of_its_branches() -> None:
    assert POLICY.decide([manifest("MIT OR Apache-2.0"), licence_file("MIT AND Apache-2.0")]).licence == "Apache-2.0"


# Lists


def test_text_may_have_more_licences_than_code() -> None:
    pieces = [source("CC-BY-SA-4.0")]
    assert POLICY.decide(pieces).rejected == "copyleft_in_source"
    assert POLICY.decide(pieces, kind="text").licence == "CC-BY-SA-4.0"
    assert POLICY.decide([source("MIT")], kind="text").licence == "MIT"


def test_deny_wins_over_every_set() -> None:
    policy = replace(POLICY, deny=frozenset({"WTFPL", "share-alike"}))
    assert policy.decide([header("wtfpl")]).rejected == "not_allowed_in_header"
    assert policy.decide([header("WTFPL OR MIT")]).licence == "MIT"
    assert policy.decide([source("CC-BY-SA-4.0")], kind="text").rejected == "copyleft_in_source"


def test_category_may_be_allowed() -> None:
    policy = LicencePolicy(frozenset({"permissive", "category:copyleft-limited"}))
    decision = policy.decide([header("LGPL-2.1-only"), metadata("MIT")])
    assert (decision.licence, decision.taints) == ("LGPL-2.1-only", "")
    assert policy.decide([header("GPL-2.0-only")]).rejected == "copyleft_in_header"


def test_unknown_entry_of_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match="permissive"):
        LicencePolicy(frozenset({"permisive"})).decide([])


def test_policies_do_not_share_conclusions() -> None:
    assert LicencePolicy(frozenset({"ISC"})).decide([header("MIT")]).rejected
    assert not LicencePolicy(frozenset({"MIT"})).decide([header("MIT")]).rejected


def test_policies_with_the_same_lists_are_equal_after_use() -> None:
    used = LicencePolicy(frozenset({"MIT"}))
    used.decide([header("MIT")])
    assert used == LicencePolicy(frozenset({"MIT"}))
    assert hash(used) == hash(LicencePolicy(frozenset({"MIT"})))


# Laws


LEAVES = st.sampled_from(["MIT", "isc", "Apache-2.0", "GPL-3.0-only", "MPL-2.0", "BUSL-1.1", "JSON", "Foo", REFERENCE])
EXPRESSIONS = st.one_of(
    LEAVES,
    st.lists(LEAVES, min_size=2, max_size=3).map(" OR ".join),
    st.lists(LEAVES, min_size=2, max_size=3).map(" AND ".join),
    st.sampled_from(["MIT OR", "", "NONE"]),
)
PIECES = st.builds(Evidence, st.sampled_from(KINDS), EXPRESSIONS, st.sampled_from(["a", "b"]))
POLICIES = st.builds(
    LicencePolicy,
    st.just(frozenset({"permissive"})),
    deny=st.sampled_from([frozenset(), frozenset({"MIT"}), frozenset({"category:unstated-license"})]),
    no_licence=st.sampled_from(["reject", "keep"]),
    conflict=st.sampled_from(["reject", "prefer_header", "quarantine"]),
)


@given(POLICIES, st.lists(PIECES, max_size=5), st.randoms())
def test_order_of_the_evidence_does_not_matter(policy: LicencePolicy, pieces: list[Evidence], random: object) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert policy.decide(shuffled + pieces) == policy.decide(pieces)


@given(POLICIES, st.lists(PIECES, max_size=4), PIECES)
def test_a_failing_piece_never_gets_a_rejected_document_kept(
    policy: LicencePolicy, pieces: list[Evidence], more: Evidence
) -> None:
    if policy.decide(pieces).rejected is not None and policy.decide([more]).rejected is not None:
        assert policy.decide([*pieces, more]).rejected is not None


@given(st.lists(PIECES, max_size=5))
def test_strict_policy_keeps_nothing_that_a_lenient_one_rejects(pieces: list[Evidence]) -> None:
    lenient = replace(POLICY, conflict="prefer_header", no_licence="keep")
    if POLICY.decide(pieces).rejected is None:
        assert lenient.decide(pieces).licence == POLICY.decide(pieces).licence


@given(POLICIES, st.lists(PIECES, max_size=5))
def test_decisions_are_consistent(policy: LicencePolicy, pieces: list[Evidence]) -> None:
    decision = policy.decide(pieces)
    assert (decision.licence == "") == (decision.rejected is not None)
    assert decision.rejected is None or decision.rejected in licence_reasons()
    assert decision.taints != "header" or decision.rejected is not None
    for licence in decision.licence.split(" AND "):
        assert licence in ("", "NOASSERTION") or licence_category(licence) == "Permissive"
        assert licence != "MIT" or "MIT" not in policy.deny
    assert decision == replace(policy).decide(pieces)


WORDS = st.sampled_from(["MIT", "GPL-3.0-only", "and", "OR", "with", "(", ")", "+", ":", "/", "\ud800", " "])


@given(POLICIES, st.lists(PIECES, max_size=5), st.sampled_from(["code", "text"]))
def test_what_a_policy_concludes_it_allows(
    policy: LicencePolicy, pieces: list[Evidence], kind: Literal["code", "text"]
) -> None:
    decision = policy.decide(pieces, kind=kind)
    assert decision.rejected or policy.allows(decision.licence, kind=kind)


def test_a_licence_is_allowed_where_each_part_is_and_no_choice_is_left() -> None:
    strict = LicencePolicy(frozenset(["permissive"]), frozenset(["share-alike"]), frozenset(["BSD-4-Clause"]))
    assert strict.allows("Apache-2.0 AND MIT")
    assert strict.allows("CC-BY-SA-4.0", kind="text")
    for licence in ("CC-BY-SA-4.0", "MIT AND GPL-3.0-only", "MIT OR ISC", "BSD-4-Clause", "NOASSERTION", "", "(MIT"):
        assert not strict.allows(licence), licence
    assert replace(strict, no_licence="keep").allows("NOASSERTION")


@given(st.one_of(st.text(st.characters()), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_expression_gets_a_decision(expression: str) -> None:
    evidence = header_evidence("SPDX-License-" + f"Identifier: {expression}")
    for piece in (header(expression), metadata(expression), evidence):
        if piece is not None:
            decision = POLICY.decide([piece])
            assert (decision.licence == "") == (decision.rejected is not None)


@pytest.mark.parametrize(
    "expression",
    ["(" * 10_000_000, "MIT OR " * 1_000_000, "x" * 20_000_000, "\0" * 1_000_000, " " * 10_000_000, "MIT OR " * 280],
)
def test_hostile_expression_is_rejected_with_a_short_detail(expression: str) -> None:
    for piece in (header(expression), metadata(expression), licence_file("MIT", expression)):
        decision = POLICY.decide([piece, metadata("GPL-2.0-only")])
        assert decision.rejected is not None
        assert len(decision.detail) < 1_001
        assert len(decision.declared) < 10_000


def test_reasons_are_named_once() -> None:
    assert len(set(licence_reasons())) == len(licence_reasons()) == 5 * 4 + 4 + 4 + 2


def test_a_manifest_explains_no_licence_of_a_package_below_it() -> None:
    choice = Evidence("manifest", "MIT OR GPL-3.0-only", "package.json")
    own = [choice, Evidence("licence_file", "GPL-3.0-only AND MIT", "LICENSE-GPL, LICENSE-MIT")]
    assert POLICY.decide(own).licence == "MIT"
    for where in ("vendor/x/LICENSE", "LICENSE-MIT, vendor/x/LICENSE", "p/" * 250 + "LICENSE"):
        vendored = Evidence("licence_file", "GPL-3.0-only AND MIT", where)
        row = Evidence("metadata", "GPL-3.0-only AND MIT", "detected_licenses")
        assert POLICY.decide([choice, vendored, row]).rejected == "copyleft_in_licence_file"
    below = [
        Evidence("manifest", "MIT OR GPL-3.0-only", "a/b/Cargo.toml"),
        Evidence("licence_file", "GPL-3.0-only AND MIT", "a/L"),
    ]
    assert POLICY.decide(below).licence == "MIT"


@pytest.mark.parametrize("kind", ["licence_file", "metadata"])
def test_a_choice_explains_only_texts_among_which_is_the_chosen_one(kind: str) -> None:
    choice = Evidence("manifest", "MIT OR GPL-3.0-only", "package.json")
    assert POLICY.decide([choice, Evidence(kind, "GPL-3.0-only", "LICENSE")]).rejected == f"copyleft_in_{kind}"  # type: ignore[arg-type]


def test_what_cannot_be_read_is_not_overruled() -> None:
    preferring = LicencePolicy(frozenset({"MIT"}), conflict="prefer_header")
    pieces = [Evidence("header", "MIT", "line 1"), Evidence("metadata", "Apache 2", "detected_licenses")]
    assert preferring.decide(pieces).rejected == UNREADABLE
