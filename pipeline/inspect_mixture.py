"""The mixture in `plan`: before clean what is asked for, after it what the sample says that there is."""

from collections.abc import Iterator
from typing import NamedTuple

from manifests.errors import UnitError
from pipeline.kept_sums import estimates
from pipeline.pass_4_mix import Choice, choose, domain_name
from pipeline.recipe_mixture import Mixture
from pipeline.units import Mill, step_named, unit_inputs
from stages.allocation import Key
from stages.exchange import read_segments
from stages.mixing import Estimate


class MixtureOutlook(NamedTuple):
    """Rows of a table, the head first and none before clean is done, and lines below it."""

    rows: list[tuple[str, ...]]
    lines: list[str]


def mixture_outlook(mill: Mill, *, cleaned: bool) -> MixtureOutlook:
    """What the mixture will be.

    Args:
        cleaned: whether clean is done for this recipe, so that its sums are those that mix will read.
    """
    mixture = mill.recipe.mixture
    wanted = "as many tokens as that allows" if mixture.tokens is None else f"{mixture.tokens:,} tokens"
    asked = f"mixture: {mixture.code:.0%} code, {mixture.text:.0%} text, {wanted}"
    if not cleaned:
        return MixtureOutlook([], [f"{asked}; how many there are is known after pass 3, clean"])
    blocks = unit_inputs(mill, step_named("mix"), 0)["sums"]
    found = estimates(read_segments(mill.work, blocks, lambda _num_bytes: None), mixture)
    try:
        chosen = choose(mixture, found)
    except UnitError as error:
        return MixtureOutlook([], [asked, f"  mix will stop: {error.message}"])
    head = ("kind", "domain", "published", "share of kind", "epochs", "tokens, about", "target")
    return MixtureOutlook([head, *_rows(found, chosen)], [asked, *(f"  {line}" for line in _outcome(mixture, chosen))])


def _rows(found: dict[Key, Estimate], chosen: Choice) -> Iterator[tuple[str, ...]]:
    for key, target in chosen.allocation.targets.items():
        rule = chosen.rules[key]
        yield (
            key[0],
            key[1] or "(the rest)",
            "" if rule.published is None else f"{rule.published:.2%}",
            f"{chosen.allocation.shares[key]:.2%}",
            f"{rule.epochs:g}",
            f"{found[key].tokens:,.0f}",
            f"{target:,}",
        )


def _outcome(mixture: Mixture, chosen: Choice) -> Iterator[str]:
    at_epochs, reached = chosen.at_epochs, chosen.allocation
    scarcest = f"; scarcest: {domain_name(at_epochs.scarcest)}" if at_epochs.scarcest else ""
    yield f"possible without more epochs: about {at_epochs.possible:,} tokens{scarcest}"
    absent = sorted(set(mixture.domains) - {name for _, name in chosen.rules})
    if absent:
        yield f"no documents of {', '.join(absent)}"
    if not at_epochs.short:
        return
    if mixture.shortfall == "fail":
        sure = "will" if mixture.tokens and chosen.hoped < mixture.tokens else "may"
        yield f"shortfall: fail: the run {sure} stop for want of tokens"
    elif mixture.shortfall == "repeat":
        smaller = f", which allow about {reached.possible:,} tokens" if reached.short else ""
        yield f"shortfall: repeat: documents are taken up to {mixture.maximum_epochs:g} times{smaller}"
    else:
        yield f"shortfall: scale: the release will have about {reached.possible:,} tokens"
