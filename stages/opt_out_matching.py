"""Opt-out matching: which request, if any, meets each of many documents, column by column.

Digests, repositories and addresses are looked up, whole columns at once, in tables of keys; repositories, addresses and
paths once for each different value. Only globs are patterns: those inside a repository look at its own paths, those of
any repository at every different path, joined into few patterns of RE2, so that most paths are passed over at once.

Cost: 2 to 4 us a document with all columns, and 4 us a different path for every 1,000 globs of any repository. A
million requests take 600 MB and, as digests, 2 s to be made ready; of mixed kinds 10 s.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.opt_out_rules import Rules, file_key, rules_of
from manifests.opt_out_values import (
    BLANKS,
    PATH_MIDDLE,
    PATH_START,
    REPOSITORY_HOST,
    SPELT_OTHERWISE,
    URL_PARTS,
    url_key,
)
from manifests.opt_outs import Request
from stages.exchange import fixed_binary

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

COLUMNS = ("document", "repository", "path", "blob", "sha256", "content", "url")
"""What documents are known by; the owner is in the repository."""

_DIGESTS = ("document", "blob", "sha256", "content")
_JOINED_CHARACTERS = 4_000  # of patterns that are one: at 30,000 RE2 lacks memory, and takes 150 times as long
_NEEDED = {"file": ("repository", "path"), "owner": ("repository",)}


class OptOuts:
    """The requests that count, ready to be held against documents.

    Args:
        requests: such as `State.active`, in any order: what is found does not depend on it.

    Attributes:
        requests: in the order in which they count; `match` gives places in it.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        self._rules: Rules = rules_of(requests)
        self._starts = {kind: _starts(self._rules.exact[kind]) for kind in _DIGESTS}
        self._concerned = {key.partition("\0")[0] for key in self._rules.exact["file"]} | set(self._rules.within)
        self.requests = self._rules.requests

    @property
    def columns(self) -> set[str]:
        """Which of `COLUMNS` these requests are held against; empty where there is no request."""
        wanted = {name for kind, keys in self._rules.exact.items() if keys for name in _NEEDED.get(kind, (kind,))}
        if self._rules.within:
            wanted |= {"repository", "path"}
        return wanted | ({"path"} if self._rules.anywhere else set())

    def match(self, columns: Mapping[str, "pa.Array | pa.ChunkedArray"]) -> I64:
        """The first request that meets each document.

        Args:
            columns: by names of `COLUMNS`, at least those of `columns`, all of one length. Ids and digests are binary
                (raw bytes) or hex in any case; null and the empty string match nothing.

        Returns:
            int64 of the documents' number: places in `requests`, -1 for none.

        Raises:
            ValueError: a column that the requests need is not given.
        """
        if missing := self.columns - set(columns):
            raise ValueError(f"expected the columns {sorted(self.columns)}, got none for {sorted(missing)}")
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"expected columns of one length, got {sorted(lengths)}")
        found = np.full(lengths.pop() if lengths else 0, len(self.requests), dtype=np.int64)
        if self.requests and len(found):
            for numbers in self._numbers(columns):
                np.minimum(found, numbers, out=found, where=numbers >= 0)
        found[found == len(self.requests)] = -1
        return found

    def _numbers(self, columns: Mapping[str, "pa.Array | pa.ChunkedArray"]) -> Iterable[I64]:
        exact = self._rules.exact
        for kind in _DIGESTS:
            if exact[kind]:
                yield _of_digests(exact[kind], self._starts[kind], columns[kind])
        if exact["url"]:
            yield _of_different(columns["url"], lambda urls: _looked_up(exact["url"], url_keys(urls).to_pylist()))
        if self._rules.anywhere:
            yield _of_different(columns["path"], lambda paths: _first_pattern(self._rules.anywhere, path_keys(paths)))
        if exact["repository"] or exact["owner"] or exact["file"] or self._rules.within:
            names, places = _encoded(columns["repository"])
            keys = repository_keys(names)
            yield _spread(_looked_up(exact["repository"], keys.to_pylist()), places)
            yield _spread(_looked_up(exact["owner"], owner_keys(keys).to_pylist()), places)
            if self._concerned:
                yield self._in_repositories(keys.to_pylist(), places, columns["path"])

    def _in_repositories(self, keys: list[str], places: I64, paths: "pa.Array | pa.ChunkedArray") -> I64:
        """Requests for paths inside a repository, of the rows that lie in one of these repositories.

        Args:
            keys: of the different repositories.
            places: of each row its repository among `keys`, -1 for none.
        """
        found = np.full(len(places), -1, dtype=np.int64)
        concerned = np.array([*map(self._concerned.__contains__, keys), False], dtype=np.bool_)
        rows = np.flatnonzero(concerned[places])
        if not len(rows):
            return found
        rows = rows[np.argsort(places[rows], kind="stable")]
        own = [keys[place] for place in places[rows].tolist()]
        texts = path_keys(_whole(paths.take(pa.array(rows))))
        found[rows] = _looked_up(self._rules.exact["file"], list(map(file_key, own, texts.fill_null("").to_pylist())))
        for start, end in _runs(places[rows]):
            here = rows[start:end]
            if patterns := self._rules.within.get(own[start]):
                found[here] = _first(found[here], _first_pattern(patterns, texts[start:end]))
        return found


