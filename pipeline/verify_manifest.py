"""Whether a release's manifest agrees with itself: digest, accounts, sums, names, and the files that it must list."""

import re
from collections import Counter
from collections.abc import Callable

from filters.licence_words import licence_words
from manifests.errors import IntegrityError
from manifests.ledger import Ledger
from manifests.merkle import merkle_root
from manifests.release import CHAIN, DUPLICATE_COUNTS, MANIFEST, SCHEMA_VERSION, Manifest
from manifests.release_packing import COMPARED_MODES
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import (
    DATA,
    ReleaseFolder,
    folders_of,
    folders_packed,
    rewrites_code,
    sequence_lengths,
    shard_files,
)
from pipeline.release_pages import PAGES
from pipeline.rewriting_page import PAGE
from pipeline.software import software_versions
from pipeline.verify_licences import stated_policy
from pipeline.verify_lineage import check_lineage
from pipeline.verify_mixture import check_mixture
from pipeline.verify_removals import removal_paths
from pipeline.verify_rewriting import check_rewriting
from pipeline.verify_rows import KINDS

TOKENIZER = "tokenizer/tokenizer.json"
SHA256 = re.compile(r"[0-9a-f]{64}")


def check_manifest(release: Storage, manifest: Manifest, findings: Findings) -> None:
    """Take down where the manifest does not agree with itself."""

    def expect(what: str, expected: object, got: object) -> None:
        if got != expected:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got}")

    expect("schema_version", SCHEMA_VERSION, manifest.schema_version)
    root = merkle_root((file.path, file.sha256) for file in manifest.files if SHA256.fullmatch(file.sha256))
    expect("content", root, manifest.content)
    if release.read(MANIFEST) != manifest.to_bytes():
        findings.add(f"{MANIFEST}: expected the digest and what it covers, got something beside them")
    try:
        manifest.check_accounts()
        kept = Ledger.from_json(manifest.ledgers[CHAIN[-1]]).kept.num_bytes
        since = manifest.removals.num_bytes + (manifest.selection.num_bytes if manifest.selection else 0)
        expect("documents: num_bytes of all", kept - since, sum(row.num_bytes for row in manifest.documents))
    except IntegrityError as error:
        findings.add(error.message)
    lowest = min((min(row.documents, row.num_bytes, row.tokens) for row in manifest.documents), default=0)
    expect("documents: smallest number", max(0, lowest), lowest)
    if manifest.packed_from is None:
        check_mixture(manifest, findings)
    else:
        expect("mixture.reached_tokens", manifest.tokens_by_kind(), manifest.mixture.reached_tokens)
    if manifest.selection is not None:
        selection = manifest.selection
        expect("selection: parent is there", True, manifest.parent is not None)
        least = min(selection.documents, selection.num_bytes, selection.held_out)
        expect("selection: smallest number", max(0, least), least)
    expect("packing.documents: kinds", sorted(KINDS), sorted(manifest.packing.documents))
    expect("duplicate_counts: names", sorted(DUPLICATE_COUNTS), sorted(manifest.duplicate_counts))
    in_files = sum(file.rows or 0 for file in manifest.files if file.path.startswith("held_out/"))
    expect("held_out: rows of held_out/", manifest.held_out if manifest.packed_from is None else 0, in_files)
    licences = {row.licence for row in manifest.documents}
    expect("licence_words: licences", sorted(licences), sorted(manifest.licence_words))
    if manifest.software == software_versions():  # other versions may file a licence under another word
        expect("licence_words", {licence: licence_words(licence) for licence in licences}, manifest.licence_words)
    _check_packing(manifest, expect)
    stated_policy(manifest, findings)
    check_lineage(manifest, findings)
    check_rewriting(manifest, findings)
    _check_redactions(manifest, findings)
    listed = Counter(file.path for file in manifest.files)
    for path in sorted(listed.keys() | expected_paths(manifest)):
        expect(f"files: entries of {path}", int(path in expected_paths(manifest)), listed[path])


def _check_packing(manifest: Manifest, expect: Callable[[str, object, object], None]) -> None:
    """Whether lengths and mode are the recipe's, and each figure can be one of the release's tokens."""
    packing, tokens = manifest.packing, manifest.tokens_by_kind()
    stated = [length.sequence_tokens for length in packing.lengths]
    expect("packing.lengths: sequence_tokens", sequence_lengths(manifest.recipe), stated)
    section = manifest.recipe.get("packing")
    expect("packing.mode", section.get("mode") if isinstance(section, dict) else None, packing.mode)
    for length in packing.lengths:
        expect("packing.lengths: modes", sorted({*COMPARED_MODES, packing.mode}), sorted(length.modes))
        for mode, by_kind in length.modes.items():
            place = f"packing, {length.sequence_tokens} tokens: {mode}"
            expect(f"{place}: kinds", sorted(KINDS), sorted(by_kind))
            for kind, figures in by_kind.items():
                padding = figures.sequences * length.sequence_tokens - tokens.get(kind, 0)
                expect(f"{place}, {kind}: padding_tokens", 0 if mode == "none" else padding, figures.padding_tokens)
                most = min(figures.cut_documents, packing.documents.get(kind, 0))
                expect(f"{place}, {kind}: cut_documents", most, figures.cut_documents)
                most = min(figures.cut_tokens, tokens.get(kind, 0))
                expect(f"{place}, {kind}: cut_tokens", most, figures.cut_tokens)


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


def folders_in(manifest: Manifest) -> list[ReleaseFolder]:
    """The folders that it must have: a second packed set has none but its own."""
    return folders_of(manifest.recipe) if manifest.packed_from is None else folders_packed(manifest.recipe)


def expected_paths(manifest: Manifest) -> set[str]:
    """The files that the manifest must list: every folder of its recipe has as many as there are shards of data."""
    recipe = manifest.recipe
    folders = [shard_files(folder, recipe, num_shards(manifest)) for folder in folders_in(manifest)]
    page = {PAGE} if rewrites_code(recipe) and manifest.packed_from is None else set()
    return {*(path for paths in folders for path in paths), *PAGES, TOKENIZER, *page, *removal_paths(manifest)}
