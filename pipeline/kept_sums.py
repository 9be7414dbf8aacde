"""What clean leaves for mix to estimate from: sums over its kept texts by kind, subset and language.

A sample of one document in 64, chosen by its id, is tokenized for the rate of tokens per byte. No setting of the
mixture is asked here, so a changed mixture makes nothing again before mix. Memory: a row for every subset and language.
"""

from collections.abc import Iterable

import pyarrow as pa

from manifests.document import Document
from pipeline.recipe import Recipe
from pipeline.recipe_mixture import Mixture
from pipeline.tokenizer_file import load_tokenizer
from stages.allocation import Key
from stages.exchange import table_of
from stages.mixing import SAMPLED_ONE_IN, Estimate

_CLASS = ("kind", "subset", "language")
# squared_bytes is a float because the squares of a unit's documents may be more than 64 bits hold.
SUMS = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in _CLASS),
        pa.field("documents", pa.int64()),
        pa.field("num_bytes", pa.int64()),
        pa.field("squared_bytes", pa.float64()),
        pa.field("sampled_bytes", pa.int64()),
        pa.field("sampled_tokens", pa.int64()),
    ]
)
_TOKENS_PER_BYTE = 0.3  # where the sample of a kind is empty: about what byte-level BPEs need


class KeptSums:
    """Rows of `SUMS` in the making."""

    def __init__(self, recipe: Recipe) -> None:
        self._tokenizer = load_tokenizer(recipe)
        self._sums: dict[tuple[str, ...], list[int]] = {}

    def add(self, document: Document, text: str, num_bytes: int) -> None:
        """Take a document on; `num_bytes` of its cleaned text."""
        sums = self._sums.setdefault((document.kind, document.subset, document.language), [0] * 5)
        sums[0] += 1
        sums[1] += num_bytes
        sums[2] += num_bytes**2
        if int(document.id[-8:], 16) % SAMPLED_ONE_IN == 0:
            sums[3] += num_bytes
            sums[4] += len(self._tokenizer.encode(text)) + 1

    def table(self) -> pa.Table:
        """The rows, in order of kind, subset and language."""
        rows = [(*names, *sums[:2], float(sums[2]), *sums[3:]) for names, sums in sorted(self._sums.items())]
        return table_of(rows, SUMS)


def estimates(tables: Iterable[pa.Table], mixture: Mixture) -> dict[Key, Estimate]:
    """What there is of every domain that has documents, by (kind, domain).

    The tokens of a subset and language follow the rate of its own sample, or that of its kind where it has none.

    Args:
        tables: rows of `SUMS`, of all units.
    """
    classes: dict[tuple[str, ...], list[int]] = {}
    kinds: dict[str, list[int]] = {}
    for table in tables:
        for row in table.to_pylist():
            amounts = [int(row[name]) for name in SUMS.names[len(_CLASS) :]]
            for sums in (
                classes.setdefault(tuple(row[name] for name in _CLASS), [0] * 5),
                kinds.setdefault(row["kind"], [0] * 5),
            ):
                sums[:] = [a + b for a, b in zip(sums, amounts, strict=True)]
    found: dict[Key, Estimate] = {}
    for (kind, subset, language), sums in sorted(classes.items()):
        documents, num_bytes, squared_bytes, *_ = sums
        key = kind, mixture.domain_of(kind, subset, language)
        here = Estimate(documents, num_bytes, float(squared_bytes), num_bytes * _rate(sums, kinds[kind]))
        found[key] = here if key not in found else found[key].with_more(here)
    return dict(sorted(found.items()))


def _rate(*sums: list[int]) -> float:
    """Tokens per byte in the first sample that there is."""
    return next((tokens / num_bytes for *_, num_bytes, tokens in sums if num_bytes), _TOKENS_PER_BYTE)
