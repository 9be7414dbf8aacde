"""Redaction rules: what corpusmill knows by sight, read from one data file, `redaction_rules.toml`.

A rule's `pattern` is written in what hyperscan and Python's `re` both understand, without look-around. What it does
depends on its `validator`:

    a place (`filters.validators.PLACES`)   the pattern only marks a place; the function looks there and says what goes
    detect_secrets:NAME                     that plugin's own patterns mark, the plugin verifies
    a value test (`VALUE_TESTS`)            the pattern is the finding, or its group `value` is; the test looks at it
    a test in place (`TESTS_IN_PLACE`)      the same, and the test sees what stands around the value

With `keywords` (regular expressions, in any case) the pattern counts only behind one of them and a sign of assignment.

`found` and `stays` are templates of `filters.example_values`: texts in which the rule must find the part between ⟦kind|
and ⟧, and texts in which it must find nothing. Tests run every one.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from filters.redaction_policy import Level
from filters.spans import SpanKind

PLUGIN_PREFIX = "detect_secrets:"

# A token begins where no letter or digit is before it, save those of an escape: `\n`, `%3D`.
LEFT_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))"
RIGHT_EDGE = r"(?![A-Za-z0-9])"

# From a provider's name to the value: the rest of a name, a sign of assignment or a word for a key, brackets and
# quotes; a type or a second name may come between (`: String = "`, `, value: `, `: {clientSecret: '`). All is bounded.
_GAP = (
    r"""[\w.\-"'\\[\])} \t]{0,40}?(?:[=:>,(|]|->|(?i:key|token|secret|login)["']?[ \t])[ \t"'`\\=>|({\[]{0,6}"""
    r"""(?:[&\w.]{1,24}["']?[ \t]{0,2}[=:(][ \t"'`\\=>(]{0,6})?"""
)

# What marks such a place for hyperscan: more than `_GAP` lets through; an open repeat compiles in a
# quarter of the time of a bounded one and is scanned as fast.
_GAP_MARK = r"""[\w.\-"'`\\\])} \t=:>,(|{\[&]+"""

# The repeat that ends a pattern, within its last group too.
_OPEN_END = re.compile(r"(?:\{([1-9]\d*),\d*\}|\+|(\*))(\)?)\Z")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as in the file.

    Attributes:
        id: snake_case, unique; it stands in counts and decisions.
        level: the least level of its kind at which it is used.
    """

    id: str
    kind: SpanKind
    level: Level = "low"
    pattern: str = ""
    keywords: tuple[str, ...] = ()
    validator: str = "token"
    found: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """The module name of the plugin of detect-secrets that does the work; empty for none."""
        return self.validator.removeprefix(PLUGIN_PREFIX) if self.validator.startswith(PLUGIN_PREFIX) else ""

    @property
    def near(self) -> str:
        """What leads to the value, as an expression; empty where the value speaks for itself."""
        return f"(?i:{'|'.join(self.keywords)}){_GAP}" if self.keywords else ""

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


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file; raises msgspec.ValidationError where the file is not as it must be."""
    data = tomllib.loads(files("filters").joinpath("redaction_rules.toml").read_text(encoding="utf-8"))
    return msgspec.convert(data["rule"], tuple[Rule, ...])
