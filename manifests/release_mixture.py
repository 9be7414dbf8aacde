"""The mixture's account in the manifest of a release: what was asked for, what there was, what was reached."""

import msgspec


class ReleaseDomain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a kind that the mixture weighs.

    Attributes:
        name: a subset or language that the recipe names; empty for all that it does not name.
        published: its weight in the mixture of the preset; null without one.
        share: of its kind's tokens, before maxima.
        epochs: how often its documents count, and may be taken unless there are not enough.
        estimated_tokens: in one copy of every document that clean kept.
        selected_tokens: by mix, copies included, as target_tokens and reached_tokens.
    """

    kind: str
    name: str
    published: float | None
    share: float
    epochs: float
    estimated_tokens: int
    selected_tokens: int
    target_tokens: int
    reached_tokens: int


class ReleaseMixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares asked for; tokens by kind as estimated of all, as selected by mix, as aimed at, as in the release."""

    shares: dict[str, float]
    estimated_tokens: dict[str, int]
    selected_tokens: dict[str, int]
    target_tokens: dict[str, int]
    reached_tokens: dict[str, int]
    domains: list[ReleaseDomain]
