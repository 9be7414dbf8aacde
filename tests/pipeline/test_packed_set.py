import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import ID_BYTES
from manifests.release import Manifest
from manifests.release_packing import Mode, PackingFigures
from manifests.storage import Storage
from pipeline.packed_set import PackedCounts, PackedSet, PackedSource, PackingChoice
from pipeline.verify import verify_release
from stages.interleaving import largest_deviation
from stages.packed_documents import PackedDocuments
from stages.packed_rows import compile_kernels
from stages.packing import Int32s

KINDS = ("code", "text")
# Lengths of the documents of each kind, slice after slice.
Partition = list[tuple[list[int], list[int]]]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compiles the kernels outside Hypothesis, which times its examples."""
    compile_kernels()


def documents_of(lengths: list[int], first: int) -> PackedDocuments:
    ids = [(first + place).to_bytes(ID_BYTES, "big") for place in range(len(lengths))]
    return PackedDocuments(
        names=pa.array([identifier.hex() for identifier in ids], pa.string()),
        forms=pa.array(["file"] * len(ids), pa.string()),
        keys=np.arange(first, first + len(ids), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        lengths=np.array(lengths, dtype=np.int64),
        copies=np.zeros(len(ids), dtype=np.int32),
        member_ids=np.frombuffer(b"".join(ids), dtype=f"V{ID_BYTES}"),
        member_lengths=np.array(lengths, dtype=np.int64),
        member_document=np.arange(len(ids)),
    )


def made(partition: Partition, lengths: list[int], mode: Mode = "best_fit") -> tuple[PackedCounts, dict[str, pa.Table]]:
    """The files of a packed set by table; a token is the number of its document."""
    sinks: dict[str, io.BytesIO] = {}

    @contextmanager
    def new_file(table: str) -> Iterator[io.BytesIO]:
        sinks[table] = io.BytesIO()
        yield sinks[table]

    def first(number: int, kind: str) -> int:
        return number * 10_000 + KINDS.index(kind) * 1_000_000

    def documents(number: int, kind: str) -> PackedDocuments:
        return documents_of(partition[number][KINDS.index(kind)], first(number, kind))

    def tokens(number: int, kind: str) -> Int32s:
        own = partition[number][KINDS.index(kind)]
        return np.repeat(np.arange(first(number, kind), first(number, kind) + len(own), dtype=np.int32), own)

    source = PackedSource(KINDS, range(len(partition)), documents, tokens)
    choice = PackingChoice(mode, lengths, seed=5, pad_id=-1, release="tiny 0.1.0", tokenizer_sha256="0" * 64)
    counts = PackedSet(source, choice, new_file, lambda: None).write()
    return counts, {table: pq.read_table(io.BytesIO(sink.getvalue())) for table, sink in sinks.items()}


def tokens_of(table: pa.Table) -> Counter[int]:
    rows = table.select(["input_ids", "seq_lengths"]).to_pylist()
    return Counter(token for row in rows for token in row["input_ids"][: sum(row["seq_lengths"])])


slices = st.tuples(st.integers(0, 900), st.integers(0, 900))


@given(st.lists(slices, min_size=1, max_size=5))
def test_any_1000_rows_hold_the_ratio_of_the_shard_whatever_its_slices(counts: list[tuple[int, int]]) -> None:
    _, tables = made([([2] * code, [2] * text) for code, text in counts], [2])
    kinds = np.array([KINDS.index(kind) for kind in tables["shard"].column("kind").to_pylist()], dtype=np.int64)
    assert len(kinds) == sum(map(sum, counts))
    assert largest_deviation(kinds, num_kinds=2, window=1000) <= 0.002


@pytest.mark.parametrize("ratio", [0.5, 0.7, 0.9, 0.99, 0.0005])
def test_the_ratio_holds_in_every_slice_of_a_partition_of_uneven_ones(ratio: float) -> None:
    code = round(6000 * ratio)
    text = 6000 - code
    parts = [(code // 2, text // 7), (0, text // 7), (code - code // 2, 0), (0, text - 2 * (text // 7)), (0, 0)]
    _, tables = made([([2] * a, [2] * b) for a, b in parts], [2])
    kinds = np.array([KINDS.index(kind) for kind in tables["shard"].column("kind").to_pylist()], dtype=np.int64)
    assert largest_deviation(kinds, num_kinds=2, window=1000) <= 0.002


partitions = st.lists(
    st.tuples(st.lists(st.integers(1, 40), max_size=9), st.lists(st.integers(1, 40), max_size=9)), max_size=4
)
modes: st.SearchStrategy[Mode] = st.sampled_from(["best_fit", "concat", "none"])


@given(partitions, st.sampled_from([[8], [8, 32], [16, 4, 64]]), modes)
def test_every_length_holds_all_tokens_once(partition: Partition, lengths: list[int], mode: Mode) -> None:
    counts, tables = made(partition, lengths, mode)
    names = ["shard", "shard_1", "shard_2"][: len(lengths)]
    assert tables.keys() == {*names, *(name.replace("shard", "positions") for name in names)}
    expected: Counter[int] = Counter()
    for number, own in enumerate(partition):
        for kind in range(2):
            expected += Counter({number * 10_000 + kind * 1_000_000 + i: n for i, n in enumerate(own[kind])})
    for name, length, packed in zip(names, lengths, counts.lengths, strict=True):
        assert tokens_of(tables[name]) == expected
        places = tables[name.replace("shard", "positions")]
        assert (packed.sequence_tokens, packed.rows, packed.positions) == (
            length,
            tables[name].num_rows,
            places.num_rows,
        )
        assert tables[name].schema.metadata == places.schema.metadata
        assert tables[name].schema.metadata[b"corpusmill.sequence_tokens"] == str(length).encode()
        assert tables[name].schema.metadata[b"corpusmill.packing_mode"] == mode.encode()
    assert counts.documents == {kind: sum(len(own[place]) for own in partition) for place, kind in enumerate(KINDS)}


@given(partitions, st.integers(4, 20), modes)
def test_figures_of_the_mode_are_those_of_the_rows(partition: Partition, length: int, mode: Mode) -> None:
    counts, tables = made(partition, [length], mode)
    [packed] = counts.lengths
    assert list(packed.modes) == list(dict.fromkeys(["best_fit", "concat", mode]))
    rows: list[dict[str, Any]] = tables["shard"].to_pylist()
    for kind, figures in packed.modes[mode].items():
        own = [row for row in rows if row["kind"] == kind]
        pieces = Counter(name for row in own for name in row["doc_ids"])
        lengths: Counter[str] = Counter()
        for row in own:
            lengths.update(dict(zip(row["doc_ids"], row["seq_lengths"], strict=True)))
        cut = [name for name, count in pieces.items() if count > 1]
        padding = sum(len(row["input_ids"]) - sum(row["seq_lengths"]) for row in own)
        assert figures == PackingFigures(len(own), padding, len(cut), sum(lengths[name] for name in cut))


def test_concatenation_cuts_more_and_pads_less() -> None:
    lengths = [5 + number % 23 for number in range(400)]
    counts, _ = made([(lengths, lengths)], [32])
    best_fit, concat = (counts.lengths[0].modes[mode]["code"] for mode in ("best_fit", "concat"))
    assert best_fit.cut_documents == 0
    assert concat.cut_documents > 100
    assert concat.padding_tokens < 32


@pytest.mark.parametrize("mode", ["best_fit", "concat", "none"])
def test_a_mill_of_two_lengths_makes_a_sound_release_in_every_mode(
    finished_recipe: Path, run_alone: Callable[..., None], mode: Mode
) -> None:
    run_alone(finished_recipe, "version=0.2.0", f"packing={{mode: {mode}, sequence_tokens: [64, 300]}}")
    release = finished_recipe.parent / "releases/tiny-0.2.0"
    verify_release(str(release))
    packing = Manifest.read(Storage(str(release))).packing
    assert packing.mode == mode
    assert {path.name for path in release.iterdir()} >= {"data", "data-300", "positions", "positions-300"}
    widths = {len(row) for row in pq.read_table(release / "data-300").column("input_ids").to_pylist()}
    assert widths == {300} if mode != "none" else len(widths) > 5
    kind = packing.lengths[0].modes
    assert kind["best_fit"]["code"].cut_documents <= kind["concat"]["code"].cut_documents


def test_copies_and_repositories_are_found_by_their_positions(
    finished_recipe: Path, run_alone: Callable[..., None]
) -> None:
    run_alone(
        finished_recipe,
        "version=0.2.0",
        "mixture.shortfall=repeat",
        "mixture.tokens=40000",
        "mixture.maximum_epochs=3.5",
        "rendering.repository.share=0.7",
        "packing.sequence_tokens=[64, 300]",
    )
    release = finished_recipe.parent / "releases/tiny-0.2.0"
    verify_release(str(release))
    places = [row for path in sorted(release.glob("positions/*")) for row in pq.read_table(path).to_pylist()]
    texts = [row for path in sorted(release.glob("texts/*")) for row in pq.read_table(path).to_pylist()]
    copies: dict[str, set[int]] = {}
    for place in places:
        copies.setdefault(place["doc_id"], set()).add(place["copy"])
    assert {row["doc_id"]: row["copies"] for row in texts} == {name: len(found) for name, found in copies.items()}
    assert max(map(len, copies.values())) > 2
    assert {place["form"] for place in places} >= {"file", "repository", "fim_psm", "fim_spm"}
    names = [
        name
        for path in sorted(release.glob("data/*"))
        for own in pq.read_table(path).column("doc_ids").to_pylist()
        for name in own
    ]
    assert any(name.endswith("-repository-2") for name in names)
    packing = Manifest.read(Storage(str(release))).packing
    assert sum(packing.documents.values()) == len(set(names))


def test_a_release_folder_loses_the_files_of_a_length_that_a_stopped_run_left(
    finished_recipe: Path, run_alone: Callable[..., None]
) -> None:
    release = finished_recipe.parent / "releases/tiny-0.2.0"
    (release / "data-4096").mkdir(parents=True)
    shutil.copy(finished_recipe.parent / "releases/tiny-0.1.0/data/shard-00000-of-00002.parquet", release / "data-4096")
    run_alone(finished_recipe, "version=0.2.0")
    assert not list(release.glob("data-4096/*.parquet"))
    verify_release(str(release))
