"""How a unit of rewriting goes about its documents: order, number at a time, errors, beats, the form of answers."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import RetryableError
from pipeline.rewriting_unit import Beats, all_rewritten, in_form, longest_first
from stages.model_client import Counts
from stages.model_requests import Answer, Request
from stages.rewriting import Rewritten, Subject

REQUEST = Request("0" * 64, "0" * 64, (), 1)


def subject(number: int, length: int = 1) -> Subject:
    return Subject(f"{number:032x}", "x" * length, "Python", 0, 0)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
def test_all_are_rewritten_longest_first_and_so_many_at_a_time(lengths: list[int], at_a_time: int) -> None:
    subjects = [subject(number, length) for number, length in enumerate(lengths)]
    begun: list[Subject] = []
    finished: list[str] = []
    under_way, most = 0, 0

    async def rewrite(one: Subject) -> Rewritten:
        nonlocal under_way, most
        begun.append(one)
        under_way += 1
        most = max(most, under_way)
        for _ in range(int(one.id, 16) % 3):
            await asyncio.sleep(0)
        under_way -= 1
        return Rewritten(text=one.id)

    def told(one: Subject, _result: Rewritten) -> None:
        finished.append(one.id)

    results = asyncio.run(all_rewritten(rewrite, longest_first(subjects), at_a_time=at_a_time, finished=told))
    assert {name: one.text for name, one in results.items()} == {one.id: one.id for one in subjects}
    assert begun == sorted(subjects, key=lambda one: (-len(one.text), one.id))
    assert sorted(finished) == sorted(results)
    assert most <= at_a_time


def test_the_first_error_ends_all() -> None:
    ended: list[str] = []

    async def rewrite(one: Subject) -> Rewritten:
        if one.id.endswith("3"):
            raise RetryableError("the server stayed away")
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(one.id)
        return Rewritten()

    subjects = [subject(number) for number in range(1, 9)]
    with pytest.raises(RetryableError, match="stayed away"):
        asyncio.run(all_rewritten(rewrite, subjects, at_a_time=4, finished=lambda _one, _result: None))
    assert sorted(ended) == [subject(number).id for number in (1, 2, 4)]


@pytest.mark.parametrize(
    ("said", "text"),
    [("a\r\nb\n", "a\nb\n"), ("a\rb", "a\nb"), ("a\rb\n", "a\rb\n"), ("a\0b", ""), ("é\n", "é\n")],
)
def test_an_answer_has_the_form_of_a_document(said: str, text: str) -> None:
    async def ask(_request: Request) -> Answer:
        return Answer(said, "stop", 3, 4)

    assert asyncio.run(in_form(ask, REQUEST)) == Answer(text, "stop", 3, 4)


def test_a_unit_beats_as_long_as_requests_come_to_an_end() -> None:
    counts, now, said = Counts(), 0.0, list[float]()
    beats = Beats(counts, lambda: said.append(now), patience_seconds=10, clock=lambda: now)
    for moment in range(0, 60, 4):
        now = float(moment)
        if moment == 12:
            counts.paid += 1
        if moment == 40:
            counts.faltered += 1
        beats.look()
    assert said == [0, 4, 8, 12, 16, 20, 40, 44, 48]
