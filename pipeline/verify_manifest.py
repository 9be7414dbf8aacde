"""Whether a release's manifest agrees with itself: digest, accounts, sums, names, and the files that it must list."""

from collections import Counter

from filters.licence_words import licence_words
from manifests.errors import IntegrityError
from manifests.ledger import Ledger
from manifests.release import CHAIN, DUPLICATE_COUNTS, MANIFEST, SCHEMA_VERSION, Manifest
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import DATA, folders_of, shard_files
from pipeline.release_texts import card, summary
from pipeline.software import software_versions
from pipeline.verify_rows import KINDS

TOKENIZER = "tokenizer/tokenizer.json"
PAGES = {"SUMMARY.md": summary, "README.md": card}


def check_manifest(release: Storage, manifest: Manifest, findings: Findings) -> None:
    """Take down where the manifest does not agree with itself."""

    def expect(what: str, expected: object, got: object) -> None:
        if got != expected:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got}")

    expect("schema_version", SCHEMA_VERSION, manifest.schema_version)
    if release.read(MANIFEST) != manifest.to_bytes():
        findings.add(f"{MANIFEST}: expected the digest and what it covers, got something beside them")
    try:
        manifest.check_accounts()
        kept = Ledger.from_json(manifest.ledgers[CHAIN[-1]]).kept.num_bytes
        expect("documents: num_bytes of all", kept, sum(row.num_bytes for row in manifest.documents))
    except IntegrityError as error:
        findings.add(error.message)
    lowest = min((min(row.documents, row.num_bytes, row.tokens) for row in manifest.documents), default=0)
    expect("documents: smallest number", max(0, lowest), lowest)
    mixture, packing = manifest.mixture, manifest.packing
    for name, by_kind in (
        ("mixture.shares", mixture.shares),
        ("mixture.selected_tokens", mixture.selected_tokens),
        ("mixture.target_tokens", mixture.target_tokens),
        ("mixture.reached_tokens", mixture.reached_tokens),
        ("packing.sequences", packing.sequences),
    ):
        expect(f"{name}: kinds", sorted(KINDS), sorted(by_kind))
    expect("mixture.reached_tokens", manifest.tokens_by_kind(), mixture.reached_tokens)
    expect("duplicate_counts: names", sorted(DUPLICATE_COUNTS), sorted(manifest.duplicate_counts))
    in_files = sum(file.rows or 0 for file in manifest.files if file.path.startswith("held_out/"))
    expect("held_out: rows of held_out/", manifest.held_out, in_files)
    licences = {row.licence for row in manifest.documents}
    expect("licence_words: licences", sorted(licences), sorted(manifest.licence_words))
    if manifest.software == software_versions():  # other versions may file a licence under another word
        expect("licence_words", {licence: licence_words(licence) for licence in licences}, manifest.licence_words)
    _check_redactions(manifest, findings)
    listed = Counter(file.path for file in manifest.files)
    for path in sorted(listed.keys() | expected_paths(manifest)):
        expect(f"files: entries of {path}", int(path in expected_paths(manifest)), listed[path])


def _check_redactions(manifest: Manifest, findings: Findings) -> None:
    """Whether each source that had something replaced is one of the release, and has documents in which it was."""
    names = {source.name for source in manifest.sources}
    if not manifest.redactions.keys() == manifest.redacted_documents.keys() <= names:
        findings.add(f"{MANIFEST}: redactions: expected the sources of redacted_documents, got others")
    for source, counts in manifest.redactions.items():
        documents, replacements = manifest.redacted_documents.get(source, 1), sum(counts.values())
        if not 0 < documents <= replacements or min(counts.values(), default=0) < 1:
            findings.add(
                f"{MANIFEST}: redactions: {source}: expected a replacement at least in each of {documents} documents, "
                f"got {replacements}"
            )


def num_shards(manifest: Manifest) -> int:
    """Shards of data that the manifest lists."""
    return sum(file.path.startswith(f"{DATA}/") for file in manifest.files)


def expected_paths(manifest: Manifest) -> set[str]:
    """The files that the manifest must list: every folder of its recipe has as many as there are shards of data."""
    recipe = manifest.recipe
    folders = [shard_files(folder, recipe, num_shards(manifest)) for folder in folders_of(recipe)]
    return {*(path for paths in folders for path in paths), *PAGES, TOKENIZER}
