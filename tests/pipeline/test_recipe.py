import pwd
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from manifests.errors import RecipeError
from pipeline.recipe import Columns, Licences, Recipe, Source
from pipeline.recipe_mixture import Domain, Mixture
from pipeline.recipe_rewriting import Selection
from stages.allocation import Rule

SOURCE: dict[str, Any] = {"name": "a", "format": "jsonl", "kind": "text", "paths": ["*.jsonl"]}


def recipe(**changed: Any) -> Recipe:
    return Recipe.model_validate({"name": "x", "version": "1.0.0", "sources": [SOURCE]} | changed)


def test_a_name_a_version_and_a_source_are_a_recipe() -> None:
    assert recipe().mixture.code == 0.7


@pytest.mark.parametrize("name", ["", "Capital", "-dash", "a b", "a/b", "../a", "x" * 65, "a\n"])
def test_a_name_is_safe_in_a_path(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        recipe(name=name)


@pytest.mark.parametrize("version", ["1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "", "1.0.0\n"])
def test_a_version_is_three_numbers(version: str) -> None:
    with pytest.raises(ValidationError, match="version"):
        recipe(version=version)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 1 << 63),
        ("seed", "0"),
        ("seed", True),
        ("partitions", 0),
        ("partitions", 257),
        ("failed_units", "ignore"),
        ("sources", []),
        ("sources", SOURCE),
        ("packing", {"sequence_tokens": 1}),
        ("packing", {"sequence_tokens": []}),
        ("packing", {"sequence_tokens": [4096, 1]}),
        ("packing", {"sequence_tokens": list(range(2, 11))}),
        ("packing", {"mode": "worst_fit"}),
        ("packing", {"sequence_tokens": "4096"}),
        ("limits", {"slice_bytes": 0}),
        ("redaction", {"kinds": ["email"]}),
        ("redaction", {"sensitivity": {"email": "much"}}),
        ("redaction", {"maximum_findings_per_kb": -1.0}),
        ("redaction", {"maximum_key_fraction": 1.5}),
        ("licences", {"no_licence": "maybe"}),
        ("licences", {"cache": ""}),
        ("licences", {"cache": "~/answers"}),
        ("deduplication", {"near": {"minimum_similarity": 0.0}}),
        ("deduplication", {"near": {"bands": 257}}),
        ("mixture", {"reserve": -0.1}),
        ("nonsense", 1),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        recipe(**{key: value})


@pytest.mark.parametrize("paths", [[], [""], ["a", " "]])
def test_a_source_names_its_files(paths: list[str]) -> None:
    with pytest.raises(ValidationError, match="paths"):
        Source.model_validate(SOURCE | {"paths": paths})


@pytest.mark.parametrize(
    ("row_format", "kind", "kinds"),
    [
        ("stack-v2", "code", {}),
        ("stack-v2-ids", "code", {}),
        ("pull-requests", "code", {}),
        ("pile", "text", {"Github": "code"}),
    ],
)
def test_a_published_format_has_its_kind(row_format: str, kind: str, kinds: dict[str, str]) -> None:
    source = Source.model_validate({"name": "a", "format": row_format, "paths": ["x"]})
    assert (source.kind, source.kinds, source.prose_files) == (kind, kinds, "code")
    assert Source.model_validate(source.model_dump()) == source


def test_what_a_recipe_says_of_kinds_wins() -> None:
    given = {
        "name": "a",
        "format": "pile",
        "paths": ["x"],
        "kind": "code",
        "kinds": {"Github": "text", "ArXiv": "text"},
    }
    source = Source.model_validate(given)
    assert (source.kind, source.kinds) == ("code", {"Github": "text", "ArXiv": "text"})


@pytest.mark.parametrize("given", [{"format": "jsonl"}, {"format": "columns", "columns": {"text": "x"}}])
def test_other_formats_need_a_kind(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"format: {given['format']} needs `kind`, code or text"):
        Source.model_validate({"name": "a", "paths": ["x"]} | given)


def test_two_sources_may_not_share_a_name() -> None:
    with pytest.raises(ValidationError, match="two sources have one name"):
        recipe(sources=[SOURCE, SOURCE])


def test_only_the_format_columns_names_columns() -> None:
    named = SOURCE | {"format": "columns", "columns": {"text": "body", "files": "blobs"}}
    assert Source.model_validate(named).columns == Columns(text="body", files="blobs")
    with pytest.raises(ValidationError, match="goes with format: columns, got format: jsonl"):
        Source.model_validate(SOURCE | {"columns": {"text": "body"}})
    with pytest.raises(ValidationError, match="needs `columns`"):
        Source.model_validate(SOURCE | {"format": "columns"})


@given(st.floats(0, 0.99))
def test_shares_must_add_up(code: float) -> None:
    assert Mixture(code=code, text=1 - code).code == code
    with pytest.raises(ValidationError, match="must be 1"):
        Mixture(code=code, text=(1 - code) / 2)


def test_a_total_that_must_be_reached_must_be_named() -> None:
    with pytest.raises(ValidationError, match="shortfall: fail needs tokens"):
        Mixture(shortfall="fail")
    with pytest.raises(ValidationError, match="shortfall: repeat needs tokens"):
        Mixture(shortfall="repeat")


def test_epochs_are_within_the_maximum() -> None:
    assert Mixture(domains={"C": Domain(epochs=4)}).rules([("code", "C")]) == {("code", "C"): Rule(epochs=4.0)}
    with pytest.raises(ValidationError, match=r"domains: C: 2\.5 epochs; expected at most maximum_epochs, 2"):
        Mixture(domains={"C": Domain(epochs=2.5)}, maximum_epochs=2)
    with pytest.raises(ValidationError, match=r"preset pile-v1: Gutenberg \(PG-19\): 2\.5 epochs; expected at most"):
        Mixture(preset="pile-v1", maximum_epochs=2)


def test_a_document_is_of_the_domain_of_its_subset_then_of_its_language() -> None:
    mixture = Mixture(domains={"docs": Domain(), "Python": Domain()})
    assert mixture.domain_of("code", "docs", "Python") == "docs"
    assert mixture.domain_of("code", "other", "Python") == "Python"
    assert mixture.domain_of("code", "other", "C") == mixture.domain_of("text", "", "") == ""


def test_the_preset_names_subsets_of_text_in_any_spelling() -> None:
    mixture = Mixture(preset="pile-v1", domains={"en": Domain(), "ArXiv": Domain(weight=0.5)})
    assert mixture.domain_of("text", "wikipedia_en", "en") == "Wikipedia (en)"
    assert mixture.domain_of("text", "arxiv", "en") == "ArXiv"
    assert mixture.domain_of("text", "diaries", "en") == "en"
    assert mixture.domain_of("code", "Github", "C") == ""


def test_what_an_entry_says_wins_over_the_preset_and_the_rest_stays() -> None:
    domains = {"ArXiv": Domain(weight=0.5), "HackerNews": Domain(epochs=1), "FreeLaw": Domain(maximum_tokens=9)}
    mixture = Mixture(preset="pile-v1", domains=domains)
    assert mixture.rules([*(("text", name) for name in (*domains, "EuroParl", "")), ("code", "ArXiv")]) == {
        ("text", "ArXiv"): Rule(weight=0.5, epochs=2.0),
        ("text", "HackerNews"): Rule(published=0.0062, epochs=1.0),
        ("text", "FreeLaw"): Rule(published=0.0612, epochs=1.5, maximum_tokens=9),
        ("text", "EuroParl"): Rule(published=0.0073, epochs=2.0),
        ("text", ""): Rule(),
        ("code", "ArXiv"): Rule(weight=0.5),
    }


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().seed = 1


def test_a_recipe_survives_its_json() -> None:
    original = recipe(filters={"profiles": {"gopher-text": {"num_lines": {"minimum": 3}, "hash_word_ratio": None}}})
    assert Recipe.model_validate_json(original.model_dump_json()) == original


@pytest.mark.parametrize(("text_seconds", "progress_seconds"), [(5, 5), (601, 600), (2, 1)])
def test_a_text_may_not_take_as_long_as_a_unit_may_be_silent(text_seconds: float, progress_seconds: int) -> None:
    limits = {"progress_seconds": progress_seconds}
    with pytest.raises(ValidationError, match=r"licences.text_seconds: expected less than limits.progress_seconds"):
        recipe(licences={"text_seconds": text_seconds}, limits=limits)
    recipe(licences={"text_seconds": progress_seconds - 0.5}, limits=limits)


def test_a_user_without_a_home_folder_is_asked_for_a_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(_user: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(RecipeError, match="home folder") as caught:
        _ = Licences().cache_folder
    assert "licences.cache" in caught.value.hint
    assert Licences(cache=str(tmp_path)).cache_folder == str(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Licences().cache_folder == str(tmp_path / "corpusmill" / "licences")


def test_only_languages_with_a_grammar_can_be_rewritten() -> None:
    assert Selection(languages=["Python", "C#"]).languages == ["Python", "C#"]
    with pytest.raises(ValidationError, match=r"'Pyton': expected languages .* did you mean 'Python'"):
        Selection(languages=["Go", "Pyton"])
