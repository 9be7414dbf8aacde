"""Passwords: whether what stands where a password goes is one, or a template, a placeholder or a word of a manual.

Cost: a handful of short regular expressions on a value of at most a few hundred bytes, five microseconds.
"""

import re
from urllib.parse import unquote_to_bytes

from filters.numbers_in_a_row import is_counted
from filters.redaction_policy import Level
from filters.spans import is_redacted

MINIMUM_BYTES = 3
MINIMUM_STRONG_BYTES = 8
MANY_BYTES = 16

_TEMPLATE = re.compile(
    rb"\$\{|\$\(|\{\{|#\{|\\\(|%\(|<%|&lt;|\A[<@|]|\A\$[A-Za-z_0-9]|\A%[sdvr@(]|%[sdvr]\Z|\A%\w+%\Z|\{\w*\}|\{[A-Za-z_][\w.]*[(\[][^{}]*\}|\A\[.*\]\Z"
    rb"|\*\*|\.\.|xxx|XXX|\A:?[A-Z]+(?:_[A-Z]+)+\Z"
)
# The longest first: the repeat is atomic, so that no choice is taken back.
_WORDS: list[bytes] = b"""
    authentication authorization placeholder development credentials credential xoauthbasic production
    postgresql something
    undefined passphrase passwort username password mongodb rabbitmq anything whatever required redacted
    censored changeme changeit database elastic example staging invalid correct encoded private testing welcome
    default develop service nothing removed letmein string passwd secure sample sesame simple docker hidden masked
    oracle rabbit hunter qwerty foobar strong secret server apikey oauth empty guest token mysql mongo redis tiger
    local login dummy value basic super wrong there hello world proxy alice admin passw pass word user root test some
    your this that very good fake null none true base demo mail smtp http https open host real here goes name prod
    abcd blah john jane four main free temp jack fred abc foo bar baz qux pwd key the any app old new top url sql ftp
    git bad not yes off dev bob joe you all sys web api pw my an is no on db me us id to of in it ok go
""".split()
_LONGEST_FIRST = sorted(set(_WORDS), key=lambda word: (-len(word), word))
_DUMMY = re.compile(rb"a?(?>" + b"|".join(_LONGEST_FIRST) + rb")++[a-z]?")
_LEET = bytes.maketrans(b"013457@$!", b"oleastasi")
_NOT_LETTERS = bytes(byte for byte in range(256) if not 97 <= byte <= 122)
_TRAILING = b"0123456789!#$@%&*_.-~?+= \\"
# What only means a password, however few digits adorn it.
_CORE = re.compile(
    rb"(?:password|passwort|passwd|passw|pass|pwd|word|secret|changeme|change|example|placeholder|your|my|the|user|username"
    rb"|name|test|testing|admin|root|guest|demo|sample|some|token|key|default|value|string|login|db|sql|me|it|here|hello)+"
)
_ENDS_IN_NUMBER = re.compile(rb"[a-z][^a-z0-9]*([0-9]{2,9})[^a-z0-9]*\Z")
_DIGIT_RUNS = re.compile(rb"[0-9]+")
# `blueRiver!Stone`: no manual writes so.
_SIGN_BEFORE_CAPITAL = re.compile(rb"[a-z][!#%^&*+~][A-Z][a-z]")
_CLASSES = [re.compile(members) for members in (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]")]
_LONG_WORD = re.compile(b"|".join(word for word in _LONGEST_FIRST if len(word) > 3))
_TRAILING_NUMBER = re.compile(rb"[A-Za-z]+[^A-Za-z]+")
MINIMUM_BYTES_OF_FOUR_CLASSES = 7
MINIMUM_DIGITS_BEHIND_CORE_WORDS = 3
MINIMUM_DIGIT_RUNS = 3
_FEW_DIGITS = re.compile(rb"\d{1,5}|1234\d*|(\d)\1+")


def is_password(value: bytes, user: bytes = b"") -> bool:
    """Whether a value may be somebody's password.

    Not one: under three characters, a template (`${X}`, `{x}`, `%s`, `$X`, `<x>`, `X_Y`), stars or dots, up to five
    digits, the user's own name, and what is made of words of manuals and tests alone, however it is adorned with digits
    and signs (`password`, `s3cret1`, `admin2020`, `my-pass`, `p%40ssw0rd`).

    Args:
        user: the user whose password it is.
    """
    if len(value) < MINIMUM_BYTES or is_redacted(value) or _TEMPLATE.search(value) or _FEW_DIGITS.fullmatch(value):
        return False
    plain = unquote_to_bytes(value).lower()
    if len(set(plain)) <= 2 or plain == unquote_to_bytes(user).lower():
        return False
    if (
        _has_own_number(plain)
        or _is_of_four_classes(unquote_to_bytes(value))
        or _SIGN_BEFORE_CAPITAL.search(unquote_to_bytes(value))
    ):
        return True
    if len(_DIGIT_RUNS.findall(plain)) >= MINIMUM_DIGIT_RUNS and len(plain) >= MANY_BYTES:
        return True
    spellings = {plain, plain.translate(_LEET), plain.rstrip(_TRAILING).translate(_LEET)}
    bare = {spelling.translate(None, _NOT_LETTERS) for spelling in spellings}
    number = any(48 <= byte <= 57 for byte in plain)
    return all(not _DUMMY.fullmatch(word) for word in bare) and (number or any(len(word) > 1 for word in bare))


def _is_of_four_classes(value: bytes) -> bool:
    """Whether capitals, small letters, digits and signs spell no longer word of a manual: `g0MyPw!`."""
    if len(value) < MINIMUM_BYTES_OF_FOUR_CLASSES or not all(members.search(value) for members in _CLASSES):
        return False
    return _LONG_WORD.search(value.lower().translate(_LEET)) is None and not _TRAILING_NUMBER.fullmatch(value)


def _has_own_number(plain: bytes) -> bool:
    """Whether a number ends a password that nobody counted or took from a calendar: `tiger62`, `secret5766`."""
    number = _ENDS_IN_NUMBER.search(plain)
    if number is None or is_counted(number[1]):
        return False
    letters = plain[: number.start(1)].translate(_LEET).translate(None, _NOT_LETTERS)
    return len(number[1]) >= MINIMUM_DIGITS_BEHIND_CORE_WORDS or not _CORE.fullmatch(letters)


def is_strong(value: bytes) -> bool:
    """Whether a password is no example's: eight characters or more, with digits in two places or of three classes."""
    plain = unquote_to_bytes(value)
    if len(_DIGIT_RUNS.findall(plain)) >= 2 and len(plain) >= MINIMUM_STRONG_BYTES:
        return True
    classes = [rb"[a-z]", rb"[A-Z]", rb"\d", rb"[^A-Za-z0-9]"]
    found = [bool(re.search(members, plain)) for members in classes]
    return len(plain) >= MINIMUM_STRONG_BYTES and found[2] and sum(found) >= 3


def password(value: bytes, _level: Level) -> bool:
    """Whether a value that stands where a password goes is one."""
    return is_password(value)
