"""Requests and their values: what may be asked, how it is written down, and when two mean the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_values import (
    Place,
    checked_value,
    forge_place,
    path_key,
    repository_key,
    split_path,
    url_key,
    value_key,
)
from manifests.opt_outs import KINDS, Request, checked, decoded, encoded, parsed, withdrawn

A40, A64, A32 = "a1" * 20, "b2" * 32, "c3" * 16


def request(**changes: Any) -> Request:
    fields = {"ticket": "T-1", "date": "2026-07-31", "by": "repository", "value": "owner/name", "reason": "asked"}
    return Request(**fields | changes)


# Values


@pytest.mark.parametrize(
    ("by", "value", "written"),
    [
        ("repository", "Owner/Name", "Owner/Name"),
        ("repository", "https://GitHub.com/Owner/Name.git", "Owner/Name"),
        ("repository", "git@github.com:Owner/Name.GIT", "Owner/Name"),
        ("repository", "github.com/Owner/Name/", "Owner/Name"),
        ("repository", "https://github.com/Owner/Name?tab=readme", "Owner/Name"),
        ("repository", "https://gitlab.com/group/sub/name", "group/sub/name"),
        ("repository", "https://git.example.org/owner/name", "owner/name"),
        ("repository", " Owner/Name ", "Owner/Name"),
        ("repository", "/Owner/Name", "Owner/Name"),
        ("repository", "github.com:Owner/Name.git", "Owner/Name"),
        ("repository", "api.github.com/repos/Owner/Name", "Owner/Name"),
        ("repository", "https://api.github.com/repos/Owner/Name/", "Owner/Name"),
        ("owner", "Owner", "Owner"),
        ("owner", "https://github.com/Owner/", "Owner"),
        ("path", "**/id_rsa", "**/id_rsa"),
        ("path", "https://github.com/Owner/Name:vendor/**", "Owner/Name:vendor/**"),
        ("path", "owner/name:**", "owner/name:**"),
        ("path", "docs/a?b.md", "docs/a?b.md"),
        ("path", "/etc/passwd", "etc/passwd"),
        ("path", "owner/name:/docs//a.md", "owner/name:docs/a.md"),
        ("path", "owner/name:./docs/./a.md", "owner/name:docs/a.md"),
        ("path", "next/app:pages/[id].py", "next/app:pages/[id].py"),
        ("blob", A40.upper(), A40),
        ("sha256", A64, A64),
        ("content", A32, A32),
        ("document", A32.upper(), A32),
        ("swhid", f"SWH:1:CNT:{A40.upper()}", f"swh:1:cnt:{A40}"),
        ("swhid", f"swh:1:cnt:{A40};origin=https://example.org/a", f"swh:1:cnt:{A40}"),
        ("url", "https://Example.org/Page", "https://Example.org/Page"),
        ("ticket", "T-1", "T-1"),
    ],
)
def test_a_value_is_written_down_in_one_form(by: str, value: str, written: str) -> None:
    assert checked_value(by, value) == written
    assert checked_value(by, written) == written


@pytest.mark.parametrize(
    ("by", "value", "hint"),
    [
        ("repository", "owner", "--by owner --value owner"),
        ("repository", "https://github.com/owner/name/tree/main/src", "--by url"),
        ("repository", "https://github.com/owner/name/issues/1", "--by url"),
        ("repository", "https://api.github.com/repos/owner/name/commits", "--by url"),
        ("repository", "owner/*", "owner/name"),
        ("owner", "owner/name", "--by repository"),
        ("path", "**", "name a repository"),
        ("path", "*/**/?", "name a repository"),
        ("path", "/**", "name a repository"),
        ("path", "owner/name:/", "owner/name:vendor"),
        ("path", "a/../b", "owner/name:vendor"),
        ("path", "/../b", "owner/name:vendor"),
        ("blob", A64, "git hash-object"),
        ("blob", "g" * 40, "git hash-object"),
        ("sha256", A40, "sha256sum"),
        ("content", A40, "explain"),
        ("document", "", "without blanks"),
        ("swhid", f"swh:1:rev:{A40}", "--by repository"),
        ("swhid", f"swh:1:dir:{A40}", "--by repository"),
        ("swhid", f"swh:1:ori:{A40}", "--by repository"),
        ("swhid", A40, "git hash-object"),
        ("url", "example.org/page", "https://"),
        ("url", "javascript:alert(1)", "https://"),
        ("url", "https://github.com/owner", "--by owner --value owner"),
        ("ticket", "two words", "T-2026"),
        ("ticket", "x" * 201, "T-2026"),
        ("repository", "owner/na\x1b[31mme", "without blanks"),
        ("path", "a\nb", "without blanks"),
        ("path", "a" * 5_000, "without blanks"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_hint(by: str, value: str, hint: str) -> None:
    with pytest.raises(RecipeError) as refused:
        checked_value(by, value)
    assert hint in refused.value.hint
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://github.com/Owner/Name", Place("owner/name", "")),
        ("http://www.github.com/Owner/Name.git/#readme", Place("owner/name", "")),
        ("https://github.com/o/n/tree/main", Place("o/n", "")),
        ("https://github.com/o/n/tree/main/Src/a%20b", Place("o/n", "Src/a b")),
        ("https://github.com/o/n/blob/main/a.c?raw=1", Place("o/n", "a.c")),
        ("https://raw.githubusercontent.com/o/n/main/a/b.c", Place("o/n", "a/b.c")),
        ("https://raw.githubusercontent.com/o/n/refs/heads/main/a/b.c", Place("o/n", "a/b.c")),
        ("https://gitlab.com/g/sub/n", Place("g/sub/n", "")),
        ("https://gitlab.com/g/sub/n/-/blob/main/a.c", Place("g/sub/n", "a.c")),
        ("https://gitlab.com/g/n/blob/main/a.c", Place("g/n", "a.c")),
        ("https://bitbucket.org/o/n/src/main/a", Place("o/n", "a")),
        ("https://github.com:443/o/n/blob/main//a.c", Place("o/n", "a.c")),
        ("https://github.com/o/n/blob/main/pages/%5Bid%5D.py", Place("o/n", "pages/[id].py")),
        ("https://api.github.com/repos/o/n", Place("o/n", "")),
        ("https://api.github.com/repos/o/n/contents/a/b.c?ref=main", Place("o/n", "a/b.c")),
        ("https://api.github.com/repos/o/n/commits", None),
        ("https://codeberg.org/o/n/src/branch/main/a.c", Place("o/n", "a.c")),
        ("https://codeberg.org/o/n/raw/commit/abc/a.c", Place("o/n", "a.c")),
        ("https://github.com/o/n/issues/1", None),
        ("https://github.com/o/n/blob/main", None),
        ("https://gitlab.com/g/n/-/issues/1", None),
        ("https://github.com/o", None),
        ("https://example.org/o/n/blob/main/a.c", None),
        ("https://raw.githubusercontent.com/o/n", None),
    ],
)
def test_addresses_of_forges_lead_to_repositories_and_paths(url: str, place: Place | None) -> None:
    assert forge_place(url) == place


def test_spellings_of_one_address_have_one_key() -> None:
    spelt = ["https://Example.ORG/a/", "http://www.example.org/a#top", "example.org/a"]
    assert {url_key(url) for url in spelt} == {"example.org/a"}
    assert url_key("https://example.org/A?x=1") == "example.org/A?x=1"
    spelt = ["https://example.org:443/~a/?utm_source=b&utm_medium=c", "http://example.org:80/%7ea", "example.org/%7Ea/"]
    assert {url_key(url) for url in spelt} == {"example.org/~a"}
    assert url_key("https://example.org/a%2fb?x=1&utm_source=c") == "example.org/a%2Fb?x=1"
    assert url_key("https://example.org:8080/a") == "example.org:8080/a"


def test_spellings_of_one_repository_have_one_key() -> None:
    spelt = ["o/n", "/O/n ", "github.com:o/n", "https://api.github.com/repos/o/n", "git@github.com:o/n.git"]
    assert {repository_key(name) for name in spelt} == {"o/n"}


def test_spellings_of_one_path_have_one_key() -> None:
    assert {path_key(path) for path in ("a/b", "/a/b", "./a/b", "//a//b", "/./a/././b")} == {"a/b"}
    kept = (".a/b", "a./b", "../a", ".../a", "a/.b", "a/..", "")
    assert [path_key(path) for path in kept] == list(kept)


@given(st.text(st.sampled_from("a./"), max_size=12))
def test_the_key_of_a_path_is_its_own(path: str) -> None:
    assert path_key(path_key(path)) == path_key(path)
    assert path_key(f"/{path}") == path_key(path)


def test_a_path_may_stand_in_a_repository() -> None:
    assert split_path("owner/name:a:b") == ("owner/name", "a:b")
    assert split_path("a/b.c") == ("", "a/b.c")
    assert split_path("name:a") == ("", "name:a")
    assert split_path("owner/name:") == ("", "owner/name:")


@given(st.sampled_from(KINDS), st.text(max_size=40) | st.text(st.sampled_from("aB1/:.*[]@?-"), max_size=20))
def test_any_value_is_taken_or_refused(by: str, value: str) -> None:
    try:
        written = checked_value(by, value)
    except RecipeError:
        return
    assert checked_value(by, written) == written
    if by in ("repository", "owner", "url"):
        assert value_key(by, written) == value_key(by, value)


@given(st.text(max_size=40))
def test_keys_are_defined_for_any_string(text: str) -> None:
    repository_key(text), url_key(text), forge_place(text)


# Requests


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"date": "2026-02-30"}, "date"),
        ({"date": "31.7.2026"}, "date"),
        ({"date": "2026-07-31T00:00"}, "date"),
        ({"reason": " "}, "reason"),
        ({"reason": "two\nlines"}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"ticket": ""}, "ticket"),
        ({"by": "ticket", "value": "T-1"}, "ticket"),
        ({"by": "ticket", "value": "T-0", "scope": "place"}, "ticket"),
    ],
)
def test_a_request_that_cannot_be_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(RecipeError, match=f"^{what}: expected"):
        checked(request(**changes))


REQUESTS = st.builds(
    request,
    ticket=st.sampled_from(["T-1", "T-2", "ü/3"]),
    value=st.sampled_from(["owner/name", "Other/Näme", "a/b\u202ec"]),
    reason=st.sampled_from(["asked", "a law: § 1", 'quoted "so" \\ and so']),
    scope=st.sampled_from(["content", "place"]),
)


@given(st.lists(REQUESTS, max_size=5))
def test_lines_are_read_as_they_were_written(requests: list[Request]) -> None:
    lines = encoded(requests)
    assert lines.count(b"\n") == len(requests)
    assert "\u202e".encode() not in lines
    readable = [one for one in requests if one.value.isprintable()]
    assert decoded(encoded(readable), "requests.jsonl") == readable
    assert [parsed(line) for line in lines.splitlines()] == requests


def test_a_line_holds_exactly_what_is_documented() -> None:
    [line] = encoded([request()]).splitlines()
    assert json.loads(line) == {
        "ticket": "T-1",
        "date": "2026-07-31",
        "by": "repository",
        "value": "owner/name",
        "reason": "asked",
        "scope": "content",
    }


_GOOD = encoded([request()])


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"\n",
        b"null\n",
        b'{"ticket": "T-1"\n',
        _GOOD.replace(b'"scope"', b'"scopes"'),
        _GOOD.replace(b"repository", b"project"),
        _GOOD.replace(b"owner/name", b"owner"),
        _GOOD.replace(b"owner/name", b"https://github.com/owner/name"),
        _GOOD.replace(b"2026", b"twen"),
        b'{"ticket": "\xff"}\n',
        b"[" * 100_000 + b"\n",
        _GOOD[:-1] + _GOOD,
    ],
)
def test_a_damaged_line_is_named(line: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"^requests\.jsonl:9: [\w: ]*expected") as damaged:
        decoded(_GOOD + _GOOD + line + _GOOD, "requests.jsonl", first=7)
    assert "restore" in damaged.value.hint


def test_a_line_of_somebody_else_must_be_a_request() -> None:
    assert parsed(b'{"value": "a/b", "by": "repository", "ticket": "1", "date": "2026-01-01", "reason": "x"}').scope
    with pytest.raises(RecipeError, match="expected a request as one JSON object"):
        parsed(b'{"value": "a/b"}')


def test_a_ticket_that_was_withdrawn_twice_names_the_smallest() -> None:
    requests = [request(ticket=ticket, by="ticket", value="T-1") for ticket in ("T-9", "T-8")]
    assert withdrawn(requests) == withdrawn(reversed(requests)) == {"T-1": "T-8"}


def test_requests_are_equal_by_what_they_mean() -> None:
    other = request(value="OWNER/Name", reason="other", date="2026-08-01")
    assert other.key == request().key
    assert msgspec.structs.replace(other, ticket="T-2").key != request().key
