"""Made-up problems only: no benchmark's text stands in this repository."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark_matching import BenchmarkMatcher, Match
from filters.benchmark_parts import Bounds, Problem

SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo")
SOLUTION = """\
def {name}(values, limit):
    total = 0
    for place, value in enumerate(values):
        if value > limit and place % {number} == 0:
            total += value * {number}
        elif value < 0:
            return [total, place - {number}]
    return sorted([total, limit])[:{number}]
"""


def prose(seed: str, num_words: int) -> str:
    numbers = random.Random(seed)
    return " ".join("".join(numbers.choices(SYLLABLES, k=numbers.randint(2, 4))) for _ in range(num_words))


def _made_up(number: int) -> Problem:
    prompt = f"Frame of every task here: {prose(f'p{number}', 24)}."
    return Problem("made-up", f"task/{number}", prompt, SOLUTION.format(name=prose(f"s{number}", 1), number=number + 3))


PROBLEMS = [_made_up(number) for number in range(12)]
MATCHER = BenchmarkMatcher.build(PROBLEMS, Bounds())
HOSTS = st.one_of(st.text(max_size=300), st.integers(0, 99).map(lambda seed: prose(f"host {seed}", 200)))
NUMBERS = st.integers(0, len(PROBLEMS) - 1)
BLANKS = st.sampled_from([" ", "\n", "\t", "\r\n", "\n\n    ", "\u00a0"])


def matched(text: str, *, is_code: bool = True, matcher: BenchmarkMatcher = MATCHER) -> Match:
    match = matcher.match(text, is_code=is_code)
    assert match is not None
    return match


def renamed(solution: str) -> str:
    for number, name in enumerate(("values", "limit", "total", "place", "value")):
        solution = solution.replace(f"{name}s", f"other{number}s").replace(name, f"other{number}")
    return solution


@given(HOSTS, HOSTS, NUMBERS)
def test_a_prompt_planted_anywhere_is_found_and_named(before: str, after: str, number: int) -> None:
    match = matched(f"{before}\n{PROBLEMS[number].prompt}\n{after}", is_code=False)
    assert (match.kind, match.benchmark, match.task) == ("ngram", "made-up", f"task/{number}")
    assert match.value >= match.bound


@given(NUMBERS, BLANKS)
def test_white_space_does_not_matter(number: int, blank: str) -> None:
    text = f"{PROBLEMS[number].prompt}\n{PROBLEMS[number].solution}"
    assert matched(blank.join(text.split())).task == f"task/{number}"


@given(NUMBERS)
def test_comment_signs_and_json_do_not_matter(number: int) -> None:
    text = PROBLEMS[number].prompt.replace(" ", "\n# ")
    assert matched(text).task == f"task/{number}"
    assert matched(json.dumps({"text": f"{PROBLEMS[number].prompt}\n"})).task == f"task/{number}"


@given(HOSTS, NUMBERS)
def test_a_renamed_solution_is_found_in_code_alone(host: str, number: int) -> None:
    text = f"{host}\n\n{renamed(PROBLEMS[number].solution)}"
    if MATCHER.match(host, is_code=True) is None and not {'"', "'", "`", "/"} & {*host}:
        match = matched(text)
        assert (match.kind, match.task) == ("syntax", f"task/{number}")
        assert MATCHER.match(text, is_code=False) is None


@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_any_text_has_one_answer(text: str, is_code: bool) -> None:
    assert MATCHER.match(text, is_code=is_code) == MATCHER.match(text, is_code=is_code)


def test_nothing_is_in_an_empty_text_nor_in_a_matcher_without_problems() -> None:
    assert MATCHER.match("", is_code=True) is None
    assert BenchmarkMatcher.build([], Bounds()).match(PROBLEMS[0].prompt, is_code=True) is None


def test_a_whole_literal_is_found_where_there_are_too_few_words_that_tell() -> None:
    solution = "x = (a + b) * (c - d) / e ** f % g\ny = [p, q, r, s, t, u, v, w]\nz = {1: 2, 3: 4, 5: 6}\n"
    matcher = BenchmarkMatcher.build([Problem("made-up", "a", prose("p", 20), solution)], Bounds())
    match = matched("if 1:\n" + solution.replace("\n", "\r\n\t") + "pass", matcher=matcher, is_code=False)
    assert (match.kind, match.value, match.bound) == ("substring", len(" ".join(solution.split())), 80)
    assert matcher.match(solution.replace("q", "k"), is_code=False) is None


def test_a_prompt_without_n_grams_is_found_from_fewer_characters() -> None:
    prompt = prose("short", 8)
    matcher = BenchmarkMatcher.build([Problem("made-up", "a", prompt)], Bounds())
    assert matched(f"Now: {prompt}!", matcher=matcher).bound == 40
    assert matcher.account()["made-up"].unmatchable_problems == 0
    strict = BenchmarkMatcher.build([Problem("made-up", "a", prompt)], Bounds(minimum_short_prompt_characters=80))
    assert strict.match(prompt, is_code=False) is None
    assert strict.account()["made-up"].unmatchable_problems == 1


def test_a_phrase_that_many_problems_share_is_counted_and_finds_nothing() -> None:
    frame = prose("frame", 30)
    problems = [Problem("made-up", str(n), f"{frame} {prose(f'own {n}', 30)}") for n in range(4)]
    matcher = BenchmarkMatcher.build(problems, Bounds())
    assert matcher.match(frame, is_code=False) is None
    assert matched(problems[2].prompt, is_code=False, matcher=matcher).task == "2"
    account = matcher.account()["made-up"]
    assert (account.problems, account.suppressed_ngrams) == (4, 21)
    assert account.ngrams == 21 + 4 * 30


def test_a_problem_of_two_benchmarks_is_no_boilerplate() -> None:
    problems = [Problem(name, "1", prose("twice", 30)) for name in ("a", "b", "c", "d", "e")]
    assert matched(problems[0].prompt, matcher=BenchmarkMatcher.build(problems, Bounds())).benchmark == "a"


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
        "for i in range(n): for j in range(n): for k in range(n): x[i][j] = 0",
        "zero one two three four five six seven eight nine ten zero one two three",
    ],
)
def test_what_tells_nothing_finds_nothing(text: str) -> None:
    matcher = BenchmarkMatcher.build([Problem("made-up", "a", text)], Bounds(minimum_substring_characters=1000))
    assert matcher.match(f"{text}\n", is_code=False) is None


@pytest.mark.parametrize(("num_words", "found"), [(13, False), (14, True)])
def test_a_part_of_a_prompt_counts_from_its_fifth_n_gram(num_words: int, found: bool) -> None:
    part = " ".join(PROBLEMS[0].prompt.split()[-num_words:])
    assert (MATCHER.match(part, is_code=False) is not None) == found
