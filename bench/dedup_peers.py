"""`make bench-dedup`: one whole near-deduplication over the same documents, by corpusmill and by its peers.

Every job is run once, as its users run it, in an environment of its own: text in, kept rows out. CPU seconds are those
of every process a job starts, start-up included; memory is the peak of the whole tree (PSS). MB = 10^6 bytes of UTF-8
text. corpusmill also reads licences in headers and compares every pair it removes exactly; it keeps decisions and not
rows, so a plain copy of the kept rows (zstd level 3, as rensa's job) is measured and added: `clean` would do more than
the peers do. `units` leaves start-up out, which is the same for any amount of text.

corpusmill's ingest measures a document for all that comes later, languages and licences among it. What its duplicates
alone take is told by a run without near duplicates: "near duplicates alone" is reading the shards, what the units take
more than in that run, and the copy of the kept rows. That is what the peers do, and verification.

Then signatures alone, without reading, the median of three passes: content hash, shingles, 256 permutations and band
keys, beside rensa and datasketch. Input: the sample shards where CORPUSMILL_SHARED (default ../shared) has them, else
the demo's.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

import msgspec
import zstandard
from child import cpu_seconds, in_child
from inputs import find_inputs
from jobs import Decided, decide, decided, run_job, write_dedup_recipe
from peer_environments import peer_environment, peer_python

from pipeline.recipe_file import load_recipe
from pipeline.shards import shard_source
from stages.readers import read_documents
from stages.shingles import content_hash_utf8, shingle_hashes_utf8
from stages.signatures import band_keys, permutations, signature

PEERS = ("datatrove", "text-dedup", "rensa")
_NUM_SHARDS = 8
_SIGNED_BYTES = 20_000_000

Figures = dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample-mb", type=float, help="MB of text to take, evenly from all shards; default: all")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS, help="peers to run; default: all")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-dedup.json"), help="where the figures go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as name:
        folder = Path(name)
        texts = _sampled(list(_texts(folder)), arguments.sample_mb)
        total = sum(map(_size, texts))
        shards = _write_shards(texts, folder / "rows")
        print(f"{len(texts):,} documents, {total / 1e6:,.1f} MB of text")
        jobs = _corpusmill(shards, folder)
        for peer in arguments.peers:
            jobs[peer] = _peer(peer, shards, folder)
        signatures = _signatures(texts, folder)
    for figures in jobs.values():
        figures["mb_per_cpu_second"] = total / 1e6 / figures["cpu_seconds"]
    _print(jobs, signatures)
    everything = {"documents": len(texts), "text_mb": total / 1e6, "jobs": jobs, "signatures_mb_per_cpu_s": signatures}
    arguments.json.write_text(json.dumps(everything, indent=1) + "\n")


def _texts(folder: Path) -> Iterator[str]:
    inputs = find_inputs(folder)
    for field, shards in (("content", inputs.code), ("text", inputs.text)):
        for shard in shards:
            for line in _lines(shard):
                yield msgspec.json.decode(line)[field]


def _sampled(texts: list[str], megabytes: float | None) -> list[str]:
    share = 1.0 if megabytes is None else min(1.0, megabytes * 1e6 / sum(map(_size, texts)))
    return [text for n, text in enumerate(texts) if int((n + 1) * share) > int(n * share)]


def _size(text: str) -> int:
    return len(text.encode())


def _lines(shard: Path) -> Iterator[bytes]:
    with zstandard.open(shard, "rb") as packed:
        yield from io.BufferedReader(packed, 1 << 20)


def _write_shards(texts: list[str], folder: Path) -> list[Path]:
    """Row by row to the shards in turn, so that a peer's two processes have as much to do."""
    folder.mkdir()
    shards = [folder / f"{number:02}.jsonl.zst" for number in range(_NUM_SHARDS)]
    for first, shard in enumerate(shards):
        rows = ({"text": texts[n], "id": str(n)} for n in range(first, len(texts), _NUM_SHARDS))
        _write(shard, (msgspec.json.encode(row) + b"\n" for row in rows))
    return shards


def _write(shard: Path, lines: Iterable[bytes]) -> int:
    num_lines = 0
    with shard.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        for line in lines:
            out.write(line)
            num_lines += 1
    return num_lines


