"""Bots: programs that open pull requests and comment on them, told by their names and by how they name branches."""

import re

_NAMES = re.compile(
    r".*\[bot\]|.*[-_.]bot|dependabot(?:-preview)?|renovate(?:-bot)?|greenkeeper(?:io)?|snyk-bot|pyup-bot|imgbot"
    r"|codecov(?:-io|-commenter)?|coveralls|allcontributors|mergify|netlify|vercel|sonarcloud|github-actions|stale"
    r"|web-flow|travis-ci|appveyor|circleci|codeclimate|houndci-bot|pre-commit-ci|depfu|scala-steward",
    re.IGNORECASE,
)
_BRANCHES = re.compile(
    r"(?:^|/)(?:dependabot|renovate|greenkeeper|snyk-(?:fix|upgrade)|pyup-[^/]*|pre-commit-ci-update-config"
    r"|imgbot|depfu|all-contributors|whitesource|scala-steward|mergify)(?:/|$|-[0-9a-f]{8,})"
)
_SIGNED = re.compile(r"^(?:Signed-off-by|Author): .{0,80}?\[bot\]", re.MULTILINE)


def is_bot(name: str) -> bool:
    """Whether an account's name is that of a program."""
    return _NAMES.fullmatch(name) is not None


def is_branch_of_bot(branch: str) -> bool:
    """Whether a branch, with or without its owner in front, is named as a program names it."""
    return _BRANCHES.search(branch) is not None


def is_signed_by_bot(message: str) -> bool:
    """Whether a program signed a message as its author; one that only helped says so otherwise."""
    return _SIGNED.search(message) is not None or "Qwiet" in message
