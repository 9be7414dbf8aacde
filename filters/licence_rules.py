"""One licence expression under an allow-list and a deny-list: what satisfies it, or what stops it and how bad that is.

What ScanCode finds beside licences (a contribution agreement, "see the licence file", a disclaimer) is neutral: passed
over beside a licence (AND), no choice (OR), and nothing alone. It begins with The Stack v2's own list
(get_license_types.py); to that this project adds all contribution agreements, patent grants on top of a licence and two
exceptions that only permit more. An entry of the recipe that names one takes it out of that.
"""

from typing import Literal, NamedTuple, get_args

from filters.licence_expressions import (
    AllOf,
    Expression,
    Licence,
    OneOf,
    has_choice,
    ids_of,
    licences_of,
    parsed,
    says_something,
)
from filters.licence_sets import licence_category, licence_set, names_of_licence, only_permits

Word = Literal["copyleft", "proprietary", "unknown", "not_allowed"]
WORDS: tuple[Word, ...] = get_args(Word)
"""Why a licence may not stay, the worst first."""

# A category that ScanCode may yet invent is taken for a proprietary one.
_WORD_OF_CATEGORY: dict[str, Word] = {
    **dict.fromkeys(("Copyleft", "Copyleft Limited"), "copyleft"),
    **dict.fromkeys(("", "Unstated License"), "unknown"),
    **dict.fromkeys(("Permissive", "Public Domain", "CLA", "Patent License"), "not_allowed"),
}
_CACHED_VERDICTS = 65_536
_CACHED_CHARACTERS = 400

_TABLE = (
    ("a reference to a licence elsewhere", "LicenseRef-scancode-unknown-license-reference"),
    ("a contribution agreement", "LicenseRef-scancode-generic-cla"),
    ("a disclaimer of warranty", "LicenseRef-scancode-warranty-disclaimer"),
    ("a note on trademarks", "LicenseRef-scancode-generic-trademark"),
    ("a note on export", "LicenseRef-scancode-generic-export-compliance"),
    ("terms of a service", "LicenseRef-scancode-generic-tos"),
    ("an exception without its name", "LicenseRef-scancode-generic-exception"),
    ("a patent grant on top of a licence", "LicenseRef-scancode-google-patent-license-golang"),
    ("an exception that permits more than a permissive licence", "LLVM-exception"),
    ("an exception to a copyleft licence", "Classpath-exception-2.0"),
    ("a licence with an exception", "Apache-2.0 WITH LLVM-exception"),
    ("NONE or NOASSERTION", "NOASSERTION"),
    ("terms that the detector does not know", "LicenseRef-scancode-unknown"),
    ("a claim to be free, without a licence", "LicenseRef-scancode-free-unknown"),
    ("a statement that there is no licence", "LicenseRef-scancode-no-license"),
    ("terms that look permissive", "LicenseRef-scancode-other-permissive"),
    ("terms that look proprietary", "LicenseRef-scancode-proprietary-license"),
    ("an id that nobody knows", "Example-1.0"),
    ("a name of somebody's own, not on the list", "LicenseRef-example"),
)


class Verdict(NamedTuple):
    """One expression; neither chosen nor failing licences mean that it cannot be read.

    Attributes:
        chosen: the allowed licences that satisfy it, in alphabetical order.
        failing: the licences that stop it, as written.
        is_neutral: it names no licence at all.
        choice_of: all ids of a satisfied expression with an OR, case-folded.
    """

    chosen: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    is_neutral: bool = False
    choice_of: frozenset[str] = frozenset()

    @property
    def word(self) -> Word | None:
        """The worst of what stops it; None where nothing does or nothing could be read."""
        words = {word_of(licence) for licence in self.failing}
        return next((word for word in WORDS if word in words), None)


class PolicyRow(NamedTuple):
    """How something that is no plain licence is treated, under an allow-list of `permissive`.

    Attributes:
        what: in words.
        example: an SPDX expression.
        beside: joined by AND to an allowed licence: "passed over", "allowed" or "rejected: WORD".
        alone: "no licence", "allowed" or "rejected: WORD".
        choice: joined by OR to one that is not allowed: "no choice" or "chosen".
    """

    what: str
    example: str
    beside: str
    alone: str
    choice: str


