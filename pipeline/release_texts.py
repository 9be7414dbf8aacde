"""SUMMARY.md of a release, generated from its manifest alone: what was read, what became of it, what is not known."""

from collections.abc import Iterable, Sequence

from filters.licence_words import NO_EVIDENCE, UNLISTED
from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from pipeline.markdown import cell, table
from pipeline.release_benchmarks import HEAD, benchmark_rows
from pipeline.release_duplicates import duplicate_sections
from pipeline.release_folders import texts_format
from pipeline.release_mixture import mixture_tables
from pipeline.release_opt_outs import opt_out_sections
from pipeline.release_packing import packing_section
from pipeline.release_reasons import LICENCE_STAGES, ledgers_of, missed, rejections
from pipeline.release_selection import selection_lines
from pipeline.rewriting_summary import rewriting_sections

_ROWS_SHOWN = 20
AMOUNTS = ("documents", "bytes", "tokens")
_MEANINGS = {
    "permissive": "on the reviewed list; asks for little more than the notice to be kept",
    "open-content": "a free licence for texts; asks for its authors to be named",
    "share-alike": "what is made of it goes under the same licence; `licences.allow_text` lets it in or not",
    NO_EVIDENCE: "nothing says how it is licensed; `no_licence: keep` let it in",
    UNLISTED: "a name that no list knows; the recipe allows it",
}
_ALLOWED = "on none of the named sets; the recipe allows it, by name or by category"
_ATTRIBUTION = "`attribution/` has a row for every document: licence, evidence, origin, and whose copyright it names."
_TEXTS = {
    "parquet": "`texts/` has the cleaned text of every document, in the file of its shard's name.",
    "jsonl.zst": (
        "`texts/` has the cleaned text of every document, in the file of its shard's name, as JSON lines in zstd "
        "frames."
    ),
    "off": "The release has no `texts/`: the recipe says `release.texts: off`. Its token ids decode to them.",
}
_TEXTS_ELSEWHERE = "Texts and attribution lie in the release that this set is packed from."
_NOT_KNOWN = {
    "licence": "no evidence names a licence (NOASSERTION)",
    "repository": "no repository",
    "revision": "no revision of the repository",
    "swhid": "no SWHID: the row brings none and none can be computed",
    "copyright": "no copyright statement found in the text",
}


def summary(manifest: Manifest) -> str:
    """The funnel, the reasons, the mixture and the licences, as Markdown tables."""
    parts = [
        f"# {manifest.name} {manifest.version}",
        release_headline(manifest),
        *selection_lines(manifest),
        *([] if manifest.packed_from is None else [packed_set_of(manifest)]),
        *(f"**Warning:** {said}" for said in missed(manifest)),
        *(f"**Left out:** {cell(unit)}" for unit in manifest.failed_units),
        "## Funnel",
        table(("step", "read", "kept", "rejected", "failed", "bytes kept"), _funnel(manifest)),
        "## Why documents were rejected",
        table(("pass", "stage", "reason", "documents", "bytes"), _reasons(manifest)),
        *duplicate_sections(manifest),
        *opt_out_sections(manifest),
        *mixture_tables(manifest),
        *rewriting_sections(manifest),
        "## Licences",
        table(("licence", "kind", "what it is", *AMOUNTS), amounts_by(manifest, "licence", "kind", "licence_words")),
        *([_ATTRIBUTION] if manifest.packed_from is None else []),
        "## Kinds of licence",
        table(("what it is", "kind", *AMOUNTS, "meaning"), _words(manifest)),
        "## Documents without an acceptable licence",
        table(("pass", "stage", "reason", "documents", "bytes"), _reasons(manifest, stages=LICENCE_STAGES)),
        "## What is not known",
        table(("of documents in the release", *manifest.mixture.shares, "together"), _not_known(manifest)),
        _licence_texts(manifest.licence_counts),
        "## Subsets",
        table(("subset", *AMOUNTS), amounts_by(manifest, "subset")),
        "## Languages",
        table(("language", *AMOUNTS), amounts_by(manifest, "language", empty="(unknown)")),
        "## Text forms",
        table(("what was done, or the encoding of the row", "documents"), _forms(manifest)),
        *_benchmarks(manifest),
        "## Redactions",
        table(("source", "kind/rule", "replacements"), _redactions(manifest)),
        _redacted_documents(manifest),
        "## Packing",
        *packing_section(manifest),
        "## Texts",
        _TEXTS[texts_format(manifest.recipe)] if manifest.packed_from is None else _TEXTS_ELSEWHERE,
    ]
    return "\n\n".join(parts) + "\n"


