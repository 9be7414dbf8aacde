"""What people read of a release that is a part of another one: at the top of SUMMARY.md and on the card."""

from manifests.printable import printable
from manifests.release import Manifest
from pipeline.markdown import cell

_SHOWN_CHARACTERS = 2_000


def selection_lines(manifest: Manifest) -> list[str]:
    """Paragraphs that say which documents these are, and what the numbers are about; none for any other release."""
    selection, parent = manifest.selection, manifest.parent
    if selection is None or parent is None:
        return []
    documents = sum(row.documents for row in manifest.documents)
    what = (
        f"**This is a part of {cell(parent.name)} {cell(parent.version)}**, the release whose manifest has the digest "
        f"`{cell(parent.digest)}`: {documents:,} documents, {selection.documents:,} others are left out. It has those "
        "for which this holds:"
    )
    accounts = (
        "What was read, kept and rejected is the account of the run that made all of them, and shares were asked for "
        "there; documents, tokens, licences and packing are those of this part."
    )
    return [what, f"    {printable(selection.where, _SHOWN_CHARACTERS)}", accounts]
