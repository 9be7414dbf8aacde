"""The tutorial, as written: its files are put where it says, its commands run, and what it shows is what comes out.

Not run are the installation and `corpusmill bpb`, which need a network, or torch and a model.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial.md"
FOUND = "corpusmill optout check registry releases/my-corpus-0.2.0 --work work"  # ends with 1, as the page says
NOT_RUN = ("make ", "export ", "corpusmill --help", "corpusmill bpb ")

pytestmark = pytest.mark.servers


class Block(NamedTuple):
    """A fenced block; `file` is where the sentence before it says that it goes."""

    line: int
    language: str
    text: str
    file: str


def _blocks() -> Iterator[Block]:
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = text[: found.start()].rstrip()
        named = re.search(r"[Pp]ut this into `([\w.]+)`:$", before)
        yield Block(text.count("\n", 0, found.start()) + 1, found[1], found[2], named[1] if named else "")


def _run(command: list[str], folder: Path, source: str = "") -> str:
    environment = os.environ | {
        "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": str(folder.parent / "hub"),
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{source or command}\n{done.stdout}"
    return done.stdout


def _pattern(line: str) -> re.Pattern[str]:
    """What a shown line matches: `...` in it is anything."""
    return re.compile(".*".join(map(re.escape, line.rstrip().split("..."))))


def _missing(shown: str, output: str) -> str | None:
    """The first shown line that the output does not have where it should; a line `...` stands for any lines."""
    found = [line.rstrip() for line in output.splitlines()]
    at, anywhere = 0, True  # a block may leave out how the output begins
    for line in shown.splitlines():
        if line.strip() == "...":
            anywhere = True
            continue
        pattern = _pattern(line)
        places = range(at, len(found)) if anywhere else range(at, min(at + 1, len(found)))
        place = next((n for n in places if pattern.fullmatch(found[n])), None)
        if place is None:
            return line
        at, anywhere = place + 1, False
    return None


def test_the_tutorial_works_as_written(tmp_path: Path) -> None:
    folder, programs = tmp_path / "corpus", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for name, arguments in (("corpusmill", '-c "from pipeline.cli import main; main()" '), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n')
        program.chmod(0o755)
    output, ran = "", 0
    for block in _blocks():
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.language == "python":
            output = _run([sys.executable, "-"], folder, block.text)
        elif block.language == "console":
            commands = [line.removeprefix("$ ") for line in block.text.splitlines()]
            commands = [line for line in commands if not line.startswith(NOT_RUN)]
            script = "\n".join(f"{line} || test $? = 1" if line == FOUND else line for line in commands)
            output = _run(["bash", "-e"], folder, script)
            ran += len(commands)
        elif block.language == "text":
            lost = _missing(block.text, output)
            assert lost is None, f"docs/tutorial.md, below line {block.line}: not in the output: {lost}\n{output}"
    assert ran > 30
