"""What stays of a packed shard without some documents, on shards that the real packing code made."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.document import ID_BYTES
from manifests.release import ReleaseTokenizer
from manifests.release_packing import Mode
from pipeline.packed_set import PackedSet, PackedSource, PackingChoice
from pipeline.removal_packed import PackedFiles, Removal, Sequences
from stages.interleaving import interleaved
from stages.packed_documents import PackedDocuments
from stages.packed_rows import compile_kernels
from stages.packing import Int32s
from stages.parquet_files import ParquetFile
from stages.rendering import packed_name

KINDS = ("code", "text")
BOS, EOD, NAME, SEPARATOR = 1, 2, 3, 4
Packed = tuple[bytes, bytes]  # a shard and its positions
# Of each kind, packed documents as (members' lengths, copy); of several members they are repositories.
Corpus = tuple[list[tuple[list[int], int]], list[tuple[list[int], int]]]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compiles the kernels outside Hypothesis, which times its examples."""
    compile_kernels()


def tokenizer(*, begins: bool) -> ReleaseTokenizer:
    ids = {"<|repo_name|>": NAME, "<|file_sep|>": SEPARATOR}
    return ReleaseTokenizer("0" * 64, 99, "<end>", EOD, "<begin>" if begins else None, BOS if begins else None, [], ids)


def document_id(number: int) -> bytes:
    return number.to_bytes(ID_BYTES, "big")


def tokens_of(first: int, members: list[int], *, begins: bool) -> list[list[int]]:
    """Token ids of each member of a packed document; a file's own are told by its number."""
    parts = [[1000 * (first + place) + 10 + token for token in range(length)] for place, length in enumerate(members)]
    if len(members) > 1:
        parts = [[SEPARATOR, *part] for part in parts]
        parts[0][:0] = [NAME, 5, 6]
    parts[0][:0] = [BOS] if begins else []
    parts[-1].append(EOD)
    return parts


