"""Hidden characters: what stands in a token without being seen, and what the text is without it.

A zero-width space or a soft hyphen within an address hides it from every pattern, not from a reader or a tokenizer.
Texts of many languages hold such characters rightly, so a text is read a second time only where one stands between two
visible ASCII characters. Memory: the text without them, and 16 bytes for each run of them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from filters.spans import Span

# Soft hyphen; zero-width characters and direction marks; embeddings and overrides; word joiner, invisible operators and
# isolates; byte order mark. In UTF-8.
HIDDEN = r"(?:\xc2\xad|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf)"

MARK = rf"[!-~]{HIDDEN}+[!-~]"
"""What hyperscan looks for: some of them between two visible ASCII characters."""

_RUN = re.compile(rf"{HIDDEN}+".encode("ascii"))


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text without its hidden characters.

    Attributes:
        data: what is left.
        places: int64, by hidden run where it stood, as an offset in `data`; ascending.
        lengths: int64, by hidden run how many bytes it and all before it had.
    """

    data: bytes
    places: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def in_original(self, spans: Iterable[Span]) -> Iterator[Span]:
        """The spans as they stand in the original, hidden characters within them included, those at their ends not."""
        found = list(spans)
        starts = np.array([span.start for span in found], dtype=np.int64)
        stops = np.array([span.stop for span in found], dtype=np.int64)
        before = np.concatenate([np.zeros(1, dtype=np.int64), self.lengths])
        starts += before[np.searchsorted(self.places, starts, side="right")]
        stops += before[np.searchsorted(self.places, stops, side="left")]
        for span, start, stop in zip(found, starts.tolist(), stops.tolist(), strict=True):
            yield replace(span, start=start, stop=stop)


def visible_text(data: bytes) -> VisibleText:
    """A text without its hidden characters."""
    offsets = (offset for match in _RUN.finditer(data) for offset in match.span())
    runs = np.fromiter(offsets, dtype=np.int64).reshape(-1, 2)
    lengths = np.cumsum(runs[:, 1] - runs[:, 0])
    places = runs[:, 1] - lengths
    return VisibleText(_RUN.sub(b"", data), places, lengths)
