"""Secret values: whether what is assigned to a secret's name is a value somebody could use.

Not: references and calls that the value is read from, placeholders that a reader must replace, the name itself, and
forms that say what they are (`filters.value_forms`). What stays after that is judged by its length, by how many bits a
character carries, and by how much of it passes for words; the limits stand in `redaction_rules.toml`, by level.

Cost: a dozen regular expressions and a count of bytes, 10 to 20 microseconds for a value of 40 bytes.
"""

import re

from filters.entropy import bits_a_character
from filters.letter_pairs import word_letters
from filters.numbers_in_a_row import is_counted
from filters.passphrases import is_passphrase
from filters.redaction_rules import AssignedSecretLimits
from filters.secret_names import NameSort
from filters.spans import is_redacted
from filters.value_forms import REFERENCES, is_no_secret, says_its_name
from filters.word_passwords import is_word_password

MINIMUM_MIXED_CHARACTERS = 6
MINIMUM_WILD_CHARACTERS = 32
MINIMUM_WILD_SYMBOLS = 2
MINIMUM_STRONG_CHARACTERS = 10

# Symbols that join nothing in a name or a number.
_WILD = re.compile(rb"[@#$%^*!?+~]")
_DIGIT_INSIDE = re.compile(rb"[A-Za-z][0-9]+[A-Za-z]")
_CAPITAL_WORDS = re.compile(rb"[A-Z][a-z0-9]+")
# What only means a password, digits that look like letters read as such.
_CORE = re.compile(rb"passw|secre|change|token|example|test|admin")
_LEET = bytes.maketrans(b"013457@$!", b"oleastasi")
_NUMBER = re.compile(rb"[0-9]+")
_DIGIT = re.compile(rb"[0-9]")
_ALPHANUMERIC = re.compile(rb"[A-Za-z0-9]")
# `_ . / : -` join the words of an identifier.
_SYMBOL = re.compile(rb"[^A-Za-z0-9_./: \x80-\xff-]")
_SPACE = re.compile(rb"\s|\\[nrt](?![a-z])|%20")
_BYTES_LITERAL = re.compile(rb"\\x[0-9A-Fa-f]{2}")
_CAPITALS = re.compile(rb"[A-Z_]+")
_JOINED_WORDS = re.compile(rb"[A-Za-z][_.:/-]+[A-Za-z]")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")

# `todo-list-v3`, `cmp2-qat-1208358310`: every part is letters, or digits.
_PARTS = re.compile(rb"(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10})(?:[_.:/@-]+(?:[A-Za-z]{1,12}[0-9]{0,2}|[0-9]{1,10}))+")
# No name changes its case so often, unless its parts are words.
_MANY_CASES = re.compile(rb"(?:[a-z][A-Z][^_.-]{0,8}){3}")
# `shop-secret-key-2024` is made up to be one.
_OWN_SECRET = re.compile(rb"(?i)(?:secret|key|jwt).{0,24}[0-9]{3,}\Z")
_CAPITAL_AND_DIGITS = re.compile(rb"[A-Z].*[0-9]{2}")
_SEQUENCE = re.compile(
    rb"(?i)01234567|12345678|abcdef(?:gh|01)|deadbeef|cafebabe|00112233|aabbcc|0{6}|abcd1234|1234abcd|asdf"
)


def is_secret(
    name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits, *, in_quotes: bool = True
) -> bool:
    """Whether a value may be the secret that its name promises.

    Args:
        limits: of the level; `redaction_rules.toml` holds them.
        in_quotes: whether digits alone are a string, and no number.
    """
    if _NUMBER.fullmatch(value):
        least = limits.minimum_number_digits.get(sort)
        return in_quotes and len(value) <= limits.maximum_characters and _is_drawn_number(value, least)
    rest = _own_part(name, sort, value, limits)
    if not rest:
        return False
    if _SPACE.search(rest) and not limits.sentences and not _BYTES_LITERAL.search(rest):
        return _may_hold_spaces(rest, sort, limits)
    if sum(byte >= 0x80 for byte in rest) * 2 > len(rest):
        return False
    return _is_drawn(rest, sort, limits) or is_word_password(name, sort, rest, limits, in_quotes=in_quotes)


