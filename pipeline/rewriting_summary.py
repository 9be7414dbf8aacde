"""What people read of rewriting in SUMMARY.md and on the card: acceptance, gates, before and after, tokens, share."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from manifests.release import DocumentClass
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

_OF_MODEL = ("name", "revision", "licence", "dtype")
NO_PROOF = (
    "A rewrite passed every gate: it parses no worse than its original, keeps its public functions, classes and "
    "signatures, imports nothing new and has no more linter findings. No gate can tell that it computes the same: a "
    "changed constant passes all of them."
)
ANSWERS = (
    "Every answer counts, those to second tries and about pieces of a file, too; the first gate that refuses names it."
)


def rewriting_sections(rewriting: ReleaseRewriting, documents: Sequence[DocumentClass]) -> list[str]:
    """The sections of SUMMARY.md, headings included.

    Args:
        documents: of the release, by class.
    """
    of_code = code_bytes(documents)
    return [
        "## Rewriting",
        headline(rewriting, of_code, cell),
        NO_PROOF,
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


def card_rewriting(rewriting: ReleaseRewriting, documents: Sequence[DocumentClass]) -> str:
    """The paragraph of the card: how much is synthetic, and by what."""
    return (
        f"{headline(rewriting, code_bytes(documents), cell)} What a model writes may be bound by its licence. "
        "`rewrites/` has a row for each of these documents: model, prompts, gate values and original; "
        f"`rewriting.html` shows samples side by side. {NO_PROOF}\n"
    )


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
        f"{total.released_documents:,} rewrites are in the release: {synthetic} of the bytes of its code are synthetic."
    )


def overruled(rewriting: ReleaseRewriting, harmless: Callable[[str], str]) -> list[str]:
    """A sentence on the rewrites that do not stand, or none; `harmless` as for `headline`."""
    reasons = rewriting.total.overruled
    if not any(reasons.values()):
        return []
    said = ", ".join(f"{count:,} for {harmless(reason)}" for reason, count in reasons.items())
    return [f"Overruled are rewrites that passed every gate and do not stand: {said}."]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return table([cell(name) for name in head], [[cell(value) for value in row] for row in rows])
