"""Rules: what a profile says of a signal, as data. The signal measures, the rule holds the limits.

A profile is a table of rules by the short name of the signal (`longest_line_characters`). A rule may hold other limits
for some languages: a list of languages that a paper exempts is a part of its table, and stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Inclusive limits on a value; None is off.

    Attributes:
        minimum: the lowest value that passes.
        maximum: the highest value that passes.
    """

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Limits on a signal, and other ones for some languages.

    Attributes:
        minimum: the lowest value that passes; None is off.
        maximum: the highest value that passes; None is off.
        languages: by `Document.language`: limits that stand there in place of the rule's own, both of them.
    """

    minimum: float | None = None
    maximum: float | None = None
    languages: Mapping[str, Limits] = field(default_factory=dict)

    def limits(self, language: str) -> Limits:
        """The limits for documents in a language."""
        return self.languages.get(language) or Limits(self.minimum, self.maximum)


Profile = Mapping[str, Rule]
