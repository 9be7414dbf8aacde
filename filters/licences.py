"""Licence evidence of one document and the decision on it.

The Stack v2 lets a repository's licence speak for every file below it, so a GPL folder vendored into an MIT repository
passes, and it never reads a file's own header. Here every piece of evidence (row metadata, the SPDX tags of the header,
the recipe's word for the whole source) must be satisfiable from the allow-list by itself, or the document goes.

Expressions are parsed by `license_expression` without its table of known licences: an allow-list needs exact ids, not
aliases, and the table would cost 25 ms a process and 2,600 objects. A parse costs 60 us, so conclusions are cached by
expression (a corpus has few distinct ones); looking for a tag costs about 7 us a document, whatever its size.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import license_expression

HEADER_CHARACTERS = 4_000
MAXIMUM_EXPRESSION_CHARACTERS = 2_000
MAXIMUM_EXPRESSION_DEPTH = 32

# In ScanCode's categories "Permissive" or "Public Domain" each (a test holds the list against the copy of its index
# that `license_expression` brings). Left out of those categories on purpose: licences for content rather than code
# (CC-BY), field-of-use clauses (JSON), advertising clauses (BSD-4-Clause, OpenSSL). To be reviewed by a lawyer.
PERMISSIVE: tuple[str, ...] = (
    # Blue Oak Council "model" to "silver" (from memory): the broad licences of today.
    *("Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-2-Clause-Patent", "BSL-1.0", "ISC", "MIT", "MIT-0"),
    *("MulanPSL-1.0", "MulanPSL-2.0", "UPL-1.0"),
    # No conditions at all, or a dedication to the public domain.
    *("0BSD", "blessing", "CC0-1.0", "Unlicense", "WTFPL"),
    # The BSD and MIT families, older wordings included.
    *("BSD-1-Clause", "BSD-2-Clause-Views", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSD-Source-Code", "HPND"),
    *("HPND-sell-variant", "MIT-CMU", "MIT-Modern-Variant", "MITNFA", "NCSA", "NTP", "X11"),
    # Licences of one project, permissive for everybody.
    *("bzip2-1.0.6", "CNRI-Python", "curl", "dtoa", "FTL", "ICU", "IJG", "Libpng", "libpng-2.0", "libtiff"),
    *("PostgreSQL", "PSF-2.0", "Python-2.0", "Python-2.0.1", "SMLNJ", "TCL", "Unicode-3.0", "Unicode-DFS-2015"),
    *("Unicode-DFS-2016", "Zlib", "zlib-acknowledgement", "ZPL-2.0", "ZPL-2.1"),
)

# What ScanCode finds beside licences: contribution agreements, trademark and export notes, "see the licence file", and
# permissions on top of one. All but the two exceptions are The Stack v2's own list (get_license_types.py).
NEUTRAL: tuple[str, ...] = (
    *(f"LicenseRef-scancode-{name}-cla" for name in ("generic", "google", "newton-king")),
    *(f"LicenseRef-scancode-generic-{name}" for name in ("exception", "export-compliance", "tos", "trademark")),
    *("LicenseRef-scancode-dco-1.1", "LicenseRef-scancode-jetty-ccla-1.1", "LicenseRef-scancode-warranty-disclaimer"),
    *("LicenseRef-scancode-unknown-license-reference", "fmt-exception", "LLVM-exception"),
)

_NO_EVIDENCE = frozenset({"", "none", "noassertion"})
_RANK = {"header": 0, "metadata": 1, "source": 2}
_LICENSING = license_expression.Licensing()

_TAG = "spdx-license-identifier"
_TAG_PATTERN = re.compile(_TAG + r"[ \t]*:", re.IGNORECASE | re.ASCII)
# Line end, written-out line end inside a string, comment closers of C, XML, Jinja, ERB, PHP, ML, Haskell, Lisp, Julia,
# Lua; docstring quotes; a closing XML tag; a closing template brace.
_END_PATTERN = re.compile(r"[\r\n]|\\[nr]|\*/|-->|#\}|%>|\?>|\*\)|-\}|\|#|=#|--\]|\"\"\"|'''|</|\}\}")
_QUOTES = ("'", '"', "`")
_TRAILING = " \t\f\v*#/;|!,.'\"`]}>-=\\"
_OR_PATTERN = re.compile(r"[\s)]or[\s(]", re.IGNORECASE)


NO_LICENCE = "NOASSERTION"
UNREADABLE = "unreadable_licence_expression"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one place says about a document's licence.

    Attributes:
        expression: an SPDX expression as found, not yet checked.
        where: field names for "metadata", `line 3` for "header", `recipe` for "source".
    """

    kind: Literal["metadata", "header", "source"]
    expression: str
    where: str


