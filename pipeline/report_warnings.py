"""What a lawyer or a trainer must not miss of a release, each a sentence; what of the data is in it is harmless."""

from collections.abc import Iterator

from filters.licence_words import NO_EVIDENCE, UNLISTED
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.html_page import harmless
from pipeline.inspect_run import counted
from pipeline.passes import steps_of
from pipeline.proofs import failures
from pipeline.release_reasons import missed
from pipeline.reported import Reported
from pipeline.rewriting_tables import code_bytes, share

_SHOWN_UNITS = 20
_WORDS = {
    NO_EVIDENCE: "Without evidence of a licence, let in by <code>licences.no_licence: keep</code>",
    UNLISTED: "Under licences that no list knows, and that the recipe allows by name",
    "share-alike": "Under share-alike licences: what is made of them may have to go under the same",
}


def warnings(told: Reported) -> Iterator[str]:
    """All of them, the gravest first; none where there is nothing to say."""
    if told.manifest is None:
        yield "The run has not made its release, or it is no longer in its place: what follows is what is known so far."
        yield from _failed(told)
        return
    manifest = told.manifest
    yield from missed(manifest)
    for unit in manifest.failed_units[:_SHOWN_UNITS]:
        yield f"Left out, for it could not be read: {harmless(unit)}"
    if (more := len(manifest.failed_units) - _SHOWN_UNITS) > 0:
        yield f"{counted(more, 'unit')} more could not be read and were left out."
    yield from _duplicates(manifest)
    yield from _licences(manifest)
    if isinstance(manifest.rewriting, ReleaseRewriting) and manifest.rewriting.total.released_documents:
        total, model = manifest.rewriting.total, manifest.rewriting.model
        synthetic = share(total.released_bytes, sum(code_bytes(manifest.documents).values()))
        yield (
            f"Synthetic, written by {harmless(model.name)} under {harmless(model.licence)}, which may bind what a "
            f"model writes: {counted(total.released_documents, 'document')}, {synthetic} of the bytes of code."
        )
    if manifest.opt_outs is None:
        yield "No registry of opt-outs was heeded: the recipe names none."
    if not manifest.benchmarks:
        yield "No benchmark was looked for: scores of models that train on this release may be those of its test."
    yield from _not_redacted(manifest)


def _failed(told: Reported) -> Iterator[str]:
    for step in steps_of(told.mill.recipe) if told.mill else ():
        found = [line for line in failures(told.mill, step) if not line.endswith("no record")] if told.mill else []
        for line in found[:_SHOWN_UNITS]:
            yield f"{step.name} failed: {harmless(line)}"


def _duplicates(manifest: Manifest) -> Iterator[str]:
    if unresolved := manifest.duplicate_counts.get("unresolved", 0):
        yield f"{counted(unresolved, 'document')} may be duplicates of others: too many pairs were open to decide."
    for earlier in manifest.earlier:
        if earlier.against and not earlier.has_texts:
            yield (
                f"{harmless(earlier.name)} has no texts: only equal documents of it were left out here, near "
                "duplicates may be in both."
            )


def _licences(manifest: Manifest) -> Iterator[str]:
    if undecided := manifest.licence_counts.get("undecided_texts", 0):
        yield (
            f"{counted(undecided, 'licence text')} took the detector too long and stayed undecided; they count as "
            "unknown licences."
        )
    sums: dict[str, int] = {}
    for (words,), tally, _ in manifest.sums_by("licence_words"):
        for word in words.split(", "):
            sums[word] = sums.get(word, 0) + tally.documents
    for word, said in _WORDS.items():
        if sums.get(word):
            yield f"{said}: {counted(sums[word], 'document')}."
    if copies := manifest.licence_counts.get("copies_elsewhere", 0):
        yield (
            f"With a near copy in a repository under another licence: {counted(copies, 'document')}, counted before "
            "the mixture; that alone rejects nothing unless <code>licences.copies</code> is <code>strict</code>."
        )


def _not_redacted(manifest: Manifest) -> Iterator[str]:
    section = manifest.recipe.get("redaction")
    levels = section.get("sensitivity") if isinstance(section, dict) else None
    off = sorted(kind for kind, level in levels.items() if level == "off") if isinstance(levels, dict) else []
    if off:
        yield f"Not redacted, for the recipe turns it off: {harmless(', '.join(off).replace('_', ' '))}."
