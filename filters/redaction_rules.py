"""Redaction rules: what corpusmill knows by sight, read from one data file, `redaction_rules.toml`.

A rule's `pattern` is written in what hyperscan and Python's `re` both understand, without look-around; line breaks in
it and the spaces behind them are left out. What it does depends on its `validator`:

    a place (`filters.validators.PLACES`)   the pattern only marks a place; the function looks there and says what goes
    a walk (`WALKS`)                        the same, but the function is given all marked places of the text at once
    detect_secrets:NAME                     that plugin's own patterns mark, the plugin verifies
    a value test (`VALUE_TESTS`)            the pattern is the finding, or its group `value` is; the test looks at it
    a test in place (`TESTS_IN_PLACE`)      the same, and the test sees what stands around the value

With `keywords` (regular expressions, in any case) the pattern counts only behind one of them and a sign of assignment.

`found` and `stays` are templates of `filters.example_values`: texts in which the rule must find the part between ⟦kind|
and ⟧, and texts in which it must find nothing. Tests run every one, at `examples_level`.

Limits that depend on the level stand in the same file, in tables `[limits.KIND.LEVEL]`.
"""

import re
import tomllib
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec

from filters.redaction_policy import Level
from filters.spans import SpanKind

PLUGIN_PREFIX = "detect_secrets:"

DATA_FILES = ("redaction_rules.toml", "published_numbers.toml", "top_level_domains.txt")
"""All that says what is found, the rules themselves first."""

# A token begins where no letter or digit is before it, save those of an escape: `\n`, `%3D`.
LEFT_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))"
RIGHT_EDGE = r"(?![A-Za-z0-9])"

# From a provider's name to the value: the rest of a name, a sign of assignment or a word for a key, brackets and
# quotes; a type or a second name may come between (`: String = "`, `, value: `, `: {clientSecret: '`). All is bounded.
BEHIND_NAME = (
    r"""[\w.\-"'\\[\])} \t]{0,40}?(?:[=:>,(|]|->|::|(?i:key|token|secret|login)["']?[ \t])[ \t"'`\\=>|({\[]{0,6}"""
    r"""(?:[&\w.]{1,24}["']?[ \t]{0,2}[=:(][ \t"'`\\=>(]{0,6})?"""
)

# What marks such a place for hyperscan: more than `BEHIND_NAME` lets through; an open repeat compiles in a
# quarter of the time of a bounded one and is scanned as fast.
_GAP_MARK = r"""[\w.\-"'`\\\])} \t=:>,(|{\[&]+"""

# A long pattern stands on several lines; their ends and indentation are no part of it.
_FOLD = re.compile(r"(?:\A(?=[ ]{4})|\n)[ ]*")

# The repeat that ends a pattern, within its last group too.
_OPEN_END = re.compile(r"(?:\{([1-9]\d*),\d*\}|\+|(\*))(\)?)\Z")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as in the file.

    Attributes:
        id: snake_case, unique; it stands in counts and decisions.
        level: the least level of its kind at which it is used.
        examples_level: the level at which the examples hold; `level` unless the file says otherwise.
    """

    id: str
    kind: SpanKind
    level: Level = "low"
    pattern: str = ""
    keywords: tuple[str, ...] = ()
    validator: str = "token"
    examples_level: Level | None = None
    found: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """The module name of the plugin of detect-secrets that does the work; empty for none."""
        return self.validator.removeprefix(PLUGIN_PREFIX) if self.validator.startswith(PLUGIN_PREFIX) else ""

    @property
    def near(self) -> str:
        """What leads to the value, as an expression; empty where the value speaks for itself."""
        return f"(?i:{'|'.join(self.keywords)}){BEHIND_NAME}" if self.keywords else ""

    @property
    def mark(self) -> str:
        """The expression that hyperscan looks for: it ends as soon as the rule could match."""
        near = f"(?i:{'|'.join(self.keywords)}){_GAP_MARK}" if self.keywords else ""
        return near + _OPEN_END.sub(_least, self.pattern)

    @property
    def expression(self) -> re.Pattern[bytes]:
        """The expression that finds the value, in its group `value` or as a whole."""
        body = self.pattern if "(?P<value>" in self.pattern else f"(?P<value>{self.pattern})"
        return re.compile(f"{self.near or LEFT_EDGE}{body}{RIGHT_EDGE}".encode())


def _least(end: re.Match[str]) -> str:
    repeat = "?" if end[2] else f"{{{end[1]}}}" if end[1] else ""
    return repeat + end[3]


class AssignedSecretLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a value must have to be taken for an assigned secret; tables are by the sort of its name.

    Attributes:
        minimum_bits: Shannon entropy, bits a byte.
        maximum_word_fraction: of the bytes, in runs of letters that pass for words.
        minimum_digits_among_words: what a value with more words needs, a symbol counting two; no entry: no such value.
        maximum_letters_in_words: of such a value without digits; more are a sentence.
        maximum_path_word_fraction: of a value of three parts with `/`, or of parts with `.`, before it is a path.
        minimum_letters_alone: length of a value of letters alone that are no words.
        minimum_digits_beside_keywords: what a value of words such as `password` and `test` needs.
        minimum_digits_in_joined_words: what words with `-` or `_` between them need; no entry: two more than others.
        minimum_number_digits: length of a value of digits alone, in quotes; no entry: no such value.
        minimum_passphrase_words: of a value with spaces and without a number; no entry: no value with spaces.
        minimum_symbols_beside_spaces: so many different ones make a value with spaces no sentence.
        minimum_letters_beside_digit: of a password of words with a digit that touches them; 0: no such value.
        minimum_joined_words: of a value of words with dashes between them; no entry: no such value.
        minimum_letters_in_a_run: of a signing secret of small letters alone; no entry: no such value.
        sentences: whether white space may stand in a value.
        minimum_bare_characters: length of a value that stands without quotes inside a line; with the two below it.
        salts: whether salts, PINs and licence keys count.
    """

    minimum_characters: dict[str, int]
    maximum_characters: int
    minimum_bits: dict[str, float]
    maximum_word_fraction: dict[str, float]
    minimum_digits_among_words: dict[str, int]
    maximum_letters_in_words: int
    maximum_path_word_fraction: float
    minimum_letters_alone: dict[str, int]
    minimum_digits_beside_keywords: int
    minimum_digits_in_joined_words: dict[str, int]
    minimum_number_digits: dict[str, int]
    minimum_passphrase_words: dict[str, int]
    minimum_symbols_beside_spaces: int
    minimum_letters_beside_digit: int
    minimum_joined_words: dict[str, int]
    minimum_letters_in_a_run: dict[str, int]
    sentences: bool = False
    minimum_bare_characters: int
    minimum_bare_bits: float
    maximum_bare_word_fraction: float
    salts: bool = False


@cache
def assigned_secret_limits(level: Level) -> AssignedSecretLimits:
    """The limits of a level; raises KeyError for `off`."""
    return msgspec.convert(_file()["limits"]["assigned_secret"][level], AssignedSecretLimits)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file; raises msgspec.ValidationError where the file is not as it must be."""
    entries = [rule | {"pattern": _FOLD.sub("", rule.get("pattern", ""))} for rule in _file()["rule"]]
    return msgspec.convert(entries, tuple[Rule, ...])


@cache
def rules_digest() -> str:
    """A sha256 of all data files of the rules, in hex: what was redacted by others must be redacted again."""
    digest = sha256()
    for name in DATA_FILES:
        data = _data(name)
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(_data(DATA_FILES[0]).decode())


def _data(name: str) -> bytes:
    return files("filters").joinpath(name).read_bytes()
