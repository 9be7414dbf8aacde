import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import RecipeError
from pipeline.recipe_file import load_recipe, with_overrides

BASE = """\
name: small
version: 0.1.0
sources:
- {name: a, format: jsonl, kind: text, paths: ["*.jsonl"]}
"""


@pytest.fixture
def recipe_path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(BASE)
    return path


def mistake(path: Path, text: str, *overrides: str) -> RecipeError:
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        (BASE + "mixtrue: {}\n", "mixtrue", "mixture"),
        (BASE + "mixture: {cod: 0.7}\n", "mixture.cod", "code"),
        (BASE + "deduplication: {near: {band: 3}}\n", "deduplication.near.band", "bands"),
        (BASE.replace("paths:", "path:"), "sources.0.path", "paths"),
        (
            BASE + "filters: {profiles: {own: {num_words: {minimun: 3}}}}\n",
            "filters.profiles.own.num_words.minimun",
            "minimum",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_nearest_one(
    recipe_path: Path, text: str, key: str, nearest: str
) -> None:
    error = mistake(recipe_path, text)
    assert f"{recipe_path}: {key}: unknown key; expected one of " in error.message
    assert error.hint == f"did you mean `{nearest}`?"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (BASE + "seed: x\n", "seed: expected a valid integer, got 'x'", "schema"),
        (BASE + "seed: -1\n", "seed: expected greater than or equal to 0, got -1", "schema"),
        (BASE.replace("0.1.0", "0.1"), "version: expected a valid string, got 0.1", 'in quotes: version: "0.1"'),
        (
            BASE.replace('["*.jsonl"]', "x.jsonl"),
            "sources.0.paths: expected a valid list",
            "brackets: paths: [x.jsonl]",
        ),
        (BASE.replace('["*.jsonl"]', "3"), "sources.0.paths: expected a valid list, got 3", "schema"),
        (
            BASE.replace("jsonl, kind", "csv, kind"),
            "sources.0.format: expected 'stack-v2', 'stack-v2-ids', 'pull-requests', 'pile', 'jsonl' or 'columns'",
            "schema",
        ),
        (BASE.replace("name: small\n", ""), "name: expected this key, found none", "schema"),
        (BASE + "mixture: 3\n", "mixture: expected keys (code, domains,", "schema"),
        (BASE + "mixture:\n", "mixture: expected keys (code, domains,", "schema"),
        (BASE + "deduplication: {near: off}\n", "deduplication.near: expected keys", "near: null"),
        (
            BASE + "release: {texts: null}\n",
            "release.texts: expected parquet, jsonl.zst or off, got null",
            "texts: off",
        ),
        (
            BASE + "release: {texts: on}\n",
            "release.texts: expected parquet, jsonl.zst or off, got true",
            "texts: parquet",
        ),
        (
            BASE + "release: {texts: jsonl}\n",
            "release.texts: expected parquet, jsonl.zst or off, got 'jsonl'",
            "jsonl.zst",
        ),
        (BASE + "licences: {copies: off}\n", "licences.copies: expected 'count' or 'strict', got False", "schema"),
        (
            BASE + "packing: {sequence_tokens: long}\n",
            "packing.sequence_tokens: expected a valid integer, got 'long'",
            "schema",
        ),
        (
            BASE + "packing: {sequence_tokens: [4096, long]}\n",
            "packing.sequence_tokens.1: expected a valid integer, got 'long'",
            "schema",
        ),
        (
            BASE + "packing: {sequence_tokens: [8, 64, 8]}\n",
            "packing.sequence_tokens: expected lengths that differ, got [8, 64, 8]",
            "schema",
        ),
        (BASE + "packing: off\n", "packing: expected keys (mode, sequence_tokens), got False", "schema"),
        (BASE + "mixture: {code: 0.7, text: 0.7}\n", "mixture: code + text must be 1, got 1.4", "schema"),
        (
            BASE + "filters: {profiles: {own: {num_word: {minimum: 1}}}}\n",
            "filters.profiles: profile own: ",
            "num_words",
        ),
        (
            BASE + "filters: {profiles: {own: {'os:system': {minimum: 1}}}}\n",
            "filters.profiles: profile own: 'os:system'",
            "did you mean",
        ),
        (BASE + "seed: x\npartitions: 0\n", "(2 mistakes in all)", "schema"),
        (BASE + "1: 2\n", "1: expected a key that is text", "schema"),
        (
            BASE + "redaction: {allow: ['*']}\n",
            "allow.0: expected a pattern with more than stars, got '*'",
            "email: off",
        ),
        (BASE + "redaction: {allow: ['a', '**?']}\n", "allow.1: expected a pattern with more than stars", "email: off"),
        (
            BASE + "redaction: {allow: ['']}\n",
            "expected a pattern of one character or more, got an empty",
            "leave it out",
        ),
        (BASE + f"redaction: {{allow: [{'x' * 201}]}}\n", "a pattern of at most 200 characters, got 201", "schema"),
        (BASE + "redaction: {allow: '*@x'}\n", "allow: expected a valid list, got '*@x'", 'brackets: allow: ["*@x"]'),
        (BASE + "redaction: {allow: [1]}\n", "allow.0: expected a valid string, got 1", 'quotes: allow: ["1"]'),
        (
            BASE + "redaction: {sensitivity: {iban: yes}}\n",
            "sensitivity.iban: expected off, low, balanced or high, got true",
            "did you mean balanced?",
        ),
        (
            BASE + "redaction: {sensitivity: {iban: hihg}}\n",
            "sensitivity.iban: expected off, low, balanced or high, got 'hihg'",
            "did you mean high?",
        ),
        (
            BASE + "slurm: {partition: cpu, time: 1:00:00}\n",
            "slurm.time: expected a valid string, got 3600",
            'such as time: "24:00:00"; YAML reads 1:00:00 as',
        ),
        (
            BASE + "slurm: {partition: cpu, passes: {deside: {gpus: 1}}}\n",
            "slurm.passes.deside: expected 'ingest', 'decide', 'clean',",
            "schema",
        ),
        (BASE + "slurm: {partition: cpu, passes: {deside: {gpus: 1}}}\n", "or 'release', got 'deside'", "schema"),
        (BASE + "work: s3:/bucket/work\n", "work: s3:/bucket/work: expected s3:// or a local path", "s3://bucket/path"),
        (BASE + "limits: {progress_seconds: 5}\n", "yaml: licences.text_seconds: expected less than", "schema"),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_was_expected(
    recipe_path: Path, text: str, says: str, hint: str
) -> None:
    error = mistake(recipe_path, text)
    assert says in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "got an empty file"),
        ("hello", "expected keys and values, got 'hello'"),
        ("- a", "expected keys and values, got a list of 1"),
        ("a:\n\tb: 1", ":2: not a YAML recipe"),
        (BASE + "mixture: {code: 0.7\n", ":6: not a YAML recipe"),
        (BASE + "---\nx: 1\n", "not a YAML recipe"),
        (BASE + "x: !!python/object/apply:os.system [ls]\n", ":5: not a YAML recipe"),
        (BASE + "version: 2024-13-45\n", "not a YAML recipe"),
        (BASE + f"seed: {'9' * 5000}\n", "not a YAML recipe"),
        (BASE + "[1]: 2\n", ":5: not a YAML recipe: found unhashable key"),
        ("[" * 20_000, "not a YAML recipe: nested too deep"),
        ("a\x00b", "not a YAML recipe"),
    ],
)
def test_what_is_no_recipe_is_told_by_line(recipe_path: Path, text: str, says: str) -> None:
    assert says in mistake(recipe_path, text).message


