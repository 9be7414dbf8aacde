"""Whether what a manifest says of rewriting agrees with itself, with its accounts and with its recipe."""

from collections.abc import Mapping
from typing import Any

import msgspec

from manifests.ledger import Ledger
from manifests.release import MANIFEST, Manifest
from manifests.release_rewriting import STAGE, ReleaseRewriting, RewrittenLanguage
from pipeline.findings import Findings
from pipeline.release_folders import rewrites_code


def check_rewriting(manifest: Manifest, findings: Findings) -> None:
    """Take down where what the manifest says of rewriting does not agree with itself, its recipe and its accounts."""

    def expect(what: str, expected: object, got: object) -> None:
        if got != expected:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got}")

    rewriting, asked = manifest.rewriting, rewrites_code(manifest.recipe)
    expect("rewriting: is there", asked, isinstance(rewriting, ReleaseRewriting))
    if not asked or not isinstance(rewriting, ReleaseRewriting):
        return
    recipe = manifest.recipe["rewriting"]
    stated = recipe if isinstance(recipe, dict) else {}
    for name, part in (("model", rewriting.model), ("sampling", rewriting.sampling)):
        section = stated.get(name)
        known = part.__struct_fields__
        expected = {key: section.get(key) for key in known} if isinstance(section, dict) else {}
        expect(f"rewriting.{name}", expected, msgspec.to_builtins(part))
    expect("rewriting.prompts: modes", stated.get("modes"), [prompt.mode for prompt in rewriting.prompts])
    for language, one in rewriting.languages.items():
        _check_language(f"rewriting.languages: {language[:80]}", one, findings)
    _check_rejections(manifest, rewriting, stated, findings)


def _check_language(where: str, one: RewrittenLanguage, findings: Findings) -> None:
    """Whether nothing is more than what it is a part of."""
    most = one.surveyed.get("broken", 0) + one.surveyed.get("smelly", 0)
    parts = (
        ("chosen", one.chosen, most),
        ("rewritten", one.rewritten, one.chosen),
        ("overruled", sum(one.overruled.values()), one.rewritten),
        ("released_documents", one.released_documents, one.standing),
        ("released_bytes", one.released_bytes, one.rewritten_bytes),
    )
    for name, number, whole in parts:
        if not 0 <= number <= whole:
            findings.add(f"{MANIFEST}: {where}: {name}: expected at most {whole}, got {number}")


def _check_rejections(
    manifest: Manifest, rewriting: ReleaseRewriting, recipe: Mapping[str, Any], findings: Findings
) -> None:
    """Whether the account of tokenize has as many documents rejected by rewriting as the languages have."""
    rejected = Ledger.from_json(manifest.ledgers["tokenize"]).rejected
    found = {key.partition("/")[2]: tally.documents for key, tally in rejected.items() if key.startswith(f"{STAGE}/")}
    total, drops = rewriting.total, recipe.get("failed") == "drop"
    section = recipe.get("selection")
    drops_hopeless = isinstance(section, dict) and section.get("hopeless") == "drop"
    expected = {"hopeless_code": total.surveyed["hopeless"] if drops_hopeless else 0}
    for reason in ("equal_rewrite", "near_duplicate_rewrite"):
        expected[reason] = total.overruled.get(reason, 0) if drops else 0
    for reason, number in expected.items():
        if found.get(reason, 0) != number:
            what = f"expected {number} documents, got {found.get(reason, 0)}"
            findings.add(f"{MANIFEST}: ledgers.tokenize: rewrite/{reason}: {what}")
    refused = sum(number for reason, number in found.items() if reason not in expected)
    if refused > (total.chosen - total.rewritten if drops else 0):
        findings.add(
            f"{MANIFEST}: ledgers.tokenize: rewrite: {refused} documents refused, which is more than had no rewrite"
        )
