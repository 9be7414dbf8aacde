"""The report's first sections: warnings, the way of the documents through the passes, and why they left it."""

from collections.abc import Iterator, Sequence

from manifests.release import CHAIN, Manifest
from pipeline.html_page import harmless
from pipeline.inspect_run import counted
from pipeline.release_reasons import rejections
from pipeline.report_parts import Section, paragraph, share, table
from pipeline.report_warnings import warnings
from pipeline.reported import Reported

_STEPS = {
    "ingest": "1 ingest: read and measured",
    "judge": "2 decide: licence, language, quality",
    "clean": "2 decide: duplicates; 3 clean",
    "tokenize": "4 mix, 5 rewrite, 6 tokenize",
    "pack": "7 settle, 8 pack: the release",
}
_TOKENS = (
    "Tokens of the last two rows are counted, copies of documents that are taken more than once included. Before that, "
    "nothing is tokenized but a sample: numbers marked “about” are bytes at the rate of what clean kept."
)


def warnings_section(told: Reported) -> Section:
    """What must not be missed, or that there is none of it."""
    found = list(warnings(told))
    listed = "".join(f"<li>{said}</li>\n" for said in found)
    return Section("warnings", "Warnings", [f"<ul class=warnings>\n{listed}</ul>" if found else paragraph("None.")])


def funnel_section(told: Reported) -> Section:
    """Documents, bytes and tokens, pass by pass."""
    ledgers = told.ledgers
    tokens = _tokens(told)
    rows, shares = [], []
    first = ledgers["ingest"].read.documents if "ingest" in ledgers else 0
    for step in (step for step in CHAIN if step in ledgers):
        one = ledgers[step]
        rejected = sum(tally.documents for tally in one.rejected.values())
        kept = one.kept.documents
        numbers = (one.read.documents, kept, rejected, one.failed.documents, one.kept.num_bytes)
        rows.append((_STEPS[step], *numbers, tokens.get(step, "")))
        shares.append(kept / first if first else 0.0)
    head = ("pass", "read", "kept", "rejected", "failed", "bytes kept", "tokens kept")
    said = paragraph(_TOKENS, "note") if told.manifest is not None else ""
    return Section("funnel", "Funnel", [table(head, rows, shares=shares), said])


def removals_section(told: Reported) -> Section | None:
    """Which opt-outs were heeded, what was taken out since, which part of its parent this is; None for none of it."""
    manifest = told.manifest
    if manifest is None or not (manifest.opt_outs or manifest.removals.requests or manifest.selection):
        return None
    return Section(
        "removals", "Opt-outs and removals", [*_heeded(manifest), *_taken_out(manifest), *_selected(manifest)]
    )


def _heeded(manifest: Manifest) -> Iterator[str]:
    heeded = manifest.opt_outs
    if heeded is not None:
        until = f", the last of {harmless(heeded.as_of)}" if heeded.as_of else ""
        yield paragraph(
            f"The run heeded {counted(heeded.requests, 'request')}{until}, and "
            f"{counted(heeded.suppressed, 'document')} of the suppression list; near copies: "
            f"{harmless(heeded.near_copies)}."
        )


def _taken_out(manifest: Manifest) -> Iterator[str]:
    removed = manifest.removals
    if not removed.requests:
        return
    yield paragraph(
        f"Taken out since on {counted(removed.requests, 'request')}{_of_parent(manifest, ', the last time out of')}. "
        "<code>removals/tombstones.jsonl</code> says what went, why and when; <code>removals/proof.json</code> how it "
        "was searched for. All accounts of rejected documents on this page are those of the run."
    )
    rows = [
        ("documents of the shards", removed.documents),
        ("of them rewritten by a model", removed.rewrites),
        ("bytes of text", removed.num_bytes),
        ("tokens, all copies", removed.tokens),
        ("held-out documents", removed.held_out),
    ]
    yield table(("taken out", "number"), rows)


def _selected(manifest: Manifest) -> Iterator[str]:
    chosen = manifest.selection
    if chosen is not None:
        yield paragraph(
            f"This is a selection{_of_parent(manifest, ' of')}: the documents where "
            f"<code>{harmless(chosen.where)}</code>. {counted(chosen.documents, 'document')} of its shards and "
            f"{chosen.held_out:,} held out are not here."
        )


def _of_parent(manifest: Manifest, words: str) -> str:
    parent = manifest.parent
    return f"{words} {harmless(parent.name)} {harmless(parent.version)}" if parent else ""


def rejections_section(told: Reported) -> Section:
    """Reasons, those of most documents first."""
    found = sorted(rejections(told.ledgers), key=lambda one: (-one.documents, one.stage, one.reason))
    most = max((one.documents for one in found), default=1)
    total = sum(one.documents for one in found)
    rows = [
        (one.reason, one.stage, one.pass_of, one.documents, share(one.documents, total), one.num_bytes) for one in found
    ]
    head = ("reason", "stage", "pass", "documents", "of all", "bytes")
    said = (
        f"{counted(total, 'document')} left on the way, each for the first reason that held. "
        "<code>corpusmill show</code> prints samples of any reason, <code>corpusmill explain</code> the life of one."
    )
    drawn = table(head, rows, texts=3, shares=[one.documents / most for one in found])
    return Section("rejections", "Why documents were rejected", [paragraph(said), drawn])


def facts(told: Reported) -> Sequence[tuple[str, str]]:
    """What stands in large letters under the title."""
    if told.manifest is None:
        return [(step, f"{ledger.kept.documents:,} kept") for step, ledger in told.ledgers.items()]
    manifest = told.manifest
    reached = manifest.mixture.reached_tokens
    tokens = sum(reached.values())
    return [
        ("tokens", f"{tokens:,}"),
        ("documents", f"{sum(row.documents for row in manifest.documents):,}"),
        ("MB of text", f"{sum(row.num_bytes for row in manifest.documents) / 1e6:,.1f}"),
        *((f"{kind}, of the tokens", share(count, tokens)) for kind, count in reached.items()),
        ("held out", f"{manifest.held_out:,}"),
    ]


def _tokens(told: Reported) -> dict[str, str | int]:
    if told.manifest is None:
        return {}
    mixture = told.manifest.mixture
    estimated, kept = sum(mixture.estimated_tokens.values()), told.ledgers["clean"].kept.num_bytes
    rate = estimated / kept if kept else 0.0
    about: dict[str, str | int] = {
        step: f"about {_rounded(told.ledgers[step].kept.num_bytes * rate):,}" for step in CHAIN[:3]
    }
    return about | {"tokenize": sum(mixture.selected_tokens.values()), "pack": _reached(told.manifest)}


def _reached(manifest: Manifest) -> int:
    return sum(manifest.mixture.reached_tokens.values())


def _rounded(number: float) -> int:
    """Three digits are as good as an estimate is."""
    return int(float(f"{number:.3g}"))
