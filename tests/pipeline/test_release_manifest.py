"""The whole manifest of the small release, as it stands in `expected/small-manifest.json`; and its parent.

Whoever changes what a manifest says writes that file anew in the same commit, and reads what changed:
`CORPUSMILL_WRITE_EXPECTED=1 .venv/bin/python -m pytest -n 0 tests/pipeline/test_release_manifest.py`.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from manifests.errors import RecipeError
from manifests.release import Manifest
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.recipe import Recipe
from pipeline.release_manifest import released_parent

EXPECTED = Path(__file__).parent / "expected/small-manifest.json"
# What other versions of libraries may change is left out: bytes of files with all that follows from them.
OF_LIBRARIES = "of the versions of libraries"


def without_versions(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest that is the same wherever a recipe and its inputs are."""
    files = [{"path": file["path"], "rows": file["rows"]} for file in manifest["files"]]
    software = dict.fromkeys(manifest["software"], OF_LIBRARIES)
    return manifest | {"files": files, "software": software, "content": OF_LIBRARIES}


def test_the_small_manifest_is_the_expected_one(small_release: Path) -> None:
    found = without_versions(json.loads((small_release / "manifest.json").read_bytes())["manifest"])
    if os.environ.get("CORPUSMILL_WRITE_EXPECTED"):
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(EXPECTED.read_text(encoding="utf-8"))


def test_a_parent_is_named_by_its_digest_unless_it_is_withdrawn(
    small_recipe: Recipe, small_release: Path, tmp_path: Path
) -> None:
    parent = Path(shutil.copytree(small_release, tmp_path / "parent"))
    release = small_recipe.release.model_copy(update={"parent": str(parent)})
    recipe = small_recipe.model_copy(update={"release": release})
    found = released_parent(recipe)
    assert found is not None
    assert found.digest == Manifest.read(Storage(str(parent))).digest
    withdraw(Storage(str(parent)), date="2026-01-31", reason="wrong licence")
    with pytest.raises(RecipeError, match=r"release\.parent: .* was withdrawn on 2026-01-31: wrong licence"):
        released_parent(recipe)
