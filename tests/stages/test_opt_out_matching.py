"""Matching whole columns against a model that looks at one document after the other."""

import json
import re
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from manifests.globs import glob_pattern
from manifests.opt_out_values import forge_place, owner_key, path_key, repository_key, split_path, url_key
from manifests.opt_outs import Request, checked
from stages.opt_out_matching import COLUMNS, OptOuts, owner_keys, path_keys, repository_keys, url_keys
from tests.support.real_data import SHARED


def request(by: str, value: str, **changes: Any) -> Request:
    fields = {"ticket": "T-1", "date": "2026-07-31", "by": by, "value": value, "reason": "asked"}
    return checked(Request(**fields | changes))


def meets(one: Request, document: dict[str, str | None]) -> bool:
    """What docs/removals.md says of each kind, in plain Python."""
    by, value = one.by, one.value
    repository, path = repository_key(document["repository"] or ""), path_key(document["path"] or "")
    if by in ("repository", "owner"):
        return bool(repository) and repository_key(value) == (
            repository if by == "repository" else owner_key(repository)
        )
    if by == "path":
        inside, glob = split_path(value)
        there = not inside or repository == repository_key(inside)
        return there and bool(path) and re.fullmatch(glob_pattern(glob), path, re.DOTALL) is not None
    if by == "swhid":
        return value == f"swh:1:cnt:{(document['blob'] or '').lower()}"
    if by == "url":
        place = forge_place(value)
        if place is not None and repository == place.repository:
            below = "/tree/" in value and path.startswith(f"{place.path}/")
            if not place.path or path == place.path or below:
                return True
        return bool(document["url"]) and url_key(document["url"] or "") == url_key(value)
    return value == (document[by] or "").lower()


PATHS = [
    "a.c",
    "/a.c",
    "/src/a.c",
    "./src//a.c",
    "src/a.c",
    "src/b/a.c",
    "vendor/x/id_rsa",
    "id_rsa",
    "SRC/a.c",
    "src/a+b.c",
    "src",
    "",
]
REPOSITORIES = ["o/n", "O/N", "https://github.com/o/n.git", "o/m", "p/n", "n", "", "git@host:o/n", "o/n/s"]
URLS = ["https://example.org/a", "http://www.Example.org/a/#x", "https://github.com/o/n/blob/main/a.c", "", "x"]
DIGITS = {"blob": 40, "sha256": 64, "content": 32, "document": 32}

VALUES = st.one_of(
    st.tuples(st.just("repository"), st.sampled_from(["o/n", "O/m", "https://github.com/p/n.git"])),
    st.tuples(st.just("owner"), st.sampled_from(["o", "P"])),
    st.tuples(
        st.just("path"),
        st.sampled_from(
            [
                "**/id_rsa",
                "o/n:src/**",
                "o/n:src/a.c",
                "O/M:*.c",
                "src/*.c",
                "**/a?b.c",
                "/src/a.c",
                "o/n:/src/a.c",
                "./src/**",
            ]
        ),
    ),
    st.tuples(
        st.just("url"),
        st.sampled_from(
            [
                "https://example.org/a",
                "https://github.com/o/n",
                "https://github.com/O/n/blob/main/src/a.c",
                "https://github.com/o/n/tree/main/src",
                "https://github.com/o/n/issues/1",
            ]
        ),
    ),
    st.sampled_from([(by, digit * size) for by, size in DIGITS.items() for digit in "ab"]),
    st.tuples(st.just("swhid"), st.just("swh:1:cnt:" + "a" * 40)),
)
REQUESTS = st.builds(
    lambda value, ticket, scope: request(*value, ticket=ticket, scope=scope),
    VALUES,
    st.sampled_from(["T-1", "T-2"]),
    st.sampled_from(["content", "place"]),
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "repository": st.none() | st.sampled_from(REPOSITORIES),
        "path": st.none() | st.sampled_from(PATHS),
        "url": st.none() | st.sampled_from(URLS),
    }
    | {by: st.none() | st.sampled_from(["a" * size, "B" * size, "c" * size]) for by, size in DIGITS.items()}
)


def columns_of(documents: list[dict[str, str | None]]) -> dict[str, pa.Array]:
    return {name: pa.array([document[name] for document in documents], pa.string()) for name in COLUMNS}


@given(st.lists(REQUESTS, max_size=8), st.lists(DOCUMENTS, max_size=12))
def test_columns_are_matched_as_single_documents_are(
    requests: list[Request], documents: list[dict[str, str | None]]
) -> None:
    opt_outs = OptOuts(requests)
    expected = [
        next((place for place, one in enumerate(opt_outs.requests) if meets(one, document)), -1)
        for document in documents
    ]
    columns = columns_of(documents)
    assert opt_outs.match(columns).tolist() == expected
    chunked = {name: pa.chunked_array([column[:3], column[3:]]) for name, column in columns.items()}
    assert opt_outs.match(chunked).tolist() == expected
    assert OptOuts(reversed(requests)).match(columns).tolist() == expected


