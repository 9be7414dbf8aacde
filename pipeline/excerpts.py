"""Texts to look at: read again from the shards, row by row, and printed so that they cannot pass for words of ours."""

from collections.abc import Iterable

from filters.redaction_policy import RedactionPolicy
from manifests.document import Document, Rejected
from manifests.errors import SourceError
from pipeline.inspect_run import safe
from pipeline.masking import masked
from pipeline.shards import shard_rows
from pipeline.units import Mill
from stages.text_forms import in_form

_SHOWN_CHARACTERS = 600
_SHOWN_LINES = 20
_SCANNED_CHARACTERS = 32_768  # holds any usual private key that begins within what is shown

Position = tuple[str, int, int]  # shard, row, part


def texts_at(mill: Mill, positions: Iterable[Position]) -> dict[Position, str]:
    """The texts at some positions, in form; those that no shard of the plan has are left out."""
    notebooks = mill.recipe.text_forms.notebooks
    wanted: dict[str, dict[int, set[int]]] = {}
    for name, row, part in positions:
        wanted.setdefault(name, {}).setdefault(row, set()).add(part)
    texts: dict[Position, str] = {}
    for shard in (shard for unit in mill.plan.units for shard in unit if shard.name in wanted):
        rows = wanted[shard.name]
        try:
            for item in shard_rows(mill.recipe, shard, rows):
                if item.row > max(rows):
                    break
                formed = in_form(item, notebooks=notebooks) if isinstance(item, Document) else item
                if not isinstance(formed, Rejected):
                    texts[(item.shard, item.row, item.part)] = formed.document.text
        except OSError as error:
            raise SourceError(f"{shard.name}: cannot be read: {error.strerror}", hint="restore the shard") from error
    return texts


def position(shard: str, row: int, part: int) -> str:
    """How a position is written: `shard:row`, and `shard:row:part` for what stands further back in its row."""
    return f"{shard}:{row}:{part}" if part else f"{shard}:{row}"


def excerpt(text: str, policy: RedactionPolicy) -> str:
    """The beginning of a text, findings masked, indented so that it cannot pass for a line of ours.

    Of a long text only the beginning is scanned, far enough that what is shown is judged by what stands around it.
    """
    scanned = text[:_SCANNED_CHARACTERS]
    visible = masked(scanned, policy)
    lines = visible[:_SHOWN_CHARACTERS].replace("\r\n", "\n").split("\n")
    shown = ["  " + safe(line.replace("\t", "    "), _SHOWN_CHARACTERS) for line in lines[:_SHOWN_LINES]]
    more = len(visible) > _SHOWN_CHARACTERS or len(lines) > _SHOWN_LINES or len(scanned) < len(text)
    return "\n".join(shown) + (" […]" if more else "")
