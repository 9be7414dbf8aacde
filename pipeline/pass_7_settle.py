"""Pass 7, settle: trim whole documents so that the shares are exact in tokens.

Two readings of the counts: a histogram over the random order says in which bins the budget of a domain runs out, and
only the documents of those bins are looked at one by one. Memory does not grow with the number of documents: 100 kB for
each domain and copy.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.errors import UnitError
from pipeline.pass_4_mix import SELECTION, check_enough, mixture_settings
from pipeline.pass_6_tokenize import COUNTS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.allocation import Allocation, Key, Rule, Stock, allocate
from stages.exchange import fixed_binary, lexsorted, sortable, table_of
from stages.mixing import Prefix, Sums, Window, fill_budget, place_of, trim_window

# For each domain: packed documents of bins before `first` stay, after `last` go; in between those of `dropped` go.
TRIM = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
        pa.field("dropped", pa.list_(pa.binary(ID_BYTES))),
    ]
)


class _Trim(NamedTuple):
    """What becomes of one domain: its window, the packed documents in it that go, and the tokens that stay."""

    window: Window
    dropped: list[bytes]
    reached: int


def _settle(context: UnitContext) -> None:
    mixture = context.recipe.mixture
    prefixes = {
        (row["kind"], row["domain"]): Prefix(row["full_epochs"], row["bound"])
        for row in context.table("selection").to_pylist()
    }
    sums = {key: Sums.zeros(taken.full_epochs + (taken.bound > 0)) for key, taken in prefixes.items()}
    for key, part in _by_domain(context):
        sums[key].add(_bins(part), part.column("num_tokens").to_numpy(), part.column("num_bytes").to_numpy())
    rules = mixture.rules(prefixes)
    stocks = {key: _stock(sums[key], prefixes[key]) for key in prefixes}
    allocation = allocate(stocks, rules, mixture.kinds, mixture.tokens)
    check_enough(mixture, allocation)
    trims = _trims(context, sums, allocation, rules)
    _check_reached(mixture.kinds, allocation, trims)
    limits, targets = {key: int(stock.limit) for key, stock in stocks.items()}, allocation.targets
    context.counts = {"domains": [[*key, limits[key], targets[key], trim.reached] for key, trim in trims.items()]}
    rows = [(*key, trim.window.first, trim.window.last, trim.dropped) for key, trim in trims.items()]
    with context.blocks("trim", TRIM) as table:
        table.write(table_of(rows, TRIM))


def _stock(sums: Sums, taken: Prefix) -> Stock:
    """What there is of a domain, by what was selected of it: so many tokens for each epoch."""
    selected, num_bytes = int(sums.tokens.sum()), int(sums.num_bytes.sum())
    if not selected:
        return Stock(0.0, 0.0, 0)
    return Stock(selected / taken.epochs, num_bytes / taken.epochs, selected)


def _trims(
    context: UnitContext, sums: Mapping[Key, Sums], allocation: Allocation, rules: Mapping[Key, Rule]
) -> dict[Key, _Trim]:
    """What stays of every domain.

    What a domain of few, long documents cannot fill goes to the next of its kind. Those with a maximum, which may have
    no room for it, come first, the one of most documents last.
    """
    targets = allocation.targets
    windows = {key: trim_window(sums[key], targets[key], rules[key].maximum_bytes) for key in targets}
    inside = _inside(context, windows)
    trims: dict[Key, _Trim] = {}
    left_over = dict.fromkeys((kind for kind, _ in targets), 0)
    for key in sorted(
        targets, key=lambda key: (key in inside, not rules[key].capped, int(sums[key].documents.sum()), key)
    ):
        target, window, maxima = targets[key], windows[key], rules[key]
        more = left_over[key[0]] if target else 0
        trims[key] = _Trim(window, [], window.before)
        if key in inside:
            room = min(target + more, maxima.maximum_tokens or target + more) - window.before
            before = int(sums[key].num_bytes[: window.first].sum())
            room_bytes = None if maxima.maximum_bytes is None else maxima.maximum_bytes - before
            trims[key] = _filled(inside[key], window, room, room_bytes)
        left_over[key[0]] += target - trims[key].reached
    return dict(sorted(trims.items()))


def _inside(context: UnitContext, windows: Mapping[Key, Window]) -> dict[Key, pa.Table]:
    """The packed documents of each window, of the domains that have something to trim."""
    parts: dict[Key, list[pa.Table]] = {}
    if any(window.last >= window.first for window in windows.values()):
        for key, part in _by_domain(context):
            bins, window = _bins(part), windows[key]
            within = part.filter(pa.array((bins >= window.first) & (bins <= window.last)))
            if within.num_rows:
                parts.setdefault(key, []).append(within)
    return {key: pa.concat_tables(tables) for key, tables in sorted(parts.items())}


def _filled(table: pa.Table, window: Window, room: int, room_bytes: int | None) -> _Trim:
    """Of the documents of a window those that fit, in order of copy and key."""
    ids = fixed_binary(table.column("packed_id"), ID_BYTES)
    copies = table.column("copy").to_numpy().astype(np.uint64)
    order = lexsorted([copies, table.column("mix_key").to_numpy(), *sortable(ids)])
    tokens, num_bytes = (table.column(name).to_numpy()[order] for name in ("num_tokens", "num_bytes"))
    kept = fill_budget(tokens, room, num_bytes, room_bytes)
    dropped = [identifier.tobytes() for identifier in ids[order[~kept]]]
    return _Trim(window, dropped, window.before + int(tokens[kept].sum()))


def _check_reached(kinds: Mapping[str, float], allocation: Allocation, trims: Mapping[Key, _Trim]) -> None:
    for kind in kinds:
        target = allocation.of_kind(kind)
        if target and not any(trim.reached for key, trim in trims.items() if key[0] == kind):
            raise UnitError(
                f"mixture: {target:,} tokens of {kind} are to be kept and every document is longer; "
                "expected some that fit",
                hint="add shorter documents of that kind, more of the other kind, or raise mixture." + kind,
            )


def _by_domain(context: UnitContext) -> Iterator[tuple[Key, pa.Table]]:
    """The counts by (kind, domain), a segment at a time."""
    for table in context.segments("counts"):
        kinds, domains = (table.column(name) for name in ("kind", "domain"))
        for kind, domain in sorted(set(zip(kinds.to_pylist(), domains.to_pylist(), strict=True))):
            yield (kind, domain), table.filter(pc.and_(pc.equal(kinds, kind), pc.equal(domains, domain)))


def _bins(part: pa.Table) -> npt.NDArray[np.int64]:
    return place_of(part.column("copy").to_numpy().astype(np.int64), part.column("mix_key").to_numpy())


def _settings(recipe: Recipe, _plan: Plan) -> object:
    return mixture_settings(recipe)


STEPS = [
    Step(
        name="settle",
        version=3,
        number=7,
        pass_name="settle",
        grain="one",
        reads=(Read("tokenize", "counts", "all", COUNTS), Read("mix", "selection", "all", SELECTION)),
        settings=_settings,
        run=_settle,
    )
]
