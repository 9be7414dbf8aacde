"""The whole mill on real data: 19,878 documents of code and text, held against golden numbers and against themselves.

The checks know the formats and nothing of the mill's code: Jaccard similarities are computed from words, documents are
put together again from the rows of the release and decoded.
"""

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from real_data import write_real_recipe

from manifests.decision import decisions_of
from manifests.document import Rejected
from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.passes import STEPS
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill, states
from pipeline.tokenizer_file import load_renderer, load_tokenizer
from pipeline.units import Mill, step_named
from pipeline.verify import verify_release
from stages.exchange import Block, read_segments
from stages.row_layouts import row_layout
from stages.rows import Row
from stages.tokenizing import TextTokenizer

pytestmark = pytest.mark.real

# Golden numbers. Whoever changes a rule changes them here, in the same commit, and says why.
READ = {"stack": 15_427, "pile": 4_451, "prs": 1_277}
REJECTED = {
    "licence/copyleft_in_header": 1_384,
    "licence/copyleft_in_licence_file": 2_823,
    "licence/copyleft_in_metadata": 24,
    "licence/licence_file_contradicts_header": 116,
    "licence/manifest_contradicts_header": 225,
    "licence/metadata_contradicts_header": 29,
    "licence/no_licence_found": 101,
    "licence/not_allowed_in_header": 5,
    "licence/not_allowed_in_licence_file": 417,
    "licence/not_allowed_in_metadata": 5,
    "licence/proprietary_in_header": 7,
    "licence/proprietary_in_licence_file": 2,
    "licence/proprietary_in_metadata": 54,
    "licence/subset_off_by_default": 78,
    "licence/unknown_in_header": 4,
    "licence/unknown_in_licence_file": 8,
    "filter/address_character_fraction_above_maximum": 1,
    "filter/alphabetic_fraction_below_minimum": 54,
    "filter/base_mean_line_characters_above_maximum": 5,
    "filter/data_file_fraction_above_maximum": 143,
    "filter/duplicate_10_gram_character_fraction_above_maximum": 1,
    "filter/duplicate_5_gram_character_fraction_above_maximum": 4,
    "filter/duplicate_9_gram_character_fraction_above_maximum": 1,
    "filter/duplicate_line_fraction_above_maximum": 3,
    "filter/ellipsis_line_fraction_above_maximum": 2,
    "filter/encoded_fraction_above_maximum": 20,
    "filter/gopher_letter_word_fraction_below_minimum": 76,
    "filter/gopher_mean_word_characters_above_maximum": 6,
    "filter/gopher_mean_word_characters_below_minimum": 1,
    "filter/gopher_num_stop_words_below_minimum": 192,
    "filter/gopher_num_words_below_minimum": 25,
    "filter/has_documentation_name_below_minimum": 116,
    "filter/has_generated_phrase_above_maximum": 13,
    "filter/html_text_characters_below_minimum": 87,
    "filter/html_text_fraction_below_minimum": 26,
    "filter/is_bot_pull_request_above_maximum": 101,
    "filter/is_dependency_or_release_title_above_maximum": 74,
    "filter/is_generated_above_maximum": 101,
    "filter/longest_encoded_run_characters_above_maximum": 19,
    "filter/longest_line_characters_above_maximum": 18,
    "filter/mean_line_characters_above_maximum": 55,
    "filter/num_hunks_below_minimum": 3,
    "filter/num_lines_above_maximum": 11,
    "filter/pull_request_title_characters_below_minimum": 31,
    "deduplicate/exact_duplicate": 396,
    "deduplicate/near_duplicate": 557,
    "deduplicate/same_shingles": 23,
    "deduplicate/repeated_row": 61,
    "redact/heavy_leak": 2,
    "mix/not_selected": 145,
    "settle/over_budget": 2_197,
}
KEPT_BY_STEP = {"ingest": 21_155, "judge": 14_684, "clean": 13_645, "tokenize": 13_500, "pack": 11_303}
TOKENS = {"code": 13_902_679, "text": 5_958_291}
SEQUENCES = {"code": 3_397, "text": 1_459}
# Documents and tokens of each kind.
PULL_REQUESTS = {"commit": [234, 652_046], "merged_pull_request": [302, 588_409]}
FORMS = {
    "file": 10_879_168,
    "fim_psm": 2_628_521,
    "fim_spm": 2_331_541,
    "pull_request": 1_240_455,
    "repository": 2_781_285,
}
LONG_SEQUENCES = {"code": 427, "text": 184}
TEXT_FORMS = {"byte_order_mark": 387, "line_ends": 148, "notebook": 14}
NUM_OTHER_ENCODINGS = 276
REDACTIONS = {
    "pile": {
        "email/address": 5_022,
        "email/written_out_address": 8,
        "ip_address/ipv4": 1_435,
        "ip_address/ipv6": 5,
        "phone_number/bare_phone_number": 4,
        "phone_number/international_phone_number": 5,
        "phone_number/national_phone_number": 1,
        "secret/url_secret_parameter": 2,
    },
    "prs": {
        "assigned_secret/assigned_secret": 1,
        "assigned_secret/option_value": 2,
        "email/address": 242,
        "email/written_out_address": 1,
    },
    "stack": {
        "assigned_secret/assigned_secret": 24,
        "assigned_secret/auth_pair": 2,
        "email/address": 412,
        "email/encoded_address": 12,
        "email/written_out_address": 3,
        "ip_address/ipv4": 8,
        "ip_address/ipv6": 8,
        "phone_number/international_phone_number": 34,
        "phone_number/national_phone_number": 4,
        "secret/named_algolia": 1,
        "url_password/netrc_password": 1,
    },
}
REDACTED_DOCUMENTS = {"pile": 80, "prs": 85, "stack": 214}

