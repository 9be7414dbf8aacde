"""Share of letters among what can be seen: white space, most of it indentation, left out."""

from filters.characters import alphabetic_fraction, whitespace_fraction
from manifests.document import Document


def visible_alphabetic_fraction(document: Document) -> float:
    """Share of the visible code points that are letters, as `str.isalpha` has it.

    Low values mark data and drawings; unlike `alphabetic_fraction`, deep indentation does not.

    Returns:
        0..1; 0 for a document without a visible character. `str.isspace` tells what is not visible.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at least 0.5). Deviation: none.
    """
    visible = 1 - whitespace_fraction(document)
    return min(1.0, alphabetic_fraction(document) / visible) if visible > 0 else 0.0
