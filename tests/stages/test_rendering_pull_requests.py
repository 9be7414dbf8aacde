import io
import json
import os
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.sections import MARK, Section, in_one_line, written
from stages.pull_requests import pull_request_row
from stages.rendering import Renderable, Renderer, RenderingOptions
from stages.rendering_forms import Control, TemplateName
from stages.rendering_pull_requests import CONTROLS, pull_request_pieces
from stages.rows import Row
from stages.tokenizer_training import train
from stages.tokenizing import TextTokenizer

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))
END = "<|endoftext|>"
NAMES = ["<jupyter_script>", *(control.name for controls in CONTROLS.values() for control in controls)]
TRAINED = json.loads(train([], control_tokens=[END, *NAMES]))
TOKENIZER = TextTokenizer.load(json.dumps(TRAINED | {"normalizer": {"type": "NFC"}}).encode(), end_of_document=END)
OPENED = [
    Section("title", "", "Mend the gauge"),
    Section("description", "user_0", "It leaked.\n\nNow it does not."),
    Section("repository", "team/tool", ""),
    Section("base_lines", "3-5 src/gauge.py", "a\nb\nc\n"),
    Section("base", "src/valve.py", "x = 1\n"),
    Section("file", "src/gauge.py", "modified"),
    Section("hunk", "", "@@ -4 +4 @@\n-b\n+d"),
    Section("hunk", "", "@@ -9 +9 @@\n+e"),
    Section("file", "src/new.py", "renamed from src/valve.py"),
    Section("comment", "user_1", "Is it tight: now?"),
    Section("comment", "user_1 src/new.py", "Why?"),
    Section("comment", "", "note: nobody knows who said this"),
    Section("status", "", "merged"),
]
COMMIT = [Section("title", "", "Mend"), Section("repository", "a/b", ""), Section("file", "a.c", "deleted, binary")]

words = st.text(alphabet="abe\u0301\n: \u212a<pr>_01-", max_size=8) | st.text(max_size=4)
lines = words.map(in_one_line)
kinds = st.sampled_from(
    ["title", "description", "repository", "base", "base_lines", "file", "hunk", "comment", "status", "other"]
)
any_sections = st.lists(st.builds(Section, kinds, lines | st.sampled_from(["user_0", "1-2 a"]), words))


@st.composite
def pull_requests(draw: st.DrawFn) -> list[Section]:
    """Sections as they are laid out for real."""
    users = st.sampled_from(["", "user_0", "user_1"])
    paths = st.text(alphabet="ab/._ é", min_size=1, max_size=8)
    parts = [Section("title", "", draw(words).replace("\n", " "))] if draw(st.booleans()) else []
    parts += [Section("description", draw(users), f"d{draw(words)}")] if draw(st.booleans()) else []
    parts.append(Section("repository", draw(paths), ""))
    for path in draw(st.lists(paths, max_size=2)):
        parts.append(Section("base", path, draw(words)))
        parts.append(Section("base_lines", f"3-7 {path}", draw(words)))
    for path in draw(st.lists(paths, max_size=2)):
        parts.append(Section("file", path, draw(st.sampled_from(["modified", "added", "renamed from x"]))))
        parts += [Section("hunk", "", draw(words)) for _ in range(draw(st.integers(0, 2)))]
    parts += [Section("comment", "user_0", draw(words)), Section("comment", "user_1 a/b.c", draw(words))]
    return parts + ([Section("status", "", "merged")] if draw(st.booleans()) else [])


def rendered(template: TemplateName, text: str) -> tuple[str, str, str]:
    """Form, the text that comes back, and what the ids spell."""
    options = RenderingOptions(template=template, fim_rate=0, pull_requests=True)
    renderer = Renderer(TOKENIZER, options, 0)
    document = Renderable(bytes(16), text, "code", "Pull Request", "team/tool", "", "pull_request")
    found = renderer.pull_request(document, 0)
    assert found.members == [(bytes(16), len(found.ids))]
    return found.form, renderer.restore(found.ids, found.form), TOKENIZER.decode(found.ids)