NGRAM_WORDS = 5
MINIMUM_SIMILARITY = 0.7
SURE_SIMILARITY = 0.8
BANDS, ROWS = 32, 8
RATIO_TOLERANCE = 0.0005  # 0.05 percentage points
MAXIMUM_PRIVATE_BYTES = 1_500_000_000

Tokens = npt.NDArray[np.int32]
Grams = frozenset[int]


class Run(NamedTuple):
    """A finished run: its mill, its release and its manifest."""

    mill: Mill
    folder: Path
    manifest: Manifest


class SilentProgress:
    def start(self, *_: object, **__: object) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, *_: object, **__: object) -> None: ...


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    import datatrove.executor  # noqa: F401 - else every step's own process imports it

    mill = open_mill(load_recipe(write_real_recipe(tmp_path_factory.mktemp("real"))))
    run_mill(mill, workers=2, progress=SilentProgress())
    folder = Path(release_folder(mill.recipe).root)
    return Run(mill, folder, Manifest.read(Storage(str(folder))))


@pytest.fixture(scope="module")
def tokenizer(run: Run) -> TextTokenizer:
    return load_tokenizer(run.mill.recipe)


@pytest.fixture(scope="module")
def clean_texts(run: Run) -> dict[str, str]:
    """Every document that clean kept, by id, as it goes into the release."""
    return {
        identifier.hex(): text
        for table in tables(run.mill, "clean", "texts")
        for identifier, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)
    }


@pytest.fixture(scope="module")
def compared(clean_texts: dict[str, str], decisions: list[Rejected], run: Run) -> dict[str, Grams]:
    """Word n-grams of every document that duplicates were decided of, by id, from its text as it was read."""
    decided = {item.id for item in decisions if item.reason in ("near_duplicate", "same_shingles", "exact_duplicate")}
    texts = raw_texts(run.mill, clean_texts.keys() | decided)
    return {identifier: ngrams(text) for identifier, text in texts.items()}


@pytest.fixture(scope="module")
def decisions(run: Run) -> list[Rejected]:
    """Every rejection of the run."""
    return [
        item
        for step in STEPS
        if "decisions" in outputs(run.mill, step.name)
        for table in tables(run.mill, step.name, "decisions")
        for item in decisions_of(table)
    ]


def outputs(mill: Mill, step: str) -> set[str]:
    return {name for record in mill.records(step_named(step)) if record is not None for name in record.outputs}


def tables(mill: Mill, step: str, table: str) -> Iterator[pa.Table]:
    for number, record in enumerate(mill.records(step_named(step))):
        assert record is not None
        output = record.outputs[table]
        segments = tuple(segment for block in output.blocks for segment in block)
        yield from read_segments(mill.work, [Block(number, output.file, segments)], lambda _bytes: None)


# Golden numbers


def test_every_row_is_read(run: Run) -> None:
    read: dict[str, int] = {}
    for table in tables(run.mill, "ingest", "rows"):
        for source in table["source"].to_pylist():
            read[source] = read.get(source, 0) + 1
    assert read == READ


