"""Scanning with databases from disk: no finding depends on what the folder holds, and no folder is an error."""

import pwd
from hashlib import sha256
from pathlib import Path

import pytest

from filters.candidates import scanner
from filters.example_values import example
from filters.pattern_databases import Patterns, compiled, dumped
from filters.redaction_policy import RedactionPolicy, only
from filters.redaction_rules import rules
from stages.scanning import find_spans, kept_database, kept_scanner

EVERYTHING = RedactionPolicy()
TEXT = "\n".join(example(template).text for rule in rules() for template in (*rule.found, *rule.stays)).encode()
ADDRESS = b"some.one" + b"@" + b"company-mail.org"


def email_patterns() -> Patterns:
    asked: list[Patterns] = []

    def database(patterns: Patterns) -> object:
        asked.append(patterns)
        return compiled(patterns)

    scanner(only("email"), database)
    [patterns] = asked
    return patterns


EMAIL = email_patterns()


def with_digest(data: bytes) -> bytes:
    return sha256(data).digest() + data


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_found_does_not_depend_on_what_is_kept(tmp_path: Path) -> None:
    tool = scanner(EVERYTHING, compiled)
    expected = tool.spans(TEXT)
    assert len(expected) > 1_000
    for _ in ("cold", "warm"):
        assert scanner(EVERYTHING, lambda patterns: kept_database(patterns, tmp_path)).spans(TEXT) == expected
    assert len(contents(tmp_path)) == len(tool.databases)


def test_a_kept_database_is_read_and_not_made_again(tmp_path: Path) -> None:
    """Another database under its name shows that: one that finds nothing in an address."""
    kept_database(EMAIL, tmp_path)
    [name] = contents(tmp_path)
    (tmp_path / name).write_bytes(with_digest(dumped(compiled((EMAIL[0]._replace(expression=b"no such word"),)))))
    assert scanner(only("email"), lambda patterns: kept_database(patterns, tmp_path)).spans(ADDRESS) == []


@pytest.mark.parametrize("damage", ["empty", "cut", "digest", "byte", "no database", "another platform"])
def test_what_cannot_be_loaded_is_replaced(tmp_path: Path, damage: str) -> None:
    kept_database(EMAIL, tmp_path)
    [(name, good)] = contents(tmp_path).items()
    data = good[32:]
    damaged = {
        "empty": b"",
        "cut": good[:-1],
        "digest": bytes(32) + data,
        "byte": good[:500] + bytes([good[500] ^ 1]) + good[501:],
        "no database": with_digest(b"something else"),
        "another platform": with_digest(data[:16] + bytes([data[16] ^ 0xFF]) + data[17:]),
    }[damage]
    (tmp_path / name).write_bytes(damaged)
    found = scanner(only("email"), lambda patterns: kept_database(patterns, tmp_path)).spans(ADDRESS)
    assert [(span.start, span.stop) for span in found] == [(0, len(ADDRESS))]
    assert contents(tmp_path) == {name: good}


@pytest.mark.parametrize("place", ["file", "folder of that name"])
def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "scanners"
    if place == "file":
        folder.write_text("")
    else:
        kept_database(EMAIL, folder)
        [name] = contents(folder)
        (folder / name).unlink()
        (folder / name).mkdir()
    found = scanner(only("email"), lambda patterns: kept_database(patterns, folder)).spans(ADDRESS)
    assert len(found) == 1


def test_databases_lie_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = only("email", level="low")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept_scanner.cache_clear()
    assert len(find_spans(ADDRESS, policy=policy)) == 1
    assert len(contents(tmp_path / "corpusmill" / "scanners")) == 1
    assert kept_scanner(policy) is kept_scanner(only("email", level="low"))


def test_a_user_without_a_home_folder_scans_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_user: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME")
    kept_scanner.cache_clear()
    assert len(find_spans(ADDRESS, policy=only("email"))) == 1
