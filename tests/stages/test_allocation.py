"""How many tokens a mixture takes of every domain."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.allocation import Allocation, Key, Rule, Stock, allocate, domain_shares

AMOUNTS = st.integers(0, 10**13)
SHARES = st.integers(0, 100).map(lambda percent: {"code": percent / 100, "text": (100 - percent) / 100})
WANTED = st.none() | st.integers(1, 10**13)
_NAMES = ("", "A", "B", "C", "D")


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict[Key, Stock], dict[Key, Rule]]:
    """Domains of two kinds, of which some have weights (at most 1 together), epochs, caps or published weights."""
    stocks: dict[Key, Stock] = {}
    rules: dict[Key, Rule] = {}
    for kind in ("code", "text"):
        left = 100
        for name in draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=5)):
            tokens = draw(st.integers(0, 10**9))
            weight = draw(st.none() | st.integers(0, left)) if name else None
            left -= weight or 0
            rules[kind, name] = rule = Rule(
                weight=None if weight is None else weight / 100,
                published=draw(st.none() | st.sampled_from([0.01, 0.2])) if name and weight is None else None,
                epochs=draw(st.sampled_from([0.5, 1.0, 1.5, 4.0])),
                maximum_tokens=draw(st.none() | st.integers(1, 10**9)),
                maximum_bytes=draw(st.none() | st.integers(1, 10**9)),
            )
            stocks[kind, name] = Stock(tokens, tokens * 3, tokens * rule.epochs)
    return stocks, rules


def natural(**tokens: float) -> dict[Key, Stock]:
    return {(kind, ""): Stock(amount, amount, amount) for kind, amount in tokens.items()}


def plain(stocks: dict[Key, Stock], shares: dict[str, float], wanted: int | None) -> Allocation:
    return allocate(stocks, {}, shares, wanted)


@given(AMOUNTS, AMOUNTS, SHARES, WANTED)
def test_a_budget_keeps_the_ratio_and_never_asks_for_more_than_there_is(
    code: int, text: int, shares: dict[str, float], wanted: int | None
) -> None:
    available = {"code": code, "text": text}
    chosen = plain(natural(**available), shares, wanted)
    total = chosen.possible if wanted is None else min(wanted, chosen.possible)
    for kind, share in shares.items():
        assert 0 <= chosen.of_kind(kind) <= available[kind]
        assert abs(chosen.of_kind(kind) - total * share) <= 1 + total * 1e-15
    assert abs(sum(chosen.targets.values()) - total) <= 2
    assert chosen.short == (wanted is not None and chosen.possible < wanted)


@given(AMOUNTS, AMOUNTS, SHARES)
def test_a_budget_without_a_wish_takes_all_of_the_scarcer_kind(code: int, text: int, shares: dict[str, float]) -> None:
    available = {"code": code, "text": text}
    chosen = plain(natural(**available), shares, None)
    left = {
        kind: Fraction(available[kind] - chosen.of_kind(kind)) / Fraction(share)
        for kind, share in shares.items()
        if share
    }
    assert min(left.values()) <= 2 + max(available.values()) * 1e-15
    assert chosen.scarcest is None or left[chosen.scarcest[0]] <= 200 + max(available.values()) * 1e-13


def test_a_kind_with_share_zero_gets_nothing_and_limits_nothing() -> None:
    chosen = plain(natural(code=0, text=500), {"code": 0.0, "text": 1.0}, None)
    assert chosen.targets == {("code", ""): 0, ("text", ""): 500}


def test_an_absent_kind_leaves_nothing() -> None:
    chosen = plain(natural(code=10), {"code": 0.5, "text": 0.5}, 8)
    assert (chosen.targets, chosen.possible, chosen.scarcest) == ({("code", ""): 0}, 0, None)


@given(problems(), SHARES, WANTED)
def test_targets_add_up_and_keep_every_bound(
    problem: tuple[dict[Key, Stock], dict[Key, Rule]], shares: dict[str, float], wanted: int | None
) -> None:
    stocks, rules = problem
    chosen = allocate(stocks, rules, shares, wanted)
    assert list(chosen.targets) == sorted(stocks) == list(chosen.shares)
    total = chosen.possible if wanted is None else min(wanted, chosen.possible)
    for kind, share in shares.items():
        assert abs(chosen.of_kind(kind) - total * share) <= len(stocks) + total * 1e-9
    for key, target in chosen.targets.items():
        rule, stock = rules[key], stocks[key]
        assert 0 <= target <= stock.limit
        assert rule.maximum_tokens is None or target <= rule.maximum_tokens
        assert rule.maximum_bytes is None or target * 3 <= rule.maximum_bytes + 3


@given(problems(), SHARES, WANTED)
def test_no_larger_total_is_possible(
    problem: tuple[dict[Key, Stock], dict[Key, Rule]], shares: dict[str, float], wanted: int | None
) -> None:
    stocks, rules = problem
    chosen = allocate(stocks, rules, shares, None)
    assert chosen.possible == allocate(stocks, rules, shares, wanted).possible
    if chosen.scarcest is not None:
        stock = stocks[chosen.scarcest]
        slack = 2 + stock.limit * 1e-9 + 2 * chosen.shares[chosen.scarcest]
        assert chosen.targets[chosen.scarcest] >= stock.limit - slack
    elif chosen.possible:  # every domain of some kind is at its cap
        capped = [
            all(chosen.targets[key] >= rules[key].cap(stock) - 3 for key, stock in stocks.items() if key[0] == kind
                and chosen.shares[key])
            for kind, share in shares.items() if share
        ]  # fmt: skip
        assert any(capped)


@given(problems(), SHARES, WANTED, st.randoms(use_true_random=False))
def test_the_order_in_which_domains_are_given_does_not_matter(
    problem: tuple[dict[Key, Stock], dict[Key, Rule]], shares: dict[str, float], wanted: int | None, order: object
) -> None:
    stocks, rules = problem
    keys = list(stocks)
    order.shuffle(keys)  # type: ignore[attr-defined]
    backwards = dict(reversed(shares.items()))
    again = allocate({key: stocks[key] for key in keys}, rules, backwards, wanted)
    assert again == allocate(stocks, rules, shares, wanted)


@given(problems(), SHARES, st.integers(1, 10**9), st.integers(1, 10**9))
def test_more_wanted_is_nowhere_less(
    problem: tuple[dict[Key, Stock], dict[Key, Rule]], shares: dict[str, float], one: int, other: int
) -> None:
    low, high = (allocate(*problem, shares, wanted) for wanted in sorted((one, other)))
    assert all(low.targets[key] <= high.targets[key] + 1 for key in low.targets)  # 1: how floats are rounded


@given(problems(), SHARES)
def test_shares_add_up_to_one(problem: tuple[dict[Key, Stock], dict[Key, Rule]], shares: dict[str, float]) -> None:
    stocks, rules = problem
    chosen = allocate(stocks, rules, shares, None)
    for kind in shares:
        of_kind = [share for key, share in chosen.shares.items() if key[0] == kind]
        assert sum(of_kind) == pytest.approx(1) or not any(of_kind)
    assert all(not chosen.shares[key] for key, stock in stocks.items() if not stock.tokens)


@given(problems(), st.integers(0, 100))
def test_a_weight_of_one_kind_is_nothing_to_the_other(
    problem: tuple[dict[Key, Stock], dict[Key, Rule]], percent: int
) -> None:
    stocks, rules = problem
    changed = rules | {key: Rule(weight=percent / 100) for key in rules if key == ("code", "A")}
    shares = {"code": 0.5, "text": 0.5}
    one, other = (allocate(stocks, some, shares, None).shares for some in (rules, changed))
    assert [one[key] for key in one if key[0] == "text"] == [other[key] for key in other if key[0] == "text"]


def shares_of(stocks: dict[str, float], **rules: Rule) -> dict[str, float]:
    keys = {("text", name): Stock(tokens, tokens, tokens) for name, tokens in stocks.items()}
    found = domain_shares(keys, {key: rules.get(key[1], Rule()) for key in keys})
    return {name: round(share, 9) for (_, name), share in found.items()}


def test_what_weights_leave_is_divided_as_it_is() -> None:
    assert shares_of({"A": 1, "B": 300, "": 100}, A=Rule(weight=0.2)) == {"": 0.2, "A": 0.2, "B": 0.6}


def test_epochs_count_as_so_many_tokens() -> None:
    assert shares_of({"A": 100, "": 200}, A=Rule(epochs=3)) == {"": 0.4, "A": 0.6}


def test_weights_with_nobody_to_take_the_rest_are_scaled() -> None:
    assert shares_of({"A": 1, "B": 9}, A=Rule(weight=0.1), B=Rule(weight=0.3)) == {"A": 0.25, "B": 0.75}


def test_a_weight_of_nothing_goes_to_the_others() -> None:
    rules = {"A": Rule(weight=0.5), "B": Rule(weight=0.3), "C": Rule(weight=0.2)}
    assert shares_of({"A": 7, "B": 0, "C": 7}, **rules) == {"A": 0.714285714, "B": 0, "C": 0.285714286}
    assert shares_of({"A": 7, "B": 0, "": 7}, **rules) == {"": 0.5, "A": 0.5, "B": 0}


def test_published_weights_divide_what_their_subsets_have_together() -> None:
    rules = {"A": Rule(published=0.3, epochs=2), "B": Rule(published=0.1)}
    # Half of the kind is theirs: 2 * 100 + 200 of 800 tokens.
    assert shares_of({"A": 100, "B": 200, "": 400}, **rules) == {"": 0.5, "A": 0.375, "B": 0.125}
    assert shares_of({"A": 100, "B": 200}, **rules) == {"A": 0.75, "B": 0.25}


def test_weight_zero_leaves_a_domain_out() -> None:
    assert shares_of({"A": 100, "": 100}, A=Rule(weight=0)) == {"": 1, "A": 0}
    assert shares_of({"A": 100}, A=Rule(weight=0)) == {"A": 0}


def test_what_a_cap_takes_goes_to_the_others_of_the_kind() -> None:
    stocks = {("text", name): Stock(1000, 3000, 1000) for name in ("A", "B", "C")} | natural(code=10**6)
    rules = {
        ("text", "A"): Rule(weight=0.5, maximum_tokens=100),
        ("text", "B"): Rule(weight=0.3),
        ("text", "C"): Rule(weight=0.2),
    }
    chosen = allocate(stocks, rules, {"code": 0.5, "text": 0.5}, 1200)
    assert chosen.targets == {("code", ""): 600, ("text", "A"): 100, ("text", "B"): 300, ("text", "C"): 200}
    by_bytes = rules | {("text", "A"): Rule(weight=0.5, maximum_bytes=300)}
    assert allocate(stocks, by_bytes, {"code": 0.5, "text": 0.5}, 1200).targets == chosen.targets


def test_a_domain_that_is_capped_holds_nobody_back() -> None:
    stocks = {("text", "A"): Stock(50, 50, 50), ("text", ""): Stock(1000, 1000, 1000)}
    scarce = {("text", "A"): Rule(weight=0.5)}
    only_text = {"code": 0.0, "text": 1.0}
    assert allocate(stocks, scarce, only_text, None).possible == 100
    assert allocate(stocks, scarce, only_text, None).scarcest == ("text", "A")
    capped = {("text", "A"): Rule(weight=0.5, maximum_tokens=50)}
    assert allocate(stocks, capped, only_text, None).possible == 1050
