import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from seen_file import SeenFile

from stages.parquet_files import ParquetFile

TABLE = pa.table({f"c{column}": list(range(1000)) for column in range(8)})


@pytest.fixture
def opened(tmp_path: Path) -> SeenFile:
    pq.write_table(TABLE, tmp_path / "table.parquet", row_group_size=250)
    return SeenFile((tmp_path / "table.parquet").read_bytes())


@pytest.mark.parametrize(
    "read",
    [
        lambda file: file.read(),
        lambda file: pa.concat_tables([file.read_row_group(group) for group in range(4)]),
        lambda file: file.read_row_groups([0, 1, 2, 3]),
        lambda file: pa.Table.from_batches(file.iter_batches(100)),
    ],
)
def test_nothing_is_read_by_a_thread_of_arrows(opened: SeenFile, read: Callable[[ParquetFile], pa.Table]) -> None:
    assert read(ParquetFile(opened)) == TABLE
    assert opened.threads == {threading.get_ident()}


def test_columns_are_chosen_by_name(opened: SeenFile) -> None:
    file = ParquetFile(opened)
    assert file.read_row_group(1, ["c3"]) == file.read_row_group(1, columns=["c3"]) == TABLE.select(["c3"])[250:500]
    assert file.read_row_groups([0, 1], columns=["c3"]) == TABLE.select(["c3"])[:500]
    assert file.read(columns=["c3"]) == TABLE.select(["c3"])
