"""What `explain` says of a document from pass 3 on: what was redacted, how mix took it, where it lies in a release."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from manifests.document import Document
from pipeline.explain_release import sequence_lines
from pipeline.inspect_run import counted, safe
from pipeline.kept_texts import slice_of_document
from pipeline.pass_4_mix import domain_name
from pipeline.redactions import Redactions
from pipeline.released_rows import positions_in
from pipeline.selected import selected
from pipeline.shards import shard_rows
from pipeline.tables import equal, tables
from pipeline.units import Mill, step_named
from stages.parquet_files import ParquetFile
from stages.text_forms import Formed, in_form

_OF_TEXT = ("id", "kind", "subset", "language", "num_bytes", "licence")


def cleaning_lines(mill: Mill, row: dict[str, Any]) -> Iterator[str]:
    """Lines about what clean and mix made of a document; none where it did not come so far.

    Args:
        row: of ingest's, as clean reads it again.
    """
    for table in ("texts", "held_out"):
        for part in tables(mill, "clean", table, columns=_OF_TEXT):
            here = equal(part, {"id": row["id"]})
            for text in here.to_pylist():
                yield _redaction(mill, row)
                if table == "texts":
                    yield safe(f"clean: kept with {text['num_bytes']:,} bytes of text, licence {text['licence']}")
                    yield from _mixing(mill, here)


def _redaction(mill: Mill, row: dict[str, Any]) -> str:
    """What was replaced, by kind and rule: found again in the text as clean read it."""
    [shard] = [shard for unit in mill.plan.units for shard in unit if shard.name == row["shard"]]
    try:
        items = list(shard_rows(mill.recipe, shard, {row["row"]: {row["part"]}}))
    except OSError as error:
        return safe(f"redact: {row['shard']} cannot be read ({error.strerror}), so what was replaced is not told")
    counts: Counter[str] = Counter()
    for item in items:
        formed = in_form(item, notebooks=mill.recipe.text_forms.notebooks) if isinstance(item, Document) else item
        if isinstance(formed, Formed) and formed.document.id == row["id"].hex():
            document = replace(formed.document, kind=row["kind"], language=row["language"])
            counts.update(Redactions(mill.recipe).of(document).counts)
    found = ", ".join(f"{kind} {number:,}" for kind, number in sorted(counts.items()))
    return f"redact: {'replaced ' + found if found else 'nothing found'}"


def _mixing(mill: Mill, text: pa.Table) -> Iterator[str]:
    """How often mix took a text of clean's; what it left out has a decision of its own."""
    selection = list(tables(mill, "mix", "selection"))
    if selection:
        found = selected(text, pa.concat_tables(selection), mill.recipe)
        domain = domain_name((text.column("kind")[0].as_py(), found.domains[0]))
        if found.copies[0]:
            yield safe(f"mix: {domain}: taken {counted(int(found.copies[0]), 'time')}")


def release_lines(mill: Mill, row: dict[str, Any]) -> Iterator[str]:
    """Lines about where a document lies in the release that was made; `row` of ingest's."""
    number = slice_of_document(row["repo"], row["id"].hex(), mill.plan.num_slices) // mill.plan.slices_per_partition
    record = mill.record(step_named("pack"), number)
    places: list[dict[str, Any]] = []
    if record is not None and "positions" in record.outputs:
        with mill.work.open_parts(record.outputs["positions"].file) as opened, ParquetFile(opened) as file:
            places = positions_in(file, row["id"].hex())
    shard = f"data/shard-{number:05d}-of-{mill.plan.partitions:05d}.parquet"
    tokens, copies = sum(place["length"] for place in places), len({place["copy"] for place in places})
    amount = f"{tokens:,} tokens in {'1 copy' if copies == 1 else f'{copies:,} copies'}"
    yield f"release: the document is in it, {shard}: {amount}"
    yield from sequence_lines(places)
