"""Pass 2, decide, steps `trees` and `forks`: repositories that hold the same files, as forks and renamed ones do.

    trees   per slice of repositories   the files of each, put together from all units
    forks   per slice of trees          of repositories with one tree the best one; the others are copies of it

One tree: the same `directory_id`, which is git's hash of all of it, or the same set of (path, content). A copy's files
rank behind all others of their licence, so that where both have a file the same one stays for all of them, and
`explain` says `repository_copy`. A file that only the copy's rows have stays: nothing is lost to a name.

The best of equal repositories has the most stars, then the latest revision, then the smaller name; one that is asked to
be left out, by its name or its owner's, is neither the best nor a copy: what stays is no copy of what goes.

Cost: 16 bytes a document, and one row for each repository and unit.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import xxhash

from manifests.document import ID_BYTES
from pipeline.opt_outs import heeded
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.repository_files import FILES, RANKED, Repository, hash_of_repository
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import block_of_hash, table_of

_HASHES = [pa.field("tree", pa.uint64()), pa.field("files", pa.uint64())]
TREES = pa.schema([*_HASHES, *RANKED, pa.field("units", pa.list_(pa.int64()))])
FORKS = pa.schema([*RANKED[:2], pa.field("of", pa.uint64())])


def _trees(context: UnitContext) -> None:
    found: dict[Repository, list[dict[str, object]]] = {}
    for table in context.segments("files"):
        for row in table.to_pylist():
            found.setdefault(Repository(row["repo"], row["revision"]), []).append(row)
    rows = [row for name in sorted(found) for row in _trees_of(name, found[name])]
    context.counts = {"repositories": len(found)}
    with context.blocks("trees", TREES, num_blocks=context.plan.num_slices) as out:
        table = table_of(rows, TREES)
        out.write(table, block_of_hash(table.column("tree").to_numpy(), context.plan.num_slices))


def _trees_of(name: Repository, parts: list[dict[str, object]]) -> Iterator[tuple[object, ...]]:
    """Rows of `TREES`: one for the set of its files, one for its directory where its rows name one."""
    files: set[bytes] = set()
    for part in parts:
        data = part["files"]
        assert isinstance(data, bytes)  # noqa: S101 - by the schema
        files.update(data[start : start + ID_BYTES] for start in range(0, len(data), ID_BYTES))
    units = sorted({part["unit"] for part in parts})  # type: ignore[type-var]
    facts = ("stars", "recency", "directory_id")
    stars, recency, directory = (max(part[key] for part in parts) for key in facts)  # type: ignore[type-var]
    own = xxhash.xxh3_64_intdigest(b"files" + b"".join(sorted(files)))
    named = [xxhash.xxh3_64_intdigest(f"tree{directory}".encode("utf-8", "surrogatepass"))] if directory else []
    for tree in sorted({own, *named}):
        yield tree, own, *name, stars, recency, units


def _forks(context: UnitContext) -> None:
    trees: dict[int, list[dict[str, object]]] = {}
    for table in context.segments("trees"):
        for row in table.to_pylist():
            trees.setdefault(row["tree"], []).append(row)
    rows: list[tuple[str, str, int]] = []
    units: list[int] = []
    num_copies = 0
    asked = _opted_out(context, {str(row["repo"]) for tree in trees.values() for row in tree})
    for tree in sorted(trees):
        ordered = sorted((row for row in trees[tree] if row["repo"] not in asked), key=_best_first)
        if not ordered:
            continue
        best, *copies = ordered
        counted = {best["files"]}  # who has the files of a better one is counted where files are compared
        for copy in copies:
            num_copies += tree == copy["files"] or copy["files"] not in counted
            counted.add(copy["files"])
            for unit in _ints(copy["units"]):
                rows.append((str(copy["repo"]), str(copy["revision"]), hash_of_repository(*_name(best))))
                units.append(unit)
    context.counts = {"copies": num_copies}
    with context.blocks("forks", FORKS, num_blocks=len(context.plan.units)) as out:
        out.write(table_of(rows, FORKS), np.array(units, dtype=np.int64))


def _opted_out(context: UnitContext, names: set[str]) -> set[str]:
    """The repositories that are asked for as a whole."""
    requests = heeded(context.recipe, context.plan.opt_outs)
    ordered = sorted(names)
    if requests is None or not ordered:
        return set()
    asked = requests.repositories(ordered).tolist()
    return {name for name, is_asked in zip(ordered, asked, strict=True) if is_asked}


def _best_first(row: dict[str, object]) -> tuple[object, ...]:
    return -int(row["stars"]), -int(row["recency"]), *_name(row)  # type: ignore[call-overload]


def _name(row: dict[str, object]) -> tuple[str, str]:
    return str(row["repo"]), str(row["revision"])


def _ints(value: object) -> Iterable[int]:
    assert isinstance(value, list)  # noqa: S101 - by the schema
    return value


def _settings(_recipe: Recipe, plan: Plan) -> object:
    return {"slices": plan.num_slices, "units": len(plan.units)}


def _forks_settings(recipe: Recipe, plan: Plan) -> object:
    requests = plan.opt_outs and [plan.opt_outs.num_bytes, plan.opt_outs.sha256]
    return {"slices": plan.num_slices, "units": len(plan.units), "opt_outs": recipe.opt_out and requests}


STEPS = [
    Step("trees", 2, "decide", "slices", (Read("ingest", "files", "blocks", FILES),), _settings, _trees),
    Step(
        name="forks",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(Read("trees", "trees", "blocks", TREES),),
        settings=_forks_settings,
        run=_forks,
        preload=lambda recipe, plan: heeded(recipe, plan.opt_outs),
    ),
]
