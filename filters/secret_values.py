"""Secret values: whether what is assigned to a secret's name is a value somebody could use, and which.

Not: references and calls that the value is read from, placeholders that a reader must replace, words and identifiers,
the name itself, and forms that say what they are (paths, addresses, versions, dates, colours, regular expressions,
public keys, values that are encrypted). What stays after that is judged by length, by how many bits a character
carries, and by how much of it passes for words; the limits stand in `redaction_rules.toml`, by level.

Cost: ten regular expressions and a count of bytes, 10 to 20 microseconds for a value of 40 bytes.
"""

import re
from collections import Counter
from math import log2

from filters.letter_pairs import word_letters
from filters.redaction_rules import AssignedSecretLimits
from filters.secret_names import NameSort
from filters.spans import is_redacted

# A reference as a part of a value; what is left without it is judged.
_REFERENCES = re.compile(
    rb"\$\$?\{(?:[\w.: $@/!?'\"=|+,*-]|\([^(){}]{0,60}\)|\[[^\[\]{}]{0,40}\]){0,80}\}|\$\([^()]{0,80}\)|\$\[[^\[\]]{0,80}\]|\{\{[^{}]{0,80}\}\}|#\{[^{}]{0,80}\}|@\{[^{}]{0,80}\}"
    rb"|%\{[^{}]{0,40}\}|<%.{0,80}?%>|<[\w .:/|-]{1,60}>|%\([\w.]{1,40}\)s|\{[A-Za-z_][\w.!:]{0,40}\}|\{[0-9]?\}|\[\[?[A-Za-z][\w .-]{1,60}\]?\]"
    rb"|%[A-Za-z_]\w{2,40}%|%[0-9.-]{0,4}[sdvqxui@]|@[A-Za-z_][\w.]{2,40}@|\\\([\w.]{1,40}\)"
)
_REFERENCE = re.compile(
    rb"\$(?:[A-Za-z_][A-Za-z_]*[0-9]?|\w+(?:->|::|\[)\S*|env:\w+|[0-9])|[&*:@][A-Za-z_]+|![A-Z]\w+.*|__\w+__|%[A-Za-z_]+%?|\$\w+\.\S+"
    rb"|[A-Za-z_][\w.:>-]*\(.*\).*|[A-Za-z_][\w.]*\[.*\].*|(?:ENC|enc)[(\[].*|\{\w{2,10}\}.*|(?:vault|secret|secrets|ssm|op|aws|env|file|ref|kms|arn|base64|hex|plain|literal|keyring):[^ ]*"
    rb"|(?:secrets|process|config|settings|self|this|os|env|options|params|props|args|req|request|state|var|data|local|module)\.\w.*"
    rb"|gAAAAA[\w-]{20,}={0,2}|AQICAH\S+"
)
_PLACEHOLDER = re.compile(
    rb"(?i)example|placeholder|change[_\s-]?(?:me|it|this)|replace|redacted|dummy|insert|your[_\s-]?|\btodo\b|fixme|x{4,}|\*{3,}|\.{3}"
    rb"|\xe2\x80\xa6|\xe2\x80\xa2|(?:foo|bar|baz){2}|goes[_\s-]?here|\bhere\b|put[_\s-]?(?:me|in)|fill[_\s-]?(?:me|in)|not[_\s-]?(?:a[_\s-]|set|real|used|needed)|<removed>"
    rb"|abcdefgh|zyxwvut|qwertyuiop|(?:0123456789|1234567890|0123456789abcdef){2}|0{8}|(.)\1{5}|hunter2hunter2|lorem|\bn/a\b"
)
_SEQUENCE = re.compile(rb"(?i)01234567|12345678|abcdef(?:gh|01)|deadbeef|cafebabe|00112233|aabbcc|0{6}|abcd1234|1234abcd|asdf")
_FORM = re.compile(
    rb"(?:~|\.{1,2})?/(?!.*[+=])[\w.@ -]+/\S*|[A-Za-z]:\\.*|~/.*|[a-z][a-z0-9+.-]{1,20}://.*|data:\w+/.*|(?:www\.)[\w.-]+\S*"
    rb"|[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,10}|[\^~<>=]{0,2}[A-Za-z]?[0-9]+(?:[._][0-9]+)+(?:[._-]?[A-Za-z]+[0-9.]*)?"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[:/.][0-9]{2}[:/.]\S*|#[0-9A-Fa-f]{3,8}|[^ ]*\.(?:pem|key|json|ya?ml|crt|cert?|p12|pfx|jks|txt|cfg|conf|ini|properties|env|html?|php|jsp|aspx?|js|ts|py|rb|go|java|png|svg|jpg|asc|gpg|pub|xml|sh|local|com|net|org|io|dev|internal)"
    rb"|ssh-(?:rsa|dss|ed25519) .*|-----BEGIN.*|MIIBIjANBgkqh\S*|MIGfMA0GCSqG\S*|MFwwDQYJ\S*|MFkwEwYH\S*|-?[0-9][0-9.,eE_]*(?:px|em|rem|ms|s|m|h|d|MB|KB|GB|%)?|0x[0-9A-Fa-f]{1,8}"
    rb"|sha(?:1|256|384|512)-.*|(?:magnet|mailto|urn|tel|javascript|jdbc|git):\S*|[a-z]{3,12}/[\w.*+-]{1,40}"
    rb"|[#.][A-Za-z][\w-]*(?:[ >.#:\[].*)?"
    rb"|(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})+",
    re.DOTALL,
)
_MARKUP = re.compile(rb"</?[a-z][^>]*>|[{\[]\\?[\"']|(?:%[0-9A-F]{2}.*){3}|(?:\w\|\w.*){2}|a-z|A-Z|0-9[^0-9]|\A/.*/[gimuy]*\Z|\A(?:qr|m)/|,\w+=|\\[dws.][+*{]|\(\?[:=!]|\.\*|=>|&&|\|\||[\x00-\x1f]|\(\)|==[^=]|\]\.|\)\.")
_SPACE = re.compile(rb"\s|\\[nrt](?![a-z])|%20")
_IDENTIFIER = re.compile(rb"[A-Za-z_$][\w$]*(?:[.:/-]+[\w$]+)*")
_KEYWORDS = re.compile(
    rb"(?i)password|passwort|passwd|passphrase|pass|pwd|pw|secret|tokens?|access|refresh|auth|api|keys?|my|new|old|test|the|some|a(?=_|-)|user|db|this|is|super|client|private|credentials?|value|string|field|invalid|valid|wrong|bad|correct|random|jwt|session|encryption"
)
_LETTERS_ONLY = re.compile(rb"[^A-Za-z]+")
MAXIMUM_WORD_FRACTION_OF_A_PATH = 0.3
MAXIMUM_WORD_FRACTION_OF_A_PASSWORD = 0.75
MAXIMUM_BYTES_OF_WORDS = 24
_ALPHANUMERIC = re.compile(rb"[A-Za-z0-9]")
_DIGITS = re.compile(rb"[0-9]")
_SYMBOLS = re.compile(rb"[^A-Za-z0-9_./: \x80-\xff-]")

