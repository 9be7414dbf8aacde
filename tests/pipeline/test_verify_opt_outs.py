import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from pipeline.removing import apply_opt_outs
from pipeline.verify import verify_release


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """One that asks for a repository of the small release."""
    registry = Registry(str(tmp_path / "registry"))
    registry.append([Request("TICKET-7", "2026-03-04", "repository", "team/project3", "the owner asked", "content")])
    return registry


def asked_for(release: Path) -> set[str]:
    rows = [row for path in sorted((release / "documents").iterdir()) for row in pq.read_table(path).to_pylist()]
    return {row["doc_id"] for row in rows if row["repository"] == "team/project3"}


def test_what_a_registry_asks_to_leave_out_is_found(release: Path, registry: Registry) -> None:
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release), opt_out=registry.storage.root)
    lines = caught.value.message.split("\n")[1:]
    told = [line for line in lines if "expected nothing that the registry asks to leave out" in line]
    assert told == lines
    assert all(line.startswith("  documents/shard-0000") for line in lines)
    assert any(identifier in caught.value.message for identifier in asked_for(release))
    assert sum(int(line.partition("got ")[2].split()[0]) for line in lines) >= len(asked_for(release)) > 3
    assert "TICKET-7" not in str(caught.value)
    assert "team/project3" not in str(caught.value)


def test_a_release_without_it_says_what_was_looked_for(release: Path, registry: Registry) -> None:
    made = apply_opt_outs(registry, str(release))
    report = str(verify_release(made.folder, opt_out=registry.storage.root))
    assert "opt-outs: nothing of 1 request as of 2026-03-04 and " in report
    assert " suppressed contents is in it" in report
    assert "opt-outs" not in str(verify_release(made.folder))


def test_a_registry_that_is_not_there(release: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError):
        verify_release(str(release), opt_out=str(tmp_path / "nowhere"))
