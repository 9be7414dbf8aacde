import pytest

from filters.bots import is_bot, is_branch_of_bot, is_signed_by_bot


@pytest.mark.parametrize("name", ["dependabot[bot]", "renovate-bot", "Codecov-io", "some-thing[bot]", "snyk-bot"])
def test_names_of_bots(name: str) -> None:
    assert is_bot(name)


@pytest.mark.parametrize("name", ["", "abbot", "robot", "bot-lover", "renovated", "octocat"])
def test_names_of_people(name: str) -> None:
    assert not is_bot(name)


@pytest.mark.parametrize(
    "branch",
    ["owner/dependabot/pip/x-1.2", "renovate/y", "owner/snyk-fix-0123456789ab", "o/pre-commit-ci-update-config"],
)
def test_branches_of_bots(branch: str) -> None:
    assert is_branch_of_bot(branch)


@pytest.mark.parametrize("branch", ["", "owner/patch-1", "o/fix-dependabot-config", "o/add-pre-commit", "renovates/x"])
def test_branches_of_people(branch: str) -> None:
    assert not is_branch_of_bot(branch)


def test_a_bot_that_only_helped_has_not_signed() -> None:
    assert is_signed_by_bot("Bumps x.\n\nSigned-off-by: dependabot[bot] <support@example.org>")
    assert not is_signed_by_bot("Fix x.\n\nCo-authored-by: pre-commit-ci[bot] <x@example.org>")
