"""A notebook becomes a script that can be read and run; what is none is told apart."""

import ast
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.notebooks import CELL_STARTS, MAXIMUM_NESTING, NotebookError, script_of

NOTEBOOK = r"""{
 "cells": [
  {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", "Text."], "attachments": {"a": {}}},
  {"cell_type": "code", "execution_count": 1, "source": ["import os\n", "x = 1"], "outputs": [{"text": "1"}]},
  {"cell_type": "code", "source": []},
  {"cell_type": "code", "source": "  \n"},
  {"cell_type": "raw", "source": "as it is"},
  {"cell_type": "code", "source": "print(x)\n\n"}
 ],
 "metadata": {"kernelspec": {"language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5
}"""
SCRIPT = """\
# %% [markdown]
# # Title
#
# Text.

# %%
import os
x = 1

# %% [raw]
# as it is

# %%
print(x)
"""


def notebook(*sources: str, language: str = "python", cell_type: str = "code") -> str:
    cells = [{"cell_type": cell_type, "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": language}}})


def body(source: str, language: str = "python") -> str:
    return script_of(notebook(source, language=language)).split("\n", 1)[1].removesuffix("\n")


def test_cells_in_order_without_outputs() -> None:
    assert script_of(NOTEBOOK) == SCRIPT


def test_version_3() -> None:
    text = """{"metadata": {"name": "old"}, "nbformat": 3, "worksheets": [{"cells": [
        {"cell_type": "heading", "level": 1, "source": ["Title"]},
        {"cell_type": "code", "input": ["x = 1\\n", "y = 2"], "language": "python", "outputs": []}]}]}"""
    assert script_of(text) == "# %% [markdown]\n# Title\n\n# %%\nx = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("language", "mark"),
    [
        ("python", "#"),
        ("R", "#"),
        ("julia", "#"),
        ("scala", "//"),
        ("Haskell", "--"),
        ("octave", "%"),
        ("clojure", ";"),
    ],
)
def test_comments_are_those_of_the_kernel(language: str, mark: str) -> None:
    text = notebook("a\n\nb", language=language, cell_type="markdown")
    assert script_of(text) == f"{mark} %% [markdown]\n{mark} a\n{mark}\n{mark} b\n"
    assert script_of(text).startswith(CELL_STARTS)


def test_language_of_the_kernel_comes_before_that_of_the_file() -> None:
    metadata = {"kernelspec": {"language": "scala"}, "language_info": {"name": "python"}}
    text = json.dumps({"cells": [{"cell_type": "code", "source": "1"}], "metadata": metadata})
    assert script_of(text) == "// %%\n1\n"


@pytest.mark.parametrize("metadata", ["{}", "null", '{"kernelspec": null}', '{"kernelspec": {"name": "x"}}'])
def test_a_kernel_that_is_not_told_is_python(metadata: str) -> None:
    assert (
        script_of('{"cells": [{"cell_type": "code", "source": "%m"}], "metadata": ' + metadata + "}") == "# %%\n# %m\n"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
        ("!pip install x", "# !pip install x"),
        ("if x:\n    %cd a\n    !ls", "if x:\n    pass  # %cd a\n    pass  # !ls"),
        ("!a \\\n  b \\\n  c\nx = 1", "# !a \\\n#   b \\\n#   c\nx = 1"),
        ("if x:\n  !a \\\n  b\n  y", "if x:\n  pass  # !a \\\n  #   b\n  y"),
        ("%%bash\nls\n\ncd a", "# %%bash\n# ls\n#\n# cd a"),
        ("a = (1\n% 2\n!= 3)", "a = (1\n% 2\n!= 3)"),
        ("x = 5 % y\nprint('!')", "x = 5 % y\nprint('!')"),
    ],
)
def test_what_ipython_adds_is_no_python(source: str, expected: str) -> None:
    assert body(source) == expected
    assert body(source, language="R") == source
    ast.parse(expected)


@pytest.mark.parametrize("source", ["a\r\nb", "a\rb", "\n\na\nb\n\n", "a\nb\r"])
def test_line_ends_are_lf_and_the_edges_bare(source: str) -> None:
    assert body(source) == "a\nb"


@pytest.mark.parametrize("text", ['{"cells": []}', '{"worksheets": []}', '{"worksheets": [{}]}', notebook(" ", "")])
def test_a_notebook_of_nothing_is_an_empty_script(text: str) -> None:
    assert script_of(text) == ""


def test_nan_and_half_a_surrogate_pair_in_an_output_are_no_fault() -> None:
    text = '{"cells": [{"cell_type": "code", "source": "x", "outputs": [NaN, "\\ud83d"]}]}'
    assert script_of(text) == "# %%\nx\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "."),
        ("<html>", "."),
        ("{", "."),
        ("[]", "object"),
        ("null", "object"),
        ("{}", "no `cells`"),
        ('{"cells": null}', "no `cells`"),
        ('{"cells": {}}', r"\$.cells"),
        ('{"cells": [1]}', r"\$.cells"),
        ('{"cells": [{"source": 1}]}', "source"),
        ('{"cells": [{"source": ["a", 1]}]}', "source"),
        ('{"cells": [{"source": "\\ud800"}]}', "surrogate"),
        ('{"cells": [{"source": "\ud800"}]}', "."),
        ('{"cells": [], "x": ' + "9" * 5000 + "NaN}", "."),
        ('{"cells": [], "x": ' + "[" * MAXIMUM_NESTING + "]" * MAXIMUM_NESTING + "}", "nested deeper than 100"),
        ("[" * 1_000_000, "nested deeper"),
        ('{"a":' * 1_000_000, "nested deeper"),
    ],
)
def test_what_is_no_notebook_is_told(text: str, why: str) -> None:
    with pytest.raises(NotebookError, match=why):
        script_of(text)


def test_brackets_in_strings_do_not_nest() -> None:
    assert script_of(notebook("[" * 1_000 + '\\"{')) == "# %%\n" + "[" * 1_000 + '\\"{\n'


@given(st.text(st.sampled_from('{}[]":,\\ns\\"cells%!\n') | st.characters(codec="utf-8")))
def test_any_text_is_a_notebook_or_told(text: str) -> None:
    with suppress(NotebookError):
        script = script_of(text)
        assert script == "" or script.startswith(CELL_STARTS)


@given(st.lists(st.text(st.sampled_from("ab %!\n\r\t#{") | st.characters(codec="utf-8")), max_size=4), st.booleans())
def test_every_cell_is_there_once_and_no_text_is_code(sources: list[str], in_lists: bool) -> None:
    cells = [
        {"cell_type": "markdown", "source": source.splitlines(keepends=True) if in_lists else source}
        for source in sources
    ]
    script = script_of(json.dumps({"cells": cells}))
    assert script.count("# %% [markdown]\n") >= sum(bool(source.strip()) for source in sources)
    assert all(line.startswith("#") for line in script.split("\n") if line)
    assert script == "" or script.endswith("\n")
    ast.parse(script.replace("\0", ""))
