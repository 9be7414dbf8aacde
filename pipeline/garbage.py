"""Garbage collection: what killed or repeated runs left in a work folder and no record names."""

from manifests.storage import Storage
from pipeline.passes import STEPS
from pipeline.runner import locked, reopen_mill


def collect(work: str, *, dry_run: bool) -> tuple[int, int]:
    """Remove unnamed outputs, temporary files and logs of finished steps.

    Returns:
        Number of files and their bytes.

    Raises:
        RecipeError: not a work folder, or a run is working in it.
    """
    mill = reopen_mill(work)
    storage: Storage = mill.work
    with locked(storage):
        garbage = dict(storage.list("tmp"))
        for step in STEPS:
            named = {
                output.file for record in mill.records(step) if record is not None for output in record.outputs.values()
            }
            data = storage.list(f"{step.name}/data")
            garbage |= {name: size for name, size in data.items() if name not in named}
        garbage |= storage.list("logs")
        if not dry_run:
            for name in garbage:
                storage.delete(name)
    return len(garbage), sum(garbage.values())
