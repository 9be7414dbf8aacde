"""What `corpusmill release diff --json` prints: how one release differs from an earlier one, as values."""

from typing import Literal

import msgspec

from manifests.versions import Part


class DiffedRelease(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two; documents are packed ones."""

    name: str
    version: str
    digest: str
    documents: int
    num_bytes: int
    tokens: int
    held_out: int


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """A number of packed documents, with bytes of text and tokens of all copies, and of held-out ones beside them."""

    documents: int = 0
    num_bytes: int = 0
    tokens: int = 0
    held_out: int = 0


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that are no file's own (what begins, names and ends a document of several files) and change hands.

    Attributes:
        documents: that stay, and have them now.
    """

    documents: int = 0
    tokens: int = 0


class FromTo(msgspec.Struct, frozen=True, kw_only=True):
    """Documents that had one value and have another."""

    old: str
    new: str
    documents: int


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why documents are gone.

    Attributes:
        told_by: "tombstones" of the later release, or "decisions" of its run.
        stage: of the decision; of a tombstone the kind of its request.
        documents: held-out ones among them.
    """

    told_by: Literal["tombstones", "decisions"]
    stage: str
    reason: str
    documents: int
    num_bytes: int


class DocumentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Documents by id.

    Attributes:
        removed: where the later release is a removal's, without the tokens that are `handed_over`: then documents,
            bytes and tokens are those of the tombstones.
        handed_over: where the later release is a removal's, what its documents got from removed ones of the same
            repository; that alone makes no document a changed one.
        changed: that are in both and differ in something.
        unchanged: that do not; `in_equal_files` of them lie in files of documents that are the same in both.
        added_by: by kind, source, subset, language and licence, then by value; of those that differ in any.
        removed_by: the same, with all tokens that they had, those `handed_over` among them.
        changed_fields: documents by what differs: kind, source, subset, language, licence, rewrite, held_out,
            num_bytes, tokens, copies. One may differ in several.
        changed_values: for those that are no numbers, from what to what.
        removed_reasons: as far as they are known; the rest of the removed documents is `removed_unexplained`.
        tokens_compared: whether documents were held against each other by tokens, too; not where another tokenizer or
            form made them.
    """

    added: Documents
    removed: Documents
    handed_over: HandedOver
    changed: int
    unchanged: int
    in_equal_files: int
    added_by: dict[str, dict[str, Documents]]
    removed_by: dict[str, dict[str, Documents]]
    changed_fields: dict[str, int]
    changed_values: dict[str, list[FromTo]]
    removed_reasons: list[Reason]
    removed_unexplained: int
    tokens_compared: bool


class ValueChange(msgspec.Struct, frozen=True, kw_only=True):
    """A key and its values; null where it is not there."""

    key: str
    old: object
    new: object


class SourceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is new, gone, or of which something differs; shards by name."""

    name: str
    what: Literal["added", "removed", "changed"]
    shards_added: int
    shards_removed: int
    shards_changed: int
    fields: list[ValueChange]


class TokenChange(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, by a value of a field of the documents."""

    value: str
    old: int
    new: int


class LedgerChange(msgspec.Struct, frozen=True, kw_only=True):
    """Documents that a pass rejected for a reason, in the run of either release."""

    step: str
    reason: str
    old: int
    new: int


class VersionBump(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the version the changes ask for.

    Attributes:
        suggested: the highest part that something asks for.
        version: the earlier one with that part raised.
        because: what asks for it, in words.
        raised: the part in which the later release is higher; null where it is not higher at all.
        follows: whether that is enough.
    """

    suggested: Part
    version: str
    because: list[str]
    raised: Part | None
    follows: bool


class ReleaseDiff(msgspec.Struct, frozen=True, kw_only=True):
    """How `new` differs from `old`.

    Attributes:
        same_content: whether every file is the same.
        parent: whether `old` is what the manifest of `new` names as its parent.
        tokens: by kind, source, language and licence, of values for which they differ.
        folders: kinds of files that came or went, such as `texts` or `data-32768`; old or new is null.
    """

    old: DiffedRelease
    new: DiffedRelease
    same_content: bool
    parent: bool
    bump: VersionBump
    documents: DocumentChanges
    tokens: dict[str, list[TokenChange]]
    recipe: list[ValueChange]
    software: list[ValueChange]
    tokenizer: list[ValueChange]
    sources: list[SourceChange]
    folders: list[ValueChange]
    ledgers: list[LedgerChange]