def repository_keys(names: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """`repository_key` of a whole column of strings."""
    plain = pc.replace_substring_regex(pc.ascii_lower(names), REPOSITORY_HOST, "")
    return pc.replace_substring_regex(pc.utf8_rtrim(plain, "/" + BLANKS), r"\.git\z", "")


def path_keys(paths: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """`path_key` of a whole column of strings."""
    return pc.replace_substring_regex(pc.replace_substring_regex(paths, PATH_START, ""), PATH_MIDDLE, "/")


def owner_keys(repositories: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """`owner_key` of a whole column of `repository_keys`."""
    owned = pc.replace_substring_regex(repositories, r"\A[^/]*\z", "")
    return pc.replace_substring_regex(owned, r"(?s)/.*", "")


def url_keys(urls: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """`url_key` of a whole column of strings."""
    parts = pc.extract_regex(urls, URL_PARTS)
    host, rest = pc.struct_field(parts, "host"), pc.struct_field(parts, "rest")
    keys = pc.binary_join_element_wise(pc.ascii_lower(host), pc.utf8_rtrim(rest, "/"), "")
    others = pc.fill_null(pc.match_substring_regex(urls, SPELT_OTHERWISE), False)
    if not pc.any(others).as_py():
        return keys
    return pc.replace_with_mask(keys, others, pa.array(map(url_key, urls.filter(others).to_pylist()), keys.type))


def _starts(keys: Iterable[str]) -> U64:
    """The first 8 bytes of digests in hex, ascending."""
    return np.unique(np.frombuffer(bytes.fromhex("".join(key[:16] for key in keys)), dtype=">u8").astype(np.uint64))


def _of_digests(keys: Mapping[Any, int], starts: U64, column: "pa.Array | pa.ChunkedArray") -> I64:
    """Look digests up: of raw bytes only those whose first 8 are those of some key."""
    if not pa.types.is_fixed_size_binary(column.type):
        return _looked_up(keys, _hex(column))
    whole = pa.chunked_array(column) if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    raw = fixed_binary(whole, column.type.byte_width)
    first = np.ascontiguousarray(raw.view(np.uint8).reshape(len(raw), -1)[:, :8]).view(">u8").ravel().astype(np.uint64)
    likely = np.flatnonzero(starts[np.minimum(np.searchsorted(starts, first), len(starts) - 1)] == first)
    found = np.full(len(column), -1, dtype=np.int64)
    found[likely] = _looked_up(keys, _hex(column.take(pa.array(likely))))
    return found


def _hex(column: "pa.Array | pa.ChunkedArray") -> list[str | None]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return list(pc.ascii_lower(column).to_pylist())
    return [None if value is None else value.hex() for value in column.to_pylist()]


def _looked_up(keys: Mapping[Any, int], values: Sequence[str | None]) -> I64:
    return np.fromiter(map(keys.get, values, repeat(-1)), dtype=np.int64, count=len(values))


def _encoded(column: "pa.Array | pa.ChunkedArray") -> tuple[pa.Array, I64]:
    """The different values of a column, and of each row the place of its own; -1 for null."""
    encoded = _whole(column).dictionary_encode()
    return encoded.dictionary, encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _of_different(column: "pa.Array | pa.ChunkedArray", match: Callable[[pa.Array], I64]) -> I64:
    """Match each different value of a column once."""
    values, places = _encoded(column)
    return _spread(match(values), places)


def _spread(found: I64, places: I64) -> I64:
    return np.append(found, -1)[places]


def _runs(places: I64) -> Iterator[tuple[int, int]]:
    """Start and end of each run of equal numbers."""
    ends = np.append(np.flatnonzero(places[1:] != places[:-1]) + 1, len(places)).tolist()
    return zip([0, *ends[:-1]], ends, strict=True)


def _whole(column: "pa.Array | pa.ChunkedArray") -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _first(left: I64, right: I64) -> I64:
    """The smaller of two numbers, where -1 is none."""
    return np.where((left < 0) | ((right >= 0) & (right < left)), right, left)


def _first_pattern(patterns: Sequence[tuple[str, int]], paths: pa.Array) -> I64:
    """The first pattern that matches each path: its number, -1 for none.

    Args:
        patterns: numbers ascending.
    """
    found = np.full(len(paths), -1, dtype=np.int64)
    for some in _groups(patterns):
        left = np.flatnonzero(_matches("|".join(pattern for pattern, _ in some), paths))
        for pattern, number in some if len(left) else ():
            here = left[found[left] < 0]
            found[here[_matches(pattern, paths.take(pa.array(here)))]] = number
    return found


def _matches(pattern: str, paths: pa.Array) -> npt.NDArray[np.bool_]:
    matched = pc.match_substring_regex(paths, rf"(?s)\A(?:{pattern})\z")
    return pc.fill_null(matched, False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _groups(patterns: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Patterns that are few and short enough to be one."""
    group: list[tuple[str, int]] = []
    size = 0
    for pattern, number in patterns:
        if group and size + len(pattern) > _JOINED_CHARACTERS:
            yield group
            group, size = [], 0
        group.append((pattern, number))
        size += len(pattern)
    if group:
        yield group
