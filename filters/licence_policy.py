"""The decision on one document, from every piece of evidence about its licence.

The Stack v2 lets a repository's licence speak for every file below it, so a GPL folder vendored into an MIT repository
passes, and it never reads a file's own header. Here each piece (the file's header, licence texts, manifests, the row's
metadata, the recipe's word for the source) must be satisfiable from the allow-list by itself, or the document goes.

A corpus repeats its evidence: a decision is made once for each distinct set of pieces (20 us) and looked up after that
(1 us). What a list of entries stands for is worked out on first use, 15 ms a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

from filters.licence_evidence import Evidence, EvidenceKind
from filters.licence_expressions import ids_of, joined, says_something
from filters.licence_files import governed_directory
from filters.licence_rules import WORDS, LicenceRules, Verdict, word_of
from filters.licence_sets import licences_of_entries

NO_LICENCE = "NOASSERTION"
UNREADABLE = "unreadable_licence_expression"
NO_LICENCE_FOUND = "no_licence_found"

KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
"""From the one that knows most about the file to the one that knows least."""

MAXIMUM_WHERE = 500
"""The longest list of paths in a piece of evidence; of a longer one the rest is cut."""

_SHOWN_LICENCES = 3
_CACHED_DECISIONS = 65_536
_CACHED_CHARACTERS = 2_000
_NO_EVIDENCE = "no evidence"


@dataclass(frozen=True, slots=True)
class LicenceDecision:
    """What a policy concludes from the evidence.

    Attributes:
        licence: the concluded SPDX expression, every choice made; NOASSERTION for a document kept without evidence;
            empty for a rejected one.
        declared: what the strongest evidence beside the header says, as written; empty for none.
        rejected: the reason, or None where the document is kept.
        detail: the evidence that decided, as short text.
        taints: "header" where the file's own header asks for a copyleft or proprietary licence that is not allowed,
            "lies_in" where only its surroundings do; of kept documents too.
    """

    licence: str
    declared: str
    rejected: str | None
    detail: str
    taints: Literal["", "lies_in", "header"]


class _Judged(NamedTuple):
    piece: Evidence
    verdict: Verdict
    explained_by: Evidence | None = None

    @property
    def fails(self) -> bool:
        return not self.verdict.chosen and self.explained_by is None

    @property
    def is_unreadable(self) -> bool:
        return not self.verdict.chosen and not self.verdict.failing


@dataclass(frozen=True)
class LicencePolicy:
    """Which licences a recipe accepts; each list holds entries as `filters.licence_sets` reads them.

    Attributes:
        allow: for every document.
        allow_text: for documents of kind text besides.
        deny: wins over both, under every name of the same licence.
        no_licence: what becomes of a document about which nothing names a licence.
        conflict: what becomes of one whose header is allowed and whose surroundings are not.
    """

    allow: frozenset[str]
    allow_text: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    no_licence: Literal["reject", "keep"] = "reject"
    conflict: Literal["reject", "prefer_header", "quarantine"] = "reject"

    def decide(self, evidence: Sequence[Evidence], *, kind: Literal["code", "text"] = "code") -> LicenceDecision:
        """Accept the document where each piece of evidence can be satisfied from the allow-list.

        OR: one branch must be allowed (of several, the first in alphabetical order is chosen). AND: all must be.
        `X WITH exception`: X, where the exception is known to widen what X permits, or the whole must be allowed. What
        names no licence (`filters.licence_rules.policy_table`) is passed over. Licence files and metadata list texts
        that were found, where AND may really be a choice: if the header, or a manifest that lies in their folder or
        below, offers it, and the chosen licence is among them, they are not judged again.

        Returns:
            The decision, whatever the order of the evidence; reasons as in `licence_reasons`. Without evidence, as
            `no_licence` says.

        Raises:
            ValueError: an entry of the policy's lists is no licence, set or category.
        """
        key = (kind, *evidence)
        known = self._decided.get(key)
        if known is None:
            known = self._decision(evidence, self._rules[kind])
            if sum(len(piece.expression) + len(piece.where) for piece in evidence) <= _CACHED_CHARACTERS:
                if len(self._decided) >= _CACHED_DECISIONS:
                    self._decided.clear()
                self._decided[key] = known
        return known

    def allows(self, licence: str, *, kind: Literal["code", "text"] = "code") -> bool:
        """Whether `decide` can have concluded this licence: every part of it is allowed, and no choice is left open."""
        if licence == NO_LICENCE:
            return self.no_licence == "keep"
        verdict = self._rules[kind].verdict(licence)
        return bool(verdict.chosen) and not verdict.choice_of

    def _decision(self, evidence: Sequence[Evidence], rules: LicenceRules) -> LicenceDecision:
        speaking, silent = _judged(evidence, rules)
        if not speaking:
            detail = "; ".join(f"{_detail(item)} names no licence" for item in silent) or _NO_EVIDENCE
            if self.no_licence == "keep":
                return LicenceDecision(NO_LICENCE, "", None, detail[:1000], "")
            return LicenceDecision("", "", NO_LICENCE_FOUND, detail[:1000], "")
        failing = [item for item in speaking if item.fails]
        declared, taints = _declared(speaking), _taints(failing)
        header = [item for item in speaking if item.piece.kind == "header"]
        overruled = self.conflict == "prefer_header" and header and failing and failing[0].piece.kind != "header"
        overruled = overruled and not any(item.is_unreadable for item in failing)  # what it says is not known
        if failing and not overruled:
            nearest = [item for item in failing if item.piece.kind == failing[0].piece.kind]
            detail = "; ".join(map(_detail, [*nearest, *(item for item in header if not item.fails)]))
            return LicenceDecision("", declared, self._reason(nearest, bool(header)), detail[:1000], taints)
        concluding = [item for item in speaking if item.verdict.chosen and item.explained_by is None]
        strongest = [item for item in concluding if item.piece.kind == concluding[0].piece.kind]
        licence = " AND ".join(sorted({name for item in strongest for name in item.verdict.chosen}))
        return LicenceDecision(licence, declared, None, "; ".join(map(_detail, speaking))[:1000], taints)

    def _reason(self, nearest: Sequence[_Judged], has_header: bool) -> str:
        """Why pieces of one kind reject a document; `has_header` where its own header names a licence."""
        kind = nearest[0].piece.kind
        words = {item.verdict.word for item in nearest}
        word = next((word for word in WORDS if word in words), None)
        if word is None:
            return UNREADABLE
        if kind == "header" or not has_header:
            return f"{word}_in_{kind}"
        prefix = "quarantined_" if self.conflict == "quarantine" else ""
        return f"{prefix}{kind}_contradicts_header"

    @cached_property
    def _rules(self) -> dict[str, LicenceRules]:
        denied = licences_of_entries(self.deny)
        return {
            "code": LicenceRules(licences_of_entries(self.allow), denied),
            "text": LicenceRules(licences_of_entries(self.allow | self.allow_text), denied),
        }

    @cached_property
    def _decided(self) -> dict[tuple[object, ...], LicenceDecision]:
        return {}


def licence_reasons() -> tuple[str, ...]:
    """Every reason that `LicencePolicy.decide` can give."""
    named = tuple(f"{word}_in_{kind}" for kind in KINDS for word in WORDS)
    contradicting = tuple(f"{kind}_contradicts_header" for kind in KINDS[1:])
    return (
        *named,
        *contradicting,
        *(f"quarantined_{reason}" for reason in contradicting),
        UNREADABLE,
        NO_LICENCE_FOUND,
    )


def _judged(evidence: Sequence[Evidence], rules: LicenceRules) -> tuple[list[_Judged], list[_Judged]]:
    """The pieces that name a licence, and those that name none, each from the strongest kind on."""
    pieces = sorted({piece for piece in evidence if says_something(piece.expression)}, key=_order)
    judged = [_Judged(piece, rules.verdict(piece.expression)) for piece in pieces]
    silent = [item for item in judged if item.verdict.is_neutral]
    speaking = [item for item in judged if not item.verdict.is_neutral]
    choices = [item for item in speaking if item.verdict.choice_of and item.piece.kind in ("header", "manifest")]
    if not choices:
        return speaking, silent
    explained: list[_Judged] = []
    for item in speaking:
        # The row lists what lies in all folders above the file: a manifest explains it only where it explains the
        # licence files, too, or there are none.
        others = [other for other in explained if other.piece.kind == "licence_file" and not other.explained_by]
        able = [choice for choice in choices if choice.piece.kind == "header" or not others]
        explained.append(item._replace(explained_by=_explanation(item.piece, able, rules)))
    return explained, silent


def _explanation(piece: Evidence, choices: Sequence[_Judged], rules: LicenceRules) -> Evidence | None:
    """The choice that a list of texts is explained by: it names all of them, and the one that was chosen is there."""
    found = ids_of(piece.expression) - rules.neutral
    if piece.kind not in ("licence_file", "metadata") or not found:
        return None
    for choice in choices:
        chosen = {name for licence in choice.verdict.chosen for name in ids_of(licence)}
        if chosen <= found <= choice.verdict.choice_of and _speaks_for(choice.piece, piece):
            return choice.piece
    return None


def _speaks_for(choice: Evidence, texts: Evidence) -> bool:
    """Whether licence files lie where a manifest does, or above: not in a package of somebody else's below it."""
    if choice.kind != "manifest" or texts.kind != "licence_file":
        return True
    folder = f"{governed_directory(choice.where)}/"
    governed = (governed_directory(path) for path in texts.where.split(", "))
    return len(texts.where) < MAXIMUM_WHERE and all(not above or folder.startswith(f"{above}/") for above in governed)


