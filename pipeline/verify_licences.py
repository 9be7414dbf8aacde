"""Whether the licences of a release are such as its own recipe lets pass: what its manifest says of its policy.

That evidence is true cannot be told from a release; that nobody put a document under a licence of which the recipe
wants none can. Lists of licences change with the versions of ScanCode's index, so a release that other versions made is
not held against the lists of this one.

Cost: a look-up for each row; some ms for each licence.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from filters.licence_policy import LicencePolicy
from manifests.release import MANIFEST, Manifest
from pipeline.findings import Findings
from pipeline.recipe import Licences
from pipeline.software import software_versions

ALLOWED = "a licence that the recipe's licences allow for its kind"
_DECIDING = ("corpusmill", "license-expression", "scancode-toolkit")


def stated_policy(manifest: Manifest, findings: Findings | None = None) -> LicencePolicy | None:
    """The policy of the manifest's recipe; None, with a finding, where it says none.

    None, too, where other versions of what knows licences made the release.
    """
    ours = software_versions()
    if any(manifest.software.get(name) != ours[name] for name in _DECIDING):
        return None
    try:
        return Licences.model_validate(manifest.recipe.get("licences")).policy
    except ValidationError:
        if findings is not None:
            findings.add(f"{MANIFEST}: recipe.licences: expected the licences of a recipe, got something else")
        return None


class LicenceCheck:
    """Tells of rows of documents whether the policy of a manifest's recipe can have let them pass."""

    def __init__(self, manifest: Manifest) -> None:
        self._policy = stated_policy(manifest)
        self._known: dict[tuple[str, str], bool] = {}

    @property
    def is_possible(self) -> bool:
        """Whether there is a policy to hold them against."""
        return self._policy is not None

    def allowed(self, table: pa.Table) -> pa.ChunkedArray:
        """For each row whether its licence is one for its kind; all are, where there is no policy.

        Args:
            table: with the columns kind and licence.
        """
        pairs = table.group_by(["kind", "licence"]).aggregate([]).to_pylist()
        passing = [f"{row['kind']}\0{row['licence']}" for row in pairs if self._allows(row["kind"], row["licence"])]
        of_rows = pc.binary_join_element_wise(table.column("kind"), table.column("licence"), "\0")
        return pc.is_in(of_rows, pa.array(passing, pa.string()))

    def _allows(self, kind: str, licence: str) -> bool:
        if self._policy is None or kind not in ("code", "text"):
            return True
        if (kind, licence) not in self._known:
            self._known[kind, licence] = self._policy.allows(licence, kind=kind)  # type: ignore[arg-type]
        return self._known[kind, licence]
