"""What git writes is read, and given back line by line; what it does not write is refused."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.diffs import FileDiff, Hunk, file_diffs, hunk_text, lines_of
from stages.rows import Fault

HUNK = "@@ -1,2 +1,2 @@ heading\n same\n-old\n+new\n"


def only(diff: str) -> FileDiff:
    found = file_diffs(diff)
    assert isinstance(found, list), found
    [file] = found
    return file


def test_a_changed_file_is_read() -> None:
    file = only(f"diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n{HUNK}")
    hunk = Hunk(1, 1, " heading", (" same\n", "-old\n", "+new\n"))
    assert file == FileDiff("x.py", "x.py", "modified", False, (hunk,))
    assert hunk_text(hunk) + "\n" == HUNK


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a/x b/x\nnew file mode 100644\nindex 0..1\n", ("x", "x", "added", False)),
        ("a/x b/x\ndeleted file mode 100644\nindex 1..0\n", ("x", "x", "deleted", False)),
        ("a/x b/x\nold mode 100644\nnew mode 100755\n", ("x", "x", "modified", False)),
        ("a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", ("x", "y", "renamed", False)),
        ("a/x b/y z\nsimilarity index 90%\ncopy from x\ncopy to y z\n", ("x", "y z", "copied", False)),
        ("a/p.x b/p.x\nindex 1..2\nBinary files a/p.x and b/p.x differ\n", ("p.x", "p.x", "modified", True)),
        ("a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZ\n\nliteral 0\n\n", ("x", "x", "modified", True)),
        ("a/a b b/a b\nold mode 100644\nnew mode 100755\n", ("a b", "a b", "modified", False)),
        ('"a/\\303\\257 \\"x\\"" "b/\\303\\257 \\"x\\""\nold mode 1\n', ('ï "x"', 'ï "x"', "modified", False)),
        ('a/x "b/a\\tb"\nrename from x\nrename to "a\\tb"\n', ("x", "a\tb", "renamed", False)),
        ("a/s p b/s p\n--- a/s p\t\n+++ b/s p\t\n" + HUNK, ("s p", "s p", "modified", False)),
        ("a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+one\n", ("x", "x", "added", False)),
    ],
)  # fmt: skip
def test_forms_of_a_file(lines: str, expected: tuple[str, str, str, bool]) -> None:
    assert only(f"diff --git {lines}")[:4] == expected


def test_a_line_is_told_by_its_place_and_not_by_its_looks() -> None:
    body = "@@ -1,3 +1,3 @@\n--- a/x\n-diff --git a/y b/y\n-@@ -1 +1 @@\n+++ b/x\n+diff --git\n+\n"
    diff = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n{body}diff --git a/z b/z\nold mode 1\n"
    first, second = file_diffs(diff)
    assert isinstance(first, FileDiff)
    assert isinstance(second, FileDiff)
    assert (first.new_path, second.new_path) == ("x", "z")
    assert hunk_text(first.hunks[0]) + "\n" == body


def test_ends_of_files_without_a_line_end_are_kept() -> None:
    end = "\\ No newline at end of file\n"
    body = f"@@ -1 +1 @@\n-old\n{end}+new\n{end}"
    [hunk] = only(f"diff --git a/x b/x\n--- a/x\n+++ b/x\n{body}").hunks
    assert hunk.lines == ("-old", "+new")
    assert hunk_text(hunk) + "\n" == body


def test_only_lf_ends_a_line() -> None:
    [hunk] = only("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\x0b\u2028\x0c\r\n+b\r\n").hunks
    assert hunk.lines == ("-a\x0b\u2028\x0c\r\n", "+b\r\n")


def test_nothing_is_no_file() -> None:
    assert file_diffs("") == []


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        ("x\n", 1),
        ("\n", 1),
        ("--- a/x\n+++ b/x\n" + HUNK, 1),
        ("diff --cc x\n", 1),
        ("diff --git a/x b/y z b/w\n", 1),
        ("diff --git a/x b/x\nsomething\n", 2),
        ("diff --git a/x b/x\n@@ -1,2 +1,2 @@\n a\n", 4),
        ("diff --git a/x b/x\n@@ -1 +1 @@\n a\n b\n", 4),
        ("diff --git a/x b/x\n@@ -1,0 +1,2 @@\n a\n", 3),
        ("diff --git a/x b/x\n@@ -1 +1 @@\n?\n", 3),
        ("diff --git a/x b/x\n@@ -" + "9" * 5_000 + " +1 @@\n", 2),
    ],
)
def test_what_is_no_diff_is_refused_with_the_line(diff: str, line: int) -> None:
    found = file_diffs(diff)
    assert isinstance(found, Fault)
    assert found.reason == "invalid_diff"
    assert found.detail.startswith(f"line {line}: expected ")


PIECES = st.sampled_from(
    [
        *(
            "diff --git a/x b/x\n",
            'diff --git "a/\\',
            "--- ",
            "+++ b/x\n",
            "@@ -1 +1 @@\n",
            "@@ -0,0 +1,3 @@ x\n",
            " a\n",
        ),
        *(
            "+b\n",
            "-c\n",
            "\\ No newline\n",
            "rename to ",
            "Binary files ",
            "\n",
            '"',
            "\\777",
            "new file mode 1\n",
            "\r",
        ),
    ]
)


@given(
    st.one_of(
        st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(lambda p: "diff --git a/x b/x\n" + "".join(p))
    )
)
def test_any_text_is_a_diff_or_a_fault(diff: str) -> None:
    found = file_diffs(diff)
    if not isinstance(found, Fault):
        assert [file_diffs(again) for again in (diff, diff)] == [found, found]
        assert all(line in diff for file in found for hunk in file.hunks for line in map(str.strip, hunk.lines))


@pytest.mark.parametrize("piece", ["a", "\\a"])
def test_a_long_name_in_quotes_takes_no_more_memory_than_its_line(piece: str) -> None:
    diff = f'diff --git "{piece * 500_000}\n'
    tracemalloc.start()
    assert isinstance(file_diffs(diff), Fault)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(diff)


@given(st.text())
def test_lines_put_together_are_the_text(text: str) -> None:
    assert "".join(lines_of(text)) == text
    assert all(line.count("\n") == line.endswith("\n") for line in lines_of(text))
