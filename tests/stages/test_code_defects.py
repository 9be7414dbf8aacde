import os
import signal
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.grammars import GRAMMARS
from stages import code_defects as module
from stages.code_defects import Defects, code_defects
from stages.linting import Linter

LINTER = Linter()
SOUND = Defects(0, 0, 0)
TOO_MUCH = ("C", "x=>" * 4_000)  # 0.8 GB of memory for the parser


def test_every_text_is_measured_by_its_language() -> None:
    texts = [
        ("C", "int f(void) { return 1; "),
        ("Python", "import os\n\n\ndef f():\n    return 1\n"),
        ("JavaScript", "debugger;\nvar a = ;\n"),
        ("JSON", '{"a": 1, "a": 2}'),
        ("Rust", "fn f() {}\n"),
        ("Go", ""),
    ]
    assert code_defects(texts, LINTER) == [
        Defects(1, 1, 0), Defects(0, 0, 1), Defects(1, 1, 1), Defects(0, 0, 1), SOUND, SOUND,
    ]  # fmt: skip
    assert code_defects([], LINTER) == []


def test_python_2_does_not_parse_though_the_grammar_reads_it() -> None:
    [found] = code_defects([("Python", "def f():\n    print 'a'\n")], LINTER)
    assert found == Defects(num_errors=1, error_bytes=0, findings=0)


def test_a_text_that_the_parser_cannot_bear_has_no_measure_and_costs_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MEMORY_BYTES", 40_000_000)  # 300 MB are reached as surely, and later
    texts = [("C", "int a;"), TOO_MUCH, ("C", "int f( {")]
    assert code_defects(texts, LINTER) == [SOUND, None, Defects(1, 8, 0)]


def test_who_dies_among_others_is_asked_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [("Go", f"package a{number}\n") for number in range(6)]
    monkeypatch.setattr(module, "_measured", dies_in_a_child_that_did_more_than(2, module._measured))
    assert code_defects(texts, LINTER) == [SOUND] * 6


def dies_in_a_child_that_did_more_than(
    most: int, measured: Callable[[str, str], tuple[int, int, int]]
) -> Callable[[str, str], tuple[int, int, int]]:
    """What a limit does that the texts of a child use up together."""
    done: list[str] = []

    def counted(language: str, text: str) -> tuple[int, int, int]:
        done.append(text)
        if len(done) > most:
            os.kill(os.getpid(), signal.SIGKILL)
        return measured(language, text)

    return counted


def test_a_language_without_grammar_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        code_defects([("Fortran", "end")], LINTER)


@settings(deadline=None, max_examples=10)
@given(
    st.lists(st.tuples(st.sampled_from(list(GRAMMARS)), st.text("(){}[];'\"#\n xé\ud800=", max_size=40)), max_size=5)
)
def test_texts_have_the_same_defects_together_as_alone(texts: list[tuple[str, str]]) -> None:
    assert code_defects(texts, LINTER) == [code_defects([text], LINTER)[0] for text in texts]
