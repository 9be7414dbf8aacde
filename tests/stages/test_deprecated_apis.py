"""Deprecated APIs: every entry finds its own example and leaves its replacement alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.grammars import has_grammar
from stages.deprecated_apis import Advice, advices, deprecated, load_advices

LANGUAGES = ("C", "C#", "C++", "Go", "Java", "JavaScript", "PHP", "Python", "Ruby", "Rust", "TSX", "TypeScript")
ENTRIES = [(language, entry) for language in LANGUAGES for entry in advices(language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_a_table_of_different_entries(language: str) -> None:
    names = [entry.api for entry in advices(language)]
    assert has_grammar(language)
    assert len(names) == len(set(names)) >= 10


def test_every_entry_finds_its_example() -> None:
    missed = [(language, entry.api) for language, entry in ENTRIES if entry not in deprecated(entry.example, language)]
    assert not missed


def test_no_entry_of_the_language_finds_a_replacement() -> None:
    found = {(language, entry.api): deprecated(entry.replacement, language) for language, entry in ENTRIES}
    assert not {place: advice for place, advice in found.items() if advice}


def test_every_entry_finds_its_example_within_a_file() -> None:
    files = [(language, entry, f"{'x' * 40}\n{entry.example}\n{'y' * 40}\n") for language, entry in ENTRIES]
    assert not [entry.api for language, entry, text in files if entry not in deprecated(text, language)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Python", "string.replace('a', 'b')"),  # a variable of that name
        ("Python", "from importlib import reload"),
        ("C", "fgets(line, 9, stdin); my_strcpy(a, b);"),
        ("C#", "int id = GetCurrentThreadId();"),  # of the system's own library
        ("Java", "LocalDate.parse(text)"),
        ("Java", "constructor.newInstance()"),
        ("JavaScript", "CSS.escape(name); regex.escape(x)"),
        ("Ruby", "RbConfig::CONFIG; URI.encode_www_form(x)"),
        ("Rust", "std::f64::consts::PI"),
        ("Go", "pool := &redis.Pool{Dial: dial}"),
        ("PHP", "foreach ($a as $b) { $x->split('a'); }"),
    ],
)
def test_what_only_looks_like_an_entry_stays(language: str, text: str) -> None:
    assert deprecated(text, language) == []


def test_entries_come_once_in_the_order_of_the_table() -> None:
    found = deprecated("xrange(3)\ndatetime.utcnow()\nxrange(4)\n", "Python")
    assert [entry.api for entry in found] == ["datetime.utcnow()", "xrange(), raw_input(), unicode()"]


def test_a_note_says_what_and_why_and_what_instead() -> None:
    entry = Advice(api="a()", why="gone since 2", instead="b()", pattern="a", example="a", replacement="b")
    assert entry.note == "a(): gone since 2; use b()"


@pytest.mark.parametrize("language", ["", "JSON", "Haskell"])
def test_a_language_without_a_table_has_no_entries(language: str) -> None:
    assert deprecated("gets(line)", language) == []


def test_relatives_share_their_entries() -> None:
    assert deprecated("gets(line);", "C++") == deprecated("gets(line);", "C")
    assert deprecated("new Buffer(1)", "TSX") == deprecated("new Buffer(1)", "JavaScript")


@settings(max_examples=10)
@given(st.text(max_size=30))
def test_what_stands_around_a_use_does_not_hide_it(text: str) -> None:
    assert "has_key()" in [entry.api for entry in deprecated(f"{text}\nif table.has_key(name):\n{text}", "Python")]


def test_all_databases_can_be_made_beforehand() -> None:
    load_advices()
