"""URL credentials: passwords and tokens in URLs, `scheme://user:password@host`, and secrets among their parameters.

The span is the password alone, so that the URL still shows its form. What is a template, a dummy word or the user's
own name stays, and on hosts of documentation (`example.com`) everything that is not drawn by a machine.

Cost: the scanner marks the `@` or the parameter's `=`; each place reads at most `URL_BYTES` around it.

Source: RFC 3986, section 3.2.1 (userinfo); its `:`, `@` and `/` are to be escaped, but often are not.
"""

import re

from filters.passwords import is_password, is_strong
from filters.redaction_policy import Level
from filters.value_tests import random
from filters.word_passwords import has_leet_word

URL_BYTES = 256

_USERINFO = re.compile(
    rb"[A-Za-z][A-Za-z0-9+]{1,20}:(?:\\?/){2}([^\s/?#:\"'`<>@,]{0,64}):([^\s\"'`<>/]{1,128}|[^\s\"'`<>@]{1,128})\Z"
)
_TOKEN_USER = re.compile(rb"[A-Za-z][A-Za-z0-9+]{1,20}:(?:\\?/){2}([A-Za-z0-9_-]{20,255}):?(?:x-oauth-basic|x)?\Z")
_HOST = re.compile(rb"\[?[A-Za-z0-9_${%(][^\s/?#\"'`<>,;@)]{0,253}")
_DOCUMENTATION_HOST = re.compile(
    rb"(?i)(?:.*\.)?(?:example(?:\.[a-z]{2,3})?|test|invalid|domain\.(?:com|tld)|(?:my|your|some)?-?(?:host|hostname|"
    rb"server|domain|proxy|site|website|company|cluster|db)(?:\.(?:com|org|net|tld|local))?|(?:foo|bar)(?:\.com)?|"
    rb"[a-z])(?::\d*)?\Z"
)
_PATH_LIKE = re.compile(rb"\d{0,5}/|/|.*//")
_PARAMETER_VALUE = re.compile(rb"[A-Za-z0-9_.~%+/=-]{16,512}")
_NOT_A_VALUE = re.compile(rb"[({\[$<]|%[sd]")
_PASSWORD_VALUE = re.compile(rb"[^\s&\"'`<>;)\\]{3,128}+(?![^\s&\"'`<>;)\\])")


def url_password(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password in front of the `@` that ends at `stop`, or None.

    Of `x:y@z@host` the last `@` before the host counts; a path or port that holds an `@` is none: what follows the
    colon must not be `digits/`.
    """
    at = stop - 1
    head = data[max(0, at - URL_BYTES) : at]
    host = _HOST.match(data, stop, stop + URL_BYTES)
    matched = _USERINFO.search(head)
    if matched is None or host is None:
        return None
    user, password = matched[1], matched[2]
    if _PATH_LIKE.match(password) or not is_password(password, user):
        return None
    if _DOCUMENTATION_HOST.match(host[0]) and not is_strong(password) and not has_leet_word(password):
        return None
    return at - len(password), at


def url_token(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The random token that stands as the user in front of the `@` that ends at `stop`, or None."""
    at = stop - 1
    floor = max(0, at - URL_BYTES - 24)
    matched = _TOKEN_USER.search(data[floor:at])
    if matched is None or not random(matched[1], level):
        return None
    return floor + matched.start(1), floor + matched.end(1)


def url_secret_parameter(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The random value of a URL's parameter (`?api_key=`), whose first byte ends at `stop`, or None."""
    value = _PARAMETER_VALUE.match(data, stop - 1)
    if value is None or _NOT_A_VALUE.match(data, value.end(), value.end() + 2):
        return None
    secret = value[0].rstrip(b".")
    return (stop - 1, stop - 1 + len(secret)) if random(secret, level) else None


def url_password_parameter(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The password among a URL's parameters (`?user=x&password=`), whose first byte ends at `stop`, or None."""
    value = _PASSWORD_VALUE.match(data, stop - 1)
    if value is None or data[value.end() : value.end() + 1] in {b"(", b"`"} or b"(" in value[0]:
        return None
    return value.span() if is_password(value[0]) else None
