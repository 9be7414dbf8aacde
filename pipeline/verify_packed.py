"""Shards and positions of every context length, held against each other and against the manifest's figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.release_packing import ContextLength, PackingFigures
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import DATA, POSITIONS, length_suffixes
from pipeline.verify_documents import id_faults
from pipeline.verify_positions import PositionsCheck, SourceDocuments
from pipeline.verify_rows import KINDS
from pipeline.verify_shards import ShardCheck, Totals


@dataclass(slots=True)
class PackedContents:
    """What the files of the first context length hold.

    Attributes:
        documents: the source documents of each shard that could be read, by what follows its folder's name.
        complete: False once something of it could not be counted.
    """

    documents: dict[str, SourceDocuments] = field(default_factory=dict)
    sequences: int = 0
    tokens: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class PackedCheck:
    """Looks into shards and positions; `progress` is told their sizes.

    Attributes:
        files: the sound ones, by folder.
    """

    release: Storage
    manifest: Manifest
    files: Mapping[str, list[ReleaseFile]]
    findings: Findings
    progress: Callable[[int], None]

    def check(self) -> PackedContents:
        """Look into all of them; a context length at least must be proven before."""
        lengths = self.manifest.packing.lengths
        suffixes = length_suffixes([length.sequence_tokens for length in lengths])
        first, *others = (self._check_length(length, suffix) for length, suffix in zip(lengths, suffixes, strict=True))
        for found, suffix in zip(others, suffixes[1:], strict=True):
            for name in sorted(first.documents.keys() & found.documents.keys()):
                expected, got = first.documents[name].ids, found.documents[name].ids
                for fault in id_faults(got, expected, of=f"{DATA}{name}"):
                    self.findings.add(f"{DATA}{suffix}{name}: {fault}")
                self._check_rewritten(f"{DATA}{suffix}{name}", first.documents[name], found.documents[name])
        return first

    def _check_rewritten(self, path: str, expected: SourceDocuments, got: SourceDocuments) -> None:
        """Whether no document is called rewritten in one context length and original in another."""
        changed = set(expected.ids[expected.rewritten].tolist()) & set(got.ids[got.plain].tolist())
        changed |= set(expected.ids[expected.plain].tolist()) & set(got.ids[got.rewritten].tolist())
        if changed:
            what = "expected -rewrite in its name in all context lengths or in none"
            self.findings.add(f"{path}: document {min(changed).hex()}: {what}")

    def _check_length(self, length: ContextLength, suffix: str) -> PackedContents:
        contents = PackedContents()
        shards = ShardCheck(self.manifest, length, self.findings, self.progress)
        positions = PositionsCheck(self.manifest, length, self.findings, self.progress)
        due = self.files.get(DATA + suffix, [])
        beside = {file.path.removeprefix(POSITIONS + suffix): file for file in self.files.get(POSITIONS + suffix, [])}
        for file in due:
            shard = shards.check(self.release, file)
            name = file.path.removeprefix(DATA + suffix)
            if name in beside:
                documents = positions.check(self.release, beside.pop(name), shard)
                if documents is not None:
                    contents.documents[name] = documents
        for file in beside.values():
            positions.check(self.release, file, None)
        contents.sequences = sum(figures.sequences for figures in shards.totals.figures.values())
        contents.tokens = sum(shards.totals.tokens.values())
        num_shards = sum(file.path.startswith(f"{DATA}/") for file in self.manifest.files)
        contents.complete = shards.totals.complete and len(due) == num_shards
        if contents.complete:
            read = len(contents.documents) == num_shards
            self._check_totals(length, shards.totals, positions if read else None, where=f"{DATA}{suffix}/")
        return contents

    def _check_totals(
        self, length: ContextLength, totals: Totals, positions: PositionsCheck | None, *, where: str
    ) -> None:
        """Whether the files of a context length together hold what the manifest says."""
        packing = self.manifest.packing
        stated = dict.fromkeys(KINDS, 0)
        for row in self.manifest.documents:
            stated[row.kind] = stated.get(row.kind, 0) + row.documents
        compared: list[tuple[str, object, object]] = [
            ("packing.documents", packing.documents, totals.documents),
            ("tokens by kind", self.manifest.tokens_by_kind(), totals.tokens),
            ("documents by kind", stated, stated if positions is None else positions.documents),
            ("packing.forms", packing.forms, packing.forms if positions is None else positions.forms),
        ]
        for kind, found in totals.figures.items():
            figures = length.modes.get(packing.mode, {}).get(kind)
            for name in PackingFigures.__struct_fields__:
                what = f"packing, {length.sequence_tokens} tokens: {packing.mode}, {kind}: {name}"
                compared.append((what, getattr(figures, name, None), getattr(found, name)))
        for what, expected, got in compared:
            if expected != got:
                self.findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got} in {where}")