@pytest.mark.parametrize(("text", "line"), [("seed: 1\nseed: 2\n", 6), ("mixture: {code: 1, text: 0, code: 1}\n", 5)])
def test_a_key_that_stands_twice_is_an_error(recipe_path: Path, text: str, line: int) -> None:
    assert f":{line}: not a YAML recipe: the key " in mistake(recipe_path, BASE + text).message


def test_a_small_file_cannot_become_a_huge_recipe(recipe_path: Path) -> None:
    bomb = "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['1'])}]\n" for n in range(20))
    assert "aliases are not allowed" in mistake(recipe_path, BASE + bomb).message


def test_bytes_that_are_no_text_are_told(recipe_path: Path) -> None:
    recipe_path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(RecipeError, match="expected UTF-8 text"):
        load_recipe(recipe_path)


def test_a_missing_recipe_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "none.yaml")
    assert f"corpusmill init {tmp_path / 'none.yaml'}" in caught.value.hint


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        BASE + "tokenizer: {path: 's3://bucket/tokenizer.json'}\n",
        BASE + "held_out: {releases: [here, gs://bucket/release]}\n",
        BASE.replace('["*.jsonl"]', "gs://bucket/*.jsonl"),
    ],
)
def test_what_comes_later_is_refused_by_name(recipe_path: Path, text: str) -> None:
    assert mistake(recipe_path, text).message.endswith("not in this version")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("executor: slurm", "executor: slurm needs `slurm`, with a partition"),
        ("executor: {ray: {}}", "executor: expected 'local', 'slurm' or 'ray'"),
        ("slurm: {}", "slurm.partition: expected this key, found none"),
        ("s3: {endpoint: 'http://me:secret@host'}", "s3: endpoint: expected an address, got one with a name"),
        ("s3: {endpoint: host}", "s3: endpoint: expected http:// or https://, got 'host'"),
        ("software_heritage: {concurrency: 0}", "software_heritage.concurrency: "),
    ],
)
def test_a_wrong_executor_or_bucket_is_told(recipe_path: Path, text: str, says: str) -> None:
    assert says in mistake(recipe_path, f"{BASE}{text}\n").message


