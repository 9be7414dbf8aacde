from pathlib import Path

import msgspec
import pytest

from manifests.release import Manifest
from manifests.release_lineage import ReleaseOptOuts
from manifests.storage import Storage
from pipeline.release_opt_outs import opt_out_sections
from pipeline.release_texts import summary

FOUND = ReleaseOptOuts(requests=12, as_of="2026-07-31", suppressed=3456, near_copies="remove")


@pytest.fixture(scope="module")
def manifest(small_release: Path) -> Manifest:
    return Manifest.read(Storage(str(small_release)))


def test_without_a_registry_nothing_is_said(manifest: Manifest) -> None:
    assert manifest.opt_outs is None
    assert "Opt-outs" not in summary(manifest)


def test_requests_and_reasons_are_told(manifest: Manifest) -> None:
    rejected = {"judge": {"opt_out/opted_out_owner": [2, 300]}, "clean": {"opt_out/copy_of_opted_out": [5, 1000]}}
    ledgers = {step: manifest.ledgers[step] | {"rejected": rejected.get(step, {})} for step in manifest.ledgers}
    heading, text, table = opt_out_sections(msgspec.structs.replace(manifest, ledgers=ledgers, opt_outs=FOUND))
    assert heading == "## Opt-outs"
    assert text.startswith("12 requests are heeded, as of 2026-07-31. 3,456 ")
    assert text.endswith("What is nearly equal goes, too.")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert cells == [["opted_out_owner", "2", "300"], ["copy_of_opted_out", "5", "1,000"], ["all", "7", "1,300"]]


def test_a_registry_that_names_nobody_is_told_too(manifest: Manifest) -> None:
    nothing = msgspec.structs.replace(FOUND, requests=0, as_of="", near_copies="keep")
    _, text, table = opt_out_sections(msgspec.structs.replace(manifest, opt_outs=nothing))
    assert text.startswith("0 requests are heeded, so far none. ")
    assert text.endswith("Only equal contents go with them.")
    assert [cell.strip() for cell in table.splitlines()[-1].split("|")[1:-1]] == ["all", "0", "0"]
