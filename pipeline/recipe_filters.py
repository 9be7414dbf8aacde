"""The part of a recipe that judges quality and language: which profile judges which documents, and allow-lists.

The tables of the built-in profiles are data of the `filters` package. A recipe names them, changes some of their
limits, or brings its own; what it holds after reading are the complete tables, so nothing has to be looked up later.
"""

from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from filters.bounds import Bounds
from filters.profiles import ASSIGNED, PROFILES
from filters.rules import Limits, Rule
from filters.signals import check_name
from manifests.document import Kind
from manifests.errors import RecipeError
from pipeline.recipe_types import Finite, Fraction, Section

ProfileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]


class LimitsSection(Section):
    """Inclusive limits; null is off."""

    minimum: Finite | None = None
    maximum: Finite | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class RuleSection(LimitsSection):
    """What a profile says of one signal; `languages` holds the limits that stand there in place of these.

    A rule without any limit has its signal measured and rejects nothing.
    """

    languages: dict[str, LimitsSection] = {}

    def limits(self, language: str) -> LimitsSection:
        """The limits for documents in a language."""
        return self.languages.get(language, self)

    def measures(self, language: str) -> bool:
        """Whether the signal of documents in a language is needed."""
        return _is_set(self.limits(language)) or not any(map(_is_set, (self, *self.languages.values())))


class Filters(Section):
    """Profiles, tables of rules by signal, and whom they judge.

    `assign` goes by subset, where that is not named by language, else by kind. `profiles` holds changes to built-in
    tables and tables of one's own, by profile and signal; a change keeps the limits that it does not name.
    """

    assign: dict[str, list[ProfileName]] = ASSIGNED
    profiles: Annotated[dict[ProfileName, dict[str, RuleSection | None]], Field(validate_default=True)] = {}

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        assign, given = value.get("assign", ASSIGNED), value.get("profiles", {})
        if not isinstance(assign, dict) or not isinstance(given, dict):
            return value  # the fields say what is wrong with them
        named = {str(name) for names in assign.values() if isinstance(names, list) for name in names}
        built_in = {name: _table(name) for name in sorted(named | given.keys()) if name in PROFILES}
        return {**value, "profiles": {**built_in, **{name: _changed(built_in, name, given[name]) for name in given}}}

    @field_validator("profiles")
    @classmethod
    def _signals_exist(cls, profiles: dict[str, dict[str, RuleSection | None]]) -> Any:
        for name, table in profiles.items():
            for signal in table:
                try:
                    check_name(signal)
                except RecipeError as error:
                    raise ValueError(f"profile {name}: {error.message}; {error.hint}") from error
        return profiles

    @model_validator(mode="after")
    def _profiles_exist(self) -> Self:
        known = sorted({*PROFILES, *self.profiles})
        for group, names in self.assign.items():
            for name in names:
                if name not in self.profiles:
                    near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
                    raise ValueError(
                        f"assign.{group}: no profile {name!r}; expected one of {', '.join(known)}"
                        f"; did you mean {near!r}?"
                    )
        return self

    @property
    def signals(self) -> list[str]:
        """Names of the signals of all profiles that are assigned, sorted, each once."""
        return sorted({signal for table in self._assigned.values() for signal in table})

    @property
    def measuring(self) -> dict[str, Any]:
        """What decides which signals are measured of which documents: everything but the limits' values."""
        tables = {
            name: {
                signal: [rule.measures(""), {group: rule.measures(group) for group in rule.languages}]
                for signal, rule in table.items()
            }
            for name, table in self._assigned.items()
        }
        return {"assign": self.assign, "profiles": tables}

    @property
    def _assigned(self) -> dict[str, dict[str, RuleSection]]:
        names = sorted({name for names in self.assign.values() for name in names})
        return {name: {signal: rule for signal, rule in self.profiles[name].items() if rule} for name in names}

    def profiles_of(self, kind: Kind, subset: str, language: str) -> list[str]:
        """The profiles that judge such a document."""
        for group in (subset, language, kind):
            if group in self.assign:
                return self.assign[group]
        return []

    def measured(self, kind: Kind, subset: str, language: str) -> list[str]:
        """Names of the signals that are measured of such a document, sorted, each once."""
        tables = [self.profiles[name] for name in self.profiles_of(kind, subset, language)]
        return sorted({name for table in tables for name, rule in table.items() if rule and rule.measures(language)})

    def bounds(self, kind: Kind, subset: str, language: str) -> list[Bounds]:
        """What such a document is held against, in the order of profiles and rules."""
        found = []
        for name in self.profiles_of(kind, subset, language):
            for signal, rule in self.profiles[name].items():
                limits = rule and rule.limits(language)
                if limits and _is_set(limits):
                    found.append(Bounds(signal, limits.minimum, limits.maximum))
        return found


class ProgrammingLanguages(Section):
    """Which languages code may be in, by GitHub linguist's names; `allow: null` is all, "" is an unknown one.

    `from_content`: whether code without language and path is told by its content, which costs 10 ms a document.
    """

    allow: list[str] | None = None
    deny: list[str] = []
    from_content: bool = False


class NaturalLanguages(Section):
    """Which languages prose may be in, by ISO 639 codes; `allow: null` is all."""

    allow: list[str] | None = None
    minimum_confidence: Fraction = 0.65


class Languages(Section):
    """Allow-lists by language: of code, and of text and the prose among code (Markdown and the like)."""

    programming: ProgrammingLanguages = ProgrammingLanguages()
    natural: NaturalLanguages = NaturalLanguages()


def _is_set(limits: LimitsSection) -> bool:
    return limits.minimum is not None or limits.maximum is not None


def _table(name: str) -> dict[str, dict[str, Any]]:
    return {signal: _row(rule) for signal, rule in PROFILES[name].items()}


def _row(rule: Rule) -> dict[str, Any]:
    languages = {language: _limits(limits) for language, limits in rule.languages.items()}
    return {**_limits(Limits(rule.minimum, rule.maximum)), **({"languages": languages} if languages else {})}


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        name: float(value)
        for name, value in (("minimum", limits.minimum), ("maximum", limits.maximum))
        if value is not None
    }


def _changed(built_in: dict[str, dict[str, Any]], name: str, given: Any) -> Any:
    """A table with the recipe's changes: rules of the same signal are laid over each other, key by key."""
    if not isinstance(given, dict):
        return given
    table: dict[str, Any] = dict(built_in.get(name, {}))
    for signal, rule in given.items():
        old = table.get(signal)
        table[signal] = {**old, **rule} if isinstance(old, dict) and isinstance(rule, dict) else rule
    return table
