"""`plan --probe`: what a sample of the documents took, what all of them will take, and what refuses the answers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from pipeline.inspect_run import counted, plain_console, safe
from pipeline.recipe import Recipe
from pipeline.rewriting_probe import Probe, ProbedLanguage, probe
from pipeline.rewriting_settings import rewriting_of
from pipeline.units import Mill
from stages.probe_forecast import Forecast, acceptance, forecast, together

_SHOWN_GATES = 3
_ALL = "all"


def print_probe(mill: Mill, size: float) -> None:
    """Probe before the user's eyes, and print what it tells; raises what `probe` does."""
    with _bar() as tell:
        found = probe(mill, size, tell)
    console = plain_console()
    for line in _head(found):
        console.print(line)
    console.print()
    console.print(_sample_table(found), soft_wrap=False)
    console.print()
    forecasts = forecast({name: one.stratum for name, one in found.languages.items()})
    total = together(list(forecasts.values()))
    console.print(_forecast_table(found, {**forecasts, _ALL: total}), soft_wrap=False)
    console.print()
    for line in (*_refusals(found), *_speed(found), *_budget(mill.recipe, found, total)):
        console.print(safe(line, 600))


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("probe"), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("documents"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, documents: bar.update(task, completed=done, total=documents)


def _head(found: Probe) -> Iterator[str]:
    sampled = sum(len(one.sample) for one in found.languages.values())
    chosen = sum(one.chosen.documents for one in found.languages.values())
    yield (
        f"probe: {sampled:,} of {counted(chosen, 'chosen document')} in {counted(len(found.languages), 'language')}; "
        f"{counted(found.requests, 'request')}, {found.cached:,} of them answered before"
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _sample_table(found: Probe) -> Table:
    table = _table(
        "language", "sampled", "rewritten", "share", "95 % between", "prompt tokens", "answer tokens", "refused most by"
    )
    names = found.languages.items()
    for name, one in (*((name, one) for name, one in names if one.sample), (_ALL, _together(found.languages.values()))):
        share = acceptance(one.accepted, len(one.sample))
        table.add_row(
            safe(name, 40),
            f"{len(one.sample):,}",
            f"{one.accepted:,}",
            f"{share.value:.0%}",
            f"{share.low:.0%} and {share.high:.0%}",
            f"{sum(measured.prompt_tokens for measured in one.sample):,}",
            f"{sum(measured.completion_tokens for measured in one.sample):,}",
            ", ".join(gate for gate, _ in _refused(one)[:_SHOWN_GATES]),
        )
    return table


def _together(languages: Iterable[ProbedLanguage]) -> ProbedLanguage:
    listed = list(languages)
    answers: Counter[str] = Counter()
    for one in listed:
        answers.update(one.answers)
    sample = [measured for one in listed for measured in one.sample]
    return ProbedLanguage(listed[0].chosen, sample, sum(one.accepted for one in listed), dict(answers))


def _refused(one: ProbedLanguage) -> list[tuple[str, int]]:
    """Gates with the answers that they refused, most first."""
    return sorted(((gate, count) for gate, count in one.answers.items() if gate), key=lambda item: (-item[1], item[0]))


def _forecast_table(found: Probe, forecasts: dict[str, Forecast]) -> Table:
    table = _table(
        "all that are chosen", "documents", "prompt tokens", "answer tokens", "together", "95 % between", "GPU-hours"
    )
    per_hour = found.tokens_per_gpu_hour
    for name, one in forecasts.items():
        languages = [found.languages[name]] if name in found.languages else list(found.languages.values())
        table.add_row(
            safe(name, 40),
            f"{sum(language.chosen.documents for language in languages):,}",
            *(f"{tokens:,.0f}" for tokens in (one.prompt_tokens, one.completion_tokens, one.tokens.value)),
            f"{one.tokens.low:,.0f} and {one.tokens.high:,.0f}",
            _hours(one.tokens.value / per_hour) if per_hour else "?",
        )
    return table


def _hours(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 10 else f"{hours:.2g}"


def _refusals(found: Probe) -> Iterator[str]:
    one = _together(found.languages.values())
    answers = sum(one.answers.values())
    if refused := ", ".join(f"{gate} {count:,} ({count / answers:.0%})" for gate, count in _refused(one)):
        yield f"of {counted(answers, 'answer')}, first and second tries, gates refused: {refused}"
    elif answers:
        yield f"of {counted(answers, 'answer')} no gate refused one"
    else:
        yield "the model was asked nothing: no mode had something to do"


def _speed(found: Probe) -> Iterator[str]:
    per_hour = found.tokens_per_gpu_hour
    if not found.requests:
        yield "speed: not measured, for the model was asked nothing; hours need a larger probe"
        return
    if found.speed is None or per_hour is None:
        yield "speed: not measured, for every answer was there before; hours need a probe of documents that are new"
        return
    rate = f"{found.speed.tokens_per_second:,.0f} tokens of prompts and answers a second"
    yield f"speed: {rate} on what counts as {counted(found.gpus, 'GPU')}: model.tensor_parallel x data_parallel"
    if not found.speed.busy:
        yield "  the server was not busy for long: it can do more than that, and a larger probe tells how much"
    yield f"  for the recipe: rewriting.budget.tokens_per_gpu_hour: {round(per_hour)}"


def _budget(recipe: Recipe, found: Probe, total: Forecast) -> Iterator[str]:
    estimated = sum(one.chosen.estimated_tokens for one in found.languages.values())
    limit = rewriting_of(recipe).budget.maximum_tokens
    yield f"documents were chosen by an estimate of {estimated:,.0f} tokens; the probe says {total.tokens.value:,.0f}"
    if limit is not None:
        yield f"  that is {total.tokens.value / limit:.0%} of the budget, {limit:,.0f} tokens"
