"""`python bench/memory.py`: private memory (USS) of the units of a run at 1x and at 8x the input.

The copies share no word 5-gram, so that nothing is a duplicate of another copy. Needs about 5 GB of disk.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from inputs import find_inputs, multiplied, write_recipe

from pipeline.passes import STEPS
from pipeline.runner import reopen_mill


def main() -> None:
    """Run both sizes and print the largest private memory of a unit, step by step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=8)
    arguments = parser.parse_args()
    peaks = [_peaks(1), _peaks(arguments.times)]
    print(f"{'step':<12}{'1x, MB':>12}{f'{arguments.times}x, MB':>12}{'ratio':>8}")
    for step in [*(step.name for step in STEPS), "largest"]:
        small, large = (peak[step] / 1e6 for peak in peaks)
        print(f"{step:<12}{small:>12,.1f}{large:>12,.1f}{large / small if small else 0:>8.2f}")


def _peaks(times: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="corpusmill-memory-") as name:
        folder = Path(name)
        inputs = multiplied(find_inputs(folder), times, folder / "shards-copied")
        recipe = write_recipe(inputs, folder)
        command = [str(Path(sys.executable).with_name("corpusmill")), "run", str(recipe), "--workers", "2"]
        subprocess.run(command, check=True)
        mill = reopen_mill(str(folder / "work"))
        peaks = {
            step.name: max(record.measured["peak_private_bytes"] for record in mill.records(step) if record)
            for step in STEPS
        }
    return peaks | {"largest": max(peaks.values())}


if __name__ == "__main__":
    main()
