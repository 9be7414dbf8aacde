"""Requests: what is said of a text, what room it has, and what a second try sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.rewrite_gates import GATES
from filters.rewrite_refusals import Refusal
from stages.model_requests import Answer
from stages.rewrite_pieces import estimated_tokens, prompt_tokens
from stages.rewrite_prompts import Refused, load_prompt
from stages.rewrite_requests import MAXIMUM_NOTES, Questions, known_of, refused

OLD = "now = datetime.utcnow()\nfor i in xrange(3):\n    print(i)\n"
DETAILS = st.text(st.one_of(st.sampled_from("0123456789"), st.characters()), max_size=400)


def questions(mode: str, *, context_tokens: int = 4_096, known: tuple[str, ...] = ()) -> Questions:
    return Questions(load_prompt(mode), "d" * 64, "Python", known, context_tokens, 2.0)


def test_a_request_names_document_and_prompt() -> None:
    request = questions("style").request("x = 1\n", None, part=False)
    assert request.document == "d" * 64
    assert request.prompt == load_prompt("style").sha256
    assert request.messages == load_prompt("style").messages("x = 1\n", "Python")


def test_an_answer_may_be_as_long_as_the_gates_let_it() -> None:
    text = "value = compute(value)\n" * 50
    request = questions("style").request(text, None, part=False)
    assert request.maximum_tokens >= 2 * estimated_tokens(text)


def test_repair_knows_what_parser_and_linter_counted() -> None:
    known = known_of("repair", 2, 1)
    assert known == ("places that do not parse: 2", "linter findings: 1")
    asked = questions("repair", known=known)
    assert asked.notes(OLD, part=False) == list(known)
    assert asked.notes(OLD, part=True) == []  # they are those of the whole file
    assert known_of("repair", 0, 0) == known_of("style", 2, 1) == ()


def test_modernize_looks_at_the_text_itself() -> None:
    asked = questions("modernize")
    assert [note.split(":")[0] for note in asked.notes(OLD, part=True)] == [
        "datetime.utcnow()",
        "xrange(), raw_input(), unicode()",
    ]
    assert asked.notes("x = 1\n", part=False) == []


def test_a_text_with_everything_old_in_it_has_a_bounded_list() -> None:
    uses = "imp.reload(a)\ntime.clock()\nos.system(a)\ncgi.escape(a)\na.has_key(b)\nxrange(3)\nurllib2.open(a)\n"
    text = OLD + uses + "inspect.getargspec(a)\nssl.wrap_socket(a)\nlogger.warn(a)\na.isAlive()\na.assertEquals(b)\n"
    assert len(questions("modernize").notes(text * 2, part=False)) == MAXIMUM_NOTES


@pytest.mark.parametrize("gate", GATES)
def test_what_is_too_long_or_must_not_be_said_is_not_shown_again(gate: str) -> None:
    shown = refused(Answer("the answer", "stop", 1, 1), Refusal(gate, "detail")).answer
    assert (shown is None) == (gate not in {"parse", "public_api", "imports", "stub", "licence_header", "lint"})


@pytest.mark.parametrize("answer", ["x" * 60_000, "x = '<|im_end|>'"], ids=["long", "control token"])
def test_an_answer_that_leaves_no_room_or_ends_a_turn_is_not_shown_again(answer: str) -> None:
    refusal = Refusal("parse", "1 place does not parse")
    asked = questions("style")
    again = asked.request("x = 1\n", Refused(refusal, answer), part=False)
    assert again == asked.request("x = 1\n", Refused(refusal), part=False)
    assert asked.request("x = 1\n", Refused(refusal, "y"), part=False) != again


@given(st.text("a1 é{\n", max_size=300), st.integers(900, 3_000), DETAILS, st.sampled_from(["repair", "modernize"]))
def test_prompt_and_answer_fit_whatever_a_refusal_says(text: str, context: int, detail: str, mode: str) -> None:
    asked = questions(mode, context_tokens=context, known=known_of(mode, 12, 34))
    text += OLD
    if estimated_tokens(text) <= asked.maximum_piece_tokens(text):
        for refusal in (None, Refused(Refusal("parse", detail), detail)):
            request = asked.request(text, refusal, part=True)
            assert prompt_tokens(request.messages) + request.maximum_tokens <= context
