"""The published JSON schema of `manifest.json`, made from the structs that read it: JSON Schema draft 2020-12.

It says more than the structs do where JSON Schema can: what a digest looks like, which schema version this is, what a
ledger holds. What it cannot say (that accounts balance, that files are as listed) `corpusmill verify` looks at.
"""

import re
from inspect import cleandoc
from typing import Any

import msgspec

from manifests.release import CHAIN, SCHEMA_VERSION, Manifest

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = f"urn:corpusmill:manifest:{SCHEMA_VERSION}"
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT = {"type": "integer", "minimum": 0}
_TALLY = {"type": "array", "prefixItems": [_COUNT, _COUNT], "minItems": 2, "maxItems": 2}
_TALLIES = ("read", "kept", "failed")
_LEDGER = {
    "title": "Ledger",
    "description": "What a pass read, kept, rejected by stage/reason and failed, each as [documents, bytes].",
    "type": "object",
    "properties": {
        **{name: {"$ref": "#/$defs/Tally"} for name in _TALLIES},
        "rejected": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Tally"}},
    },
    "required": [*_TALLIES, "rejected"],
    "additionalProperties": False,
}
# Numbers that are no counts of something.
_OTHER_NUMBERS = {"seed"}
# The one field that is not in every manifest.
_WHERE_ASKED_FOR = "rewriting"


def manifest_schema() -> dict[str, Any]:
    """The schema of the whole file: the manifest and, beside it, its digest."""
    _, found = msgspec.json.schema_components([Manifest], ref_template="#/$defs/{name}")
    definitions = {name: _refined(definition) for name, definition in sorted(found.items())}
    definitions |= {"Ledger": _LEDGER, "Tally": {"title": "Tally", **_TALLY}}
    manifest = definitions["Manifest"]["properties"]
    manifest["schema_version"] = {"const": SCHEMA_VERSION}
    ledger = {"$ref": "#/$defs/Ledger"}
    manifest["ledgers"] = {
        "type": "object",
        "properties": dict.fromkeys(CHAIN, ledger),
        "required": list(CHAIN),
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": f"Manifest of a corpusmill release, schema {SCHEMA_VERSION}",
        "type": "object",
        "properties": {"digest": _SHA256, "manifest": {"$ref": "#/$defs/Manifest"}},
        "required": ["digest", "manifest"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _refined(definition: dict[str, Any]) -> dict[str, Any]:
    """A struct's schema: every field stands in the file, digests are hex, counts are no less than 0."""
    about, said = _descriptions(definition.get("description", ""))
    properties = {name: _refined_field(name, field, said) for name, field in definition["properties"].items()}
    return {
        **definition,
        "description": about,
        "properties": properties,
        "required": [name for name in properties if name != _WHERE_ASKED_FOR],
    }


def _refined_field(name: str, field: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in field.items() if key != "default"}
    if name in ("sha256", "digest", "content") and kept == {"type": "string"}:
        kept = _SHA256
    elif kept == {"type": "integer"} and name not in _OTHER_NUMBERS:
        kept = _COUNT
    return kept | ({"description": said[name]} if name in said else {})


def _descriptions(docstring: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of the whole, and of its attributes by name."""
    about, _, attributes = cleandoc(docstring).partition("\nAttributes:\n")
    parts = re.split(r"^ {4}(\w+): ", attributes, flags=re.MULTILINE)
    said = {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    return " ".join(about.split()), said
