"""The recipe of runs on the sample shards, which lie beside the repository or where CORPUSMILL_SHARED says."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
SHARD_FOLDERS = ("stack_v2", "prs", "pile")
NUM_CODE_SHARDS = 10
_RECIPE = """\
name: shared
version: 0.1.0
sources:
- name: stack
  format: stack-v2
  paths: [{code}]
- name: prs
  format: pull-requests
  paths: ["{data}/prs/*.jsonl.zst"]
- name: pile
  format: pile
  paths: ["{data}/pile/0*.jsonl.zst"]
  declared_licence: LicenseRef-sample
  subset_licences: {{Github: LicenseRef-sample, OpenWebText2: LicenseRef-sample}}
licences:
  allow: [permissive, LicenseRef-sample]
tokenizer: {{path: {tokenizer}}}
rendering: {{repository: {{share: 0.2}}}}
packing: {{sequence_tokens: [4096, 32768]}}
"""


def write_real_recipe(folder: Path, *, shards: str = "", more: str = "", code_shards: int = NUM_CODE_SHARDS) -> Path:
    """Write the recipe into a folder, in which the run will then work.

    Args:
        shards: where the shards are; empty: where they lie on this machine.
        more: sections to add.
        code_shards: how many shards of code are read, the first ones.

    Raises:
        pytest.skip.Exception: the sample data is not there.
    """
    data, tokenizer = SHARED / "data", SHARED / "tokenizers/qwen2_5/tokenizer.json"
    for needed in (*(data / name for name in SHARD_FOLDERS), tokenizer):
        if not needed.exists():
            pytest.skip(f"shared data absent: {needed}")
    recipe = folder / "recipe.yaml"
    where = shards or data.resolve()
    code = ", ".join(
        f'"{where}/stack_v2/part-{number:05d}-of-{NUM_CODE_SHARDS:05d}.jsonl.zst"' for number in range(code_shards)
    )
    recipe.write_text(_RECIPE.format(data=where, code=code, tokenizer=tokenizer.resolve()) + more)
    return recipe
