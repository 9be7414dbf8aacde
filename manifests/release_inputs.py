"""What a release was made from, and what it was held against: sources, earlier releases, benchmarks."""

import msgspec


class SourceShard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input shard by name, size and sha256."""

    name: str
    num_bytes: int
    sha256: str


class ReleaseSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source of the recipe and the shards it had.

    Attributes:
        snapshot: the date of which its contents are, YYYY-MM-DD.
        url: where it is described or published.
        origin: public, licensed, crawled, users or other.
        shards: by name, size and sha256. What the recipe does not say is null.
    """

    name: str
    format: str
    kind: str
    declared_licence: str
    snapshot: str | None
    url: str | None
    origin: str | None
    shards: list[SourceShard]


class EarlierRelease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release that this one was held against.

    Attributes:
        name: and version.
        digest: of its manifest.
        against: whether all that it holds is left out here.
        holds_out: whether what it held out is held out here, too.
        has_texts: whether near duplicates could be compared, or equal documents alone.
    """

    name: str
    digest: str
    against: bool
    holds_out: bool
    has_texts: bool


class ReleaseBenchmark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A benchmark that was looked for in every document.

    Attributes:
        sha256: of its file.
        ngrams: different word n-grams of its problems; `suppressed_ngrams` of them are boilerplate.
        windows: the same for windows of syntax tokens.
        unmatchable_problems: too short for every kind of match, or nothing but boilerplate.
        rejected: documents by reason.
        tasks: documents by the problem that they hold; of several the one of which most was there.
    """

    name: str
    format: str
    sha256: str
    problems: int
    unmatchable_problems: int
    ngrams: int
    suppressed_ngrams: int
    windows: int
    suppressed_windows: int
    rejected: dict[str, int]
    tasks: dict[str, int]
