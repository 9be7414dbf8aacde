"""Release manifest: the one truth about a release, from which its card and summary are generated.

It holds no host, path, clock or engine: the same inputs and recipe give the same bytes anywhere.
"""

from collections.abc import Container, Iterable
from hashlib import sha256
from typing import Any, Self

import msgspec

from manifests.errors import IntegrityError
from manifests.ledger import Ledger, Tally
from manifests.merkle import merkle_root
from manifests.printable import printable_json
from manifests.release_inputs import EarlierRelease, ReleaseBenchmark, ReleaseSource
from manifests.release_lineage import ReleaseOptOuts, ReleaseParent, ReleaseRemovals, ReleaseSelection
from manifests.release_mixture import ReleaseMixture
from manifests.release_packing import ReleasePacking
from manifests.release_rewriting import ReleaseRewriting
from manifests.storage import Storage

MANIFEST = "manifest.json"
SCHEMA_VERSION = 4

# The document passes in order: what one keeps is what the next reads.
CHAIN = ("ingest", "judge", "clean", "tokenize", "pack")

# Keys of `duplicate_counts`.
DUPLICATE_COUNTS = ("repository_copies", "unresolved")


class ReleaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the release, its path relative to the release; `rows` is null where rows mean nothing."""

    path: str
    num_bytes: int
    sha256: str
    rows: int | None = None

    @classmethod
    def of(cls, path: str, data: bytes) -> Self:
        """A file with this content."""
        return cls(path, len(data), sha256(data).hexdigest())


class DocumentClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Documents that agree in kind, source, subset, language and licence; bytes of text as kept, tokens as packed."""

    kind: str
    source: str
    subset: str
    language: str
    licence: str
    documents: int
    num_bytes: int
    tokens: int


class ReleaseTokenizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizer that made the ids.

    Attributes:
        vocabulary_size: 1 + the largest id.
        beginning_of_document: begins every packed document, as `end_of_document` ends it; null: nothing does.
        control_ids: of all control tokens, in order.
        template_ids: by name, the control tokens that may stand inside a packed document, for it is rendered so.
    """

    sha256: str
    vocabulary_size: int
    end_of_document: str
    end_of_document_id: int
    beginning_of_document: str | None
    beginning_of_document_id: int | None
    control_ids: list[int]
    template_ids: dict[str, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `manifest.json` but its digest.

    Attributes:
        recipe: as it was understood, without paths.
        software: version of every library that can change a byte: the run's, or a second packed set's own.
        written_by: the version of corpusmill that wrote this manifest and its pages: that of `software`, but where
            documents were taken out of a release, or chosen from one.
        ledgers: by step of `CHAIN`, all units together.
        failed_units: names of input units that were left out, with the reason.
        text_forms: documents by what was done to their form as they were read.
        encodings: documents by the encoding that their row names; those in UTF-8 or without a name are left out.
        benchmarks: in the recipe's order; empty without decontamination.
        redactions: replacements by source, then by "kind/rule"; of all documents that clean kept.
        redacted_documents: documents that clean kept and changed, by source.
        licence_words: by concluded licence, the sets or categories that its parts are of: "permissive, share-alike".
        licence_counts: `texts`, distinct notices and licence texts that were read; `undecided_texts`, those that took
            the detector too long; `copies_elsewhere`, documents left by pass 2 of which a copy lies under another
            licence.
        duplicate_counts: `repository_copies`, repositories that hold the same files as another one; `unresolved`,
            documents that were kept because too many pairs were open to decide of which others they are duplicates.
        held_out: documents that were set aside, in `held_out/`.
        not_known: documents by what their attribution does not know, then by kind.
        packed_from: the digest of a release, where this is but a second packed set of its texts: `recipe`'s sections
            tokenizer, rendering and packing, and all numbers of tokens, are the set's own, all else is the release's.
        rewriting: what a model made of the code; not there where the recipe has nothing rewritten.
        content: the Merkle root over paths and sha256 of `files`.
        parent: the release before this one, if the recipe names one; of a patched or selected one that it was cut from.
        opt_outs: which requests were heeded; null where the recipe names no registry.
        removals: what was taken out since the run; all other accounts of rejected documents are that run's.
        selection: which documents of the parent these are; null for all.
        packed_as: name and version in the metadata of its files, where those are not its own: a release out of which
            documents were taken keeps the bytes of all other files.
    """

    schema_version: int
    name: str
    version: str
    recipe: dict[str, Any]
    software: dict[str, str]
    written_by: str
    sources: list[ReleaseSource]
    earlier: list[EarlierRelease]
    tokenizer: ReleaseTokenizer
    ledgers: dict[str, dict[str, Any]]
    failed_units: list[str]
    text_forms: dict[str, int]
    encodings: dict[str, int]
    benchmarks: list[ReleaseBenchmark]
    redactions: dict[str, dict[str, int]]
    redacted_documents: dict[str, int]
    mixture: ReleaseMixture
    packing: ReleasePacking
    documents: list[DocumentClass]
    licence_words: dict[str, str]
    licence_counts: dict[str, int]
    duplicate_counts: dict[str, int]
    held_out: int
    not_known: dict[str, dict[str, int]]
    files: list[ReleaseFile]
    packed_from: str | None = None
    rewriting: ReleaseRewriting | msgspec.UnsetType = msgspec.UNSET
    content: str = ""
    parent: ReleaseParent | None = None
    opt_outs: ReleaseOptOuts | None = None
    removals: ReleaseRemovals = ReleaseRemovals()
    selection: ReleaseSelection | None = None
    packed_as: str | None = None

    @property
    def label(self) -> str:
        """What the metadata of its files call it."""
        return f"{self.name} {self.version}" if self.packed_as is None else self.packed_as

    def with_files(self, files: Iterable[ReleaseFile]) -> Self:
        """The manifest with these files, by path, and their root."""
        listed = sorted(files, key=lambda file: file.path)
        root = merkle_root((file.path, file.sha256) for file in listed)
        return msgspec.structs.replace(self, files=listed, content=root)

    def without(self, paths: Container[str]) -> Self:
        """What pages are generated from: the manifest without files of these paths and without a root."""
        return msgspec.structs.replace(self, files=[file for file in self.files if file.path not in paths], content="")

    @property
    def digest(self) -> str:
        """sha256 in hex over the canonical JSON of everything in the manifest."""
        return sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def to_bytes(self) -> bytes:
        """What stands in `manifest.json`: readable JSON with the digest beside the content."""
        compact = msgspec.json.encode({"digest": self.digest, "manifest": self}, order="deterministic")
        return printable_json(msgspec.json.format(compact, indent=1)) + b"\n"

    @classmethod
    def read(cls, release: Storage) -> Self:
        """Read and check `manifest.json`.

        Raises:
            IntegrityError: absent, unreadable, of a schema that is not known, or changed since it was written.
        """
        where = release.path(MANIFEST)
        try:
            envelope = msgspec.json.decode(release.read(MANIFEST), type=dict[str, Any])
            _check_version(envelope["manifest"], where)
            manifest = msgspec.convert(envelope["manifest"], cls)
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeDecodeError, RecursionError) as error:
            raise IntegrityError(f"{where}: not a release manifest: {error}", hint="restore it from a copy") from error
        if envelope.get("digest") != manifest.digest:
            raise IntegrityError(
                f"{where}: the manifest was changed after it was written; expected digest "
                f"{str(envelope.get('digest'))[:12]}, got {manifest.digest[:12]}",
                hint="restore it from a copy, or make the release again",
            )
        return manifest

    def check_accounts(self) -> None:
        """Raise IntegrityError unless every ledger balances and each pass read what the one before it kept."""
        kept: int | None = None
        for step in CHAIN:
            ledger = Ledger.from_json(self.ledgers.get(step, {}))
            ledger.check(f"{MANIFEST}: ledgers.{step}")
            if kept is not None and ledger.read.documents != kept:
                raise IntegrityError(
                    f"{MANIFEST}: ledgers.{step}: read {ledger.read.documents} documents; "
                    f"expected the {kept} that the pass before it kept",
                    hint="documents were lost or invented between two passes: make the release again",
                )
            kept = ledger.kept.documents
        packed = sum(row.documents for row in self.documents)
        since = self.removals.documents + (self.selection.documents if self.selection else 0)
        if packed + since != kept:
            raise IntegrityError(
                f"{MANIFEST}: documents: {packed} by class and {since} taken out; expected the {kept} that pack kept",
                hint="make the release again",
            )
        self._check_clean()

    def _check_clean(self) -> None:
        """Whether benchmarks and held-out documents are counted as clean rejected them."""
        rejected = Ledger.from_json(self.ledgers["clean"]).rejected
        counted = sum(tally.documents for key, tally in rejected.items() if key.startswith("decontaminate/"))
        for by in ("rejected", "tasks"):
            found = sum(sum(getattr(one, by).values()) for one in self.benchmarks)
            if found != counted:
                raise IntegrityError(
                    f"{MANIFEST}: benchmarks: {found} documents by {by}; expected the {counted} that clean rejected",
                    hint="make the release again",
                )
        held_out = rejected.get("held_out/held_out", Tally()).documents
        since = self.removals.held_out + (self.selection.held_out if self.selection else 0)
        if self.held_out + since != held_out:
            raise IntegrityError(
                f"{MANIFEST}: held_out: {self.held_out} documents and {since} taken out; expected the {held_out} that "
                "clean set aside",
                hint="make the release again",
            )

    def tokens_by_kind(self) -> dict[str, int]:
        """Tokens of the document classes, by kind."""
        sums = dict.fromkeys(self.mixture.shares, 0)
        for row in self.documents:
            sums[row.kind] = sums.get(row.kind, 0) + row.tokens
        return sums

    def sums_by(self, *names: str) -> list[tuple[tuple[str, ...], Tally, int]]:
        """(values, documents and bytes, tokens) by some fields of the classes, most tokens first.

        Args:
            names: of fields of `DocumentClass`, or `licence_words`: the words of its licence.
        """
        sums: dict[tuple[str, ...], tuple[Tally, int]] = {}
        for row in self.documents:
            key = tuple(self._value(row, name) for name in names)
            tally, tokens = sums.setdefault(key, (Tally(), 0))
            tally.add(row.num_bytes, row.documents)
            sums[key] = (tally, tokens + row.tokens)
        found = [(values, tally, tokens) for values, (tally, tokens) in sums.items()]
        return sorted(found, key=lambda item: (-item[2], item[0]))

    def _value(self, row: DocumentClass, name: str) -> str:
        value: str = self.licence_words.get(row.licence, "") if name == "licence_words" else getattr(row, name)
        return value


def _check_version(manifest: object, where: str) -> None:
    """Raise IntegrityError where a manifest says that it is of a schema that is not read here."""
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        newer = version > SCHEMA_VERSION
        raise IntegrityError(
            f"{where}: expected a manifest of schema {SCHEMA_VERSION}, got schema {version}",
            hint="read it with a newer corpusmill" if newer else "make that release again with this version",
        )
