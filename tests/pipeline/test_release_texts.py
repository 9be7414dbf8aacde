import re
import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_words import licence_words
from manifests.ledger import Ledger
from manifests.release import CHAIN, DocumentClass, Manifest
from manifests.release_packing import ContextLength, PackingFigures, ReleasePacking
from manifests.storage import Storage
from pipeline.release_card import card
from pipeline.release_texts import summary


@pytest.fixture(scope="module")
def manifest(small_release: Path) -> Manifest:
    return Manifest.read(Storage(str(small_release)))


def cells(line: str) -> list[str]:
    """What GitHub's tables take for cells: a backslash hides the character after it."""
    assert line.startswith("|")
    return re.findall(r"((?:\\.|[^|\\])*)\|", line[1:])


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading, its head first."""
    section = text.partition(f"## {heading}\n\n")[2].partition("\n\n")[0]
    rows = [cells(line) for line in section.splitlines()]
    return [[cell.strip() for cell in row] for number, row in enumerate(rows) if number != 1]


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_the_texts_of_a_release_are_those_of_its_manifest(manifest: Manifest, small_release: Path) -> None:
    assert (small_release / "SUMMARY.md").read_text() == summary(manifest)
    assert (small_release / "README.md").read_text() == card(manifest)


def test_every_table_is_a_table(manifest: Manifest) -> None:
    for block in summary(manifest).split("\n\n"):
        if block.startswith("|"):
            assert len({len(cells(line)) for line in block.splitlines()}) == 1


def test_the_funnel_has_every_pass_and_narrows(manifest: Manifest) -> None:
    head, *rows = table(summary(manifest), "Funnel")
    assert head == ["step", "read", "kept", "rejected", "failed", "bytes kept"]
    assert [row[0] for row in rows] == list(CHAIN)
    for (_, read, kept, rejected, failed, _), following in zip(rows, [*rows[1:], None], strict=True):
        assert number(read) == number(kept) + number(rejected) + number(failed)
        assert following is None or number(following[1]) == number(kept)


def test_every_reason_is_counted(manifest: Manifest) -> None:
    _, *rows = table(summary(manifest), "Why documents were rejected")
    shown = {f"{stage}/{reason}": number(documents) for _, stage, reason, documents, _ in rows}
    ledgers = [Ledger.from_json(manifest.ledgers[step]) for step in CHAIN]
    assert shown == {key: tally.documents for ledger in ledgers for key, tally in ledger.rejected.items()}
    assert "licence/copyleft_in_metadata" in shown


@pytest.mark.parametrize("heading", ["Licences", "Kinds of licence", "Subsets", "Languages"])
def test_parts_add_up_to_the_release(manifest: Manifest, heading: str) -> None:
    head, *rows = table(summary(manifest), heading)
    documents, tokens = (head.index(name) for name in ("documents", "tokens"))
    assert sum(number(row[documents]) for row in rows) == sum(row.documents for row in manifest.documents)
    assert sum(number(row[tokens]) for row in rows) == sum(manifest.mixture.reached_tokens.values())


def test_parts_add_up_where_not_all_are_shown(manifest: Manifest) -> None:
    many = _with(manifest, [_class(licence=f"LicenseRef-{n}", documents=n, tokens=n) for n in range(1, 41)])
    _, *rows = table(summary(many), "Licences")
    assert len(rows) == 21
    assert rows[0][0] == "LicenseRef-40"
    assert rows[-1][:3] == ["(20 more)", "", ""]
    assert sum(number(row[3]) for row in rows) == sum(range(41))


def test_every_licence_is_told_with_its_kind_and_what_it_is(manifest: Manifest) -> None:
    classes = [
        _class(licence="MIT"),
        _class(licence="MIT", kind="text", tokens=2),
        _class(licence="CC-BY-SA-4.0", kind="text", tokens=3),
        _class(licence="NOASSERTION", kind="text", documents=4, tokens=4),
        _class(licence="MPL-2.0", tokens=5),
    ]
    text = summary(_with(manifest, classes))
    assert [row[:3] for row in table(text, "Licences")[1:]] == [
        ["MPL-2.0", "code", "copyleft limited"],
        ["NOASSERTION", "text", "no evidence"],
        ["CC-BY-SA-4.0", "text", "share-alike"],
        ["MIT", "text", "permissive"],
        ["MIT", "code", "permissive"],
    ]
    meanings = {row[0]: row[-1] for row in table(text, "Kinds of licence")}
    assert "goes under the same licence" in meanings["share-alike"]
    assert "the recipe allows it" in meanings["copyleft limited"]
    assert "no_licence: keep" in meanings["no evidence"]


def test_a_release_under_permissive_licences_says_nothing_of_copyleft(manifest: Manifest) -> None:
    assert [row[0] for row in table(summary(manifest), "Kinds of licence")[1:]] == ["permissive"] * 2
    assert "copyleft" not in summary(manifest).partition("## Licences")[2].partition("## Documents without")[0]


def test_licence_rejections_stand_apart(manifest: Manifest) -> None:
    ledgers = manifest.ledgers | {"clean": _account("licence/tainted_by_copy", "deduplicate/near_duplicate")}
    text = summary(msgspec.structs.replace(manifest, ledgers=ledgers))
    head, *rows = table(text, "Documents without an acceptable licence")
    assert head == ["pass", "stage", "reason", "documents", "bytes"]
    assert {row[1] for row in rows} == {"licence"}
    assert ["2 decide, 3 clean", "licence", "tainted_by_copy", "2", "20"] in rows
    assert len(rows) == 1 + sum(
        key.startswith("licence/") for key in Ledger.from_json(manifest.ledgers["judge"]).rejected
    )


def test_replacements_are_told_by_source_most_first(manifest: Manifest) -> None:
    redactions = {"a|b": {"email/address": 7, "secret/aws": 1_000}, "texts": {"iban/iban": 2}}
    changed = msgspec.structs.replace(manifest, redactions=redactions, redacted_documents={"a|b": 5, "texts": 1})
    text = summary(changed)
    head, *rows = table(text, "Redactions")
    assert head == ["source", "kind/rule", "replacements"]
    assert rows == [
        ["a\\|b (5 documents)", "secret/aws", "1,000"],
        ["", "email/address", "7"],
        ["texts (1 document)", "iban/iban", "2"],
    ]
    kept = Ledger.from_json(manifest.ledgers["clean"]).kept.documents
    assert f"Of {kept:,} documents that clean kept, 6 had something replaced." in text


def test_what_is_not_known_is_counted_by_kind(manifest: Manifest) -> None:
    unknown = {name: {"code": 1, "text": 2000} for name in manifest.not_known}
    head, *rows = table(summary(msgspec.structs.replace(manifest, not_known=unknown)), "What is not known")
    assert head == ["of documents in the release", "code", "text", "together"]
    assert [row[1:] for row in rows] == [["1", "2,000", "2,001"]] * len(unknown)
    assert "(NOASSERTION)" in rows[0][0]


def test_the_mixture_says_what_was_asked_for_and_what_was_reached(manifest: Manifest) -> None:
    _, *rows = table(summary(manifest), "Mixture")
    shown = {row[0]: row[1:] for row in rows}
    total = sum(manifest.mixture.reached_tokens.values())
    for kind, share in manifest.mixture.shares.items():
        reached = manifest.mixture.reached_tokens[kind]
        assert shown[kind][:3] == [f"{share:.2%}", f"{reached / total:.4%}", f"{reached:,}"]


def test_a_release_of_fewer_tokens_than_asked_for_says_so(manifest: Manifest) -> None:
    total = sum(manifest.mixture.reached_tokens.values())
    assert "tokens were asked for" not in summary(manifest)
    for wanted, is_short in ((2 * total, True), (total + 1, False)):
        recipe = manifest.recipe | {"mixture": {"tokens": wanted}}
        asked = msgspec.structs.replace(manifest, recipe=recipe)
        assert (f"**Warning:** {wanted:,} tokens were asked for" in summary(asked)) is is_short
        again = msgspec.structs.replace(asked, packed_from="0" * 64)
        assert "tokens were asked for" not in summary(again)


def test_a_second_set_says_that_texts_lie_elsewhere(manifest: Manifest) -> None:
    text = summary(msgspec.structs.replace(manifest, packed_from="0" * 64))
    assert "`texts/` has" in summary(manifest)
    assert "`texts/` has" not in text
    assert "`attribution/` has" not in text
    assert "Texts and attribution lie in the release" in text


def test_domains_have_a_table_where_there_are_any(manifest: Manifest) -> None:
    assert "## Mixture by domain" not in summary(manifest)
    code, text = manifest.mixture.domains
    wiki = msgspec.structs.replace(
        text, name="Wikipedia (en)", published=0.0153, share=0.25, epochs=3.0, target_tokens=5, reached_tokens=4
    )
    mixture = msgspec.structs.replace(manifest.mixture, domains=[code, text, wiki])
    _, *rows = table(summary(msgspec.structs.replace(manifest, mixture=mixture)), "Mixture by domain")
    assert [row[1] for row in rows] == ["(the rest)", "(the rest)", "Wikipedia (en)"]
    estimated, reached = f"{text.estimated_tokens:,}", 4 / manifest.mixture.reached_tokens["text"]
    assert rows[2] == ["text", "Wikipedia (en)", "1.53%", "25.00%", "3", estimated, "5", "4", f"{reached:.2%}"]


def test_units_that_were_left_out_are_told(manifest: Manifest) -> None:
    text = summary(msgspec.structs.replace(manifest, failed_units=["files/part-1: cut"]))
    assert "**Left out:** files/part-1: cut" in text


def test_a_release_of_nothing_has_texts(manifest: Manifest) -> None:
    nothing = msgspec.structs.replace(manifest.mixture, reached_tokens={"code": 0, "text": 0})
    figures = {mode: {"code": PackingFigures(), "text": PackingFigures()} for mode in ("best_fit", "concat")}
    lengths = [ContextLength(128, figures), ContextLength(512, figures)]
    packing = ReleasePacking("best_fit", {"code": 0, "text": 0}, {}, lengths)
    empty = msgspec.structs.replace(manifest, documents=[], mixture=nothing, packing=packing)
    assert "0 tokens of 0 documents" in summary(empty)
    assert "0 tokens of 0 documents" in card(empty)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("|`<>\\\n\r\x1b\u202e[](){}!#*&"), max_size=130))
def test_a_name_from_the_data_stays_in_its_cell(manifest: Manifest, name: str) -> None:
    named = msgspec.structs.replace(manifest, licence_words={name: name})
    text = summary(msgspec.structs.replace(named, documents=[_class(licence=name, subset=name, language=name)]))
    for heading in ("Licences", "Kinds of licence", "Subsets", "Languages"):
        head, *rows = table(text, heading)
        assert len(rows) == 1
        assert len(rows[0]) == len(head)
        assert not {unicodedata.category(c) for c in rows[0][0]} & {"Cc", "Cf", "Zl", "Zp"}
        assert "<" not in rows[0][0]
        assert "`" not in rows[0][0]
        assert re.search(r"(?<!\\)(?:\\\\)*\[", rows[0][0]) is None, "no link, no image"


def test_a_path_from_the_data_stays_on_its_line(manifest: Manifest) -> None:
    text = summary(msgspec.structs.replace(manifest, failed_units=["a\n\n# owned <script>\x1b[31m"]))
    assert "\n# owned" not in text
    assert "<script>" not in text
    assert "\x1b" not in text


def test_the_card_says_how_to_load_it(manifest: Manifest) -> None:
    text = card(manifest)
    assert text.startswith(f"---\npretty_name: {manifest.name}\n")
    assert "data_files: data/*.parquet" in text
    assert "| `input_ids` | list<int32> | 128 token ids of one kind of document |" in text
    assert "- config_name: tokens-512\n  data_files: data-512/*.parquet\n" in text
    assert "`data-512/` and `positions-512/` hold the same documents in sequences of 512 tokens." in text
    assert manifest.tokenizer.sha256 in text
    assert "`attribution/`" in text


def test_the_card_names_the_control_tokens_of_the_forms(manifest: Manifest) -> None:
    packing = msgspec.structs.replace(manifest.packing, forms={"file": 5, "fim_psm": 3})
    text = card(msgspec.structs.replace(manifest, packing=packing))
    assert "Documents are rendered as files or as `fim_psm`: " in text
    assert f"`<|fim_prefix|>` {manifest.tokenizer.template_ids['<|fim_prefix|>']}" in text
    alone = msgspec.structs.replace(manifest.packing, forms={"file": 8})
    assert "are rendered as" not in card(msgspec.structs.replace(manifest, packing=alone))


def test_rows_that_are_not_packed_are_said_to_be_of_any_length(manifest: Manifest) -> None:
    text = card(msgspec.structs.replace(manifest, packing=msgspec.structs.replace(manifest.packing, mode="none")))
    assert "| list<int32> | up to 128 token ids of one kind of document |" in text


def test_the_summary_shows_what_each_mode_of_packing_comes_to(manifest: Manifest) -> None:
    def figures(*numbers: int) -> dict[str, PackingFigures]:
        return {"code": PackingFigures(*numbers), "text": PackingFigures(1)}

    mixture = msgspec.structs.replace(manifest.mixture, reached_tokens={"code": 800, "text": 150})
    modes = {"best_fit": figures(9, 50), "concat": figures(8, 0, 5, 475)}
    packing = ReleasePacking(
        "best_fit", {"code": 10, "text": 10}, {"file": 760, "fim_psm": 190}, [ContextLength(100, modes)]
    )
    text = summary(msgspec.structs.replace(manifest, mixture=mixture, packing=packing))
    assert "| fim_psm | 190 | 20.00% |" in text
    head, *rows = table(text, "Packing")
    assert rows == [
        ["100", "**best_fit**", "9", "1", "5.000%", "0 (0.00%)", "0 (0.00%)"],
        ["100", "concat", "8", "1", "0.000%", "5 (25.00%)", "475 (50.00%)"],
    ]
    assert head[2:4] == ["sequences of code", "sequences of text"]
    assert "Packed as `best_fit`. Documents that fit in a sequence are never cut." in text
    assert "of 20 packed documents" in text


def test_the_texts_name_no_place(manifest: Manifest, small_release: Path) -> None:
    assert str(small_release.parent) not in summary(manifest) + card(manifest)


def _class(**changed: object) -> DocumentClass:
    fields = {"kind": "code", "source": "a", "subset": "", "language": "", "licence": "MIT"}
    numbers = {"documents": 1, "num_bytes": 1, "tokens": 1}
    return msgspec.convert(fields | numbers | changed, DocumentClass)


def _with(manifest: Manifest, classes: list[DocumentClass]) -> Manifest:
    words = {row.licence: licence_words(row.licence) for row in classes}
    return msgspec.structs.replace(manifest, documents=classes, licence_words=words)


def _account(*reasons: str) -> dict[str, object]:
    return {"read": [9, 90], "kept": [5, 50], "rejected": {reason: [2, 20] for reason in reasons}, "failed": [0, 0]}
