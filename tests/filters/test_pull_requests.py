"""Signals on pull requests, each by a text that shows what it measures."""

import json

import pytest

from filters.profiles import ASSIGNED, PROFILES
from filters.pull_requests import NOT_KNOWN_CHARACTERS
from filters.sections import Section, written
from filters.signals import resolve
from manifests.document import Document


def value(signal: str, *parts: tuple[str, str, str], **metadata: object) -> float:
    text = written(Section(*part) for part in parts)
    return resolve(signal)(Document(id="", text=text, kind="code", source="s", metadata=json.dumps(metadata)))


def test_the_title_is_measured() -> None:
    assert value("pull_request_title_characters") == 0
    assert value("pull_request_title_characters", ("title", "", "Fix é")) == 5


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Update dependencies", 1),
        ("Release 1.2", 1),
        ("Do not depend on x", 1),
        ("Explain independence", 0),
        ("Released files are kept", 0),
        ("", 0),
    ],
)
def test_titles_of_dependencies_and_releases_are_told(title: str, expected: float) -> None:
    assert value("is_dependency_or_release_title", ("title", "", title)) == expected


def test_a_description_that_nobody_knows_says_nothing() -> None:
    signal = "pull_request_description_characters"
    assert value(signal) == NOT_KNOWN_CHARACTERS
    assert value(signal, ("description", "", "")) == 0
    assert value(signal, ("description", "user_0", "Why it is so.")) == 13


def test_bots_are_told_by_account_branch_and_signature() -> None:
    signal = "is_bot_pull_request"
    assert value(signal, user="dependabot[bot]") == 1
    assert value(signal, head_branch="owner/renovate/x-1") == 1
    assert value(signal, ("description", "", "x\nSigned-off-by: dependabot[bot]")) == 1
    assert value(signal, ("description", "", "Found by Qwiet.")) == 1
    assert value(signal, user="octocat", head_branch="octocat/fix") == 0
    assert value(signal, user=3, head_branch=["dependabot/x"]) == 0
    assert value(signal, ("comment", "", "Signed-off-by: dependabot[bot]")) == 0


def test_hunks_are_counted() -> None:
    assert value("num_hunks", ("file", "a.py", "modified")) == 0
    assert value("num_hunks", ("hunk", "", "@@ -1 +1 @@"), ("file", "b", ""), ("hunk", "", "x")) == 2


def test_files_before_the_change_are_measured_and_nothing_else() -> None:
    parts = (
        ("title", "", "x" * 500),
        ("base", "a.py", "value\n" + "x" * 20 + "\n"),
        ("base_lines", "3-3 b.py", "0x1F"),
        ("hunk", "", "+" + "-" * 500),
    )
    assert value("base_longest_line_characters", *parts) == 20
    assert value("base_mean_line_characters", *parts) == pytest.approx(31 / 3)
    assert value("base_alphanumeric_fraction", *parts) == pytest.approx(29 / 31)
    assert value("base_hexadecimal_fraction", *parts) == pytest.approx(4 / 31)
    shown = parts[:1] + parts[3:]
    assert value("base_longest_line_characters", *shown) == value("base_mean_line_characters", *shown) == 0
    assert value("base_alphanumeric_fraction", *shown) == 1
    assert value("base_hexadecimal_fraction", *shown) == 0


def test_the_share_of_data_goes_by_characters() -> None:
    parts = (
        ("base_lines", "1-2 conf/a.YML", "x" * 10),
        ("base", "a.py", "x" * 60),
        ("file", "conf/a.YML", "modified"),
        ("hunk", "", "x" * 20),
        ("file", "a.py", "modified"),
        ("hunk", "", "x" * 10),
    )
    assert value("data_file_fraction", *parts) == 0.3
    assert value("data_file_fraction") == 0


def test_lock_files_are_data_with_such_names() -> None:
    paths = ("package-lock.json", "api/openapi.yaml", "lock.py", "conf.json", '"lock\\t.json"')
    assert value("num_lock_files", *(("file", path, "modified") for path in paths)) == 3


def test_pull_requests_and_commits_are_not_judged_as_files() -> None:
    assert ASSIGNED["Pull Request"] == ASSIGNED["Commit"] == ["starcoder2-pull-requests"]
    rule = PROFILES["starcoder2-pull-requests"]["pull_request_description_characters"]
    assert (rule.limits("Pull Request").minimum, rule.limits("Commit").minimum) == (20, None)
