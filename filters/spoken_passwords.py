"""Spoken passwords: what a sentence, a note or a table says a password is.

`the password is Fake-Lobby-29`, `password: tiger77`, `**Password**: X`, `` password `X` ``, `(pw:X)`, `ID/PW: bob/X`.

A value behind `is`, a colon or in quotes needs a digit; behind a space alone it must be mixed as no word of a sentence
is. What names an algorithm or a rule for passwords (`SHA256`, `8-character`) is none.

Cost: the scanner marks the name and a digit behind it; each place reads at most `MAXIMUM_BYTES` on each side.
"""

import re

from filters.redaction_policy import Level
from filters.redaction_rules import assigned_secret_limits
from filters.secret_values import is_mixed, is_secret

MAXIMUM_BYTES = 160

_NAME = (
    rb"(?i:pass[ -]?(?:word|phrase|code|wd)|\bpwd|\bp/?w|"
    + "비밀번호|비번|패스워드|암호|密码|パスワード".encode()
    + rb")"
)
_SPOKEN = re.compile(
    rb"(?:"
    # `ID/PW: bob/X`
    rb"(?P<pair>(?i:id|user(?:[ ]?name)?|login|account)[ ]?[/&:,]"
    + _NAME
    + rb"\)?[ :=(>-]{1,3}[\w.@-]{2,32}[ ]?[/(:,]{1,2}[ ]?)"
    rb"|(?<![A-Za-z0-9_.$-])" + _NAME + rb"s?[*_`]{0,3}(?:"
    rb"(?P<said>[ ]{1,2}(?:(?:for|of|in)[ ](?:the[ ])?(?:user(?:name)?[ ])?[\"'`]?[\w.@-]{1,32}[\"'`]?[ ]?)?"
    rb"(?:is|are|was|set[ ]to|changed[ ]to)\b:?|(?:[ ]for[ ][\w.@-]{1,32})?[ ]?[:(](?![ ]?[\"'])|(?=[ ][`]))"
    rb"|(?=[ ]))[*_]{0,2}[ ]{0,2}[*_]{0,2}"
    rb")(?P<quote>[\"'`]?)(?P<value>[^\s\"'`<>,;&]{4,64}+)(?![^\s\"'`<>,;&])"
)
_TECHNICAL = re.compile(
    rb"(?i)(?:sha|md|utf|aes|rsa|des|oauth|base|http|ipv|pkcs|x|ntlmv|bcrypt|pbkdf|argon|rfc|scrypt|ss|crypt|v)-?[0-9]+\w*"
    rb"|[0-9][0-9.,-]*(?:[A-Za-z]{1,3}|-?[A-Za-z]+)?|[A-Za-z]+-?[0-9]|(?:pass|pwd|user|field|option|key|test|arg)\w*"
)
_MARKUP = re.compile(rb"[*_.,;:)\]}|]+\Z")
_DIGIT = re.compile(rb"[0-9]")
_CODE = re.compile(rb"[()\[\]{}=]|::|->|\w\.[a-z]")


def spoken_password(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The password that a sentence says, with the byte before `stop` in it, or None."""
    floor = max(data.rfind(b"\n", 0, stop) + 1, stop - MAXIMUM_BYTES)
    window = data[floor : stop + MAXIMUM_BYTES].partition(b"\n")[0]
    for match in _SPOKEN.finditer(window):
        start, end = match.span("value")
        if end < stop - floor:
            continue
        value = _MARKUP.sub(b"", match["value"])
        said = bool(match["said"] or match["pair"] or match["quote"])
        if start >= stop - floor or not _is_said(value, level, said=said):
            return None
        return floor + start, floor + start + len(value)
    return None


def _is_said(value: bytes, level: Level, *, said: bool) -> bool:
    if _TECHNICAL.fullmatch(value) or _CODE.search(value) or _DIGIT.search(value) is None:
        return False
    return (said or is_mixed(value)) and is_secret(
        b"password", "password", value, assigned_secret_limits(level), in_quotes=False
    )
