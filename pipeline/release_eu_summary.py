"""EU-SUMMARY.md and eu-summary.json of a release: figures for the public summary of training content.

Regulation (EU) 2024/1689, Article 53(1)(d), asks providers of general-purpose models for such a summary, by a template
of 24 July 2025. The duty is the provider's, about all of a model's data; these are the figures of one release, from its
manifest alone. What only the provider knows is named as missing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from manifests.printable import printable_json
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.card_metadata import natural_languages
from pipeline.markdown import cell, table
from pipeline.release_texts import AMOUNTS

ORIGINS = {
    "public": "Publicly available datasets",
    "licensed": "Datasets licensed or bought from third parties",
    "crawled": "Data crawled and scraped from online sources",
    "users": "User data",
    "other": "Other sources",
    None: "Sources whose origin the recipe does not state",
}
_MISSING = (
    "the provider, the model and its versions, and a contact",
    "where other datasets were used beside this release, the same figures of theirs",
    "for crawled sources: the crawlers, how they behave, and the largest domains",
    "for licensed sources and user data: from whom and under which terms, as far as it is asked for",
    "measures for rights reservations beyond the opt-out registry",
)


def figures(manifest: Manifest) -> dict[str, Any]:
    """The figures as one tree; every number is the manifest's or a sum of its numbers."""
    amounts = {values[0]: _amounts(tally, tokens) for values, tally, tokens in manifest.sums_by("source")}
    nothing = {"documents": 0, "bytes": 0, "tokens": 0}
    opt_outs = manifest.opt_outs
    return {
        "release": {"name": manifest.name, "version": manifest.version},
        "modality": "text",
        "size": _total(manifest),
        "by_kind": {values[0]: _amounts(tally, tokens) for values, tally, tokens in manifest.sums_by("kind")},
        "natural_languages": natural_languages(manifest),
        "sources": [
            {
                "name": source.name,
                "origin": source.origin,
                "url": source.url,
                "snapshot": source.snapshot,
                "declared_licence": source.declared_licence or None,
                **amounts.get(source.name, nothing),
            }
            for source in manifest.sources
        ],
        "synthetic": _synthetic(manifest),
        "processing": {
            "opt_out_requests_heeded": None if opt_outs is None else opt_outs.requests,
            "opt_outs_as_of": None if opt_outs is None else opt_outs.as_of or None,
            "documents_removed_since_the_run": manifest.removals.documents + manifest.removals.held_out,
            "documents_rejected_by_stage": _by_stage(manifest),
            "redactions": sum(sum(counts.values()) for counts in manifest.redactions.values()),
            "documents_with_redactions": sum(manifest.redacted_documents.values()),
        },
        "to_be_added_by_the_provider": list(_MISSING),
    }


def eu_figures(manifest: Manifest) -> str:
    """eu-summary.json; the same for equal manifests."""
    return printable_json(msgspec.json.format(msgspec.json.encode(figures(manifest)), indent=1)).decode() + "\n"


def eu_summary(manifest: Manifest) -> str:
    """EU-SUMMARY.md: the same figures for people."""
    found = figures(manifest)
    parts = [
        f"# Figures for a public summary of training content: {manifest.name} {manifest.version}",
        (
            "Providers of general-purpose AI models publish a summary of what they trained on (Regulation (EU) "
            "2024/1689, Article 53(1)(d)). That duty is theirs. These are the figures of this release for it, and no "
            "legal advice; `eu-summary.json` has them for programs."
        ),
        "## 1. General",
        _general(found),
        "## 2. Sources",
        *_sources(found["sources"]),
        f"### {_SYNTHETIC}",
        _synthetic_words(found["synthetic"]),
        "## 3. Processing",
        _processing(manifest, found["processing"]),
        table(("rejected at stage", "documents"), _stages(found["processing"]["documents_rejected_by_stage"])),
        "## What the provider has to add",
        "\n".join(f"- {item}" for item in found["to_be_added_by_the_provider"]),
    ]
    return "\n\n".join(parts) + "\n"


