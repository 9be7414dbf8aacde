"""Which documents of a release opt-out requests mean: those that they name, copies of their content, near copies.

`lookup/` leads to the shards that hold what a request names, so that only their `documents/` are read; a glob without
a repository is held against every shard's. Copies of the same content are looked up by its hash. Near copies are told
by `stages.suppression`'s one rule: the bands of what goes are looked for in the bands of every shard, and only rows
that share one are compared. What was remembered before is looked for last, and nothing spreads from what it finds.

Memory: the rows that are found, and one file of `documents/` at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.opt_out_rules import lookup_keys as request_keys
from manifests.opt_outs import Request
from pipeline.released_files import ReleasedFiles
from pipeline.removal_sketches import SKETCHED, NearCopies, Sketched, sketched_rows
from pipeline.suppression_measures import check_measures
from stages.exchange import block_of_hash
from stages.opt_out_matching import OptOuts
from stages.release_index import rows_with_keys
from stages.released_documents import RELEASED_DOCUMENTS, lookup_keys
from stages.suppression_files import NearSettings, Suppressed

How = Literal["named", "exact_copy", "near_copy"]
Key = tuple[str, str]
_KEEP = "say --near-copies keep to `optout check` or `optout apply`"


class Match(NamedTuple):
    """Why a document is meant.

    Attributes:
        request: a place in `Search.requests`; -1 where only what was taken out before means it, of whatever request.
        how: of what was taken out before, too. If nothing but its hash is remembered, the document is a near copy, as
            the one was whose hash that is.
    """

    request: int
    how: How


class Wanted(NamedTuple):
    """What is searched for.

    Attributes:
        requests: those that count.
        suppressed: what was taken out before, by setting.
        near: the release's own setting; None where it compares no texts.
        near_copies: whether near copies are meant, too.
        read: rows of `SKETCHED`, by content and request: what the run read of documents whose content is meant,
            whatever became of them; `request` is a place in `Search.requests`. None: no run was asked.
    """

    requests: Sequence[Request]
    suppressed: Sequence[Suppressed]
    near: NearSettings | None
    near_copies: bool
    read: pa.Table | None = None


@dataclass(slots=True)
class Search:
    """What was found.

    Attributes:
        requests: in the order in which they count.
        matches: by shard, then by document id.
        rows: by shard, the rows of `documents/` of its matches.
        sketched: what is remembered of documents whose content is meant.
        documents: rows of `documents/` that were looked at.
    """

    requests: Sequence[Request]
    matches: dict[int, dict[str, Match]] = field(default_factory=dict)
    rows: dict[int, pa.Table] = field(default_factory=dict)
    sketched: Sketched = field(default_factory=Sketched)
    documents: int = 0

    def add(self, shard: int, rows: pa.Table, matches: Iterable[Match]) -> None:
        """Take down rows that were not found before."""
        known = self.matches.setdefault(shard, {})
        new = []
        for place, (doc_id, match) in enumerate(zip(rows.column("doc_id").to_pylist(), matches, strict=True)):
            if doc_id not in known:
                known[doc_id] = match
                new.append(place)
        if new:
            before = self.rows.get(shard, RELEASED_DOCUMENTS.empty_table())
            added = rows.take(pa.array(new)).cast(RELEASED_DOCUMENTS)
            self.rows[shard] = pa.concat_tables([before, added])
        if not known:
            del self.matches[shard]

    def count(self, how: How) -> int:
        """Documents that were found in this way."""
        return sum(match.how == how for own in self.matches.values() for match in own.values())


def search(files: ReleasedFiles, wanted: Wanted) -> Search:
    """Look for all that is wanted.

    Raises:
        RecipeError: near copies are wanted, and something that was taken out before was measured by other settings.
        IntegrityError: a file that is read is damaged.
    """
    if wanted.near_copies:
        check_measures(wanted.near, wanted.suppressed, where="opt-out registry", keep=_KEEP)
    found = _Searching(files, wanted)
    found.named()
    found.exact_copies()
    found.sketch()
    if wanted.near_copies and wanted.near is not None:
        found.near_copies()
    found.remembered()
    return found.search


def names_of(documents: pa.Table) -> dict[str, pa.ChunkedArray]:
    """What requests name documents by, of rows of `documents/`: the columns that `OptOuts.match` takes."""
    columns = {"document": documents.column("doc_id"), "content": documents.column("content_hash")}
    return columns | {name: documents.column(name) for name in ("repository", "path", "blob", "sha256", "url")}


class _Searching:
    """A search under way."""

    def __init__(self, files: ReleasedFiles, wanted: Wanted) -> None:
        self._files = files
        self._wanted = wanted
        self._read = SKETCHED.empty_table() if wanted.read is None else wanted.read
        self._opt_outs = OptOuts(wanted.requests)
        self._documents = files.folder("documents")
        self._lookup = files.folder("lookup")
        self._like_earlier: dict[int, list[str]] = {}
        self.search = Search(self._opt_outs.requests)

    def named(self) -> None:
        """Documents that requests name."""
        keys: set[Key] = set()
        everywhere = False
        for request in self._opt_outs.requests:
            own = request_keys(request)
            keys.update(own)
            everywhere = everywhere or not own
        shards = range(len(self._documents)) if everywhere else self._shards(keys)

        def matches(table: pa.Table) -> list[Match | None]:
            places = self._opt_outs.match(names_of(table)).tolist()
            return [Match(place, "named") if place >= 0 else None for place in places]

        if self._opt_outs.requests:
            self._look(shards, matches)

    def exact_copies(self) -> None:
        """Documents of the same content as those that are named, here or in the run."""
        of_content: dict[str, int] = {}
        for row in self._read.select(["content_hash", "request"]).to_pylist():
            of_content.setdefault(row["content_hash"].hex(), row["request"])
        for content, match in self._contents():
            of_content[content] = min(match.request, of_content.get(content, match.request))
        self._same_content({content: Match(request, "exact_copy") for content, request in of_content.items()})

    def sketch(self) -> None:
        """Take down what is remembered of those found so far whose content is meant, and of those that the run read."""
        self.search.sketched.add(self._read)
        for shard, own in sorted(self.search.matches.items()):
            of_content = {doc_id: match.request for doc_id, match in own.items() if self._takes_content(match)}
            if of_content:
                self.search.sketched.add(sketched_rows(self._files, shard, of_content))

    def near_copies(self) -> None:
        """Documents that are like those found so far; which ones are like what was taken out before is noted."""
        suppressed = [one for one in self._wanted.suppressed if one.near is not None]
        copies = NearCopies(self._files, self.search.sketched, suppressed)
        for shard in range(len(self._documents)):
            found = copies.of_shard(shard, known=self.search.matches.get(shard, {}))
            self._take(shard, {name: Match(place, "near_copy") for name, place in found.items() if place >= 0})
            self._like_earlier[shard] = [name for name, place in found.items() if place < 0]

    def remembered(self) -> None:
        """What was taken out before: the same content, and what is like it by the bands of its own.

        Nothing is sketched here: near copies of what was found by a near copy's hash are nobody's.
        """
        of_content: dict[str, Match] = {}
        for one in self._wanted.suppressed:
            whole = one.has_values | (one.near is None)
            halves = (half.tolist() for half in one.content)
            for high, low, is_whole in zip(*halves, whole.tolist(), strict=True):
                content = f"{high:016x}{low:016x}"
                if is_whole or content not in of_content:
                    of_content[content] = Match(-1, "exact_copy" if is_whole else "near_copy")
        self._same_content(of_content)
        for shard, names in self._like_earlier.items():
            known = self.search.matches.get(shard, {})
            self._take(shard, {name: Match(-1, "near_copy") for name in names if name not in known})

    def _same_content(self, of_content: Mapping[str, Match]) -> None:
        """Documents of some contents."""

        def matches(table: pa.Table) -> list[Match | None]:
            return [of_content.get(value) for value in table.column("content_hash").to_pylist()]

        if of_content:
            self._look(self._shards(("content", value) for value in of_content), matches)

    def _contents(self) -> list[tuple[str, Match]]:
        """Content hashes of what is named for its content, wherever it lies."""
        return [
            (content, self.search.matches[shard][doc_id])
            for shard, rows in sorted(self.search.rows.items())
            for doc_id, content in zip(
                *(rows.column(name).to_pylist() for name in ("doc_id", "content_hash")), strict=True
            )
            if self._takes_content(self.search.matches[shard][doc_id])
        ]

    def _takes_content(self, match: Match) -> bool:
        return match.request >= 0 and self.search.requests[match.request].scope == "content"

    def _look(self, shards: Iterable[int], matches: Callable[[pa.Table], list[Match | None]]) -> None:
        """Hold the documents of some shards against something."""
        for shard in sorted(set(shards)):
            for table in self._tables(shard):
                found = matches(table)
                places = [place for place, match in enumerate(found) if match is not None]
                if places:
                    chosen = [match for match in found if match is not None]
                    self.search.add(shard, table.take(pa.array(places)), chosen)

    def _take(self, shard: int, matches: Mapping[str, Match]) -> None:
        """Add documents of a shard by id."""
        if not matches:
            return
        wanted = pa.array(sorted(matches), pa.string())
        for table in self._tables(shard):
            rows = table.filter(pc.is_in(table.column("doc_id"), value_set=wanted))
            self.search.add(shard, rows, [matches[doc_id] for doc_id in rows.column("doc_id").to_pylist()])

    def _tables(self, shard: int) -> Iterable[pa.Table]:
        with self._files.parquet(self._documents[shard]) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                self.search.documents += table.num_rows
                yield table

    def _shards(self, keys: Iterable[Key]) -> set[int]:
        """The shards in which something is named."""
        by_kind: dict[str, list[str]] = defaultdict(list)
        for kind, value in sorted(set(keys)):
            by_kind[kind].append(value)
        if not by_kind:
            return set()
        halves = [lookup_keys(kind, values) for kind, values in by_kind.items()]
        high, low = (np.concatenate(parts) for parts in zip(*halves, strict=True))
        blocks = block_of_hash(high, len(self._lookup))
        shards: set[int] = set()
        for block in np.unique(blocks).tolist():
            own_high, own_low = high[blocks == block], low[blocks == block]
            pairs = set(zip(own_high.tolist(), own_low.tolist(), strict=True))
            with self._files.parquet(self._lookup[block]) as file:
                for table in rows_with_keys(file, np.unique(own_high), "key_high"):
                    columns = (column.to_pylist() for column in table.columns)
                    shards.update(
                        shard for first, second, shard in zip(*columns, strict=True) if (first, second) in pairs
                    )
        return {shard for shard in shards if shard < len(self._documents)}
