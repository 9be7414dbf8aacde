"""Verify: recompute all that a release says of itself, from its folder alone, and name every falsehood.

The manifest is held against itself (`pipeline.verify_manifest`), every file against the manifest, the rows of the
shards against the promises of the card, attribution, texts and index against the shards, and the card against the
manifest. A file whose bytes are not those listed is not looked into: that it is another file says it all.

Cost: some 30 M tokens per CPU second for each context length, and 1 s for a large vocabulary.

Memory: that of `pipeline.verify_shards` and `pipeline.verify_positions` for what is looked into, and of all shards at
once, until `documents/` is held against them, 48 bytes for each document: 40 of what its text says of it (16 of its id,
8 for each of two columns, and 8 more where code is rewritten; none without texts) and 8 for its tokens.
"""

from collections.abc import Callable

import numpy as np

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError, RecipeError
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage, file_sha256
from manifests.withdrawal import WITHDRAWN, Withdrawal
from pipeline.findings import Findings
from pipeline.release_folders import DATA, shard_of
from pipeline.release_pages import PAGES
from pipeline.rewriting_samples import check_rewriting_page
from pipeline.software import software_versions
from pipeline.verify_attribution import AttributionCheck
from pipeline.verify_index import IndexCheck
from pipeline.verify_lookup import check_lookup
from pipeline.verify_manifest import check_manifest, expected_paths, folders_in, num_shards
from pipeline.verify_opt_outs import check_opt_outs
from pipeline.verify_packed import PackedCheck, PackedContents
from pipeline.verify_released_documents import OtherFiles, ReleasedDocumentsCheck
from pipeline.verify_removals import check_removals
from pipeline.verify_report import VerifyReport, checked_lines
from pipeline.verify_rewrites import RewritesCheck
from pipeline.verify_rows import Digests
from pipeline.verify_sample import check_sample
from pipeline.verify_texts import TextsCheck
from pipeline.verify_tokenizer import proven_tokenizer
from stages.exchange import lexsorted, sortable


def verify_release(
    folder: str,
    *,
    digest: str | None = None,
    opt_out: str | None = None,
    progress: Callable[[int], None] = lambda _num_bytes: None,
) -> VerifyReport:
    """Check a release.

    Args:
        digest: of the manifest, as its publisher gave it; None where only the release's own word is known.
        opt_out: folder of an opt-out registry; None for none.
        progress: told of bytes dealt with since the last call; for a sound release, in all the sizes of its listed
            files.

    Raises:
        RecipeError: there is no such folder or registry, or no release in it.
        IntegrityError: something is not as the manifest says; names up to 20 findings.
    """
    release = _opened(folder)
    manifest = Manifest.read(release)
    findings = Findings(release.root)
    if digest is not None and digest.strip().lower() != manifest.digest:
        findings.add(f"{MANIFEST}: expected the digest that the publisher gave, {digest}, got {manifest.digest}")
    check_manifest(release, manifest, findings)
    withdrawn = _withdrawal(release, manifest, findings)
    sound = _sound_files(release, manifest, findings)
    _check_pages(release, manifest, sound, findings)
    check_removals(release, manifest, {file.path for file in sound}, findings)
    files = _by_folder(manifest, sound)
    for file in sound:
        if not any(file in due for due in files.values()):
            progress(file.num_bytes)
    proven = proven_tokenizer(release, manifest, sound, findings)
    if proven is None:
        findings.check()  # ids mean nothing without the tokenizer that made them
    contents = _check_contents(release, manifest, files, findings, progress)
    if _same_version(manifest):
        check_rewriting_page(release, manifest, findings)
    sampled = check_sample(release, manifest, contents.documents, proven, findings) if proven else 0
    findings.check()
    opted_out = None if opt_out is None else check_opt_outs(release, manifest, opt_out, findings)
    findings.check()
    return VerifyReport(
        folder=release.root,
        files=len(sound) + 1,
        num_bytes=sum(file.num_bytes for file in sound),
        shards=len(files[DATA]),
        sequences=contents.sequences,
        tokens=contents.tokens,
        documents=sum(len(documents.ids) for documents in contents.documents.values()),
        same_version=_same_version(manifest),
        withdrawn=withdrawn,
        checked=tuple(checked_lines(manifest, digest=digest, sampled=sampled, opted_out=opted_out)),
    )


