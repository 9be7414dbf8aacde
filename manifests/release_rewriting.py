"""Rewriting's account in the manifest of a release: by which model, what was asked, what it came to.

The numbers follow from the documents and the model's answers alone: what was paid, cached or asked again after an
outage is not among them.
"""

from typing import Self

import msgspec

# In `RewrittenLanguage.answers`, beside the names of gates: passed every one of them.
ACCEPTED = "accepted"
STAGE = "rewrite"
"""Of the documents that leave for what rewriting found."""
TIERS = ("fine", "smelly", "broken", "hopeless", "unmeasured")


class RewritingModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model that rewrote, as the recipe names it."""

    name: str
    revision: str
    licence: str
    dtype: str


class RewritingSampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it drew tokens."""

    temperature: float
    top_p: float
    seed: int


class RewritingPrompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prompt of a mode; `sha256` is of its file."""

    mode: str
    version: int
    sha256: str


class RewrittenLanguage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code of one language on its way through the model.

    Attributes:
        surveyed: documents that mix selected, by tier, all of `TIERS`; `unmeasured` ones have no grammar.
        chosen: of those, the ones that were given to the model.
        rewritten: of those, the ones of which some mode's answer passed every gate.
        overruled: of those, the ones that keep their original all the same, or go, by reason.
        answers: that were judged, by mode, then by the first gate that refused, or `accepted`; answers to second tries
            and about pieces of a file count for themselves.
        original_bytes: of `rewritten`; `rewritten_bytes` is what they became.
        errors_before: places in the originals of `rewritten` that do not parse.
        findings_before: of the linter, in the same.
        prompt_tokens: of all answers that were judged, as the server counted.
        released_documents: rewrites that are in the release, with `released_bytes` of text.
    """

    surveyed: dict[str, int]
    chosen: int
    rewritten: int
    overruled: dict[str, int]
    answers: dict[str, dict[str, int]]
    original_bytes: int
    rewritten_bytes: int
    errors_before: int
    errors_after: int
    findings_before: int
    findings_after: int
    prompt_tokens: int
    completion_tokens: int
    released_documents: int
    released_bytes: int

    @classmethod
    def nothing(cls) -> Self:
        """Of a language of which nothing was seen."""
        numbers = [name for name in cls.__struct_fields__ if name not in ("surveyed", "overruled", "answers")]
        return cls(surveyed=dict.fromkeys(TIERS, 0), overruled={}, answers={}, **dict.fromkeys(numbers, 0))

    def __add__(self, other: Self) -> Self:
        """Both together."""
        modes = sorted({*self.answers, *other.answers})
        numbers = [name for name in self.__struct_fields__ if name not in ("surveyed", "overruled", "answers")]
        return type(self)(
            surveyed=_added(self.surveyed, other.surveyed),
            overruled=_added(self.overruled, other.overruled),
            answers={mode: _added(self.answers.get(mode, {}), other.answers.get(mode, {})) for mode in modes},
            **{name: getattr(self, name) + getattr(other, name) for name in numbers},
        )

    @property
    def standing(self) -> int:
        """Rewrites that take the original's place."""
        return self.rewritten - sum(self.overruled.values())

    def refused(self) -> dict[str, int]:
        """Answers by the gate that refused them, all modes together."""
        sums: dict[str, int] = {}
        for answers in self.answers.values():
            sums = _added(sums, answers)
        return {gate: count for gate, count in sums.items() if gate != ACCEPTED}


class ReleaseRewriting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model made of the release's code.

    Attributes:
        prompts: in the order in which their modes ran.
        limit: what bounded the choice of documents: the recipe's share, tokens or nothing.
        languages: by linguist's name.
    """

    model: RewritingModel
    sampling: RewritingSampling
    prompts: list[RewritingPrompt]
    limit: str
    languages: dict[str, RewrittenLanguage]

    @property
    def total(self) -> RewrittenLanguage:
        """All languages together."""
        return sum(self.languages.values(), RewrittenLanguage.nothing())


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}
