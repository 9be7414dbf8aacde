"""The page on gates is held against the program: every gate is explained, and the figures are those that come out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from filters.rewrite_gates import GATES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rewriting-gates.md").read_text(encoding="utf-8")


def test_the_gates_stand_in_their_order() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == GATES


@pytest.mark.real
def test_the_figures_come_out_again() -> None:
    shared = Path(os.environ.get("CORPUSMILL_SHARED", ROOT.parent / "shared"))
    if not (shared / "data" / "stack_v2").exists():
        pytest.skip(f"shared data absent: {shared / 'data' / 'stack_v2'}")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "bench/eval_rewriting.py", "--check"],
        cwd=ROOT,
        env=os.environ | {"CORPUSMILL_SHARED": str(shared.resolve())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
