"""Value forms: values that say by their form that they are no secret, or that they stand for one.

Each group is one alternation, so that a value is read once for each group. All are bounded or anchored; a value is at
most a few hundred bytes.
"""

import re

from filters.letter_pairs import word_letters

# A reference inside a value; what is left without it is judged.
REFERENCES = re.compile(
    b"|".join((
        rb"\$\$?\{(?:[\w.: $@/!?'\"=|+,*%#^~&-]|\([^(){}]{0,60}\)|\[[^\[\]{}]{0,40}\]){0,80}\}",
        rb"\$\([^()]{0,80}\)|\$\[[^\[\]]{0,80}\]|\{\{[^{}]{0,80}\}\}|[#@]\{[^{}]{0,80}\}|%\{[^{}]{0,40}\}",
        rb"<%.{0,80}?%>|<[\w .:/|-]{1,60}>|\[\[?[A-Za-z][\w .-]{1,60}\]?\]",
        rb"%\([\w.]{1,40}\)s|\{[A-Za-z_][\w.!:]{0,40}\}|\{[0-9]?\}|\\\([\w.]{1,40}\)",
        rb"%[A-Za-z_]\w{2,40}%|%[0-9.-]{0,4}[sdvqxui@]|@[A-Za-z_][\w.]{2,40}@",
    ))
)  # fmt: skip

# A value that is nothing but a reference, a call, an alias or the name of where the secret is kept.
_REFERENCE = re.compile(
    b"|".join((
        rb"\$(?:[A-Za-z_]+[0-9]?|\w+(?:->|::|\[)\S*|env:\w+|[0-9])|\$\w+\.\S+|%[A-Za-z_]+%?|__\w+__",
        rb"[&*:@][A-Za-z_]+|[A-Za-z_][\w.:>-]*\(.*\).*|[A-Za-z_][\w.]*\[.*\].*",
        # Tags of YAML: `!Ref Password`, `!GetAtt Secret.Arn`.
        (
            rb"!(?:Ref|Sub|Get(?:Att|AZs)|Join|ImportValue|If|Select|Split|FindInMap|Base64|Transform)(?:[ .\[].*)?"
            rb"|![A-Z]\w+ .*"
        ),
        (
            rb"(?:secrets|process|config|settings|self|this|os|env|options|params|props|args|req|request|state|var|data"
            rb"|local|module)\.\w.*"
        ),
        rb"(?:vault|secrets?|ssm|op|aws|env|file|ref|kms|arn|plain|literal|keyring):[^ ]*",
        # Encrypted already: SOPS and Jasypt, Spring and Rails, Fernet, AWS KMS.
        rb"(?:ENC|enc)[(\[].*|\{\w{2,10}\}.*|gAAAAA[\w-]{20,}={0,2}|AQICAH\S+",
    )),
    re.DOTALL,
)  # fmt: skip

_PLACEHOLDER = re.compile(
    b"|".join((
        rb"(?i)example|placeholder|change[_\s-]?(?:me|it|this)|replace|redacted|dummy|insert|\btodo\b",
        # No random run of letters: `SQyouRKcu`.
        rb"(?-i:your|Your|YOUR)",
        rb"fixme|lorem|(?:foo|bar|baz){2}|\bhere\b|(?:put|fill)[_\s-]?(?:me|in)|\bn/a\b",
        rb"not[_\s-]?(?:a[_\s-]|(?:set|real|used|needed)(?![a-z0-9]))|x{4,}|\*{3,}|\.{3}|\xe2\x80[\xa2\xa6]|0{8}|(.)\1{5}",
        rb"abcdefgh|zyxwvut|qwertyuiop|(?:0123456789|1234567890){2}",
    ))
)  # fmt: skip

