"""Licence detection: what scancode-toolkit reads in a text, as an SPDX expression.

Exact matching answers most notices in a millisecond; comparing with all 37,000 rules approximately takes a tenth of a
second and more, so it is asked only where exact matching found several licences or left words of terms over. On 500
files the answer is that of a full scan of the whole file in all but two (docs/licences.md).

The index takes 1.1 GB and 4 to 9 CPU seconds to load: one step alone loads it, once, before its workers fork.
"""

import re
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

METHOD = 2  # raised when the same text may get another answer
MAXIMUM_CHARACTERS = 60_000
"""A longer text is to be cut by the caller."""

_AGAIN_SECONDS = 0.1
_MAXIMUM_WORDS_LEFT = 1
_MINIMUM_TERMS = 5
_SURE = 0.7
_GRANT = re.compile(
    r"\b(?:licen[cs]ed|released|distributed|published|available|provided|covered|governed)\b[^.]{0,60}\b(?:under|by)\b"
    r"|\b(?:under|subject to) the (?:terms|conditions) of\b|@licen[cs]e\b",
    re.IGNORECASE,
)
# scancode compares approximately only while a word of licences is unmatched; this one is in no rule by itself.
_UNMATCHED_WORD = "\nlicensing"


class Detection(NamedTuple):
    """What was found in a text.

    Attributes:
        expression: SPDX, several findings joined with AND; empty for nothing.
        granted: the same of those findings alone that hold words of a grant or a licence's own text, or stand right
            behind "released under" and the like, rather than a name or a link alone.
        confidence: of the least sure finding, 0..1; 1 for nothing.
        decided: False where the time ran out: nothing is known of the text.
    """

    expression: str = ""
    granted: str = ""
    confidence: float = 1.0
    decided: bool = True


def detector_version() -> str:
    """What answers depend on beside the text."""
    return f"scancode-{version('scancode-toolkit')}-{METHOD}"


@cache
def load() -> Any:
    """The index of licence texts, loaded once per process; a forked child inherits it."""
    import licensedcode.detection  # noqa: F401 - a second of imports, which is no part of anybody's time limit
    from licensedcode.cache import get_index

    return get_index()


def detect(text: str, *, seconds: float) -> Detection:
    """The licences that a notice or a licence text names.

    Args:
        text: at most `MAXIMUM_CHARACTERS` characters.
        seconds: more than 0; CPU time after which it is given up. Sound texts take less than two; what takes longer on
            one machine may be decided on another. Loading the index does not count.

    Returns:
        Nothing found for an empty text.

    Raises:
        ValueError: called in a thread other than the main one, where no signal arrives.
    """
    if not text.strip():
        return Detection()
    load()
    try:
        return limited(lambda: _found(text[:MAXIMUM_CHARACTERS]), seconds)
    except TimeOverError:
        return Detection(decided=False)


class _Finding(NamedTuple):
    spdx: str
    score: float
    is_grant: bool


def _found(text: str) -> Detection:
    findings = _findings(text, approximate=False)
    remains = _remains(text)
    if remains or _are_several(findings):
        compared = _findings(text + _UNMATCHED_WORD, approximate=True)
        # Where every word is explained, several licences may still be one text, but not one that fits badly.
        if remains or _confidence(compared) >= min(_confidence(findings), _SURE):
            findings = compared
    if not findings:
        return Detection()
    granted = [finding.spdx for finding in findings if finding.is_grant]
    return Detection(_joined(finding.spdx for finding in findings), _joined(granted), _confidence(findings))


def _confidence(findings: list[_Finding]) -> float:
    """Of the least sure finding; 0 for none."""
    return round(min((finding.score for finding in findings), default=0.0) / 100, 4)


def _findings(text: str, *, approximate: bool) -> list[_Finding]:
    """What the detector finds; clues, which it does not count itself, are left out."""
    from licensedcode.cache import build_spdx_license_expression
    from licensedcode.detection import detect_licenses

    rows = text.split("\n")
    return [
        _Finding(
            build_spdx_license_expression(item.license_expression),
            min(match.score() for match in item.matches),
            any(_is_grant(match, rows) for match in item.matches),
        )
        for item in detect_licenses(index=load(), query_string=text, approximate=approximate)
        if item.license_expression
    ]


def _is_grant(match: Any, rows: list[str]) -> bool:
    """Whether words of a grant, or a licence's own, were matched, or stand around a name that was."""
    if match.rule.is_license_notice or match.rule.is_license_text:
        return True
    around = " ".join(rows[max(0, match.start_line - 2) : match.end_line])
    return bool(_GRANT.search(around))


def _are_several(findings: list[_Finding]) -> bool:
    expressions = {finding.spdx for finding in findings}
    return len(expressions) > 1 or any(" AND " in spdx for spdx in expressions)


def _remains(text: str) -> bool:
    """Whether exact matching leaves words of licences over."""
    index = load()
    matches = index.match(query_string=text, approximate=False)
    if not matches:
        return len(set(_terms(text, index))) >= _MINIMUM_TERMS
    matched = set().union(*(match.qspan for match in matches))
    tokens = matches[0].query.tokens
    left = sum(
        token is not None and token < index.len_legalese and place not in matched for place, token in enumerate(tokens)
    )
    return bool(left > _MAXIMUM_WORDS_LEFT)


def _terms(text: str, index: Any) -> Iterator[int]:
    """The words of a text that are typical of licences, as the numbers that the index gives them."""
    from licensedcode.tokenize import query_tokenizer

    for word in query_tokenizer(text):
        number = index.dictionary.get(word)
        if number is not None and number < index.len_legalese:
            yield number


def _joined(expressions: Iterable[str]) -> str:
    """Joined with AND and simplified, in an order of its own; empty for none."""
    from license_expression import Licensing

    joined = " AND ".join(f"({expression})" for expression in sorted(set(expressions)))
    return str(Licensing().parse(joined).simplify()) if joined else ""


class TimeOverError(BaseException):
    """Not an Exception: nothing that the detector catches may keep it."""


def limited(work: Callable[[], Detection], seconds: float) -> Detection:
    """What the work returns; raises TimeOverError after so much CPU time, between two steps of Python."""
    armed = True

    def over(_signal: int, _frame: object) -> None:
        if armed:
            raise TimeOverError

    before = signal.signal(signal.SIGVTALRM, over)
    try:
        # Again and again: an exception that arrives in a destructor or a callback of C is only printed.
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_SECONDS)
        try:
            return work()
        finally:
            armed = False
    finally:  # of its own: the signal may arrive just before it is disarmed
        armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
