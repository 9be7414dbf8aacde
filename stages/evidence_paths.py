"""Evidence without the paths of files that were removed: a licence file speaks on, and is not named any more.

What a removed `LICENSE` said still holds for the files beside it, so the expression stays. Its path goes, and with it
the evidence's id, which is a hash of what the evidence says.
"""

from collections.abc import Iterable, Mapping, Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.licence_evidence import Evidence
from filters.licence_policy import MAXIMUM_WHERE
from stages.attribution import EVIDENCE

REMOVED = "(removed)"
_OF_FILES = ("licence_file", "manifest")
_SAID = tuple(item.name for item in EVIDENCE)[1:]


def without_paths(attribution: pa.Table, paths: Mapping[str, Set[str]]) -> pa.Table:
    """Rows of `attribution/` whose evidence names no removed file; the table itself where none did.

    Args:
        paths: of removed files, without "/" in front, by repository.
    """
    concerned = pc.is_in(attribution.column("repository"), value_set=pa.array(sorted(paths), pa.string()))
    places = np.flatnonzero(concerned.to_numpy())
    if not len(places):
        return attribution
    rows = attribution.select(["repository", "evidence"]).take(pa.array(places))
    old = rows.column("evidence").to_pylist()
    repositories = rows.column("repository").to_pylist()
    new = [[_without(one, paths[name]) for one in pieces] for name, pieces in zip(repositories, old, strict=True)]
    if new == old:
        return attribution
    number = attribution.schema.get_field_index("evidence")
    kind = attribution.schema.field(number).type
    order = np.arange(attribution.num_rows)
    order[places] = attribution.num_rows + np.arange(len(places))
    all_pieces = pa.chunked_array([*attribution.column(number).chunks, pa.array(new, kind)], kind)
    return attribution.set_column(number, attribution.schema.field(number), all_pieces.take(pa.array(order)))


def _without(piece: dict[str, object], paths: Iterable[str]) -> dict[str, object]:
    if piece["kind"] not in _OF_FILES:
        return piece
    where = without_names(str(piece["where"]), paths)
    if where == piece["where"]:
        return piece
    changed = piece | {"where": where}
    return changed | {"id": Evidence(*(changed[name] for name in _SAID)).id}  # type: ignore[arg-type]


def without_names(where: str, paths: Iterable[str]) -> str:
    """Where evidence was found, joined by ", " and cut at MAXIMUM_WHERE characters, with a word in place of some paths.

    Of what was cut the beginning of a path is enough; after a word in a path's place nobody knows what was cut.
    """
    cut = len(where) >= MAXIMUM_WHERE or REMOVED in where
    padded = f", {where}, "
    for path in sorted(paths, key=lambda path: (-len(path), path)):
        name = f", {path.lstrip('/')}, "
        while name in padded and path != REMOVED:
            padded = padded.replace(name, f", {REMOVED}, ")
        if cut:
            padded = _without_cut(padded, name)
    return padded[2:-2]


def _without_cut(padded: str, name: str) -> str:
    text = padded[:-2]
    place = text.find(", ")
    while place >= 0:
        if name.startswith(text[place:]):
            return f"{text[:place]}, {REMOVED}, "
        place = text.find(", ", place + 1)
    return padded