class LicenceRules:
    """An allow-list and a deny-list of licences, and verdicts on expressions under them.

    Ids are compared case-insensitively, and what is recorded is the list's spelling. A denied licence is so under every
    name that ScanCode's index has for it.
    """

    def __init__(self, allowed: frozenset[str], denied: frozenset[str] = frozenset()) -> None:
        self._denied = {name.casefold() for licence in denied for name in names_of_licence(licence)}
        self._spelling = {name.casefold(): name for name in sorted(allowed)}
        self.neutral = {name.casefold() for name in licence_set("neutral")} - self._denied - self._spelling.keys()
        self._verdicts: dict[str, Verdict] = {}

    def verdict(self, expression: str) -> Verdict:
        """The verdict on one expression, at worst one that says nothing; a repeated one costs a look-up."""
        # Long expressions are rare and would let a hostile corpus fill the cache with megabytes.
        if len(expression) > _CACHED_CHARACTERS:
            return self._verdict(expression)
        if expression not in self._verdicts:
            if len(self._verdicts) >= _CACHED_VERDICTS:
                self._verdicts.clear()
            self._verdicts[expression] = self._verdict(expression)
        return self._verdicts[expression]

    def _verdict(self, expression: str) -> Verdict:
        tree = parsed(expression)
        if tree is None:
            return Verdict()
        chosen, failing = self._satisfied(tree)
        choice_of = ids_of(expression) if chosen and has_choice(tree) else frozenset()
        return Verdict(chosen, tuple(dict.fromkeys(failing)), self._is_neutral(tree), choice_of)

    def _satisfied(self, node: Expression) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The licences that satisfy a tree, or else those that stop it."""
        if isinstance(node, Licence):
            recorded = self._recorded(node)
            return ((recorded,), ()) if recorded else ((), (str(node),))
        parts = node.parts
        if isinstance(node, AllOf):
            parts = tuple(part for part in parts if not self._is_neutral(part)) or parts
        results = [self._satisfied(part) for part in parts]
        chosen = [licences for licences, _ in results if licences]
        if isinstance(node, OneOf) and chosen:
            return min(chosen, key=" AND ".join), ()
        if len(chosen) == len(results):
            return tuple(sorted({name for licences in chosen for name in licences})), ()
        return (), tuple(name for _, failing in results for name in failing)

    def _recorded(self, licence: Licence) -> str:
        """What is written down for an allowed licence; empty for another."""
        whole, alone = str(licence).casefold(), licence.id.casefold()
        if whole in self._denied or alone in self._denied:
            return ""
        if whole in self._spelling:
            return self._spelling[whole]
        if alone not in self._spelling or (licence.exception and not only_permits(licence.exception)):
            return ""
        return f"{self._spelling[alone]} WITH {licence.exception}" if licence.exception else self._spelling[alone]

    def _is_neutral(self, node: Expression) -> bool:
        return all(not item.exception and item.id.casefold() in self.neutral for item in licences_of(node))


def policy_table() -> list[PolicyRow]:
    """How references, notes and unknown terms are treated: the table of the documentation, made by trying each."""
    rules = LicenceRules(licence_set("permissive"))
    return [PolicyRow(what, example, *_outcomes(example, rules)) for what, example in _TABLE]


def _outcomes(example: str, rules: LicenceRules) -> tuple[str, str, str]:
    alone, beside = rules.verdict(example), rules.verdict(f"{example} AND MIT")
    choice = rules.verdict(f"{example} OR GPL-3.0-only")
    is_silent = alone.is_neutral or not says_something(example)
    kept = "passed over" if beside.chosen == ("MIT",) else "allowed"
    return (
        kept if beside.chosen else f"rejected: {beside.word}",
        "no licence" if is_silent else "allowed" if alone.chosen else f"rejected: {alone.word}",
        "chosen" if choice.chosen else "no choice",
    )


def word_of(licence: str) -> Word:
    """Why a licence, or one with an exception, is not allowed where it is on no list; what nobody knows is unknown."""
    alone, _, exception = licence.partition(" WITH ")
    words = {_WORD_OF_CATEGORY.get(licence_category(alone), "proprietary")}
    if exception and not only_permits(exception):
        words.add(_WORD_OF_CATEGORY.get(licence_category(exception), "proprietary"))
    return next(word for word in WORDS if word in words)
