"""The figures of rewriting as rows of a table, for SUMMARY.md and `rewriting.html`: both say the same.

Cells come as they stand in the manifest, whose names may be anybody's: whoever shows them makes them harmless.
"""

from collections.abc import Iterable, Mapping, Sequence

from manifests.release import DocumentClass
from manifests.release_rewriting import ACCEPTED, TIERS, ReleaseRewriting, RewrittenLanguage

Rows = list[Sequence[str]]

PROMPTS_HEAD = ("mode", "prompt version", "sha256 of the prompt")
LANGUAGES_HEAD = (
    "language",
    "surveyed",
    *TIERS,
    "given",
    "rewritten",
    "of given",
    "overruled",
    "in the release",
    "of code bytes",
)
CHANGES_HEAD = ("language", "bytes", "parse errors", "linter findings", "prompt tokens", "answer tokens")
ALL = "all"
_OTHERS = "others"
_SHOWN_LANGUAGES = 8  # in columns; the others stand together


def code_bytes(documents: Iterable[DocumentClass]) -> dict[str, int]:
    """Bytes of code in a release by language."""
    sums: dict[str, int] = {}
    for row in documents:
        if row.kind == "code":
            sums[row.language] = sums.get(row.language, 0) + row.num_bytes
    return sums


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent; "-" where there is no whole."""
    return f"{part / whole:.1%}" if whole else "-"


def prompt_rows(rewriting: ReleaseRewriting) -> Rows:
    """A row for each mode, in the order in which they ran."""
    return [(prompt.mode, str(prompt.version), prompt.sha256) for prompt in rewriting.prompts]


def language_rows(rewriting: ReleaseRewriting, of_code: Mapping[str, int]) -> Rows:
    """What became of the documents of each language, most documents first; then of all.

    Args:
        of_code: `code_bytes` of the release.
    """
    named = [(name, one, of_code.get(name, 0)) for name, one in _by_documents(rewriting)]
    return [_language_row(*one) for one in (*named, (ALL, rewriting.total, sum(of_code.values())))]


def _language_row(name: str, one: RewrittenLanguage, of_code: int) -> Sequence[str]:
    surveyed = [one.surveyed.get(tier, 0) for tier in TIERS]
    return (
        name,
        *(f"{number:,}" for number in (sum(surveyed), *surveyed, one.chosen, one.rewritten)),
        share(one.rewritten, one.chosen),
        *(f"{number:,}" for number in (sum(one.overruled.values()), one.released_documents)),
        share(one.released_bytes, of_code),
    )


def answers_head(rewriting: ReleaseRewriting) -> Sequence[str]:
    """Head of `answer_rows`."""
    return ("mode", "gate", *(name for name, _ in _columns(rewriting)))


def answer_rows(rewriting: ReleaseRewriting) -> Rows:
    """Answers by mode and gate in columns of languages; accepted first, then the gates that refused most."""
    columns = _columns(rewriting)
    rows: Rows = []
    for prompt in rewriting.prompts:
        of_all = columns[0][1].answers.get(prompt.mode, {})
        for gate in sorted(of_all, key=lambda gate: (gate != ACCEPTED, -of_all[gate], gate)):
            counts = [one.answers.get(prompt.mode, {}).get(gate, 0) for _, one in columns]
            rows.append((prompt.mode, gate, *(f"{count:,}" for count in counts)))
    return rows


def change_rows(rewriting: ReleaseRewriting) -> Rows:
    """Bytes, errors and findings of the originals and of their rewrites; tokens of every answer."""
    named = [(name, one) for name, one in _by_documents(rewriting) if one.chosen]
    return [
        (
            name,
            f"{one.original_bytes:,} → {one.rewritten_bytes:,}",
            f"{one.errors_before:,} → {one.errors_after:,}",
            f"{one.findings_before:,} → {one.findings_after:,}",
            f"{one.prompt_tokens:,}",
            f"{one.completion_tokens:,}",
        )
        for name, one in (*named, (ALL, rewriting.total))
    ]


def _columns(rewriting: ReleaseRewriting) -> list[tuple[str, RewrittenLanguage]]:
    """All, then the languages with most documents, then all others together."""
    named = [(name, one) for name, one in _by_documents(rewriting) if one.answers]
    rest = [one for _, one in named[_SHOWN_LANGUAGES:]]
    others = [(_OTHERS, sum(rest, RewrittenLanguage.nothing()))] if rest else []
    return [(ALL, rewriting.total), *named[:_SHOWN_LANGUAGES], *others]


def _by_documents(rewriting: ReleaseRewriting) -> list[tuple[str, RewrittenLanguage]]:
    return sorted(
        rewriting.languages.items(), key=lambda item: (-item[1].chosen, -sum(item[1].surveyed.values()), item[0])
    )
