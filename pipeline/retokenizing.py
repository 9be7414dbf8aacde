"""A second packed set of a release: its texts rendered and packed again, by another tokenizer. `corpusmill tokenize`.

It lies in a folder of its own, which `verify` looks into as it does into a release: its manifest is the release's, with
tokenizer, forms, packing and all numbers of tokens of its own, and says by digest which release it was packed from.
Documents are those of the release, as often as they are in it; the ratio of kinds is what that comes to.

One process; a shard of texts is read slice by slice, and token ids wait on disk, 4 bytes each, until the whole shard is
laid out. Memory and cost are those of the passes tokenize and pack.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, cast, get_args

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import Kind
from manifests.errors import RecipeError
from manifests.release import MANIFEST, DocumentClass, Manifest, ReleaseFile
from manifests.release_mixture import ReleaseMixture
from manifests.storage import TEMPORARY_NAME, NewFile, Storage
from manifests.withdrawal import check_not_withdrawn
from pipeline.document_classes import CLASS, DocumentClasses, member_sums
from pipeline.locks import locked_beside
from pipeline.packed_set import PackedCounts, PackedSet, PackedSource, PackingChoice
from pipeline.recipe_file import checked_token_sections
from pipeline.recipe_mixture import Mixture
from pipeline.recipe_tokens import TokenSections
from pipeline.release_folders import PACKED_FILE, folders_packed, shard_files, texts_format
from pipeline.release_manifest import release_packing, release_tokenizer
from pipeline.release_pages import PAGE_FILE, pages
from pipeline.released_texts import text_slices
from pipeline.rendered_documents import Rendering, packed_tables, rendered_documents
from pipeline.software import software_versions
from pipeline.tokenizer_file import load_tokenizer, rendering_options, tokenizer_bytes
from pipeline.verify_manifest import TOKENIZER, num_shards
from stages.packed_documents import PackedDocuments
from stages.packing import Int32s
from stages.rendering import Renderer

_KINDS = get_args(Kind)
_OURS = re.compile(rf"{PACKED_FILE.pattern}|tokenizer/tokenizer\.json|{PAGE_FILE.pattern}|{TEMPORARY_NAME.pattern}")


def tokenize_release(
    folder: str,
    tokenizer: str,
    *,
    output: str | None = None,
    overrides: Iterable[str] = (),
    progress: Callable[[str], object] = lambda _line: None,
) -> str:
    """Make the packed set; returns its folder.

    Args:
        folder: of the release.
        tokenizer: path of a tokenizer.json.
        output: folder; None for `<folder>-tokens-<first digits of the tokenizer's sha256>`.
        overrides: `key.path=value` of the sections tokenizer, rendering and packing; all else is as in the release.
        progress: told a line for every shard.

    Raises:
        RecipeError: no release, one that is withdrawn or has no texts, a tokenizer that cannot be used, or a folder
            that is taken, or in which another packed set is being made.
        IntegrityError: the release is damaged.
    """
    release = Storage(folder)
    if release.folder is not None and not release.folder.is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    manifest = Manifest.read(release)
    check_not_withdrawn(release, manifest, what=folder)
    if texts_format(manifest.recipe) == "off" or manifest.packed_from is not None:
        raise RecipeError(
            f"{folder}: expected a release with texts/, found one without",
            hint="make the release with release.texts: parquet" if manifest.packed_from is None else "name the release",
        )
    sections = checked_token_sections(manifest.recipe, tokenizer, overrides)
    digest = sha256(tokenizer_bytes(sections)).hexdigest()
    out = Storage(output or f"{folder.rstrip('/')}-tokens-{digest[:8]}")
    made = _Making(release, manifest, sections, out)
    made.renderer()  # a control token that is absent is told before anything is written
    with locked_beside(out, "packing"):
        _check_not_taken(out)
        for number in range(num_shards(manifest)):
            progress(f"shard {number + 1} of {num_shards(manifest)}")
            made.shard(number)
        made.finish()
    return out.root


def _check_not_taken(out: Storage) -> None:
    others = [name for name in out.list("") if not _OURS.fullmatch(name)]
    if others:
        raise RecipeError(
            f"{out.root}: holds {others[0]!r}; expected an empty folder, what a stopped run left there, or none",
            hint="choose another folder with --output",
        )
    out.check_writable()


@dataclass(slots=True)
class _Making:
    """A packed set on its way."""

    release: Storage
    manifest: Manifest
    sections: TokenSections
    out: Storage
    files: list[ReleaseFile] = field(default_factory=list)
    counts: list[PackedCounts] = field(default_factory=list)
    classes: DocumentClasses = field(default_factory=DocumentClasses)

    @property
    def seed(self) -> int:
        """The release's."""
        return msgspec.convert(self.manifest.recipe["seed"], int)

    @property
    def recipe(self) -> dict[str, object]:
        """The recipe of the manifest, with the sections that changed."""
        changed = self.sections.model_dump(mode="json", exclude={"tokenizer": {"path"}})
        return self.manifest.recipe | changed

    def renderer(self) -> Renderer:
        """What renders the release's documents."""
        formats = [source.format for source in self.manifest.sources]
        options = rendering_options(self.sections.rendering, formats)
        return Renderer(load_tokenizer(self.sections), options, self.seed)

    def shard(self, number: int) -> None:
        """Make the files of one shard."""
        sections, tokenizer = self.sections, load_tokenizer(self.sections)
        choice = PackingChoice(
            mode=sections.packing.mode,
            sequence_tokens=sections.packing.lengths,
            seed=self.seed,
            pad_id=tokenizer.end_of_document_id,
            release=self.manifest.label,
            tokenizer_sha256=tokenizer.sha256,
        )
        beside = self.out.folder and self.out.folder.parent
        with tempfile.TemporaryDirectory(dir=beside, prefix=".packing-") as scratch:
            slices = _WaitingSlices(Path(scratch))
            name = f"shard-{number:05d}-of-{num_shards(self.manifest):05d}"
            for texts in text_slices(self.release, self.manifest, name):
                self._render(texts, slices)
            source = PackedSource(_KINDS, list(range(slices.count)), slices.documents, slices.tokens)
            made: dict[str, NewFile] = {}
            storage = Storage(scratch)

            @contextmanager
            def new_file(table: str) -> Iterator[NewFile]:
                with storage.new_file("made", ".parquet") as file:
                    yield file
                made[table] = file

            new = cast("Callable[[str], AbstractContextManager[IO[bytes]]]", new_file)
            counts = PackedSet(source, choice, new, lambda: None).write()
            self.counts.append(counts)
            self._place(storage, made, counts, number)

    def _render(self, texts: pa.Table, slices: "_WaitingSlices") -> None:
        formats = {source.name: source.format for source in self.manifest.sources}
        options = rendering_options(self.sections.rendering, formats.values())
        rendering = Rendering(self.renderer(), options, formats, self.seed)
        nothing = pa.array(np.zeros(texts.num_rows, dtype=np.uint64))
        texts = texts.append_column("mix_key", nothing)
        columns = (texts.column(name).to_pylist() for name in ("kind", "subset", "language"))
        mixture = Mixture.model_validate(self.manifest.recipe.get("mixture", {}))
        domains = [mixture.domain_of(*names) for names in zip(*columns, strict=True)]
        texts = texts.append_column("domain", pa.array(domains, pa.string()))
        packed, tokens = packed_tables(rendered_documents(texts, rendering), self.seed)
        slices.add(packed, tokens)
        sums = member_sums(packed)
        places = pc.index_in(texts.column("id"), value_set=sums.column("id").combine_chunks())
        documents = texts.select([*CLASS, "num_bytes"])
        self.classes.add(documents.append_column("tokens", sums.column("tokens").take(places)))

    def _place(self, storage: Storage, made: dict[str, NewFile], counts: PackedCounts, number: int) -> None:
        places = [(place, name) for place in range(len(counts.lengths)) for name in ("rows", "positions")]
        for folder, (place, name) in zip(folders_packed(self.recipe), places, strict=True):
            file = made[folder.table]
            path = shard_files(folder, self.recipe, num_shards(self.manifest))[number]
            storage.copy_to(file.name, self.out, path, digest=file.sha256)
            self.files.append(ReleaseFile(path, file.num_bytes, file.sha256, getattr(counts.lengths[place], name)))

    def finish(self) -> None:
        """Write tokenizer, pages and, last, the manifest; what a stopped run left goes."""
        classes = [
            msgspec.convert(dict(zip(DocumentClass.__struct_fields__, row, strict=True)), DocumentClass)
            for row in self.classes.rows()
        ]
        reached = dict.fromkeys(self.manifest.mixture.shares, 0)
        for row in classes:
            reached[row.kind] += row.tokens
        manifest = msgspec.structs.replace(
            self.manifest,
            packed_from=self.manifest.digest,
            recipe=self.recipe,
            software=software_versions(),
            written_by=software_versions()["corpusmill"],
            tokenizer=release_tokenizer(self.sections.tokenizer, load_tokenizer(self.sections), self.renderer()),
            mixture=ReleaseMixture(self.manifest.mixture.shares, reached, reached, reached, reached, []),
            packing=release_packing(self.sections.packing.mode, self.counts),
            documents=classes,
        )
        vocabulary = tokenizer_bytes(self.sections)
        self.files.append(ReleaseFile.of(TOKENIZER, vocabulary))
        texts = {TOKENIZER: vocabulary, **pages(manifest.with_files(self.files))}
        for path, data in texts.items():
            self.out.write(path, data)
        listed = [*self.files, *(ReleaseFile.of(path, data) for path, data in texts.items() if path != TOKENIZER)]
        for path in self.out.list("").keys() - {file.path for file in listed}:
            if _OURS.fullmatch(path):  # of a run that was stopped and would have had other context lengths
                self.out.delete(path)
        self.out.write(MANIFEST, manifest.with_files(listed).to_bytes())
        self.out.clear_temporary(_OURS)


class _WaitingSlices:
    """Packed documents and token ids on disk, until the shard that they are of is laid out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0

    def add(self, packed: pa.Table, tokens: dict[str, list[Int32s]]) -> None:
        """Add a slice."""
        for kind in _KINDS:
            of_kind = packed.filter(pc.equal(packed.column("kind"), kind))
            with pa.ipc.new_file(str(self._path(self.count, kind, "arrow")), of_kind.schema) as out:
                out.write_table(of_kind)
            ids = np.concatenate([*tokens[kind], np.empty(0, dtype=np.int32)])
            np.save(self._path(self.count, kind, "npy"), ids.astype(np.int32, copy=False))
        self.count += 1

    def documents(self, number: int, kind: str) -> PackedDocuments:
        """Those of a slice and kind."""
        with pa.OSFile(str(self._path(number, kind, "arrow"))) as file:
            return PackedDocuments.of(pa.ipc.open_file(file).read_all())

    def tokens(self, number: int, kind: str) -> Int32s:
        """Their token ids, one document after another."""
        ids: Int32s = np.load(self._path(number, kind, "npy"))
        return ids

    def _path(self, number: int, kind: str, suffix: str) -> Path:
        return self._folder / f"{number:06d}-{kind}.{suffix}"
