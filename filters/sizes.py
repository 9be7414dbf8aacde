"""Signals on the size of a document."""

from filters.text_views import utf8_bytes
from manifests.document import Document


def num_characters(document: Document) -> float:
    """Number of Unicode code points.

    Few mark stubs; very many, in data files, mark dumps.

    Returns:
        Code points, >= 0; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at least 50; data files 50 to 5,000).
    """
    return float(len(document.text))


def num_bytes(document: Document) -> float:
    """Number of bytes in UTF-8.

    Very many mark data and bundles.

    Returns:
        Bytes, >= 0; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at most 3,000,000).
    """
    return float(len(utf8_bytes(document.text)))
