"""A release of any number of tiny shards, made by the writers that pack uses, without a run: for removals at scale.

Documents are a few tokens of random numbers; each shard has a repository of its own with `CODE_FILES` files and `TEXTS`
texts. Whatever a removal reads is there and agrees with the rest; nothing was tokenized, so `verify` would find that
texts are not those of the tokens.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from manifests.ledger import Ledger
from manifests.release import (
    CHAIN,
    MANIFEST,
    SCHEMA_VERSION,
    DocumentClass,
    Manifest,
    ReleaseFile,
    ReleaseTokenizer,
)
from manifests.release_mixture import ReleaseDomain, ReleaseMixture
from manifests.storage import Storage
from pipeline.packed_set import PackedCounts, PackedSet, PackedSource, PackingChoice
from pipeline.release_manifest import release_packing
from pipeline.release_pages import pages
from pipeline.software import software_versions
from stages.attribution import ATTRIBUTION, NOT_KNOWN, attribution_schema, attribution_writer
from stages.exchange import block_of_hash
from stages.packed_documents import PackedDocuments
from stages.release_index import BAND_ROWS, INDEX, index_tables, sorted_bands, with_release, write_index
from stages.released_documents import (
    RELEASED_DOCUMENTS,
    document_keys,
    sorted_keys,
    write_documents,
    write_lookup,
)
from stages.texts import released_texts, texts_schema, texts_writer

CODE_FILES, TEXTS = 4, 2
KINDS = ("code", "text")
LENGTH = 32
_RECIPE: dict[str, Any] = {
    "seed": 1,
    "packing": {"mode": "best_fit", "sequence_tokens": LENGTH},
    "release": {"texts": "parquet"},
    "deduplication": {"near": {"ngram_words": 5, "bands": 8, "rows": 8, "seed": 1}},
    "mixture": {"code": 0.7, "text": 0.3},
    "held_out": None,
    "licences": {"allow": ["permissive"]},
    "rewriting": None,
}


def repository_of(shard: int) -> str:
    """The repository whose files are the code of a shard."""
    return f"owner{shard % 100}/name{shard}"


class _Shard:
    """The documents of a shard, as columns."""

    def __init__(self, number: int) -> None:
        self.number = number
        count = CODE_FILES + TEXTS
        self.ids = [xxhash.xxh3_128_digest(f"document {number} {place}".encode()) for place in range(count)]
        self.kinds = ["code"] * CODE_FILES + ["text"] * TEXTS
        random = np.random.default_rng(number)
        self.tokens = [random.integers(10, 90, 5 + (number + place) % 40) for place in range(count)]
        self.values = [random.integers(0, 1 << 32, 64, dtype=np.uint32) for _ in range(count)]
        self.bands = [random.integers(0, 1 << 63, 8, dtype=np.int64).astype(np.uint64) for _ in range(count)]

    def documents(self) -> pa.Table:
        """Rows of `documents/`, in order."""
        rows: list[dict[str, Any]] = []
        for place, (identity, kind) in enumerate(zip(self.ids, self.kinds, strict=True)):
            is_code = kind == "code"
            rows.append(
                dict.fromkeys(("revision", "url", "swhid", "rewrite"), "")
                | {
                    "doc_id": identity.hex(),
                    "kind": kind,
                    "source": "made",
                    "subset": "",
                    "language": "Python" if is_code else "",
                    "licence": "MIT",
                    "repository": repository_of(self.number) if is_code else "",
                    "path": f"src/file{place}.py" if is_code else "",
                    "blob": (identity + b"\0" * 4).hex() if is_code else "",
                    "sha256": (identity * 2).hex(),
                    "content_hash": identity[::-1].hex(),
                    "num_bytes": len(self.text(place)),
                    "tokens": len(self.tokens[place]),
                    "copies": 1,
                    "held_out": False,
                }
            )
        return pa.Table.from_pylist(sorted(rows, key=lambda row: row["doc_id"]), schema=RELEASED_DOCUMENTS)

    def text(self, place: int) -> str:
        return f"text {place} of shard {self.number}"

    def packed(self, kind: str) -> PackedDocuments:
        own = [place for place, name in enumerate(self.kinds) if name == kind]
        lengths = np.array([len(self.tokens[place]) for place in own], dtype=np.int64)
        ids = [self.ids[place] for place in own]
        return PackedDocuments(
            names=pa.array([identity.hex() for identity in ids]),
            forms=pa.array(["file"] * len(own)),
            keys=np.array([int.from_bytes(identity[:8], "big") for identity in ids], dtype=np.uint64),
            lengths=lengths,
            copies=np.zeros(len(own), dtype=np.int32),
            member_ids=np.frombuffer(b"".join(ids), dtype="V16"),
            member_lengths=lengths,
            member_document=np.arange(len(own)),
        )

    def packed_tokens(self, kind: str) -> np.ndarray[Any, np.dtype[np.int32]]:
        own = [tokens for tokens, name in zip(self.tokens, self.kinds, strict=True) if name == kind]
        return np.concatenate(own).astype(np.int32)

    def sketches(self) -> pa.Table:
        return pa.table(
            {
                "id": pa.array(self.ids, pa.binary(16)),
                "key": pa.array([identity[::-1] for identity in self.ids], pa.binary(16)),
                "content_hash": pa.array([identity[::-1] for identity in self.ids], pa.binary(16)),
                "held_out": pa.array([False] * len(self.ids)),
                "bands": pa.array([bands.tolist() for bands in self.bands], pa.list_(pa.uint64())),
                "values": pa.array([values.tobytes() for values in self.values], pa.binary(256)),
            }
        )


def write_release(folder: Path, num_shards: int, *, name: str = "many") -> Manifest:
    """Write a release of so many shards, of `CODE_FILES + TEXTS` documents each."""
    storage, label = Storage(str(folder)), f"{name} 0.1.0"
    files: list[ReleaseFile] = []
    counts: list[PackedCounts] = []
    keys = []

    @contextmanager
    def new(path: str) -> Iterator[io.BytesIO]:
        sink = io.BytesIO()
        yield sink
        storage.write(path, sink.getvalue())
        listed = ReleaseFile.of(path, sink.getvalue())
        files.append(msgspec.structs.replace(listed, rows=pq.read_metadata(sink).num_rows))

    for number in range(num_shards):
        shard = _Shard(number)
        end = f"shard-{number:05d}-of-{num_shards:05d}.parquet"
        counts.append(_write_packed(shard, end, new, label))
        documents = shard.documents()
        keys.append(document_keys(documents, number))
        with new(f"documents/{end}") as sink:
            write_documents(sink, [documents], label)
        with new(f"attribution/{end}") as sink, attribution_writer(sink, attribution_schema(label)) as writer:
            writer.write_table(_attribution(documents))
        with new(f"texts/{end}") as sink, texts_writer(sink, texts_schema(label), "parquet") as write:
            write(_texts(shard, documents))
        table, bands = index_tables(shard.sketches())
        for path, part, schema in (("index", table, INDEX), ("bands", sorted_bands(bands), BAND_ROWS)):
            with new(f"{path}/{end}") as sink:
                write_index(sink, [part], with_release(schema, label))
    _write_lookup(sorted_keys(pa.concat_tables(keys)), num_shards, new, label)
    storage.write("tokenizer/tokenizer.json", b"{}")
    files.append(ReleaseFile.of("tokenizer/tokenizer.json", b"{}"))
    return _finish(storage, files, counts, name)


def _write_packed(shard: _Shard, end: str, new: Any, label: str) -> PackedCounts:
    source = PackedSource(KINDS, [0], lambda _n, kind: shard.packed(kind), lambda _n, kind: shard.packed_tokens(kind))
    choice = PackingChoice("best_fit", [LENGTH], 1, 2, label, "0" * 64)
    folders = {"shard": "data", "positions": "positions"}
    return PackedSet(source, choice, lambda table: new(f"{folders[table]}/{end}"), lambda: None).write()


def _attribution(documents: pa.Table) -> pa.Table:
    columns = {name: documents.column(name) for name in ATTRIBUTION.names if name in documents.column_names}
    nothing: list[list[object]] = [[] for _ in range(documents.num_rows)]
    columns |= {"licence_declared": documents.column("licence"), "evidence": nothing, "copyright": nothing}
    return pa.table([columns[name] for name in ATTRIBUTION.names], schema=ATTRIBUTION)


def _texts(shard: _Shard, documents: pa.Table) -> pa.Table:
    texts = {identity.hex(): shard.text(place) for place, identity in enumerate(shard.ids)}
    schema = released_texts(rewritten=False)
    columns = {name: documents.column(name) for name in schema.names if name in documents.column_names}
    columns |= {"text": [texts[name] for name in documents.column("doc_id").to_pylist()]}
    columns |= {"repo": documents.column("repository")}
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _write_lookup(keys: pa.Table, num_shards: int, new: Any, label: str) -> None:
    blocks = block_of_hash(keys.column("key_high").to_numpy(), num_shards)
    for number in range(num_shards):
        with new(f"lookup/shard-{number:05d}-of-{num_shards:05d}.parquet") as sink:
            write_lookup(sink, [keys.filter(pa.array(blocks == number))], label)


def _finish(storage: Storage, files: list[ReleaseFile], counts: list[PackedCounts], name: str) -> Manifest:
    classes: dict[str, list[int]] = {kind: [0, 0, 0] for kind in KINDS}
    ledger = Ledger()
    for number in range(len(counts)):
        for row in _Shard(number).documents().to_pylist():
            for place, amount in enumerate((1, row["num_bytes"], row["tokens"])):
                classes[row["kind"]][place] += amount
            ledger.keep(row["num_bytes"])
    reached = {kind: tokens for kind, (_, _, tokens) in classes.items()}
    domains = [
        ReleaseDomain(
            kind=kind, name="", published=None, share=1.0, epochs=1.0, estimated_tokens=tokens,
            selected_tokens=tokens, target_tokens=tokens, reached_tokens=tokens,
        )
        for kind, tokens in reached.items()
    ]  # fmt: skip
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=name,
        version="0.1.0",
        recipe=_RECIPE,
        software=software_versions(),
        written_by=software_versions()["corpusmill"],
        sources=[],
        earlier=[],
        tokenizer=ReleaseTokenizer("0" * 64, 100, "<end>", 2, None, None, [2], {}),
        ledgers=dict.fromkeys(CHAIN, ledger.to_json()),
        failed_units=[],
        text_forms={},
        encodings={},
        benchmarks=[],
        redactions={},
        redacted_documents={},
        mixture=ReleaseMixture({"code": 0.7, "text": 0.3}, reached, reached, reached, reached, domains),
        packing=release_packing("best_fit", counts),
        documents=[
            DocumentClass(kind, "made", "", "Python" if kind == "code" else "", "MIT", *sums)
            for kind, sums in classes.items()
        ],
        licence_words={"MIT": "permissive"},
        licence_counts={"texts": 0, "undecided_texts": 0, "copies_elsewhere": 0},
        duplicate_counts={"repository_copies": 0, "unresolved": 0},
        held_out=0,
        not_known={name: {kind: sums[0] * (name != "licence") for kind, sums in classes.items()} for name in NOT_KNOWN},
        files=[],
    )
    made = pages(manifest.with_files(files))
    for path, data in made.items():
        storage.write(path, data)
        files.append(ReleaseFile.of(path, data))
    final = manifest.with_files(files)
    final.check_accounts()
    storage.write(MANIFEST, final.to_bytes())
    return final
