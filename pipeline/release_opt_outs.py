"""What the summary of a release says of the opt-out requests that it heeds."""

from collections.abc import Iterator, Sequence

from manifests.ledger import Ledger, Tally
from manifests.release import CHAIN, Manifest
from pipeline.markdown import table
from pipeline.opt_outs import OPT_OUT


def opt_out_sections(manifest: Manifest) -> Iterator[str]:
    """A heading and what stands under it; nothing where no registry was heeded."""
    found = manifest.opt_outs
    if found is None:
        return
    yield "## Opt-outs"
    as_of = f"as of {found.as_of}" if found.as_of else "so far none"
    near = "What is nearly equal goes, too." if found.near_copies == "remove" else "Only equal contents go with them."
    yield (
        f"{found.requests:,} requests are heeded, {as_of}. {found.suppressed:,} contents that were taken out of "
        f"earlier releases are kept out. {near}"
    )
    yield table(("reason", "documents", "bytes"), list(_reasons(manifest)))


def _reasons(manifest: Manifest) -> Iterator[Sequence[str]]:
    """Documents that opted out, and their copies, by reason; all together in the last row."""
    total = Tally()
    for step in CHAIN:
        for key, tally in Ledger.from_json(manifest.ledgers[step]).rejected.items():
            stage, _, reason = key.partition("/")
            if stage == OPT_OUT:
                total.add(tally.num_bytes, tally.documents)
                yield _row(reason, tally)
    yield _row("all", total)


def _row(reason: str, tally: Tally) -> Sequence[str]:
    return reason, f"{tally.documents:,}", f"{tally.num_bytes:,}"
