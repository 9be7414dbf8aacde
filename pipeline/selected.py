"""Which of clean's texts mix selected, and how often: asked wherever they are read after it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.recipe import Recipe
from stages.exchange import fixed_binary
from stages.mixing import order_keys


class Selected(NamedTuple):
    """What mix says of some texts, row by row.

    Attributes:
        mix_keys: uint64[n], their places in the random order.
        domains: of the mixture.
        copies: int64[n], how many times each was selected; 0 for those that mix left out.
    """

    mix_keys: npt.NDArray[np.uint64]
    domains: list[str]
    copies: npt.NDArray[np.int64]


def selected(texts: pa.Table, selection: pa.Table, recipe: Recipe) -> Selected:
    """Look texts up in a selection.

    Args:
        texts: with the columns id, kind, subset and language.
        selection: rows of `pass_4_mix.SELECTION`.
    """
    mix_keys = order_keys(fixed_binary(texts.column("id"), ID_BYTES), recipe.seed, "mix")
    names = [texts.column(name).to_pylist() for name in ("kind", "subset", "language")]
    domains = [recipe.mixture.domain_of(*of) for of in zip(*names, strict=True)]
    return Selected(mix_keys, domains, _copies(selection, names[0], domains, mix_keys))


def _copies(
    selection: pa.Table, kinds: list[str], domains: list[str], mix_keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    rows = {(row["kind"], row["domain"]): row for row in selection.to_pylist()}
    copies = np.zeros(len(kinds), dtype=np.int64)
    places: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(kinds, domains, strict=True)):
        places.setdefault(key, []).append(place)
    for key in places.keys() & rows.keys():
        row, here = rows[key], np.array(places[key])
        copies[here] = row["full_epochs"] + (mix_keys[here] < np.uint64(row["bound"]))
    return copies
