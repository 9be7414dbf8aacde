import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.rewrite_gates import GATES, GateBounds, Gates, Verdict
from filters.rewrite_refusals import MAXIMUM_DETAIL_CHARACTERS, named, refusal

PYTHON = """\
# Copyright (c) 2020 Ada Example
# SPDX-License-Identifier: MIT
import os


def load(path, encoding="utf-8"):
    with open(path, encoding=encoding) as f:
        lines = f.read().split("\\n")
    return [l.strip() for l in lines if l]


def save(path, lines):
    t = "\\n".join(lines)
    if os.path.exists(path):
        os.remove(path)
    with open(path, "w") as f:
        f.write(t)
"""
LOAD_BODY = PYTHON[PYTHON.index("    with") : PYTHON.index("def save")]
SAVE_BODY = PYTHON[PYTHON.index("    t =") :]
GO = """\
package store

import "fmt"

// Load reads a value.
func Load(key string) (string, error) {
	v, ok := values[key]
	if !ok {
		return "", fmt.Errorf("no value for %q", key)
	}
	return v, nil
}

func keys() []string {
	r := []string{}
	for k := range values {
		r = append(r, k)
	}
	return r
}
"""


def judged(original: str, text: str, language: str = "Python", **bounds: float) -> Verdict:
    return gates(**bounds).judge_text(original, text, language)


def gates(**bounds: float) -> Gates:
    return Gates(
        GateBounds(**bounds),  # type: ignore[arg-type]
        redact=lambda text, _: text.count("hunter2"),
        match=lambda text: "HumanEval" if "has_close_elements" in text else None,
    )


def answer(code: str, label: str = "python") -> str:
    return f"```{label}\n{code}```\n"


def gate_of(verdict: Verdict) -> str:
    assert (verdict.text is None) == (verdict.refusal is not None)
    return verdict.refusal.gate if verdict.refusal else ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("f.write(t)", "f.write(t)  # all at once"),
        ("def save(path, lines):\n", 'def save(path: str, lines: list[str]) -> None:\n    """Write lines."""\n'),
        ("import os\n", "import os\nimport sys\n"),
        ("# Copyright (c) 2020 Ada Example\n", "#\n# Copyright (c) 2020 Ada Example\n#\n"),
        ("def save", "def _helper(value):\n    return value.strip()\n\n\ndef save"),
    ],
)
def test_a_good_rewrite_passes(before: str, after: str) -> None:
    after_text = PYTHON.replace(before, after) if before else PYTHON
    assert gate_of(judged(PYTHON, after_text)) == ""


@pytest.mark.parametrize(
    ("gate", "before", "after"),
    [
        ("language", PYTHON, 'func main() { for i := 0; i < 3; i++ { fmt.Println("a", i) } } // {{{ }\n' * 9),
        ("parse", "        os.remove(path)", "        os.remove(path))"),
        ("parse", "    return [l", "    await [l"),
        ("public_api", "def save(", "def store("),
        ("public_api", 'path, encoding="utf-8"', "path"),
        ("imports", "import os\n", "import os\nimport requests\n"),
        ("repetition", "        f.write(t)\n", "        f.write(t)\n" + 8 * "        f.write(t + os.linesep)\n"),
        ("stub", SAVE_BODY, "    pass\n"),
        ("stub", LOAD_BODY, "    return None\n\n\n"),
        ("stub", LOAD_BODY, "    return []\n\n\n"),
        ("imports", "    t = ", "    t = __import__('requests').x() + "),
        ("imports", "    t = ", "    import importlib\n\n    importlib.import_module('requests')\n    t = "),
        ("stub", "        f.write(t)\n", "        f.write(t)\n    # ... rest of the code ...\n"),
        ("licence_header", "# Copyright (c) 2020 Ada Example\n", ""),
        ("licence_header", "Identifier: MIT", "Identifier: Apache-2.0"),
        ("sensitive", "import os\n", "import os\n\n_KEY = 'hunter2'\n"),
        ("benchmark", "def save", "def has_close_elements(a):\n    return a\n\n\ndef save"),
    ],
)  # fmt: skip
def test_the_gate_that_refuses_is_named(gate: str, before: str, after: str) -> None:
    assert before in PYTHON
    verdict = judged(PYTHON, PYTHON.replace(before, after), minimum_length=0.3, maximum_length=3)
    assert gate_of(verdict) == gate


def test_too_short_and_too_long_are_told_with_the_bound() -> None:
    for text, bound in (
        ("import os\n\n\ndef load(path, encoding=''):\n    return 1\n\n\ndef save(path, lines):\n    return 2\n", 0.5),
        (PYTHON + "# more\n" * 200, 2.0),
    ):
        refused = judged(PYTHON, text).refusal
        assert refused is not None
        assert (refused.gate, refused.bound) == ("length", bound)


def test_another_program_with_the_same_names_is_told() -> None:
    other = PYTHON.split("import os", maxsplit=1)[0] + (
        "import os\n\n\ndef load(path, encoding=None):\n    total = 0\n    for number in range(len(path)):\n"
        "        total += number * number\n    return total // 7\n\n\ndef save(path, lines):\n"
        "    while lines:\n        lines.pop(0)\n    return sorted(os.environ, key=len)\n"
    )
    assert gate_of(judged(PYTHON, other, minimum_length=0.1)) == "similarity"


