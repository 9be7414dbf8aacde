"""What `explain` and `show` say of rewriting: a document's tier, what became of each answer, and which text stands.

Every line is safe for a terminal: a refusal may name what a model or a hostile file wrote.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from manifests.decision import decisions_table
from manifests.document import Rejected
from manifests.release_rewriting import STAGE
from pipeline.inspect_run import counted, safe
from pipeline.overlays import drops_refused
from pipeline.pass_5_overlay import OF_TWINS, OVER_SHARE
from pipeline.rewriting_settings import rewrites
from pipeline.tables import equal, number, tables
from pipeline.units import Mill
from stages.rewriting import WHOLE

_SHOWN_ANSWERS = 12
_STAYS = "the original stays"
_WORDS = {OVER_SHARE: "over_share: rewrites have their share of its language without it"}


def rewriting_lines(mill: Mill, identity: bytes) -> Iterator[str]:
    """Lines about one document; none where the recipe has nothing rewritten, or pass 4 did not come to it."""
    if not rewrites(mill.recipe):
        return
    for row in _rows(mill, "survey", "candidates", identity):
        found = (
            f"{counted(row['num_errors'], 'place')} that cannot be parsed, {counted(row['findings'], 'linter finding')}"
        )
        yield f"survey: {row['tier']}; {found}"
        if not _is_chosen(mill, row):
            yield "choose: not given to the model, for share, maximum_share or budget"
    answers = _rows(mill, "rewrite", "outcomes", identity)
    for answer in answers[:_SHOWN_ANSWERS]:
        yield _answer(answer)
    if len(answers) > _SHOWN_ANSWERS:
        yield f"rewrite: and {counted(len(answers) - _SHOWN_ANSWERS, 'answer')} more"
    for row in _rows(mill, "rewrite", "refused", identity):
        yield safe(f"rewrite: no rewrite, refused by {row['gate']}")
    for _ in _rows(mill, "rewrite", "unchanged", identity):
        yield "rewrite: no rewrite, for no mode changed anything"
    rulings = _rows(mill, "overlay", "rulings", identity)
    for row in _rows(mill, "rewrite", "rewrites", identity):
        sizes = f"{row['num_bytes']:,} bytes in place of {row['original_bytes']:,}"
        yield safe(f"rewrite: accepted, {row['modes']}; {sizes}")
    for row in rulings:
        twin = f"; kept twin {row['twin'].hex()}, similarity {row['similarity']:.4f}" if row["twin"] else ""
        yield safe(f"rewrite: does not stand, {_WORDS.get(row['reason'], row['reason'])}{twin}")


def _is_chosen(mill: Mill, candidate: dict[str, Any]) -> bool:
    """Whether the model is given a candidate; True where that is not decided yet."""
    rules = [row for table in tables(mill, "choose", "chosen") for row in table.to_pylist()]
    of_language = [rule for rule in rules if rule["language"] == candidate["language"]]
    return not of_language or of_language[0]["all"] or candidate["order"] < of_language[0]["bound"]


def undone_rewrites(mill: Mill, wanted: dict[str, Any]) -> Iterator[pa.Table]:
    """Rows as of `DECISIONS` about documents that stay as they were, for their rewrites were refused or ruled out.

    Args:
        wanted: values that named columns must have.
    """
    if not rewrites(mill.recipe) or wanted.get("stage", STAGE) != STAGE:
        return
    for step, table in (("rewrite", "refused"), ("overlay", "rulings")):
        for part in tables(mill, step, table):
            rows = part.to_pylist()
            found = [_refused(row) for row in rows] if table == "refused" else [_ruled_out(row) for row in rows]
            stay = [one for one in found if not drops_refused(mill.recipe) or one.reason == OVER_SHARE]
            yield equal(decisions_table(stay), wanted)


def _refused(row: dict[str, Any]) -> Rejected:
    return Rejected(
        row["id"].hex(),
        STAGE,
        f"refused_{row['gate']}",
        shard="",
        row=-1,
        value=row["value"],
        bound=row["bound"],
        detail=f"{_STAYS}; {row['detail']}",
    )


def _ruled_out(row: dict[str, Any]) -> Rejected:
    twin = row["twin"].hex() if row["reason"] in OF_TWINS else ""
    return Rejected(
        row["id"].hex(),
        STAGE,
        row["reason"],
        shard="",
        row=-1,
        twin=twin,
        similarity=row["similarity"],
        detail=_STAYS,
    )


def _rows(mill: Mill, step: str, table: str, identity: bytes) -> list[dict[str, Any]]:
    columns = None if table != "rewrites" else ("id", "modes", "num_bytes", "original_bytes")
    found = (equal(part, {"id": identity}) for part in tables(mill, step, table, columns=columns))
    return [row for part in found for row in part.to_pylist()]


def _answer(row: dict[str, Any]) -> str:
    """One judgement: "repair, second try: refused by imports, value 1, bound 0; ..."."""
    where = "" if row["piece"] <= 0 else f", part {row['piece'] + 1}"
    where = ", the whole text" if row["piece"] == WHOLE else where
    what = f"{row['mode']}{where}{', second try' if row['attempt'] else ''}"
    if not row["gate"]:
        return safe(f"rewrite: {what}: passed every gate")
    measured = "" if row["value"] is None else f", value {number(row['value'])}"
    bound = "" if row["bound"] is None else f", bound {number(row['bound'])}"
    return safe(f"rewrite: {what}: refused by {row['gate']}{measured}{bound}; {row['detail']}", 600)
