"""The recipe's section on redaction: how eagerly each kind is looked for, what stays, what takes its place."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from filters.redaction_policy import KINDS, Level, RedactionPolicy
from pipeline.recipe_types import Section


def _off(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


Sensible = Annotated[Level, BeforeValidator(_off)]


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
    placeholder or a stand-in from a range that is reserved for documentation.
    """

    sensitivity: Sensitivity = Sensitivity()
    allow: list[Annotated[str, Field(min_length=1, max_length=200)]] = []
    addresses: Literal["placeholder", "stand_in"] = "placeholder"

    @property
    def policy(self) -> RedactionPolicy:
        """What finds and replaces."""
        levels = tuple(getattr(self.sensitivity, kind) for kind in KINDS)
        return RedactionPolicy(levels, tuple(sorted(set(self.allow))), self.addresses == "stand_in")
