"""Redaction in pass 3: each document by its syntax, what leaks goes with value and bound, the account by source."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from filters.example_values import filled_in
from manifests.document import Document
from manifests.ledger import Ledger
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.redactions import Redactions
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from stages.leaks import MINIMUM_FINDINGS

EMAIL = "some.one" + "@" + "company-mail.org"
SOURCE = {"name": "texts", "format": "jsonl", "kind": "text", "paths": ["texts.jsonl"]}
KEY = filled_in("-----BEGIN «say:RSA PRIVATE» KEY-----\n«pem:4»\n-----END «say:RSA PRIVATE» KEY-----\n")


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


def redactions(**choices: Any) -> Redactions:
    return Redactions(
        Recipe.model_validate({"name": "small", "version": "0.1.0", "sources": [SOURCE], "redaction": choices})
    )


def document(text: str, **fields: Any) -> Document:
    return Document(**({"id": "00", "text": text, "kind": "code", "source": "files", "shard": "s", "row": 3} | fields))


@pytest.mark.parametrize(
    ("kind", "language", "expected"),
    [
        ("text", "", "mail <EMAIL>"),
        ("code", "Markdown", "mail <EMAIL>"),
        ("code", "Shell", "mail REDACTED_EMAIL"),
        ("code", "HTML", "mail REDACTED_EMAIL"),
    ],
)
def test_a_document_is_redacted_by_its_syntax(kind: str, language: str, expected: str) -> None:
    given = document(f"mail {EMAIL}", kind=kind, language=language)
    assert redactions().of(given).text == expected


def test_stand_ins_go_by_the_id() -> None:
    account = redactions(addresses="stand_in")
    first, second = (account.of(document(EMAIL, id=name)).text for name in ("00", "01"))
    assert first.startswith("user")
    assert first != second


@pytest.mark.parametrize(
    ("text", "choices", "reason", "bound"),
    [
        (f"{EMAIL}\n" * MINIMUM_FINDINGS, {}, "heavy_leak", 10),
        (f"{EMAIL} and words\n" * MINIMUM_FINDINGS, {"maximum_findings_per_kb": 5.0}, "heavy_leak", 5),
        (KEY, {}, "key_material", 0.5),
        (KEY + "x" * len(KEY), {"maximum_key_fraction": 0.25}, "key_material", 0.25),
        (EMAIL, {}, "only_placeholders_left", None),
        (KEY, {"maximum_key_fraction": None}, "only_placeholders_left", None),
        (f"{EMAIL} and words\n" * MINIMUM_FINDINGS, {"maximum_findings_per_kb": None}, None, None),
    ],
)
def test_what_leaks_too_much_goes(text: str, choices: dict[str, Any], reason: str | None, bound: float | None) -> None:
    account = redactions(**choices)
    given = document(text)
    rejected = account.rejected(given, len(text), account.of(given))
    if reason is None:
        assert rejected is None
        return
    assert rejected is not None
    assert (rejected.stage, rejected.reason, rejected.bound) == ("redact", reason, bound)
    assert (rejected.value is None) == (bound is None)
    assert (rejected.shard, rejected.row, rejected.num_bytes, rejected.detail) == ("s", 3, len(text), "")


def test_replacements_are_counted_by_source() -> None:
    account = redactions()
    for source, text in (("b", f"{EMAIL} {EMAIL}"), ("a", "nothing"), ("b", EMAIL), ("a", f"x {EMAIL}")):
        given = document(text, source=source)
        account.count(given, account.of(given))
    assert account.counts() == {
        "redactions": {"a": {"email/address": 1}, "b": {"email/address": 3}},
        "redacted_documents": {"a": 1, "b": 2},
    }


def test_a_release_counts_by_source(small_release: Path) -> None:
    manifest = Manifest.read(Storage(str(small_release)))
    assert manifest.redactions == {"texts": {"email/address": 1}}
    assert manifest.redacted_documents == {"texts": 1}


def test_a_held_out_document_that_leaks_is_not_held_out(small_inputs: Path) -> None:
    rows = [json.loads(line) for line in (small_inputs.parent / "texts.jsonl").read_text().splitlines()]
    contacts = "\n".join(f"Person number {n} <{EMAIL.replace('one', str(n))}>" for n in range(40))
    rows += [{"text": f"A list of contacts\n{contacts}\n"}, {"text": f"Words and one address, {EMAIL}, of many"}]
    (small_inputs.parent / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = load_recipe(small_inputs, ["held_out={sources: [texts]}", "mixture={code: 1.0, text: 0.0}"])
    run_mill(open_mill(recipe), workers=2, progress=SilentProgress())
    release = Path(release_folder(recipe).root)
    manifest = Manifest.read(Storage(str(release)))
    rejected = Ledger.from_json(manifest.ledgers["clean"]).rejected
    assert rejected["redact/heavy_leak"].documents == 1
    assert rejected["held_out/held_out"].documents == manifest.held_out
    texts = [text for path in (release / "held_out").iterdir() for text in pq.read_table(path)["text"].to_pylist()]
    assert len(texts) == manifest.held_out
    assert sum("<EMAIL>" in text for text in texts) == 2
    assert not any("@" in text for text in texts)
    assert manifest.redactions == {}