@given(st.lists(DOCUMENTS, max_size=6))
def test_digests_are_matched_as_bytes_too(documents: list[dict[str, str | None]]) -> None:
    requests = [request(by, "a" * size) for by, size in DIGITS.items()]
    columns = columns_of(documents)
    raw = {
        by: pa.array([bytes.fromhex(one[by] or "") or None for one in documents], pa.binary(size // 2))
        for by, size in DIGITS.items()
    }
    opt_outs = OptOuts(requests)
    assert opt_outs.match(columns | raw).tolist() == opt_outs.match(columns).tolist()


_ODD = st.lists(
    st.sampled_from(["https://", "a.b", ":443", ":80", "/", "%7E", "%2f", "?", "&", "utm_x=", "api.github.com/repos/"]),
    max_size=8,
).map("".join)


@given(st.lists(st.none() | st.text(st.sampled_from("aBü.git/:@?#w-\n%7e "), max_size=24) | _ODD, max_size=5))
def test_keys_of_columns_are_keys_of_their_values(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    names = repository_keys(column)
    assert names.to_pylist() == [text if text is None else repository_key(text) for text in texts]
    assert owner_keys(names).to_pylist() == [name if name is None else owner_key(name) for name in names.to_pylist()]
    assert path_keys(column).to_pylist() == [text if text is None else path_key(text) for text in texts]
    assert url_keys(column).to_pylist() == [text if text is None else url_key(text) for text in texts]


def test_only_the_columns_that_are_needed_are_asked_for() -> None:
    assert OptOuts([]).columns == set()
    assert OptOuts([]).match({"path": pa.array(["a", "b"])}).tolist() == [-1, -1]
    assert OptOuts([request("owner", "o")]).columns == {"repository"}
    assert OptOuts([request("path", "**/x")]).columns == {"path"}
    assert OptOuts([request("swhid", "swh:1:cnt:" + "a" * 40)]).columns == {"blob"}
    wanted = OptOuts([request("url", "https://github.com/o/n/blob/main/a.c")])
    assert wanted.columns == {"url", "repository", "path"}
    with pytest.raises(ValueError, match="got none for \\['path', 'repository'\\]"):
        wanted.match({"url": pa.array(["x"])})
    with pytest.raises(ValueError, match="of one length"):
        OptOuts([request("owner", "o")]).match({"repository": pa.array(["x"]), "path": pa.array([])})


def test_very_many_globs_are_matched_one_by_one_only_where_one_of_them_matches() -> None:
    globs = [request("path", f"**/secret-{number}-*/key*") for number in range(2_000)]
    paths = pa.array([f"src/{number}/file.c" for number in range(3_000)] + ["a/secret-1234-x/key.pem"])
    [found] = np.flatnonzero(OptOuts(globs).match({"path": paths}) >= 0).tolist()
    assert found == 3_000


def test_a_glob_made_to_take_for_ever_takes_no_time() -> None:
    glob = request("path", "a" + "*a" * 200)
    assert OptOuts([glob]).match({"path": pa.array(["a" * 5_000 + "b"] * 20)}).max() == -1


def test_a_path_with_brackets_is_that_file_alone() -> None:
    for value in ("next/app:pages/[id].py", "https://github.com/next/app/blob/main/pages/%5Bid%5D.py"):
        asked = request("url" if "://" in value else "path", value)
        paths = ["/pages/[id].py", "/pages/i.py", "pages/d.py", "pages/[id].py"]
        columns = {"repository": pa.array(["next/app"] * 4), "path": pa.array(paths), "url": pa.nulls(4, pa.string())}
        assert OptOuts([asked]).match(columns).tolist() == [0, -1, -1, 0]


@pytest.mark.real
def test_files_of_the_stack_are_found_by_path_and_address() -> None:
    """Its rows begin a path with a slash, as nobody who asks would."""
    shard = SHARED / "data/stack_v2/part-00000-of-00010.jsonl.zst"
    if not shard.exists():
        pytest.skip(f"shared data absent: {shard}")
    with zstandard.open(shard, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, 100)]
    columns = {"repository": pa.array([row["repo_name"] for row in rows])}
    columns |= {"path": pa.array([row["path"] for row in rows]), "url": pa.nulls(len(rows), pa.string())}
    for place, row in enumerate(rows[:20]):
        assert row["path"].startswith("/")
        repository, path = row["repo_name"], row["path"][1:]
        folder, _, file = path.rpartition("/")
        for by, value in (
            ("path", f"{repository}:{path}"),
            ("path", f"{repository}:/{path}"),
            ("path", f"{repository}:{folder}/**" if folder else f"{repository}:*"),
            ("path", f"**/{file}"),
            ("url", f"https://github.com/{repository}/blob/main/{path}"),
            ("url", f"https://github.com/{repository}/tree/main/{folder}"),
        ):
            assert OptOuts([request(by, value)]).match(columns)[place] == 0, (by, value)