@pytest.mark.parametrize(
    "text",
    [
        BASE + "work: s3://bucket/work\n",
        BASE + "release: {path: 's3://bucket'}\n",
        BASE + "deduplication: {against: [s3://bucket/release]}\n",
        BASE + "software_heritage: {contents: 's3://bucket/content'}\n",
        BASE.replace("*.jsonl", "s3://bucket/*.jsonl"),
    ],
)
def test_what_lies_in_a_bucket_stays_as_it_is_named(recipe_path: Path, text: str) -> None:
    recipe_path.write_text(text)
    recipe = load_recipe(recipe_path)
    named = [recipe.work, recipe.release.path, *recipe.deduplication.against, recipe.software_heritage.contents]
    expected = re.findall(r"s3://[^\s'\"\]]+", text)
    assert set(expected) <= {*named, *recipe.sources[0].paths}


def test_the_local_executor_may_be_named(recipe_path: Path) -> None:
    recipe_path.write_text(BASE + "executor: local\n")
    assert load_recipe(recipe_path).name == "small"


def test_relative_paths_are_taken_from_the_recipes_folder(recipe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recipe_path.parent
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    recipe = load_recipe(Path("../recipe.yaml"))
    assert recipe.sources[0].paths == [f"{folder}/*.jsonl"]
    assert recipe.work == f"{folder}/work"
    assert recipe.tokenizer.path == f"{folder}/tokenizer.json"
    assert recipe.release.path == f"{folder}/releases"


def test_absolute_paths_stay(recipe_path: Path) -> None:
    recipe_path.write_text(BASE.replace("*.jsonl", "/data/[ab]*.jsonl") + "work: /scratch/work\n")
    recipe = load_recipe(recipe_path)
    assert recipe.sources[0].paths == ["/data/[ab]*.jsonl"]
    assert recipe.work == "/scratch/work"


def test_a_bracket_in_the_folders_name_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "run [1]"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(BASE)
    (folder / "x.jsonl").write_text("")
    (pattern,) = load_recipe(folder / "recipe.yaml").sources[0].paths
    assert list(Path("/").glob(pattern.removeprefix("/"))) == [folder / "x.jsonl"]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("mixture.tokens=1000", ("mixture", "tokens"), 1000),
        ("name=other", ("name",), "other"),
        ("deduplication.near=null", ("deduplication", "near"), None),
        ("deduplication.near.bands=8", ("deduplication", "near", "bands"), 8),
        ("redaction.sensitivity.email=high", ("redaction", "sensitivity", "email"), "high"),
        ("redaction.sensitivity.iban=off", ("redaction", "sensitivity", "iban"), "off"),
        ("redaction.maximum_findings_per_kb=null", ("redaction", "maximum_findings_per_kb"), None),
        ("version='1.0.0'", ("version",), "1.0.0"),
        ("licences.allow=[MIT, ISC]", ("licences", "allow"), ["MIT", "ISC"]),
        ("tokenizer.end_of_document='a=b'", ("tokenizer", "end_of_document"), "a=b"),
    ],
)
def test_an_override_sets_a_key(recipe_path: Path, override: str, path: tuple[str, ...], value: object) -> None:
    place: Any = load_recipe(recipe_path, [override])
    for name in path:
        place = getattr(place, name)
    assert place == value


