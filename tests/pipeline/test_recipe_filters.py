from typing import Any

import pytest
from pydantic import ValidationError

from filters.bounds import Bounds
from filters.profiles import ASSIGNED, PROFILES
from pipeline.recipe_filters import Filters, Languages

OWN: dict[str, Any] = {
    "num_words": {"minimum": 5},
    "num_lines": {"maximum": 9, "languages": {"JSON": {"maximum": 512}, "Text": {}}},
}


def own(**assign: list[str] | None) -> Filters:
    return Filters.model_validate({"assign": assign, "profiles": {"own": OWN}})


def test_the_default_holds_the_whole_table_of_every_profile_that_judges() -> None:
    filters = Filters()
    assert filters.assign == ASSIGNED
    assert set(filters.profiles) == {name for names in ASSIGNED.values() for name in names}
    for name, table in filters.profiles.items():
        for language in ("", "Python", "HTML", "JSON"):
            limits = {signal: rule.limits(language) for signal, rule in table.items() if rule}
            expected = {signal: rule.limits(language) for signal, rule in PROFILES[name].items()}
            assert {s: (x.minimum, x.maximum) for s, x in limits.items()} == {
                s: (x.minimum, x.maximum) for s, x in expected.items()
            }


def test_a_document_is_judged_by_subset_then_language_then_kind() -> None:
    filters = own(code=["own"], text=["gopher-text"], Python=["gopher-text", "own"], Books=[])
    assert filters.profiles_of("code", "", "C") == ["own"]
    assert filters.profiles_of("code", "", "Python") == ["gopher-text", "own"]
    assert filters.profiles_of("code", "Books", "Python") == []
    assert own(code=None).profiles_of("code", "", "") == []


def test_limits_of_a_language_stand_in_place_of_the_others() -> None:
    filters = own(code=["own"])
    words = Bounds("num_words", 5.0, None)
    assert filters.bounds("code", "", "C") == [words, Bounds("num_lines", None, 9.0)]
    assert filters.bounds("code", "", "JSON") == [words, Bounds("num_lines", None, 512.0)]
    assert filters.bounds("code", "", "Text") == [words]


def test_a_change_keeps_the_limits_that_it_does_not_name() -> None:
    changes = {"gopher_num_words": {"minimum": 20}, "hash_word_ratio": None, "num_lines": {"minimum": 2}}
    changed = Filters.model_validate({"profiles": {"gopher-text": changes}})
    before = {bounds.signal: bounds for bounds in Filters().bounds("text", "Pile-CC", "")}
    after = {bounds.signal: bounds for bounds in changed.bounds("text", "Pile-CC", "")}
    assert after["gopher_num_words"] == Bounds("gopher_num_words", 20.0, before["gopher_num_words"].maximum)
    assert "hash_word_ratio" in before
    assert after.keys() == before.keys() - {"hash_word_ratio"} | {"num_lines"}


def test_an_assignment_keeps_those_that_it_does_not_name() -> None:
    filters = own(Python=["own"], HackerNews=None)
    assert filters.profiles_of("code", "", "C") == Filters().profiles_of("code", "", "C")
    assert filters.profiles_of("text", "HackerNews", "") == Filters().profiles_of("text", "", "")
    assert filters.profiles_of("text", "Ubuntu IRC", "") == ["dialogue"]


def test_a_change_for_a_language_keeps_the_other_languages() -> None:
    changes = {"longest_line_characters": {"languages": {"CSS": {"maximum": 2000}, "HTML": None}}}
    filters = Filters.model_validate({"profiles": {"starcoder2-code": changes}})

    def maximum(language: str) -> float | None:
        bounds = filters.bounds("code", "", language)
        return next(item.maximum for item in bounds if item.signal == "longest_line_characters")

    assert [maximum(language) for language in ("CSS", "XML", "C", "HTML")] == [2000, 100_000, 1000, 1000]


