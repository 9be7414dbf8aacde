"""Pass 4, mix: token budgets by kind from clean's sample, and how far along its random order each kind is taken.

Exactness is settle's work: mix only selects enough, with a small reserve.
"""

import pyarrow as pa

from manifests.errors import UnitError
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import RECORDS, Read, Step, UnitContext
from stages.mixing import Budget, budget, key_limit

SELECTION = pa.schema([pa.field("kind", pa.string()), pa.field("limit", pa.uint64()), pa.field("any", pa.bool_())])
_TOKENS_PER_BYTE = 0.3  # where the sample of a kind is empty: about what byte-level BPEs need


def _mix(context: UnitContext) -> None:
    shares = mixture_shares(context.recipe)
    available = dict.fromkeys(shares, 0.0)
    for kind, (_, num_bytes, sampled, tokens) in _sums(context).items():
        available[kind] = num_bytes * (tokens / sampled if sampled else _TOKENS_PER_BYTE)
    chosen = budget(available, shares, context.recipe.mixture.tokens)
    missing = [kind for kind, share in shares.items() if share > 0 and not available[kind]]
    if missing and any(available.values()):
        raise UnitError(
            f"mixture: no document of kind {' or '.join(missing)} is left; expected some, as the recipe wants "
            f"{shares[missing[0]]:.0%} {missing[0]}",
            hint=f"add a source of that kind, or set mixture.{missing[0]} to 0 and the other share to 1",
        )
    if chosen.short:
        short_of(context.recipe, chosen, slack=1 + context.recipe.mixture.reserve)
    limits = {}
    for kind, estimate in available.items():
        fraction = chosen.tokens[kind] * (1 + context.recipe.mixture.reserve) / estimate if estimate else 0.0
        limits[kind] = key_limit(min(1.0, fraction)) if shares[kind] else -1
    context.counts = {"estimated_tokens": {kind: round(value) for kind, value in sorted(available.items())}}
    columns = [list(limits), [max(0, limit) for limit in limits.values()], [limit >= 0 for limit in limits.values()]]
    with context.blocks("selection", SELECTION) as selection:
        selection.write(
            pa.table([pa.array(c, f.type) for c, f in zip(columns, SELECTION, strict=True)], schema=SELECTION)
        )


def mixture_shares(recipe: Recipe) -> dict[str, float]:
    """The recipe's share of each kind."""
    return {"code": recipe.mixture.code, "text": recipe.mixture.text}


def short_of(recipe: Recipe, chosen: Budget, *, slack: float = 1.0) -> None:
    """Raise UnitError where the recipe says that a shortfall fails; `slack` forgives an estimate."""
    if recipe.mixture.shortfall == "fail" and chosen.wanted is not None and chosen.possible * slack < chosen.wanted:
        raise UnitError(
            f"mixture.tokens: {chosen.wanted:,} wanted at {recipe.mixture.code:.0%} code and "
            f"{recipe.mixture.text:.0%} text; the input holds enough for {chosen.possible:,}",
            hint="add sources, lower mixture.tokens, or set mixture.shortfall: scale",
        )


def _sums(context: UnitContext) -> dict[str, list[int]]:
    sums: dict[str, list[int]] = {}
    for record in context.earlier["clean"]:
        sample = record.counts["sample"]
        assert isinstance(sample, dict)  # noqa: S101 - clean wrote it
        for kind, counts in sample.items():
            sums[kind] = [a + b for a, b in zip(sums.get(kind, [0] * len(counts)), counts, strict=True)]
    return dict(sorted(sums.items()))


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return recipe.mixture.model_dump()


STEPS = [
    Step(
        name="mix",
        number=4,
        pass_name="mix",
        grain="one",
        reads=(Read("clean", RECORDS, "all"),),
        settings=_settings,
        run=_mix,
    )
]
