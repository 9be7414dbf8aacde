"""Allocation: from what there is of every domain to the tokens that a mixture takes of it. Pure: floats and dicts.

A kind has a share of all tokens. Inside a kind a *domain* (a subset or a language that the recipe names, or "" for what
it does not name) has a share too: its weight where it has one; the others divide what is left as they are, in
proportion to tokens times epochs. What a cap takes from a domain goes to the others of its kind in proportion to their
shares (water-filling). Then the shares are fixed, and the only question is the total.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Key = tuple[str, str]  # kind, domain


class Stock(NamedTuple):
    """What there is of one domain.

    Attributes:
        tokens, num_bytes: of one copy of every document.
        limit: tokens that may be taken, copies included.
    """

    tokens: float
    num_bytes: float
    limit: float


class Rule(NamedTuple):
    """What the recipe says of one domain; a domain of which it says nothing has `Rule()`.

    Attributes:
        weight: its share of its kind's tokens, 0..1.
        published: its weight in a published mixture; only the ratios of such weights count.
        epochs: how often its documents count, and may be used.
        maximum_tokens, maximum_bytes: of all copies together.
    """

    weight: float | None = None
    published: float | None = None
    epochs: float = 1.0
    maximum_tokens: int | None = None
    maximum_bytes: int | None = None

    @property
    def capped(self) -> bool:
        """Whether there is a maximum."""
        return self.maximum_tokens is not None or self.maximum_bytes is not None

    def cap(self, stock: Stock) -> float:
        """Tokens that the maxima allow, bytes at the stock's ratio; infinity without any."""
        caps = [] if self.maximum_tokens is None else [float(self.maximum_tokens)]
        if self.maximum_bytes is not None and stock.num_bytes > 0:
            caps.append(self.maximum_bytes * stock.tokens / stock.num_bytes)
        return min(caps, default=float("inf"))


@dataclass(frozen=True, slots=True)
class Allocation:
    """Tokens to reach by domain, and what was wanted but is not there.

    Attributes:
        targets: by (kind, domain), in order of these; whole tokens, so those of a kind add up to its share of the total
            but for half a token each.
        shares: the share of its kind that each domain has before caps; those of a kind add up to 1, or are all 0 where
            nothing of it can be taken.
        wanted: total asked for; None for as many as possible.
        possible: the largest total at these shares.
        scarcest: the domain that allows no more; None where caps do, or where nothing is possible.
    """

    targets: dict[Key, int]
    shares: dict[Key, float]
    wanted: int | None
    possible: int
    scarcest: Key | None

    @property
    def short(self) -> bool:
        """Whether less is possible than was wanted."""
        return self.wanted is not None and self.possible < self.wanted

    def of_kind(self, kind: str) -> int:
        """The target of a kind."""
        return sum(tokens for (name, _), tokens in self.targets.items() if name == kind)


def allocate(
    stocks: Mapping[Key, Stock], rules: Mapping[Key, Rule], kinds: Mapping[str, float], wanted: int | None
) -> Allocation:
    """The largest total, at most `wanted`, at the shares of the kinds and of the domains in them.

    Args:
        stocks: by (kind, domain).
        rules: by (kind, domain); the same as `Rule()` where a domain has none.
        kinds: the share of each kind, adding up to 1; a kind with share 0 gets nothing.
    """
    shares: dict[Key, float] = {}
    parts: dict[str, list[_Part]] = {}
    largest: list[tuple[float, Key | None]] = []
    for kind, share in sorted(kinds.items()):
        here = {key: stocks[key] for key in sorted(stocks) if key[0] == kind}
        rules_here = {key: rules.get(key, Rule()) for key in here}
        of_kind = domain_shares(here, rules_here)
        shares |= of_kind
        parts[kind] = [
            _Part(key, of_kind[key], rules_here[key].cap(stock), stock.limit)
            for key, stock in here.items()
            if of_kind[key] > 0
        ]
        if share > 0:
            tokens, scarcest = _largest(parts[kind])
            largest.append((tokens / share, scarcest))
    most, scarcest = min(largest, default=(0.0, None), key=lambda found: found[0])
    total = int(most) if wanted is None else min(wanted, int(most))
    targets = dict.fromkeys(sorted(shares), 0)
    for kind, share in kinds.items():
        targets |= _filled(parts[kind], total * share)
    return Allocation(targets, {key: shares[key] for key in targets}, wanted, int(most), scarcest)


def domain_shares(stocks: Mapping[Key, Stock], rules: Mapping[Key, Rule]) -> dict[Key, float]:
    """The share of each domain of one kind, before caps.

    Weights first. What they leave goes to the domains without one, as they are: tokens times epochs. Those of them that
    are in a published mixture divide their part by its weights instead. Where nobody is there to take what is left, or
    nothing is left and weights exceed 1, all shares are scaled to add up to 1.

    Returns:
        By key, adding up to 1; all 0 where no domain has both tokens and a share. A domain without tokens has 0.
    """
    present = [key for key in sorted(stocks) if stocks[key].tokens > 0]
    shares = dict.fromkeys(sorted(stocks), 0.0)
    for key in present:
        shares[key] = rules[key].weight or 0.0
    others = [key for key in present if rules[key].weight is None]
    natural = {key: stocks[key].tokens * rules[key].epochs for key in others}
    published = {key: weight for key in others if (weight := rules[key].published) is not None}
    left = max(0.0, 1.0 - sum(shares.values()))
    together = sum(natural[key] for key in published)
    for key in others:
        part = natural[key] if key not in published else together * published[key] / sum(published.values())
        shares[key] = left * part / sum(natural.values())
    total = sum(shares.values())
    return {key: share / total for key, share in shares.items()} if total > 0 else shares


class _Part(NamedTuple):
    """A domain with a share above 0; `cap` and `limit` in tokens."""

    key: Key
    share: float
    cap: float
    limit: float


def _largest(parts: list[_Part]) -> tuple[float, Key | None]:
    """The most tokens of a kind at which no domain needs more than its limit, and which one needs all of it.

    0 without domains. A domain whose cap is within its limit holds nobody back: what it cannot
    give, the others do.
    """
    levels = [(part.limit / part.share, part.key) for part in parts if part.cap > part.limit]
    level, scarcest = min(levels, default=(float("inf"), None))
    return sum(min(part.cap, level * part.share) for part in parts), scarcest


def _filled(parts: list[_Part], total: float) -> dict[Key, int]:
    """Water-filling: every domain at its cap, or at one level times its share, so that all add up to `total`."""
    by_cap = sorted(parts, key=lambda part: (part.cap / part.share, part.key))
    level = 0.0
    for place, part in enumerate(by_cap):
        capped = sum(other.cap for other in by_cap[:place])
        level = (total - capped) / sum(other.share for other in by_cap[place:])
        if level * part.share <= part.cap:
            break
    return {part.key: min(round(level * part.share), int(min(part.cap, part.limit))) for part in by_cap}
