"""Positions that are not what the shard says, each of them signed as if they were."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.release import Manifest
from manifests.release_packing import PackingFigures
from manifests.storage import Storage
from pipeline.verify import verify_release

SHARD, POSITIONS, TEXTS = (f"{folder}/shard-00000-of-00002.parquet" for folder in ("data", "positions", "texts"))
LONG_SHARD, LONG_POSITIONS = (f"{folder}-512/shard-00000-of-00002.parquet" for folder in ("data", "positions"))
Rows = list[dict[str, Any]]


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "release"))


def findings(release: Path, **changes: object) -> str:
    """What `verify` finds in the release, with a manifest, a summary and a card that are right for its files."""
    signed(release, **changes)
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    return caught.value.message


def rows_of(release: Path, path: str) -> Rows:
    rows: Rows = pq.read_table(release / path).to_pylist()
    return rows


def rewrite(release: Path, change: Callable[[Rows], object], *, path: str = POSITIONS) -> None:
    """Change the rows of a file in place, as Python values."""
    schema = pq.read_schema(release / path)
    rows = rows_of(release, path)
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), release / path)


def cut_places(rows: Rows) -> list[int]:
    """Where positions stand that do not begin their document."""
    return [place for place, row in enumerate(rows) if row["doc_offset"] > 0]


def test_positions_written_anew_and_signed_are_sound(release: Path) -> None:
    rewrite(release, lambda _rows: None)
    signed(release)
    verify_release(str(release))


@pytest.mark.parametrize("place", [0, 3, -1])
def test_tokens_without_a_position(release: Path, place: int) -> None:
    rewrite(release, lambda rows: rows.pop(place))
    message = findings(release)
    assert f"{POSITIONS}: " in message
    assert "expected positions of all" in message if place < 0 else "expected a position from token" in message


def test_tokens_of_two_positions(release: Path) -> None:
    rewrite(release, lambda rows: rows.insert(3, rows[3]))
    assert f"{POSITIONS}: row 4 and " in findings(release)


def test_positions_out_of_order(release: Path) -> None:
    rewrite(release, lambda rows: rows.reverse())
    assert f"{POSITIONS}: row 0 and " in findings(release)


def test_a_position_that_reaches_into_the_padding_or_the_next_row(release: Path) -> None:
    rewrite(release, lambda rows: rows[-1].update(length=rows[-1]["length"] + 1))
    assert f"{POSITIONS}: row {len(rows_of(release, POSITIONS)) - 1}: expected a position from token" in findings(
        release
    )


def test_a_position_across_two_pieces(release: Path) -> None:
    def change(rows: Rows) -> None:
        place = next(place for place, row in enumerate(rows) if row["offset"] > 0)
        rows[place - 1]["length"] += rows.pop(place)["length"]

    rewrite(release, change)
    assert "expected a position within a piece of" in findings(release)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("doc_id", "f" * 32, f"expected document {{doc_id}}, got {'f' * 32}"),
        ("copy", 1, "expected copy 0, got 1"),
        ("form", "repository", "expected the form of a document of one file or text, got repository"),
        ("form", "poem", "row group 0: expected a form of file, fim_psm"),
        ("length", 0, "row group 0: expected numbers of at least 0 and lengths of at least 1"),
        ("row", -1, "row group 0: expected numbers of at least 0 and lengths of at least 1"),
        ("row", 2**62, "got"),
        ("doc_id", "F" * 32, "expected doc_ids of lower-case hex digits"),
        ("doc_id", None, "row group 0: expected no null, got some in doc_id"),
    ],
)
def test_a_position_that_says_what_is_not_so(release: Path, column: str, value: object, expected: str) -> None:
    rows = rows_of(release, POSITIONS)
    place = next(place for place, row in enumerate(rows) if row["doc_offset"] == 0)
    rewrite(release, lambda rows: rows[place].update({column: value}))
    assert expected.format(**rows[place]) in findings(release)


def test_pieces_of_a_document_in_the_wrong_place(release: Path) -> None:
    def change(rows: Rows) -> None:
        rows[cut_places(rows)[0]]["doc_offset"] += 1

    rewrite(release, change)
    message = findings(release)
    assert f"{POSITIONS}: document " in message
    assert "copy 0: expected a position from token" in message


def test_pieces_of_two_documents_exchanged(release: Path) -> None:
    """Each is as long as before, so nothing is missing and nothing twice."""

    def change(rows: Rows) -> None:
        by_place: dict[tuple[int, int], Rows] = {}
        for row in rows:
            if row["doc_offset"] > 0:
                by_place.setdefault((row["doc_offset"], row["length"]), []).append(row)
        first, second, *_ = next(found for found in by_place.values() if len(found) > 1)
        first["doc_id"], second["doc_id"] = second["doc_id"], first["doc_id"]

    rewrite(release, change)
    assert "expected its tokens in order in one packed document, got them in two places" in findings(release)


def test_tokens_of_a_file_that_are_said_to_be_another_document_s(release: Path) -> None:
    def change(rows: Rows) -> None:
        place = next(place for place, row in enumerate(rows) if row["length"] > 9 and row["doc_offset"] == 0)
        row = rows[place]
        rest = {"offset": row["offset"] + 5, "length": row["length"] - 5, "doc_id": "f" * 32}
        rows[place : place + 1] = [row | {"length": 5}, row | rest]

    rewrite(release, change)
    assert re.search(f"row [0-9]+: expected document [0-9a-f]{{32}}, got {'f' * 32}", findings(release))


def test_a_document_that_fits_in_a_sequence_cut_in_two(release: Path) -> None:
    """With figures that say so: they add up."""
    rows = rows_of(release, SHARD)
    number = next(n for n, row in enumerate(rows) if row["doc_offsets"][0] == 0 and row["seq_lengths"][0] < 128)
    kind = rows[number]["kind"]
    [name, *_], [length, *_] = rows[number]["doc_ids"], rows[number]["seq_lengths"]

    def cut_piece(rows: Rows) -> None:
        row = rows[number]
        row["seq_lengths"][:1], row["doc_ids"][:1], row["doc_offsets"][:1] = [5, length - 5], [name] * 2, [0, 5]

    def cut_position(rows: Rows) -> None:
        place = next(place for place, row in enumerate(rows) if row["row"] == number and row["offset"] == 0)
        row = rows[place]
        rows[place : place + 1] = [row | {"length": 5}, row | {"offset": 5, "length": length - 5, "doc_offset": 5}]

    rewrite(release, cut_piece, path=SHARD)
    rewrite(release, cut_position)
    packing = Manifest.read(Storage(str(release))).packing
    first, *others = packing.lengths
    figures = first.modes["best_fit"]
    figures = figures | {kind: figures[kind] + PackingFigures(0, 0, 1, length)}
    first = msgspec.structs.replace(first, modes=first.modes | {"best_fit": figures})
    message = findings(release, packing=msgspec.structs.replace(packing, lengths=[first, *others]))
    assert f"document {name}: expected {length} tokens in one piece, for they fit in a sequence" in message
    assert "1 finding" in message


def test_positions_of_another_shard(release: Path) -> None:
    other = release / "positions/shard-00001-of-00002.parquet"
    shutil.copy(other, release / POSITIONS)
    assert f"{POSITIONS}: row " in findings(release)


def test_positions_of_other_columns(release: Path) -> None:
    table = pq.read_table(release / POSITIONS)
    pq.write_table(table.drop_columns(["copy"]), release / POSITIONS)
    assert f"{POSITIONS}: expected the columns doc_id string" in findings(release)


def test_positions_of_another_length(release: Path) -> None:
    table = pq.read_table(release / POSITIONS)
    metadata = table.schema.metadata | {b"corpusmill.sequence_tokens": b"512"}
    pq.write_table(table.replace_schema_metadata(metadata), release / POSITIONS)
    assert f"{POSITIONS}: expected the metadata" in findings(release)


def test_the_other_length_is_looked_into_too(release: Path) -> None:
    rewrite(release, lambda rows: rows.pop(0), path=LONG_POSITIONS)
    assert f"{LONG_POSITIONS}: row 0 and " in findings(release)


def test_a_document_that_one_length_lacks(release: Path) -> None:
    """Row and positions of a document are taken out of the longer sequences alone."""
    rows, places = rows_of(release, LONG_SHARD), rows_of(release, LONG_POSITIONS)
    number = next(number for number, row in enumerate(rows) if row["doc_offsets"] == [0] * len(row["doc_offsets"]))
    gone = {place["doc_id"] for place in places if place["row"] == number}
    assert gone
    rewrite(release, lambda rows: rows.pop(number), path=LONG_SHARD)
    kept = [place | {"row": place["row"] - (place["row"] > number)} for place in places if place["row"] != number]
    schema = pq.read_schema(release / LONG_POSITIONS)
    pq.write_table(pa.Table.from_pylist(kept, schema=schema), release / LONG_POSITIONS)
    message = findings(release)
    assert f"{LONG_SHARD}: document {min(gone)}" in message
    assert "expected a row for it, got none" in message


def test_kinds_that_are_not_interleaved(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.verify_shards._WINDOW", 10)
    monkeypatch.setattr("pipeline.verify_shards._MOST_DEVIATION", 0.2)
    signed(release)
    verify_release(str(release))
    rewrite(release, lambda rows: rows.sort(key=lambda row: str(row["kind"])), path=SHARD)
    assert f"{SHARD}: expected any 10 rows in a row to hold the shard's share of each kind within 20.0%" in findings(
        release
    )


def test_copies_miscounted_in_the_texts(release: Path) -> None:
    rewrite(release, lambda rows: rows[0].update(copies=2), path=TEXTS)
    assert "expected as many copies as positions have, got 2" in findings(release)
