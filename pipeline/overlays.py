"""The overlay: rewrites that stand, laid over the texts that clean kept; and who leaves for what rewriting found.

Nothing that clean wrote is changed. Whoever reads a slice's texts after pass 5 lays the overlay of that slice over
them; where the recipe has nothing rewritten it is empty, and every text is its original.

Memory: the rewrites of one slice.
"""

from collections.abc import Iterator
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import Rejected
from manifests.release_rewriting import STAGE
from pipeline.pass_4_survey import HOPELESS
from pipeline.pass_5_overlay import OF_TWINS, RULINGS
from pipeline.pass_5_rewrite import REFUSED, REWRITES
from pipeline.recipe import Recipe
from pipeline.rewriting_settings import rewrites, rewriting_of
from pipeline.steps import Reach, Read, UnitContext
from stages.texts import REWRITE

HOPELESS_CODE = "hopeless_code"


def _drops_hopeless(recipe: Recipe) -> bool:
    return recipe.rewriting is not None and recipe.rewriting.selection.hopeless == "drop"


def drops_refused(recipe: Recipe) -> bool:
    """Whether documents whose rewrites are refused leave."""
    return recipe.rewriting is not None and recipe.rewriting.failed == "drop"


def overlay_reads(own: Reach, of_one: Reach) -> tuple[Read, ...]:
    """What a step reads to lay overlays over texts.

    Args:
        own: reach of what the unit of each slice wrote: "same" or "group".
        of_one: reach of what one unit wrote for all slices: "blocks" or "group".
    """
    return (
        Read("rewrite", "rewrites", own, REWRITES, asked_for=rewrites),
        Read("overlay", "rulings", of_one, RULINGS, asked_for=rewrites),
    )


def rejection_settings(recipe: Recipe) -> dict[str, object]:
    """What of the recipe stands in the rejections of `left_out`; nothing where nothing is dropped."""
    drops = _drops_hopeless(recipe)
    return {"hopeless_errors": rewriting_of(recipe).selection.hopeless_errors} if drops else {}


REJECTION_READS = (
    Read("survey", "hopeless", "same", HOPELESS, asked_for=_drops_hopeless),
    Read("rewrite", "refused", "same", REFUSED, asked_for=drops_refused),
)


class Overlay:
    """The rewrites of a slice that stand.

    Attributes:
        rewrites: rows of `REWRITES`.
    """

    def __init__(self, rewrites: pa.Table, rulings: pa.Table) -> None:
        gone = pc.is_in(rewrites.column("id"), value_set=rulings.column("id").combine_chunks())
        self.rewrites = rewrites.filter(pc.invert(gone)).combine_chunks()

    @classmethod
    def of(cls, context: UnitContext, number: int | None = None) -> Self:
        """Of the slice with this number, among those that the unit reads; None: the unit is of one slice."""
        if not rewrites(context.recipe):
            return cls(REWRITES.empty_table(), RULINGS.empty_table())
        if number is None:
            return cls(context.table("rewrites"), context.table("rulings"))
        tables = (("rewrites", REWRITES), ("rulings", RULINGS))
        return cls(*(context.rows(context.of_slice(name, number), schema) for name, schema in tables))

    def modes(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """string[n], the modes of each document's rewrite; empty where it has none."""
        return self._found(ids, "modes").fill_null("")

    def laid_over(self, texts: pa.Table) -> pa.Table:
        """Documents with their rewrites in place of their texts, and with column `rewrite`.

        Args:
            texts: with columns id and text, and perhaps num_bytes.
        """
        for name in ("text", "num_bytes"):
            if name in texts.column_names and self.rewrites.num_rows:
                place, ids = texts.column_names.index(name), texts.column("id")
                laid = pc.coalesce(self._found(ids, name), texts.column(name))
                texts = texts.set_column(place, texts.schema.field(name), laid)
        return texts.append_column(REWRITE, self.modes(texts.column("id")))

    def _found(self, ids: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        """A column of the rewrites, for each document; null where it has none."""
        places = pc.index_in(ids, value_set=self.rewrites.column("id").combine_chunks())
        return pa.chunked_array([self.rewrites.column(name).combine_chunks().take(places.combine_chunks())])


def left_out(context: UnitContext, texts: pa.Table) -> list[Rejected]:
    """Documents of a slice that leave because of what rewriting found, in the order given.

    Args:
        texts: those that mix selected, with columns id and num_bytes.
    """
    if not rewrites(context.recipe):
        return []
    why = dict(_reasons(context))
    return [
        Rejected(id=row["id"].hex(), stage=STAGE, shard="", row=-1, num_bytes=row["num_bytes"], **why[row["id"]])
        for row in texts.select(["id", "num_bytes"]).to_pylist()
        if row["id"] in why
    ]


def _reasons(context: UnitContext) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Ids, and what the rejection says."""
    if _drops_hopeless(context.recipe):
        bound = rewriting_of(context.recipe).selection.hopeless_errors
        for row in context.table("hopeless").to_pylist():
            yield row["id"], {"reason": HOPELESS_CODE, "value": row["error_fraction"], "bound": bound}
    if drops_refused(context.recipe):
        for row in context.table("refused").to_pylist():
            facts = {name: row[name] for name in ("value", "bound", "detail")}
            yield row["id"], {"reason": f"refused_{row['gate']}", **facts}
        for row in context.table("rulings").to_pylist():
            if row["reason"] in OF_TWINS:
                twin = {"twin": row["twin"].hex(), "similarity": row["similarity"]}
                yield row["id"], {"reason": row["reason"], **twin}
