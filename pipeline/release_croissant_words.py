"""What croissant.json says of responsible use, in sentences whose figures are the manifest's.

Source: Croissant RAI 1.0, http://mlcommons.org/croissant/RAI/1.0, which names the properties.
"""

from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from manifests.release_rewriting import ReleaseRewriting


def rai_words(manifest: Manifest) -> dict[str, str]:
    """Properties of the vocabulary by name."""
    return {
        "rai:dataCollection": _collection(manifest),
        "rai:dataCollectionType": "Secondary data analysis",
        "rai:dataCollectionRawData": "; ".join(
            f"{source.name}: {len(source.shards):,} shards of format {source.format}" for source in manifest.sources
        ),
        **_timeframe(manifest),
        "rai:dataPreprocessingProtocol": _preprocessing(manifest),
        "rai:dataManipulationProtocol": _manipulation(manifest),
        "rai:dataLimitations": (
            "Licences are told by evidence in and beside files and can be wrong. Duplicates are found by words alone. "
            "Quality was judged by measures of form; nobody has checked what documents say or whether code works."
        ),
        "rai:dataBiases": (
            "Languages, licences and sources stand in very unequal shares, which README.md and manifest.json give."
        ),
        "rai:dataUseCases": "Pretraining of language models on code and text; evaluation with what is held out.",
        "rai:personalSensitiveInformation": _personal(manifest),
        "rai:dataReleaseMaintenancePlan": (
            "A version never changes. Removals on request make the next patch version, which names this one as its "
            "parent and says how much was taken out."
        ),
    }


def _collection(manifest: Manifest) -> str:
    read = Ledger.from_json(manifest.ledgers[CHAIN[0]]).read.documents
    return f"{read:,} rows of {len(manifest.sources):,} sources were read; nothing was collected anew."


def _timeframe(manifest: Manifest) -> dict[str, str]:
    """From the earliest to the latest snapshot; nothing where no source says one."""
    dates = sorted(source.snapshot for source in manifest.sources if source.snapshot)
    if not dates:
        return {}
    known = "" if len(dates) == len(manifest.sources) else f" ({len(dates)} of {len(manifest.sources)} sources say one)"
    return {"rai:dataCollectionTimeframe": f"Snapshots from {dates[0]} to {dates[-1]}{known}"}


def _preprocessing(manifest: Manifest) -> str:
    parts = []
    for step in CHAIN:
        ledger = Ledger.from_json(manifest.ledgers[step])
        rejected = sum(tally.documents for tally in ledger.rejected.values())
        parts.append(f"{step} kept {ledger.kept.documents:,} and rejected {rejected:,}")
    return f"Documents by pass: {'; '.join(parts)}. Reasons stand in manifest.json."


def _manipulation(manifest: Manifest) -> str:
    replaced = sum(sum(counts.values()) for counts in manifest.redactions.values())
    said = f"{replaced:,} secrets and personal data were replaced by placeholders."
    if isinstance(manifest.rewriting, ReleaseRewriting):
        rewrites = manifest.rewriting.total.released_documents
        said += f" {rewrites:,} documents of code are as a model rewrote them; column rewrite of documents names them."
    return said


def _personal(manifest: Manifest) -> str:
    changed = sum(manifest.redacted_documents.values())
    return (
        f"Looked for by rules and replaced in {changed:,} documents; rules miss some. Names of authors stay in "
        "attribution, because licences ask for them."
    )