@dataclass(frozen=True, slots=True)
class LicenceDecision:
    """What a policy concludes from the evidence.

    Attributes:
        licence: the concluded SPDX expression, every choice made; NOASSERTION for a document kept without evidence;
            empty for a rejected one.
        rejected: the reason, or None where the document is kept.
        detail: the evidence that decided, as short text.
    """

    licence: str
    rejected: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """The licences that satisfy one expression, in alphabetical order, or why there are none."""

    licences: tuple[str, ...] = ()
    rejected: Literal["", "unreadable", "not_allowed"] = ""


@dataclass(frozen=True)
class LicencePolicy:
    """Which licences a recipe accepts.

    Attributes:
        allow: SPDX ids or `X WITH exception`; compared case-insensitively, and their spelling is what is recorded.
        no_licence: what becomes of a document without any evidence.
        neutral: ids that are no licence; passed over beside (AND) one that is, and not allowed alone.
    """

    allow: frozenset[str]
    no_licence: Literal["reject", "keep"]
    neutral: frozenset[str] = frozenset(NEUTRAL)

    def decide(self, evidence: Sequence[Evidence]) -> LicenceDecision:
        """Accept the document where each piece of evidence can be satisfied from the allow-list.

        OR: one branch must be allowed (of several, the first in alphabetical order is chosen). AND: all must be.
        `X WITH exception`: X or the whole must be allowed, since an exception only widens what X permits.
        NOASSERTION and NONE are no evidence. The concluded licence is the header's, else the metadata's, else the
        source's.

        Returns:
            The decision; reasons are no_licence_found, licence_not_allowed_in_header, .._metadata, .._source and
            unreadable_licence_expression.
        """
        pieces = sorted((piece for piece in evidence if _says_something(piece.expression)), key=_rank)
        if not pieces:
            if self.no_licence == "keep":
                return LicenceDecision(NO_LICENCE, None, "no evidence")
            return LicenceDecision("", "no_licence_found", "no evidence")
        licences: set[str] = set()
        for piece in pieces:
            conclusion = _conclude(piece.expression, self)
            if conclusion.rejected == "unreadable":
                # The text of a broken tag is document content, which has no place in a detail.
                detail = f"{piece.kind} {piece.where}: {len(piece.expression)} characters, not an SPDX expression"
                return LicenceDecision("", UNREADABLE, detail)
            if conclusion.rejected:
                return LicenceDecision("", f"licence_not_allowed_in_{piece.kind}", _detail(piece))
            if piece.kind == pieces[0].kind:
                licences.update(conclusion.licences)
        return LicenceDecision(" AND ".join(sorted(licences)), None, "; ".join(map(_detail, pieces)))

    @cached_property
    def spelling(self) -> dict[str, str]:
        """The allow-list by case-folded entry."""
        return {" ".join(entry.split()).casefold(): " ".join(entry.split()) for entry in sorted(self.allow)}

    @cached_property
    def passed_over(self) -> frozenset[str]:
        """The neutral ids, case-folded."""
        return frozenset(entry.casefold() for entry in self.neutral)


def header_evidence(text: str) -> Evidence | None:
    """The `SPDX-License-Identifier:` tags within the first 4,000 characters, joined with AND.

    The tag is found in any case (Linux wants it exact; a tag overlooked is worse than one too many). What follows on
    its line is taken up to a comment closer, less quotes and punctuation around it; whatever else is there makes the
    expression unreadable rather than shorter. A quoted tag without a licence, as in tools that look for it, is none.

    Returns:
        The evidence; None without a tag. Cost is bounded by the 4,000 characters, not by the text.

    Source: SPDX specification 2.3, annex E. Deviation: expressions over several lines come out unreadable.
    """
    if _TAG not in text[:HEADER_CHARACTERS].lower():
        return None
    tags = list(_TAG_PATTERN.finditer(text, 0, HEADER_CHARACTERS))
    found: list[tuple[str, int]] = []
    for index, tag in enumerate(tags):
        end = tags[index + 1].start() if index + 1 < len(tags) else tag.end() + 2 * MAXIMUM_EXPRESSION_CHARACTERS
        expression = _trimmed(text[tag.end() : end])
        if _says_something(expression):
            found.append((expression, text.count("\n", 0, tag.start()) + 1))
    if not found:
        return None
    numbers = ", ".join(str(number) for number in sorted({number for _, number in found}))
    where = f"lines {numbers}" if "," in numbers else f"line {numbers}"
    return Evidence("header", _joined(expression for expression, _ in found), where)