def test_golden_pull_request_of_starcoder2() -> None:
    form, text, spelling = rendered("starcoder2", written(OPENED))
    assert spelling == (
        "<pr>Title: Mend the gauge\nuser_0: It leaked.\n\nNow it does not.<pr_status>opened<repo_name>team/tool"
        "<pr_base><pr_file>3-5 src/gauge.py<pr_base_code>a\nb\nc\n<pr_file>src/valve.py<pr_base_code>x = 1\n"
        "<pr_diff><pr_file>src/gauge.py<pr_diff_hunk>@@ -4 +4 @@\n-b\n+d<pr_diff_hunk>@@ -9 +9 @@\n+e"
        "<pr_file>src/new.py\nrenamed from src/valve.py"
        "<pr_comment>user_1: Is it tight: now?<pr_review_comment>user_1 src/new.py: Why?"
        "<pr_comment>note: nobody knows who said this"
        "<pr><pr_status>closed<pr_is_merged>True<|endoftext|>"
    )
    assert (form, text) == ("pull_request", written(OPENED))


def test_golden_commit_of_starcoder2() -> None:
    expected = "<pr>Title: Mend<repo_name>a/b<pr_diff><pr_file>a.c\ndeleted, binary<|endoftext|>"
    assert rendered("starcoder2", written(COMMIT)) == ("pull_request", written(COMMIT), expected)


def test_golden_pull_request_of_qwen() -> None:
    form, text, spelling = rendered("qwen", written(OPENED[:4]))
    assert spelling == (
        "<|file_sep|>title\nMend the gauge\n<|file_sep|>description user_0\nIt leaked.\n\nNow it does not.\n"
        "<|repo_name|>team/tool\n<|file_sep|>base_lines 3-5 src/gauge.py\na\nb\nc\n\n<|endoftext|>"
    )
    assert (form, text) == ("pull_request", written(OPENED[:4]))


def test_control_tokens_stand_apart_from_texts() -> None:
    pieces = pull_request_pieces("starcoder2", written([Section("title", "", "<pr>"), COMMIT[1]]))
    assert pieces == [Control("<pr>"), "Title: <pr>", Control("<repo_name>"), "a/b"]


@pytest.mark.parametrize("template", ["qwen", "starcoder2"])
@given(parts=pull_requests())
def test_a_pull_request_comes_back(template: TemplateName, parts: list[Section]) -> None:
    text = written(parts)
    form, back, _ = rendered(template, text)
    assert form == "pull_request"
    assert back == TOKENIZER.normalize(text)


@pytest.mark.parametrize("template", ["qwen", "starcoder2"])
@given(parts=any_sections, before=st.sampled_from(["", "", "words", "e\u0301\n"]))
def test_any_sections_come_back(template: TemplateName, parts: list[Section], before: str) -> None:
    text = before + written(parts)
    assert rendered(template, text)[1] == TOKENIZER.normalize(text)


@pytest.mark.parametrize("template", ["qwen", "starcoder2"])
@given(text=st.text() | st.lists(st.sampled_from([MARK, "\n", "title", "file a", "repository ", "pr"])).map("".join))
def test_any_text_comes_back(template: TemplateName, text: str) -> None:
    assert rendered(template, text)[1] == TOKENIZER.normalize(text)


@pytest.mark.parametrize("template", ["qwen", "starcoder2"])
def test_every_real_pull_request_comes_back(template: TemplateName) -> None:
    folder = SHARED / "data/prs"
    if not folder.exists():
        pytest.skip(f"shared data absent: {folder}")
    number = 0
    for shard in sorted(folder.glob("*.zst")):
        with zstandard.open(shard, "rb") as compressed:
            for line in io.BufferedReader(compressed):
                row = pull_request_row(json.loads(line))
                assert isinstance(row, Row)
                assert pull_request_pieces(template, row.text) is not None
                number += 1
                if number % 20 == 0:
                    assert rendered(template, row.text)[:2] == ("pull_request", TOKENIZER.normalize(row.text))
    assert number == 1_277


def test_a_pull_request_may_have_no_title() -> None:
    described = [Section("description", "user_0", "Mend"), COMMIT[1]]
    text = written(described)
    assert rendered("starcoder2", text) == ("pull_request", text, f"<pr>user_0: Mend<repo_name>a/b{END}")
    untitled = written(COMMIT[1:2])
    assert rendered("starcoder2", untitled) == ("pull_request", untitled, f"<pr><repo_name>a/b{END}")


@pytest.mark.parametrize(
    "text", ["", "no pull request", "text before" + written(COMMIT), written([Section("title", "", "two\nlines")])]
)
def test_what_has_no_such_form_is_a_file(text: str) -> None:
    assert rendered("starcoder2", text) == ("file", text, f"{text}<|endoftext|>")
