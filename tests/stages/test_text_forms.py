"""A text is put in form once and for all; what cannot be is rejected by name."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import Document, Rejected
from stages.readers import ShardSource, read_documents
from stages.text_forms import Formed, Notebooks, in_form, source_encoding

NOTEBOOK = '{"cells": [{"cell_type": "code", "source": ["x = 1\\r\\n", "y = 2"]}], "nbformat": 4}'
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))


def document(text: str, *, path: str = "a.py", language: str = "Python", metadata: str = "{}") -> Document:
    return Document(
        id="ab" * 16,
        text=text,
        kind="code",
        source="s",
        path=path,
        language=language,
        metadata=metadata,
        shard="part-0",
        row=7,
        part=3,
    )


def formed(item: Document, notebooks: Notebooks = "script") -> Formed:
    result = in_form(item, notebooks=notebooks)
    assert isinstance(result, Formed), result
    return result


def rejected(item: Document, notebooks: Notebooks = "script") -> Rejected:
    result = in_form(item, notebooks=notebooks)
    assert isinstance(result, Rejected), result
    return result


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\rb\n", "é\ufeff\n", "\u2028\x85\n", "\ud800"])
def test_a_text_in_form_is_the_very_document(text: str) -> None:
    item = document(text)
    assert formed(item).document is item
    assert formed(item).changes == ()


@pytest.mark.parametrize(
    ("text", "expected", "changes"),
    [
        ("\ufeffa\n", "a\n", ("byte_order_mark",)),
        ("\ufeff", "", ("byte_order_mark",)),
        ("\ufeff\ufeffa\ufeff", "a\ufeff", ("byte_order_mark",)),
        ("a\r\nb\r\n", "a\nb\n", ("line_ends",)),
        ("a\r\nb\nc\r\n", "a\nb\nc\n", ("line_ends",)),
        ("a\r\r\nb", "a\nb", ("line_ends",)),
        ("a\rb\r\nc", "a\rb\nc", ("line_ends",)),  # a progress bar in lines
        ("a\rb\r", "a\nb\n", ("line_ends",)),  # classic Mac OS
        ("\ufeffa\r\n", "a\n", ("byte_order_mark", "line_ends")),
    ],
)
def test_what_is_put_right(text: str, expected: str, changes: tuple[str, ...]) -> None:
    item = document(text)
    assert formed(item) == Formed(replace(item, text=expected), changes)


def test_nul_is_rejected() -> None:
    item = document("aé\0")
    assert rejected(item) == Rejected(
        id=item.id, stage="read", reason="nul_character", shard="part-0", row=7, part=3, num_bytes=4
    )


@pytest.mark.parametrize(
    ("path", "language"),
    [("a/b.ipynb", ""), ("B.IPYNB", "JSON"), ("a.json", "Jupyter Notebook"), ("", "Jupyter Notebook")],
)
def test_a_notebook_becomes_a_script(path: str, language: str) -> None:
    item = document("\ufeff" + NOTEBOOK, path=path, language=language)
    expected = replace(item, text="# %%\nx = 1\ny = 2\n")
    assert formed(item) == Formed(expected, ("byte_order_mark", "notebook"))


def test_a_notebook_can_be_dropped_or_kept() -> None:
    item = document(NOTEBOOK, path="a.ipynb")
    assert rejected(item, "drop").reason == "notebook"
    assert formed(item, "keep").document is item


def test_a_notebook_by_content_alone_is_none() -> None:
    assert formed(document(NOTEBOOK, path="a.json")).changes == ()


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_blank_file_is_no_notebook(text: str) -> None:
    assert formed(document(text, path="a.ipynb")).changes == ()


def test_an_invalid_notebook_is_rejected_with_the_reason() -> None:
    item = document("<html>", path="a.ipynb")
    found = rejected(item)
    assert (found.stage, found.reason, found.num_bytes) == ("read", "invalid_notebook", 6)
    assert found.detail
    assert formed(item, "keep").document is item


def test_nul_in_a_cell_is_rejected() -> None:
    assert rejected(document('{"cells": [{"source": "\\u0000"}]}', path="a.ipynb")).reason == "nul_character"
    assert formed(document('{"cells": [{"outputs": "\\u0000"}]}', path="a.ipynb")).document.text == ""


ANY_TEXT = st.text(st.sampled_from("a\r\n\ufeff\0{}") | st.characters(codec="utf-8"))
CELLS = st.lists(st.fixed_dictionaries({"cell_type": st.sampled_from(["code", "markdown"]), "source": ANY_TEXT}))
NOTEBOOKS = st.builds(lambda cells: json.dumps({"cells": cells}), CELLS)


@given(ANY_TEXT | NOTEBOOKS, st.sampled_from(["a.py", "a.ipynb"]), st.sampled_from(["script", "drop", "keep"]))
def test_twice_is_once(text: str, path: str, notebooks: Notebooks) -> None:
    result = in_form(document(text, path=path), notebooks=notebooks)
    if isinstance(result, Formed):
        again = in_form(result.document, notebooks=notebooks)
        assert isinstance(again, Formed)
        assert again.document is result.document
        assert "\r\n" not in result.document.text
        assert "\0" not in result.document.text
        assert not result.document.text.startswith("\ufeff")


@given(ANY_TEXT)
def test_nothing_but_line_ends_and_marks_changes(text: str) -> None:
    result = in_form(document(text), notebooks="script")
    if isinstance(result, Formed):
        lost = str.maketrans("", "", "\r\n\ufeff")
        assert result.document.text.translate(lost) == text.translate(lost)
        assert (result.document.text == text) == (result.changes == ())
        assert replace(result.document, text=text) == document(text)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{}", ""),
        ('{"src_encoding":"UTF-8"}', ""),
        ('{"src_encoding": "utf-8"}', ""),
        ('{"a":[{}],"src_encoding":"Windows-1251","b":1}', "cp1251"),
        ('{"src_encoding":"John Doe <john@example.org>"}', "other"),
        ('{"src_encoding":"cp\\u0000"}', "other"),
        ('{"src_encoding":"ascii"}', ""),
        ('{"src_encoding":null}', ""),
        ('{"src_encoding":[1]}', ""),
        ('{"other":"\\"src_encoding\\""}', ""),
        ('{"other":"src_encoding"}', ""),
    ],
)
def test_source_encoding(metadata: str, expected: str) -> None:
    assert source_encoding(document("", metadata=metadata)) == expected


@pytest.mark.real
def test_what_happens_to_the_odd_cases() -> None:
    folder = SHARED / "data/stack_v2"
    if not folder.is_dir():
        pytest.skip("no stack_v2 in the shared data")
    cases: dict[tuple[str, str], set[str]] = {}
    for line in (folder / "odd_cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        cases.setdefault((f"{case['repo_name']}@{case['revision_id']}", case["path"]), set()).add(case["case"])
    changes: Counter[tuple[str, str]] = Counter()
    encodings: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    source = ShardSource(source="stack", format="stack-v2", kind="code")
    for shard in sorted(folder.glob("part-*.jsonl.zst")):
        with shard.open("rb") as file:
            for item in read_documents(file, shard=shard.name, source=source):
                assert isinstance(item, Document)
                revision = json.loads(item.metadata)["revision_id"]
                names = cases.get((f"{item.repo}@{revision}", item.path), set())
                seen.update(names)
                result = formed(item)
                changes.update((change, name) for change in result.changes for name in names or {""})
                changes.update((change, "all") for change in result.changes)
                encodings[source_encoding(item)] += 1
    assert {name: seen[name] for name in ("crlf", "utf8_bom", "non_utf8", "notebook")} == {
        "crlf": 113,
        "utf8_bom": 372,
        "non_utf8": 276,
        "notebook": 14,
    }
    assert changes["byte_order_mark", "utf8_bom"] == changes["byte_order_mark", "all"] == 372
    assert changes["line_ends", "crlf"] == 113
    assert changes["line_ends", "all"] == 114  # one style sheet has CR alone
    assert changes["notebook", "notebook"] == changes["notebook", "all"] == 14
    assert sum(encodings.values()) - encodings[""] == 276
