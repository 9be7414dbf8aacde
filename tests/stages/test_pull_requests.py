"""A row of a pull request is one text that can be split again, and the same text every time."""

import json
import os
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.sections import MARK, REPLACEMENT, Section, sections, written
from manifests.document import Document, Rejected
from stages.diffs import file_diffs, lines_of
from stages.hunks import with_context
from stages.pull_requests import CUT, MAXIMUM_DESCRIPTION_CHARACTERS, MAXIMUM_TITLE_CHARACTERS
from stages.readers import ShardSource, read_documents
from stages.row_layouts import row_layout
from stages.rows import Fault, Row

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
BEFORE = "".join(f"line {number}\n" for number in range(1, 101))
DIFF = (
    "diff --git a/src/x.py b/src/x.py\n--- a/src/x.py\n+++ b/src/x.py\n"
    "@@ -48,5 +48,5 @@ heading\n line 48\n line 49\n-line 50\n+line fifty\n line 51\n line 52\n"
)


def row(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "merged_pull_request",
        "repo_name": "a/b",
        "pr_number": 7,
        "title": "Count in words",
        "body": None,
        "base_sha": "0" * 40,
        "head_sha": "1" * 40,
        "merge_sha": "2" * 40,
        "head_branch": "someone/words",
        "commits": [{"sha": "1" * 40, "message": "Count in words"}],
        "committer_date": "2024-05-06T07:08:09+02:00",
        "message": "Merge pull request #7",
        "diff": DIFF,
        "files": [{"path": "/src/x.py", "status": "M", "before": BEFORE, "after": ""}],
        "review_comments": None,
    } | changed


def read(fields: dict[str, Any]) -> Row | Fault:
    [found] = row_layout("pull-requests").parts(fields)
    return found


def parts(**changed: Any) -> list[Section]:
    found = read(row(**changed))
    assert isinstance(found, Row), found
    return list(sections(found.text))


def of_kind(kind: str, **changed: Any) -> list[Section]:
    return [part for part in parts(**changed) if part.kind == kind]


def test_a_row_says_what_it_is() -> None:
    found = read(row(stars=3))
    assert isinstance(found, Row)
    assert found[1:6] == ("merged_pull_request", "Pull Request", "a/b", "", "a/b:pull/7")
    assert json.loads(found.metadata) == {
        "kind": "merged_pull_request",
        "repo_name": "a/b",
        "pr_number": 7,
        "base_sha": "0" * 40,
        "head_sha": "1" * 40,
        "merge_sha": "2" * 40,
        "head_branch": "someone/words",
        "committer_date": "2024-05-06T07:08:09+02:00",
        "stars": 3,
        "revision_id": "2" * 40,
        "revision_date": "2024-05-06T07:08:09+02:00",
    }


@pytest.mark.parametrize(
    ("changed", "key", "language"),
    [
        ({"pr_number": None}, "a/b:commit/" + "2" * 40, "Pull Request"),
        ({"kind": "commit", "merge_sha": None}, "a/b:commit/" + "1" * 40, "Commit"),
    ],
)
def test_what_has_no_number_is_named_by_its_revision(changed: dict[str, Any], key: str, language: str) -> None:
    found = read(row(**changed))
    assert isinstance(found, Row)
    assert (found.natural_key, found.language) == (key, language)


def test_the_sections_stand_in_their_order() -> None:
    comments = [{"body": "Please say why this is so.", "user": "x"}]
    found = parts(body="Why it is so.", review_comments=comments)
    assert [part.kind for part in found] == [
        *("title", "description", "repository", found[3].kind, "file", "hunk", "comment", "status")
    ]
    assert found[2].label == "a/b"
    assert found[4] == Section("file", "src/x.py", "modified")
    assert found[7] == Section("status", "", "merged")
    assert "status" not in [part.kind for part in parts(kind="commit")]


def test_what_nobody_knows_has_no_section_and_what_is_empty_has_one() -> None:
    assert "description" not in [part.kind for part in parts(title=None, body=None)]
    assert "title" not in [part.kind for part in parts(title=None, body=None)]
    assert of_kind("description", body="") == [Section("description", "", "")]


