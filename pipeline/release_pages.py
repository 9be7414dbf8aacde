"""The documents of a release that are generated from its manifest alone: which there are, and what writes each."""

import re
from collections.abc import Callable

from manifests.release import Manifest
from pipeline.release_attribution import attribution_page
from pipeline.release_card import card
from pipeline.release_croissant import croissant
from pipeline.release_eu_summary import eu_figures, eu_summary
from pipeline.release_texts import summary

PAGES: dict[str, Callable[[Manifest], str]] = {
    "ATTRIBUTION.md": attribution_page,
    "EU-SUMMARY.md": eu_summary,
    "README.md": card,
    "SUMMARY.md": summary,
    "croissant.json": croissant,
    "eu-summary.json": eu_figures,
}
PAGE_FILE = re.compile("|".join(map(re.escape, PAGES)))


def pages(manifest: Manifest) -> dict[str, bytes]:
    """All of them by path; the same for equal manifests, whatever pages the manifest lists."""
    bare = manifest.without(PAGES)
    return {path: write(bare).encode() for path, write in PAGES.items()}