def _corpusmill(shards: list[Path], folder: Path) -> dict[str, Figures]:
    """The job with and without start-up, each with and without the copy of the kept rows."""
    decide(
        write_dedup_recipe(shards[:1], folder, kind="text"), folder / "warming"
    )  # compiles what is compiled once a machine
    job = decide(write_dedup_recipe(shards, folder, kind="text"), folder / "work")
    found = decided(folder / "work")
    copying = _copying_seconds(shards, found, folder)
    units = sum(found.cpu_seconds.values())
    licence = sum(number for reason, number in found.rejected.items() if reason.startswith("licence/"))
    facts = {
        "read": found.read[0],
        "kept": found.kept,
        "rejected_for_licence": licence,
        "peak_mb": job.peak_bytes / 1e6,
    }
    return {
        "corpusmill, kept rows written": {"cpu_seconds": job.cpu_seconds + copying} | facts,
        "corpusmill": {"cpu_seconds": job.cpu_seconds} | facts,
        "corpusmill units, kept rows written": {"cpu_seconds": units + copying} | facts,
        "corpusmill units": {"cpu_seconds": units} | facts,
        "corpusmill, near duplicates alone": {"cpu_seconds": _alone(shards, folder, units) + copying} | facts,
        **{f"of it {step}": {"cpu_seconds": seconds} for step, seconds in found.cpu_seconds.items()},
        "of it the copy of kept rows": {"cpu_seconds": copying},
    }


def _alone(shards: list[Path], folder: Path, units: float) -> float:
    """CPU seconds of reading, and of what all units take more than in a run without near duplicates."""
    recipe = write_dedup_recipe(shards, folder, kind="text")
    decide(recipe, folder / "without", "deduplication.near=null")
    [source] = load_recipe(recipe).sources

    def read() -> Iterator[float]:
        started = time.process_time()
        for shard in shards:
            with shard.open("rb") as file:
                for _ in read_documents(file, shard=shard.name, source=shard_source(source)):
                    pass
        yield time.process_time() - started

    [reading] = in_child(read)
    return reading + units - sum(decided(folder / "without").cpu_seconds.values())


def _copying_seconds(shards: list[Path], found: Decided, folder: Path) -> float:
    def measure() -> Iterator[float]:
        started = time.process_time()
        written = 0
        for shard in shards:
            gone = found.rejected_rows.get(f"rows/{shard.name}", set())
            lines = (line for row, line in enumerate(_lines(shard)) if row not in gone)
            written += _write(folder / f"kept-{shard.name}", lines)
        yield from (time.process_time() - started, written)

    seconds, written = in_child(measure)
    if written != found.kept:
        sys.exit(f"expected to copy {found.kept:,} kept rows, copied {written:,.0f}")
    return seconds


def _peer(peer: str, shards: list[Path], folder: Path) -> Figures:
    script = Path(__file__).with_name("peers") / f"run_{peer.replace('-', '_')}.py"
    output = folder / peer
    output.mkdir()
    command = [peer_python(peer), str(script), str(output), *map(str, shards)]
    job = run_job(command, env=peer_environment(folder / "caches"))
    said = json.loads(job.said.splitlines()[-1])
    return {"cpu_seconds": job.cpu_seconds, "read": said["read"], "kept": said["kept"], "peak_mb": job.peak_bytes / 1e6}


def _signatures(texts: list[str], folder: Path) -> Figures:
    """MB of text per CPU second."""
    texts = _sampled(texts, _SIGNED_BYTES / 1e6)
    a, b = permutations(256, 1)

    def sign(text: str) -> object:
        encoded = text.encode()
        hashes = shingle_hashes_utf8(encoded)
        return content_hash_utf8(encoded), band_keys(signature(hashes, a, b)) if len(hashes) else None

    seconds = median(cpu_seconds(sign, texts, copy=lambda text: text.encode().decode()) for _ in range(3))
    held = folder / "texts.json"
    held.write_bytes(msgspec.json.encode(texts))
    script = str(Path(__file__).with_name("peers") / "sign.py")
    theirs = run_job([peer_python("rensa"), script, str(held)], env=peer_environment(folder / "caches"))
    ours = {"corpusmill, 256 permutations, content hash too": sum(map(_size, texts)) / 1e6 / seconds}
    return ours | json.loads(theirs.said)


def _print(jobs: dict[str, Figures], signatures: Figures) -> None:
    names = ("corpusmill, kept rows written", "corpusmill, near duplicates alone")
    whole, alone = (jobs[name]["mb_per_cpu_second"] for name in names)
    print(
        f"\n{'job':<40}{'CPU s':>9}{'MB/CPU s':>10}{'whole is':>9}{'alone is':>9}{'read':>9}{'kept':>9}{'peak MB':>9}"
    )
    for name, figures in jobs.items():
        line = f"{name:<40}{figures['cpu_seconds']:>9.2f}"
        if "kept" in figures:
            speed = figures["mb_per_cpu_second"]
            ours = ("", "") if name.startswith("corpusmill") else (f"{whole / speed:.1f}x", f"{alone / speed:.1f}x")
            line += f"{speed:>10.2f}{ours[0]:>9}{ours[1]:>9}{figures['read']:>9,}{figures['kept']:>9,}"
            line += f"{figures['peak_mb']:>9,.0f}"
        print(line)
    print(f"\nnot kept by corpusmill for their licence: {next(iter(jobs.values()))['rejected_for_licence']:,}")
    print(f"\n{'signatures alone':<60}{'MB/CPU s':>10}")
    for name, speed in signatures.items():
        print(f"{name:<60}{speed:>10.1f}")


if __name__ == "__main__":
    main()
