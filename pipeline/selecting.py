"""A part of a release as a release: the documents for which a condition holds, packed anew. `corpusmill select`.

It is made of the release's folder alone, and of token ids, so a release without texts is as good. Every folder of the
release is there, with as many files; a shard of which nothing was chosen has files without rows. The manifest is the
parent's with numbers of its own (`pipeline.selecting_manifest`), and names the parent by digest.

One process, shard after shard. Every file that is read is held against its sha256 before. What is not whole yet waits
in a folder beside the new release. Memory and cost: those of `pipeline.selecting_packed`, `pipeline.packed_set` and
`pipeline.release_subset`.
"""

import re
import tempfile
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from manifests.errors import RecipeError
from manifests.release import MANIFEST, DocumentClass, Manifest
from manifests.storage import Storage
from manifests.withdrawal import check_not_withdrawn
from pipeline.document_classes import DocumentClasses
from pipeline.findings import Findings
from pipeline.locks import locked_beside
from pipeline.new_release import NewFiles
from pipeline.packed_set import PackedCounts
from pipeline.pass_9_release import OURS
from pipeline.recipe_types import Name, Version
from pipeline.release_lookup import WaitingKeys
from pipeline.release_pages import pages
from pipeline.release_subset import BesideCounts, beside_path
from pipeline.released_files import ReleasedFiles
from pipeline.rewriting_page import PAGE
from pipeline.rewriting_samples import SampleFiles, page_of
from pipeline.selecting_condition import Condition
from pipeline.selecting_manifest import Selected, selected_manifest
from pipeline.selecting_shard import ShardCutter, matches
from pipeline.verify_manifest import TOKENIZER, check_manifest, num_shards
from pipeline.verify_removals import removal_paths

_OURS = re.compile(rf"{OURS.pattern}|removals/tombstones\.jsonl")


class NewName(NamedTuple):
    """Name and version of a selection; None: the release's name and `-selection`, and the release's version."""

    name: str | None = None
    version: str | None = None


AS_THE_RELEASE = NewName()


def select_documents(
    folder: str,
    where: str,
    output: str,
    *,
    new: NewName = AS_THE_RELEASE,
    progress: Callable[[str], object] = lambda _line: None,
) -> str:
    """Make the release; returns its folder.

    Args:
        folder: of the release that it is cut from.
        where: SQL, the condition on its documents.
        output: folder.
        new: what it is to be called.
        progress: told a line for every shard.

    Raises:
        RecipeError: no release or a withdrawn one, a condition that is none or holds for no document, or a folder that
            is taken, or in which another selection is being made.
        IntegrityError: the release is damaged.
    """
    files = _opened(folder)
    parent = files.manifest
    name, version = _named(new.name or f"{parent.name}-selection", new.version or parent.version)
    condition, out = Condition(where), Storage(output)
    others = [path for path in out.list("") if not _OURS.fullmatch(path)]
    if others:
        raise RecipeError(
            f"{out.root}: holds {others[0]!r}; expected an empty folder, what a stopped run left there, or none",
            hint="choose another folder with --output",
        )
    _check_some(files, condition)
    beside = out.folder and out.folder.parent
    with locked_beside(out, "selection"), tempfile.TemporaryDirectory(dir=beside, prefix=".selecting-") as scratch:
        out.check_writable()
        made, keys = NewFiles(Storage(scratch), out), WaitingKeys(Path(scratch), num_shards(parent))
        cutter = ShardCutter(files, condition, made, keys, f"{name} {version}", Path(scratch))
        counts = []
        for number in range(num_shards(parent)):
            progress(f"shard {number + 1} of {num_shards(parent)}")
            counts.append(cutter.cut(number))
        for number in range(num_shards(parent)):
            path = beside_path(parent, "lookup", number)
            made.say_rows(path, keys.write(number, made.new(path), cutter.label))
        manifest = selected_manifest(parent, _selected(counts), where=where, name=name, version=version)
        _finish(files, made, manifest)
    return out.root


