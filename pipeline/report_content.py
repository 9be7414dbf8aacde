"""The report's sections on what the release holds: mixture, licences and their evidence, languages."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from manifests.ledger import Tally
from manifests.release import Manifest
from pipeline.html_page import harmless
from pipeline.release_reasons import LICENCE_STAGES, rejections
from pipeline.report_charts import Chart, rows_of_bars
from pipeline.report_parts import Figure, Row, Section, paragraph, table
from pipeline.reported import IN_WORK, NOT_YET, Reported
from pipeline.tables import tables
from pipeline.units import Mill

_SHOWN_DOMAINS = 16
_AMOUNTS = ("documents", "bytes", "tokens")
_NOT_KNOWN = {
    "licence": "no evidence names a licence",
    "repository": "no repository",
    "revision": "no revision of the repository",
    "swhid": "no SWHID",
    "copyright": "no copyright statement in the text",
}
_EVIDENCE_HEAD = ("kind of evidence", "documents that have it", "pieces of it")


def mixture_section(told: Reported) -> Section:
    """Shares that were planned and that were reached, by kind and by domain."""
    if told.manifest is None:
        return Section("mixture", "Mixture", [paragraph(NOT_YET)])
    mixture = told.manifest.mixture
    total = sum(mixture.reached_tokens.values())
    kinds: list[Row] = [
        (kind, f"{planned:.2%}", _share(mixture.reached_tokens.get(kind, 0), total),
         *(of.get(kind, 0) for of in (mixture.target_tokens, mixture.reached_tokens, mixture.estimated_tokens)))
        for kind, planned in mixture.shares.items()
    ]  # fmt: skip
    head = ("planned", "reached", "target", "tokens", "of about")
    parts: list[str | Figure] = [table(("kind", *head), kinds)]
    if any(domain.name for domain in mixture.domains):
        parts += _domains(told.manifest, head)
    return Section("mixture", "Mixture, planned and reached", parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "–"


def _domains(manifest: Manifest, head: Sequence[str]) -> Iterable[str | Figure]:
    mixture = manifest.mixture
    ordered = sorted(mixture.domains, key=lambda one: (-one.reached_tokens, one.kind, one.name))
    of_kind = mixture.reached_tokens
    rows: list[Row] = [
        (one.name or "(the rest)", one.kind, f"{one.share:.2%}", _share(one.reached_tokens, of_kind.get(one.kind, 0)),
         one.target_tokens, one.reached_tokens, one.estimated_tokens, f"{one.epochs:g}")
        for one in ordered
    ]  # fmt: skip
    for kind in of_kind:
        shown = [one for one in ordered if one.kind == kind][:_SHOWN_DOMAINS]
        spec = rows_of_bars(
            [(one.name or "(the rest)", one.reached_tokens) for one in shown], [one.target_tokens for one in shown]
        )
        if shown:
            note = "Bars: tokens in the release. Strokes: what was aimed at."
            yield Figure(
                Chart(spec, f"Tokens by domain of {harmless(kind)}"), f"{harmless(kind)} <span>by domain</span>", note
            )
    yield paragraph("Shares of a domain are of its kind.", "note")
    yield table(("domain", "kind", *head, "epochs"), rows, texts=2)


def licences_section(told: Reported) -> Section:
    """What the release is licensed under, what says so, and what was turned away for its licence."""
    parts: list[str] = []
    if told.manifest is None:
        parts.append(paragraph(NOT_YET))
    else:
        manifest = told.manifest
        rows, shares = _amounts(manifest, "licence", "kind", "licence_words")
        parts += [table(("licence", "kind", "what it is", *_AMOUNTS), rows, texts=3, shares=shares)]
        rows, shares = _amounts(manifest, "licence_words", "kind")
        parts += ["<h3>Kinds of licence</h3>", table(("what it is", "kind", *_AMOUNTS), rows, texts=2, shares=shares)]
    parts += ["<h3>Evidence</h3>", *_evidence(told.mill)]
    parts += ["<h3>Turned away for their licence</h3>", _turned_away(told)]
    if told.manifest is not None:
        parts += ["<h3>What is not known of documents in the release</h3>", _not_known(told.manifest)]
        parts += ["<h3>Sources</h3>", _sources(told.manifest)]
    return Section("licences", "Licences and evidence", parts)


def _evidence(mill: Mill | None) -> Iterable[str]:
    if mill is None:
        yield paragraph(IN_WORK)
        return
    documents, pieces = Counter[str](), Counter[str]()
    kept = without = 0
    for judged in tables(mill, "judge", "judged", columns=("kept", "evidence")):
        evidence = judged.filter(judged.column("kept")).column("evidence").combine_chunks()
        kept += len(evidence)
        without += pc.sum(pc.equal(pc.fill_null(pc.list_value_length(evidence), 0), 0)).as_py() or 0
        flat = pa.table([pc.list_parent_indices(evidence), evidence.flatten().field("kind")], names=["of", "kind"])
        pieces.update(dict(_counts(flat)))
        documents.update(dict(_counts(flat.group_by(["of", "kind"]).aggregate([]))))
    yield paragraph(f"Of {kept:,} documents that licences, languages and limits of quality let through:", "note")
    rows: list[Row] = [(kind, number, pieces[kind]) for kind, number in sorted(documents.items(), key=_most)]
    shares = [number / kept for _, number, _ in rows if isinstance(number, int)]
    if without:
        rows.append(("(none)", without, 0))
        shares.append(without / kept)
    yield table(_EVIDENCE_HEAD, rows, shares=shares)


def _counts(table: pa.Table) -> Iterable[tuple[str, int]]:
    return ((one["values"], one["counts"]) for one in pc.value_counts(table.column("kind")).to_pylist())


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _turned_away(told: Reported) -> str:
    found = sorted(rejections(told.ledgers, stages=LICENCE_STAGES), key=lambda one: (-one.documents, one.reason))
    rows: list[Row] = [(one.reason, one.documents, one.num_bytes) for one in found]
    return table(("reason", "documents", "bytes"), rows) if rows else paragraph("None.")


def _not_known(manifest: Manifest) -> str:
    kinds = list(manifest.mixture.shares)
    rows: list[Row] = []
    for name, said in _NOT_KNOWN.items():
        numbers = [manifest.not_known.get(name, {}).get(kind, 0) for kind in kinds]
        rows.append((said, *numbers, sum(numbers)))
    return table(("", *kinds, "together"), rows)


def _sources(manifest: Manifest) -> str:
    rows: list[Row] = [
        (one.name, one.kind, one.declared_licence or "–", one.snapshot or "–", len(one.shards),
         sum(shard.num_bytes for shard in one.shards))
        for one in manifest.sources
    ]  # fmt: skip
    return table(("source", "kind", "declared licence", "snapshot", "shards", "bytes of shards"), rows, texts=4)


def languages_section(told: Reported) -> Section:
    """Languages of the release, most tokens first."""
    if told.manifest is None:
        return Section("languages", "Languages", [paragraph(NOT_YET)])
    rows, shares = _amounts(told.manifest, "language", "kind", empty="(unknown)")
    said = "Of code the programming language; of text the language that its row names."
    subsets, of_subsets = _amounts(told.manifest, "subset", "source")
    return Section("languages", "Languages", [
        paragraph(said, "note"), table(("language", "kind", *_AMOUNTS), rows, texts=2, shares=shares),
        "<h3>Subsets</h3>", table(("subset", "source", *_AMOUNTS), subsets, texts=2, shares=of_subsets),
    ])  # fmt: skip


def _amounts(manifest: Manifest, *names: str, empty: str = "(none)") -> tuple[list[Row], list[float]]:
    """Rows by some fields of the documents, and the length of a bar for each, by tokens."""
    sums: list[tuple[tuple[str, ...], Tally, int]] = manifest.sums_by(*names)
    most = max((tokens for *_, tokens in sums), default=0) or 1
    rows: list[Row] = [
        (*(value or empty for value in values), tally.documents, tally.num_bytes, tokens)
        for values, tally, tokens in sums
    ]
    return rows, [tokens / most for *_, tokens in sums]
