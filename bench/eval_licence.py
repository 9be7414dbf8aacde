"""`make eval-licence`: what the mill's cutting and detecting finds, against scancode's scan of the whole files.

500 files of the sample shards that hold a keyword, lowest in sha1 of their ids. Their scan by scancode-toolkit
(`licensedcode.detection.detect_licenses` on the file itself, its defaults) is stored as SPDX expressions in
`licence_scan.json`; `--rescan` makes it anew, in some minutes. Here each file is cut as ingest cuts it, each distinct
piece goes to the detector without the cache, and the findings of a file are joined. It fails below 98 % of equal
expressions, or where one answer is permissive and the scan's is not: that lets a file in that should stay out.

The scan is no truth: it reads a table of licence names as all those licences. It is what is known of the file where no
words are left out. docs/licences.md tells of files read by a human.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TypeVar

import zstandard
from license_expression import Licensing

from filters.licence_evidence import header_evidence
from filters.licence_rules import LicenceRules
from filters.licence_sets import licence_set
from filters.notices import Notices
from manifests.document import Document, document_id
from pipeline.licence_gathering import Gathering
from stages.licence_detection import Detection, detect, load

NUM_FILES = 500
MINIMUM_AGREEMENT = 0.98
_KEYWORD = re.compile("licen|copyright|spdx", re.IGNORECASE)
_STORED = Path(__file__).with_name("licence_scan.json")
_TEXT_SECONDS = 20.0  # so that a slow machine changes no answer
_PERMISSIVE = LicenceRules(licence_set("permissive"))

_ABOUT = {
    "found": "all that was found:",
    "header": "what counts as a file's own word, where mere names in its middle do not:",
}

A = TypeVar("A")
B = TypeVar("B")


class File(NamedTuple):
    """A file of the sample."""

    document: Document
    sha256: str


class Answer(NamedTuple):
    """What the mill says of a file: everything found, and what counts as the file's own word."""

    found: str
    header: str
    decided: bool


def main() -> None:
    """Compare, print, and leave with 1 where it is not good enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rescan", action="store_true", help="scan the whole files with scancode again, and store it")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    shards = Path(os.environ.get("CORPUSMILL_SHARED", "../shared"), "data/stack_v2")
    if not list(shards.glob("part-*.jsonl.zst")):
        sys.exit(f"error: no sample shards in {shards}\nhint: CORPUSMILL_SHARED names the folder that has them")
    files = sample(shards)
    started = time.process_time()
    load()
    print(f"index loaded in {time.process_time() - started:.1f} CPU s")
    if arguments.rescan:
        _write(files, _in_parallel(_scanned, files, arguments.workers))
    scans = _stored(files)
    answers = _answers(files, arguments.workers)
    sys.exit(_report(files, scans, answers))


def sample(shards: Path) -> list[File]:
    """The files, lowest first; rows that are one document count once."""
    found: dict[str, File] = {}
    for row in _rows(shards):
        text = row["content"]
        if _KEYWORD.search(text):
            identifier = document_id("code", f"{row['repo_name']}:{row['path']}", text)
            if identifier not in found:
                document = Document(identifier, text, "code", "code", repo=row["repo_name"], path=row["path"])
                found[identifier] = File(document, hashlib.sha256(text.encode()).hexdigest())
    order = sorted(found, key=lambda identifier: hashlib.sha1(identifier.encode(), usedforsecurity=False).hexdigest())
    return [found[identifier] for identifier in order[:NUM_FILES]]


def _rows(shards: Path) -> Iterator[dict[str, str]]:
    for path in sorted(shards.glob("part-*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from map(json.loads, file)


def _scanned(file: File) -> str:
    """Scancode's expression for a whole file."""
    from licensedcode.cache import build_spdx_license_expression
    from licensedcode.detection import detect_licenses

    with tempfile.TemporaryDirectory(prefix="corpusmill-scan-") as folder:
        path = Path(folder, f"file{Path(file.document.path).suffix}")
        path.write_bytes(file.document.text.encode())
        found = detect_licenses(index=load(), location=str(path))
        return joined(build_spdx_license_expression(item.license_expression) for item in found)


def _write(files: list[File], scans: list[str]) -> None:
    rows = [
        json.dumps({"id": file.document.id, "sha256": file.sha256, "scan": scan})
        for file, scan in zip(files, scans, strict=True)
    ]
    head = f'"scancode": {json.dumps(version("scancode-toolkit"))}'
    _STORED.write_text(f'{{\n{head},\n"files": [\n' + ",\n".join(rows) + "\n]\n}\n")


