"""Write `filters/linguist.json`, the names of languages and of their files, from linguist's published table.

    python docs/linguist_table.py LANGUAGES_YML VERSION > filters/linguist.json

LANGUAGES_YML is `lib/linguist/languages.yml` of a release of github-linguist (MIT licence). The Debian package
`ruby-github-linguist` carries one too. Taken are facts alone: names, aliases, extensions, file names, interpreters.
"""

import json
import sys
from pathlib import Path

import yaml

FIELDS = ("aliases", "extensions", "filenames", "interpreters")


def table(languages: dict[str, dict[str, object]], version: str) -> str:
    """The table as JSON, one language a line, so that a change of version reads as a diff."""
    kept = {
        name: {field: facts[field] for field in FIELDS if field in facts} for name, facts in sorted(languages.items())
    }
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(facts, ensure_ascii=False)}" for name, facts in kept.items())
    source = f"github-linguist {version}, lib/linguist/languages.yml, MIT licence"
    return f'{{"source": {json.dumps(source)}, "languages": {{\n{rows}\n}}}}\n'


if __name__ == "__main__":
    sys.stdout.write(table(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2]))
