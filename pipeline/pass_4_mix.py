"""Pass 4, mix: token budgets by kind from clean's sample, and how far along its random order each kind is taken.

Exactness is settle's work: mix only selects enough, with a small reserve.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import UnitError
from manifests.ledger import Ledger
from pipeline.pass_3_clean import BINS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import RECORDS, Read, Step, UnitContext
from stages.mixing import KEY_BINS, Budget, budget, last_bin

# A document with mix key k is taken full_epochs + (k < bound) times.
SELECTION = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("full_epochs", pa.int64()),
        pa.field("bound", pa.uint64()),
    ]
)
_TOKENS_PER_BYTE = 0.3  # where the sample of a kind is empty: about what byte-level BPEs need


def _mix(context: UnitContext) -> None:
    recipe = context.recipe
    shares = mixture_shares(recipe)
    tokens, documents = _by_bin(context, list(shares))
    available = {kind: float(tokens[kind].sum()) for kind in shares}
    _check_kinds(context, shares, available)
    chosen = budget(available, shares, recipe.mixture.tokens)
    short_of(recipe, chosen, slack=1 + recipe.mixture.reserve)
    context.counts = {"estimated_tokens": {kind: round(value) for kind, value in sorted(available.items())}}
    reserved = 1 + recipe.mixture.reserve
    bins = [last_bin(tokens[kind], documents[kind], chosen.tokens[kind] * reserved) for kind in shares]
    whole = [last == KEY_BINS - 1 for last in bins]
    bounds = [0 if all_of_it else (last + 1) << 52 for last, all_of_it in zip(bins, whole, strict=True)]
    columns = [list(shares), [""] * len(bins), [int(all_of_it) for all_of_it in whole], pa.array(bounds, pa.uint64())]
    with context.blocks("selection", SELECTION) as selection:
        selection.write(pa.table(columns, schema=SELECTION))


def _by_bin(
    context: UnitContext, kinds: list[str]
) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, npt.NDArray[np.int64]]]:
    """Estimated tokens and documents by kind and bin of the random order."""
    num_bytes = {kind: np.zeros(KEY_BINS, dtype=np.int64) for kind in kinds}
    documents = {kind: np.zeros(KEY_BINS, dtype=np.int64) for kind in kinds}
    for table in context.segments("bins"):
        for kind in kinds:
            part = table.filter(pc.equal(table.column("kind"), kind))
            np.add.at(num_bytes[kind], part.column("bin").to_numpy(), part.column("num_bytes").to_numpy())
            np.add.at(documents[kind], part.column("bin").to_numpy(), part.column("documents").to_numpy())
    sampled = {kind: [0, 0] for kind in kinds}
    for record in context.earlier["clean"]:
        for kind, counts in record.counts["sample"].items():  # type: ignore[attr-defined]
            sampled[kind] = [a + b for a, b in zip(sampled[kind], counts, strict=True)]
    rates = {kind: tokens / read if read else _TOKENS_PER_BYTE for kind, (read, tokens) in sampled.items()}
    return {kind: np.multiply(num_bytes[kind], rates[kind], dtype=np.float64) for kind in kinds}, documents


def _check_kinds(context: UnitContext, shares: dict[str, float], available: dict[str, float]) -> None:
    """Raise UnitError where the recipe wants a kind of which nothing is left."""
    missing = [kind for kind, share in shares.items() if share > 0 and not available[kind]]
    if not missing:
        return
    ledgers = (record.ledger for step in ("ingest", "judge", "clean") for record in context.earlier[step])
    reasons = Ledger.total(Ledger.from_json(ledger) for ledger in ledgers if ledger).rejected
    largest = sorted(reasons, key=lambda key: (-reasons[key].documents, key))[:3]
    raise UnitError(
        f"mixture: no document of kind {' or '.join(missing)} is left; expected some, as the recipe wants "
        f"{shares[missing[0]]:.0%} {missing[0]}. Most were rejected for: "
        + (", ".join(f"{key} ({reasons[key].documents:,})" for key in largest) or "nothing, there were none"),
        hint=f"`corpusmill show` prints them; or set mixture.{missing[0]} to 0 and the other share to 1",
    )


def mixture_shares(recipe: Recipe) -> dict[str, float]:
    """The recipe's share of each kind."""
    return {"code": recipe.mixture.code, "text": recipe.mixture.text}


def short_of(recipe: Recipe, chosen: Budget, *, slack: float = 1.0) -> None:
    """Raise UnitError where the recipe says that a shortfall fails; `slack` forgives an estimate."""
    if recipe.mixture.shortfall == "fail" and chosen.wanted is not None and chosen.possible * slack < chosen.wanted:
        raise UnitError(
            f"mixture.tokens: {chosen.wanted:,} wanted at {recipe.mixture.code:.0%} code and "
            f"{recipe.mixture.text:.0%} text; there are enough for {chosen.possible:,}",
            hint="add sources, lower mixture.tokens, or set mixture.shortfall: scale",
        )


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return recipe.mixture.model_dump()


STEPS = [
    Step(
        name="mix",
        number=4,
        pass_name="mix",
        grain="one",
        reads=(
            Read("clean", "bins", "all", BINS),
            Read("ingest", RECORDS, "all"),
            Read("judge", RECORDS, "all"),
        ),
        settings=_settings,
        run=_mix,
    )
]
