"""`plan` and `status`: what a run would do, and how far it is, as tables; and how anything is printed safely.

What stands in a shard (names, paths, texts, parsers' messages) is hostile: printed raw it could steer the terminal.
"""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from manifests.document import ID_BYTES
from manifests.errors import CorpusmillError
from manifests.ledger import Ledger
from manifests.printable import printable
from manifests.record import Record
from manifests.storage import Storage
from manifests.withdrawal import Withdrawal
from pipeline.inspect_mixture import mixture_outlook
from pipeline.inspect_time import failed_logs, stages_table, steps_table
from pipeline.pass_9_release import release_folder
from pipeline.passes import steps_of
from pipeline.proofs import failures
from pipeline.reasons import reason_lines
from pipeline.rewriting_live import live_line, live_totals
from pipeline.runner import states
from pipeline.slurm_report import queue_view
from pipeline.steps import Step
from pipeline.tokenizer_file import load_renderer, load_tokenizer
from pipeline.units import Mill, step_named
from stages.estimates import SKETCH_VALUES, detection_probability
from stages.tokenizing import TOKENIZERS_COST

_WIDEST_TABLE = 1000
_SHOWN_FAILURES = 20
_SIMILARITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def plain_console() -> Console:
    """A console that prints text as it is: no markup, no emoji codes, no line breaks of its own, no cut numbers.

    Tables are as wide as their cells, in narrow terminals and files, too.
    """
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=_WIDEST_TABLE)


def safe(text: str, limit: int = 300) -> str:
    """One line that cannot steer a terminal; see `manifests.printable`."""
    return printable(text, limit)


