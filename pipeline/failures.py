"""Failures: what is left of a unit that raised: words for its record, and an account that still balances."""

from pathlib import Path

from manifests.errors import CorpusmillError, IntegrityError
from manifests.ledger import Ledger
from manifests.printable import printable
from manifests.record import Failure


def failure_of(error: Exception) -> Failure:
    """What the record of a failed unit says; of an error that is not ours no more than its class and place."""
    if isinstance(error, CorpusmillError):
        # Of the tree that is documented, the nearest class: readers of records know no other.
        known = next(one.__name__ for one in type(error).__mro__ if one.__module__ == CorpusmillError.__module__)
        return Failure(known, error.message, error.hint)
    where = place_of(error)
    if isinstance(error, OSError):
        said = printable(f"{type(error).__name__} at {where}: {error}")
        return Failure(type(error).__name__, said, "mend that and run again")
    return Failure(
        type(error).__name__,
        f"{type(error).__name__} at {where}",  # its message may quote a document, and people report it
        "this is a defect of corpusmill: please report it",
    )


def place_of(error: Exception) -> str:
    """File and line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"


def failed_account(ledger: Ledger) -> Ledger:
    """The account of a failed unit: what it kept has failed; an empty one where it does not even balance."""
    ledger.fail_kept()
    try:
        ledger.check("failed unit")
    except IntegrityError:
        return Ledger()
    return ledger
