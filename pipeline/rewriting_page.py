"""`rewriting.html` of a release: figures and samples of rewriting on one page that needs nothing but itself.

What stands in documents is hostile: of every text only printable characters are left, and nothing of it is markup. On
a narrow screen the two versions of a line stand below each other.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from manifests.printable import printable
from manifests.release import Manifest
from manifests.release_rewriting import ACCEPTED, ReleaseRewriting
from pipeline.html_page import harmless, page, table
from pipeline.release_folders import texts_format
from pipeline.rewriting_style import STYLE
from pipeline.rewriting_summary import ANSWERS, headline, overruled, what_passed
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
from stages.side_by_side import Line, Row, side_by_side

PAGE = "rewriting.html"
SHOWN_LINES = 80
_SHOWN_CHARACTERS = 160


class Sample(NamedTuple):
    """A rewrite of the release, beside its original."""

    doc_id: str
    language: str
    modes: str
    original: str
    text: str


def rewriting_page(manifest: Manifest, samples: Sequence[Sample]) -> str:
    """The page; the same for equal arguments, whatever the manifest lists as files.

    Args:
        manifest: of a release whose recipe has code rewritten.
    """
    rewriting = manifest.rewriting
    assert isinstance(rewriting, ReleaseRewriting)  # noqa: S101 - asked by the caller
    of_code = code_bytes(manifest.documents)
    title = f"Rewriting in {harmless(manifest.name)} {harmless(manifest.version)}"
    body = [
        f"<h1>{title}</h1>",
        *(f"<p>{said}</p>" for said in (headline(rewriting, of_code, harmless), what_passed(manifest))),
        *_bars(rewriting),
        "<h2>Prompts</h2>",
        table(PROMPTS_HEAD, prompt_rows(rewriting)),
        "<h2>By language</h2>",
        table(LANGUAGES_HEAD, language_rows(rewriting, of_code)),
        *(f"<p>{said}</p>" for said in overruled(rewriting, harmless)),
        "<h2>Answers by gate</h2>",
        table(answers_head(rewriting), answer_rows(rewriting)),
        f"<p>{ANSWERS}</p>",
        "<h2>Before and after</h2>",
        table(CHANGES_HEAD, change_rows(rewriting)),
        "<h2>Samples</h2>",
        *_samples(manifest, samples),
    ]
    return page(title, STYLE, body)


def _bars(rewriting: ReleaseRewriting) -> Iterable[str]:
    """How many answers passed, and which gates refused the others, as bars."""
    refused = rewriting.total.refused()
    accepted = sum(answers.get(ACCEPTED, 0) for answers in rewriting.total.answers.values())
    total = accepted + sum(refused.values())
    if not total:
        return
    yield f"<h2>Acceptance</h2>\n<p>Of {total:,} answers in all modes and languages:</p>\n<table class=bars>"
    for gate, count in (("accepted", accepted), *sorted(refused.items(), key=lambda item: (-item[1], item[0]))):
        kind = "good" if gate == ACCEPTED else "bad"
        bar = f'<div class={kind} style="width:{100 * count / total:.1f}%"></div>'
        yield f"<tr><th>{harmless(gate)}<td>{count:,}<td>{share(count, total)}<td class=bar>{bar}"
    yield "</table>"


def _samples(manifest: Manifest, samples: Sequence[Sample]) -> Iterable[str]:
    if not samples:
        has_texts = texts_format(manifest.recipe) != "off"
        yield f"<p>{'No rewrite is in the release.' if has_texts else 'The release has no texts to show.'}</p>"
        return
    yield (
        f"<p>Rewrites shown: {len(samples)}, chosen by a hash of their ids, over languages and modes; up to "
        f"{SHOWN_LINES} lines of each, the original first.</p>"
    )
    for sample in samples:
        yield (
            f"<section>\n<h3>{harmless(sample.language)}: {harmless(sample.modes)}</h3>\n<p class=note>document "
            f"{harmless(sample.doc_id)}, {len(sample.original.encode()):,} bytes before, {len(sample.text.encode()):,} "
            f"after</p>\n{_diff(sample)}\n</section>"
        )


def _diff(sample: Sample) -> str:
    """Both texts, line by line beside each other."""
    rows = "\n".join(_row(row) for row in side_by_side(_shown(sample.original), _shown(sample.text)))
    return f"<table class=diff>\n<colgroup><col class=number><col><col class=number><col></colgroup>\n{rows}\n</table>"


def _shown(text: str) -> list[str]:
    """The first lines, printable."""
    lines = text[: SHOWN_LINES * 1_000].replace("\r\n", "\n").rstrip("\n").split("\n")
    shown = [printable(line.expandtabs(4), _SHOWN_CHARACTERS) for line in lines[:SHOWN_LINES]]
    return shown if len(lines) <= SHOWN_LINES else [*shown, "[…]"]


def _row(row: Row) -> str:
    kind = "same" if row.equal else "changed"
    return f"<tr class={kind}>{_cells(row.before, 'del')}{_cells(row.after, 'ins')}"


def _cells(line: Line | None, tag: str) -> str:
    if line is None:
        return "<td class=none><td class=none>"
    parts = (f"<{tag}>{escape(part.text)}</{tag}>" if part.changed else escape(part.text) for part in line.parts)
    return f"<td class=number>{line.number}<td class={tag}>{''.join(parts)}"
