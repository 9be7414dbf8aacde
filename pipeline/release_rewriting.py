"""Rewriting's part of the manifest, from the records of the passes."""

from collections.abc import Iterable

import msgspec

from manifests.record import Record
from manifests.release_rewriting import (
    TIERS,
    ReleaseRewriting,
    RewritingModel,
    RewritingPrompt,
    RewritingSampling,
    RewrittenLanguage,
)
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
