import shutil
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.verify import verify_release
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_sample import SAMPLE_DOCUMENTS, chosen_documents

TEXTS = ("texts/shard-00000-of-00002.parquet", "texts/shard-00001-of-00002.parquet")


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "release"))


def rewritten(release: Path, change: Callable[[str], str]) -> Path:
    """The release, signed, with every text changed."""
    for path in TEXTS:
        table = pq.read_table(release / path)
        texts = pa.array([change(text) for text in table.column("text").to_pylist()])
        pq.write_table(table.set_column(table.column_names.index("text"), "text", texts), release / path)
    return signed(release)


def test_a_sample_is_put_together_from_its_tokens(small_release: Path) -> None:
    report = verify_release(str(small_release))
    assert f"{SAMPLE_DOCUMENTS} documents put together from their tokens: each is its text" in str(report)


def test_texts_that_are_not_those_of_the_tokens(release: Path) -> None:
    """Nothing else tells: their number, sizes and rows are as they were, and all is signed."""
    rewritten(release, lambda text: text[:3] + ("x" if text[3] != "x" else "y") + text[4:])
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    assert "20 findings and looked no further" in caught.value.message
    first = caught.value.message.splitlines()[1]
    assert first.startswith("  data/shard-0000")
    assert "expected the tokens of its text in texts/shard-0000" in first
    assert first.endswith(".parquet, got others from character 3 on")


def test_another_length_is_decoded_too(release: Path) -> None:
    for name in ("shard-00000-of-00002.parquet", "shard-00001-of-00002.parquet"):
        table = pq.read_table(release / "data-512" / name)
        rows = [list(reversed(row)) for row in table.column("loss_mask").to_pylist() if row]  # there is padding
        assert rows
        ids = [_exchanged(row) for row in table.column("input_ids").to_pylist()]
        column = pa.array(ids, table.schema.field("input_ids").type)
        pq.write_table(
            table.set_column(table.column_names.index("input_ids"), table.schema.field("input_ids"), column),
            release / "data-512" / name,
        )
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(signed(release)))
    assert "  data-512/shard-0000" in caught.value.message
    assert "  data/shard-0000" not in caught.value.message


def _exchanged(ids: list[int]) -> list[int]:
    """The row with each pair of neighbours exchanged that are text."""
    ids = list(ids)
    for place in range(0, len(ids) - 1, 2):
        if min(ids[place : place + 2]) > 32:  # control tokens have the first numbers
            ids[place], ids[place + 1] = ids[place + 1], ids[place]
    return ids


def test_other_manifests_draw_other_samples() -> None:
    ids = np.frombuffer(b"".join(sha256(bytes([n])).digest()[:16] for n in range(200)), dtype="V16")
    rest = [np.zeros(100, dtype=np.int64)] * (len(fields(SourceDocuments)) - 1)
    documents = {name: SourceDocuments(part, *rest) for name, part in (("/b", ids[100:]), ("/a", ids[:100]))}
    one, same, other = (chosen_documents(documents, salt) for salt in (1, 1, 1 << 63))
    assert one == same != other
    assert sum(map(len, one.values())) == SAMPLE_DOCUMENTS
    assert {
        name: set(found) <= {item.tobytes().hex() for item in documents[name].ids} for name, found in one.items()
    } == {
        "/a": True,
        "/b": True,
    }
    assert chosen_documents({}, 1) == {}


def test_a_release_without_texts_has_nothing_to_hold_a_sample_against(release: Path) -> None:
    shutil.rmtree(release / "texts")
    manifest = Manifest.read(Storage(str(release)))
    recipe = manifest.recipe | {"release": manifest.recipe["release"] | {"texts": "off"}}
    files = [file for file in manifest.files if not file.path.startswith("texts/")]
    report = verify_release(str(signed(release, recipe=recipe, files=files)))
    assert "put together" not in str(report)