def is_no_placeholder(name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether nothing but the words of a value could say that it is no secret: its form, its length, its name."""
    return not _NUMBER.fullmatch(value) and bool(_own_part(name, sort, value, limits))


def _own_part(name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits) -> bytes:
    """A value without the references in it; empty where it is none, a placeholder or its own name."""
    shortest = limits.minimum_characters[sort]
    if is_redacted(value) or not shortest <= len(value) <= limits.maximum_characters:
        return b""
    rest = REFERENCES.sub(b"", value)
    if len(rest) * 2 <= len(value) or len(rest) < shortest or is_redacted(rest) or is_no_secret(value):
        return b""
    is_name = says_its_name(name, value) and not _is_strong_of_keywords(value)
    if is_name and _num_beside_keywords(value, limits) < limits.minimum_digits_beside_keywords:
        return b""
    return rest


def is_random(value: bytes, limits: AssignedSecretLimits) -> bool:
    """Whether a value needs no quotes and no line of its own to be believed: long, dense, and hardly a word in it."""
    return (
        len(value) >= limits.minimum_bare_characters
        and _DIGIT.search(value) is not None
        and bits_a_character(value) >= limits.minimum_bare_bits
        and word_letters(value) <= limits.maximum_bare_word_fraction * len(value)
    )


def is_mixed(value: bytes) -> bool:
    """Whether no variable is spelled like a value: a digit, and capitals among small letters or symbols."""
    if len(value) < MINIMUM_MIXED_CHARACTERS or b"=" in value or value.count(b"/") > 1 or b":" in value:
        return False
    if _DIGIT.search(value) is None or not _ALPHANUMERIC.search(value):
        return False
    if _WILD.search(value):
        return re.search(rb"[A-Za-z]", value) is not None
    both = value not in {value.lower(), value.upper()}
    return both and len(value) >= 8 and word_letters(value) * 2 < len(value)


def is_wild(value: bytes) -> bool:
    """Whether a value is long and full of symbols, as the salts that a program drew."""
    return len(value) >= MINIMUM_WILD_CHARACTERS and len(set(_WILD.findall(value)) - {b"+"}) >= MINIMUM_WILD_SYMBOLS


def _is_strong_of_keywords(value: bytes) -> bool:
    """Whether a password of a manual's words is none of a manual: `Sup3rDb!Pass`, and no `P4ssw0rd!` or `S3cret`."""
    if len(value) < MINIMUM_STRONG_CHARACTERS or not _DIGIT_INSIDE.search(value):
        return False
    if len(_CAPITAL_WORDS.findall(value)) < (2 if _WILD.search(value) else 3):
        return False
    return _CORE.search(value.lower().translate(_LEET)) is None


def _num_beside_keywords(value: bytes, limits: AssignedSecretLimits) -> int:
    """How many digits and symbols stand beside a manual's words; digits in a row are the manual's, too."""
    digits = b"".join(_DIGIT.findall(value))
    counted = is_counted(digits) and not digits.startswith((b"19", b"20")) and not limits.sentences
    return len(_SYMBOL.findall(value)) + (0 if counted else len(digits))


def _is_drawn_number(value: bytes, least: int | None) -> bool:
    """Whether digits alone are long enough and neither a date nor typed in a row."""
    return least is not None and len(value) >= least and not is_counted(value)


def _may_hold_spaces(value: bytes, sort: NameSort, limits: AssignedSecretLimits) -> bool:
    """Whether a value with spaces in it is a passphrase, or so wild that it is no sentence."""
    if len(set(_SYMBOL.findall(value))) >= limits.minimum_symbols_beside_spaces:
        return word_letters(value) <= limits.maximum_bare_word_fraction * len(value)
    if sort != "password" and _is_own_secret(value, sort, limits):
        return True
    words = limits.minimum_passphrase_words.get(sort)
    return words is not None and is_passphrase(value, words)


def _is_drawn(value: bytes, sort: NameSort, limits: AssignedSecretLimits) -> bool:
    """Whether a value was chosen or drawn to be secret, by what its characters are."""
    digits, symbols = len(_DIGIT.findall(value)), len(set(_SYMBOL.findall(value)))
    words = word_letters(value) / len(value)
    if bits_a_character(value) < limits.minimum_bits[sort] or len(_ALPHANUMERIC.findall(value)) < 3:
        return False
    if words > limits.maximum_path_word_fraction and (value.count(b"/") >= 2 or _DOTTED.fullmatch(value)):
        return False
    if sort == "key" and _SEQUENCE.search(value):
        return False
    if _CAPITALS.fullmatch(value) and len(value) < limits.minimum_letters_alone["key"]:
        return False
    is_name = _PARTS.fullmatch(value) and (words > limits.maximum_word_fraction[sort] or not _MANY_CASES.search(value))
    if sort != "password" and not limits.sentences and is_name:
        return _is_own_secret(value, sort, limits)
    if words > limits.maximum_word_fraction[sort]:
        needed = limits.minimum_digits_among_words.get(sort)
        if needed is None or (not digits and words * len(value) > limits.maximum_letters_in_words):
            return False
        if not _JOINED_WORDS.search(value):
            return digits + 2 * symbols >= needed
        # Joined words are identifiers, whose numbers say which: `user_password_2`, `step-12`.
        joined = limits.minimum_digits_in_joined_words.get(sort, needed + 2)
        if sort == "password" and digits and not value.islower():
            return True
        return digits >= joined or digits + 2 * symbols >= needed + 2
    return bool(digits or symbols) or len(value) >= limits.minimum_letters_alone[sort]


def _is_own_secret(value: bytes, sort: NameSort, limits: AssignedSecretLimits) -> bool:
    """Whether parts of letters and of digits are made up to be a secret, and no name with a number."""
    if sort not in limits.minimum_digits_among_words:
        return False
    if _OWN_SECRET.search(value) and not is_counted(value):
        return True
    # The names of secrets in configuration have no capitals, and no spaces.
    return sort == "secret" and b" " not in value and _CAPITAL_AND_DIGITS.search(value) is not None