def test_documents_are_rejected_for_the_reasons_they_always_were(run: Run) -> None:
    ledgers = [Ledger.from_json(run.manifest.ledgers[step]) for step in CHAIN]
    assert {key: tally.documents for ledger in ledgers for key, tally in ledger.rejected.items()} == REJECTED


def test_every_pass_keeps_what_it_always_kept(run: Run) -> None:
    kept = {step: Ledger.from_json(run.manifest.ledgers[step]).kept.documents for step in CHAIN}
    assert kept == KEPT_BY_STEP
    assert sum(READ.values()) - sum(REJECTED.values()) == KEPT_BY_STEP["pack"]


def test_the_release_has_the_tokens_and_sequences_it_always_had(run: Run) -> None:
    assert run.manifest.mixture.reached_tokens == TOKENS
    [first, second] = run.manifest.packing.lengths
    assert {kind: figures.sequences for kind, figures in first.modes["best_fit"].items()} == SEQUENCES
    assert {kind: figures.sequences for kind, figures in second.modes["best_fit"].items()} == LONG_SEQUENCES


def test_forms_are_put_right_and_encodings_counted_as_they_always_were(run: Run) -> None:
    assert run.manifest.text_forms == TEXT_FORMS
    assert sum(run.manifest.encodings.values()) == NUM_OTHER_ENCODINGS


def test_redaction_replaces_what_it_always_replaced(run: Run) -> None:
    assert run.manifest.redactions == REDACTIONS
    assert run.manifest.redacted_documents == REDACTED_DOCUMENTS


# The release against itself and against the inputs


def test_the_release_verifies(run: Run) -> None:
    assert verify_release(str(run.folder)).documents == KEPT_BY_STEP["pack"]


def test_every_decision_stands_in_the_log_once(run: Run, decisions: list[Rejected]) -> None:
    counts: dict[str, int] = {}
    for item in decisions:
        key = f"{item.stage}/{item.reason}"
        counts[key] = counts.get(key, 0) + 1
    assert counts == REJECTED


def test_the_mixture_is_what_was_asked_for(run: Run) -> None:
    reached = run.manifest.mixture.reached_tokens
    total = sum(reached.values())
    for kind, share in run.manifest.mixture.shares.items():
        assert abs(reached[kind] / total - share) <= RATIO_TOLERANCE


def test_every_near_duplicate_is_as_similar_to_its_kept_twin_as_the_log_says(
    compared: dict[str, Grams], decisions: list[Rejected], clean_texts: dict[str, str]
) -> None:
    near = [item for item in decisions if item.reason in ("near_duplicate", "same_shingles")]
    assert len(near) > 500
    for item in near:
        similarity = jaccard(compared[item.id], compared[item.twin])
        assert similarity >= MINIMUM_SIMILARITY, item
        assert item.similarity == pytest.approx(similarity, abs=1e-12), item
    assert {item.twin for item in near} <= clean_texts.keys()


def test_of_all_similar_pairs_hardly_one_stays_together(
    compared: dict[str, Grams], clean_texts: dict[str, str]
) -> None:
    """Every pair of all documents that duplicates were decided of, found by an inverted index, without signatures."""
    pairs = list(similar_pairs(compared, MINIMUM_SIMILARITY))
    both_kept = [similarity for a, b, similarity in pairs if {a, b} <= clean_texts.keys()]
    surely = [similarity for *_, similarity in pairs if similarity >= SURE_SIMILARITY]
    assert len(surely) > 1_000
    assert sum(similarity >= SURE_SIMILARITY for similarity in both_kept) <= 0.01 * len(surely)
    missed = [(1 - similarity**ROWS) ** BANDS for *_, similarity in pairs if similarity < SURE_SIMILARITY]
    deviation = sum(chance * (1 - chance) for chance in missed) ** 0.5
    assert len(missed) > 1_000
    assert sum(similarity < SURE_SIMILARITY for similarity in both_kept) <= sum(missed) + 3 * deviation


def test_the_twin_of_every_duplicate_is_kept(decisions: list[Rejected], clean_texts: dict[str, str]) -> None:
    duplicates = [item for item in decisions if item.stage == "deduplicate"]
    # A file that is nothing but a key leaves at redaction, with the copies that named it.
    there = clean_texts.keys() | {item.id for item in decisions if item.reason == "only_placeholders_left"}
    assert [item for item in duplicates if item.twin not in there] == []
    assert [item for item in duplicates if item.id in clean_texts and item.reason != "repeated_row"] == []


