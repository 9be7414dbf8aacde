"""Forecasting a rewriting from a few of its documents: which ones to take, and what they say of all. Pure functions.

A stratified sample: of every language in proportion to its documents, and of each at least a few, in an order that is
a hash of the id. Tokens are forecast by the ratio estimator, tokens for each byte of the sampled documents of a
language times the bytes of all of them; documents are of very different length, and tokens follow their bytes. The
intervals are of 95 %: Wilson's for acceptance, which holds for few documents, too, and the normal one of the ratio
estimator for tokens, with the finite population's correction.

Source: W. G. Cochran, Sampling Techniques, 3rd ed. 1977, chapters 5A, 6.3 and 6.11; E. B. Wilson, JASA 22 (1927).
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_DEVIATIONS = 1.959964  # of the normal distribution, 95 %
_AT_LEAST = 5  # documents of a language, while the sample allows it


class Interval(NamedTuple):
    """An estimate and where the truth lies in 95 of 100 samples."""

    value: float
    low: float
    high: float


class Measured(NamedTuple):
    """A document of the sample: its bytes, and the tokens that it took."""

    num_bytes: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.completion_tokens


class Stratum(NamedTuple):
    """A language: how many documents are to be rewritten, their bytes, and those of the sample."""

    documents: int
    num_bytes: int
    sample: Sequence[Measured]


class Forecast(NamedTuple):
    """What all documents will take; prompt and completion tokens are expectations, `tokens` of both has an interval."""

    prompt_tokens: float
    completion_tokens: float
    tokens: Interval


class Moment(NamedTuple):
    """The state of the requests at a moment, in seconds by any clock; tokens are of all answers paid so far."""

    seconds: float
    under_way: int
    tokens: int


class Speed(NamedTuple):
    """Tokens a second; `busy`: the server had at least half of the most requests at a time for long enough to tell."""

    tokens_per_second: float
    busy: bool


def number_of_documents(probe: float, chosen: int, *, most: int) -> int:
    """How many documents a probe takes: below 1 a share of those chosen, else a number; of a share, `most` at most.

    Returns:
        1 or more, but never more than there are.
    """
    wanted = min(most, math.ceil(probe * chosen)) if probe < 1 else int(probe)
    return min(chosen, max(1, wanted))


def sample_sizes(stocks: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many documents of each language make up a sample.

    Args:
        stocks: documents of each.

    Returns:
        `wanted` in all, or as many as there are. At least `_AT_LEAST` of each as far as they are there and `wanted`
        allows it, the languages with most documents first; what is left in proportion, rounded by largest remainders.
    """
    order = sorted(stocks, key=lambda name: (-stocks[name], name))
    sizes = dict.fromkeys(order, 0)
    left = min(wanted, sum(stocks.values()))
    for _ in range(_AT_LEAST):
        for name in order:
            if left and sizes[name] < stocks[name]:
                sizes[name] += 1
                left -= 1
    room = {name: stocks[name] - sizes[name] for name in order}
    total = sum(room.values())
    shares = {name: divmod(left * room[name], max(1, total)) for name in order}
    for name in order:
        sizes[name] += shares[name][0]
    rest = left - sum(whole for whole, _ in shares.values()) if total else 0
    for name in sorted(order, key=lambda name: (-shares[name][1], name))[:rest]:
        sizes[name] += 1
    return sizes


def acceptance(accepted: int, asked: int) -> Interval:
    """The share of accepted ones; 0 to 1 where none was asked."""
    if not asked:
        return Interval(0.0, 0.0, 1.0)
    share, square = accepted / asked, _DEVIATIONS**2
    middle = (share + square / (2 * asked)) / (1 + square / asked)
    half = _DEVIATIONS / (1 + square / asked) * math.sqrt(share * (1 - share) / asked + square / (4 * asked**2))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def forecast(strata: Mapping[str, Stratum]) -> dict[str, Forecast]:
    """What each language will take. One of which nothing was sampled is taken for like all others together.

    Raises:
        ValueError: nothing was sampled at all.
    """
    pooled = [one for stratum in strata.values() for one in stratum.sample]
    if not pooled:
        raise ValueError("expected documents to forecast from, got none")
    return {name: _forecast(stratum, pooled) for name, stratum in strata.items()}


def _forecast(stratum: Stratum, pooled: Sequence[Measured]) -> Forecast:
    sample = stratum.sample or pooled
    of_bytes = stratum.num_bytes / max(1, sum(one.num_bytes for one in sample))
    prompts = of_bytes * sum(one.prompt_tokens for one in sample)
    answers = of_bytes * sum(one.completion_tokens for one in sample)
    # The scatter of one document alone cannot be seen: then that of all languages has to do.
    scatter = sample if len(sample) > 1 else pooled
    error = _DEVIATIONS * _deviation(stratum, scatter, len(stratum.sample))
    total = prompts + answers
    return Forecast(prompts, answers, Interval(total, max(0.0, total - error), total + error))


def _deviation(stratum: Stratum, scatter: Sequence[Measured], sampled: int) -> float:
    """The standard deviation of the estimated sum of tokens."""
    if sampled >= stratum.documents:
        return 0.0
    ratio = sum(one.tokens for one in scatter) / max(1, sum(one.num_bytes for one in scatter))
    residuals = sum((one.tokens - ratio * one.num_bytes) ** 2 for one in scatter) / max(1, len(scatter) - 1)
    left = 1 - sampled / stratum.documents
    return stratum.documents * math.sqrt(left * residuals / max(1, sampled))


def together(forecasts: Sequence[Forecast]) -> Forecast:
    """All languages: their errors are independent of each other."""
    prompts = sum(one.prompt_tokens for one in forecasts)
    answers = sum(one.completion_tokens for one in forecasts)
    error = math.sqrt(sum((one.tokens.high - one.tokens.value) ** 2 for one in forecasts))
    total = prompts + answers
    return Forecast(prompts, answers, Interval(total, max(0.0, total - error), total + error))


def speed(moments: Sequence[Moment], *, asked_at_a_time: int) -> Speed | None:
    """How fast a server answered while it had enough to do; None where nothing was paid.

    Taken from the first answer to the last moment with at least half as many requests as can be under way at a time:
    so neither the first answers' time nor the emptying of the server at the end is counted. Where that is less than a
    third of all tokens, it is all tokens over all of the time, which a busy server would do better than.

    Args:
        moments: in their order, from before the first request to after the last answer.
        asked_at_a_time: the most requests that may be under way.
    """
    if not moments or moments[-1].tokens <= moments[0].tokens:
        return None
    paid = moments[-1].tokens - moments[0].tokens
    most = min(asked_at_a_time, max(moment.under_way for moment in moments))
    first = next(moment for moment in moments if moment.tokens > moments[0].tokens)
    full = [moment for moment in moments if 2 * moment.under_way >= most and moment.seconds > first.seconds]
    if full and 3 * (full[-1].tokens - first.tokens) >= paid:
        return Speed((full[-1].tokens - first.tokens) / (full[-1].seconds - first.seconds), most >= asked_at_a_time)
    return Speed(paid / max(moments[-1].seconds - moments[0].seconds, 1e-3), busy=False)
