"""Verify: recompute all that a release says of itself, from its folder alone, and name every falsehood.

The manifest is held against itself (digest, accounts, sums), every file against the manifest, the rows of the shards
against the promises of the card, attribution and texts against the shards, and the card against the manifest. A file
whose bytes are not those listed is not looked into: that it is another file says it all.

Cost: 35 M tokens per CPU second (Parquet's decoding alone does 50), and 2 s for a large vocabulary; memory as in
`pipeline.verify_shards`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from filters.licence_words import licence_words
from manifests.document import ID_BYTES
from manifests.errors import CorpusmillError, IntegrityError, RecipeError
from manifests.ledger import Ledger
from manifests.release import CHAIN, MANIFEST, SCHEMA_VERSION, Manifest, ReleaseFile, ReleaseTokenizer
from manifests.storage import Storage, file_sha256
from pipeline.findings import Findings
from pipeline.release_folders import DATA, FOLDERS, folders_of, shard_files
from pipeline.release_texts import card, summary
from pipeline.software import software_versions
from pipeline.verify_attribution import AttributionCheck
from pipeline.verify_rows import KINDS
from pipeline.verify_shards import ShardCheck, Totals
from pipeline.verify_texts import TextsCheck
from stages.exchange import lexsorted, sortable
from stages.tokenizing import TextTokenizer

_TOKENIZER = "tokenizer/tokenizer.json"
_SEQUENCE_TOKENS = range(2, (1 << 20) + 1)  # what a recipe may ask for
_PAGES = {"SUMMARY.md": summary, "README.md": card}
# What looks into the files of the folders beside data/; those of others are held to their size and sha256 alone.
_BESIDE: dict[str, type[AttributionCheck | TextsCheck]] = {"attribution": AttributionCheck, "texts": TextsCheck}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and found true.

    Attributes:
        same_version: whether this version of corpusmill made the release; only then its card and summary are generated
            again.
    """

    folder: str
    files: int
    num_bytes: int
    shards: int
    sequences: int
    tokens: int
    documents: int
    same_version: bool

    def __str__(self) -> str:
        shards = "1 shard" if self.shards == 1 else f"{self.shards:,} shards"
        pages = "" if self.same_version else "; another version wrote card and summary: they are held to their sha256"
        return (
            f"{self.folder} is what its manifest says: {self.files} files, {self.num_bytes / 1e6:,.1f} MB; "
            f"{shards} of {self.sequences:,} sequences; "
            f"{self.tokens:,} tokens of {self.documents:,} documents{pages}"
        )