def _stored(files: list[File]) -> list[str]:
    """The stored scans, in the order of the files."""
    stored = json.loads(_STORED.read_text())
    known = {(row["id"], row["sha256"]): row["scan"] for row in stored["files"]}
    missing = sum((file.document.id, file.sha256) not in known for file in files)
    if missing or len(known) != len(files):
        sys.exit(f"error: {missing} of {len(files)} files were not scanned\nhint: bench/eval_licence.py --rescan")
    if stored["scancode"] != version("scancode-toolkit"):
        print(f"scans are of scancode {stored['scancode']}, answers of {version('scancode-toolkit')}")
    return [known[file.document.id, file.sha256] for file in files]


def _answers(files: list[File], workers: int) -> list[Answer]:
    gathering = Gathering({}, unit=0, num_slices=1)
    cut = [gathering.notices_of(file.document) for file in files]
    texts = sorted({notice.text for notices in cut for notice in notices.found})
    started = time.perf_counter()
    detections = dict(zip(texts, _in_parallel(_detected, texts, workers), strict=True))
    print(f"{len(texts)} distinct texts of {len(files)} files detected in {time.perf_counter() - started:.1f} s")
    return [_answer(file, notices, detections) for file, notices in zip(files, cut, strict=True)]


def _detected(text: str) -> Detection:
    return detect(text, seconds=_TEXT_SECONDS)


def _answer(file: File, notices: Notices, detections: dict[str, Detection]) -> Answer:
    tags = header_evidence(file.document.text)
    tagged = [tags.expression] if tags is not None else []
    pieces = [(notice, detections[notice.text]) for notice in notices.found]
    return Answer(
        joined([*tagged, *(answer.expression for _, answer in pieces)]),
        joined([*tagged, *(answer.expression if notice.at_end else answer.granted for notice, answer in pieces)]),
        notices.complete and all(answer.decided for _, answer in pieces),
    )


def _report(files: list[File], scans: list[str], answers: list[Answer]) -> int:
    """Print differences and counts; 1 where the limits are not kept."""
    together = list(zip(files, scans, answers, strict=True))
    differing = [item for item in together if item[2].found != item[1]]
    for file, scan, answer in differing:
        mark = "  PERMISSIVE HERE ALONE" if is_wrongly_permissive(answer.found, scan) else ""
        print(f"{file.document.id}  {file.document.path[-60:]}{mark}")
        print(f"  scan {scan or '-'}\n  mill {answer.found or '-'}")
    agreement = 1 - len(differing) / len(files)
    print(f"equal expressions: {len(files) - len(differing)} of {len(files)} ({agreement:.1%})")
    for what in ("found", "header"):
        said = [(getattr(answer, what), scan) for scan, answer in zip(scans, answers, strict=True)]
        print(_ABOUT[what])
        print(f"  permissive here, not in the scan: {sum(is_wrongly_permissive(*pair) for pair in said)}")
        print(f"  nothing here, not permissive in the scan: {sum(is_missed(*pair) for pair in said)}")
    print(f"given up for want of time or for too many pieces: {sum(not answer.decided for answer in answers)}")
    wrong = sum(is_wrongly_permissive(answer.found, scan) for scan, answer in zip(scans, answers, strict=True))
    failed = wrong > 0 or agreement < MINIMUM_AGREEMENT
    if failed:
        print(f"error: at least {MINIMUM_AGREEMENT:.0%} must be equal, and none permissive here alone")
    return int(failed)


def joined(expressions: Iterable[str]) -> str:
    """Expressions joined with AND in one order and simplified; empty for none."""
    text = " AND ".join(f"({expression})" for expression in sorted({item for item in expressions if item}))
    return str(Licensing().parse(text).simplify()) if text else ""


def is_wrongly_permissive(found: str, scan: str) -> bool:
    """Whether what was found may stay under `permissive`, and what the scan says may not, or it says nothing."""
    return is_permissive(found) and not is_permissive(scan)


def is_permissive(expression: str) -> bool:
    """Whether the default policy allows it; not where it names no licence."""
    return bool(_PERMISSIVE.verdict(expression).chosen)


def is_missed(found: str, scan: str) -> bool:
    """Whether the scan names a licence that may not stay, and nothing that names one was found."""
    return is_silent(found) and not is_silent(scan) and not is_permissive(scan)


def is_silent(expression: str) -> bool:
    """Whether it names no licence."""
    return not expression or _PERMISSIVE.verdict(expression).is_neutral


def _in_parallel(function: Callable[[A], B], items: list[A], workers: int) -> list[B]:
    # A forked child shares the index that its parent has loaded.
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return pool.map(function, items, chunksize=4)


if __name__ == "__main__":
    main()
