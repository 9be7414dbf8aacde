"""Verify: recompute all that a release says of itself, from its folder alone, and name every falsehood.

The manifest is held against itself (digest, accounts, sums), every file against the manifest, the rows of the shards
against the promises of the card, and the card against the manifest. A shard whose bytes are not those listed is not
looked into: that it is another file says it all.

Cost: 35-40 M tokens per CPU second, of which Parquet's decoding alone takes 50; memory as in `pipeline.verify_shards`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from manifests.errors import CorpusmillError, IntegrityError, RecipeError
from manifests.ledger import Ledger
from manifests.release import CHAIN, MANIFEST, SCHEMA_VERSION, Manifest, ReleaseFile
from manifests.storage import Storage, file_sha256
from pipeline.findings import Findings
from pipeline.release_texts import card, summary
from pipeline.verify_rows import KINDS
from pipeline.verify_shards import ShardCheck, Totals
from stages.exchange import sortable
from stages.tokenizing import TextTokenizer

_TOKENIZER = "tokenizer/tokenizer.json"
_TEXTS = {"SUMMARY.md": summary, "README.md": card}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and found true."""

    folder: str
    files: int
    num_bytes: int
    shards: int
    sequences: int
    tokens: int
    documents: int

    def __str__(self) -> str:
        return (
            f"{self.folder} is what its manifest says: {self.files} files, {self.num_bytes / 1e6:,.1f} MB; "
            f"{self.shards} shards of {self.sequences:,} sequences; "
            f"{self.tokens:,} tokens of {self.documents:,} documents"
        )


def verify_release(folder: str, *, progress: Callable[[int], None] = lambda _num_bytes: None) -> VerifyReport:
    """Check a release.

    Args:
        progress: told of bytes dealt with since the last call; of a sound release, in all the sizes of its files.

    Raises:
        RecipeError: there is no such folder.
        IntegrityError: something is not as the manifest says; names up to 20 findings.
    """
    if not Path(folder).is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0")
    release = Storage(folder)
    manifest = Manifest.read(release)
    findings = Findings(release.root)
    _check_manifest(release, manifest, findings)
    sound = _sound_files(release, manifest, findings)
    _check_texts(release, manifest, findings)
    shards = [file for file in sound if file.path in _shard_names(manifest)]
    for file in sound:
        if file not in shards:
            progress(file.num_bytes)
    if not _tokenizer_proven(release, manifest, findings):
        findings.check()  # ids mean nothing without the tokenizer that made them
    check = ShardCheck(manifest, findings, progress)
    for file in shards:
        check.check(release, file)
    if check.totals.complete and len(shards) == len(_shard_names(manifest)):
        _check_totals(manifest, check.totals, findings)
    findings.check()
    return VerifyReport(
        folder=release.root,
        files=len(sound) + 1,
        num_bytes=sum(file.num_bytes for file in sound),
        shards=len(shards),
        sequences=sum(check.totals.sequences.values()),
        tokens=sum(check.totals.tokens.values()),
        documents=sum(check.totals.documents.values()),
    )


def _check_manifest(release: Storage, manifest: Manifest, findings: Findings) -> None:
    """Whether the manifest agrees with itself."""

    def expect(what: str, expected: object, got: object) -> None:
        if got != expected:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got}")

    expect("schema_version", SCHEMA_VERSION, manifest.schema_version)
    expect("its bytes", "nothing beside the digest and what it covers", _beside(release, manifest))
    try:
        manifest.check_accounts()
        kept = Ledger.from_json(manifest.ledgers[CHAIN[-1]]).kept.num_bytes
        expect("documents: num_bytes of all classes", kept, sum(row.num_bytes for row in manifest.documents))
    except IntegrityError as error:
        findings.add(error.message)
    mixture, packing = manifest.mixture, manifest.packing
    for name, by_kind in (
        ("mixture.shares", mixture.shares),
        ("mixture.available_tokens", mixture.available_tokens),
        ("mixture.target_tokens", mixture.target_tokens),
        ("mixture.reached_tokens", mixture.reached_tokens),
        ("packing.sequences", packing.sequences),
    ):
        expect(f"{name}: kinds", sorted(KINDS), sorted(by_kind))
    expect("mixture.reached_tokens", manifest.tokens_by_kind(), mixture.reached_tokens)
    listed = [file.path for file in manifest.files]
    expect("files", sorted([*_shard_names(manifest), *_TEXTS, _TOKENIZER]), listed)
