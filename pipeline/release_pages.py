"""The documents of a release that are generated from its manifest alone: which there are, and what writes each."""

from collections.abc import Callable

from manifests.release import Manifest
from pipeline.release_card import card
from pipeline.release_texts import summary

PAGES: dict[str, Callable[[Manifest], str]] = {"SUMMARY.md": summary, "README.md": card}


def pages(manifest: Manifest) -> dict[str, bytes]:
    """All of them by path; the same for equal manifests, whatever pages the manifest lists."""
    bare = manifest.without(PAGES)
    return {path: write(bare).encode() for path, write in PAGES.items()}
