"""The code of docs/training.md reads a release, isolates documents, resumes, and trains.

It runs on a small release of its own, or on the one that CORPUSMILL_RELEASE names.
"""

import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
STEPS = 200
LAST = 20
CROPPED_TOKENS = 64  # a CPU trains on the beginnings of sequences
DIVIDED_ROWS = 150

pytestmark = [
    pytest.mark.skipif(
        not all(map(find_spec, ("torch", "torchdata", "transformers"))), reason="no torch here: make test-training"
    ),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated"),  # torchdata's own
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than this machine has CPUs
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork"),  # from Python 3.12 on
]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def release(request: pytest.FixtureRequest) -> Path:
    named = os.environ.get("CORPUSMILL_RELEASE")
    return Path(named).resolve() if named else request.getfixturevalue("small_release")


@pytest.fixture(scope="module")
def shown() -> Iterator[SimpleNamespace]:
    """What the Python of the page defines."""
    text = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # these are read as `datasets` is imported
        patch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            exec(compile(block, "docs/training.md", "exec"), names)  # noqa: S102 - our own page
        yield SimpleNamespace(**names)


@pytest.fixture(scope="module")
def rows(release: Path) -> list[Row]:
    """All sequences, in order of files and rows."""
    return [row for path in sorted((release / "data").iterdir()) for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def divided(release: Path, rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """A folder with the first rows in so many files, each of another length and with several row groups."""
    schema = pq.read_schema(next((release / "data").iterdir()))

    @functools.cache
    def write(num_files: int) -> Path:
        folder = tmp_path_factory.mktemp("divided")
        (folder / "data").mkdir()
        total = num_files * (num_files + 1) // 2
        bounds = [len(rows[:DIVIDED_ROWS]) * n * (n + 1) // 2 // total for n in range(num_files + 1)]
        for number, (start, end) in enumerate(itertools.pairwise(bounds)):
            part = pa.Table.from_pylist(rows[start:end], schema=schema)
            pq.write_table(part, folder / f"data/shard-{number:05d}-of-{num_files:05d}.parquet", row_group_size=16)
        return folder

    return write


def _vocabulary_size(release: Path) -> int:
    return 1 + max(Tokenizer.from_file(str(release / "tokenizer/tokenizer.json")).get_vocab().values())


def _model(release: Path, attention: str = "sdpa") -> Any:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    size = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "attn_implementation": attention}
    return Qwen2ForCausalLM(
        Qwen2Config(vocab_size=_vocabulary_size(release), tie_word_embeddings=True, **size, **heads)
    )


def _bytes(rows: Iterable[Row]) -> list[bytes]:
    return [np.array(row["input_ids"], dtype=np.int64).tobytes() for row in rows]


def _batches(loader: Iterable[Row]) -> list[list[bytes]]:
    return [[ids.numpy().tobytes() for ids in batch["input_ids"]] for batch in loader]


def _of_several_documents(rows: list[Row], count: int) -> list[Row]:
    """Short rows: the first three pieces of long ones, then padding."""
    starts = [row["seq_lengths"][:3] for row in rows]
    chosen = sorted((sum(lengths), n) for n, lengths in enumerate(starts) if len(lengths) == 3)[:count]
    width = 3 + max(length for length, _ in chosen)
    return [
        {
            "input_ids": rows[n]["input_ids"][:length] + [0] * (width - length),
            "seq_lengths": starts[n],
            "loss_mask": [1] * length + [0] * (width - length),
        }
        for length, n in chosen
    ]


def test_a_batch_is_what_the_page_says_of_it(shown: SimpleNamespace, rows: list[Row]) -> None:
    some = [*rows[:40], *_of_several_documents(rows, 4)]
    for row in some:
        batch = shown.collate([row])
        ids, lengths = row["input_ids"], row["seq_lengths"]
        padding = len(ids) - sum(lengths)
        mask = row["loss_mask"] or [1] * len(ids)
        positions = [place for length in [*lengths, padding] for place in range(length)]
        learned = [bool(mask[n]) and positions[n] > 0 and n < sum(lengths) for n in range(len(ids))]
        assert batch["input_ids"].tolist() == [ids]
        assert batch["position_ids"].tolist() == [positions]
        assert batch["labels"].tolist() == [[ids[n] if learned[n] else -100 for n in range(len(ids))]]
    assert any(row["loss_mask"] for row in some)
    assert any(sum(row["seq_lengths"]) < len(row["input_ids"]) for row in some)


def test_every_way_to_keep_documents_apart_gives_what_each_alone_gives(
    shown: SimpleNamespace, release: Path, rows: list[Row]
) -> None:
    import torch

    some = _of_several_documents(rows, 4)
    batch = shown.collate(some)
    sdpa, eager = (_model(release, attention).eval() for attention in ("sdpa", "eager"))
    flat = shown.flattened(batch)
    with torch.no_grad():
        masked = sdpa(**shown.with_mask(batch)).logits
        added = eager(**shown.with_added_mask(batch, torch.float32)).logits
        flattened = sdpa(**flat, use_cache=False).logits.view_as(masked)
        bounds = flat["cu_seq_lens_q"].tolist()
        pieces = [flat["input_ids"][:, start:end] for start, end in itertools.pairwise(bounds)]
        alone = torch.cat([sdpa(piece).logits for piece in pieces], dim=1).view_as(masked)
        leaking = [sdpa(batch["input_ids"]), sdpa(**flat), eager(**shown.with_mask(batch))]
    assert len(pieces) == sum(len(row["seq_lengths"]) + 1 for row in some)
    assert flat["cu_seq_lens_q"].dtype == torch.int32
    assert flat["max_length_q"] == max(piece.shape[1] for piece in pieces)
    for logits in (masked, added, flattened):
        torch.testing.assert_close(logits, alone, atol=1e-4, rtol=1e-4)
    for output in leaking:  # as the page warns
        assert (output.logits.view_as(alone) - alone).abs().max() > 1e-2


def test_a_changed_token_moves_no_other_document(shown: SimpleNamespace, release: Path, rows: list[Row]) -> None:
    import torch

    [row] = _of_several_documents(rows, 1)
    first, second, _ = row["seq_lengths"]
    changed = row | {"input_ids": list(row["input_ids"])}
    changed["input_ids"][first] = (changed["input_ids"][first] + 1) % _vocabulary_size(release)
    model = _model(release).eval()
    with torch.no_grad():
        before, after = (model(**shown.with_mask(shown.collate([one]))).logits[0] for one in (row, changed))
    moved = (before != after).any(dim=1).tolist()
    assert not any(moved[:first])
    assert all(moved[first : first + second])
    assert not any(moved[first + second :])


@pytest.mark.parametrize("reader", ["map_style", "streaming"])
def test_two_ranks_see_every_sequence_of_the_release_once(
    shown: SimpleNamespace, release: Path, rows: list[Row], reader: str
) -> None:
    loaders = [getattr(shown, reader)(str(release), rank=rank, world_size=2) for rank in (0, 1)]
    assert sorted(ids for loader in loaders for batch in _batches(loader) for ids in batch) == sorted(_bytes(rows))


@pytest.mark.parametrize(("workers", "epoch"), [(0, 0), (2, 0), (2, 1)])
@pytest.mark.parametrize(("num_files", "world_size"), [(1, 2), (3, 2), (4, 2), (3, 5)])
@pytest.mark.parametrize("reader", ["map_style", "streaming"])
def test_ranks_see_every_sequence_once_whatever_the_number_of_files(
    *,
    shown: SimpleNamespace,
    rows: list[Row],
    divided: Callable[[int], Path],
    reader: str,
    num_files: int,
    world_size: int,
    workers: int,
    epoch: int,
) -> None:
    where = {"world_size": world_size, "workers": workers, "epoch": epoch}
    loaders = [getattr(shown, reader)(str(divided(num_files)), rank=rank, **where) for rank in range(world_size)]
    batches = [_batches(loader) for loader in loaders]
    expected = _bytes(rows[:DIVIDED_ROWS])
    assert sorted(ids for of_rank in batches for batch in of_rank for ids in batch) == sorted(expected)
    if reader == "map_style":
        full = [sum(len(batch) == 8 for batch in of_rank) for of_rank in batches]
        assert min(full) >= len(expected) // (world_size * 8)


def test_a_streaming_set_can_be_split_by_row_group_or_by_row(
    shown: SimpleNamespace, rows: list[Row], divided: Callable[[int], Path]
) -> None:
    files = str(divided(2) / "data/*.parquet")
    streamed = shown.load_dataset("parquet", data_files=files, split="train", streaming=True)
    assert streamed.num_shards == 2
    assert streamed.reshard().num_shards > 2
    split = shown.split_dataset_by_node
    for source, strategy in ((streamed.reshard(), "auto"), (streamed, "examples")):
        parts = [_bytes(split(source, rank, 2, strategy=strategy)) for rank in (0, 1)]
        assert sorted(itertools.chain(*parts)) == sorted(_bytes(rows[:DIVIDED_ROWS]))
        if strategy == "examples":
            assert abs(len(parts[0]) - len(parts[1])) <= 1


def test_null_masks_are_none(shown: SimpleNamespace, rows: list[Row], divided: Callable[[int], Path]) -> None:
    masks = [row["loss_mask"] for row in rows[:DIVIDED_ROWS]]
    files = str(divided(3) / "data/*.parquet")
    for streamed in (False, True):
        loaded = shown.load_dataset("parquet", data_files=files, split="train", streaming=streamed)
        assert [row["loss_mask"] for row in loaded] == masks
    assert None in masks


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("reader", ["map_style", "streaming"])
def test_a_run_that_was_stopped_sees_the_same_batches(
    shown: SimpleNamespace, divided: Callable[[int], Path], reader: str, workers: int
) -> None:
    make, folder = getattr(shown, reader), str(divided(3))
    where = {"rank": 1, "world_size": 2, "workers": workers, "batch_size": 2}
    for epoch in (0, 2):
        whole = _batches(make(folder, epoch=epoch, **where))
        for done in (1, len(whole) // 2, len(whole) - 1):
            loader = make(folder, epoch=epoch, **where)
            assert _batches(itertools.islice(loader, done)) == whole[:done]
            checkpoint = {"epoch": epoch, "loader": loader.state_dict()}
            assert _batches(shown.resumed(make, checkpoint, folder, **where)) == whole[done:]


def test_a_trained_model_has_learned_what_shuffled_labels_cannot_teach(shown: SimpleNamespace, release: Path) -> None:
    import torch

    numbers = torch.Generator().manual_seed(0)
    torch.set_num_threads(1)  # as fast for so small a model, and it leaves other tests their CPU

    def cropped() -> Iterator[Row]:
        for epoch in itertools.count():
            for batch in shown.map_style(str(release), epoch=epoch):
                yield {name: column[:, :CROPPED_TOKENS] for name, column in batch.items()}

    def shuffled(batch: Row) -> Row:
        learned = batch["labels"] != -100
        some = batch["labels"][learned]
        labels = batch["labels"].clone()
        labels[learned] = some[torch.randperm(len(some), generator=numbers)]
        return batch | {"labels": labels}

    def last_losses(batches: Iterable[Row]) -> float:
        losses = list(shown.train(_model(release), itertools.islice(batches, STEPS), learning_rate=5e-3))
        return sum(losses[-LAST:]) / LAST

    trained, control = last_losses(cropped()), last_losses(map(shuffled, cropped()))
    print(f"loss after {STEPS} steps: {trained:.3f}; with shuffled labels {control:.3f}")  # noqa: T201
    assert trained <= control - 0.5


def test_a_token_leads_to_its_document_and_a_document_to_its_tokens(shown: SimpleNamespace, release: Path) -> None:
    shards = sorted((release / "data").iterdir())
    for path in shards:
        documents = set(pq.read_table(release / "attribution" / path.name, columns=["doc_id"])["doc_id"].to_pylist())
        for number, row in enumerate(pq.read_table(path).slice(0, 3).to_pylist()):
            for place in {0, 1, row["seq_lengths"][0], len(row["input_ids"]) - 1}:
                piece = shown.document_at(str(release), path.name, number, place)
                if place >= sum(row["seq_lengths"]):
                    assert piece is None
                    continue
                assert piece["offset"] <= place < piece["offset"] + piece["length"]
                assert piece["doc_id"] in documents
                places = shown.places_of(str(release), piece["doc_id"])
                assert (path.name, piece) in places
                ends: Counter[int] = Counter()
                for _, one in sorted(places, key=lambda found: found[1]["doc_offset"]):
                    assert one["doc_offset"] == ends[one["copy"]]
                    ends[one["copy"]] += one["length"]
