"""Bits per byte is a ratio of sums over what a release holds out, by a model of which they are known."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import IntegrityError, RecipeError, UnitError
from pipeline.bits_per_byte import Windows, bits_by_group, chosen_windows
from pipeline.held_out_texts import Group, HeldOutText, HeldOutTexts
from stages.causal_model import Floats, PrefixToken
from stages.token_windows import TokenWindow

pytestmark = pytest.mark.servers

PYTHON, PROSE = Group("code", "Python"), Group("text", "Wiki")
WINDOWS = Windows(window=16, stride=8, batch_tokens=64)


class ByteModel:
    """Its tokens are bytes, and it gives each of them what `nats_of` says of its value and its place."""

    context: int | None = 64

    def __init__(self, *, prefix: bool = True, certain: int | None = None) -> None:
        self.prefix = PrefixToken("eos", "<|endoftext|>", 256) if prefix else None
        self._certain = certain
        self.most = 0

    def nats_of(self, value: int, context: int) -> float:
        if value == self._certain:
            return math.inf
        return math.log(256) + value / 100 + (0.0 if context else 1.0)

    def encode(self, texts: list[str]) -> list[list[int]]:
        return [[*text.encode()] for text in texts]

    def decode(self, ids: list[list[int]]) -> list[str]:
        return [bytes(own).decode() for own in ids]

    def nats(self, documents: Sequence[Sequence[int]], batch: Sequence[TokenWindow]) -> list[Floats]:
        self.most = max(self.most, len(batch) * max(one.inputs for one in batch))
        return [
            np.array([self.nats_of(documents[one.document][place], place - 1) for place in range(one.first, one.stop)])
            for one in batch
        ]


def _nats(model: ByteModel, text: str) -> float:
    data = text.encode()
    skipped = 0 if model.prefix else 1
    return math.fsum(model.nats_of(value, place) for place, value in enumerate(data[skipped:]))


def _documents(texts: list[str], group: Group = PYTHON) -> list[HeldOutText]:
    return [HeldOutText(f"{n:032x}", group, text) for n, text in enumerate(texts)]


@given(
    st.lists(st.text("aé🙂", max_size=40), max_size=4),
    st.integers(1, 20).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window))),
    st.booleans(),
)
def test_the_ratio_is_that_of_the_sums(texts: list[str], sizes: tuple[int, int], prefix: bool) -> None:
    model = ByteModel(prefix=prefix)
    sums = bits_by_group(model, [_documents(texts)], Windows(*sizes, batch_tokens=50)).overall()
    num_bytes = sum(len(text.encode()) for text in texts)
    nats = math.fsum(_nats(model, text) for text in texts)
    assert (sums.documents, sums.num_bytes, sums.tokens) == (len(texts), num_bytes, num_bytes)
    assert sums.predicted == num_bytes - (0 if prefix else sum(map(bool, texts)))
    assert sums.nats == pytest.approx(nats, rel=1e-12)
    assert sums.bits_per_byte == (pytest.approx(nats / math.log(2) / num_bytes) if num_bytes else None)


def test_it_is_no_average_of_documents() -> None:
    model = ByteModel()
    sums = bits_by_group(model, [_documents(["a", "b" * 99])], WINDOWS).overall()
    own = [_nats(model, text) / math.log(2) / len(text) for text in ("a", "b" * 99)]
    assert sums.bits_per_byte is not None
    assert sums.bits_per_byte == pytest.approx((own[0] + 99 * own[1]) / 100)
    assert abs(sums.bits_per_byte - sum(own) / 2) > 0.1


def test_groups_kinds_and_all_add_up() -> None:
    batches = [_documents(["one", "two"]), _documents(["three"], PROSE), _documents(["four"])]
    sums = bits_by_group(ByteModel(), batches, WINDOWS)
    assert {group: bits.documents for group, bits in sums.groups.items()} == {PYTHON: 3, PROSE: 1}
    assert {kind: bits.num_bytes for kind, bits in sums.kinds().items()} == {"code": 10, "text": 5}
    assert sums.overall().nats == pytest.approx(sum(bits.nats for bits in sums.groups.values()))


@pytest.mark.parametrize("batch_tokens", [1, 7, 1000])
def test_what_is_read_together_is_bounded_and_changes_nothing(batch_tokens: int) -> None:
    texts, model = ["a short one", "x" * 50, "and another", ""], ByteModel()
    alone = bits_by_group(model, [_documents([text]) for text in texts], Windows(16, 8, 1))
    together = bits_by_group(model, [_documents(texts)], Windows(16, 8, batch_tokens))
    assert alone.groups == together.groups
    assert model.most <= max(16, batch_tokens)


def test_first_tokens_are_told_apart() -> None:
    sums = bits_by_group(ByteModel(), [_documents(["ab", "c", ""])], WINDOWS).overall()
    assert sums.first_nats == pytest.approx(sum(ByteModel().nats_of(ord(first), 0) for first in "ac"))
    without = bits_by_group(ByteModel(prefix=False), [_documents(["ab", "c", ""])], WINDOWS).overall()
    assert (without.first_nats, without.predicted, without.tokens) == (0.0, 1, 3)


def test_a_text_that_does_not_come_back_is_counted() -> None:
    class Lower(ByteModel):
        def encode(self, texts: list[str]) -> list[list[int]]:
            return super().encode([text.lower() for text in texts])

    assert bits_by_group(Lower(), [_documents(["Aa", "bb"])], WINDOWS).overall().altered == 1


def test_a_token_without_probability_stops_it() -> None:
    with pytest.raises(UnitError, match=f"document {1:032x}: expected finite nats"):
        bits_by_group(ByteModel(certain=ord("z")), [_documents(["a", "buzz"])], WINDOWS)


@pytest.mark.parametrize(
    ("context", "window", "stride", "expected"),
    [
        (2048, None, None, (2048, 1024)),
        (2048, 512, None, (512, 256)),
        (512, 2048, 100, (512, 100)),
        (None, 1, None, (1, 1)),
    ],
)
def test_windows_are_the_context_or_less(
    context: int | None, window: int | None, stride: int | None, expected: tuple[int, int]
) -> None:
    chosen = chosen_windows(context, window, stride, 4096)
    assert (chosen.window, chosen.stride) == expected


def test_windows_that_cannot_be() -> None:
    with pytest.raises(RecipeError, match="does not say how many tokens"):
        chosen_windows(None, None, None, 4096)
    with pytest.raises(RecipeError, match="at most the window of 512 tokens, got 513"):
        chosen_windows(512, None, 513, 4096)


@pytest.fixture(scope="module")
def release(holding_out: Path) -> Path:
    [folder] = [path for path in (holding_out.parent / "releases").iterdir() if path.name.endswith("0.2.0")]
    return folder


def _rows(release: Path) -> list[dict[str, str]]:
    return [row for path in sorted((release / "held_out").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_all_that_a_release_holds_out_is_read_once_with_its_group(release: Path) -> None:
    rows, texts = _rows(release), HeldOutTexts(str(release))
    found = [one for batch in texts.batches() for one in batch]
    assert texts.documents == len(rows) > 5
    expected = [(row["doc_id"], Group(row["kind"], row["subset"] or row["language"]), row["text"]) for row in rows]
    assert [tuple(one) for one in found] == expected
    sums = bits_by_group(ByteModel(), [found], WINDOWS)
    assert sums.overall().num_bytes == sum(len(row["text"].encode()) for row in rows)


def test_a_limit_takes_the_lowest_ids_of_each_group(release: Path) -> None:
    by_group: dict[Group, list[str]] = {}
    for row in sorted(_rows(release), key=lambda row: row["doc_id"]):
        by_group.setdefault(Group(row["kind"], row["subset"] or row["language"]), []).append(row["doc_id"])
    texts = HeldOutTexts(str(release), limit=2)
    found = [one for batch in texts.batches() for one in batch]
    assert sorted(one.id for one in found) == sorted(name for ids in by_group.values() for name in ids[:2])
    assert texts.documents == len(found) < len(_rows(release))


def test_a_release_without_held_out_texts_is_told(small_release: Path) -> None:
    with pytest.raises(RecipeError, match="found one that holds no document out") as raised:
        HeldOutTexts(str(small_release))
    assert "give the recipe a section `held_out`" in raised.value.hint


def test_a_folder_that_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"found no manifest\.json"):
        HeldOutTexts(str(tmp_path))
    with pytest.raises(RecipeError, match="no such folder"):
        HeldOutTexts(str(tmp_path / "absent"))


def test_a_damaged_file_is_not_read(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(release, copy)
    path = min((copy / "held_out").iterdir())
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="expected sha256"):
        HeldOutTexts(str(copy))
    path.unlink()
    with pytest.raises(IntegrityError, match="expected a file that the manifest lists"):
        HeldOutTexts(str(copy))