_SYNTHETIC = "Synthetic data"


def _amounts(tally: Any, tokens: int) -> dict[str, int]:
    return {"documents": tally.documents, "bytes": tally.num_bytes, "tokens": tokens}


def _total(manifest: Manifest) -> dict[str, int]:
    rows = manifest.documents
    return {
        "documents": sum(row.documents for row in rows),
        "bytes": sum(row.num_bytes for row in rows),
        "tokens": sum(row.tokens for row in rows),
    }


def _synthetic(manifest: Manifest) -> dict[str, Any] | None:
    if not isinstance(manifest.rewriting, ReleaseRewriting):
        return None
    model, total = manifest.rewriting.model, manifest.rewriting.total
    return {
        "documents": total.released_documents,
        "bytes": total.released_bytes,
        "of_bytes": _total(manifest)["bytes"],
        "models": [{"name": model.name, "revision": model.revision, "licence": model.licence}],
    }


def _by_stage(manifest: Manifest) -> dict[str, int]:
    sums: dict[str, int] = {}
    for ledger in manifest.ledgers.values():
        for key, (documents, _) in ledger["rejected"].items():
            stage = key.partition("/")[0]
            sums[stage] = sums.get(stage, 0) + documents
    return dict(sorted(sums.items()))


def _general(found: dict[str, Any]) -> str:
    size = found["size"]
    languages = ", ".join(found["natural_languages"]) or "not known"
    kinds = "; ".join(
        f"{kind}: {row['tokens']:,} tokens, {row['bytes']:,} bytes" for kind, row in found["by_kind"].items()
    )
    return (
        f"Text only: {size['tokens']:,} tokens, {size['bytes']:,} bytes, {size['documents']:,} documents ({kinds}). "
        f"Natural languages of the texts: {languages}."
    )


def _sources(sources: Sequence[dict[str, Any]]) -> Iterable[str]:
    for origin, heading in ORIGINS.items():
        rows = [source for source in sources if source["origin"] == origin]
        if rows:
            yield f"### {heading}"
            yield table(("source", "published at", "as of", "declared licence", *AMOUNTS), map(_source, rows))


def _source(source: dict[str, Any]) -> Sequence[str]:
    words = (cell(source[name] or "not stated") for name in ("name", "url", "snapshot", "declared_licence"))
    return *words, *(f"{source[name]:,}" for name in ("documents", "bytes", "tokens"))


def _synthetic_words(synthetic: dict[str, Any] | None) -> str:
    if synthetic is None:
        return "None was made for this release. Whether sources hold text that models wrote is not known."
    share = synthetic["bytes"] / synthetic["of_bytes"] if synthetic["of_bytes"] else 0.0
    [model] = synthetic["models"]
    return (
        f"{synthetic['documents']:,} documents, {synthetic['bytes']:,} bytes ({share:.2%} of all), are as "
        f"{cell(model['name'])} (revision {cell(model['revision'])}, licence {cell(model['licence'])}) rewrote code of "
        "the sources above. Whether sources hold text that other models wrote is not known."
    )


def _processing(manifest: Manifest, processing: dict[str, Any]) -> str:
    asked = (
        "No opt-out registry was consulted."
        if manifest.opt_outs is None
        else f"{processing['opt_out_requests_heeded']:,} opt-out requests were heeded, the latest of "
        f"{processing['opt_outs_as_of'] or 'no date'}."
    )
    return (
        f"{asked} {processing['documents_removed_since_the_run']:,} documents were taken out on request after an "
        "earlier version was made. Licences were told by evidence and held against a policy; duplicates were looked "
        "for and removed; secrets and personal data were replaced by placeholders "
        f"{processing['redactions']:,} times in {processing['documents_with_redactions']:,} documents. "
        "Lists of illegal content are heeded where they were "
        "imported into the opt-out registry."
    )


def _stages(stages: dict[str, int]) -> Iterable[Sequence[str]]:
    return ((cell(stage), f"{documents:,}") for stage, documents in stages.items())