def test_one_row_in_five_shows_whole_files_and_the_others_what_surrounds_the_change() -> None:
    counts = Counter[str]()
    contexts, margins = set[int](), set[int]()
    for number in range(1_000):
        found = {part.kind: part for part in parts(pr_number=number)}
        if "base" in found:
            counts["whole"] += 1
            assert found["base"] == Section("base", "src/x.py", BEFORE)
        else:
            first, _, rest = found["base_lines"].label.partition("-")
            end, path = rest.split(" ", 1)
            assert (50 - int(first), path) == (int(end) - 50, "src/x.py")
            margins.add(50 - int(first))
            assert found["base_lines"].body == "\n".join(f"line {n}" for n in range(int(first), int(end) + 1))
        above = found["hunk"].body.split("-line 50")[0].split("\n")[1:]
        contexts.add(len(above) - 1)
    assert contexts == set(range(3, 11))
    assert margins == set(range(33))
    assert 150 < counts["whole"] < 250


def test_the_hunk_has_its_numbers_and_its_heading() -> None:
    [hunk] = of_kind("hunk")
    lines = hunk.body.split("\n")
    context = (len(lines) - 3) // 2
    assert lines[0] == f"@@ -{50 - context},{2 * context + 1} +{50 - context},{2 * context + 1} @@ heading"
    assert lines[context + 1 : context + 3] == ["-line 50", "+line fifty"]


@pytest.mark.parametrize("files", [None, [], [{"path": "src/x.py", "before": "other\n"}], [{"path": "src/x.py"}]])
def test_hunks_that_do_not_fit_the_file_stay_as_they_are_and_it_is_not_shown(files: object) -> None:
    found = parts(files=files)
    assert [part.kind for part in found] == ["title", "repository", "file", "hunk", "status"]
    assert found[3].body + "\n" == DIFF.split("+++ b/src/x.py\n")[1]


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        ("diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n", "added"),
        ("diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "deleted"),
        ("diff --git a/w b/x\nsimilarity index 100%\nrename from w\nrename to x\n", "renamed from w"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "modified, binary"),
    ],
)
def test_files_say_what_is_done_to_them(diff: str, said: str) -> None:
    found = parts(diff=diff, files=[{"path": "x", "before": None if said == "added" else "a\n"}])
    assert [part for part in found if part.kind == "file"] == [Section("file", "x", said)]
    assert not [part for part in found if part.kind.startswith("base")]


def test_a_renamed_file_is_shown_by_its_old_name() -> None:
    diff = DIFF.replace("diff --git a/src/x.py", "diff --git a/src/old.py").replace(
        "--- a/src/x.py", "similarity index 90%\nrename from src/old.py\nrename to src/x.py\n--- a/src/old.py"
    )
    shown = [part for part in parts(diff=diff) if part.kind.startswith("base")]
    assert [part.label.rpartition(" ")[2] for part in shown] == ["src/old.py"]


def test_a_file_is_shown_once_however_often_the_diff_names_it() -> None:
    before = "".join(f"line {number}\n" for number in range(1000))
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-line 0\n+b\n" * 50
    for number in range(20):  # of some the whole file is shown
        found = parts(pr_number=number, diff=diff, files=[{"path": "x", "before": before}])
        assert sum(len(part.body) for part in found) < len(before) + 2 * len(diff)
        assert len([part for part in found if part.kind == "file"]) == 50


def test_a_file_with_a_private_key_is_never_shown_however_often_the_diff_names_it() -> None:
    before = "-----BEGIN RSA PRIVATE KEY-----\nline 0\n"
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -2 +2 @@\n-line 0\n+b\n" * 2
    found = parts(diff=diff, files=[{"path": "x", "before": before}])
    assert [part.kind for part in found if part.kind in ("base", "base_lines", "file", "hunk")] == ["file", "file"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@a.b. @A.B, @a.bc", "@user_1. @user_1, @user_0.bc"),
        ("@a.x.y.z @a-b @a_b", "@user_0.x.y.z @a-b @a_b"),
        ("x@a /@a @@a @", "x@a /@a @@a @"),
    ],
)
def test_a_mention_is_of_the_longest_name_that_it_may_be(text: str, expected: str) -> None:
    comments = [{"body": "", "user": "a.b"}]
    assert of_kind("description", body=text, user="a", review_comments=comments)[0].body == expected


