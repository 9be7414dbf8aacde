"""What a report is about: a release, and the work folder of its run where that is at hand."""

from dataclasses import dataclass
from functools import cached_property

from manifests.ledger import Ledger
from manifests.release import CHAIN, MANIFEST, Manifest
from manifests.storage import Storage
from pipeline.inspect_run import is_released
from pipeline.pass_9_release import release_folder
from pipeline.release_reasons import ledgers_of
from pipeline.runner import reopen_mill
from pipeline.units import Mill, step_named

IN_WORK = "More than the manifest knows is in the report of the run's work folder: <code>corpusmill report WORK</code>."
NOT_YET = "That is known when the run has made its release."


@dataclass
class Reported:
    """A release or a run; at least one of both is there.

    Attributes:
        manifest: None where the run has not made its release, or where that is gone.
        mill: None for a release alone.
    """

    manifest: Manifest | None
    mill: Mill | None

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """Accounts by step; of a run without a release of the steps that have begun."""
        if self.manifest is not None:
            return ledgers_of(self.manifest)
        records = {step: self.mill.records(step_named(step)) for step in CHAIN} if self.mill else {}
        found = {
            step: [Ledger.from_json(record.ledger) for record in of_step if record is not None and record.ledger]
            for step, of_step in records.items()
        }
        return {step: Ledger.total(ledgers) for step, ledgers in found.items() if ledgers}

    @property
    def title(self) -> str:
        """Name and version."""
        named = self.manifest or (self.mill and self.mill.recipe)
        return f"{named.name} {named.version}" if named else ""


def reported(folder: str) -> Reported:
    """What is in a folder: a release, or the work folder of a run.

    Raises:
        RecipeError: it is none of both.
        IntegrityError: what lies there cannot be read.
    """
    storage = Storage(folder)
    if storage.exists(MANIFEST):
        return Reported(Manifest.read(storage), None)
    return of_run(reopen_mill(folder))


def of_run(mill: Mill) -> Reported:
    """A run, with its release where it has made one that is still in its place."""
    folder = release_folder(mill.recipe)
    there = is_released(mill) and folder.exists(MANIFEST)
    return Reported(Manifest.read(folder) if there else None, mill)
