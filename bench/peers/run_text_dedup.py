"""text-dedup's whole job: its MinHash command with 5-grams, 14 bands of 8 rows, its default hash, two processes.

The command itself is called, in this process, so that its libraries are loaded once. It writes Arrow files.
"""

import json
import sys
from pathlib import Path

import datasets
from text_dedup import minhash


def main(files: list[str], folder: str) -> None:
    """Print how many rows were read and kept."""
    output = f"{folder}/kept"
    options = {
        "path": "json",
        "data_files": str(Path(files[0]).parent / "*.jsonl.zst"),
        "split": "train",
        "cache_dir": f"{folder}/cache",
        "output": output,
        "column": "text",
        "ngram": 5,
        "num_perm": 112,
        "b": 14,
        "r": 8,
        "num_proc": 2,
    }
    seen: list[int] = []
    load = minhash.load_hf_dataset

    def counted(**arguments: object) -> object:
        loaded = load(**arguments)
        seen.append(len(loaded[0]))
        return loaded

    minhash.load_hf_dataset = counted  # it tells nobody how many rows there were before it drops short texts
    minhash.main([f"--{name}={value}" for name, value in options.items()], standalone_mode=False)
    print(json.dumps({"read": seen[0], "kept": len(datasets.load_from_disk(output))}))


if __name__ == "__main__":
    main(sys.argv[2:], sys.argv[1])