def test_mentions_in_a_thread_of_many_people_take_no_time_to_speak_of() -> None:
    comments = [{"body": "", "user": f"{number % 16:x}{number}"} for number in range(100_000)]
    started = time.process_time()
    assert of_kind("title", title=" @a" * 100_000, review_comments=comments)[0].body.startswith(" @a @a")
    assert time.process_time() - started < 5  # 1e10 looks would take longer


def test_people_have_numbers_by_thread_and_bots_say_nothing() -> None:
    comments = [
        {"body": "@Opener, @second-one: see @stranger, x@opener.org", "user": "Second-One"},
        {"body": "Coverage went down by 0.1 %.", "user": "codecov[bot]"},
        {"body": "Too long.", "user": "third", "path": "src/x.py"},
        {"body": "Too short", "user": "third"},
        {"body": "Somebody whom nobody knows.", "user": None},
    ]
    found = parts(body="From @second-one", user="opener", review_comments=comments)
    assert [part for part in found if part.kind in ("description", "comment")] == [
        Section("description", "user_0", "From @user_1"),
        Section("comment", "user_1", "@user_0, @user_1: see @stranger, x@opener.org"),
        Section("comment", "user_2 src/x.py", "Too long."),
        Section("comment", "", "Somebody whom nobody knows."),
    ]


def test_long_titles_and_descriptions_are_cut() -> None:
    assert of_kind("title", title="x" * 600) == [Section("title", "", "x" * MAXIMUM_TITLE_CHARACTERS)]
    [lines] = of_kind("description", body="\n".join(str(number) for number in range(100)))
    assert lines.body.split("\n") == [*map(str, range(60)), CUT, *map(str, range(80, 100))]
    [long] = of_kind("description", body="y" * 1_001)
    assert long.body == "y" * MAXIMUM_DESCRIPTION_CHARACTERS + CUT
    [words] = of_kind("description", body="word " * 300)
    assert words.body == ("word " * 200)[:-1] + CUT


def test_long_hunks_are_left_out() -> None:
    long = "diff --git a/y b/y\nnew file mode 1\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+" + "y" * 10_000 + "\n"
    found = parts(diff=DIFF + long)
    assert [part.label for part in found if part.kind == "file"] == ["src/x.py", "y"]
    assert len([part for part in found if part.kind == "hunk"]) == 1


@pytest.mark.parametrize(
    ("changed", "reason", "names"),
    [
        ({"diff": None}, "missing_text", "diff"),
        ({"diff": "no diff\n"}, "invalid_diff", "line 1"),
        ({"diff": 3}, "wrong_type", "diff"),
        ({"kind": "issue"}, "wrong_type", "kind"),
        ({"kind": None}, "wrong_type", "kind"),
        ({"head_sha": None}, "wrong_type", "head_sha"),
        ({"pr_number": "7"}, "wrong_type", "pr_number"),
        ({"title": 3}, "wrong_type", "title"),
        ({"files": [{"status": "M"}]}, "wrong_type", "path"),
        ({"files": [{"path": "x", "before": 3}]}, "wrong_type", "before"),
        ({"review_comments": [{"user": "x"}]}, "wrong_type", "body"),
        ({"commits": ["1"]}, "wrong_type", "commits"),
    ],
)
def test_a_wrong_row_is_told_with_its_reason(changed: dict[str, Any], reason: str, names: str) -> None:
    found = read(row(**changed))
    assert isinstance(found, Fault)
    assert (found.reason, names in found.detail) == (reason, True)


TEXT = st.one_of(st.text(), st.text(alphabet=f"\n\r {MARK}@ax", max_size=12))
COMMENTS = st.lists(
    st.fixed_dictionaries({"body": TEXT, "user": st.none() | TEXT, "path": st.none() | TEXT}), max_size=3
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str, str]:
    """(path, file before the change, diff) with any path and any lines."""
    path = draw(st.text(alphabet=st.characters(exclude_characters='\n\t"\\\r', codec="utf-8"), min_size=1))
    before = draw(TEXT.map(lambda text: text.replace("\n", "") or "x"))
    after = draw(TEXT.map(lambda text: text.replace("\n", "")))
    end = "\n\\ No newline at end of file\n"
    header = f"diff --git a/{path} b/{path}\n--- a/{path}\t\n+++ b/{path}\t\n"
    return path, before, f"{header}@@ -1 +1 @@\n-{before}{end}+{after}{end}"


