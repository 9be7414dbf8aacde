"""Redaction policy: what stays because the recipe says so."""

import pytest

from filters.redaction_policy import allowed_values


@pytest.mark.parametrize(
    ("pattern", "value", "stays"),
    [
        ("*@company-mail.org", "Jane@Company-Mail.org", True),
        ("jan?@company-mail.org", "jane@company-mail.org", True),
        ("jan[e]@company-mail.org", "jane@company-mail.org", False),
        ("[fe80::1]", "[fe80::1]", True),
        ("[!a]", "b", False),
    ],
)
def test_only_star_and_question_mark_have_a_meaning(pattern: str, value: str, *, stays: bool) -> None:
    allowed = allowed_values((pattern,))
    assert allowed is not None
    assert bool(allowed.match(value)) is stays