def _declared(speaking: Sequence[_Judged]) -> str:
    readable = [item.piece for item in speaking if item.piece.kind != "header" and not item.is_unreadable]
    return joined(piece.expression for piece in readable if piece.kind == readable[0].kind)


def _taints(failing: Sequence[_Judged]) -> Literal["", "lies_in", "header"]:
    kinds = {item.piece.kind for item in failing if item.verdict.word in ("copyleft", "proprietary")} - {"source"}
    if "header" in kinds:
        return "header"
    return "lies_in" if kinds else ""


def _order(piece: Evidence) -> tuple[int, str, str, float]:
    return KINDS.index(piece.kind), piece.where, piece.expression, piece.confidence


def _detail(item: _Judged) -> str:
    piece, verdict = item.piece, item.verdict
    place = f"{piece.kind} {piece.where[:200]}"
    if item.is_unreadable:
        # The text of a broken tag is document content, which has no place in a detail.
        return f"{place}: {len(piece.expression)} characters, not an SPDX expression"
    said = f"{place}: {piece.expression[:200]}"
    if item.explained_by is not None:
        return f"{said} (explained by {item.explained_by.kind} {item.explained_by.where[:200]})"
    if verdict.failing and not verdict.is_neutral and list(verdict.failing) != [piece.expression]:
        worst = sorted(verdict.failing, key=lambda name: WORDS.index(word_of(name)))
        more = f" and {len(worst) - _SHOWN_LICENCES} more" if len(worst) > _SHOWN_LICENCES else ""
        return f"{said} (not allowed: {', '.join(worst[:_SHOWN_LICENCES])}{more})"
    chosen = " AND ".join(verdict.chosen)
    return f"{said} (chosen: {chosen[:60]})" if verdict.choice_of else said