def packed_set_of(manifest: Manifest) -> str:
    """A sentence on a second packed set."""
    return (
        f"This is a second packed set of the texts of {manifest.name} {manifest.version}, the release whose manifest "
        f"has the digest `{manifest.packed_from}`: what was read, kept and rejected is that release's account, "
        "numbers of tokens are this set's."
    )


def release_headline(manifest: Manifest) -> str:
    """Tokens, documents, bytes and shares in a sentence."""
    tokens = sum(manifest.mixture.reached_tokens.values())
    documents = sum(row.documents for row in manifest.documents)
    num_bytes = sum(row.num_bytes for row in manifest.documents)
    shares = " and ".join(
        f"{count / tokens:.3%} {kind}" if tokens else f"no {kind}"
        for kind, count in manifest.mixture.reached_tokens.items()
    )
    return f"{tokens:,} tokens of {documents:,} documents ({num_bytes / 1e6:,.1f} MB of text): {shares}."


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


def _reasons(manifest: Manifest, *, stages: Sequence[str] = ()) -> Iterable[Sequence[str]]:
    """Rejections, all or those of some stages."""
    for one in rejections(ledgers_of(manifest), stages=stages):
        yield one.pass_of, one.stage, one.reason, f"{one.documents:,}", f"{one.num_bytes:,}"


def _words(manifest: Manifest) -> Iterable[Sequence[str]]:
    for (words, kind), tally, tokens in manifest.sums_by("licence_words", "kind"):
        meanings = dict.fromkeys(_MEANINGS.get(word, _ALLOWED) for word in words.split(", "))
        yield (
            cell(words) or "(none)",
            kind,
            *(f"{number:,}" for number in (tally.documents, tally.num_bytes, tokens)),
            "; ".join(meanings),
        )


def _licence_texts(counts: dict[str, int]) -> str:
    return (
        f"{counts['texts']:,} distinct notices and licence texts were read; {counts['undecided_texts']:,} of them took "
        f"too long, which counts as an unknown licence. Of {counts['copies_elsewhere']:,} documents before the mixture "
        "a near copy lies in a repository under another licence; that alone rejects nothing unless `licences.copies` "
        "is `strict`."
    )


def _not_known(manifest: Manifest) -> Iterable[Sequence[str]]:
    for name, what in _NOT_KNOWN.items():
        documents = manifest.not_known[name]
        numbers = [documents[kind] for kind in manifest.mixture.shares]
        yield what, *(f"{number:,}" for number in (*numbers, sum(numbers)))


def amounts_by(manifest: Manifest, *names: str, empty: str = "(none)") -> list[Sequence[str]]:
    """Rows of documents, bytes and tokens by some fields as for `Manifest.sums_by`, most tokens first.

    Returns:
        Cells that are harmless in a table; at most 20 rows, and one with the sum of what is not shown.
    """
    sums = manifest.sums_by(*names)
    rows = [
        (*(cell(value) or empty for value in values), f"{tally.documents:,}", f"{tally.num_bytes:,}", f"{tokens:,}")
        for values, tally, tokens in sums[:_ROWS_SHOWN]
    ]
    rest = sums[_ROWS_SHOWN:]
    if rest:
        documents, num_bytes = sum(t.documents for _, t, _ in rest), sum(t.num_bytes for _, t, _ in rest)
        amounts = (f"{number:,}" for number in (documents, num_bytes, sum(n for *_, n in rest)))
        rows.append((f"({len(rest)} more)", *[""] * (len(names) - 1), *amounts))
    return list(rows)


def _forms(manifest: Manifest) -> list[Sequence[str]]:
    counts = {**manifest.text_forms, **{f"read as {cell(name)}": n for name, n in manifest.encodings.items()}}
    return [(name, f"{count:,}") for name, count in counts.items()]


def _benchmarks(manifest: Manifest) -> list[str]:
    return ["## Benchmarks", table(HEAD, benchmark_rows(manifest.benchmarks))] if manifest.benchmarks else []


def _redacted_documents(manifest: Manifest) -> str:
    kept = Ledger.from_json(manifest.ledgers["clean"]).kept.documents
    changed = sum(manifest.redacted_documents.values())
    return f"Of {kept:,} documents that clean kept, {changed:,} had something replaced."


def _redactions(manifest: Manifest) -> Iterable[Sequence[str]]:
    """Rows by source, most replacements first; the source and its documents stand on the first row of each."""
    for source, counts in manifest.redactions.items():
        documents = manifest.redacted_documents.get(source, 0)
        name = f"{cell(source)} ({documents:,} document{'' if documents == 1 else 's'})"
        for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            yield name, rule, f"{count:,}"
            name = ""
