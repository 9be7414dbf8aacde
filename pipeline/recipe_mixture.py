"""The recipe's section on the mixture: shares in tokens, and what to do where there are not enough."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from filters.pile_subsets import subset_licence
from filters.pile_weights import PILE_WEIGHTS
from pipeline.recipe_types import Fraction, Positive, Section
from stages.allocation import Key, Rule

_Epochs = Annotated[float, Field(gt=0, le=1000)]
_DomainName = Annotated[str, Field(min_length=1, max_length=200)]
_KIND_OF_PRESET = "text"


class Domain(Section):
    """What is asked of one subset or language; null: 1 epoch or the preset's, no weight or the preset's, no maximum."""

    weight: Fraction | None = None
    epochs: _Epochs | None = None
    maximum_tokens: Positive | None = None
    maximum_bytes: Positive | None = None


class Mixture(Section):
    """Shares of the tokens by kind, which must add up to 1, and by subset or language inside a kind.

    `tokens` is the wanted total (null: as many as the shares allow). Where there are not enough, `scale` makes the
    release smaller at the same shares, `repeat` takes documents up to `maximum_epochs` times, `fail` stops. `reserve`
    is what mix selects beyond what it needs by its estimate.
    """

    code: Fraction = 0.7
    text: Fraction = 0.3
    tokens: Positive | None = None
    shortfall: Literal["scale", "repeat", "fail"] = "scale"
    reserve: Annotated[float, Field(ge=0, le=1)] = 0.01
    maximum_epochs: Annotated[float, Field(ge=1, le=1000)] = 4.0
    preset: Literal["pile-v1"] | None = None
    domains: dict[_DomainName, Domain] = {}

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if abs(self.code + self.text - 1) > 1e-9:
            raise ValueError(f"code + text must be 1, got {self.code + self.text}")
        if self.shortfall != "scale" and self.tokens is None:
            raise ValueError(f"shortfall: {self.shortfall} needs tokens, the total that must be reached")
        return self

    @model_validator(mode="after")
    def _epochs_are_within_the_maximum(self) -> Self:
        names = [*self.domains, *(PILE_WEIGHTS if self.preset else ())]
        for name in names:
            epochs = self._rule(name, preset=self.preset is not None).epochs
            if epochs > self.maximum_epochs:
                by = "domains" if name in self.domains and self.domains[name].epochs else f"preset {self.preset}"
                raise ValueError(
                    f"{by}: {name}: {epochs:g} epochs; expected at most maximum_epochs, {self.maximum_epochs:g}"
                )
        return self

    @property
    def kinds(self) -> dict[str, float]:
        """The share of each kind."""
        return {"code": self.code, "text": self.text}

    def domain_of(self, kind: str, subset: str, language: str) -> str:
        """The domain of a document: its subset if that is named, else its language if that is, else "".

        The preset names the subsets of the Pile, however they are spelt, for kind text; code has its own shares.
        """
        if subset in self.domains:
            return subset
        if self._has_preset(kind) and (known := subset_licence(subset)) is not None:
            return known.name
        return language if language in self.domains else ""

    def rules(self, keys: Iterable[Key]) -> dict[Key, Rule]:
        """What is said of some domains, by (kind, domain)."""
        return {(kind, name): self._rule(name, preset=self._has_preset(kind)) for kind, name in keys}

    def naming(self) -> object:
        """What decides which domain a document is of, JSON-able."""
        return [self.preset, sorted(self.domains)]

    def _has_preset(self, kind: str) -> bool:
        return self.preset is not None and kind == _KIND_OF_PRESET

    def _rule(self, name: str, *, preset: bool) -> Rule:
        asked = self.domains.get(name, Domain())
        published = PILE_WEIGHTS.get(name) if preset else None
        return Rule(
            weight=asked.weight,
            published=published.weight if published and asked.weight is None else None,
            epochs=asked.epochs or (published.epochs if published else 1.0),
            maximum_tokens=asked.maximum_tokens,
            maximum_bytes=asked.maximum_bytes,
        )
