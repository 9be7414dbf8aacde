"""`plan` and `status`: what a run would do, and how far it is, as tables."""

from rich.console import Console
from rich.table import Table

from manifests.errors import CorpusmillError
from manifests.ledger import Ledger
from manifests.record import Record
from pipeline.passes import PASSES, STEPS
from pipeline.runner import failures, states
from pipeline.steps import Step
from pipeline.tokenizer_file import load_tokenizer
from pipeline.units import Mill


def print_plan(mill: Mill) -> None:
    """Shards, partitions, and for every step what is done and what will run."""
    console = Console()
    plan = mill.plan
    shards = [shard for unit in plan.units for shard in unit]
    console.print(
        f"{mill.recipe.name} {mill.recipe.version}: {len(shards)} shards, {plan.num_bytes / 1e6:,.1f} MB, "
        f"in {len(plan.units)} units; P = {plan.partitions} partitions of {plan.slices_per_partition} slices",
        highlight=False,
    )
    table = Table("pass", "step", "units", "done", "will run", "will read", box=None, pad_edge=False)
    for state in states(mill):
        _rewrite_row(table, state.step)
        reading = (
            "known later" if state.num_bytes is None else f"{state.num_bytes / 1e6:,.1f} MB" if state.todo else "-"
        )
        table.add_row(
            f"{state.step.number} {state.step.pass_name}",
            state.step.name,
            str(state.num_units),
            str(state.num_units - state.todo),
            str(state.todo),
            reading,
        )
    console.print(table)
    console.print(_tokenizer_line(mill), highlight=False)


def print_status(mill: Mill) -> None:
    """For every step: units done, failed, missing, documents kept; then why units failed."""
    console = Console()
    table = Table("pass", "step", "units", "done", "failed", "documents kept", box=None, pad_edge=False)
    problems: list[str] = []
    for step in STEPS:
        _rewrite_row(table, step)
        records = mill.records(step)
        failed = [record for record in records if record is not None and not record.done]
        done = sum(record is not None and record.done for record in records)
        row = [f"{step.number} {step.pass_name}", step.name, str(len(records)), str(done), str(len(failed))]
        table.add_row(*row, _kept(records))
        if failed:
            problems += [f"{step.name}: {line}" for line in failures(mill, step) if not line.endswith("no record")]
    console.print(table)
    for problem in problems:
        console.print(problem, style="red", highlight=False, markup=False)


def _rewrite_row(table: Table, step: Step) -> None:
    """The pass that this version lacks stands in its place, so that nobody looks for it."""
    if step.name == "tokenize":
        cells = [f"{PASSES.index('rewrite') + 1} rewrite", "off: not in this version"]
        table.add_row(*cells, *[""] * (len(table.columns) - 2))


def _kept(records: list[Record | None]) -> str:
    ledgers = [Ledger.from_json(record.ledger) for record in records if record is not None and record.ledger]
    return f"{Ledger.total(ledgers).kept.documents:,}" if ledgers else ""


def _tokenizer_line(mill: Mill) -> str:
    try:
        tokenizer = load_tokenizer(mill.recipe)
    except CorpusmillError as error:
        return f"tokenizer: {error.message} ({error.hint})"
    return f"tokenizer: {tokenizer.vocabulary_size:,} ids, encoded by {tokenizer.engine}"
