"""Write docs/manifest.schema.json, the JSON schema of a release's manifest, or, with --check, say how it differs."""

import json
import sys
from pathlib import Path

from cli_reference import write_or_compare

from manifests.manifest_schema import manifest_schema

PAGE = Path(__file__).with_name("manifest.schema.json")


def reference() -> str:
    """The file as it should be."""
    return json.dumps(manifest_schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], PAGE, reference()))