def test_no_two_kept_documents_were_one(run: Run, clean_texts: dict[str, str]) -> None:
    # As they were read: what differs in a redacted value alone is alike afterwards.
    raw = raw_texts(run.mill, set(clean_texts))
    assert raw.keys() == clean_texts.keys()
    assert len({tidied(text) for text in raw.values()}) == len(raw)


@pytest.mark.parametrize("place", ["", "-32768"])
def test_every_document_comes_back_from_positions_and_token_ids(
    run: Run, tokenizer: TextTokenizer, clean_texts: dict[str, str], decisions: list[Rejected], place: str
) -> None:
    renderer = load_renderer(run.mill.recipe)
    trimmed = {item.id for item in decisions if item.stage in ("mix", "settle")}
    documents = unpacked(run.folder, place)
    assert documents.keys() == clean_texts.keys() - trimmed
    for identifier, (form, tokens) in documents.items():
        expected = tokenizer.normalize(clean_texts[identifier])
        assert renderer.restore(tokens, form) == expected, (identifier, form)


def test_a_document_that_fits_in_a_sequence_is_never_cut(run: Run) -> None:
    for folder, length in (("data", 4096), ("data-32768", 32_768)):
        pieces = Counter(name for row in rows(run.folder, folder) for name in row["doc_ids"])
        sizes: Counter[str] = Counter()
        for row in rows(run.folder, folder):
            for name, size in zip(row["doc_ids"], row["seq_lengths"], strict=True):
                sizes[name] += size
        assert all(count == math.ceil(sizes[name] / length) for name, count in pieces.items())


def test_padding_is_less_than_a_hundredth(run: Run) -> None:
    for folder, length in (("data", 4096), ("data-32768", 32_768)):
        used = [sum(row["seq_lengths"]) for row in rows(run.folder, folder)]
        assert 1 - sum(used) / (length * len(used)) <= 0.01


def test_any_1000_sequences_hold_the_ratio_of_the_shard(run: Run) -> None:
    for path in sorted(run.folder.glob("data/*.parquet")):
        is_code = np.array([kind == "code" for kind in pq.read_table(path, columns=["kind"])["kind"].to_pylist()])
        ahead = np.cumsum(np.concatenate([[0], is_code]))
        windows = (ahead[1000:] - ahead[:-1000]) / 1000
        assert len(windows) > 100
        assert np.abs(windows - is_code.mean()).max() <= 0.002


def test_pull_requests_have_an_account(run: Run) -> None:
    found = {row.subset: [0, 0] for row in run.manifest.documents if row.source == "prs"}
    for row in run.manifest.documents:
        if row.source == "prs":
            found[row.subset][0] += row.documents
            found[row.subset][1] += row.tokens
    assert found == PULL_REQUESTS
    assert run.manifest.packing.forms == FORMS


def test_a_sequence_is_of_one_kind_and_of_the_length_asked_for(run: Run) -> None:
    columns = ["name", "kind"]
    kinds = {
        row["name"]: row["kind"]
        for table in tables(run.mill, "tokenize", "packed")
        for row in table.select(columns).to_pylist()
    }
    for folder, length in (("data", 4096), ("data-32768", 32_768)):
        for row in rows(run.folder, folder):
            assert len(row["input_ids"]) == length
            assert 0 < sum(row["seq_lengths"]) <= length
            assert {kinds[name] for name in row["doc_ids"]} == {row["kind"]}
            assert row["loss_mask"] == (
                None if (used := sum(row["seq_lengths"])) == length else [1] * used + [0] * (length - used)
            )


