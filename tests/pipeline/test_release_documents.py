"""The documents generated from a manifest: as agreed on, true to its figures, and valid where others read them.

After a change of their words: CORPUSMILL_WRITE_EXPECTED=1 pytest tests/pipeline/test_release_documents.py, then read
what became of tests/pipeline/release_documents/ before it is committed.
"""

import json
import os
import re
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
import yaml
from made_manifest import made_manifest

from manifests.release import Manifest
from manifests.release_lineage import ReleaseParent, ReleaseSelection
from manifests.storage import Storage
from pipeline.card_metadata import size_category
from pipeline.release_eu_summary import figures
from pipeline.release_pages import PAGES, pages

EXPECTED = Path(__file__).parent / "release_documents"
RDFLIB = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated", "ignore:The inplace keyword")
HOSTILE = "x|`<b>](https://evil.example)\n# y"


def variants() -> dict[str, Manifest]:
    made = made_manifest()
    selection = ReleaseSelection(where="language = 'Python'", documents=40, num_bytes=40_000, held_out=0)
    parent = ReleaseParent(name="whole", version="1.0.0", digest="0" * 64)
    texts_off = made.recipe | {"release": {"texts": "off"}, "rewriting": None}
    return {
        "patched": made,
        "plain": msgspec.structs.replace(made, rewriting=msgspec.UNSET, recipe=texts_off, opt_outs=None, parent=None),
        "lines": msgspec.structs.replace(made, recipe=made.recipe | {"release": {"texts": "jsonl.zst"}}),
        "selected": msgspec.structs.replace(made, selection=selection, parent=parent),
        "second set": msgspec.structs.replace(made, packed_from="1" * 64),
        "empty": msgspec.structs.replace(made, documents=[], licence_words={}, sources=[]),
    }


@pytest.mark.parametrize("path", sorted(PAGES))
def test_what_is_written_is_what_was_agreed_on(path: str) -> None:
    written = pages(made_manifest())[path]
    if os.environ.get("CORPUSMILL_WRITE_EXPECTED"):
        (EXPECTED / path).write_bytes(written)
    assert written == (EXPECTED / path).read_bytes()


@pytest.mark.parametrize("name", variants())
def test_every_release_has_all_of_them_and_the_same_again(name: str) -> None:
    manifest = variants()[name]
    written = pages(manifest)
    assert written.keys() == PAGES.keys()
    assert all(page.endswith(b"\n") and not page.endswith(b"\n\n") for page in written.values())
    again = msgspec.convert(msgspec.to_builtins(manifest), Manifest)
    assert pages(again.with_files([*manifest.files])) == written


def test_names_from_the_data_are_no_markup() -> None:
    made = made_manifest()
    documents = [msgspec.structs.replace(row, language=HOSTILE, licence=HOSTILE) for row in made.documents]
    sources = [msgspec.structs.replace(source, name=HOSTILE, url=f"https://{HOSTILE}") for source in made.sources]
    manifest = msgspec.structs.replace(made, documents=documents, sources=sources, licence_words={HOSTILE: HOSTILE})
    for path, page in pages(manifest).items():
        if path.endswith(".md"):
            body = page.decode().split("---\n", 2)[-1]
            assert "\n# y" not in body
            assert "<b>" not in body
        else:
            json.loads(page)


def test_figures_are_sums_of_the_manifest() -> None:
    manifest = made_manifest()
    found = figures(manifest)
    assert found["size"] == {"documents": 100, "bytes": 100_000, "tokens": 20_000}
    assert sum(source["tokens"] for source in found["sources"]) == 20_000
    assert found["synthetic"]["bytes"] == 7_000
    assert found["processing"]["documents_removed_since_the_run"] == 3
    assert found["processing"]["documents_rejected_by_stage"] == {
        "held_out": 10,
        "licence": 50,
        "mix": 30,
        "read": 2,
        "settle": 6,
    }


@pytest.mark.parametrize(
    ("documents", "name"), [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (10**9, "1B<n<10B"), (10**13, "n>1T")]
)
def test_classes_of_size_have_the_hubs_names(documents: int, name: str) -> None:
    assert size_category(documents) == name


@pytest.mark.parametrize("name", variants())
def test_the_hub_can_read_the_card(name: str) -> None:
    from huggingface_hub import DatasetCard

    text = pages(variants()[name])["README.md"].decode()
    data = DatasetCard(text).data.to_dict()  # type: ignore[no-untyped-call]
    assert data == {key: value for key, value in yaml.safe_load(text.split("---\n")[1]).items() if value}
    assert data["configs"][0] == {"config_name": "default", "data_files": "data/*.parquet"}


@RDFLIB
@pytest.mark.parametrize("name", variants())
def test_mlcroissant_accepts_the_description(name: str, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    path = tmp_path / "croissant.json"
    path.write_bytes(pages(variants()[name])["croissant.json"])
    issues = mlcroissant.Dataset(jsonld=path).metadata.ctx.issues
    assert issues._errors == set()
    missing = {message.split('"')[1].rpartition("/")[2] for message, _node in issues._warnings}
    assert missing == {"datePublished", *(["license"] if name == "empty" else [])}  # the manifest has no clock


@RDFLIB
def test_tools_load_a_release_by_its_card_and_by_its_description(small_release: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    rows = next(iter(mlcroissant.Dataset(jsonld=small_release / "croissant.json").records("data")))
    assert {name.partition("/")[2] for name in rows} >= {"input_ids", "doc_ids", "kind"}
    manifest = Manifest.read(Storage(str(small_release)))
    assert {file.path for file in manifest.files} >= PAGES.keys()


def test_the_notices_of_a_repository_are_printed_as_the_page_says(small_release: Path) -> None:
    page = (small_release / "ATTRIBUTION.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space: dict[str, object] = {}
    exec(code, space)  # noqa: S102 - our own page

    row = pq.read_table(small_release / "attribution").to_pylist()[0]
    notices = space["notices"]
    assert callable(notices)
    assert any(f"({row['licence']})" in line for line in notices(str(small_release), row["repository"]))
