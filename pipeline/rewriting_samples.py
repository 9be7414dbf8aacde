"""Samples of rewrites for `rewriting.html`, read from the release's own tables, and the page that shows them.

`rewrites/` has the originals, `texts/` what a model made of them. Documents lie in shards by a hash of their ids, so
those of the first shard are as good a sample as any: only as many shards are looked at as are needed for a choice.

Cost: four short columns of a shard of rewrites, and the row groups that hold what was chosen; of JSON lines, a shard.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import texts_format
from pipeline.rewriting_page import PAGE, Sample, rewriting_page
from pipeline.software import software_versions
from stages.parquet_files import ParquetFile
from stages.rewrite_provenance import ORIGINAL
from stages.text_lines import MalformedLinesError, read_lines

MOST_SAMPLES = 12
_ENOUGH = 1000  # rewrites to choose from
_SHORT_BYTES = 4096  # what 80 lines hold, as a rule: such a sample can be read to its end
_COLUMNS = ["doc_id", "language", "modes", "original_bytes", "text_bytes"]
_TEXTS = pa.schema([pa.field(name, pa.string()) for name in ("doc_id", "text")])


class SampleFiles(NamedTuple):
    """Files about the same documents, by name in their storage; `texts` is None where the release has none."""

    rewrites: str
    texts: str | None


class Candidate(NamedTuple):
    """A rewrite that may be shown."""

    doc_id: str
    language: str
    modes: str
    num_bytes: int


def page_of(manifest: Manifest, storage: Storage, files: Sequence[SampleFiles]) -> str | None:
    """`rewriting.html` of a release; None where its recipe has nothing rewritten.

    Args:
        files: of its shards, in their order, in the release or in the work folder.
    """
    if not isinstance(manifest.rewriting, ReleaseRewriting):
        return None
    form = texts_format(manifest.recipe)
    samples = [] if form == "off" else _samples(storage, files, lines=form == "jsonl.zst")
    return rewriting_page(manifest, samples)


def check_rewriting_page(release: Storage, manifest: Manifest, findings: Findings) -> None:
    """Take down where the page is not the one that the release's tables generate, which were found sound.

    Another version of Python may take other characters for printable: there the page is held to its sha256.
    """
    if manifest.packed_from is not None or manifest.software.get("python") != software_versions()["python"]:
        return
    paths = sorted(file.path for file in manifest.files)
    rewrites, texts = ([path for path in paths if path.startswith(f"{name}/")] for name in ("rewrites", "texts"))
    files = [SampleFiles(*pair) for pair in zip_longest(rewrites, texts)]
    try:
        page = page_of(manifest, release, files)
    except (LookupError, MalformedLinesError, OSError, ValueError) as error:
        findings.add(f"{PAGE}: expected samples of texts/ and rewrites/, got {type(error).__name__} on reading them")
        return
    if page is not None and release.read(PAGE) != page.encode():
        findings.add(f"{PAGE}: expected the page that the manifest and the tables generate, got another")


def choose(candidates: Iterable[Candidate], count: int) -> list[Candidate]:
    """Some of the rewrites, in order of language, modes and id; the same ones for any order of the same candidates.

    From every language and modes one before a second of any, short ones before long ones, then by a hash of the id.
    """
    groups: dict[tuple[str, str], list[Candidate]] = {}
    for one in sorted(candidates, key=_rank):
        groups.setdefault((one.language, one.modes), []).append(one)
    ranked = [(place, *_rank(one), one) for members in groups.values() for place, one in enumerate(members[:count])]
    return sorted((one for *_, one in sorted(ranked)[:count]), key=lambda one: (one.language, one.modes, one.doc_id))


def _rank(one: Candidate) -> tuple[bool, bytes]:
    return one.num_bytes > _SHORT_BYTES, sha256(f"sample {one.doc_id}".encode()).digest()


def _samples(storage: Storage, files: Sequence[SampleFiles], *, lines: bool) -> list[Sample]:
    candidates: list[Candidate] = []
    read: list[SampleFiles] = []
    for pair in files:
        if len(candidates) >= _ENOUGH:
            break
        read.append(pair)
        candidates += _candidates(storage, pair.rewrites)
    chosen = choose(candidates, MOST_SAMPLES)
    wanted = pa.array([one.doc_id for one in chosen], pa.string())
    originals: dict[str, str] = {}
    texts: dict[str, str] = {}
    for pair in read:
        originals |= _rows(_row_groups(storage, pair.rewrites, ORIGINAL, wanted), ORIGINAL, wanted)
        if pair.texts is not None:
            tables = _lines(storage, pair.texts) if lines else _row_groups(storage, pair.texts, "text", wanted)
            texts |= _rows(tables, "text", wanted)
    return [Sample(one.doc_id, one.language, one.modes, originals[one.doc_id], texts[one.doc_id]) for one in chosen]


def _candidates(storage: Storage, name: str) -> Iterator[Candidate]:
    with storage.open(name) as opened, ParquetFile(opened) as file:
        for batch in file.iter_batches(columns=_COLUMNS):
            for doc_id, language, modes, *sizes in zip(*(batch.column(n).to_pylist() for n in _COLUMNS), strict=True):
                yield Candidate(doc_id, language, modes, max(sizes))


def _row_groups(storage: Storage, name: str, column: str, wanted: pa.Array) -> Iterator[pa.Table]:
    """Ids and a column of the row groups that may hold what is wanted, by their bounds."""
    ids = sorted(wanted.to_pylist())
    with storage.open(name) as opened, ParquetFile(opened) as file:
        place = file.schema_arrow.get_field_index("doc_id")
        for group in range(file.num_row_groups):
            bounds = file.metadata.row_group(group).column(place).statistics
            if bounds is None or not bounds.has_min_max or any(bounds.min <= one <= bounds.max for one in ids):
                yield file.read_row_group(group, columns=["doc_id", column])


def _lines(storage: Storage, name: str) -> Iterator[pa.Table]:
    with storage.open(name) as file:
        yield from read_lines(file, _TEXTS, others=True)


def _rows(tables: Iterable[pa.Table], column: str, wanted: pa.Array) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in tables:
        rows = table.filter(pc.is_in(table.column("doc_id"), value_set=wanted))
        found |= dict(zip(rows.column("doc_id").to_pylist(), rows.column(column).to_pylist(), strict=True))
        if len(found) == len(wanted):
            break
    return found
