import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from manifests.manifest_schema import ID, manifest_schema
from manifests.release import SCHEMA_VERSION
from manifests.release_rewriting import RewrittenLanguage

SCHEMA = jsonschema.Draft202012Validator(manifest_schema())


@pytest.fixture
def envelope(small_release: Path) -> dict[str, Any]:
    return json.loads((small_release / "manifest.json").read_bytes())  # type: ignore[no-any-return]


def test_the_schema_is_one_and_names_its_version() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest_schema())
    assert manifest_schema()["$id"] == ID == f"urn:corpusmill:manifest:{SCHEMA_VERSION}"


def test_the_manifest_of_a_release_is_valid(envelope: dict[str, Any]) -> None:
    SCHEMA.validate(envelope)


def test_the_manifest_of_a_release_with_rewrites_is_valid(rewriting: dict[str, Any], envelope: dict[str, Any]) -> None:
    envelope["manifest"]["rewriting"] = rewriting
    SCHEMA.validate(envelope)


def test_what_docstrings_say_of_a_field_stands_beside_it() -> None:
    field = manifest_schema()["$defs"]["ReleaseSource"]["properties"]["origin"]
    assert field["description"] == "public, licensed, crawled, users or other."


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda file: file.pop("digest"), ""),
        (lambda file: file.update(digest="A" * 64), "digest"),
        (lambda file: file.update(signature="none"), ""),
        (lambda file: file["manifest"].update(schema_version=SCHEMA_VERSION - 1), "manifest/schema_version"),
        (lambda file: file["manifest"].pop("parent"), "manifest"),
        (lambda file: file["manifest"].update(note="more"), "manifest"),
        (lambda file: file["manifest"].update(content="0" * 63), "manifest/content"),
        (lambda file: file["manifest"]["files"][0].update(num_bytes=-1), "manifest/files/0/num_bytes"),
        (lambda file: file["manifest"]["files"][0].update(sha256="0"), "manifest/files/0/sha256"),
        (lambda file: file["manifest"]["ledgers"].pop("clean"), "manifest/ledgers"),
        (lambda file: file["manifest"]["ledgers"]["pack"].update(kept=[1]), "manifest/ledgers/pack/kept"),
        (lambda file: file["manifest"]["packing"].update(mode="worst_fit"), "manifest/packing/mode"),
        (lambda file: file["manifest"].update(parent={"name": "x"}), "manifest/parent"),
    ],
)
def test_a_manifest_that_says_something_else_is_not_valid(
    envelope: dict[str, Any], change: Callable[[dict[str, Any]], object], where: str
) -> None:
    change(envelope)
    assert "/".join(map(str, next(SCHEMA.iter_errors(envelope)).path)) == where


@pytest.fixture
def rewriting() -> dict[str, Any]:
    return {
        "model": {"name": "m", "revision": "r", "licence": "Apache-2.0", "dtype": "q4"},
        "sampling": {"temperature": 0.0, "top_p": 1.0, "seed": -1},
        "prompts": [{"mode": "style", "version": 1, "sha256": "0" * 64}],
        "limit": "share 0.1",
        "languages": {"Python": msgspec.to_builtins(RewrittenLanguage.nothing())},
    }
