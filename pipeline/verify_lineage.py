"""Whether a release may be what it says of its ancestors: a parent out of which documents were taken, and its old name.

A release whose files call it by another version (`packed_as`) is believed only where documents were taken out of an
earlier one of the same name: else anybody could sign another's release under a name of his own.
"""

from manifests.release import MANIFEST, Manifest
from manifests.versions import order_of
from pipeline.findings import Findings


def check_lineage(manifest: Manifest, findings: Findings) -> None:
    """Take down what cannot be."""

    def found(field: str, expected: str, got: object) -> None:
        findings.add(f"{MANIFEST}: {field}: expected {expected}, got {got}")

    removed, parent, packed_as = manifest.removals.requests > 0, manifest.parent, manifest.packed_as
    if removed and parent is None:
        found("parent", "the release that documents were taken out of", "none")
    if packed_as is None:
        if removed and manifest.selection is None:
            found("packed_as", "the name and version that files have of the release before removals", "none")
        return
    if parent is None or not removed:
        found("packed_as", "none without a parent and removals", repr(packed_as))
        return
    name, _, version = packed_as.rpartition(" ")
    first, last, own = (order_of(one) for one in (version, parent.version, manifest.version))
    if name != manifest.name or not (0,) <= first < own:
        found("packed_as", f"{manifest.name} and a version below {manifest.version}", repr(packed_as))
    elif parent.name != manifest.name or not first <= last < own:
        expected = f"{manifest.name} and a version from {version} on and below {manifest.version}"
        found("parent", expected, f"{parent.name} {parent.version}")
