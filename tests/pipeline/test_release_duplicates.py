from pathlib import Path

import msgspec
import pytest

from manifests.release import Manifest
from manifests.release_inputs import EarlierRelease
from manifests.storage import Storage
from pipeline.release_card import card
from pipeline.release_duplicates import duplicate_sections
from pipeline.release_texts import summary

DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def manifest(small_release: Path) -> Manifest:
    return Manifest.read(Storage(str(small_release)))


def asked(manifest: Manifest, *, against: bool, holds_out: bool, has_texts: bool) -> str:
    """The last row of the table of earlier releases."""
    one = EarlierRelease("old 1.0.0", DIGEST, against=against, holds_out=holds_out, has_texts=has_texts)
    *_, table = duplicate_sections(msgspec.structs.replace(manifest, earlier=[one]))
    return table.splitlines()[-1]


def test_copies_of_repositories_and_unresolved_documents_are_always_told(manifest: Manifest) -> None:
    counts = {"repository_copies": 1234, "unresolved": 5}
    heading, text = duplicate_sections(msgspec.structs.replace(manifest, duplicate_counts=counts))
    assert heading == "## Duplicates"
    assert "1,234 repositories are copies of others" in text
    assert "5 documents are unresolved" in text
    decided = msgspec.structs.replace(manifest, duplicate_counts=counts | {"unresolved": 0})
    assert "No document is unresolved" in "\n".join(duplicate_sections(decided))


def test_held_out_documents_are_told_where_the_recipe_holds_some_out(manifest: Manifest) -> None:
    recipe = manifest.recipe | {"held_out": {"fraction": 0.1}}
    holding = msgspec.structs.replace(manifest, recipe=recipe, held_out=1500)
    assert "1,500 documents are held out" in summary(holding)
    assert "`held_out/`" in card(holding)
    assert "held_out" not in summary(manifest) + card(manifest)


@pytest.mark.parametrize(
    ("against", "holds_out", "has_texts", "use", "by"),
    [
        (True, False, True, "what it holds is left out", "texts"),
        (False, True, True, "what it held out is held out again", "texts"),
        (False, True, False, "what it held out is held out again", "texts"),
        (
            *(True, True, False, "what it holds is left out; what it held out is held out again"),
            "equal documents only; those it held out by their texts",
        ),
    ],
)
def test_an_earlier_release_is_told_with_its_use(  # noqa: PLR0917 - a row of the table above
    manifest: Manifest,
    against: bool,
    holds_out: bool,
    has_texts: bool,
    use: str,
    by: str,
) -> None:
    row = asked(manifest, against=against, holds_out=holds_out, has_texts=has_texts)
    assert row == f"| old 1.0.0 | 0123456789ab | {use} | {by} |"


def test_without_near_duplicates_only_equal_documents_are_compared(manifest: Manifest) -> None:
    plain = msgspec.structs.replace(manifest, recipe=manifest.recipe | {"deduplication": {"near": None}})
    assert asked(plain, against=True, holds_out=False, has_texts=True).endswith("| equal documents only |")


def test_no_earlier_release_has_no_table(manifest: Manifest) -> None:
    assert "Earlier releases" not in summary(manifest)
