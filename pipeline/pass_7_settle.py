"""Pass 7, settle: trim whole documents so that the ratio is exact in tokens.

Two readings of the counts: a histogram over the random order says in which bins the budget of a kind runs out, and only
the documents of those bins are looked at one by one. Memory does not grow with the number of documents.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.errors import UnitError
from pipeline.pass_4_mix import mixture_shares, short_of
from pipeline.pass_6_tokenize import COUNTS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import fixed_binary, lexsorted, sortable
from stages.mixing import KEY_BINS, Window, bin_of, budget, fill_budget, trim_window

# For each kind: packed documents of bins before `first` stay, after `last` go; in between those of `dropped` go.
TRIM = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
        pa.field("dropped", pa.list_(pa.binary(ID_BYTES))),
    ]
)


def _settle(context: UnitContext) -> None:
    shares = mixture_shares(context.recipe)
    tokens = {kind: np.zeros(KEY_BINS, dtype=np.int64) for kind in shares}
    documents = {kind: np.zeros(KEY_BINS, dtype=np.int64) for kind in shares}
    for kind, part in _by_kind(context, list(shares)):
        bins = bin_of(part.column("mix_key").to_numpy())
        np.add.at(tokens[kind], bins, part.column("num_tokens").to_numpy())
        np.add.at(documents[kind], bins, 1)
    available = {kind: int(tokens[kind].sum()) for kind in shares}
    chosen = budget(available, shares, context.recipe.mixture.tokens)
    short_of(context.recipe, chosen)
    windows = {kind: trim_window(tokens[kind], documents[kind], chosen.tokens[kind]) for kind in shares}
    dropped = {kind: _dropped(context, kind, windows[kind], chosen.tokens[kind]) for kind in shares}
    for kind, lost in dropped.items():
        if chosen.tokens[kind] and len(lost) == int(documents[kind][: windows[kind].last + 1].sum()):
            raise UnitError(
                f"mixture: {chosen.tokens[kind]:,} tokens of {kind} are to be kept and every document is longer; "
                "expected some that fit",
                hint="add shorter documents of that kind, more of the other kind, or raise mixture." + kind,
            )
    context.counts = {"selected_tokens": available, "target_tokens": chosen.tokens}
    columns = [
        list(shares),
        [""] * len(shares),
        [windows[kind].first for kind in shares],
        [windows[kind].last for kind in shares],
        [dropped[kind] for kind in shares],
    ]
    with context.blocks("trim", TRIM) as trim:
        trim.write(pa.table([pa.array(c, f.type) for c, f in zip(columns, TRIM, strict=True)], schema=TRIM))


def _by_kind(context: UnitContext, kinds: list[str]) -> Iterator[tuple[str, pa.Table]]:
    for table in context.segments("counts"):
        for kind in kinds:
            yield kind, table.filter(pc.equal(table.column("kind"), kind))


def _dropped(context: UnitContext, kind: str, window: Window, target: int) -> list[bytes]:
    """Ids of the documents inside the window that do not fit."""
    if window.last < window.first:
        return []
    parts = [part.filter(pa.array(_inside(part, window))) for name, part in _by_kind(context, [kind]) if name == kind]
    table = pa.concat_tables(parts)
    ids = fixed_binary(table.column("packed_id"), ID_BYTES)
    order = lexsorted([table.column("mix_key").to_numpy(), *sortable(ids)])
    kept = fill_budget(table.column("num_tokens").to_numpy()[order], target - window.before)
    return [identifier.tobytes() for identifier in ids[order[~kept]]]


def _inside(part: pa.Table, window: Window) -> npt.NDArray[np.bool_]:
    bins = bin_of(part.column("mix_key").to_numpy())
    return (bins >= window.first) & (bins <= window.last)


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return recipe.mixture.model_dump()


STEPS = [
    Step(
        name="settle",
        number=7,
        pass_name="settle",
        grain="one",
        reads=(Read("tokenize", "counts", "all", COUNTS),),
        settings=_settings,
        run=_settle,
    )
]
