import asyncio
from collections import Counter

from filters.rewrite_gates import GateBounds
from stages.gatekeeper import Checked, Gatekeeper
from stages.lint_gate import refused_lint
from stages.linting import SYNTAX, Linter
from stages.model_requests import Answer

ORIGINAL = "import os\n\n\ndef names(folder):\n    l = os.listdir(folder)\n    return [x for x in l if x]\n"
GOOD = ORIGINAL.replace(" l ", " entries ").replace("in l", "in entries")


def answer(code: str, *, finish_reason: str = "stop", label: str = "") -> Answer:
    return Answer(f"```{label}\n{code}```", finish_reason, 10, 20)


def gatekeeper(linter: Linter | None = None) -> Gatekeeper:
    return Gatekeeper(GateBounds(), redact=lambda text, _: text.count("hunter2"), match=lambda _: None, linter=linter)


def check(keeper: Gatekeeper, *answers: Answer, original: str = ORIGINAL, language: str = "Python") -> list[Checked]:
    async def all_of_them() -> list[Checked]:
        return await asyncio.gather(*(keeper.check(original, item, language, whole=True) for item in answers))

    return asyncio.run(all_of_them())


def test_answers_are_judged_in_their_order_whoever_waits_for_the_linter() -> None:
    bad = GOOD.replace("def names", "import sys\n\n\ndef names")  # imported, never used
    undefined = GOOD.replace("if x", "if y")
    with gatekeeper(Linter()) as keeper:
        found = check(
            keeper, answer(GOOD), answer(bad), answer(GOOD, finish_reason="length"), answer(undefined), answer(GOOD)
        )
    assert [item.refusal.gate if item.refusal else "" for item in found] == ["", "lint", "finish_reason", "lint", ""]
    assert [item.text for item in found] == [GOOD, None, None, None, GOOD]
    assert found[3].refusal is not None
    assert "F821" in found[3].refusal.detail
    assert found[0].values.keys() == {
        *("errors_before", "errors_after", "length_ratio", "repetition", "similarity"),
        *("findings_before", "findings_after"),
    }


def test_other_languages_are_linted_in_the_worker() -> None:
    code = "function f(a) {\n  let total = 1\n  total += a\n  return total\n}\n"
    with gatekeeper(Linter()) as keeper:
        found = check(
            keeper,
            answer(code),
            answer(code.replace("total += a", "total += eval(a)")),
            original=code,
            language="JavaScript",
        )
    assert [item.refusal.gate if item.refusal else "" for item in found] == ["", "lint"]


def test_a_text_put_together_needs_no_fence() -> None:
    with gatekeeper() as keeper:
        checked = asyncio.run(keeper.check_text(ORIGINAL, GOOD, "Python"))
    assert checked.text == GOOD


def test_an_answer_that_takes_the_parser_down_is_refused_and_the_next_one_judged() -> None:
    original = "int main(void) { return 0; }\n"
    with gatekeeper() as keeper:  # the parser would take 0.8 GB
        found = check(keeper, answer("x=>" * 4_000 + "\n"), answer(original), original=original, language="C")
    assert found[0].refusal is not None
    assert found[0].refusal.gate == "parse"
    assert "bounds" in found[0].refusal.detail
    assert found[1].text == original


def test_text_that_is_no_unicode_is_refused() -> None:
    with gatekeeper() as keeper:
        found = check(keeper, answer("x = '\ud800'\n"), answer(GOOD))
    assert found[0].refusal is not None
    assert found[0].refusal.gate == "code_block"
    assert found[1].text == GOOD


def test_the_linter_may_find_as_much_as_before_but_no_new_mistake() -> None:
    assert refused_lint(Counter(F401=2), Counter(F401=1, E722=1)) is None
    assert refused_lint(Counter(), Counter(E722=1)) is not None
    assert refused_lint(Counter(F401=3), Counter(S102=1)) is not None
    refused = refused_lint(Counter(F401=3), Counter(F821=1))
    assert refused is not None
    assert "F821" in refused.detail


def test_what_a_syntax_error_hid_is_not_held_against_its_repair() -> None:
    assert refused_lint(Counter({SYNTAX: 1}), Counter(F401=3, F821=1)) is None
    assert refused_lint(Counter({SYNTAX: 1}), Counter({SYNTAX: 2})) is not None
    assert refused_lint(Counter(empty_catch=1), Counter(empty_catch=2), num_mended=1) is None
    assert refused_lint(Counter(empty_catch=1), Counter(empty_catch=3), num_mended=1) is not None