_BYTES_LITERAL = re.compile(rb"\\x[0-9A-Fa-f]{2}")
_CAPITALS = re.compile(rb"[A-Z_]+")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_PARTS = re.compile(rb"(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10})(?:[_.:/@-]+(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10}))+")
_NUMBER = re.compile(rb"[0-9]+")


def is_secret(name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value may be the secret that its name promises.

    Args:
        limits: of the level; `redaction_rules.toml` holds them.
    """
    if is_redacted(value) or not limits.minimum_characters[sort] <= len(value) <= limits.maximum_characters:
        return False
    if _NUMBER.fullmatch(value):
        return sort == "password" and limits.minimum_number_digits is not None and len(value) >= limits.minimum_number_digits
    if _REFERENCE.fullmatch(value) or _PLACEHOLDER.search(value) or _FORM.fullmatch(value) or _MARKUP.search(value):
        return False
    rest = _REFERENCES.sub(b"", value)
    if len(rest) * 2 < len(value) or len(rest) < limits.minimum_characters[sort] or is_redacted(rest) or _says_its_name(name, value, limits):
        return False
    if _SPACE.search(rest) and not limits.sentences and not _BYTES_LITERAL.search(rest):
        return False
    if sum(byte >= 0x80 for byte in rest) * 2 > len(rest):
        return False
    return _is_drawn(rest, sort, limits)


def is_random(value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value needs no quotes and no line of its own to be believed: long, dense, and hardly a word in it."""
    return (
        len(value) >= limits.minimum_bare_characters
        and _DIGITS.search(value) is not None
        and bits_a_character(value) >= limits.minimum_bare_bits
        and word_letters(value) <= limits.maximum_bare_word_fraction * len(value)
    )


def bits_a_character(value: bytes) -> float:
    """Shannon entropy of a value's bytes, bits a byte; 0 for an empty value."""
    size = len(value)
    return sum(count * log2(size / count) for count in Counter(value).values()) / size if size else 0.0


def _is_drawn(value: bytes, sort: NameSort, limits: AssignedSecretLimits) -> bool:
    """Whether a value was chosen or drawn to be secret, by what its characters are."""
    if bits_a_character(value) < limits.minimum_bits[sort]:
        return False
    digits, symbols = len(_DIGITS.findall(value)), len(set(_SYMBOLS.findall(value)))
    words = word_letters(value) / len(value)
    if words > MAXIMUM_WORD_FRACTION_OF_A_PATH and (value.count(b"/") >= 2 or _DOTTED.fullmatch(value)):
        return False
    if len(_ALPHANUMERIC.findall(value)) < 3:
        return False
    if sort == "key" and _SEQUENCE.search(value):
        return False
    if sort != "password" and _PARTS.fullmatch(value) and limits.minimum_digits_among_words.get(sort) != 0:
        return False
    if _CAPITALS.fullmatch(value) and len(value) < limits.minimum_letters_alone["key"]:
        return False
    if words > limits.maximum_word_fraction[sort]:
        if not digits and words > MAXIMUM_WORD_FRACTION_OF_A_PASSWORD and len(value) > MAXIMUM_BYTES_OF_WORDS:
            return False
        needed = limits.minimum_digits_among_words.get(sort)
        if needed is None:
            return False
        # Words joined by `_ - . :` are identifiers, whose numbers say which: `user_password_2`, `step-12`.
        joined = re.search(rb"[A-Za-z][_.:/-]+[A-Za-z]", value) is not None
        return digits + 2 * symbols >= needed + 2 * joined
    if not digits and not symbols:
        return len(value) >= limits.minimum_letters_alone[sort]
    return True


def _says_its_name(name: bytes, value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value is its own name, or nothing but words such as `password`, `test`, `key`."""
    letters = _LETTERS_ONLY.sub(b"", value).lower()
    if len(letters) >= 3 and letters == _LETTERS_ONLY.sub(b"", name).lower():
        return len(_DIGITS.findall(value)) < 3
    others = _LETTERS_ONLY.sub(b"", _KEYWORDS.sub(b"", value))
    if len(others) > 1:
        return False
    return len(_DIGITS.findall(value)) + len(_SYMBOLS.findall(value)) < limits.minimum_digits_beside_keywords
