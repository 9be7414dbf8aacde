"""Pass 4, mix, step `choose`: which candidates the model is given, by share, by bytes of a language, and by budget.

Candidates have a seeded random order, and of every language those below a bound are taken. So what is chosen depends on
no partition, more budget only adds, and a document's fate on few numbers. Bounds are lowered one after the other:

    share            of the candidates, by chance
    maximum_share    of a language, the bytes of the chosen are no more than that share of its selected code; how many
                     of them are rewritten in the end is only known after the gates
    tokens           of all languages together, until the estimate of prompts and answers reaches the budget

Memory: 25 bytes a candidate, and the order of their keys.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.pass_4_survey import CANDIDATES
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.recipe_rewriting import Rewriting
from pipeline.rewriting_settings import rewriting_of
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import table_of

# Of a language, the candidates with order < bound are given to the model, or all of them.
CHOSEN = pa.schema([pa.field("language", pa.string()), pa.field("bound", pa.uint64()), pa.field("all", pa.bool_())])
PROMPT_TOKENS = 1200  # of one mode: what is around the text
# Each mode reads the text and writes one of about its length, at 0.3 tokens a byte, as byte-level BPEs need for code.
# `plan --probe` measures both instead.
_TOKENS_OF_TEN_BYTES = 2 * 3
_EVERYTHING = 2**64
I64 = npt.NDArray[np.int64]


class Candidates(NamedTuple):
    """Rows of `CANDIDATES` as arrays.

    Attributes:
        languages: names, sorted.
        language: int16[n], places in them.
        num_bytes: int64[n].
        order: uint64[n].
    """

    languages: list[str]
    language: npt.NDArray[np.int16]
    num_bytes: I64
    order: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, tables: Iterable[pa.Table]) -> "Candidates":
        """Of tables with the columns language, num_bytes and order, in whatever order the rows are."""
        parts = [
            (t.column("language").to_pylist(), *(t.column(n).to_numpy() for n in ("num_bytes", "order")))
            for t in tables
        ]
        languages = sorted({language for names, *_ in parts for language in names})
        place = {language: number for number, language in enumerate(languages)}
        return cls(
            languages,
            np.array([place[language] for names, *_ in parts for language in names], dtype=np.int16),
            np.concatenate([part[1] for part in parts] or [np.empty(0, np.int64)]),
            np.concatenate([part[2] for part in parts] or [np.empty(0, np.uint64)]),
        )


@dataclass(slots=True)
class Chosen:
    """What is chosen of a language.

    Attributes:
        bound: candidates with a lower order are; 2**64 for all.
        limit: what set the bound: "share", "maximum_share" or "tokens"; "" for none.
        candidates: documents to choose from.
        documents, num_bytes, estimated_tokens: of the chosen.
    """

    bound: int = _EVERYTHING
    limit: str = ""
    candidates: int = 0
    documents: int = 0
    num_bytes: int = 0
    estimated_tokens: int = 0

    def lower(self, bound: int, limit: str) -> None:
        """Take no more than is below a bound."""
        if bound < self.bound:
            self.bound, self.limit = bound, limit


def estimated_tokens(num_bytes: I64, num_modes: int) -> I64:
    """int64[n], tokens of prompts and answers of documents where every mode asks once and no answer is refused."""
    return num_modes * (PROMPT_TOKENS + num_bytes * _TOKENS_OF_TEN_BYTES // 10)


def choose(candidates: Candidates, selected_bytes: Mapping[str, int], rewriting: Rewriting) -> dict[str, Chosen]:
    """The bound of every language that has candidates.

    Args:
        selected_bytes: of all selected code of a language, candidates or not.
    """
    order = np.argsort(candidates.order, kind="stable")
    language, num_bytes, keys = candidates.language[order], candidates.num_bytes[order], candidates.order[order]
    tokens = estimated_tokens(num_bytes, len(rewriting.modes))
    chosen = {name: Chosen() for name in candidates.languages}
    for number, (name, one) in enumerate(chosen.items()):
        one.lower(int(rewriting.selection.share * _EVERYTHING), "share")
        here = language == number
        one.candidates = int(here.sum())
        most = int(rewriting.maximum_share * selected_bytes.get(name, 0))
        one.lower(_bound(keys[here], num_bytes[here], most), "maximum_share")
    if (budget := rewriting.budget.maximum_tokens) is not None:
        below = _below(chosen, language, keys)
        bound = _bound(keys[below], tokens[below], int(budget))
        for one in chosen.values():
            one.lower(bound, "tokens")
    below = _below(chosen, language, keys)
    for number, one in enumerate(chosen.values()):
        here = below & (language == number)
        one.documents = int(here.sum())
        one.num_bytes, one.estimated_tokens = int(num_bytes[here].sum()), int(tokens[here].sum())
    return chosen


def _bound(keys: npt.NDArray[np.uint64], amounts: I64, most: int) -> int:
    """The first key, in order, with which the amounts so far exceed `most`; 2**64 where they never do."""
    first = int(np.searchsorted(np.cumsum(amounts), most, side="right"))
    return _EVERYTHING if first == len(keys) else int(keys[first])


def _below(
    chosen: Mapping[str, Chosen], language: npt.NDArray[np.int16], keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """bool[n], whether the order of a candidate is below the bound of its language."""
    last = np.array([max(0, one.bound - 1) for one in chosen.values()], dtype=np.uint64)
    some = np.array([one.bound > 0 for one in chosen.values()], dtype=np.bool_)
    return some[language] & (keys <= last[language])


def limit_of(chosen: Iterable[Chosen]) -> str:
    """The last limit that was met in any language; "" for none."""
    met = {one.limit for one in chosen}
    return next((limit for limit in ("tokens", "maximum_share", "share") if limit in met), "")


def _choose(context: UnitContext) -> None:
    columns = ("language", "num_bytes", "order")
    candidates = Candidates.of(context.parts(context.inputs["candidates"], columns=columns))
    chosen = choose(candidates, _selected_bytes(context), rewriting_of(context.recipe))
    rows = [(name, one.bound % _EVERYTHING, one.bound == _EVERYTHING) for name, one in chosen.items()]
    with context.blocks("chosen", CHOSEN) as out:
        out.write(table_of(rows, CHOSEN))
    names = ("candidates", "documents", "num_bytes", "estimated_tokens", "limit")
    context.counts = {
        "chosen": {language: {name: getattr(one, name) for name in names} for language, one in chosen.items()},
        "limit": limit_of(chosen.values()),
    }


def _selected_bytes(context: UnitContext) -> dict[str, int]:
    sums: dict[str, int] = {}
    for record in context.earlier["survey"]:
        surveyed = record.counts["surveyed"]
        assert isinstance(surveyed, dict), "survey counts by language"  # noqa: S101 - a slip of ours
        for language, amounts in surveyed.items():
            sums[language] = sums.get(language, 0) + amounts["num_bytes"]
    return sums


def _settings(recipe: Recipe, _plan: Plan) -> object:
    rewriting = rewriting_of(recipe)
    return {
        "share": rewriting.selection.share,
        "maximum_share": rewriting.maximum_share,
        "budget": rewriting.budget.maximum_tokens,
        "modes": len(rewriting.modes),
    }


STEPS = [
    Step(
        name="choose",
        number=4,
        pass_name="mix",
        grain="one",
        reads=(Read("survey", "candidates", "all", CANDIDATES),),
        settings=_settings,
        run=_choose,
        asked_for=lambda recipe: recipe.rewriting is not None,
    )
]
