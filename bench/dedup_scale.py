"""`make bench-dedup-scale`: does deduplication grow with the number of documents, and does its memory stay bounded?

`corpusmill run --until decide` with one worker over synthetic documents (see `synthetic_rows`), at a quarter of the
size and at the full size: CPU seconds of every step, what was rejected for which reason, and the largest private memory
of a unit. Wanted: at most 5 times the CPU for 4 times the documents, at most 1.5 GB for any unit. A million documents
are 0.9 GB of text and need about 3 GB of disk.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from jobs import decide, decided, write_dedup_recipe
from synthetic_rows import write_rows

_MAXIMUM_RATIO = 5
_MAXIMUM_PRIVATE_BYTES = 1.5e9


def main() -> None:
    """Run both sizes and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000, help="documents of the larger run")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-dedup-scale.json"), help="where figures go")
    arguments = parser.parse_args()
    small, large = (_run(number) for number in (arguments.documents // 4, arguments.documents))
    ratio = sum(large["cpu_seconds"].values()) / sum(small["cpu_seconds"].values())
    largest = max(*small["private_bytes"].values(), *large["private_bytes"].values())
    _print(small, large)
    print(f"\nCPU of all units, ratio: {ratio:.2f} ({_verdict(ratio, _MAXIMUM_RATIO)} {_MAXIMUM_RATIO})")
    print(
        f"largest private memory of a unit: {largest / 1e6:,.0f} MB ({_verdict(largest, _MAXIMUM_PRIVATE_BYTES)} 1,500)"
    )
    figures = {"ratio": ratio, "largest_private_bytes": largest, "runs": [small, large]}
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def _run(num_documents: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="corpusmill-scale-") as name:
        folder = Path(name)
        started = time.process_time()
        shards = write_rows(num_documents, folder / "rows")
        print(f"{num_documents:,} documents written in {time.process_time() - started:.1f} CPU s", flush=True)
        # As text, much of the time would go into guessing the natural language of made-up words.
        job = decide(write_dedup_recipe(shards, folder, kind="code"), folder / "work")
        found = decided(folder / "work")
    return {
        "documents": found.read[0],
        "text_bytes": found.read[1],
        "cpu_seconds": found.cpu_seconds,
        "cpu_seconds_of_everything": job.cpu_seconds,
        "kept": found.kept,
        "rejected": found.rejected,
        "unresolved": found.unresolved,
        "private_bytes": found.private_bytes,
        "peak_bytes_of_the_tree": job.peak_bytes,
    }


def _verdict(value: float, maximum: float) -> str:
    return "reached: at most" if value <= maximum else "NOT REACHED: at most"


def _print(small: dict[str, Any], large: dict[str, Any]) -> None:
    def line(name: str, one: float, other: float, digits: int = 0) -> None:
        ratio = f"{other / one:.2f}" if one else ""
        print(f"{name:<44}{one:>14,.{digits}f}{other:>14,.{digits}f}{ratio:>8}")

    print(f"\n{'':<44}{'quarter':>14}{'full':>14}{'ratio':>8}")
    line("documents", small["documents"], large["documents"])
    line("text, MB", small["text_bytes"] / 1e6, large["text_bytes"] / 1e6, 1)
    for step, seconds in large["cpu_seconds"].items():
        line(f"{step}, CPU s", small["cpu_seconds"][step], seconds, 2)
    line("all units, CPU s", *(sum(run["cpu_seconds"].values()) for run in (small, large)), 2)
    line("everything started, CPU s", *(run["cpu_seconds_of_everything"] for run in (small, large)), 2)
    for step in large["private_bytes"]:
        line(f"{step}, MB of a unit", *(run["private_bytes"][step] / 1e6 for run in (small, large)), 1)
    line("peak memory of the tree (PSS), MB", *(run["peak_bytes_of_the_tree"] / 1e6 for run in (small, large)), 1)
    for reason in sorted({*small["rejected"], *large["rejected"]}):
        line(f"rejected: {reason}", *(run["rejected"].get(reason, 0) for run in (small, large)))
    line("kept", small["kept"], large["kept"])
    line("unresolved", small["unresolved"], large["unresolved"])


if __name__ == "__main__":
    main()
