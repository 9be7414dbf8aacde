"""Rewriting's part of the manifest, from the records of the passes; and whether it agrees with itself."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from manifests.ledger import Ledger
from manifests.record import Record
from manifests.release import MANIFEST, Manifest
from manifests.release_rewriting import (
    TIERS,
    ReleaseRewriting,
    RewritingModel,
    RewritingPrompt,
    RewritingSampling,
    RewrittenLanguage,
)
from pipeline.findings import Findings
from pipeline.release_folders import rewrites_code
from pipeline.rewriting_counts import RewrittenCounts, summed
from pipeline.rewriting_settings import rewriting_of
from pipeline.rewriting_unit import load_prompts
from pipeline.steps import UnitContext

_FROM_COUNTS = tuple(
    name
    for name in RewrittenLanguage.__struct_fields__
    if name not in ("surveyed", "overruled", "released_documents", "released_bytes")
)


def release_rewriting(context: UnitContext) -> ReleaseRewriting | msgspec.UnsetType:
    """What the manifest says; nothing where the recipe has nothing rewritten."""
    if context.recipe.rewriting is None:
        return msgspec.UNSET
    records, rewriting = context.earlier, rewriting_of(context.recipe)
    surveyed = _by_language(records["survey"], "surveyed")
    rewritten = summed(records["rewrite"])
    overruled = _by_language(records["overlay"], "overruled")
    released = _released(records["pack"])
    languages = {
        language: RewrittenLanguage(
            surveyed={tier: surveyed.get(language, {}).get(tier, 0) for tier in TIERS},
            overruled=overruled.get(language, {}),
            released_documents=released.get(language, [0, 0])[0],
            released_bytes=released.get(language, [0, 0])[1],
            **{name: getattr(rewritten.get(language, RewrittenCounts()), name) for name in _FROM_COUNTS},
        )
        for language in sorted(surveyed.keys() | rewritten.keys())
    }
    [choice] = records["choose"]
    return ReleaseRewriting(
        model=RewritingModel(**rewriting.model.model_dump(include=set(RewritingModel.__struct_fields__))),
        sampling=RewritingSampling(**rewriting.sampling.model_dump()),
        prompts=[
            RewritingPrompt(mode=one.mode, version=one.version, sha256=one.sha256)
            for one in load_prompts(context.recipe)
        ],
        limit=msgspec.convert(choice.counts["limit"], str),
        languages=languages,
    )


def _by_language(records: Iterable[Record], name: str) -> dict[str, dict[str, int]]:
    """Numbers by language and name, of all units together."""
    sums: dict[str, dict[str, int]] = {}
    for record in records:
        for language, counts in msgspec.convert(record.counts[name], dict[str, dict[str, int]]).items():
            own = sums.setdefault(language, {})
            for what, number in counts.items():
                own[what] = own.get(what, 0) + number
    return sums


def _released(packs: Iterable[Record]) -> dict[str, list[int]]:
    """Rewrites that are packed, by language: documents and bytes."""
    sums: dict[str, list[int]] = {}
    for record in packs:
        for language, pair in msgspec.convert(record.counts["rewrites_by_language"], dict[str, list[int]]).items():
            own = sums.setdefault(language, [0, 0])
            sums[language] = [a + b for a, b in zip(own, pair, strict=True)]
    return sums


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
    found = {key.partition("/")[2]: tally.documents for key, tally in rejected.items() if key.startswith("rewrite/")}
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