def verify_release(folder: str, *, progress: Callable[[int], None] = lambda _num_bytes: None) -> VerifyReport:
    """Check a release.

    Args:
        progress: told of bytes dealt with since the last call; for a sound release, in all the sizes of its listed
            files.

    Raises:
        RecipeError: there is no such folder, or it holds no release.
        IntegrityError: something is not as the manifest says; names up to 20 findings.
    """
    if not Path(folder).is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    release = Storage(folder)
    if not release.exists(MANIFEST) and not release.list("data"):
        raise RecipeError(
            f"{folder}: not a release; expected {MANIFEST} and data/, found neither",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    manifest = Manifest.read(release)
    findings = Findings(release.root)
    _check_manifest(release, manifest, findings)
    sound = _sound_files(release, manifest, findings)
    _check_pages(release, manifest, sound, findings)
    files = _by_folder(manifest, sound)
    for file in sound:
        if not any(file in files[folder] for folder in (DATA, *_BESIDE)):
            progress(file.num_bytes)
    if not _tokenizer_proven(release, manifest, sound, findings):
        findings.check()  # ids mean nothing without the tokenizer that made them
    check = ShardCheck(manifest, findings, progress)
    for file in files[DATA]:
        check.check(release, file)
    if check.totals.complete and len(files[DATA]) == _num_shards(manifest):
        _check_totals(manifest, check.totals, findings)
    for name, beside in _BESIDE.items():
        looking = beside(manifest, findings, progress)
        for file in files[name]:
            looking.check(release, file, check.totals.document_ids.get(DATA + file.path.removeprefix(name)))
        if len(files[name]) == _num_shards(manifest):
            looking.check_totals()
    findings.check()
    return VerifyReport(
        folder=release.root,
        files=len(sound) + 1,
        num_bytes=sum(file.num_bytes for file in sound),
        shards=len(files[DATA]),
        sequences=sum(check.totals.sequences.values()),
        tokens=sum(check.totals.tokens.values()),
        documents=sum(check.totals.documents.values()),
        same_version=_same_version(manifest),
    )


def _check_manifest(release: Storage, manifest: Manifest, findings: Findings) -> None:
    """Whether the manifest agrees with itself."""

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
    licences = {row.licence for row in manifest.documents}
    expect("licence_words: licences", sorted(licences), sorted(manifest.licence_words))
    if manifest.software == software_versions():  # other versions may file a licence under another word
        expect("licence_words", {licence: licence_words(licence) for licence in licences}, manifest.licence_words)
    listed = Counter(file.path for file in manifest.files)
    for path in sorted(listed.keys() | _expected_paths(manifest)):
        expect(f"files: entries of {path}", int(path in _expected_paths(manifest)), listed[path])


def _num_shards(manifest: Manifest) -> int:
    return sum(file.path.startswith(f"{DATA}/") for file in manifest.files)


def _expected_paths(manifest: Manifest) -> set[str]:
    """The files that the manifest must list: every folder of its recipe has as many as there are shards of data."""
    folders = [shard_files(folder.name, _num_shards(manifest)) for folder in folders_of(manifest.recipe)]
    return {*(path for paths in folders for path in paths), *_PAGES, _TOKENIZER}


def _by_folder(manifest: Manifest, sound: list[ReleaseFile]) -> dict[str, list[ReleaseFile]]:
    """The sound files among those that each folder must have, by its name; none for one that the recipe leaves out."""
    expected = _expected_paths(manifest)
    due = [file for file in sound if file.path in expected]
    return {folder.name: [file for file in due if file.path.startswith(f"{folder.name}/")] for folder in FOLDERS}


def _sound_files(release: Storage, manifest: Manifest, findings: Findings) -> list[ReleaseFile]:
    """The listed files whose size and sha256 are as listed; whatever else lies in the folder is a finding."""
    present = release.list("")
    sound = []
    for file in manifest.files:
        size = present.get(file.path)  # none for a path that leads out of the folder, which is so never opened
        if size != file.num_bytes:
            got = "none" if size is None else f"{size:,} bytes"
            findings.add(f"{file.path}: expected a file of {file.num_bytes:,} bytes, got {got}")
            continue
        try:
            with release.open(file.path) as opened:
                digest = file_sha256(opened)
        except OSError as error:
            digest = f"none: {error.strerror}"
        if digest == file.sha256:
            sound.append(file)
        else:
            findings.add(f"{file.path}: expected sha256 {file.sha256}, got {digest}")
    for path in sorted(present.keys() - {MANIFEST, *(file.path for file in manifest.files)}):
        findings.add(f"{path}: expected no such file, for the manifest does not list it; got {present[path]:,} bytes")
    return sound


def _check_pages(release: Storage, manifest: Manifest, sound: list[ReleaseFile], findings: Findings) -> None:
    """Whether what people read is what the manifest generates."""
    if not _same_version(manifest):
        return  # another version may word them otherwise; their sha256 holds
    for path, write in _PAGES.items():
        try:
            expected = write(msgspec.structs.replace(manifest, files=[])).encode()
        except (KeyError, IntegrityError):
            continue  # a kind or an account is missing in the manifest, which is a finding already
        if path in {file.path for file in sound} and release.read(path) != expected:
            findings.add(f"{path}: expected the text that the manifest generates, got another")


def _same_version(manifest: Manifest) -> bool:
    return manifest.software.get("corpusmill") == software_versions()["corpusmill"]


def _tokenizer_proven(release: Storage, manifest: Manifest, sound: list[ReleaseFile], findings: Findings) -> bool:
    """Whether the release's tokenizer is the one that the manifest speaks of, and sequences have a sane length."""
    stated, length = manifest.tokenizer, manifest.packing.sequence_tokens
    if _TOKENIZER not in {file.path for file in sound}:
        return False
    try:
        loaded = TextTokenizer.load(release.read(_TOKENIZER), end_of_document=stated.end_of_document)
    except CorpusmillError as error:
        findings.add(f"{_TOKENIZER}: {error.message}")
        return False
    found = ReleaseTokenizer(
        loaded.sha256,
        loaded.vocabulary_size,
        stated.end_of_document,
        loaded.end_of_document_id,
        sorted(loaded.control_ids),
    )
    for name in ReleaseTokenizer.__struct_fields__:
        expected, got = getattr(stated, name), getattr(found, name)
        if expected != got:
            findings.add(f"{_TOKENIZER}: expected {name} {expected}, got {got}")
    if length not in _SEQUENCE_TOKENS:
        findings.add(f"{MANIFEST}: packing.sequence_tokens: expected one of {_SEQUENCE_TOKENS}, got {length}")
        return False
    return found == stated


def _check_totals(manifest: Manifest, totals: Totals, findings: Findings) -> None:
    """Whether the shards together hold what the manifest says."""
    documents = dict.fromkeys(KINDS, 0)
    for row in manifest.documents:
        documents[row.kind] = documents.get(row.kind, 0) + row.documents
    for what, expected, got in (
        ("documents by kind", documents, totals.documents),
        ("tokens by kind", manifest.tokens_by_kind(), totals.tokens),
        ("packing.sequences", manifest.packing.sequences, totals.sequences),
        ("packing.padding_tokens", manifest.packing.padding_tokens, totals.padding_tokens),
        ("packing.cut_documents", manifest.packing.cut_documents, totals.cut_documents),
    ):
        if expected != got:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got} in the shards")
    ids = np.concatenate([*totals.document_ids.values(), np.empty(0, dtype=f"V{ID_BYTES}")])
    keys = sortable(ids)
    order = lexsorted(keys)
    repeated = np.flatnonzero(np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys]))
    if len(repeated):
        twice = ids[order[repeated[0]]].item()
        shards = [path for path, own in totals.document_ids.items() if twice in own.tolist()]
        findings.add(f"document {twice.hex()}: expected it in one shard, got it in {' and '.join(shards)}")