def metadata_evidence(detected_licenses: Sequence[str], gha_license_id: str | None) -> Evidence | None:
    """What a Stack v2 row says: its detected licences and, as one more of them, the repository's on GitHub.

    Returns:
        The evidence, all joined with AND; None where nothing is said.
    """
    detected = [item for item in detected_licenses if _says_something(item)]
    repository = [gha_license_id] if gha_license_id is not None and _says_something(gha_license_id) else []
    if not detected and not repository:
        return None
    fields = [name for name, items in (("detected_licenses", detected), ("gha_license_id", repository)) if items]
    return Evidence("metadata", _joined(detected + repository), ", ".join(fields))


def _says_something(expression: str) -> bool:
    return expression.strip().casefold() not in _NO_EVIDENCE


def _rank(piece: Evidence) -> int:
    return _RANK[piece.kind]


def _detail(piece: Evidence) -> str:
    return f"{piece.kind} {piece.where}: {piece.expression[:200]}"


def _trimmed(rest: str) -> str:
    """The expression at the start of what follows a tag; empty where there is none."""
    expression = _END_PATTERN.split(rest, maxsplit=1)[0].strip()
    if expression.startswith(_QUOTES):
        if not (expression[1:2].isalnum() or expression[1:2] == "("):
            return ""  # the quote closes the tag itself
        expression = expression[1:]
    expression = expression.rstrip(_TRAILING)
    unopened = expression.count(")") - expression.count("(")
    while unopened > 0 and expression.endswith(")"):
        expression, unopened = expression[:-1].rstrip(_TRAILING), unopened - 1
    return expression


def _joined(expressions: Iterable[str]) -> str:
    """The distinct expressions joined with AND; one that would break out of its parentheses stands alone."""
    by_key: dict[str, str] = {}
    for expression in expressions:
        by_key.setdefault(expression.strip().casefold(), expression.strip())
    distinct = list(by_key.values())
    for expression in distinct:
        if not _is_nested_well(expression):
            return expression
    if len(distinct) == 1:
        return distinct[0]
    return " AND ".join(f"({item})" if _OR_PATTERN.search(item) else item for item in distinct)


def _is_nested_well(expression: str) -> bool:
    depth = 0
    for parenthesis in re.findall(r"[()]", expression):
        depth += 1 if parenthesis == "(" else -1
        if not 0 <= depth <= MAXIMUM_EXPRESSION_DEPTH:
            return False
    return depth == 0


def _conclude(expression: str, policy: LicencePolicy) -> _Conclusion:
    # Long expressions are rare and would let a hostile corpus fill the cache with megabytes.
    return _evaluated(expression, policy) if len(expression) > 400 else _cached(expression, policy)


def _evaluated(expression: str, policy: LicencePolicy) -> _Conclusion:
    # Nesting is limited by us: where Python's own limit bites depends on who calls.
    if len(expression) > MAXIMUM_EXPRESSION_CHARACTERS or not _is_nested_well(expression):
        return _Conclusion(rejected="unreadable")
    try:
        tree = _LICENSING.parse(expression, simple=True)
        licences = _satisfied(tree, policy)
    # The parser meets some malformed input ("()", "( or MIT") with an IndexError or a failed assertion of its own.
    except (license_expression.ExpressionError, IndexError, AssertionError):
        return _Conclusion(rejected="unreadable")
    return _Conclusion(licences) if licences is not None else _Conclusion(rejected="not_allowed")


_cached = lru_cache(maxsize=65_536)(_evaluated)


def _satisfied(node: object, policy: LicencePolicy) -> tuple[str, ...] | None:
    """The allowed licences that satisfy a parsed expression; None where there are none."""
    if isinstance(node, license_expression.AND):
        return _all_satisfied(node.args, policy)
    if isinstance(node, license_expression.OR):
        branches = [_satisfied(branch, policy) for branch in node.args]
        return min((branch for branch in branches if branch is not None), key=" AND ".join, default=None)
    if isinstance(node, license_expression.LicenseWithExceptionSymbol):
        licence, exception = str(node.license_symbol.key), str(node.exception_symbol.key)
        whole = policy.spelling.get(f"{licence} with {exception}".casefold())
        if whole is not None:
            return (whole,)
        licence_alone = policy.spelling.get(licence.casefold())
        return None if licence_alone is None else (f"{licence_alone} WITH {exception}",)
    if isinstance(node, license_expression.LicenseSymbol):
        spelling = policy.spelling.get(str(node.key).casefold())
        return None if spelling is None else (spelling,)
    raise license_expression.ExpressionError(f"unexpected node {type(node).__name__}")


def _all_satisfied(operands: Iterable[object], policy: LicencePolicy) -> tuple[str, ...] | None:
    operands = list(operands)
    licensing = [operand for operand in operands if str(operand).casefold() not in policy.passed_over]
    found: set[str] = set()
    for operand in licensing or operands:
        licences = _satisfied(operand, policy)
        if licences is None:
            return None
        found.update(licences)
    return tuple(sorted(found))
