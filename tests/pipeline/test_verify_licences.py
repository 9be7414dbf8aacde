import shutil
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from filters.licence_words import licence_words
from manifests.errors import IntegrityError
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.verify import verify_release
from pipeline.verify_licences import LicenceCheck


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "release"))


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def relicensed(release: Path, licence: str) -> dict[str, Any]:
    """What the manifest must say once every document has another licence; the files are rewritten."""
    for folder in ("attribution", "documents", "texts"):
        for path in sorted((release / folder).iterdir()):
            table = pq.read_table(path)
            column = pa.array([licence] * table.num_rows)
            place = table.column_names.index("licence")
            pq.write_table(table.set_column(place, table.schema.field("licence"), column), path)
    rows = [msgspec.structs.replace(row, licence=licence) for row in manifest_of(release).documents]
    return {"documents": rows, "licence_words": {licence: licence_words(licence)}}


def with_licences(release: Path, **changes: object) -> dict[str, Any]:
    recipe = manifest_of(release).recipe
    return recipe | {"licences": recipe["licences"] | changes}


def told(release: Path) -> str:
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    return caught.value.message


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT OR Apache-2.0", "nobody knows"])
def test_a_licence_that_the_recipe_does_not_allow(release: Path, licence: str) -> None:
    found = told(signed(release, **relicensed(release, licence)))
    assert "  attribution/shard-00000-of-00002.parquet: row group 0: document " in found
    assert f"expected a licence that the recipe's licences allow for its kind, got '{licence}'" in found


def test_a_text_may_be_under_a_licence_that_code_may_not(release: Path) -> None:
    found = told(signed(release, **relicensed(release, "CC-BY-SA-4.0")))
    table = pq.read_table(release / "attribution/shard-00000-of-00002.parquet")
    code = sum(kind == "code" for kind in table.column("kind").to_pylist())
    assert f" and {code - 1} more: expected a licence that" in found.splitlines()[1]


def test_a_denied_licence(release: Path) -> None:
    found = told(signed(release, recipe=with_licences(release, deny=["MIT"])))
    assert "got 'MIT'" in found


def test_a_document_without_a_licence_where_the_recipe_keeps_none(release: Path) -> None:
    assert "got 'NOASSERTION'" in told(signed(release, **relicensed(release, "NOASSERTION")))


def test_a_document_without_a_licence_where_the_recipe_keeps_them(release: Path) -> None:
    check = LicenceCheck(
        msgspec.structs.replace(manifest_of(release), recipe=with_licences(release, no_licence="keep"))
    )
    rows = pa.table({"kind": ["code", "text"], "licence": ["NOASSERTION"] * 2})
    assert check.allowed(rows).to_pylist() == [True, True]


def test_a_recipe_without_a_policy(release: Path) -> None:
    found = told(signed(release, recipe=with_licences(release, allow=7)))
    assert "manifest.json: recipe.licences: expected the licences of a recipe, got something else" in found


def test_licences_that_other_versions_decided_are_theirs(release: Path) -> None:
    software = manifest_of(release).software | {"scancode-toolkit": "1.0"}
    report = verify_release(str(signed(release, **relicensed(release, "GPL-3.0-only"), software=software)))
    assert "1 licence: other versions decided them, so they were not judged" in str(report)


def test_a_sound_release_says_that_its_licences_are(small_release: Path) -> None:
    assert "1 licence: all as the recipe allows" in str(verify_release(str(small_release)))
