"""The card of a release, README.md: what it is, how to load it, what it was made of, and what to mind.

Generated from the manifest alone. The front matter is `pipeline.card_metadata`'s.
"""

from collections.abc import Iterable

from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.card_metadata import front_matter
from pipeline.markdown import cell, table
from pipeline.release_duplicates import CARD_HELD_OUT
from pipeline.release_folders import holds_out, texts_format
from pipeline.release_packing import columns_table
from pipeline.release_texts import AMOUNTS, amounts_by, packed_set_of, release_headline
from pipeline.rewriting_summary import card_rewriting

_LOADING = """\
```python
from datasets import load_dataset

rows = load_dataset("parquet", data_files="data/*.parquet", split="train")
```"""
_ATTRIBUTION = """\
Every document has a row in `attribution/`, in the file of its shard's name: `doc_id`, its repository, revision and
path, its SWHID, licence, the evidence for that, and the copyright statements of its text. ATTRIBUTION.md says what
the licences ask for.
"""
_TEXTS = """
Its cleaned text is in `texts/`, in the file of the same name, for whoever tokenizes in another way: `doc_id`, `text`,
`kind`, `source`, `subset`, `language`, `licence`, `repo`, `path` and `copies`.
"""
_LINES = """
These are JSON lines, compressed with zstd: `load_dataset("json", data_files="texts/*.jsonl.zst", split="train")`.
"""


def card(manifest: Manifest) -> str:
    """The card; the same for equal manifests, whatever files they list."""
    parts = [
        f"# {manifest.name} {manifest.version}",
        release_headline(manifest),
        *(_selected(manifest)),
        "## Loading it",
        _LOADING,
        columns_table(manifest),
        _beside(manifest).strip(),
        _tokens(manifest),
        *_forms(manifest),
        "## What it was made of",
        table(("source", "format", "published at", "as of", *AMOUNTS), _sources(manifest)),
        _funnel(manifest),
        "## What is in it",
        table(("language", "kind", *AMOUNTS), amounts_by(manifest, "language", "kind", empty="(unknown)")),
        table(("licence", "kind", *AMOUNTS), amounts_by(manifest, "licence", "kind")),
        *_synthetic(manifest),
        "## Personal data and requests",
        _personal(manifest),
        "## Limits",
        _limits(manifest),
        "## Checking and citing it",
        _citing(manifest),
    ]
    return f"---\n{front_matter(manifest)}---\n\n" + "\n\n".join(parts) + "\n"


def _selected(manifest: Manifest) -> Iterable[str]:
    if manifest.selection is not None and manifest.parent is not None:
        parent = f"{cell(manifest.parent.name)} {cell(manifest.parent.version)}"
        yield f"It is the part of {parent} for which holds: {cell(manifest.selection.where)}"


def _beside(manifest: Manifest) -> str:
    if manifest.packed_from is not None:
        return f"{packed_set_of(manifest)} Attribution, licences and texts of its documents lie in that release."
    form = texts_format(manifest.recipe)
    texts = "" if form == "off" else _TEXTS + (_LINES if form == "jsonl.zst" else "")
    return _ATTRIBUTION + texts + (CARD_HELD_OUT if holds_out(manifest.recipe) else "")


def _tokens(manifest: Manifest) -> str:
    tokenizer = manifest.tokenizer
    return (
        f"A document ends in token {tokenizer.end_of_document_id} (`{tokenizer.end_of_document}`); padding is the same "
        f"token. The tokenizer lies in `tokenizer/`, its sha256 is `{tokenizer.sha256}`."
    )


def _forms(manifest: Manifest) -> Iterable[str]:
    """Which control tokens stand inside documents, where they are rendered in other forms than that of a file."""
    tokens = ", ".join(f"`{name}` {number}" for name, number in sorted(manifest.tokenizer.template_ids.items()))
    forms = ", ".join(f"`{form}`" for form in manifest.packing.forms if form != "file")
    if forms:
        yield f"Documents are rendered as files or as {forms}: these control tokens may stand inside one: {tokens}."


def _sources(manifest: Manifest) -> Iterable[tuple[str, ...]]:
    amounts = {values[0]: (tally, tokens) for values, tally, tokens in manifest.sums_by("source")}
    for source in manifest.sources:
        numbers = ("0", "0", "0")
        if source.name in amounts:
            tally, tokens = amounts[source.name]
            numbers = (f"{tally.documents:,}", f"{tally.num_bytes:,}", f"{tokens:,}")
        said = (source.name, source.format, source.url or "not stated", source.snapshot or "not stated")
        yield (*map(cell, said), *numbers)


def _funnel(manifest: Manifest) -> str:
    first, last = (Ledger.from_json(manifest.ledgers[step]) for step in (CHAIN[0], CHAIN[-1]))
    kept = ", ".join(f"{Ledger.from_json(manifest.ledgers[step]).kept.documents:,} by {step}" for step in CHAIN)
    removed = manifest.removals
    since = "" if not removed.documents else f" Since then {removed.documents:,} were taken out on request."
    return (
        f"Of {first.read.documents:,} rows that were read, these were kept, pass after pass: {kept}. "
        f"{last.kept.documents:,} documents were packed.{since} SUMMARY.md says why the others went."
    )


def _synthetic(manifest: Manifest) -> Iterable[str]:
    if isinstance(manifest.rewriting, ReleaseRewriting):
        yield "## Synthetic part"
        yield card_rewriting(manifest).strip()


def _personal(manifest: Manifest) -> str:
    replaced = sum(sum(counts.values()) for counts in manifest.redactions.values())
    changed = sum(manifest.redacted_documents.values())
    heeded = manifest.opt_outs
    asked = (
        "No opt-out registry was consulted."
        if heeded is None
        else f"{heeded.requests:,} opt-out requests were heeded, the latest of {heeded.as_of or 'no date'}."
    )
    removed = manifest.removals.documents + manifest.removals.held_out
    taken = f" {removed:,} documents were taken out of an earlier version on request." if removed else ""
    return (
        f"Secrets and personal data were looked for by rules: {replaced:,} replacements in {changed:,} documents. "
        "Rules miss what they do not know, so some is left. Names of authors stay in `attribution/`, for licences ask "
        f"for them: treat that folder as personal data. {asked}{taken} How to ask for a removal, and what is done "
        "then, is for the publisher to say here."
    )


def _limits(manifest: Manifest) -> str:
    tokens = sum(manifest.mixture.reached_tokens.values())
    top, share = "", 0.0
    if tokens and (by_language := manifest.sums_by("language", "kind")):
        (language, kind), _, most = by_language[0]
        top, share = f"{language or 'unknown'} ({kind})", most / tokens
    unknown = sum(manifest.not_known["licence"].values())
    lines = [
        f"- The largest part is {cell(top)} with {share:.1%} of the tokens: other languages are seen less.",
        "- Licences are told by evidence in and beside files, which can be wrong; a file can be a copy of another's.",
        f"- Of {unknown:,} documents no evidence names a licence.",
        "- Duplicates are found by words; the same idea in other words is not.",
        "- Quality was judged by measures of form. Nobody has checked that what is said is true, or that code works.",
    ]
    return "\n".join(lines)


def _citing(manifest: Manifest) -> str:
    return (
        "`manifest.json` is the complete account, and `corpusmill verify` holds every file against it. Cite name, "
        f"version ({cell(manifest.name)} {cell(manifest.version)}) and `content` of the manifest, one digest over all "
        "files."
    )
