"""`bpb`: a model is read the texts that a release holds out, and what comes out is told as a table or as JSON."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from manifests.release import Manifest
from pipeline import bits_per_byte
from pipeline.bits_per_byte import Bits, BitsByGroup, Windows, bits_by_group, chosen_windows
from pipeline.held_out_texts import HeldOutTexts
from pipeline.inspect_run import counted, plain_console, safe, size
from stages.causal_model import CausalModel, Dtype, asks_hub, load_model

_SAY_SECONDS = 60.0  # where there is no terminal
_COLUMNS = ("kind", "subset or language", "documents", "bytes", "tokens", "bytes a token", "bits per byte")


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """What the command line says; None leaves it to the model and the machine."""

    device: str | None = None
    dtype: Dtype | None = None
    window: int | None = None
    stride: int | None = None
    batch_tokens: int = 4096
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ModelBits:
    """What came out, and of what."""

    release: Manifest
    model: CausalModel
    windows: Windows
    limit: int | None
    sums: BitsByGroup

    def to_json(self) -> str:
        """One object; numbers as they are, nothing rounded."""
        prefix = self.model.prefix
        groups = sorted(self.sums.groups.items())
        found = {
            "release": {
                "name": self.release.name,
                "version": self.release.version,
                "manifest_digest": self.release.digest,
            },
            "model": self.model.about,
            "first_token_after": None if prefix is None else prefix._asdict(),
            "window": self.windows.window,
            "stride": self.windows.stride,
            "limit": self.limit,
            "subsets": [{"kind": group.kind, "name": group.name} | bits.to_json() for group, bits in groups],
            "kinds": [{"kind": kind} | bits.to_json() for kind, bits in self.sums.kinds().items()],
            "overall": self.sums.overall().to_json(),
        }
        return json.dumps(found, indent=2)

    def print(self) -> None:
        """A table, and what a reader must know of it."""
        console = plain_console()
        about = self.model.about
        console.print(
            f"{safe(str(about['model']))}: {about['parameters'] / 1e6:,.1f} M parameters, {about['dtype']} on "
            f"{about['device']}; windows of {self.windows.window:,} tokens, stride {self.windows.stride:,}"
        )
        limited = "" if self.limit is None else f", of each subset at most {counted(self.limit, 'document')}"
        console.print(f"{safe(self.release.name)} {safe(self.release.version)}: held-out texts{limited}")
        for line in self.notes():
            console.print(line)
        table = Table(box=None, pad_edge=False)
        for number, column in enumerate(_COLUMNS):
            table.add_column(column, justify="left" if number < 2 else "right", no_wrap=True)
        for group, bits in sorted(self.sums.groups.items()):
            table.add_row(safe(group.kind, 20), safe(group.name, 60) or "(none)", *_cells(bits))
        for kind, bits in self.sums.kinds().items():
            table.add_row(safe(kind, 20), "(all)", *_cells(bits))
        table.add_row("(all)", "(all)", *_cells(self.sums.overall()))
        console.print(table)

    def notes(self) -> Iterator[str]:
        """What was done about first tokens, and why a number may be too low or not the split's."""
        prefix, overall = self.model.prefix, self.sums.overall()
        if prefix is None:
            yield (
                f"no token stands before a document: the tokenizer has neither BOS nor EOS. So "
                f"{overall.tokens - overall.predicted:,} first tokens have no nats while their bytes count, and bits "
                "per byte are too low"
            )
        else:
            yield (
                f"a document's first token is predicted from {safe(prefix.token, 40)} ({prefix.id}), "
                f"{prefix.role.upper()} of the tokenizer"
            )
        if overall.altered:
            yield (
                f"warning: of {overall.altered:,} documents the tokens give back another text, as where a tokenizer "
                "normalizes: nats are of that one, bytes of the document"
            )
        if self.limit is not None:
            yield "(all) is of these documents, in which large subsets weigh less than in the whole split"


def measure_bits(folder: str, model_name: str, options: ScoringOptions) -> ModelBits:
    """Score a model on what a release holds out; says on standard error how far it is.

    Raises:
        RecipeError: no release that holds out, no model, or options that do not fit it.
        IntegrityError: the release is damaged.
        UnitError: the device cannot compute it.
    """
    texts = HeldOutTexts(folder, limit=options.limit)  # both are looked at before a large model is loaded
    if asks_hub(model_name):
        sys.stderr.write(f"{safe(model_name)} is no folder here: asking the Hugging Face hub for it\n")
    model = load_model(model_name, device=options.device, dtype=options.dtype)
    windows = chosen_windows(model.context, options.window, options.stride, options.batch_tokens)
    with _progress(texts.documents) as progress:
        sums = bits_by_group(model, texts.batches(), windows, progress=progress)
    return ModelBits(texts.manifest, model, windows, options.limit, sums)


def _cells(bits: Bits) -> list[str]:
    ratio = f"{bits.num_bytes / bits.tokens:.3f}" if bits.tokens else ""
    found = bits.bits_per_byte
    return [
        f"{bits.documents:,}",
        size(bits.num_bytes),
        f"{bits.tokens:,}",
        ratio,
        "" if found is None else f"{found:.4f}",
    ]


@contextmanager
def _progress(documents: int) -> Iterator[bits_per_byte.Progress]:
    """A bar on a terminal, elsewhere a line a minute; both on standard error."""
    console = Console(stderr=True, highlight=False, markup=False)
    began = said = time.monotonic()
    done = tokens = 0
    bar = Progress(
        TextColumn("{task.fields[rate]}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=documents, rate="")

        def advance(more_documents: int, more_tokens: int) -> None:
            nonlocal said, done, tokens
            done, tokens, now = done + more_documents, tokens + more_tokens, time.monotonic()
            rate = f"{tokens / max(1e-9, now - began):,.0f} tokens/s"
            bar.update(task, completed=done, rate=rate)
            if not console.is_terminal and now - said >= _SAY_SECONDS:
                said = now
                console.print(f"{done:,} of {counted(documents, 'document')}, {rate}", soft_wrap=True)

        yield advance
