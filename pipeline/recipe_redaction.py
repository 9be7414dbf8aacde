"""The recipe's section on redaction: how eagerly each kind is looked for, what stays, what takes its place."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from filters.redaction_policy import KINDS, LEVELS, Level, RedactionPolicy
from pipeline.recipe_types import Fraction, Section
from stages.leaks import LeakLimits

_MAXIMUM_PATTERN = 200


def _level(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    if value is False:
        return "off"
    if value not in LEVELS:
        got = "true" if value is True else repr(value)[:80]
        near = get_close_matches(str(value), LEVELS, n=1) or ["balanced"]
        raise ValueError(f"expected {', '.join(LEVELS[:-1])} or {LEVELS[-1]}, got {got}; did you mean {near[0]}?")
    return value


def _pattern(value: Any) -> Any:
    """Other than text is left to pydantic."""
    if value == "":
        raise ValueError(
            "expected a pattern of one character or more, got an empty text; did you mean to leave it out?"
        )
    if isinstance(value, str) and len(value) > _MAXIMUM_PATTERN:
        raise ValueError(f"expected a pattern of at most {_MAXIMUM_PATTERN} characters, got {len(value)}")
    if isinstance(value, str) and "*" in value and not value.strip("*?"):
        raise ValueError(
            f"expected a pattern with more than stars, got {value!r}, with which everything stays; did you mean "
            "sensitivity: {email: off}?"
        )
    return value


Sensible = Annotated[Level, BeforeValidator(_level)]
Pattern = Annotated[str, Field(min_length=1, max_length=_MAXIMUM_PATTERN), BeforeValidator(_pattern)]


class Sensitivity(Section):
    """A level for each kind: off, low, balanced or high."""

    private_key: Sensible = "balanced"
    secret: Sensible = "balanced"
    url_password: Sensible = "balanced"
    assigned_secret: Sensible = "balanced"
    payment_card: Sensible = "balanced"
    iban: Sensible = "balanced"
    email: Sensible = "balanced"
    phone_number: Sensible = "balanced"
    ip_address: Sensible = "balanced"


class Redaction(Section):
    """What is replaced, by what, and which documents leak too much to be kept.

    `allow`: patterns of values that stay, with `*` and `?`. `addresses`: whether an e-mail or IP address becomes a
    placeholder or a stand-in from a range that is reserved for documentation. A document with more findings in 1,000
    bytes than `maximum_findings_per_kb`, or of which more than `maximum_key_fraction` is private keys, is left out.
    """

    sensitivity: Sensitivity = Sensitivity()
    allow: list[Pattern] = []
    addresses: Literal["placeholder", "stand_in"] = "placeholder"
    maximum_findings_per_kb: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = 10.0
    maximum_key_fraction: Fraction | None = 0.5

    @model_validator(mode="before")
    @classmethod
    def _kinds_became_levels(cls, value: Any) -> Any:
        if isinstance(value, dict) and "kinds" in value:
            kinds = value["kinds"] if isinstance(value["kinds"], list) else []
            off = ", ".join(f"{kind}: off" for kind in KINDS if kind not in kinds)
            raise ValueError(
                "`kinds` is gone: expected `sensitivity`, which has a level for each kind; did you mean "
                f"sensitivity: {{{off or 'email: balanced'}}}?"
            )
        return value

    @property
    def policy(self) -> RedactionPolicy:
        """What finds and replaces."""
        levels = tuple(getattr(self.sensitivity, kind) for kind in KINDS)
        return RedactionPolicy(levels, tuple(sorted(set(self.allow))), self.addresses == "stand_in")

    @property
    def limits(self) -> LeakLimits:
        """What a document may leak."""
        return LeakLimits(self.maximum_findings_per_kb, self.maximum_key_fraction)
