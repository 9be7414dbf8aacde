import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import RecipeError
from stages.linting import IGNORED, SELECTED, SYNTAX, TARGET, UNKNOWN, Linter

LINTER = Linter()
UNUSED = "import os\n\n\ndef f():\n    return 1\n"
TOO_DEEP = "x = " + "1+" * 100_000 + "1\n"


def test_texts_are_answered_for_in_their_order_by_the_linter_of_their_language() -> None:
    texts = [("Python", UNUSED), ("JavaScript", "debugger;"), ("Fortran", "print *"), ("Python", "x = 1\n"), ("C", "")]
    assert LINTER.findings(texts) == [{"F401": 1}, {"debugger_left": 1}, {}, {}, {}]
    assert LINTER.findings([]) == []


def test_more_texts_than_go_into_one_call_are_all_answered_for() -> None:
    assert LINTER.python_findings([UNUSED, "x = 1\n"] * 150) == [{"F401": 1}, {}] * 150


@pytest.mark.parametrize(
    "comment",
    ["# ruff: noqa", "# flake8: noqa", "# ruff: file-ignore[F401]", "# ruff: disable[F401]", "# ruff: disable"],
)
def test_no_comment_turns_the_linter_off(comment: str) -> None:
    text = f"{comment}\nimport os  # noqa\nimport sys  # ruff: ignore[F401]\n\n\ndef f():\n    return 1\n"
    assert LINTER.python_findings([text])[0]["F401"] == 2


def test_no_configuration_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["F401"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "concise")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert LINTER.python_findings([UNUSED]) == [{"F401": 1}]


def test_metadata_in_a_script_do_not_choose_its_python() -> None:
    text = '# /// script\n# requires-python = ">=3.7"\n# ///\nmatch 1:\n    case _:\n        pass\n'
    assert LINTER.python_findings([text])[0][SYNTAX] == 0


def test_a_package_that_imports_for_others_uses_what_it_imports() -> None:
    assert LINTER.python_findings(["from a import b, c\n"]) == [{}]


def test_what_cannot_be_read_has_syntax_errors_alone() -> None:
    assert set(LINTER.python_findings(["import os\nprint 'a'\n\ndef f(): pass\n"])[0]) == {SYNTAX}


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "\ufeffx = 1\n", "é = 1\n", "x = 1\r\n", "\r", "\f"])
def test_odd_texts_are_answered_for(text: str) -> None:
    assert UNKNOWN not in LINTER.python_findings([text])[0]


def test_a_text_that_ends_ruff_is_unknown_and_spoils_no_other() -> None:
    assert LINTER.python_findings([UNUSED, TOO_DEEP, UNUSED]) == [{"F401": 1}, {UNKNOWN: 1}, {"F401": 1}]


def test_limits_of_the_process_that_asks_may_be_lower() -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            code = 0 if LINTER.python_findings([UNUSED]) == [{"F401": 1}] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_missing_ruff_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruff", None)
    with pytest.raises(RecipeError, match="expected the linter ruff") as raised:
        Linter()
    assert "pip install ruff" in raised.value.hint


def test_every_rule_that_is_named_is_there() -> None:
    command = [
        LINTER._program,
        "check",
        "--isolated",
        "--target-version",
        TARGET,
        "--select",
        SELECTED.replace(" ", ","),
    ]
    done = subprocess.run([*command, "--ignore", IGNORED, "-"], input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@settings(deadline=None, max_examples=10)
@given(st.lists(st.text("(){}[]:;='\"#\\\n \tifdefr=1é\x00\x0c", max_size=60), min_size=1, max_size=6))
def test_any_texts_are_answered_for_together_as_alone(texts: list[str]) -> None:
    assert LINTER.python_findings(texts) == [LINTER.python_findings([text])[0] for text in texts]
