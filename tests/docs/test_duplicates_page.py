"""What the documentation says of duplicates, held-out documents and earlier releases is held against the program."""

import re
from pathlib import Path
from typing import get_args

import pyarrow as pa

from manifests.document import ID_BYTES
from manifests.release_inputs import EarlierRelease
from pipeline.inspect_run import _SIMILARITIES
from pipeline.pass_2_resolve import REASONS
from pipeline.recipe_duplicates import Deduplication, NearDuplicates
from stages.estimates import SKETCH_VALUES, detection_probability, fewest_agreeing
from stages.ranks import MEASURES, Measure
from stages.release_index import BAND_ROWS, INDEX

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/duplicates.md").read_text(encoding="utf-8")
PAGE = " ".join(TEXT.split())  # a sentence may go on in the next line
NEAR = NearDuplicates()


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """Cells of all Markdown table rows, heads included."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]


def section(heading: str) -> str:
    """What stands below a heading of the second level."""
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def percent(probability: float) -> str:
    return "> 99.9 %" if probability > 0.9995 else f"{100 * probability:.1f} %"


def test_the_pages_have_every_reason() -> None:
    reasons = set(REASONS)
    shown = {row[0] for row in table_rows(section("What counts as a duplicate")) if row[0].startswith("`")}
    assert shown == {f"`{reason}`" for stage, reason in reasons if stage == "deduplicate"}
    held_out = [row[:2] for row in table_rows(section("Held-out documents")) if row[0].startswith("`")]
    assert sorted(held_out) == sorted([f"`{stage}`", f"`{reason}`"] for stage, reason in reasons if stage == "held_out")
    listed = {tuple(row[:2]) for row in table_rows(page("errors.md")) if row[0] in ("`deduplicate`", "`held_out`")}
    assert listed == {(f"`{stage}`", f"`{reason}`") for stage, reason in reasons}


def test_the_page_has_the_chances_of_detection() -> None:
    head, *rows = table_rows(section("How candidates are found, and how sure that is"))
    assert [float(cell) for cell in head[2:]] == list(_SIMILARITIES)
    settings = [tuple(map(int, row[0].split(" x "))) for row in rows]
    assert settings == [(NEAR.bands, NEAR.rows), (14, 8), (25, 10)]
    for row, (bands, in_band) in zip(rows, settings, strict=True):
        expected = [percent(detection_probability(one, bands=bands, rows=in_band)) for one in _SIMILARITIES]
        assert row[2:] == expected


def test_the_page_has_the_numbers_of_the_defaults() -> None:
    missed = 1 - detection_probability(NEAR.minimum_similarity, bands=NEAR.bands, rows=NEAR.rows)
    num_bytes = 8 * NEAR.bands + 4 * SKETCH_VALUES + 2 * ID_BYTES
    words = {5: "five", 7: "seven"}
    for shown in (
        f"{NEAR.minimum_similarity:g} is the default threshold",
        f"fewer than {words[NEAR.ngram_words]} words has no shingles",
        f"word {NEAR.ngram_words}-grams",
        f"A signature of {NEAR.bands * NEAR.rows} values is cut into {NEAR.bands} bands of {NEAR.rows}",
        f"with the {NEAR.candidates_per_bucket} best-ranked (`candidates_per_bucket`)",
        f"Of every signature {SKETCH_VALUES} values are kept",
        f"fewer than {fewest_agreeing(NEAR.minimum_similarity, SKETCH_VALUES)} of them agree is dropped",
        f"about one of {words[round(1 / missed)]} at {NEAR.minimum_similarity:g}",
        f"{num_bytes} bytes a document: {NEAR.bands} band keys, {SKETCH_VALUES} values, 2 hashes",
        f"kept for each document: {num_bytes} bytes",
    ):
        assert shown in PAGE, shown


def test_the_page_has_every_measure_of_a_rank() -> None:
    shown = re.findall(r"`(\w+)`: ", section("Who stays"))
    assert shown == list(MEASURES) == list(get_args(Measure)) == Deduplication().keep


def test_the_data_format_page_has_every_column_of_the_index() -> None:
    text = page("data-format.md").partition("### Index and bands\n")[2].partition("\n### ")[0]
    types = {pa.uint64(): "uint64", pa.uint32(): "uint32", pa.string(): "string", pa.bool_(): "bool"}
    expected = {f.name: types.get(f.type) or f"{f.type.byte_width} bytes" for f in (*INDEX, *BAND_ROWS)}
    rows = [row for row in table_rows(text) if row[0].startswith("`")]
    assert {name: row[1] for row in rows for name in re.findall(r"`(\w+)`", row[0])} == expected


def test_the_data_format_page_says_what_the_manifest_knows_of_earlier_releases() -> None:
    [row] = [row for row in table_rows(page("data-format.md")) if row[0] == "`earlier`"]
    assert set(re.findall(r"`(\w+)`", row[1])) == set(EarlierRelease.__struct_fields__) - {"name", "digest"}
