"""Hidden characters: what stands in a token without being seen, and what the text is without it.

A zero-width space or a soft hyphen within an address hides it from every pattern, not from a reader or a tokenizer.
Texts of many languages hold such characters rightly, so a text is read a second time only where one stands between two
visible ASCII characters. Memory: the text without them, and one byte for each byte of the text, however many there are.
"""

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

BLOCK_BYTES = 65_536

_CHARACTERS = tuple(
    chr(code).encode()
    for code in (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
)


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text without its hidden characters.

    Attributes:
        data: what is left.
        visible: bool, by byte of the original whether it is left.
    """

    data: bytes
    visible: NDArray[np.bool_]

    def in_original(self, spans: Iterable[Span]) -> Iterator[Span]:
        """The spans as they stand in the original, hidden characters within them included, those at their ends not."""
        found = list(spans)
        starts = self._places(np.array([span.start for span in found], dtype=np.int64))
        stops = self._places(np.array([span.stop - 1 for span in found], dtype=np.int64)) + 1
        for span, start, stop in zip(found, starts.tolist(), stops.tolist(), strict=True):
            yield replace(span, start=start, stop=stop)

    def _places(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where bytes of `data` stand in the original."""
        counts = [np.count_nonzero(block) for block in self._blocks()]
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
        blocks = np.searchsorted(before, offsets, side="right") - 1
        places = np.empty_like(offsets)
        for block in np.unique(blocks).tolist():
            start = block * BLOCK_BYTES
            left = np.flatnonzero(self.visible[start : start + BLOCK_BYTES])
            members = np.flatnonzero(blocks == block)
            places[members] = start + left[offsets[members] - before[block]]
        return places

    def _blocks(self) -> Iterator[NDArray[np.bool_]]:
        for start in range(0, len(self.visible), BLOCK_BYTES):
            yield self.visible[start : start + BLOCK_BYTES]


def visible_text(data: bytes) -> VisibleText:
    """A text without its hidden characters.

    Args:
        data: valid UTF-8, in which a character's bytes are no part of another's.
    """
    visible = np.ones(len(data), dtype=np.bool_)
    for start in range(0, len(data), BLOCK_BYTES):
        _hide(data, start, visible)
    left = np.frombuffer(data, dtype=np.uint8)[visible].tobytes()
    return VisibleText(left, visible)


def _hide(data: bytes, start: int, visible: NDArray[np.bool_]) -> None:
    """Clear the bytes of hidden characters that begin in the block at `start`."""
    block = data[start : start + BLOCK_BYTES + 2]
    codes = np.frombuffer(block + b"\0\0", dtype=np.uint8)
    for character in _CHARACTERS:
        if character in block:
            places = codes[: len(block)] == character[0]
            for step, byte in enumerate(character[1:], start=1):
                places &= codes[step : len(block) + step] == byte
            begins = start + np.flatnonzero(places[:BLOCK_BYTES])
            for step in range(len(character)):
                visible[begins + step] = False
