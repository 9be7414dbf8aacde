"""Garbage collection: what killed or repeated runs left in a work folder and no record names.

Only names that corpusmill gives are touched: a work folder may be somebody's home. Costs one listing and one reading
of every record.
"""

import re
from contextlib import suppress
from pathlib import Path

from manifests.errors import RecipeError, StorageError
from manifests.storage import Storage
from pipeline.locks import locked
from pipeline.pass_9_release import OURS, release_folder
from pipeline.passes import STEPS
from pipeline.rewriting_live import FOLDER
from pipeline.runner import reopen_mill
from pipeline.slurm_submission import old_files, refuse_while_submitted
from pipeline.unit_log import log_name

_STEPS = "|".join(step.name for step in STEPS)
_OURS = re.compile(
    rf"logs/(?:{_STEPS})-(?:\d+|ray)-\d+[./].+|logs/ray-\d+\.log|"
    rf"(?:{_STEPS})/(?:data/[0-9a-f]{{32}}(?:\.\w+)+|logs/\d{{6,}}\.jsonl)|{FOLDER}/\d{{6,}}\.json"
)


def collect(work: str, *, dry_run: bool) -> tuple[int, int]:
    """Remove unnamed outputs, half files or uploads of killed writers, logs of no unit and of old submissions.

    What killed units told of themselves goes, too. Of the release, which nobody is making while the work folder is
    held, half files and uploads alone.

    Returns:
        Number of files and their bytes.

    Raises:
        RecipeError: not a work folder, or a run is working in it.
    """
    storage: Storage = reopen_mill(work).work
    with locked(storage):
        refuse_while_submitted(storage)
        mill = reopen_mill(work)  # again: a run may have ended in between
        named = {
            name
            for step in STEPS
            for record in mill.records(step)
            if record is not None
            for name in (log_name(step.name, record.unit), *(output.file for output in record.outputs.values()))
        }
        folders = ("logs", FOLDER, *(f"{step.name}/{kind}" for step in STEPS for kind in ("data", "logs")))
        files = {name: size for folder in folders for name, size in storage.list(folder).items()}
        garbage = {name: size for name, size in files.items() if name not in named and _OURS.fullmatch(name)}
        garbage |= old_files(storage)
        release = release_folder(mill.recipe)
        unfinished = [storage.unfinished(_OURS), _unfinished_release(release)]
        if not dry_run:
            storage.delete_many(garbage)
            storage.clear_temporary(_OURS)
            if unfinished[1]:
                release.clear_temporary(OURS)
            if storage.folder is not None:
                for name in ("logs", "slurm"):
                    _remove_empty_folders(storage.folder / name)
    sizes = [size for found in (garbage, *unfinished) for size in found.values()]
    return len(sizes), sum(sizes)


def _unfinished_release(release: Storage) -> dict[str, int]:
    try:
        return release.unfinished(OURS)
    except (RecipeError, StorageError):  # there is no such bucket, none yet, or no right to look
        return {}


def _remove_empty_folders(logs: Path) -> None:
    """What datatrove's logs lay in; a folder that holds something stays."""
    for folder in sorted(logs.rglob("*"), reverse=True):
        if folder.is_dir() and not folder.is_symlink():
            with suppress(OSError):
                folder.rmdir()