def documents_of(own: list[tuple[list[int], int]], first: int, *, begins: bool) -> tuple[PackedDocuments, Int32s]:
    names, forms, tokens, member_ids, lengths = [], [], [], [], []
    member_lengths: list[int] = []
    member_document: list[int] = []
    number = first
    for place, (members, copy) in enumerate(own):
        parts = tokens_of(number, members, begins=begins)
        names.append(packed_name(document_id(number), copy, repository=len(members) > 1))
        forms.append("repository" if len(members) > 1 else "file")
        member_ids += [document_id(number + member) for member in range(len(members))]
        member_lengths += map(len, parts)
        member_document += [place] * len(parts)
        lengths.append(sum(map(len, parts)))
        tokens += [token for part in parts for token in part]
        number += len(members)
    documents = PackedDocuments(
        names=pa.array(names, pa.string()),
        forms=pa.array(forms, pa.string()),
        keys=np.arange(first, first + len(own), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        lengths=np.array(lengths, dtype=np.int64),
        copies=np.array([copy for _, copy in own], dtype=np.int32),
        member_ids=np.frombuffer(b"".join(member_ids), dtype=f"V{ID_BYTES}"),
        member_lengths=np.array(member_lengths, dtype=np.int64),
        member_document=np.array(member_document, dtype=np.int64),
    )
    return documents, np.array(tokens, dtype=np.int32)


def packed(corpus: Corpus, length: int, mode: Mode, *, begins: bool) -> Packed:
    sinks: dict[str, io.BytesIO] = {}

    @contextmanager
    def new_file(table: str) -> Iterator[io.BytesIO]:
        sinks[table] = io.BytesIO()
        yield sinks[table]

    made = {
        kind: documents_of(own, 5000 * place, begins=begins)
        for place, (kind, own) in enumerate(zip(KINDS, corpus, strict=True))
    }
    source = PackedSource(KINDS, [0], lambda _n, kind: made[kind][0], lambda _n, kind: made[kind][1])
    choice = PackingChoice(mode, [length], seed=5, pad_id=EOD, release="tiny 0.1.0", tokenizer_sha256="0" * 64)
    PackedSet(source, choice, new_file, lambda: None).write()
    return sinks["shard"].getvalue(), sinks["positions"].getvalue()


def without(files: Packed, removed: set[int], length: int, mode: Mode, *, begins: bool) -> Packed:
    ids = np.frombuffer(b"".join(map(document_id, sorted(removed))), dtype=f"V{ID_BYTES}")
    rows, positions = (ParquetFile(io.BytesIO(data)) for data in files)
    removal = Removal.of(PackedFiles(rows, positions, "shard"), ids, tokenizer(begins=begins))
    sinks = io.BytesIO(), io.BytesIO()
    counts = removal.write(rows, sinks, Sequences(EOD, 0 if mode == "none" else length))
    made = sinks[0].getvalue(), sinks[1].getvalue()
    assert counts == tuple(pq.read_metadata(io.BytesIO(data)).num_rows for data in made)
    return made


def rows_of(data: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


def restored(files: Packed) -> dict[tuple[int, int], list[int]]:
    """Tokens of every source document and copy, put together by positions; none twice, none left out."""
    rows, found = rows_of(files[0]), dict[tuple[int, int], dict[int, list[int]]]()
    covered = [0] * len(rows)
    for place in rows_of(files[1]):
        row = rows[place["row"]]
        assert place["offset"] == covered[place["row"]]
        covered[place["row"]] += place["length"]
        tokens = row["input_ids"][place["offset"] : place["offset"] + place["length"]]
        parts = found.setdefault((int(place["doc_id"], 16), place["copy"]), {})
        assert place["doc_offset"] not in parts
        parts[place["doc_offset"]] = tokens
    assert covered == [sum(row["seq_lengths"]) for row in rows]
    whole = {}
    for name, parts in found.items():
        tokens = []
        for offset in sorted(parts):
            assert offset == len(tokens)
            tokens += parts[offset]
        whole[name] = tokens
    return whole


def packed_documents(files: Packed) -> dict[str, list[int]]:
    """Tokens of every packed document, put together by doc_offsets; rows are as they must be."""
    found: dict[str, dict[int, list[int]]] = {}
    for row in rows_of(files[0]):
        start = 0
        for name, offset, length in zip(row["doc_ids"], row["doc_offsets"], row["seq_lengths"], strict=True):
            assert length > 0
            found.setdefault(name, {})[offset] = row["input_ids"][start : start + length]
            start += length
        assert row["input_ids"][start:] == [EOD] * (len(row["input_ids"]) - start)
        padded = start < len(row["input_ids"])
        assert row["loss_mask"] == ([1] * start + [0] * (len(row["input_ids"]) - start) if padded else None)
    whole = {}
    for name, parts in found.items():
        tokens: list[int] = []
        for offset in sorted(parts):
            assert offset == len(tokens)
            tokens += parts[offset]
        whole[name] = tokens
    return whole


def expected(corpus: Corpus, removed: set[int], *, begins: bool) -> tuple[dict[str, list[int]], dict[Any, list[int]]]:
    """Packed documents and source documents without some, made from what they are made of."""
    whole: dict[str, list[int]] = {}
    sources: dict[Any, list[int]] = {}
    for kind, own in enumerate(corpus):
        number = 5000 * kind
        for members, copy in own:
            staying = [place for place in range(len(members)) if number + place not in removed]
            parts = [part for place, part in enumerate(tokens_of(number, members, begins=False)) if place in staying]
            if staying:
                if len(members) > 1:
                    parts[0][:0] = [] if staying[0] == 0 else [NAME, 5, 6]
                parts[0][:0] = [BOS] if begins else []
                parts[-1] += [] if staying[-1] == len(members) - 1 else [EOD]
                name = packed_name(document_id(number + staying[0]), copy, repository=len(members) > 1)
                whole[name] = [token for part in parts for token in part]
                sources |= {(number + place, copy): part for place, part in zip(staying, parts, strict=True)}
            number += len(members)
    return whole, sources


members_lists = st.lists(
    st.tuples(st.lists(st.integers(1, 25), min_size=1, max_size=4), st.integers(0, 2)), min_size=0, max_size=12
)
corpora = st.tuples(members_lists, members_lists)
modes: st.SearchStrategy[Mode] = st.sampled_from(["best_fit", "concat", "none"])
lengths = st.sampled_from([6, 13, 40])
few = settings(max_examples=20)  # each one packs, and reads and writes what was packed


def numbers_of(corpus: Corpus) -> list[int]:
    return [5000 * kind + place for kind, own in enumerate(corpus) for place in range(sum(len(m) for m, _ in own))]


@few
@given(corpora, lengths, modes, st.booleans(), st.data())
def test_every_other_document_comes_back_token_for_token(
    corpus: Corpus, length: int, mode: Mode, begins: bool, data: st.DataObject
) -> None:
    removed = {number for number in numbers_of(corpus) if data.draw(st.booleans())}
    before = packed(corpus, length, mode, begins=begins)
    after = without(before, removed, length, mode, begins=begins)
    whole, sources = expected(corpus, removed, begins=begins)
    assert packed_documents(after) == whole
    assert restored(after) == sources
    kinds = [KINDS.index(row["kind"]) for row in rows_of(after[0])]
    assert kinds == interleaved([kinds.count(0), kinds.count(1)]).tolist()
    assert all(len(row["input_ids"]) == length for row in rows_of(after[0])) or mode == "none"


@few
@given(corpora, lengths, modes, st.data())
def test_rows_without_a_removed_document_keep_tokens_and_order(
    corpus: Corpus, length: int, mode: Mode, data: st.DataObject
) -> None:
    removed = {number for number in numbers_of(corpus) if data.draw(st.integers(0, 3)) == 0}
    before = packed(corpus, length, mode, begins=True)
    after = without(before, removed, length, mode, begins=True)
    concerned = {place["row"] for place in rows_of(before[1]) if int(place["doc_id"], 16) in removed}
    alike = ("input_ids", "seq_lengths", "loss_mask", "kind")
    for kind in KINDS:
        rows = [[row[name] for name in alike] for row in rows_of(after[0]) if row["kind"] == kind]
        left = iter(rows)
        for number, row in enumerate(rows_of(before[0])):
            if row["kind"] == kind and number not in concerned:
                assert [row[name] for name in alike] in left


@few
@given(corpora, lengths, modes, st.booleans())
def test_removing_nothing_changes_no_byte(corpus: Corpus, length: int, mode: Mode, begins: bool) -> None:
    before = packed(corpus, length, mode, begins=begins)
    assert without(before, {77_777}, length, mode, begins=begins) == before


@few
@given(corpora, lengths, modes, st.booleans(), st.data())
def test_one_after_the_other_is_both_at_once(
    corpus: Corpus, length: int, mode: Mode, begins: bool, data: st.DataObject
) -> None:
    numbers = numbers_of(corpus)
    one, other = ({number for number in numbers if data.draw(st.integers(0, 2)) == 0} for _ in range(2))
    before = packed(corpus, length, mode, begins=begins)
    together = without(before, one | other, length, mode, begins=begins)
    first = without(before, one, length, mode, begins=begins)
    assert without(first, other, length, mode, begins=begins) == together
