"""What people read of a release, generated from its manifest alone: SUMMARY.md and the card in README.md."""

from collections.abc import Iterable, Sequence

from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest

_PASS_OF = {
    "ingest": "1 ingest",
    "judge": "2 decide",
    "clean": "2 decide, 3 clean",
    "tokenize": "4 mix",
    "pack": "7 settle",
}
_ROWS_SHOWN = 20
_TOLERATED_SHARE = 0.0005
_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "[": "\\[", "<": "&lt;", "`": "'"})


def summary(manifest: Manifest) -> str:
    """The funnel, the reasons, the mixture and the licences, as Markdown tables."""
    parts = [
        f"# {manifest.name} {manifest.version}",
        _headline(manifest),
        *_warnings(manifest),
        *(f"**Left out:** {_cell(unit)}" for unit in manifest.failed_units),
        "## Funnel",
        _table(("step", "read", "kept", "rejected", "failed", "bytes kept"), _funnel(manifest)),
        "## Why documents were rejected",
        _table(("pass", "stage", "reason", "documents", "bytes"), _reasons(manifest)),
        "## Mixture",
        _table(("kind", "share asked for", "share reached", "tokens", "of about"), _mixture(manifest)),
        "## Licences",
        _table(("licence", "documents", "bytes", "tokens"), _by(manifest, "licence", empty="(none)")),
        "## Subsets",
        _table(("subset", "documents", "bytes", "tokens"), _by(manifest, "subset", empty="(none)")),
        "## Languages",
        _table(("language", "documents", "bytes", "tokens"), _by(manifest, "language", empty="(unknown)")),
        "## Text forms",
        _table(("what was done, or the encoding of the row", "documents"), _forms(manifest)),
        "## Redactions",
        _table(("kind/rule", "replacements"), [(rule, f"{n:,}") for rule, n in manifest.redactions.items()]),
        "## Packing",
        _packing(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def card(manifest: Manifest) -> str:
    """A short card: what this is, how to load it, what stands in a row."""
    return f"""---
pretty_name: {manifest.name}
configs:
- config_name: default
  data_files: data/*.parquet
tags:
- pretraining
- corpusmill
---

# {manifest.name} {manifest.version}

{_headline(manifest)}

Load it:

```python
from datasets import load_dataset

rows = load_dataset("parquet", data_files="data/*.parquet", split="train")
```

| column | type | meaning |
|---|---|---|
| `input_ids` | list<int32> | {manifest.packing.sequence_tokens} token ids of one kind of document |
| `seq_lengths` | list<int32> | tokens of each piece, in order; what follows their sum is padding |
| `doc_ids` | list<string> | document of each piece |
| `doc_offsets` | list<int32> | first token of each piece within its document |
| `kind` | string | `code` or `text` |

A document ends in token {manifest.tokenizer.end_of_document_id} (`{manifest.tokenizer.end_of_document}`); padding
is the same token. The tokenizer lies in `tokenizer/`, its sha256 is `{manifest.tokenizer.sha256}`.

`SUMMARY.md` says what was read, kept and rejected and why; `manifest.json` is the complete account, and
`corpusmill verify` holds the files against it.
"""


def _headline(manifest: Manifest) -> str:
    tokens = sum(manifest.mixture.reached_tokens.values())
    documents = sum(row.documents for row in manifest.documents)
    num_bytes = sum(row.num_bytes for row in manifest.documents)
    shares = " and ".join(
        f"{count / tokens:.3%} {kind}" if tokens else f"no {kind}"
        for kind, count in manifest.mixture.reached_tokens.items()
    )
    return f"{tokens:,} tokens of {documents:,} documents ({num_bytes / 1e6:,.1f} MB of text): {shares}."


def _warnings(manifest: Manifest) -> Iterable[str]:
    """What a reader must not miss: a ratio that is not the one asked for."""
    total = sum(manifest.mixture.reached_tokens.values())
    for kind, share in manifest.mixture.shares.items():
        reached = manifest.mixture.reached_tokens[kind] / total if total else 0.0
        if abs(reached - share) > _TOLERATED_SHARE:
            yield f"**Warning:** {reached:.3%} of the tokens are {kind}; {share:.3%} were asked for."


def _funnel(manifest: Manifest) -> Iterable[Sequence[str]]:
    for step in CHAIN:
        ledger = Ledger.from_json(manifest.ledgers[step])
        rejected = sum(tally.documents for tally in ledger.rejected.values())
        numbers = (
            ledger.read.documents,
            ledger.kept.documents,
            rejected,
            ledger.failed.documents,
            ledger.kept.num_bytes,
        )
        yield (step, *(f"{number:,}" for number in numbers))


def _reasons(manifest: Manifest) -> Iterable[Sequence[str]]:
    for step in CHAIN:
        for key, tally in Ledger.from_json(manifest.ledgers[step]).rejected.items():
            stage, _, reason = key.partition("/")
            yield _PASS_OF[step], stage, reason, f"{tally.documents:,}", f"{tally.num_bytes:,}"


def _mixture(manifest: Manifest) -> Iterable[Sequence[str]]:
    mixture = manifest.mixture
    total = sum(mixture.reached_tokens.values())
    for kind, share in mixture.shares.items():
        reached = mixture.reached_tokens[kind]
        fraction = f"{reached / total:.4%}" if total else "-"
        yield kind, f"{share:.2%}", fraction, f"{reached:,}", f"{mixture.estimated_tokens[kind]:,}"


def _by(manifest: Manifest, name: str, *, empty: str) -> list[Sequence[str]]:
    sums = manifest.sums_by(name)
    rows = [
        (_cell(value) or empty, f"{tally.documents:,}", f"{tally.num_bytes:,}", f"{tokens:,}")
        for value, tally, tokens in sums[:_ROWS_SHOWN]
    ]
    rest = sums[_ROWS_SHOWN:]
    if rest:
        documents, num_bytes = sum(t.documents for _, t, _ in rest), sum(t.num_bytes for _, t, _ in rest)
        rows.append((f"({len(rest)} more)", f"{documents:,}", f"{num_bytes:,}", f"{sum(n for *_, n in rest):,}"))
    return list(rows)


def _forms(manifest: Manifest) -> list[Sequence[str]]:
    counts = {**manifest.text_forms, **{f"read as {_cell(name)}": n for name, n in manifest.encodings.items()}}
    return [(name, f"{count:,}") for name, count in counts.items()]


def _packing(manifest: Manifest) -> str:
    packing = manifest.packing
    sequences = sum(packing.sequences.values())
    capacity = sequences * packing.sequence_tokens
    padding = f"{packing.padding_tokens / capacity:.3%}" if capacity else "-"
    return (
        f"{sequences:,} sequences of {packing.sequence_tokens:,} tokens; padding {padding}; "
        f"{packing.cut_documents:,} documents are longer than a sequence and were cut."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join(["---"] * len(head)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: str) -> str:
    """A value from the data, harmless inside a Markdown table."""
    printable = "".join(character if character.isprintable() else "�" for character in value[:100])
    return printable.translate(_ESCAPES)
