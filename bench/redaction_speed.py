"""`make bench-redaction`: MB of text per CPU second of redaction, beside datatrove's PII formatter and detect-secrets.

All read documents of the sample shards from memory, in a forked child each, after a warm-up; ours is the stage as the
mill runs it, replacement and second look included. The peers take minutes, so each gets a part: every so-many-th
document. detect-secrets is its scanner of a file with its default plugins. Then each kind alone: what it costs where
nothing else is looked for, the scan included; those figures do not add up.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from child import cpu_seconds
from inputs import find_inputs, write_recipe

from filters.redaction_policy import KINDS, RedactionPolicy, only
from filters.text_syntax import syntax_of
from manifests.document import Document
from pipeline.recipe_file import load_recipe
from pipeline.shards import shard_source
from stages.readers import read_documents
from stages.redaction import redact

_DATATROVE_BYTES, _DETECT_SECRETS_BYTES = 10_000_000, 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs; the median counts")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-redaction.json"), help="where the figures go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as folder:
        documents = _documents(Path(folder))
    repeat = arguments.repeat
    figures: dict[str, float] = {}
    for name in ("code", "text"):
        those = [document for document in documents if document.kind == name]
        figures[f"redaction of {name}, MB/CPU s"] = _speed(_redacted(RedactionPolicy()), those, repeat)
    figures["redaction of all, MB/CPU s"] = _speed(_redacted(RedactionPolicy()), documents, repeat)
    figures["datatrove's PII formatter, MB/CPU s"] = _speed(_datatrove(), _part(documents, _DATATROVE_BYTES), 1)
    part = _part(documents, _DETECT_SECRETS_BYTES)
    figures["detect-secrets' scanner, MB/CPU s"] = _speed(_detect_secrets(), part, 1)
    for kind in KINDS:
        figures[f"{kind} alone, MB/CPU s"] = _speed(_redacted(only(kind)), documents, 1)
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print(f"{name:<46}{value:>10,.2f}")


def _documents(folder: Path) -> list[Document]:
    recipe = load_recipe(write_recipe(find_inputs(folder), folder))
    documents: list[Document] = []
    for source in recipe.sources:
        layout = shard_source(source)
        for path in source.paths:
            with Path(path).open("rb") as file:
                rows = read_documents(file, shard=Path(path).name, source=layout)
                documents.extend(row for row in rows if isinstance(row, Document))
    return documents


def _redacted(policy: RedactionPolicy) -> Callable[[Document], object]:
    return lambda document: redact(
        document.text,
        policy=policy,
        document_id=document.id,
        syntax=syntax_of(document.kind, document.language),
    )


def _datatrove() -> Callable[[Document], object]:
    from datatrove.pipeline.formatters import PIIFormatter

    formatter = PIIFormatter()
    return lambda document: formatter.format(document.text)


def _detect_secrets() -> Callable[[Document], object]:
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    def scan(document: Document) -> int:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file, default_settings():
            file.write(document.text)
            file.flush()
            secrets = SecretsCollection()
            secrets.scan_file(file.name)
            return len(secrets.data)

    return scan


def _part(documents: list[Document], num_bytes: int) -> list[Document]:
    return documents[:: max(1, sum(map(_size, documents)) // num_bytes)]


def _speed(function: Callable[[Document], object], documents: list[Document], repeat: int) -> float:
    seconds = [cpu_seconds(function, documents, copy=lambda document: document) for _ in range(repeat)]
    return sum(map(_size, documents)) / 1e6 / statistics.median(seconds)


def _size(document: Document) -> int:
    return len(document.text.encode())


if __name__ == "__main__":
    main()
