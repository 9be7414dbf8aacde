"""Mix's choice and settle's trim on millions of tokens of invented documents, without texts: are the shares met?"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.pass_4_mix import choose
from pipeline.recipe_mixture import Mixture
from stages.allocation import Key, Stock, allocate
from stages.mixing import SAMPLED_ONE_IN, Estimate, Sums, fill_budget, place_of, trim_window

I64 = npt.NDArray[np.int64]
# (kind, domain): documents, and mean and spread of the logarithm of their tokens.
WORLD = {
    ("code", ""): (40_000, 6.0, 1.2),
    ("code", "Python"): (15_000, 6.2, 1.0),
    ("code", "JSON"): (8_000, 5.0, 2.0),
    ("text", ""): (12_000, 6.5, 1.0),
    ("text", "books"): (300, 10.5, 0.8),
    ("text", "wiki"): (6_000, 5.5, 0.9),
}


def documents(seed: int) -> dict[Key, tuple[I64, I64, npt.NDArray[np.uint64]]]:
    """Tokens, bytes and mix keys of every domain: sizes are skewed, and rates differ from document to document."""
    numbers = np.random.default_rng(seed)
    found: dict[Key, tuple[I64, I64, npt.NDArray[np.uint64]]] = {}
    for key, (count, mean, spread) in WORLD.items():
        tokens = np.maximum(2, np.exp(numbers.normal(mean, spread, count))).astype(np.int64)
        num_bytes = (tokens * np.maximum(1.5, numbers.normal(3.6, 0.4, count))).astype(np.int64)
        found[key] = tokens, num_bytes, np.sort(numbers.integers(0, 2**64, count, dtype=np.uint64))
    return found


def estimated(tokens: I64, num_bytes: I64) -> Estimate:
    """What clean and mix know of a domain; the order of the documents is random, so any 64th will do."""
    sampled = slice(None, None, SAMPLED_ONE_IN)
    rate = tokens[sampled].sum() / num_bytes[sampled].sum()
    total = int(num_bytes.sum())
    return Estimate(len(tokens), total, float((num_bytes.astype(np.float64) ** 2).sum()), total * float(rate))


def reached(mixture: Mixture, seed: int) -> tuple[dict[Key, int], dict[Key, int], dict[Key, int]]:
    """Tokens by domain: what is there, what settle aims at, what stays."""
    world = documents(seed)
    chosen = choose(mixture, {key: estimated(tokens, sizes) for key, (tokens, sizes, _) in world.items()})
    sums, stocks, packed = {}, {}, {}
    for key, (tokens, sizes, keys) in world.items():
        taken = chosen.prefixes[key]
        copies = taken.full_epochs + (keys < np.uint64(taken.bound))
        places = np.repeat(np.arange(len(keys)), copies)
        copy = np.concatenate([np.arange(number) for number in copies]) if len(places) else places
        bins = place_of(copy, keys[places])
        sums[key] = Sums.zeros(taken.full_epochs + 1)
        sums[key].add(bins, tokens[places], sizes[places])
        packed[key] = bins, tokens[places], sizes[places], np.lexsort((keys[places], copy))
        total, size = int(tokens[places].sum()), int(sizes[places].sum())
        stocks[key] = Stock(total / max(taken.epochs, 1e-9), size / max(taken.epochs, 1e-9), total)
    allocation = allocate(stocks, chosen.rules, mixture.kinds, mixture.tokens)
    kept = {}
    for key, target in allocation.targets.items():
        bins, tokens, sizes, order = packed[key]
        most = chosen.rules[key].maximum_bytes
        window = trim_window(sums[key], target, most)
        inside = order[(bins[order] >= window.first) & (bins[order] <= window.last)]
        room = None if most is None else most - int(sums[key].num_bytes[: window.first].sum())
        stay = fill_budget(tokens[inside], target - window.before, sizes[inside], room)
        kept[key] = window.before + int(tokens[inside][stay].sum())
    return {key: int(tokens.sum()) for key, (tokens, _, _) in world.items()}, allocation.targets, kept


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"tokens": 12_000_000},
        {"tokens": 20_000_000, "domains": {"Python": {"weight": 0.4}, "wiki": {"weight": 0.1, "epochs": 2}}},
        {"tokens": 15_000_000, "domains": {"JSON": {"maximum_bytes": 9_000_000}, "books": {"weight": 0.5}}},
        {"tokens": 60_000_000, "shortfall": "repeat", "domains": {"wiki": {"epochs": 1.5}}},
    ],
)
def test_shares_are_met_to_a_twentieth_of_a_percentage_point(asked: dict[str, Any], seed: int) -> None:
    mixture = Mixture.model_validate(asked)
    there, targets, kept = reached(mixture, seed)
    total = sum(kept.values())
    assert total >= 10_000_000
    for kind, share in mixture.kinds.items():
        of_kind = sum(tokens for key, tokens in kept.items() if key[0] == kind)
        assert of_kind / total == pytest.approx(share, abs=0.0005)
    for key, target in targets.items():
        assert kept[key] == pytest.approx(target, abs=0.0005 * total)
        epochs = mixture.maximum_epochs if mixture.shortfall == "repeat" else mixture.rules([key])[key].epochs
        assert kept[key] <= there[key] * epochs + max(1, 0.01 * there[key])
    if mixture.tokens:
        assert total == pytest.approx(mixture.tokens, rel=0.0005)
    else:  # the scarcer kind is there whole
        assert any(
            sum(there[k] for k in there if k[0] == kind) == sum(kept[k] for k in kept if k[0] == kind)
            for kind in mixture.kinds
        )


@pytest.mark.parametrize("off", [0.0, 0.02, 0.04])
def test_repeat_reaches_its_total_where_the_estimate_was_just_enough(off: float) -> None:
    """The sample may say that there is enough where there is a little less: then second copies must be there."""
    mixture = Mixture(tokens=20_000_000, shortfall="repeat")
    counted = {"code": int(14_070_000 * (1 - off)), "text": int(6_030_000 * (1 - off))}
    squares = {"code": 2e9 * 14_070, "text": 2e9 * 6_030}
    found = {
        (kind, ""): Estimate(100_000, 3 * tokens, squares[kind], float(tokens))
        for kind, tokens in (("code", 14_070_000), ("text", 6_030_000))
    }
    chosen = choose(mixture, found)
    assert all(one.error > off for one in found.values())
    assert not chosen.at_epochs.short
    for kind, share in mixture.kinds.items():
        assert chosen.prefixes[kind, ""].epochs * counted[kind] >= share * 20_000_000
