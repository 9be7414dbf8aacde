"""Verify: recompute all that a release says of itself, from its folder alone, and name every falsehood.

The manifest is held against itself (`pipeline.verify_manifest`), every file against the manifest, the rows of the
shards against the promises of the card, attribution, texts and index against the shards, and the card against the
manifest. A file whose bytes are not those listed is not looked into: that it is another file says it all.

Cost: some 30 M tokens per CPU second for each context length, and 1 s for a large vocabulary; memory as in
`pipeline.verify_shards` and `pipeline.verify_positions`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from manifests.document import ID_BYTES
from manifests.errors import CorpusmillError, IntegrityError, RecipeError
from manifests.release import MANIFEST, Manifest, ReleaseFile, ReleaseTokenizer
from manifests.storage import Storage, file_sha256
from pipeline.findings import Findings
from pipeline.recipe_tokens import Rendering, TokenizerChoice
from pipeline.release_folders import DATA, shard_of
from pipeline.release_manifest import release_tokenizer
from pipeline.release_pages import PAGES
from pipeline.rewriting_samples import check_rewriting_page
from pipeline.software import software_versions
from pipeline.tokenizer_file import rendering_options
from pipeline.verify_attribution import AttributionCheck
from pipeline.verify_index import IndexCheck
from pipeline.verify_lookup import check_lookup
from pipeline.verify_manifest import TOKENIZER, check_manifest, expected_paths, folders_in, num_shards
from pipeline.verify_packed import PackedCheck
from pipeline.verify_released_documents import OtherFiles, ReleasedDocumentsCheck
from pipeline.verify_rewrites import RewritesCheck
from pipeline.verify_rows import Digests
from pipeline.verify_texts import TextsCheck
from stages.exchange import lexsorted, sortable
from stages.rendering import Renderer
from stages.tokenizing import TextTokenizer

_SEQUENCE_TOKENS = range(2, (1 << 20) + 1)  # what a recipe may ask for


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
    release = Storage(folder)
    if release.folder is not None and not release.folder.is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    if not release.exists(MANIFEST) and not release.list("data"):
        raise RecipeError(
            f"{folder}: not a release; expected {MANIFEST} and data/, found neither",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    manifest = Manifest.read(release)
    findings = Findings(release.root)
    check_manifest(release, manifest, findings)
    sound = _sound_files(release, manifest, findings)
    _check_pages(release, manifest, sound, findings)
    files = _by_folder(manifest, sound)
    for file in sound:
        if not any(file in due for due in files.values()):
            progress(file.num_bytes)
    if not _tokenizer_proven(release, manifest, sound, findings):
        findings.check()  # ids mean nothing without the tokenizer that made them
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
    if _same_version(manifest):
        check_rewriting_page(release, manifest, findings)
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
    )


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
    for path in sorted(present.keys() - {MANIFEST, *(file.path for file in manifest.files)}):
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
    return manifest.software.get("corpusmill") == software_versions()["corpusmill"]


def _tokenizer_proven(release: Storage, manifest: Manifest, sound: list[ReleaseFile], findings: Findings) -> bool:
    """Whether the release's tokenizer is the one that the manifest speaks of, and sequences have a sane length."""
    stated, lengths = manifest.tokenizer, [length.sequence_tokens for length in manifest.packing.lengths]
    if TOKENIZER not in {file.path for file in sound}:
        return False
    try:
        chosen = TokenizerChoice(
            end_of_document=stated.end_of_document, beginning_of_document=stated.beginning_of_document
        )
        loaded = TextTokenizer.load(release.read(TOKENIZER), **chosen.model_dump(exclude={"path"}))
        options = rendering_options(
            Rendering.model_validate(manifest.recipe.get("rendering")), [source.format for source in manifest.sources]
        )
        found = release_tokenizer(chosen, loaded, Renderer(loaded, options, seed=0))
    except ValidationError:
        findings.add(f"{MANIFEST}: recipe.rendering: expected the forms of a recipe, got something else")
        return False
    except CorpusmillError as error:
        findings.add(f"{TOKENIZER}: {error.message}")
        return False
    for name in ReleaseTokenizer.__struct_fields__:
        expected, got = getattr(stated, name), getattr(found, name)
        if expected != got:
            findings.add(f"{TOKENIZER}: expected {name} {expected}, got {got}")
    if found.end_of_document_id in found.template_ids.values():
        findings.add(f"{MANIFEST}: tokenizer.template_ids: expected no end of document among them, got it")
    insane = [length for length in lengths if length not in _SEQUENCE_TOKENS]
    if insane or not lengths:
        got = insane[0] if insane else "none"
        findings.add(f"{MANIFEST}: packing.lengths: sequence_tokens: expected one of {_SEQUENCE_TOKENS}, got {got}")
    return found == stated and bool(lengths) and not insane


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