SAID = st.fixed_dictionaries(
    {
        "repo_name": TEXT,
        "title": st.none() | TEXT,
        "body": st.none() | TEXT,
        "user": TEXT,
        "review_comments": st.none() | COMMENTS,
    }
)


@given(SAID, changes())
def test_any_row_is_split_again(said: dict[str, Any], change: tuple[str, str, str]) -> None:
    path, before, diff = change
    files = [{"path": path, "before": before}]
    fields = row(**said, diff=diff, files=files)
    found = read(fields)
    assert isinstance(found, Row), found
    split = sections(found.text)
    assert written(split) == found.text
    assert read(fields) == found
    kinds = Counter(part.kind for part in split)
    assert kinds["title"] == (said["title"] is not None)
    assert kinds["description"] == (said["body"] is not None)
    assert kinds["file"] == kinds["hunk"] == kinds["repository"] == kinds["status"] == 1
    shown = [part.body for part in split if part.kind in ("base", "base_lines")]
    assert shown == [before.replace(MARK, REPLACEMENT)]


def shared_rows() -> list[dict[str, Any]]:
    shards = sorted((SHARED / "data/prs").glob("*.jsonl.zst"))
    if not shards:
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    lines = b"".join(zstandard.ZstdDecompressor().stream_reader(shard.read_bytes()).read() for shard in shards)
    return [json.loads(line) for line in lines.split(b"\n") if line]


def test_real_diffs_are_read_and_given_back() -> None:
    for number, fields in enumerate(shared_rows()):
        found = file_diffs(fields["diff"])
        assert isinstance(found, list), number
        before = {file["path"].removeprefix("/"): file["before"] or "" for file in fields["files"]}
        for file in found:
            wider = with_context(file.hunks, lines_of(before[file.old_path]), 3)
            assert wider is not None, number
            assert [hunk.lines for hunk in wider] == [hunk.lines for hunk in file.hunks], number


def test_golden_rows() -> None:
    """Three rows by the hash of their text: a merge, a commit with several files, one that shows whole files."""
    golden = {
        name: (len(found.text), dict(Counter(part.kind for part in sections(found.text))), digest)
        for fields in shared_rows()
        if (name := f"{fields['repo_name']}:{fields['head_sha'][:12]}") in GOLDEN
        and isinstance(found := read(fields), Row)
        for digest in [sha256(found.text.encode()).hexdigest()[:16]]
    }
    assert golden == GOLDEN


GOLDEN = {
    "nlohmann/json:fac07e22c5d7": (
        4_196,
        {"title": 1, "description": 1, "repository": 1, "base_lines": 8, "file": 8, "hunk": 8},
        "e9b0da275a511ded",
    ),
    "pypa/packaging:deb584639f05": (
        6_573,
        {"title": 1, "repository": 1, "base": 2, "file": 5, "hunk": 5, "status": 1},
        "d7d60a4b7eaaaf9d",
    ),
    "jqlang/jq:7b671b95d2cf": (
        10_059,
        {"title": 1, "repository": 1, "base_lines": 2, "file": 1, "hunk": 4, "status": 1},
        "0d4b3e76eefb5054",
    ),
}


def test_all_real_rows_are_documents_of_both_kinds_in_every_container(tmp_path: Path) -> None:
    rows = shared_rows()
    lines, table = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    lines.write_text("".join(json.dumps(fields) + "\n" for fields in rows))
    pq.write_table(pa.Table.from_pylist(rows), table)
    source = ShardSource("prs", "pull-requests", "code")
    found: list[list[Document | Rejected]] = []
    for path in (lines, table):
        with path.open("rb") as file:
            found.append(list(read_documents(file, shard=path.name, source=source)))
    documents = [[item for item in items if isinstance(item, Document)] for items in found]
    assert Counter(document.subset for document in documents[0]) == {"commit": 562, "merged_pull_request": 715}
    assert len({document.id for document in documents[0]}) == 1_277
    assert [document.id for document in documents[0]] == [document.id for document in documents[1]]
    kinds = Counter(part.kind for document in documents[0] for part in sections(document.text))
    assert kinds == {
        "title": 1260,
        "description": 301,
        "repository": 1277,
        "base": 399,
        "base_lines": 2261,
        "file": 2385,
        "hunk": 3414,
        "status": 715,
    }
