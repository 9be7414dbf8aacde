"""`make bench-optout`: does a removal read and write only the shards that it concerns, however many there are?

A release of 1,000 tiny shards that the real writers made (see `tests/support/synthetic_release.py`), and a registry of
1,000 requests of which some name a repository or a file of 30 of them. Wanted: of every folder with a file for each
shard 30 are written; `bands/` is looked at whole, for a copy may lie anywhere, and `lookup/` where the keys lie. Prints
files and seconds, and writes them as JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

from synthetic_release import repository_of, write_release

from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.removing import apply_opt_outs


def main() -> None:
    """Make the release, take the documents out, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concerned", type=int, default=30, help="shards that requests concern")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-optout-apply.json"), help="where figures go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="corpusmill-removal-") as name:
        figures = _run(Path(name), arguments)
    for what, value in figures.items():
        print(f"{what}: {value}")
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def _run(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    release = folder / "many-0.1.0"
    parent = write_release(release, arguments.shards)
    registry = Registry(str(folder / "registry"))
    registry.append(_requests(arguments))
    started, cpu = time.perf_counter(), time.process_time()
    done = apply_opt_outs(registry, str(release))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    made = Manifest.read(Storage(done.folder))
    before = {file.path: file.sha256 for file in parent.files}
    changed = sum(before.get(file.path) != file.sha256 for file in made.files)
    return {
        "shards": arguments.shards,
        "requests": arguments.requests,
        "files": len(parent.files),
        "documents_removed": made.removals.documents,
        "shards_written": done.shards,
        "read": dict(sorted(done.opened.items())),
        "written": done.written,
        "changed_files": changed,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
    }


def _requests(arguments: argparse.Namespace) -> list[Request]:
    """Half of those that find something name a repository, half a file; all others name what is not there."""
    step = arguments.shards // arguments.concerned
    made = []
    for number in range(arguments.requests):
        shard = number * step
        if number >= arguments.concerned:
            by, value = ("repository", f"nobody/nothing{number}") if number % 2 else ("sha256", f"{number:064x}")
        elif number % 2:
            by, value = "repository", repository_of(shard)
        else:
            by, value = "path", f"{repository_of(shard)}:src/file1.py"
        made.append(Request(f"T-{number}", "2026-03-04", by, value, "the owner asked"))  # type: ignore[arg-type]
    return made


if __name__ == "__main__":
    main()
