"""What the pages of a release say of duplicates, held-out documents and the earlier releases that were asked."""

from collections.abc import Iterator, Sequence

from manifests.release import Manifest
from manifests.release_inputs import EarlierRelease
from pipeline.markdown import cell, table
from pipeline.release_folders import compares_texts, holds_out

_DIGEST_CHARACTERS = 12
_EQUAL = "equal documents only"
CARD_HELD_OUT = """
Documents that were set aside for evaluation, and are not in `data/`, have their text in `held_out/`, with the columns
of `texts/`: do not train on it.
"""


def duplicate_sections(manifest: Manifest) -> Iterator[str]:
    """Headings and what stands under them, for the summary."""
    counts = manifest.duplicate_counts
    yield "## Duplicates"
    unresolved = counts["unresolved"]
    told = f"{unresolved:,} documents are unresolved: they were kept, and may be duplicates of others."
    yield (
        f"{counts['repository_copies']:,} repositories are copies of others, whose files stay before theirs. "
        f"{told if unresolved else 'No document is unresolved.'}"
    )
    if holds_out(manifest.recipe):
        yield "## Held-out documents"
        yield (
            f"{manifest.held_out:,} documents are held out, and what is a duplicate of one has left training. Their "
            "texts are in `held_out/`, in the file of their shard's name; they are not in `data/`, `attribution/` or "
            "`texts/`."
        )
    if manifest.earlier:
        yield "## Earlier releases"
        rows = [_earlier(release, compares=compares_texts(manifest.recipe)) for release in manifest.earlier]
        yield table(("release", "digest", "used for", "compared by"), rows)


def _earlier(release: EarlierRelease, *, compares: bool) -> Sequence[str]:
    uses = (
        (release.against, "what it holds is left out"),
        (release.holds_out, "what it held out is held out again"),
    )
    # What it held out always has texts.
    by_texts = "texts" if release.has_texts or not release.against else f"{_EQUAL}; those it held out by their texts"
    return (
        cell(release.name),
        release.digest[:_DIGEST_CHARACTERS],
        "; ".join(use for is_so, use in uses if is_so),
        by_texts if compares else _EQUAL,
    )
