"""The part of a recipe that judges quality and language: which profile judges which documents, and allow-lists.

The tables of the built-in profiles are data of the `filters` package. A recipe names them, changes some of their
limits, or brings its own; what it holds after reading are the complete tables, so nothing has to be looked up later.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from filters.bounds import Bounds
from filters.natural_languages import known_codes
from filters.profiles import ASSIGNED, PROFILES
from filters.rules import Limits, Rule
from filters.signals import check_name
from manifests.document import Kind
from manifests.errors import RecipeError
from pipeline.recipe_types import Finite, Fraction, Section

ProfileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]


class DocumentClass(NamedTuple):
    """What the choice of profiles and limits depends on; `*` is any name that no rule tells apart."""

    kind: Kind
    subset: str
    language: str


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

    languages: dict[str, LimitsSection | None] = {}

    def limits(self, language: str) -> LimitsSection:
        """The limits for documents in a language."""
        return self.languages.get(language) or self

    def measures(self, language: str) -> bool:
        """Whether the signal of documents in a language is needed."""
        others = [limits for limits in self.languages.values() if limits]
        return _is_set(self.limits(language)) or not any(map(_is_set, (self, *others)))


class Filters(Section):
    """Profiles, tables of rules by signal, and whom they judge.

    `assign` goes by subset, where that is not named by language, else by kind; `measure` likewise, for profiles whose
    signals are measured and stored and judge nothing. `profiles` holds changes to built-in tables and tables of one's
    own, by profile and signal. `assign: null` turns all judging off. Whatever a recipe gives is laid over what is built
    in, key by key: what it does not name stays, null takes an entry away. So laying it over the outcome once more
    changes nothing.
    """

    assign: dict[str, list[ProfileName] | None] = {**ASSIGNED}
    measure: dict[str, list[ProfileName]] = {}
    profiles: Annotated[dict[ProfileName, dict[str, RuleSection | None]], Field(validate_default=True)] = {}

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        assign, measure, given = (value.get(key, {}) for key in ("assign", "measure", "profiles"))
        assign = dict.fromkeys(ASSIGNED) if assign is None else assign
        if not all(isinstance(part, dict) for part in (assign, measure, given)):
            return value  # the fields say what is wrong with them
        assign = {**ASSIGNED, **assign}
        lists = [names for names in (*assign.values(), *measure.values()) if isinstance(names, list)]
        named = {str(name) for names in lists for name in names}
        built_in = {name: _table(name) for name in sorted(named | given.keys()) if name in PROFILES}
        return {**value, "assign": assign, "profiles": _merged(built_in, given)}

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
        for key, groups in (("assign", self.assign), ("measure", self.measure)):
            for group, name in ((group, name) for group, names in groups.items() for name in names or ()):
                if name not in self.profiles:
                    near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
                    raise ValueError(
                        f"{key}.{group}: no profile {name!r}; expected one of {', '.join(known)}"
                        f"; did you mean {near!r}?"
                    )
        return self

    @property
    def signals(self) -> list[str]:
        """Names of the signals of all profiles that judge or are measured, sorted, each once."""
        return sorted({signal for table in self._used.values() for signal in table})

    @property
    def measuring(self) -> dict[str, Any]:
        """What decides which signals are measured of which documents: everything but the limits' values."""
        tables = {
            name: {
                signal: [_is_set(rule), {name: limits and _is_set(limits) for name, limits in rule.languages.items()}]
                for signal, rule in table.items()
            }
            for name, table in self._used.items()
        }
        return {"assign": self.assign, "measure": self.measure, "profiles": tables}

    @property
    def _used(self) -> dict[str, dict[str, RuleSection]]:
        names = {name for names in (*self.assign.values(), *self.measure.values()) for name in names or ()}
        return {name: {signal: rule for signal, rule in self.profiles[name].items() if rule} for name in sorted(names)}

    @cached_property
    def _told_apart(self) -> tuple[frozenset[str], frozenset[str]]:
        """Subsets and languages that some rule tells apart."""
        groups = {*self.assign, *self.measure}
        rules = [rule for table in self._used.values() for rule in table.values()]
        return frozenset(groups), frozenset(groups.union(*(rule.languages for rule in rules)))

    def class_of(self, kind: Kind, subset: str, language: str) -> DocumentClass:
        """What the profiles and limits of such a document depend on."""
        subsets, languages = self._told_apart
        return DocumentClass(kind, subset if subset in subsets else "*", language if language in languages else "*")

    def profiles_of(self, kind: Kind, subset: str, language: str) -> list[str]:
        """The profiles that judge such a document."""
        return _chosen(self.assign, kind, subset, language)

    def measured(self, kind: Kind, subset: str, language: str) -> list[str]:
        """Names of the signals that are measured of such a document, sorted, each once."""
        names = self.profiles_of(kind, subset, language) + _chosen(self.measure, kind, subset, language)
        tables = [self.profiles[name] for name in names]
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
    """Which languages prose may be in, by ISO 639 codes; `allow: null` is all, "" is prose in no telling language."""

    allow: list[str] | None = None
    minimum_confidence: Fraction = 0.65

    @field_validator("allow")
    @classmethod
    def _codes_exist(cls, allow: list[str] | None) -> list[str] | None:
        for code in allow or ():
            if code and code not in known_codes():
                near = get_close_matches(code.lower(), sorted(known_codes()), n=1, cutoff=0.0)[0]
                raise ValueError(f"{code!r} is no code that languages are told by; did you mean {near!r}?")
        return allow


class Languages(Section):
    """Allow-lists by language: of code, and of text and the prose among code (Markdown and the like)."""

    programming: ProgrammingLanguages = ProgrammingLanguages()
    natural: NaturalLanguages = NaturalLanguages()


def _chosen(groups: Mapping[str, list[str] | None], kind: str, subset: str, language: str) -> list[str]:
    found = (groups.get(group) for group in (subset, language, kind))
    return next((names for names in found if names is not None), [])


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


def _merged(old: Any, new: Any) -> Any:
    """What a recipe gives, laid over what is there: tables key by key, all else in its place."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return new