def size(num_bytes: int) -> str:
    """Bytes for people, in decimal units: "512 B", "3.4 MB"."""
    amount = float(num_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 unit", "2 units"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_plan(mill: Mill) -> None:
    """Shards, partitions, and for every step what is done and what will run."""
    console = plain_console()
    plan = mill.plan
    shards = sum(len(unit) for unit in plan.units)
    steps = list(states(mill))
    console.print(
        f"{mill.recipe.name} {mill.recipe.version}: {counted(shards, 'shard')}, {size(plan.num_bytes)}, in "
        f"{counted(len(plan.units), 'unit')}; {counted(plan.partitions, 'partition')}, each one release shard made in "
        f"{counted(plan.slices_per_partition, 'slice')}"
    )
    table = _table("pass", "step", "units", "done", "will run", "will read")
    for state in steps:
        reading = "known later" if state.num_bytes is None else size(state.num_bytes) if state.todo else "-"
        done = state.num_units - state.todo
        if state.step.always and state.num_bytes is not None:
            done = sum(record is not None and record.done for record in mill.records(state.step))
        table.add_row(*_name(state.step), f"{state.num_units:,}", f"{done:,}", f"{state.todo:,}", reading)
    console.print(table, soft_wrap=False)
    for line in reason_lines(mill, steps):
        console.print(safe(line, 600))
    console.print(_tokenizer_line(mill))
    _print_mixture(mill, console, cleaned=any(state.step.name == "clean" and not state.todo for state in steps))
    for line in (*_duplicates_lines(mill), *earlier_lines(mill)):
        console.print(line)


def _print_mixture(mill: Mill, console: Console, *, cleaned: bool) -> None:
    outlook = mixture_outlook(mill, cleaned=cleaned)
    if outlook.rows:
        table = _table(*outlook.rows[0])
        for row in outlook.rows[1:]:
            table.add_row(*(safe(cell, 40) for cell in row))
        console.print(table, soft_wrap=False)
    for line in outlook.lines:
        console.print(safe(line, 600))


def print_stages(mill: Mill) -> None:
    """Where the time of all units went, by step and stage."""
    plain_console().print(stages_table(mill), soft_wrap=False)


def print_status(mill: Mill) -> None:
    """For every step: units done, failed, documents, tasks on Slurm, what it took; then failures and what is next."""
    console = plain_console()
    view = queue_view(mill)
    table = _table("pass", "step", "units", "done", "failed", "documents kept", *(["on Slurm"] if view else []))
    problems: list[str] = []
    unfinished: list[tuple[Step, int]] = []
    live_lines: list[str] = []
    for step in steps_of(mill.recipe):
        records = mill.records(step)
        failed = sum(record is not None and not record.done for record in records)
        done = sum(record is not None and record.done for record in records)
        cells = [
            f"{len(records):,}",
            f"{done:,}",
            f"{failed:,}",
            _kept(records),
            *([view.of_step(step)] if view else []),
        ]
        table.add_row(*_name(step), *cells)
        problems += _failed_lines(mill, step, failed) if failed else []
        if step.name == "rewrite" and done < len(records) and (live := live_totals(mill.work)):
            live_lines.append(f"{step.name}: {live_line(live, len(records) - done)}")
        if done < len(records):
            unfinished.append((step, len(records) - done - failed))
    console.print(table, soft_wrap=False)
    if (took := steps_table(mill)).row_count:
        console.print()
        console.print(took, soft_wrap=False)
        console.print()
    for line in live_lines:
        console.print(line)
    problems += view.lines(unfinished) if view else []
    for problem in problems:
        console.print(safe(problem, 600), style="red")
    for line in failed_logs(mill, at_most=_SHOWN_FAILURES):
        console.print(safe(line, 600))
    if view and view.next_line:
        console.print(view.next_line)
    elif unfinished:
        step = unfinished[0][0]
        console.print(f"next: {step.number} {step.pass_name}: {step.name}; `corpusmill run` goes on there")
    else:
        console.print(f"release: {release_folder(mill.recipe).root}")


def _failed_lines(mill: Mill, step: Step, failed: int) -> list[str]:
    """Why the first units of a step failed: of 100,000 that lack one permission nobody reads the rest."""
    lines = [line for line in failures(mill, step) if not line.endswith("no record")][:_SHOWN_FAILURES]
    more = [f"{failed - len(lines):,} more failed"] if failed > len(lines) else []
    return [f"{step.name}: {line}" for line in lines + more]


def is_released(mill: Mill) -> bool:
    """Whether the last step is done."""
    return all(record is not None and record.done for record in mill.records(step_named("release")))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right", no_wrap=True)
    return table


def _name(step: Step) -> tuple[str, str]:
    return f"{step.number} {step.pass_name}", step.name


def _kept(records: list[Record | None]) -> str:
    ledgers = [Ledger.from_json(record.ledger) for record in records if record is not None and record.ledger]
    return f"{Ledger.total(ledgers).kept.documents:,}" if ledgers else ""


def _duplicates_lines(mill: Mill) -> Iterator[str]:
    """What of near duplicates will be found, and what that takes."""
    near = mill.recipe.deduplication.near
    if near is None:
        yield "near duplicates: off; documents of equal content are found"
    else:
        found = ((one, detection_probability(one, bands=near.bands, rows=near.rows)) for one in _SIMILARITIES)
        chances = ", ".join(f"{chance:.1%} at {one:g}" for one, chance in found)
        num_bytes = 8 * near.bands + 4 * SKETCH_VALUES + 2 * ID_BYTES
        yield f"near duplicates: {near.bands} bands of {near.rows} rows find pairs of a similarity: {chances}"
        yield f"  what is found is compared exactly, and goes from {near.minimum_similarity:g} of a kept document on"
        kept = f"{near.bands} band keys, {SKETCH_VALUES} values, 2 hashes"
        yield f"  kept for each document: {num_bytes:,} bytes ({kept})"


def earlier_lines(mill: Mill) -> Iterator[str]:
    """Which earlier releases are asked, and what of each can be found."""
    for name, texts in {shard.release: shard.texts for shard in mill.plan.earlier}.items():
        how = "near and equal documents are found" if "texts" in texts else "it has no texts: equal documents are found"
        also = ", and what is near to what it held out" if list(texts) == ["held_out"] else ""
        if mill.recipe.deduplication.near is None:
            how, also = "equal documents are found", ""
        yield safe(f"earlier release {name}: {how}{also}")
    for name, (folder, digest) in {one.release: (one.folder, one.digest) for one in mill.plan.earlier}.items():
        withdrawn = Withdrawal.read(Storage(folder, mill.recipe.s3.access), digest)
        if withdrawn is not None:  # what it held is known nonetheless, and may well have to stay out
            yield safe(f"warning: earlier release {name} was {withdrawn}", 700)


def _tokenizer_line(mill: Mill) -> str:
    try:
        load_renderer(mill.recipe)
    except CorpusmillError as error:
        what = "a run will stop" if Path(mill.recipe.tokenizer.path).exists() else "no tokenizer yet"
        return safe(f"{what}: {error.message} ({error.hint})", 600)
    tokenizer = load_tokenizer(mill.recipe)
    line = f"tokenizer: {tokenizer.vocabulary_size:,} ids, encoded by {tokenizer.engine}"
    if tokenizer.engine == "tokenizers":
        line += f", for gigatoken does not encode as this tokenizer.json says: {TOKENIZERS_COST}"
    return line