def test_the_last_override_wins(recipe_path: Path) -> None:
    assert load_recipe(recipe_path, ["seed=1", "seed=2"]).seed == 2


def test_overrides_see_each_other(recipe_path: Path) -> None:
    assert load_recipe(recipe_path, ["mixture.code=0.5", "mixture.text=0.5"]).mixture.text == 0.5


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("seed", "--set seed: expected key.path=value"),
        ("=1", "--set =1: expected key.path=value"),
        ("sources.0.kind=code", "expected keys below `sources`, got a list of 1"),
        ("name.x=1", "expected keys below `name`, got 'small'"),
        ("seed=[", "--set seed=[: expected a YAML value"),
        ("seed=*a", "--set seed=*a: expected a YAML value: aliases"),
        ("mixtur.code=0.3", "with --set: mixtur: unknown key"),
        ("mixture.cod=0.3", "with --set: mixture.cod: unknown key"),
        ("mixture.code=x", "with --set: mixture.code: expected a valid number, got 'x'"),
        ("work=gs://x", "with --set: work: gs:// storage: not in this version"),
    ],
)
def test_a_wrong_override_is_told(recipe_path: Path, override: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe_path, [override])
    assert says in caught.value.message
    assert caught.value.hint


_plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
_keys = st.sampled_from(
    ["name", "version", "sources", "mixture", "filters", "near", "signal", "paths", "work", "executor"]
)
_values = st.recursive(_plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3))


@given(st.dictionaries(_keys, _values, max_size=6))
def test_whatever_stands_there_is_a_recipe_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(value | {"name": "small"}), encoding="utf-8")
    with pytest.raises(RecipeError):
        load_recipe(path)


@pytest.mark.parametrize(
    "override",
    [
        "filters.assign.text=[books]",
        "filters.assign={text: [own]}",
        "filters.assign.HackerNews=null",
        "filters.profiles.own.num_words.minimum=4",
        "filters.profiles.own.num_words={maximum: 4}",
        "filters.profiles.starcoder2-code.longest_line_characters.languages.Python.maximum=80",
        "filters.profiles.starcoder2-code.longest_line_characters=null",
        "filters.profiles={own: {num_lines: {maximum: 7}}}",
        "filters.measure.text=[dolma-text]",
        "languages.natural.allow=[en]",
    ],
)
def test_an_override_does_the_same_before_and_after_the_recipe_was_understood(recipe_path: Path, override: str) -> None:
    own = "filters: {assign: {Mine: [own]}, profiles: {own: {num_words: {minimum: 3, maximum: 8}}}}\n"
    recipe_path.write_text(BASE + own)
    late, early = with_overrides(load_recipe(recipe_path), [override]), load_recipe(recipe_path, [override])
    assert late.languages == early.languages
    assert late.filters.measuring == early.filters.measuring
    for subset in ("Mine", "HackerNews", ""):
        for kind, language in (("code", "Python"), ("code", "HTML"), ("text", "en")):
            assert late.filters.bounds(kind, subset, language) == early.filters.bounds(kind, subset, language)


def test_kinds_of_redaction_are_answered_with_levels(recipe_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe_path, ["redaction.kinds=[email, private_key, secret, ip_address]"])
    assert "redaction: `kinds` is gone: expected `sensitivity`" in str(caught.value)
    hint = str(caught.value.hint).removeprefix("did you mean ").rstrip("?").strip("`")
    sensitivity = load_recipe(recipe_path, [f"redaction={{{hint}}}"]).redaction.sensitivity
    assert {kind for kind, level in sensitivity if level == "off"} == {
        "url_password", "assigned_secret", "payment_card", "iban", "phone_number"
    }  # fmt: skip


def test_a_missing_kind_is_told_and_no_second_mistake_where_the_format_is_wrong(recipe_path: Path) -> None:
    missing = mistake(recipe_path, BASE.replace("kind: text, ", ""))
    assert "sources.0.kind: format: jsonl needs `kind`, code or text" in missing.message
    wrong = mistake(recipe_path, BASE.replace("format: jsonl, kind: text", "format: csv"))
    assert wrong.message.endswith("got 'csv'")
