"""`corpusmill optout add|import|list` as an operator meets them."""

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import CorpusmillError
from manifests.opt_out_registry import REQUESTS, Registry
from manifests.opt_outs import Request
from pipeline.cli import main
from pipeline.opt_out_files import Given, requests_of
from stages.suppression_files import SUPPRESSIONS, write_suppressed

FORM = Path(__file__).resolve().parents[2] / "docs" / "removal-request.yaml"
BLOB, SHA256, HASH = "a1" * 20, "b2" * 32, "c3" * 16
TODAY = re.compile(r"\d{4}-\d\d-\d\d")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def optout(*arguments: object) -> Ended:
    """Run a command in this process."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["corpusmill", "optout", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def add(registry: Path, by: str, value: str, *more: str, ticket: str = "T-1") -> Ended:
    return optout("add", registry, "--by", by, "--value", value, "--ticket", ticket, "--reason", "asked", *more)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def asked(registry: Path) -> list[tuple[str, str, str]]:
    return [(one.ticket, one.by, one.value) for one in Registry(str(registry)).read().requests]


# add


def test_add_makes_the_registry_and_says_so(registry: Path) -> None:
    ended = add(registry, "repository", "https://github.com/Owner/Name.git")
    assert ended == (0, f"{registry}: added 1 request\n", "")
    assert asked(registry) == [("T-1", "repository", "Owner/Name")]
    [line] = (registry / REQUESTS).read_text().splitlines()
    assert TODAY.fullmatch(json.loads(line)["date"])


def test_add_takes_scope_and_date(registry: Path) -> None:
    assert add(registry, "owner", "somebody", "--scope", "place", "--date", "2026-01-31").code == 0
    assert Registry(str(registry)).read().requests == [
        Request("T-1", "2026-01-31", "owner", "somebody", "asked", "place")
    ]


def test_add_again_says_that_it_is_there(registry: Path) -> None:
    add(registry, "repository", "owner/name")
    before = (registry / REQUESTS).read_bytes()
    assert add(registry, "repository", "OWNER/NAME") == (0, f"{registry}: 1 request there already\n", "")
    assert (registry / REQUESTS).read_bytes() == before


def test_add_says_how_an_address_is_understood(registry: Path) -> None:
    ended = add(registry, "url", "https://github.com/Owner/Name/blob/main/a/b.c")
    assert "also takes path a/b.c of repository owner/name" in ended.out


@pytest.mark.parametrize(
    ("by", "value", "more", "what"),
    [
        ("swhid", f"swh:1:rev:{BLOB}", [], "hint: documents are files: ask for the repository"),
        ("path", "**", [], "a glob that does not match everything"),
        ("project", "x", [], "error: by: expected repository, owner, path"),
        ("owner", "x", ["--scope", "all"], "error: scope: expected content, place, got 'all'"),
        ("owner", "x", ["--date", "today"], "error: date: expected YYYY-MM-DD"),
        ("owner", "x", ["--date", "2999-01-01"], "error: date: expected the day when it was asked"),
        ("foo", "x", [], "hint: spell it as listed"),
        ("repo", "a/b", [], "hint: did you mean repository?"),
        ("owner", "Jane", ["--reason", "jane asked"], "error: reason: expected one that names nobody"),
        ("repository", "jane/x", ["--reason", "see https://github.com/Jane/X."], "error: reason: expected one that"),
        ("path", "jane/x:a b.txt", ["--reason", "of A b.txt in jane/X:a b.txt"], "error: reason: expected one that"),
        ("url", "https://github.com/jane/x", ["--reason", "Jane's, not mine: jane/x"], "error: reason: expected one"),
        ("owner", "x", ["--reason", "a@b.example asked"], "got an e-mail address: 'a@b.example'"),
        ("ticket", "T-0", [], "error: ticket T-0: expected a ticket under which something was asked"),
        ("repository", "a/\x1b]0;b", [], "error: repository: expected 1 to 4,096 printable characters"),
    ],
)
def test_add_refuses_what_cannot_be_and_writes_nothing(
    registry: Path, by: str, value: str, more: list[str], what: str
) -> None:
    ended = add(registry, by, value, *more)
    assert ended.code == 2
    assert what in ended.err
    assert "hint: " in ended.err
    assert "\x1b" not in ended.err
    assert not (registry / REQUESTS).exists()


@pytest.mark.parametrize("reason", ["The owner asked", "the janitor asked", "a law: § 1", "personal data"])
def test_add_takes_reasons_that_name_nobody(registry: Path, reason: str) -> None:
    assert add(registry, "repository", "owner/name", "--reason", reason).code == 0
    assert add(registry, "owner", "jan", "--reason", reason).code == 0


# import


def filled(tmp_path: Path, **changes: str) -> Path:
    """The form, filled in as it says itself: every example is asked for."""
    text = FORM.read_text(encoding="utf-8")
    answers = {"relation": "I am the owner", "contact": "owner@example.org", "confirmed": "yes"} | changes
    for key, answer in answers.items():
        text = re.sub(rf"^{key}:.*$", f"{key}: {answer}", text, flags=re.MULTILINE)
    path = tmp_path / "request.yaml"
    path.write_text(re.sub(r"^  # - ", "  - ", text, flags=re.MULTILINE), encoding="utf-8")
    return path


def test_the_form_asks_for_every_kind_but_withdrawals(registry: Path, tmp_path: Path) -> None:
    ended = optout("import", registry, filled(tmp_path), "--ticket", "T-2")
    assert ended.code == 0, ended.err
    assert {by for _, by, _ in asked(registry)} == {
        "repository", "owner", "path", "url", "blob", "swhid", "sha256", "document"
    }  # fmt: skip
    assert "owner@example.org" not in (registry / REQUESTS).read_text()
    assert optout("import", registry, filled(tmp_path), "--ticket", "T-2").out.endswith("there already\n")


def test_a_form_may_write_its_scope_large(registry: Path, tmp_path: Path) -> None:
    assert optout("import", registry, filled(tmp_path, scope="Place"), "--ticket", "T-2").code == 0
    assert {one.scope for one in Registry(str(registry)).read().requests} == {"place"}


def test_reasons_and_days_of_lines_are_looked_at_too(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    good = '{"ticket": "T", "date": "2026-01-01", "by": "owner", "value": "jane", "reason": "asked"}'
    for bad in (good.replace("asked", "ask bob"), good.replace("2026", "2999"), good.replace("asked", "ask T")):
        path.write_text(f"{good.replace('jane', 'bob')}\n{bad}\n")
        ended = optout("import", registry, path)
        assert (ended.code in (1, 2), str(path) in ended.err, "hint: " in ended.err) == (True, True, True), ended.err
        assert not (registry / REQUESTS).exists()


def test_the_form_as_it_is_handed_out_is_incomplete(registry: Path) -> None:
    ended = optout("import", registry, FORM, "--ticket", "T-2")
    assert ended.code == 1
    assert f"error: {FORM}: relation: expected an answer, found none" in ended.err


@pytest.mark.parametrize(
    ("changes", "code", "what"),
    [
        ({"contact": ""}, 1, "contact: expected an answer"),
        ({"reason": ""}, 1, "reason: expected an answer"),
        ({"confirmed": ""}, 1, "confirmed: expected yes, got ''"),
        ({"confirmed": "no"}, 1, "confirmed: expected yes, got 'no'"),
        ({"scope": "here"}, 1, "request.yaml: scope: expected content, place"),
        ({"date": "31.1.2026"}, 1, "request.yaml: date: expected YYYY-MM-DD"),
        ({"date": "2999-01-01"}, 1, "request.yaml: date: expected the day when it was asked"),
        ({"reason": "ask Owner@Example.org"}, 2, "request.yaml: reason: expected one that names nobody, got an e-mail"),
        ({"reason": "leave Owner/Name alone"}, 2, "got a value, an owner or a ticket of what is asked for"),
        ({"reason": "see ticket T-2."}, 2, "reason: expected one that names nobody"),
        ({"remove": "everything"}, 1, "expected a form in YAML"),
        ({"relation": "[a, b]"}, 1, "relation: expected a text, got several"),
        ({"reason": "asked\n__proto__: x"}, 1, "got a key '__proto__'"),
        ({"reason": "asked\nscope: place"}, 1, "the key scope stands twice"),
        ({"reason": "&a asked\nticket: *a"}, 1, "aliases are not allowed"),
        ({"reason": "!!python/object/apply:os.system [ls]"}, 1, "expected a form in YAML"),
        ({"reason": "asked\nticket: T-3"}, 2, "ticket: the form says 'T-3', --ticket 'T-2'"),
    ],
)
def test_a_form_with_a_fault_is_refused_whole(
    registry: Path, tmp_path: Path, changes: dict[str, str], code: int, what: str
) -> None:
    ended = optout("import", registry, filled(tmp_path, **changes), "--ticket", "T-2")
    assert (ended.code, what in ended.err) == (code, True), ended.err
    assert "hint: " in ended.err
    assert not (registry / REQUESTS).exists()


@pytest.mark.parametrize(
    ("remove", "what"),
    [
        ("{}", "remove: expected at least one entry"),
        ("{repository: [], owner: }", "remove: expected at least one entry"),
        ("{ticket: [T-1]}", "remove: expected lists under repository"),
        ("{repository: a/b}", "remove.repository: expected a list of texts"),
        ("{repository: [[a/b]]}", "remove.repository: expected a list of texts"),
        ("{repository: [a/b, nobody]}", "remove.repository, entry 2: repository: expected owner/name"),
        ("[a/b]", "remove: expected lists under repository"),
        (f"{{blob: [{'1' * 39}]}}", "remove.blob, entry 1: blob: expected 40 hexadecimal digits"),
    ],
)
def test_a_form_says_which_entry_is_wrong(registry: Path, tmp_path: Path, remove: str, what: str) -> None:
    path = tmp_path / "form.yml"
    path.write_text(f"relation: me\ncontact: a\nreason: asked\nconfirmed: yes\nticket: T-1\nremove: {remove}\n")
    ended = optout("import", registry, path)
    assert (ended.code, what in ended.err) == (1, True), ended.err
    assert not (registry / REQUESTS).exists()


def test_a_digest_in_a_form_is_no_number(registry: Path, tmp_path: Path) -> None:
    digits = ["0" * 39 + "7", "1" * 38 + "e5", "12:34"]
    path = tmp_path / "form.yaml"
    path.write_text(
        "relation: me\ncontact: a\nreason: asked\nconfirmed: yes\nticket: T-1\n"
        f"remove: {{blob: [{digits[0]}, {digits[1]}], path: [{digits[2]}]}}\n"
    )
    assert optout("import", registry, path).code == 0
    assert sorted(value for _, _, value in asked(registry)) == digits


def test_a_list_of_digests_is_told_by_their_length(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"# found by a scanner\r\n\n{BLOB.upper()}\n  {SHA256}\r\n{BLOB}\n")
    ended = optout("import", registry, path, "--ticket", "M-1", "--reason", "malware", "--scope", "place")
    assert ended == (0, f"{registry}: added 2 requests, 1 request there already\n", "")
    assert asked(registry) == [("M-1", "blob", BLOB), ("M-1", "sha256", SHA256)]
    assert {one.scope for one in Registry(str(registry)).read().requests} == {"place"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (HASH, "list.txt:3: 32 hexadecimal digits may be a content hash"),
        (f"{BLOB}  name.c", "list.txt:3: expected a digest in hexadecimal digits and nothing else"),
        ("a1", "list.txt:3: expected 40 digits (a git blob id) or 64"),
        ("\x1b[31m", "list.txt:3: expected a digest"),
    ],
)
def test_a_bad_line_of_a_list_names_itself(registry: Path, tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{BLOB}\n# more\n{line}\n{SHA256}\n")
    ended = optout("import", registry, path, "--ticket", "M-1", "--reason", "malware")
    assert (ended.code, what in ended.err) == (1, True), ended.err
    assert "\x1b" not in ended.err
    assert not (registry / REQUESTS).exists()


def test_digests_of_32_digits_are_what_the_operator_says(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{HASH}\n")
    for by in ("content", "document"):
        assert optout("import", registry, path, "--ticket", "T", "--reason", "asked", "--by", by).code == 0
    assert asked(registry) == [("T", "content", HASH), ("T", "document", HASH)]
    assert optout("import", registry, path, "--ticket", "T", "--reason", "asked", "--by", "blob").code == 1


@pytest.mark.parametrize("missing", ["--ticket", "--reason"])
def test_a_list_needs_ticket_and_reason(registry: Path, tmp_path: Path, missing: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{BLOB}\n")
    options = {"--ticket": "T-1", "--reason": "asked"}
    del options[missing]
    ended = optout("import", registry, path, *(word for pair in options.items() for word in pair))
    assert (ended.code, f"needs {missing}" in ended.err) == (2, True)


def test_lines_of_another_registry_are_imported(registry: Path, tmp_path: Path) -> None:
    add(registry, "repository", "owner/name")
    add(registry, "ticket", "T-1", ticket="T-9")
    second = tmp_path / "second"
    assert optout("import", second, registry / REQUESTS).out == f"{second}: added 2 requests\n"
    assert (second / REQUESTS).read_bytes() == (registry / REQUESTS).read_bytes()
    ended = optout("import", second, registry / REQUESTS, "--ticket", "T-3")
    assert (ended.code, "expected no --ticket" in ended.err) == (2, True)


def test_a_bad_line_of_json_names_itself(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    good = '{"ticket": "T", "date": "2026-01-01", "by": "owner", "value": "a", "reason": "asked"}'
    for bad in (good.replace("owner", "all"), good.replace('"a"', '"a/b"'), "{", good + good, "[" * 10_000):
        path.write_text(f"{good}\n{bad}\n")
        ended = optout("import", registry, path)
        assert (ended.code, f"{path}:2: " in ended.err) == (1, True), ended.err
        assert not (registry / REQUESTS).exists()


@pytest.mark.parametrize("name", ["none.txt", "none.yaml", "."])
def test_a_file_that_cannot_be_read_is_said(registry: Path, tmp_path: Path, name: str) -> None:
    ended = optout("import", registry, tmp_path / name, "--ticket", "T")
    assert (ended.code, "cannot be read" in ended.err) == (1, True)


@settings(max_examples=50)
@given(data=st.binary(max_size=60), suffix=st.sampled_from([".yaml", ".txt"]))
def test_any_file_is_taken_or_refused(data: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(data)
    with pytest.raises(CorpusmillError):
        requests_of(path, Given(ticket="T-1", reason="asked", today="2026-01-01"))


@pytest.mark.parametrize("text", ["[" * 5_000, "a: " * 3_000, "? " * 5_000, "- " * 5_000])
def test_a_form_made_to_hurt_is_refused(registry: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "form.yaml"
    path.write_text(text)
    ended = optout("import", registry, path)
    assert (ended.code, "expected a form in YAML" in ended.err) == (1, True), ended.err


# list


def test_list_shows_what_counts_and_what_is_suppressed(registry: Path) -> None:
    add(registry, "repository", "owner/name", "--date", "2026-01-31")
    add(registry, "blob", BLOB, ticket="T-2")
    add(registry, "ticket", "T-2", ticket="T-9")
    rows = [{"content_hash": bytes([n] * 16), "ticket": f"T-{n}", "bands": None, "values": None} for n in (1, 2)]
    write_suppressed(Registry(str(registry)).storage, pa.Table.from_pylist(rows, SUPPRESSIONS), None)
    ended = optout("list", registry)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "T-1  2026-01-31  repository owner/name  content  active  asked"
    assert "withdrawn by T-9" in lines[1]
    assert "withdrawal" in lines[2]
    assert lines[3:] == [
        "T-1: 1 content suppressed",
        "T-2: 1 content suppressed, not kept out: withdrawn by T-9",
        "3 requests; active are 1, under 1 ticket",
    ]
    found = [json.loads(line) for line in optout("list", registry, "--json").out.splitlines()]
    assert [(one["ticket"], one["state"], one["withdrawn_by"], one["suppressed"]) for one in found] == [
        ("T-1", "active", None, 1),
        ("T-2", "withdrawn", "T-9", 1),
        ("T-9", "withdrawal", None, 0),
    ]
    assert found[0]["value"] == "owner/name"


def test_list_of_a_folder_that_is_no_registry_says_so(registry: Path) -> None:
    ended = optout("list", registry)
    assert (ended.code, "expected an opt-out registry" in ended.err) == (2, True)


def test_list_of_a_damaged_registry_names_the_line(registry: Path) -> None:
    add(registry, "owner", "somebody")
    with (registry / REQUESTS).open("a") as file:
        file.write("\x1b[31m\n")
    ended = optout("list", registry)
    assert (ended.code, f"{REQUESTS}:2: " in ended.err, "\x1b" in ended.err) == (3, True, False)
