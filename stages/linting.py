"""Linting: findings in code by rule, by ruff for Python and by `filters.lint_rules` for other languages.

ruff is a program: it runs once for all Python texts of a call, which it is shown as files in memory, so nothing of a
text ever lies on a disk. No text can configure it: there is no folder in which a configuration could lie, and `noqa`
and its other comments are ignored. It has limits on memory and CPU time; where it ends without an answer, every text is
tried again alone, and what ruff cannot answer for alone has the finding `UNKNOWN`.

The rules are chosen for what is wrong or likely to be: what fails when it runs, what hides errors, what is unsafe, what
is left over. Layout, names, documentation, types and matters of taste are not among them, nor marks such as TODO.

Cost: 5 ms a call of ruff's, and about half a millisecond a file; the other rules run in this process (see there).
"""

import os
import re
import resource
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from hashlib import sha256
from importlib.metadata import version

import msgspec

from filters.lint_rules import lint_findings, lint_rules_digest
from manifests.errors import RecipeError

UNKNOWN = "unknown"
"""The finding of a text that the linter cannot answer for: one for the text, of no weight beside others."""
SYNTAX = "invalid-syntax"
"""ruff's findings where Python cannot read a text; it looks for nothing else then."""

# By ruff's names. A whole group is named where it is about defects, single rules where it is about taste as well.
SELECTED = (
    "ASYNC1 ASYNC2 B002 B003 B004 B005 B006 B007 B011 B012 B013 B014 B015 B016 B017 B018 B019 B020 B021 B022 B023 "
    "B025 B026 B029 B030 B031 B032 B033 B035 B039 BLE001 C901 DTZ003 DTZ004 E711 E712 E713 E714 E721 E722 ERA001 F "
    "G010 LOG001 LOG002 LOG007 LOG009 NPY001 NPY003 NPY201 PGH005 PIE794 PIE796 PLE PLR0124 PLR0133 PLR0206 PLR1704 "
    "PLR1711 PLW0120 PLW0127 PLW0129 PLW0131 PLW0133 PLW0177 PLW0211 PLW0245 PLW0406 PLW0602 PLW0603 PLW0604 PLW0711 "
    "PLW1501 PLW1508 PLW1509 PLW2101 RUF006 RUF016 RUF017 RUF018 RUF024 RUF026 RUF030 RUF034 RUF040 S102 S103 S110 "
    "S112 S113 S201 S202 S306 S307 S324 S501 S502 S503 S506 S507 S602 S604 S605 S608 SIM115 SIM220 SIM221 SIM222 "
    "SIM223 T100 TRY203 W605 YTT"
)
# What a star import may define is not known: F403 says so once, F405 at every name.
IGNORED = "F405"
TARGET = "py313"  # the newest Python that corpusmill runs on: the oldest syntax errors are those of Python 2
MAXIMUM_COMPLEXITY = 20

_OPTIONS = (
    "check", "--isolated", "--no-cache", "--ignore-noqa", "--quiet", "--output-format", "json", "--no-preview",
    "--target-version", TARGET, "--select", SELECTED.replace(" ", ","), "--ignore", IGNORED,
    "--config", f"lint.mccabe.max-complexity={MAXIMUM_COMPLEXITY}",
)  # fmt: skip
_BATCH_FILES = 100  # open at a time: a process may have 256 on some machines, on most 1024
_BATCH_BYTES = 4 * 1024 * 1024
_MEMORY_KILOBYTES = 2_000_000  # address space; a batch of real files: 0.3 GB
_STACK_BYTES = 16 * 1024 * 1024  # the same everywhere, so that the same texts are too deep
_CPU_SECONDS = 60  # a batch of real files: below 1
_OUTPUT_BYTES = 256 * 1024 * 1024
_WALL_SECONDS = 600
_START = 'ulimit -c 0 && ulimit -v "$0" && ulimit -t "$1" && ulimit -f "$2" && shift 2 && exec "$@"'
# A file that defines nothing, such as a package's own, imports what others are to find in it.
_DEFINES = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]", re.MULTILINE)
_UNUSED_IMPORT = "F401"


class _Finding(msgspec.Struct):
    """What is read of one finding of ruff's."""

    filename: str
    code: str | None


