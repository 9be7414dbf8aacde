"""Secret names: whether a variable, key, option or element is named like one that holds a secret, and of what sort.

A name is split into words at `_ - .` and at capital letters, so `DB_PASSWORD_PROD`, `dbPasswordProd` and
`db.password.prod` are one name. `password` names hold what a person chose and may be weak, `secret` names what a
person or a program chose, `key` names what a program drew. What only speaks about a secret is none: `password_hint`,
`tokenType`, `secretName`, `public_key`, `csrf_token`, `next_token`, `password_hash`.

Cost: three regular expressions over at most 64 bytes.
"""

import re
from functools import lru_cache
from typing import Literal

NameSort = Literal["password", "secret", "key"]

_WORDS = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\x80-\xff]+")

_PASSWORD = re.compile(
    rb"pass_?(?:word|wd|phrase|code|wort)|passw|pswd|pass?word"
    rb"|_(?:(?:user|db|root|admin|my|login|mail|smtp|ftp|ssh|key|auth|mysql|sql|wifi|ap|sudo|store|keystore|truststore|pg|postgres|oracle|redis|rabbit|mongo|mq|amqp|imap|pop|vpn|proxy|http|basic|enc|pem|cert|ldap|bind|os|host|server|remote|account|acct|web|app|api|root|sys|sa|su|test|new|old|def|default)_?)?"
    rb"(?:pass|pwd|pw|psk|pword)_(?:(?:[0-9]+|prod|production|dev|test|stag\w*|old|new|live|local|db|env|str|string|[a-z])_)*\Z"
    rb"|senha|contrase(?:n|\xc3\xb1|_\xc3\xb1)|mot_?de_?passe|kennwort|wachtwoord|_haslo_|_parola_|_clave_"
    rb"|\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb|\xd0\x9f\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb"
    rb"|" + "密码|密碼|パスワード|비밀번호|비번|패스워드|암호|hasło".encode()
)
_SECRET = re.compile(rb"secret|credential|_creds?_")
_KEY = re.compile(
    rb"token|bearer|_auth_\Z"
    rb"|(?:api|access|auth|authorization|private|priv|encrypt(?:ion|ed)?|enc|decrypt(?:ion)?|sign(?:ing|ature)?|hmac|master|session|service"
    rb"|account|storage|connection|webhook|app|application|consumer|client|ssh|aes|crypto|cipher|shared|jwt|cookie"
    rb"|wep|wpa|deploy|write|admin|subscription|functions?|integration|secure|server|security|db|database|maps|root|user)_?key"
)
_ONLY_AT_HIGH = re.compile(rb"_(?:salt|pin|nonce|licen[cs]e_?key|serial_?key|product_?key|activation_?key)_")

_ABOUT = re.compile(
    rb"_(?:public|pub|publishable|md_?5|sha|checksum|digest|fingerprint|integrity|csrf(?!_secret)|xsrf|antiforgery"
    rb"|primary|foreign|sort|partition|cache|max|min|num|tokenizer|tokenize|next|page|continuation|cursor|encrypted"
    rb"|hashed|salted|bcrypt|invalid|incorrect|wrong|missing|unknown|error|no_such|contract|mint|erc|credentials_id"
    rb"|(?:special|verification|type|j|select|next|start|end|last|first|prev|previous|current|lexer|parse|parser|syntax|content"
    rb"|lock|change|idempotency|starting|update|action|client_request|sync|resume|position"
    rb"|get|expect|read|peek|cancellation|stop|pad|eos|bos|unk|mask|sep|cls|terminal|open|close|expected)_tokens?)_"
)
_ABOUT_IT = re.compile(
    rb"(?:names?|fields?|labels?|hints?|id|ids|identifier|ur[li]s?|path|paths|files?|filename|dir|types?|length|len|size|count"
    rb"|policy|rules?|regexp?|re|pattern|formats?|expir\w*|ttl|timeout|age|date|at|time|timestamp|version|class|input|box"
    rb"|err|errors?|messages?|msg|title|placeholder|prompt|reset|forgot(?:ten)?|changed?|required|enabled|disabled|visible"
    rb"|min|max|strength|hash|hashed|hashes|hasher|digest|algorithm|algo|alg|encoder|encoding|provider|manager|service"
    rb"|endpoint|callback|attributes?|attr|params?|parameters?|headers?|prefix|suffix|columns?|col|index|refs?|reference|arn"
    rb"|selector|env|var|variable|status|state|mode|store|helper|util|exception|tag|scopes?|audience|issuer|kind"
    rb"|description|desc|info|help|link|button|btn|icon|page|view|form|dialog|validators?|validation|lang|begin|end|start"
    rb"|pos|offset|position|limit|rotation|usage|question|source|plugin|backend|module|izer|izers|ize|ized|level|mask"
    rb"|startswith|endswith|includes|contains|replace|split|indexof|match|join|append|log|find|print|debug|test_id|tooltip"
    rb"|category|group|role|model|schema|event|action|handler|listener|command|route|screen|activity|layout|style|color"
    rb"|word|words|board|code|stroke|frame|frames|s_by|symbol|decimals|address|balance|standard|network|contract|s?_?manager|mgr|spec|less|units?|ness)_"
)
_ALSO_ABOUT_A_PASSWORD = re.compile(rb"_?(?:keys?|encryption|crypto?)_")


@lru_cache(maxsize=4_096)
def name_sort(name: bytes, *, eager: bool = False) -> NameSort | None:
    """What sort of secret a name promises, or None; the sort with the weakest values wins.

    Args:
        name: of any case and with any separators.
        eager: whether salts, PINs and licence keys count.
    """
    words = b"_" + b"_".join(_WORDS.findall(name)).lower() + b"_"
    if not eager and _ONLY_AT_HIGH.search(words):
        return None
    sort: NameSort
    if match := _PASSWORD.search(words):
        sort = "password"
    elif match := _SECRET.search(words):
        sort = "secret"
    elif match := _KEY.search(words) or _ONLY_AT_HIGH.search(words):
        sort = "key"
    else:
        return None
    rest = words[match.end() - (match[0].endswith(b"_")) :]
    if _ABOUT.search(words) or _is_about(rest):
        return None
    if sort == "password" and _ALSO_ABOUT_A_PASSWORD.match(rest):
        return None
    return sort


def _is_about(rest: bytes) -> bool:
    """Whether the words behind the keyword say that it is spoken about: `_hint_`, `izer_`, `_a_file_`."""
    if _ABOUT_IT.match(rest.lstrip(b"_")):
        return True
    return any(_ABOUT_IT.fullmatch(word + b"_") for word in rest.split(b"_") if word)
