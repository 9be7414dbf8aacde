"""Pass 4, mix: how many tokens of every domain, from clean's sums, and how far along its random order each is taken.

Exactness is settle's work: mix only selects enough, with a small reserve. Whether there is enough of everything is
decided here, before anything is rewritten or tokenized.
"""

from typing import NamedTuple

import pyarrow as pa

from filters.pile_weights import PILE_WEIGHTS
from manifests.errors import UnitError
from manifests.ledger import Ledger
from pipeline.kept_sums import SUMS, estimates
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.recipe_mixture import Mixture
from pipeline.steps import RECORDS, Read, Step, UnitContext
from stages.allocation import Allocation, Key, Rule, Stock, allocate
from stages.exchange import table_of
from stages.mixing import Estimate, Prefix, prefix

# A document with mix key k is taken full_epochs + (k < bound) times; not at all where its domain has no row.
SELECTION = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("full_epochs", pa.int64()),
        pa.field("bound", pa.uint64()),
    ]
)


class Choice(NamedTuple):
    """What mix decides.

    Attributes:
        rules: what the recipe says of each domain that has documents.
        allocation: at the epochs that are asked for; with shortfall `repeat`, of more where that is not enough.
        at_epochs: the same without more than those.
        hoped: its largest total, were there as much of everything as the estimate may be off.
        prefixes: what is selected of each domain.
    """

    rules: dict[Key, Rule]
    allocation: Allocation
    at_epochs: Allocation
    hoped: int
    prefixes: dict[Key, Prefix]


def choose(mixture: Mixture, found: dict[Key, Estimate]) -> Choice:
    """Targets and selection from the estimates of all domains that have documents.

    Raises:
        UnitError: weights of one kind exceed 1.
    """
    rules = mixture.rules(found)
    check_weights(rules)
    asked = {key: rules[key].epochs for key in found}
    hope = {key: one._replace(tokens=one.tokens * (1 + one.error)) for key, one in found.items()}
    fear = {key: one._replace(tokens=one.tokens * max(0.0, 1 - one.error)) for key, one in found.items()}

    def allocated(estimates: dict[Key, Estimate], epochs: dict[Key, float]) -> Allocation:
        stocks = {key: Stock(one.tokens, one.num_bytes, one.tokens * epochs[key]) for key, one in estimates.items()}
        return allocate(stocks, rules, mixture.kinds, mixture.tokens)

    at_epochs = allocated(found, asked)
    # Documents are there to be repeated, too, where the estimate is enough and the counts may not be.
    repeats = mixture.shortfall == "repeat" and allocated(fear, asked).short
    most = dict.fromkeys(found, mixture.maximum_epochs) if repeats else asked
    allocation = allocated(found, most) if at_epochs.short else at_epochs
    reserved = {key: target * (1 + mixture.reserve) for key, target in allocation.targets.items()}
    prefixes = {key: prefix(found[key], wanted, most[key]) for key, wanted in reserved.items()}
    return Choice(rules, allocation, at_epochs, allocated(hope, asked).possible, prefixes)


def check_weights(rules: dict[Key, Rule]) -> None:
    """Raise UnitError where the weights of the domains of one kind exceed 1."""
    for kind in sorted({kind for kind, _ in rules}):
        weights = {name: rule.weight for (of, name), rule in sorted(rules.items()) if of == kind and rule.weight}
        if sum(weights.values()) > 1 + 1e-9:
            raise UnitError(
                f"mixture.domains: the weights of kind {kind} add up to {sum(weights.values()):g}; expected at most 1: "
                + ", ".join(f"{name} {weight:g}" for name, weight in weights.items()),
                hint="a weight is a share of the tokens of its kind, not of all tokens: lower some of them",
            )


def _mix(context: UnitContext) -> None:
    mixture = context.recipe.mixture
    found = estimates(context.segments("sums"), mixture)
    chosen = choose(mixture, found)
    _check_kinds(context, chosen)
    if mixture.tokens and chosen.hoped < mixture.tokens:
        check_enough(mixture, chosen.at_epochs)
    context.counts = {
        "possible_tokens": chosen.allocation.possible,
        "estimated_tokens": [[*key, round(one.tokens)] for key, one in found.items()],
        "shares": [[*key, share] for key, share in chosen.allocation.shares.items()],
    }
    rows = [(*key, *of) for key, of in chosen.prefixes.items()]
    with context.blocks("selection", SELECTION) as selection:
        selection.write(table_of(rows, SELECTION))


def _check_kinds(context: UnitContext, chosen: Choice) -> None:
    """Raise UnitError where the recipe wants a kind of which nothing is left."""
    kinds, shares = context.recipe.mixture.kinds, chosen.allocation.shares
    missing = [
        kind
        for kind, share in kinds.items()
        if share > 0 and not any(part for (of, _), part in shares.items() if of == kind)
    ]
    if not missing:
        return
    if any(kind in missing for kind, _ in shares):
        raise UnitError(
            f"mixture.domains: all that is left of kind {missing[0]} has weight 0; expected some, as the recipe wants "
            f"{kinds[missing[0]]:.0%} {missing[0]}",
            hint=f"raise a weight, or set mixture.{missing[0]} to 0 and the other share to 1",
        )
    ledgers = (record.ledger for step in ("ingest", "judge", "clean") for record in context.earlier[step])
    reasons = Ledger.total(Ledger.from_json(ledger) for ledger in ledgers if ledger).rejected
    largest = sorted(reasons, key=lambda key: (-reasons[key].documents, key))[:3]
    raise UnitError(
        f"mixture: no document of kind {' or '.join(missing)} is left; expected some, as the recipe wants "
        f"{kinds[missing[0]]:.0%} {missing[0]}. Most were rejected for: "
        + (", ".join(f"{key} ({reasons[key].documents:,})" for key in largest) or "nothing, there were none"),
        hint=f"`corpusmill show` prints them; or set mixture.{missing[0]} to 0 and the other share to 1",
    )


def check_enough(mixture: Mixture, allocation: Allocation) -> None:
    """Raise UnitError where the recipe says that a shortfall fails, and there is one."""
    if mixture.shortfall == "fail" and allocation.short:
        scarcest = f"; scarcest: {domain_name(allocation.scarcest)}" if allocation.scarcest else ""
        raise UnitError(
            f"mixture.tokens: {mixture.tokens:,} wanted at {mixture.code:.0%} code and {mixture.text:.0%} text; there "
            f"are enough for {allocation.possible:,}{scarcest}",
            hint="add sources, lower mixture.tokens, or set mixture.shortfall to scale or repeat",
        )


def domain_name(key: Key) -> str:
    """What people call a domain: "text: ArXiv", or "code: the rest", which is all where nothing is named."""
    kind, name = key
    return f"{kind}: {name or 'the rest'}"


def mixture_settings(recipe: Recipe) -> object:
    """What of the recipe decides targets."""
    return [recipe.mixture.model_dump(), PILE_WEIGHTS if recipe.mixture.preset else {}]


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return mixture_settings(recipe)


STEPS = [
    Step(
        name="mix",
        version=3,
        number=4,
        pass_name="mix",
        grain="one",
        reads=(
            Read("clean", "sums", "all", SUMS),
            Read("ingest", RECORDS, "all"),
            Read("judge", RECORDS, "all"),
        ),
        settings=_settings,
        run=_mix,
    )
]