class Linter:
    """Both linters; holds no state but where ruff is.

    Attributes:
        version: of all that decides what is found.
    """

    def __init__(self) -> None:
        """Find ruff.

        Raises:
            RecipeError: it is not installed.
        """
        self._program = _ruff()
        chosen = sha256(" ".join([SELECTED, IGNORED, TARGET, str(MAXIMUM_COMPLEXITY)]).encode()).hexdigest()
        self.version = f"ruff {version('ruff')}, selection {chosen[:8]}, rules {lint_rules_digest()[:8]}"

    def findings(self, texts: Sequence[tuple[str, str]]) -> list[Counter[str]]:
        """Findings by rule for every (language, text), in their order.

        Texts that are not Python are parsed in this process: the caller runs hostile ones in a child.

        Returns:
            An empty one for a language without rules; `UNKNOWN` alone for Python that ruff cannot answer for.
        """
        python = iter(self.python_findings([text for language, text in texts if language == "Python"]))
        return [next(python) if language == "Python" else lint_findings(text, language) for language, text in texts]

    def python_findings(self, texts: Sequence[str]) -> list[Counter[str]]:
        """The same for Python alone, which needs no child: ruff is one."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        found = [one for batch in _batches(encoded) for one in self._batch(batch)]
        for text, one in zip(texts, found, strict=True):
            if one[_UNUSED_IMPORT] and not _DEFINES.search(text):
                del one[_UNUSED_IMPORT]
        return found

    def _batch(self, texts: Sequence[bytes]) -> list[Counter[str]]:
        found = self._run(texts)
        if found is not None:
            return found
        if len(texts) == 1:
            return [Counter({UNKNOWN: 1})]
        return [one for text in texts for one in self._batch([text])]

    def _run(self, texts: Sequence[bytes]) -> list[Counter[str]] | None:
        """One call of ruff; None where it ended without an answer."""
        with ExitStack() as stack:
            files = [_in_memory(stack, text) for text in texts]
            output = _in_memory(stack, b"")
            names = [f"/proc/self/fd/{file}" for file in files]
            try:
                done = subprocess.run(  # noqa: S603 - the program is ours, the names are numbers
                    [*_limits(), self._program, *_OPTIONS, *names],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.DEVNULL,
                    pass_fds=files,
                    env={"RAYON_NUM_THREADS": "1", "RUST_MIN_STACK": str(_STACK_BYTES)},
                    timeout=_WALL_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return None
            if done.returncode not in (0, 1):  # 1: there are findings
                return None
            return _counted(os.pread(output, _OUTPUT_BYTES, 0), names)


def _ruff() -> str:
    try:
        from ruff import find_ruff_bin

        return str(find_ruff_bin())
    except FileNotFoundError as error:
        found = str(error).splitlines()[0]
    except ImportError as error:
        found = str(error)
    raise RecipeError(
        f"rewriting: expected the linter ruff beside Python's own programs: {found}",
        hint="install corpusmill's dependencies anew: `pip install ruff`",
    )


def _batches(texts: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == _BATCH_FILES or size + len(text) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _in_memory(stack: ExitStack, content: bytes) -> int:
    """A file that lies in memory alone and goes when it is closed."""
    file = os.memfd_create("text")
    stack.callback(os.close, file)
    written = 0
    while written < len(content):
        written += os.write(file, memoryview(content)[written:])
    return file


def _limits() -> list[str]:
    """A shell that limits itself and becomes the program; no limit is above what this process itself has."""
    memory = _lower(_MEMORY_KILOBYTES, resource.RLIMIT_AS, 1024)
    seconds = _lower(_CPU_SECONDS, resource.RLIMIT_CPU, 1)
    return ["/bin/sh", "-c", _START, str(memory), str(seconds), str(_OUTPUT_BYTES // 512)]


def _lower(limit: int, kind: int, unit: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard // unit)


def _counted(output: bytes, names: Sequence[str]) -> list[Counter[str]] | None:
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    try:
        for finding in msgspec.json.decode(output, type=list[_Finding]):
            found[finding.filename][finding.code or SYNTAX] += 1
    except (msgspec.MsgspecError, KeyError):
        return None
    return list(found.values())
