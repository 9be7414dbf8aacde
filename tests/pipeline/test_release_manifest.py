"""The whole manifest of the small release, as it stands in `expected/small-manifest.json`.

Whoever changes what a manifest says writes that file anew in the same commit, and reads what changed:
`CORPUSMILL_WRITE_EXPECTED=1 .venv/bin/python -m pytest -n 0 tests/pipeline/test_release_manifest.py`.
"""

import json
import os
from pathlib import Path
from typing import Any

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
