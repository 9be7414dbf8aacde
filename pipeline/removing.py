"""`corpusmill optout apply`: the next version of a release, without what its owners asked to leave out.

The parent is never changed. Files that concern a removed document are written anew, all others are the parent's: on one
disk without a copy, within one store copied by it. The order makes a stop harmless: the release's files; then what is
to be remembered of the removed content, in the registry; then a search of the new release for everything that must not
be in it; and last the manifest. The same command again ends in the same bytes.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import Registry
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.locks import locked_beside
from pipeline.pass_9_release import OURS
from pipeline.release_pages import PAGES, pages
from pipeline.released_files import ReleasedFiles
from pipeline.removal_asked import Asked, asked_of, told_before
from pipeline.removal_evidence import licence_files, write_evidence
from pipeline.removal_lookup import write_lookups
from pipeline.removal_manifest import next_version, patched, summed, with_removals
from pipeline.removal_proof import search_files
from pipeline.removal_search import How, Search, search
from pipeline.removal_shards import Making, ShardRemoval, remove_from_shard
from pipeline.removal_suppressing import remember
from pipeline.removal_tombstones import (
    FOLDER,
    PROOF,
    TOMBSTONES,
    Proof,
    Tombstone,
    encoded,
    new_tombstones,
    read_tombstones,
    totals,
)
from pipeline.removal_work import read_by_run, without_work
from pipeline.rewriting_page import PAGE
from pipeline.rewriting_samples import SampleFiles, page_of
from pipeline.verify_manifest import check_manifest
from stages.suppression import MINIMUM_AGREEMENT

_OURS = re.compile(rf"{OURS.pattern}|{FOLDER}/(?:tombstones\.jsonl|proof\.json)")
_WAYS: tuple[How, ...] = ("named", "exact_copy", "near_copy")


class ApplyOptions(NamedTuple):
    """What a command line may say.

    Attributes:
        output: folder of the new release; empty: beside the parent, `<name>-<version>`.
        version: of the new release; empty: the next patch.
        near_copies: "remove" or "keep"; empty: as the parent has it.
        work: work folder of the run, so that what it read and dropped counts, too; empty: none.
    """

    output: str = ""
    version: str = ""
    near_copies: str = ""
    work: str = ""


_PLAIN = ApplyOptions()


class Applied(NamedTuple):
    """What was done.

    Attributes:
        folder: of the new release; empty where nothing was to be removed.
        tombstones: of this removal.
        shards: that were written, of `of_shards`.
        opened: files of the parent that were read, by folder.
        written: files that were written, by folder.
    """

    folder: str
    tombstones: list[Tombstone]
    shards: int
    of_shards: int
    opened: dict[str, int]
    written: dict[str, int]


def opened_release(folder: str) -> tuple[Manifest, ReleasedFiles]:
    """A release to be searched: its manifest, and its files in their listed sizes.

    Raises:
        RecipeError: no release, or a second packed set, whose documents are another's.
        IntegrityError: the manifest is damaged, or a file is not there in its size.
    """
    release = Storage(folder)
    if not release.exists(MANIFEST):
        raise RecipeError(
            f"{folder}: expected a release, found no {MANIFEST}",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    manifest = Manifest.read(release)
    if manifest.packed_from is not None:
        raise RecipeError(
            f"{folder}: expected a release, found a second packed set, which has no table of its documents",
            hint="take the documents out of its release, and pack that again with `corpusmill tokenize`",
        )
    findings = Findings(release.root)
    check_manifest(release, manifest, findings)  # so that nothing below meets folders or numbers that cannot be
    findings.check()
    files = ReleasedFiles(release, manifest)
    files.check_sizes()
    return manifest, files


def apply_opt_outs(
    registry: Registry,
    folder: str,
    options: ApplyOptions = _PLAIN,
    *,
    progress: Callable[[str], object] = lambda _line: None,
) -> Applied:
    """Make the next version of a release without what a registry asks to leave out; nothing where nothing is in it.

    Raises:
        RecipeError: no release or registry, a version that is not above the parent's or is there already, a folder that
            is taken or in which another removal is under way, or a work folder of another run.
        IntegrityError: the release or the registry is damaged, or something of what was removed is still there.
        NoSpaceError: the disk is full.
    """
    manifest, files = opened_release(folder)
    version = next_version(manifest.version, options.version or None)
    for line in told_before(files.storage, manifest, options.near_copies):
        progress(line)
    asked = asked_of(registry, manifest, near_copies=options.near_copies)
    if options.work:
        read = read_by_run(options.work, manifest, asked.wanted.requests)
        asked = asked._replace(wanted=asked.wanted._replace(read=read))
    elif line := without_work(asked.wanted.requests):
        progress(line)
    found = search(files, asked.wanted)
    if not found.rows:
        return Applied("", [], 0, len(files.folder("documents")), dict(files.opened), {})
    parent = files.storage.root
    usual = Storage(f"{parent.rpartition('/')[0]}/{manifest.name}-{version}")
    out = Storage(options.output) if options.output else usual
    with locked_beside(out, "removal"):
        _check_not_taken(out, parent, usual)
        making = Making(manifest, files, out, licence_files(found.rows))
        return _Applying(asked, making, found, version).run(progress)


def _check_not_taken(out: Storage, parent: str, usual: Storage) -> None:
    if out.root == parent:
        raise RecipeError(f"{out.root}: a release is never changed", hint="choose another folder with --output")
    if out.exists(MANIFEST):
        raise RecipeError(
            f"{out.root}: holds a release; a release is never changed",
            hint="apply requests to that one if it is the latest, or choose another folder or version",
        )
    if usual.exists(MANIFEST):
        raise RecipeError(
            f"{usual.root}: holds a release of this name and version; expected one version to mean one release",
            hint="apply requests to that one if it is the latest, or choose a higher --version",
        )
    others = [name for name in out.list("") if not _OURS.fullmatch(name)]
    if others:
        raise RecipeError(
            f"{out.root}: holds {others[0]!r}; expected an empty folder, what a stopped removal left there, or none",
            hint="choose another folder with --output",
        )
    out.check_writable()


class _Applying:
    """A removal under way."""

    def __init__(self, asked: Asked, making: Making, found: Search, version: str) -> None:
        self._asked = asked
        self._making = making
        self._found = found
        self._version = version
        self._listed: dict[str, ReleaseFile] = {}

    def run(self, progress: Callable[[str], object]) -> Applied:
        making, found = self._making, self._found
        removals: list[ShardRemoval] = []
        for shard, rows in sorted(found.rows.items()):
            progress(f"shard {shard}: {rows.num_rows} documents go")
            removals.append(remove_from_shard(making, shard, rows))
            self._listed |= removals[-1].written
        self._listed |= write_evidence(making, self._listed)
        self._listed |= write_lookups(making, found.rows)
        written = list(self._listed)
        self._take_over()
        tokens = {name: count for one in removals for name, count in one.tokens_gone.items()}
        tombstones = new_tombstones(found, tokens, self._version)
        remember(self._asked, found)
        manifest, texts = self._manifest(removals, tombstones)
        if making.out.exists(MANIFEST):  # whoever takes no lock may have finished one here
            raise RecipeError(f"{making.out.root}: holds a release now", hint="choose another folder with --output")
        for path, data in texts.items():
            making.out.write(path, data)
        for path in making.out.list("").keys() - self._listed.keys() - {MANIFEST}:
            making.out.delete(path)  # what a stopped removal left, of other requests
        making.out.write(MANIFEST, manifest.to_bytes())
        making.out.clear_temporary(_OURS)
        shards = len(making.files.folder("documents"))
        return Applied(
            making.out.root, tombstones, len(found.rows), shards, dict(making.files.opened), _by_folder(written)
        )

    def _take_over(self) -> None:
        """The parent's other files, as they are."""
        parent, out = self._making.files.storage, self._making.out
        for file in self._making.files:
            if file.path in self._listed or file.path in PAGES or file.path in (PAGE, TOMBSTONES, PROOF):
                continue
            if not parent.share_with(out, file.path):
                parent.copy_to(file.path, out, file.path, digest=file.sha256)
            self._listed[file.path] = file

    def _manifest(self, removals: list[ShardRemoval], tombstones: list[Tombstone]) -> tuple[Manifest, dict[str, bytes]]:
        """The manifest, whole, and the files that are written from it, by path."""
        parent, out = self._making.manifest, self._making.out
        now = asked_of(
            self._asked.registry, parent, near_copies=self._asked.account.near_copies, snapshot=self._asked.snapshot
        )
        now = now._replace(wanted=now.wanted._replace(read=self._asked.wanted.read))
        if TOMBSTONES in self._making.files:
            self._making.files.prove(TOMBSTONES)
        all_tombstones = [*read_tombstones(self._making.files.storage), *tombstones]
        manifest = patched(parent, self._version, summed(one.change for one in removals), now.account)
        manifest = with_removals(manifest, totals(all_tombstones))
        texts = {TOMBSTONES: encoded(all_tombstones), PROOF: self._proof(manifest, now).to_bytes()}
        rewrites, stored = (
            [path for path in sorted(self._listed) if path.startswith(f"{name}/")] for name in ("rewrites", "texts")
        )
        pairs = [SampleFiles(path, stored[place] if stored else None) for place, path in enumerate(rewrites)]
        page = page_of(manifest, out, pairs)
        texts |= {} if page is None else {PAGE: page.encode()}
        self._listed |= {path: ReleaseFile.of(path, data) for path, data in texts.items()}
        made = pages(manifest.with_files(self._listed.values()))
        self._listed |= {path: ReleaseFile.of(path, data) for path, data in made.items()}
        final = manifest.with_files(self._listed.values())
        final.check_accounts()
        return final, texts | made

    def _proof(self, manifest: Manifest, asked: Asked) -> Proof:
        """Search the new release for all that was asked and all that is remembered, and its files for what went.

        Raises:
            IntegrityError: something is still there.
        """
        files = ReleasedFiles(self._making.out, manifest.with_files(self._listed.values()))
        left = search(files, asked.wanted)
        residual = {str(how): left.count(how) for how in _WAYS}
        if any(residual.values()):
            raise IntegrityError(
                f"{self._making.out.root}: expected nothing of what was removed, found {residual}",
                hint="no manifest was written; tell the makers of corpusmill, with the version and the requests",
            )
        rows_searched = search_files(files, manifest, self._found)
        return Proof(
            release=f"{manifest.name} {manifest.version}",
            documents=sum(files[path].rows or 0 for path in files.folder("documents")),
            active_requests=len(asked.wanted.requests),
            suppressed=asked.account.suppressed,
            near_copies=asked.account.near_copies,
            near=asked.wanted.near,
            minimum_agreement=MINIMUM_AGREEMENT,
            work=asked.wanted.read is not None,
            files_read=dict(sorted(files.opened.items())),
            rows_searched=rows_searched,
            residual=residual | {"in_files": 0},
        )


def _by_folder(paths: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in sorted(paths):
        folder = path.partition("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
    return counts