def _check_contents(
    release: Storage,
    manifest: Manifest,
    files: dict[str, list[ReleaseFile]],
    findings: Findings,
    progress: Callable[[int], None],
) -> PackedContents:
    """Look into all files with rows, by folder; raises IntegrityError where something was found."""
    contents = PackedCheck(release, manifest, files, findings, progress).check()
    texts = TextsCheck(manifest, findings, progress)
    for name, looking in (("attribution", AttributionCheck(manifest, findings, progress)), ("texts", texts)):
        for file in files.get(name, []):
            looking.check(release, file, contents.documents.get(shard_of(file.path).removeprefix(DATA)))
        if len(files.get(name, [])) == num_shards(manifest):
            looking.check_totals()
    rewrites = RewritesCheck(manifest, findings, progress)
    rewrites.check(release, files.get("rewrites", []), contents.documents, texts.rewritten)
    own_ids = {DATA + name: documents.ids for name, documents in contents.documents.items()}
    index = IndexCheck(manifest, findings, progress)
    if manifest.packed_from is None:
        index.check(release, files, own_ids)
        told = OtherFiles(files, contents.documents, index.held_out_ids, texts.told)
        _check_documents(release, manifest, told, findings, progress)
    if contents.complete:
        _check_each_once(own_ids | index.held_out_ids, findings)
    findings.check()
    return contents


def _opened(folder: str) -> Storage:
    """The release's folder; raises RecipeError where there is none, or nothing of a release in it."""
    release = Storage(folder)
    if release.folder is not None and not release.folder.is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    if not release.exists(MANIFEST) and not release.list("data"):
        raise RecipeError(
            f"{folder}: not a release; expected {MANIFEST} and data/, found neither",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    return release


def _withdrawal(release: Storage, manifest: Manifest, findings: Findings) -> Withdrawal | None:
    """The one file that no manifest lists, if it is there; what it says must be of this release."""
    try:
        return Withdrawal.read(release, manifest.digest)
    except IntegrityError as error:
        findings.add(error.message.removeprefix(f"{release.root}/"))
        return None


def _by_folder(manifest: Manifest, sound: list[ReleaseFile]) -> dict[str, list[ReleaseFile]]:
    """The sound files among those that each folder of its recipe must have, by its name."""
    expected = expected_paths(manifest)
    due = [file for file in sound if file.path in expected]
    names = [folder.name for folder in folders_in(manifest)]
    return {name: [file for file in due if file.path.startswith(f"{name}/")] for name in names}


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
    for path in sorted(present.keys() - {MANIFEST, WITHDRAWN, *(file.path for file in manifest.files)}):
        findings.add(f"{path}: expected no such file, for the manifest does not list it; got {present[path]:,} bytes")
    return sound


def _check_pages(release: Storage, manifest: Manifest, sound: list[ReleaseFile], findings: Findings) -> None:
    """Whether what people read is what the manifest generates."""
    if not _same_version(manifest):
        return  # another version may word them otherwise; their sha256 holds
    for path, write in PAGES.items():
        try:
            expected = write(manifest.without(PAGES)).encode()
        except (LookupError, IntegrityError):
            continue  # a kind, a context length or an account is missing in the manifest, which is a finding already
        if path in {file.path for file in sound} and release.read(path) != expected:
            findings.add(f"{path}: expected the text that the manifest generates, got another")


def _same_version(manifest: Manifest) -> bool:
    return manifest.written_by == software_versions()["corpusmill"]


def _check_documents(
    release: Storage, manifest: Manifest, told: OtherFiles, findings: Findings, progress: Callable[[int], None]
) -> None:
    """Whether `documents/` says what all other files say, and `lookup/` what names them."""
    check = ReleasedDocumentsCheck(manifest, findings, progress)
    check.check(release, told)
    documents, lookup = (told.files.get(name, []) for name in ("documents", "lookup"))
    if check.complete and len(documents) == len(lookup) == num_shards(manifest):
        check_lookup(release, manifest, documents, lookup, findings)
    for file in lookup:
        progress(file.num_bytes)


def _check_each_once(documents: dict[str, Digests], findings: Findings) -> None:
    """Whether no document lies in two shards, nor in one and in held_out/."""
    ids = np.concatenate([*documents.values(), np.empty(0, dtype=f"V{ID_BYTES}")])
    keys = sortable(ids)
    order = lexsorted(keys)
    repeated = np.flatnonzero(np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys]))
    if len(repeated):
        twice = ids[order[repeated[0]]].item()
        places = [path for path, own in documents.items() for _ in range(own.tolist().count(twice))]
        findings.add(f"document {twice.hex()}: expected it in one place, got it in {' and '.join(places)}")
