"""A sample of a release's documents, put together from token ids and held against their texts.

All else that `verify` looks at could hold of rows whose ids are those of other texts. To decode every document would
take as long as to tokenize did, so some are: as many in every release, chosen by the manifest's digest, so the same
ones at every call, and others in each release. Somebody who exchanges one text of a million is not found so.

Cost: positions and texts of the shards concerned are read once more; memory is that of a row group.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import DATA, POSITIONS, length_suffixes, texts_format
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_tokenizer import ProvenTokenizer
from stages.exchange import lexsorted, sortable
from stages.parquet_files import ParquetFile
from stages.release_index import rows_at
from stages.rendering import Form
from stages.text_lines import read_lines
from stages.texts import RELEASED_TEXTS

SAMPLE_DOCUMENTS = 64
_TEXT = pa.schema([RELEASED_TEXTS.field("doc_id"), RELEASED_TEXTS.field("text")])


def check_sample(
    release: Storage,
    manifest: Manifest,
    documents: Mapping[str, SourceDocuments],
    proven: ProvenTokenizer,
    findings: Findings,
) -> int:
    """Take down which documents of the sample are not those of their tokens; all files must be sound by then.

    Args:
        documents: of each shard, by what follows the folder's name.

    Returns:
        Documents of the sample; 0 for a release without texts.
    """
    form = texts_format(manifest.recipe)
    if form == "off" or manifest.packed_from is not None:
        return 0
    chosen = chosen_documents(documents, int(manifest.digest[:16], 16))
    suffixes = length_suffixes([length.sequence_tokens for length in manifest.packing.lengths])
    for name, ids in chosen.items():
        stem = name.removesuffix(".parquet")
        wanted = pa.array(ids, pa.string())
        texts = dict(_texts(release, f"texts{stem}.{form}", wanted))
        for suffix in suffixes:
            for identifier, packed_as, found in _decoded(release, f"{suffix}{name}", wanted, proven):
                expected = proven.tokenizer.normalize(texts[identifier])
                if found != expected and not _ended_anew(manifest, packed_as, expected, found):
                    findings.add(
                        f"{DATA}{suffix}{name}: document {identifier}: expected the tokens of its text in "
                        f"texts{stem}.{form}, got others from character {_first_difference(expected, found)} on"
                    )
    return sum(map(len, chosen.values()))


def chosen_documents(documents: Mapping[str, SourceDocuments], salt: int) -> dict[str, list[str]]:
    """The ids of the sample in hex, by shard: ids are hashes, so those nearest to a number are drawn by chance."""
    names = sorted(documents)
    if not names:
        return {}
    ids = np.concatenate([documents[name].ids for name in names])
    shards = np.repeat(np.arange(len(names)), [len(documents[name].ids) for name in names])
    first, second = sortable(ids)
    order = lexsorted([first ^ np.uint64(salt), second])[:SAMPLE_DOCUMENTS]
    found: dict[str, list[str]] = {}
    for place in order.tolist():
        found.setdefault(names[shards[place]], []).append(ids[place].tobytes().hex())
    return found


def _texts(release: Storage, path: str, wanted: pa.Array) -> Iterator[tuple[str, str]]:
    """(id, text) of some documents of a file."""
    with release.open(path) as opened:
        for table in (
            _text_tables(opened, wanted) if path.endswith(".parquet") else read_lines(opened, _TEXT, others=True)
        ):
            rows = table.filter(pc.is_in(table.column("doc_id"), wanted))
            yield from zip(rows.column("doc_id").to_pylist(), rows.column("text").to_pylist(), strict=True)


def _text_tables(opened: object, wanted: pa.Array) -> Iterator[pa.Table]:
    """The row groups in which some of the documents are."""
    with ParquetFile(opened) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["doc_id"]).column("doc_id")
            if pc.any(pc.is_in(ids, wanted)).as_py():
                yield file.read_row_group(group, columns=_TEXT.names)


def _decoded(
    release: Storage, shard: str, wanted: pa.Array, proven: ProvenTokenizer
) -> Iterator[tuple[str, Form, str]]:
    """(id, form, text) of every copy of some documents of a shard, from its positions and ids."""
    with ParquetFile(release.source(f"{POSITIONS}{shard}")) as file:
        groups = (file.read_row_group(group) for group in range(file.num_row_groups))
        places = pa.concat_tables([table.filter(pc.is_in(table.column("doc_id"), wanted)) for table in groups])
    rows = np.unique(places.column("row").to_numpy())
    with ParquetFile(release.source(f"{DATA}{shard}")) as file:
        ids = {
            row: own
            for numbers, table in rows_at(file, rows, ["input_ids"])
            for row, own in zip(numbers.tolist(), _lists(table.column("input_ids")), strict=True)
        }
    order = [(name, "ascending") for name in ("doc_id", "copy", "doc_offset")]
    pieces: dict[tuple[str, int], list[np.ndarray]] = {}
    forms: dict[tuple[str, int], Form] = {}
    for place in places.sort_by(order).to_pylist():
        key = (place["doc_id"], place["copy"])
        piece = ids[place["row"]][place["offset"] : place["offset"] + place["length"]]
        pieces.setdefault(key, []).append(piece)
        forms[key] = place["form"]
    for key, own in pieces.items():
        yield key[0], forms[key], proven.renderer.restore(np.concatenate(own), forms[key])


def _ended_anew(manifest: Manifest, form: Form, expected: str, found: str) -> bool:
    """Whether a file became the last of its repository document since the run: it keeps the line feed behind it."""
    is_cut = manifest.removals.documents > 0 or manifest.selection is not None
    return is_cut and form.startswith("repository") and found == f"{expected}\n"


def _first_difference(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _lists(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    for item in column:
        yield item.values.to_numpy()
