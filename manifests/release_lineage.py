"""Where a release stands among others: what it was made from, what was taken out of it since, and on whose request."""

import msgspec


class ReleaseParent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The release before this one, or the one that this one was cut from; `digest` is of its manifest."""

    name: str
    version: str
    digest: str


class ReleaseOptOuts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state of the opt-out registry that the release heeds; a digest would let guesses at it be confirmed.

    Attributes:
        requests: that counted, which are all but withdrawn ones.
        as_of: date of the latest request, YYYY-MM-DD; empty for none.
        suppressed: documents of its suppression list that counted.
        near_copies: "remove" or "keep".
    """

    requests: int
    as_of: str
    suppressed: int
    near_copies: str


class ReleaseRemovals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was taken out since the run whose accounts the manifest has; zeros where nothing was.

    Attributes:
        documents: of the shards, with `num_bytes` of text and `tokens` of all their copies.
        rewrites: of those, documents that were packed as a model rewrote them.
        held_out: documents of `held_out/`.
        requests: lines of `removals/tombstones.jsonl`.
    """

    documents: int = 0
    num_bytes: int = 0
    tokens: int = 0
    rewrites: int = 0
    held_out: int = 0
    requests: int = 0


class ReleaseSelection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release that was cut from its parent holds of it: `where` says which; the numbers are of all others."""

    where: str
    documents: int
    num_bytes: int
    held_out: int