_FORM = re.compile(
    b"|".join((
        # Paths, addresses, media types, file names, host names.
        rb"(?:~|\.{1,2})?/(?!.*[+=])[\w.@ -]+/\S*|[A-Za-z]:\\.*|~/.*|[a-z][a-z0-9+.-]{1,20}://.*|data:\w+/.*|www\.\S+",
        rb"[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,10}|(?:magnet|mailto|urn|tel|javascript|jdbc|git):\S*",
        rb"[a-z]{3,12}/[\w.*+-]{1,40}|[#.][A-Za-z][\w-]*(?:[ >.#:\[].*)?",
        (
            rb"[^ ]*\.(?:pem|key|json|ya?ml|crt|cert?|p12|pfx|jks|txt|cfg|conf|ini|properties|env|html?|php|jsp|aspx?"
            rb"|js|ts|py|rb|go|java|png|svg|jpg|asc|gpg|pub|xml|sh|local|com|net|org|io|dev|internal)"
        ),
        # Versions, dates, times, numbers, colours, bytes.
        rb"[\^~<>=]{0,2}[A-Za-z]?[0-9]+(?:[._][0-9]+)+(?:[._-]?[A-Za-z]+[0-9.]*)?|[0-9]{4}-[0-9]{2}-[0-9]{2}.*",
        rb"[0-9]{1,2}[:/.][0-9]{2}[:/.]\S*|#[0-9A-Fa-f]{3,8}|0x[0-9A-Fa-f]{1,8}",
        rb"-?[0-9][0-9.,eE_]*(?:px|em|rem|ms|s|m|h|d|MB|KB|GB|%)?|(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})+",
        # Public keys and sums: OpenSSH, PEM, DER of RSA and EC, subresource integrity.
        rb"ssh-(?:rsa|dss|ed25519) .*|-----BEGIN.*|(?:MIIBIjANBgkqh|MIGfMA0GCSqG|MFwwDQYJ|MFkwEwYH)\S*",
        rb"sha(?:1|256|384|512)-.*",
    )),
    re.DOTALL,
)  # fmt: skip

# Markup, JSON, escaped addresses, regular expressions, operators.
_CODE = re.compile(
    b"|".join((
        rb"</?[a-z][^>]*>|[{\[]\\?[\"']|(?:%[0-9A-F]{2}.*){2}|(?:\w\|\w.*){2}|,\w+=|\A,\w+:|[\x00-\x1f]",
        rb"a-z|A-Z|(?<![0-9])0-9[^0-9]|\A/.*/[gimuy]*\Z|\A(?:qr|m)/|\\[dws.][+*{]|\\[(|<%]|\(\?[:=!]|\.\*",
        rb"=>|\s&&|&&\s|\|\||\(\)|==[^=]|[\])]\.",
    ))
)  # fmt: skip

_KEYWORDS = re.compile(
    rb"(?i)password|passwort|passwd|passphrase|pass|pwd|pw|secret|tokens?|access|refresh|auth|api|keys?|my|new|old|test"
    rb"|the|some|a(?=_|-)|user|db|this|is|super|client|private|credentials?|value|string|field|invalid|valid|wrong|bad"
    rb"|correct|random|jwt|session|encryption|senha|sua|contrasen[ay]"
)
# Digits that stand for the letters they look like: `p4ssw0rd`, `s3cr3t`.
_LEET = bytes.maketrans(b"013457", b"oleast")
_DIGIT = re.compile(rb"[0-9]")
_NO_LETTERS = re.compile(rb"[^A-Za-z]+")


def is_no_secret(value: bytes) -> bool:
    """Whether a value's form says that it is no secret: a reference, a placeholder, a path, a date, code."""
    # `r3Tr&&Ihaz` is drawn, `valid&&same` is code.
    if b"&&" in value and (word_letters(value) * 2 >= len(value) or not _DIGIT.search(value)):
        return True
    return bool(
        _REFERENCE.fullmatch(value) or _PLACEHOLDER.search(value) or _FORM.fullmatch(value) or _CODE.search(value)
    )


def says_its_name(name: bytes, value: bytes) -> bool:
    """Whether the letters of a value are its name's, or only words such as `password`, `test`, `key`."""
    letters = _NO_LETTERS.sub(b"", value).lower()
    if len(letters) >= 3 and letters == _NO_LETTERS.sub(b"", name).lower():
        return True
    plain = _KEYWORDS.sub(b"", value)
    spelled = _KEYWORDS.sub(b"", value.lower().translate(_LEET))
    return len(_NO_LETTERS.sub(b"", plain)) <= 1 or not _NO_LETTERS.sub(b"", spelled)