def _opened(folder: str) -> ReleasedFiles:
    release = Storage(folder)
    if release.folder is not None and not release.folder.is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    manifest = Manifest.read(release)
    if manifest.packed_from is not None:
        raise RecipeError(
            f"{folder}: expected a release, found a second packed set of one",
            hint="select from the release, and make a second packed set of what that gives",
        )
    check_not_withdrawn(release, manifest, what=folder)
    findings = Findings(release.root)
    check_manifest(release, manifest, findings)  # so that nothing below meets folders or numbers that cannot be
    if not isinstance(manifest.recipe.get("seed"), int):
        findings.add(f"{MANIFEST}: recipe.seed: expected a number, got none")
    findings.check()
    return ReleasedFiles(release, manifest)


def _named(name: str, version: str) -> tuple[str, str]:
    """Name and version, as a recipe may have them."""
    for option, value, allowed in (("--name", name, Name), ("--version", version, Version)):
        try:
            TypeAdapter(allowed).validate_python(value)
        except ValidationError as error:
            raise RecipeError(
                f"{option}: {value}: {error.errors()[0]['msg']}", hint="as in --name my-corpus-rust --version 0.1.0"
            ) from error
    return name, version


def _check_some(files: ReleasedFiles, condition: Condition) -> None:
    """Raise RecipeError where the condition holds for no document that is packed; reads as far as to the first one."""
    for number in range(num_shards(files.manifest)):
        for table, holds in matches(files, condition, number):
            if (holds & ~table.column("held_out").to_numpy()).any():
                return
    raise RecipeError(
        "--where: expected a condition that holds for some document of the shards, got one that holds for none",
        hint="SUMMARY.md of the release lists its languages, licences and subsets",
    )


def _selected(counts: list[tuple[PackedCounts, BesideCounts]]) -> Selected:
    """What all shards have together."""
    classes = DocumentClasses()
    not_known: dict[str, dict[str, int]] = {}
    rewrites: dict[str, list[int]] = {}
    for _, beside in counts:
        classes.merge(beside.classes)
        for what, kinds in beside.not_known.items():
            own = not_known.setdefault(what, dict.fromkeys(kinds, 0))
            for kind, number in kinds.items():
                own[kind] += number
        for language, numbers in beside.rewrites.items():
            before = rewrites.get(language, [0, 0])
            rewrites[language] = [a + b for a, b in zip(before, numbers, strict=True)]
    return Selected(
        documents=[
            msgspec.convert(dict(zip(DocumentClass.__struct_fields__, row, strict=True)), DocumentClass)
            for row in classes.rows()
        ],
        packed=[packed for packed, _ in counts],
        held_out=sum(beside.rows.get("held_out", 0) for _, beside in counts),
        not_known=not_known,
        rewrites=rewrites,
    )


def _finish(files: ReleasedFiles, made: NewFiles, manifest: Manifest) -> None:
    """Copy what stays as it is, write what is generated, and last the manifest; what a stopped run left goes."""
    out = made.out
    for path in (TOKENIZER, *sorted(removal_paths(manifest))):
        if path not in files.listed:
            raise files.damaged(path, "expected a file that the manifest lists, found none")
        made.copy(files.listed[path], files.storage)
    paths = sorted(made.listed)
    rewrites, texts = ([path for path in paths if path.startswith(f"{name}/")] for name in ("rewrites", "texts"))
    page = page_of(manifest, out, [SampleFiles(*pair) for pair in zip_longest(rewrites, texts)])
    if page is not None:
        made.write(PAGE, page.encode())
    for path, data in pages(manifest.with_files(made.listed.values())).items():
        made.write(path, data)
    for path in out.list("").keys() - made.listed.keys():
        if _OURS.fullmatch(path):
            out.delete(path)
    manifest = manifest.with_files(made.listed.values())
    manifest.check_accounts()
    out.write(MANIFEST, manifest.to_bytes())
    out.clear_temporary(_OURS)
