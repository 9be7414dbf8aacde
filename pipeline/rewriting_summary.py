"""What people read of rewriting in SUMMARY.md and on the card: acceptance, gates, before and after, tokens, share."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.markdown import cell, table
from pipeline.rewriting_tables import (
    CHANGES_HEAD,
    LANGUAGES_HEAD,
    PROMPTS_HEAD,
    answer_rows,
    answers_head,
    change_rows,
    code_bytes,
    language_rows,
    prompt_rows,
    share,
)

_WHERE = (
    "Column `rewrite` of `texts/` names the modes of these documents; `rewrites/` has a row for each of them: model, "
    "prompts, gate values and original; `rewriting.html` shows samples side by side."
)
_OF_MODEL = ("name", "revision", "licence", "dtype")
ANSWERS = (
    "Every answer counts, those to second tries and about pieces of a file, too; the first gate that refuses names it."
)


def rewriting_sections(manifest: Manifest) -> list[str]:
    """The sections of SUMMARY.md, headings included; none where the recipe has nothing rewritten."""
    rewriting = manifest.rewriting
    if not isinstance(rewriting, ReleaseRewriting):
        return []
    of_code = code_bytes(manifest.documents)
    return [
        "## Rewriting",
        headline(rewriting, of_code, cell),
        what_passed(manifest),
        _table(PROMPTS_HEAD, prompt_rows(rewriting)),
        "## Rewriting by language",
        _table(LANGUAGES_HEAD, language_rows(rewriting, of_code)),
        *overruled(rewriting, cell),
        "## Answers by gate",
        _table(answers_head(rewriting), answer_rows(rewriting)),
        ANSWERS,
        "## Rewrites before and after",
        _table(CHANGES_HEAD, change_rows(rewriting)),
    ]


def card_rewriting(manifest: Manifest) -> str:
    """The paragraph of the card: how much is synthetic, and by what; empty where nothing is rewritten."""
    if not isinstance(manifest.rewriting, ReleaseRewriting):
        return ""
    said = headline(manifest.rewriting, code_bytes(manifest.documents), cell)
    where = "" if manifest.packed_from is not None else f"{_WHERE} "
    return f"\n{said} What a model writes may be bound by its licence. {where}{what_passed(manifest)}\n"


def headline(rewriting: ReleaseRewriting, of_code: Mapping[str, int], harmless: Callable[[str], str]) -> str:
    """Model, acceptance and share in a few sentences.

    Args:
        harmless: what a name becomes, which may be anybody's.
    """
    sampling, total = rewriting.sampling, rewriting.total
    synthetic = share(total.released_bytes, sum(of_code.values()))
    name, revision, licence, dtype = (harmless(getattr(rewriting.model, of)) for of in _OF_MODEL)
    return (
        f"{name}, revision {revision}, licence {licence}, dtype {dtype} (temperature "
        f"{sampling.temperature:g}, top_p {sampling.top_p:g}, seed {sampling.seed}), was given {total.chosen:,} "
        f"documents and rewrote {total.rewritten:,} ({share(total.rewritten, total.chosen)}). "
        f"Rewrites in the release: {total.released_documents:,}; {synthetic} of the bytes of its code are synthetic."
    )


def what_passed(manifest: Manifest) -> str:
    """What the gates hold of every rewrite, and what they cannot."""
    section = manifest.recipe.get("rewriting")
    gates = section.get("gates") if isinstance(section, dict) else None
    linted = isinstance(gates, dict) and gates.get("linter") is True
    return (
        "A rewrite passed every gate: it parses no worse than its original, keeps its public functions, classes and "
        f"signatures{', has no more linter findings' if linted else ''} and imports nothing new but of the standard "
        "library. No gate can tell that it computes the same: a changed constant passes all of them."
    )


def overruled(rewriting: ReleaseRewriting, harmless: Callable[[str], str]) -> list[str]:
    """A sentence on the rewrites that do not stand, or none; `harmless` as for `headline`."""
    reasons = rewriting.total.overruled
    if not any(reasons.values()):
        return []
    said = ", ".join(f"{count:,} for {harmless(reason)}" for reason, count in reasons.items() if count)
    return [f"Overruled are rewrites that passed every gate and do not stand: {said}."]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return table([cell(name) for name in head], [[cell(value) for value in row] for row in rows])