def test_an_end_that_is_missing_is_told() -> None:
    lines = [f"step_{number}({number})\n" for number in range(60)]
    assert gate_of(judged("".join(lines), "".join(lines[:40]))) == "similarity"
    assert gate_of(judged("".join(lines), "".join(lines[:58]))) == ""


def test_what_a_rewrite_mends_is_not_held_against_it() -> None:
    assert gate_of(judged(PYTHON.replace("def save(path, lines):", "def save(path, lines:"), PYTHON)) == ""
    assert gate_of(judged(GO.replace("values[key]", "values[key"), GO, "Go")) == ""


@pytest.mark.parametrize(
    ("gate", "before", "after"),
    [
        ("", "import os\n", "import os\nimport yaml\n"),
        ("imports", "import os\n", "import os\nimport lines\n"),
        ("imports", "import os\n", "import os\nimport requests\n"),
        ("public_api", PYTHON[PYTHON.index("def load") : PYTHON.index("def save")], ""),
    ],
)
def test_whoever_mends_may_leave_nothing_out_and_bring_nothing_in(gate: str, before: str, after: str) -> None:
    more = f"{PYTHON}    print(load(path))  # not by requests\n"
    original = more.replace("import os\n", "import os\nimport yaml as\n").replace(
        "def save(path, lines):", "def save(:"
    )
    assert gate_of(judged(original, more.replace(before, after), minimum_length=0.3)) == gate


@pytest.mark.parametrize(
    ("gate", "before", "after"),
    [
        ("", "r := []string{}", "names := make([]string, 0, len(values))"),
        ("public_api", "func Load", "func Read"),
        ("public_api", "(key string)", "(key string, strict bool)"),
        ("imports", 'import "fmt"', 'import (\n\t"fmt"\n\t"github.com/pkg/errors"\n)'),
        ("stub", GO[GO.index("\tr :=") : GO.index("\treturn r") + 10], '\tpanic("not implemented")\n'),
        ("parse", "return r\n}", "return r\n"),
    ],
)
def test_gates_know_other_languages(gate: str, before: str, after: str) -> None:
    after_text = GO.replace(before, after)
    if gate == "":
        after_text = after_text.replace("r = append(r, k)", "names = append(names, k)").replace(
            "return r", "return names"
        )
    assert gate_of(judged(GO, after_text, "Go")) == gate


@pytest.mark.parametrize(
    ("gate", "text", "finish_reason"),
    [
        ("", answer(PYTHON), "stop"),
        ("", answer(PYTHON, ""), "stop"),
        ("finish_reason", answer(PYTHON), "length"),
        ("finish_reason", answer(PYTHON), "content_filter"),
        ("code_block", PYTHON, "stop"),
        ("code_block", f"```python\n{PYTHON}", "stop"),
        ("code_block", "Here it is:\n" + answer(PYTHON), "stop"),
        ("code_block", answer(PYTHON) + answer("x = 1\n"), "stop"),
        ("code_block", "```\n\n```", "stop"),
        ("code_block", answer(PYTHON + "# \u202e\n"), "stop"),
        ("code_block", answer(PYTHON + "# \U000e0041\U000e0042\n"), "stop"),
        ("code_block", answer(PYTHON + "# a\u00adb\n"), "stop"),
        ("code_block", answer(PYTHON + "# <|im_end|>\n"), "stop"),
        ("code_block", answer(PYTHON + "# [/INST]\n"), "stop"),
        ("language", answer(PYTHON, "java"), "stop"),
    ],
)
def test_an_answer_is_one_block_of_the_language(gate: str, text: str, finish_reason: str) -> None:
    assert gate_of(gates().judge_answer(PYTHON, text, finish_reason, "Python")) == gate


def test_a_language_without_a_grammar_is_refused() -> None:
    assert gate_of(judged("print 1", "print 1", "Brainfuck")) == "language"


def test_what_was_measured_is_told() -> None:
    values = judged(PYTHON, PYTHON).values
    assert values == {"errors_before": 0, "errors_after": 0, "length_ratio": 1, "repetition": 0, "similarity": 1}


@settings(max_examples=100)
@given(st.text(max_size=400))
def test_details_are_one_printable_bounded_line(text: str) -> None:
    detail = refusal(GATES[0], text).detail
    assert detail.isprintable() or " " in detail
    assert not {"\n", "\x1b"} & set(detail)
    assert len(detail) <= MAXIMUM_DETAIL_CHARACTERS + 4


@settings(max_examples=50)
@given(st.text(max_size=200), st.sampled_from(["Python", "Go", "JSON", "C"]))
def test_any_text_is_judged(text: str, language: str) -> None:
    verdict = judged(PYTHON, text, language)
    assert (verdict.text is None) == (verdict.refusal is not None)


@settings(max_examples=50)
@given(
    st.text(alphabet="abl_ (){}:\n#/*\"'=licensecopyright2020©", max_size=300), st.sampled_from(["Python", "Go", "C"])
)
def test_a_text_passes_as_its_own_rewrite(text: str, language: str) -> None:
    assert gate_of(judged(text + "# " + text, text + "# " + text, language)) == ""


def test_many_names_are_counted() -> None:
    assert named("gfedcba") == "`a`, `b`, `c`, `d`, `e` and 2 more"
