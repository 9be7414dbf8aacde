"""`make eval-kingfisher`: what kingfisher finds in the sample shards and in our labelled cases, and whether we find it.

Kingfisher is a scanner of secrets in Rust with rules of its own: an independent opinion. It runs in an environment of
its own, offline, without validation, over one file for each document. Each of its findings must share a byte with one
of ours, or stand in `kingfisher_known.yaml` with the reason why it is none. It fails where one does neither.

Nothing of a finding but its document's id, its rule and its line is printed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from eval_redaction import cases
from inputs import find_inputs, write_recipe
from peer_environments import peer_environment, peer_python

from filters.redaction_policy import RedactionPolicy
from manifests.document import Document
from pipeline.recipe_file import load_recipe
from pipeline.shards import shard_source
from stages.readers import read_documents
from stages.scanning import find_spans

KNOWN = Path(__file__).with_name("kingfisher_known.yaml")


class Theirs(NamedTuple):
    """One finding of kingfisher's."""

    name: str
    rule: str
    line: int
    snippet: str


def main() -> None:
    """Scan, compare, print, and leave with 1 where a finding is neither found nor explained."""
    with tempfile.TemporaryDirectory(prefix="corpusmill-kingfisher-") as name:
        folder = Path(name)
        texts = dict(_texts(folder))
        theirs = list(_scanned(texts, folder))
    known = {(row["name"], row["rule"]): row["reason"] for row in yaml.safe_load(KNOWN.read_text()) or []}
    policy = RedactionPolicy()
    also = explained = 0
    unexplained = []
    for finding in theirs:
        if _is_found(finding, texts[finding.name], policy):
            also += 1
        elif (finding.name, finding.rule) in known:
            explained += 1
        else:
            unexplained.append(finding)
    print(f"{len(texts):,} documents; kingfisher finds {len(theirs)}, of which {also} are found here, too")
    print(f"{explained} are explained in {KNOWN.name}")
    for finding in unexplained:
        print(f"neither found nor explained: {finding.name} line {finding.line} {finding.rule}")
    sys.exit(bool(unexplained))


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Documents of the sample shards by id, and labelled cases by name."""
    recipe = load_recipe(write_recipe(find_inputs(folder), folder))
    for source in recipe.sources:
        layout = shard_source(source)
        for path in source.paths:
            with Path(path).open("rb") as file:
                for row in read_documents(file, shard=Path(path).name, source=layout):
                    if isinstance(row, Document):
                        yield row.id, row.text
    for case in cases():
        yield case.name, case.example.text


def _scanned(texts: dict[str, str], folder: Path) -> Iterator[Theirs]:
    documents, report = folder / "documents", folder / "findings.json"
    documents.mkdir()
    for name, text in texts.items():
        (documents / f"{name}.txt").write_bytes(text.encode())
    kingfisher = str(Path(peer_python("kingfisher")).with_name("kingfisher"))
    command = [kingfisher, "scan", "--no-validate", "--no-update-check", "--format", "json", "--no-dedup"]
    ended = subprocess.run(
        [*command, "--output", str(report), str(documents)],
        check=False,
        capture_output=True,
        env=peer_environment(folder),
    )
    if not report.exists():
        sys.exit(f"error: kingfisher ended with {ended.returncode} and wrote nothing\nhint: {' '.join(command)} FOLDER")
    for row in json.loads(report.read_text())["findings"]:
        finding = row["finding"]
        yield Theirs(Path(finding["path"]).stem, row["rule"]["id"], finding["line"], finding["snippet"])


def _is_found(finding: Theirs, text: str, policy: RedactionPolicy) -> bool:
    """Whether a span of ours shares a byte with the finding, wherever near its line its snippet stands."""
    data, snippet = text.encode(), finding.snippet.encode()
    spans = find_spans(data, policy=policy)
    line_start = sum(len(line) for line in data.splitlines(keepends=True)[: max(0, finding.line - 1)])
    start = data.find(snippet, line_start)
    if start < 0:
        start = data.find(snippet)
    if start < 0:  # it decoded something first
        start, snippet = line_start, data[line_start:].split(b"\n", 1)[0]
    return any(span.start < start + len(snippet) and start < span.stop for span in spans)


if __name__ == "__main__":
    main()
