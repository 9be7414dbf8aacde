"""Passwords: whether what stands where a password goes is one, or a template, a placeholder or a word of a manual.

Cost: a handful of short regular expressions on a value of at most a few hundred bytes, two microseconds.
"""

import re

from filters.spans import is_redacted

MINIMUM_BYTES = 3

_TEMPLATE = re.compile(
    rb"\$\{|\$\(|\{\{|\A\$[A-Za-z_]|\A\$\d|%[sdvr]\Z|\A%[sdvr@(]|%\(|\A%\w+%\Z|#\{|\\\(|\A\{[^{}]*\}\Z|\{\w*\}|\A\[.*\]\Z"
    rb"|\A<|&lt;|<%|\*\*|\.\.|xxx|XXX|\A[.*x_-]+\Z|\A:?[A-Z]+(?:_[A-Z]+)+\Z|\A@|\A\|"
)
_DUMMY = re.compile(
    rb"(?:my|your|the|an?|some|any|this|is|db|database|user|admin|root|super|very|top|new|old|test|app|real|encoded|url|"
    rb"proxy|sql|smtp|mail|ftp|redis|mongo|git|login|service|secure|strong|very|wrong|bad|invalid|good|correct|[_.-])*"
    rb"(?:password|passwort|passwd|passw|pass|pwd|pw|secret|token|key|apikey|user|username|admin|guest|root|test|testing|"
    rb"postgres|postgresql|mysql|mongo|mongodb|redis|rabbitmq|rabbit|oracle|elastic|tiger|example|changeme|changeit|foo|"
    rb"bar|baz|qux|foobar|foobaz|foobarbaz|dummy|fake|sample|demo|default|none|null|empty|placeholder|hunter|letmein|"
    rb"qwerty|abc|abcd|abcdef|abcdefgh|abcdefg|login|host|hostname|server|port|word|here|string|value|credentials?|"
    rb"auth|oauth|basic|x-oauth-basic|true|false|yes|no|on|off|undefined|required|hidden|redacted|masked|censored|removed|private|hello|world|welcome|local|dev|"
    rb"docker|develop|development|staging|prod|production|alice|bob|joe|john|jane|me|you|us|name|id|[a-z])"
    rb"(?:here|word|goes|value|[_.-])*"
)
_LEET = bytes.maketrans(b"013457@$!", b"oleastasi")
_DIGITS = re.compile(rb"\d{1,5}|1234\d*|(\d)\1+")


def is_password(value: bytes, user: bytes = b"") -> bool:
    """Whether a value may be somebody's password.

    Not one: under three characters, a template (`${X}`, `{x}`, `%s`, `$X`, `<x>`, `X_Y`), stars or dots, up to five
    digits, the user's own name, and a word of manuals and tests (`password`, `s3cret1`, `my-pass`, `foo`).

    Args:
        user: the user whose password it is.
    """
    if len(value) < MINIMUM_BYTES or is_redacted(value) or _TEMPLATE.search(value) or _DIGITS.fullmatch(value):
        return False
    folded = value.lower()
    if folded == user.lower():
        return False
    bare = folded.strip(b"0123456789!#$@%&*_.-~?")
    return not any(_DUMMY.fullmatch(word) for word in (bare, folded.translate(_LEET))) and len(set(value)) > 2


def is_strong(value: bytes) -> bool:
    """Whether a password is drawn by a machine: eight characters or more of three classes, one of them digits."""
    classes = [rb"[a-z]", rb"[A-Z]", rb"\d", rb"[^A-Za-z0-9]"]
    found = [bool(re.search(members, value)) for members in classes]
    return len(value) >= 8 and found[2] and sum(found) >= 3