def test_a_profile_can_be_measured_without_judging() -> None:
    filters = Filters.model_validate({"measure": {"text": ["dolma-text"]}})
    assert "median_word_characters" in filters.measured("text", "HackerNews", "en")
    assert "median_word_characters" not in filters.measured("code", "", "C")
    assert filters.bounds("text", "HackerNews", "en") == Filters().bounds("text", "HackerNews", "en")
    assert "median_word_characters" in filters.signals
    with pytest.raises(ValidationError, match=r"measure\.text: no profile 'dolma'"):
        Filters.model_validate({"measure": {"text": ["dolma"]}})


def test_documents_that_no_rule_tells_apart_are_of_one_class() -> None:
    table = {"num_words": {"minimum": 3, "languages": {"": {"minimum": 1}, "C": {"minimum": 2}}}}
    filters = Filters.model_validate({"assign": {"code": ["own"]}, "profiles": {"own": table}})
    for subset in ("", "HackerNews", "https://example.org/1"):
        for language in ("", "C", "Go", "Rust"):
            group = filters.class_of("code", subset, language)
            assert filters.bounds(*group) == filters.bounds("code", subset, language)
            assert filters.measured(*group) == filters.measured("code", subset, language)
    assert filters.class_of("code", "x", "Go") == filters.class_of("code", "y", "Rust")


def test_null_turns_all_judging_off() -> None:
    filters = Filters.model_validate({"assign": None})
    assert filters.signals == []
    assert filters.profiles_of("code", "", "C") == filters.profiles_of("text", "HackerNews", "") == []


def test_reading_what_was_read_changes_nothing() -> None:
    filters = Filters.model_validate({"profiles": {"gopher-text": {"hash_word_ratio": None}, "own": OWN}})
    assert Filters.model_validate(filters.model_dump()) == filters


def test_signals_are_those_of_the_profiles_that_judge() -> None:
    assert {"num_lines", "num_words"} <= set(own(code=["own"]).signals)
    nobody = dict.fromkeys(ASSIGNED)
    assert own(**nobody).signals == []
    assert own(**nobody | {"code": ["own"]}).signals == ["num_lines", "num_words"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"assign": {"code": ["goph-text"]}}, "did you mean 'gopher-text'"),
        ({"assign": {"code": "own"}}, "valid list"),
        ({"assign": ["own"]}, "valid dict"),
        ({"profiles": {"own": {"num_word": {"minimum": 1}}}}, "did you mean 'num_words'"),
        ({"profiles": {"own": {"num_words": {"minimum": 2, "maximum": 1}}}}, "above maximum"),
        (
            {"profiles": {"own": {"num_words": {"minimum": 1, "languages": {"C": {"minimum": 2, "maximum": 1}}}}}},
            "above",
        ),
        ({"profiles": {"own": {"num_words": {"minimum": float("nan")}}}}, "finite"),
        ({"profiles": {"own": {"num_words": 3}}}, "valid dict"),
        ({"profiles": {"gopher-text": 3}}, "valid dict"),
        ({"profiles": {"Own": OWN}}, "match pattern"),
        ([], "valid dict"),
        (None, "valid dict"),
    ],
)
def test_a_wrong_value_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Filters.model_validate(value)


def test_a_rule_without_limits_measures_and_rejects_nothing() -> None:
    table = {"num_words": {}, "num_lines": {"languages": {"C": {"minimum": 1}, "Go": {}}}}
    assign = {**dict.fromkeys(ASSIGNED), "code": ["own"]}
    filters = Filters.model_validate({"assign": assign, "profiles": {"own": table}})
    assert filters.measured("code", "", "C") == ["num_lines", "num_words"]
    assert filters.measured("code", "", "Go") == filters.measured("code", "", "") == ["num_words"]
    assert filters.bounds("code", "", "Go") == []


def test_languages_are_off_by_default() -> None:
    languages = Languages()
    assert languages.programming.allow is languages.natural.allow is None
    assert languages.programming.deny == []
