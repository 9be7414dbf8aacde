"""The report's sections on what was done to texts: redaction, rewriting, and benchmarks that were looked for."""

from collections.abc import Iterable

from manifests.release import Manifest
from manifests.release_rewriting import ACCEPTED, ReleaseRewriting
from pipeline.html_page import harmless
from pipeline.inspect_run import counted
from pipeline.release_benchmarks import HEAD, benchmark_rows
from pipeline.report_parts import Row, Section, paragraph, share, table
from pipeline.reported import NOT_YET, Reported
from pipeline.rewriting_summary import ANSWERS, headline, overruled, what_passed
from pipeline.rewriting_tables import (
    CHANGES_HEAD,
    LANGUAGES_HEAD,
    answer_rows,
    answers_head,
    change_rows,
    code_bytes,
    language_rows,
)


def redactions_section(told: Reported) -> Section:
    """Replacements by kind and source, and by rule."""
    if told.manifest is None:
        return Section("redactions", "Redactions", [paragraph(NOT_YET)])
    by_source, changed = told.manifest.redactions, told.manifest.redacted_documents
    sources = sorted(by_source)
    kinds: dict[str, dict[str, int]] = {}
    for source, counts in by_source.items():
        for rule, number in counts.items():
            of_kind = kinds.setdefault(rule.partition("/")[0], {})
            of_kind[source] = of_kind.get(source, 0) + number
    kept = told.ledgers["clean"].kept.documents
    said = (
        f"Of {counted(kept, 'document')} that clean kept, {sum(changed.values()):,} had something replaced "
        f"({share(sum(changed.values()), kept)}). What was found is nowhere written down but as a number."
    )
    if not kinds:
        return Section("redactions", "Redactions", [paragraph(said)])
    ordered = sorted(kinds.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    totals = [sum(of_kind.values()) for _, of_kind in ordered]
    rows: list[Row] = [
        (kind, total, *(of_kind.get(source, 0) for source in sources))
        for (kind, of_kind), total in zip(ordered, totals, strict=True)
    ]
    rows.append(("documents changed", sum(changed.values()), *(changed.get(source, 0) for source in sources)))
    return Section("redactions", "Redactions", [
        paragraph(said),
        table(("kind", "replacements", *(f"in {source}" for source in sources)), rows,
              shares=[*(total / max(totals) for total in totals), 0.0]),
        "<h3>By rule</h3>", table(("kind", "rule", "source", "replacements"), _by_rule(by_source), texts=3),
    ])  # fmt: skip


def _by_rule(by_source: dict[str, dict[str, int]]) -> list[Row]:
    flat = [(rule, source, number) for source, counts in by_source.items() for rule, number in counts.items()]
    flat.sort(key=lambda item: (-item[2], item[0], item[1]))
    return [(rule.partition("/")[0], rule.partition("/")[2], source, number) for rule, source, number in flat]


def rewriting_section(told: Reported) -> Section:
    """What a model made of the code, as `rewriting.html` has it, without the samples."""
    title = "Rewriting"
    if told.manifest is None:
        return Section("rewriting", title, [paragraph(NOT_YET)])
    rewriting = told.manifest.rewriting
    if not isinstance(rewriting, ReleaseRewriting):
        return Section("rewriting", title, [paragraph("The recipe has nothing rewritten: no text is a model's.")])
    of_code = code_bytes(told.manifest.documents)
    said = [headline(rewriting, of_code, harmless), what_passed(told.manifest), *overruled(rewriting, harmless)]
    return Section("rewriting", title, [
        *(paragraph(sentence) for sentence in said),
        *_gates(rewriting),
        "<h3>By language</h3>", table(LANGUAGES_HEAD, language_rows(rewriting, of_code)),
        "<h3>Answers by gate</h3>", table(answers_head(rewriting), answer_rows(rewriting), texts=2),
        paragraph(f"{ANSWERS} <code>rewriting.html</code> of the release shows samples, side by side.", "note"),
        "<h3>Before and after</h3>", table(CHANGES_HEAD, change_rows(rewriting)),
    ])  # fmt: skip


def _gates(rewriting: ReleaseRewriting) -> Iterable[str]:
    refused = sorted(rewriting.total.refused().items(), key=lambda item: (-item[1], item[0]))
    accepted = sum(answers.get(ACCEPTED, 0) for answers in rewriting.total.answers.values())
    counts = [(ACCEPTED, accepted), *refused]
    total = sum(number for _, number in counts)
    if total:
        rows: list[Row] = [(gate, number, share(number, total)) for gate, number in counts]
        yield table(("answers", "number", "share"), rows, shares=[number / total for _, number in counts])


def decontamination_section(told: Reported) -> Section:
    """What benchmarks were looked for, and what of them was found."""
    title = "Decontamination"
    if told.manifest is None:
        return Section("decontamination", title, [paragraph(NOT_YET)])
    benchmarks = told.manifest.benchmarks
    if not benchmarks:
        said = "No benchmark was looked for: the recipe has no <code>decontamination</code>."
        return Section("decontamination", title, [paragraph(said)])
    rejected = sum(sum(one.rejected.values()) for one in benchmarks)
    said = f"{counted(rejected, 'document')} went for holding a problem of a benchmark."
    return Section("decontamination", title, [
        paragraph(said), table(HEAD, benchmark_rows(benchmarks)), *_hits(told.manifest),
    ])  # fmt: skip


def _hits(manifest: Manifest) -> Iterable[str]:
    reasons: list[Row] = [
        (one.name, reason, number) for one in manifest.benchmarks for reason, number in one.rejected.items()
    ]
    if reasons:
        yield "<h3>By what was found</h3>"
        yield table(("benchmark", "reason", "documents"), reasons, texts=2)
    tasks = [(-number, one.name, task) for one in manifest.benchmarks for task, number in one.tasks.items()]
    if tasks:
        yield "<h3>Problems that were found</h3>"
        rows: list[Row] = [(name, task, -number) for number, name, task in sorted(tasks)]
        yield table(("benchmark", "problem", "documents"), rows, texts=2)