def test_datasets_loads_the_release(run: Run, tmp_path: Path) -> None:
    program = (
        "import json, sys, datasets\n"
        "rows = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "types = {name: str(kind) for name, kind in rows.features.items()}\n"
        "print(json.dumps([len(rows), types, rows[0]['input_ids'][:8]]))\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    arguments = [str(run.folder / "data/*.parquet"), str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    num_rows, types, first = json.loads(done.stdout.splitlines()[-1])
    assert num_rows == sum(SEQUENCES.values())
    assert first == next(rows(run.folder))["input_ids"][:8]
    assert {name for name, kind in types.items() if kind == "List(Value('int32'))"} == {
        "input_ids",
        "seq_lengths",
        "doc_offsets",
    }
    assert types["loss_mask"] == "List(Value('int8'))"


# The run


def test_no_unit_needs_more_memory_than_it_may(run: Run) -> None:
    peaks = [
        record.measured["peak_private_bytes"]
        for step in STEPS
        for record in run.mill.records(step)
        if record is not None
    ]
    assert max(peaks) <= MAXIMUM_PRIVATE_BYTES
    assert max(peaks) > 10_000_000, "nothing was measured"


def test_a_second_run_has_nothing_to_do(run: Run) -> None:
    assert [state.step.name for state in states(run.mill) if state.todo and not state.step.always] == []


# What the checks compute for themselves


# Scripts without spaces: a letter is a word.
_OWN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"(?=\w)[{_OWN}]|[^\W{_OWN}]+")


def jaccard(left: Grams, right: Grams) -> float:
    return len(left & right) / len(left | right)


def ngrams(text: str) -> Grams:
    """Python's own hashes of the word n-grams: 64 bits, others in each process."""
    words = _WORD.findall(text.lower())
    return frozenset(map(hash, zip(*(words[start:] for start in range(NGRAM_WORDS)), strict=False)))


def similar_pairs(documents: dict[str, Grams], minimum: float) -> Iterator[tuple[str, str, float]]:
    """All pairs that reach a similarity.

    By prefix filtering (Chaudhuri, Ganti and Kaushik, ICDE 2006): such a pair shares one of the rarest n-grams of each.
    """
    often = Counter(gram for grams in documents.values() for gram in grams)
    known: dict[int, list[str]] = {}
    for name in sorted(documents, key=lambda name: (len(documents[name]), name)):
        grams = documents[name]
        rarest = sorted(grams, key=lambda gram: (often[gram], gram))
        candidates: set[str] = set()
        for gram in rarest[: len(grams) - math.ceil(minimum * len(grams)) + 1]:
            if often[gram] > 1:
                candidates.update(known.get(gram, ()))
                known.setdefault(gram, []).append(name)
        for other in sorted(candidates):
            if len(documents[other]) >= minimum * len(grams):
                similarity = jaccard(grams, documents[other])
                if similarity >= minimum:
                    yield other, name, similarity


def tidied(text: str) -> str:
    """The text up to line ends and trailing blanks: what makes two texts one."""
    return re.sub(r"[ \t]+$", "", text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.MULTILINE).rstrip("\n \t")


def raw_texts(mill: Mill, wanted: set[str]) -> dict[str, str]:
    """Texts as they stand in the shards, by id."""
    places = {
        (row["shard"], row["row"]): row["id"].hex()
        for table in tables(mill, "ingest", "rows")
        for row in table.select(["id", "shard", "row"]).to_pylist()
        if row["id"].hex() in wanted
    }
    texts = {}
    for shard in [shard for unit in mill.plan.units for shard in unit]:
        with zstandard.open(shard.path, "rt", encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file):
                if (shard.name, number) in places:
                    row = json.loads(line)
                    texts[places[shard.name, number]] = _raw_text(row)
    return texts


def _raw_text(row: dict[str, Any]) -> str:
    if "diff" not in row:
        text: str = row.get("content", row.get("text"))
        return text
    [found] = row_layout("pull-requests").parts(row)  # it is laid out before anything looks at it
    assert isinstance(found, Row)
    return found.text


def rows(folder: Path, name: str = "data") -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(f"{name}/*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()


def unpacked(folder: Path, place: str) -> dict[str, tuple[str, Tokens]]:
    """Form and tokens of every source document, put together from `positions/` and the rows that it points at."""
    documents: dict[str, tuple[str, Tokens]] = {}
    for path in sorted(folder.glob(f"positions{place}/*.parquet")):
        ids = pq.read_table(folder / f"data{place}" / path.name, columns=["input_ids"]).column("input_ids")
        sequences = [chunk.flatten().to_numpy() for chunk in ids.chunks]
        tokens = np.concatenate(sequences).reshape(len(ids), -1)
        pieces: dict[str, list[dict[str, Any]]] = {}
        for row in pq.read_table(path).to_pylist():
            pieces.setdefault(row["doc_id"], []).append(row)
        for name, parts in pieces.items():
            parts.sort(key=lambda part: part["doc_offset"])
            ends = np.cumsum([part["length"] for part in parts])
            assert [part["doc_offset"] for part in parts] == [0, *ends[:-1]], name
            slices = [tokens[part["row"], part["offset"] : part["offset"] + part["length"]] for part in parts]
            assert name not in documents
            documents[name] = (parts[0]["form"], np.concatenate(slices))
    return documents
