"""Traces: where in a text as it was stood what each scan of its redaction found.

A later scan reads a text that holds placeholders already. Its findings are brought back over them, so that all that
redaction takes can be shown, counted and masked at the offsets of the given text. Cost: a binary search per finding and
scan; memory: three numbers per replacement.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from filters.spans import Span, Spell, merged, replaced


class Trace:
    """What was found so far.

    Attributes:
        spans: at the offsets of the first text, disjoint and in order; findings that overlap are their union.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._rounds: list[_Edits] = []

    def add(self, data: bytes, spans: Sequence[Span], spell: Spell) -> None:
        """Note what a scan found in a text, before `spell` replaces it.

        Args:
            data: what the last replacement left.
        """
        originals = list(spans)
        for edits in reversed(self._rounds):
            originals = [
                Span(edits.start(span.start), edits.stop(span.stop), span.kind, span.rule) for span in originals
            ]
        self.spans = merged([*self.spans, *originals])
        self._rounds.append(_Edits(data, spans, spell))


class _Edits:
    """The replacements of one round."""

    def __init__(self, data: bytes, spans: Sequence[Span], spell: Spell) -> None:
        self._old: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._stops: list[int] = []
        grown = 0
        for span in spans:
            value = data[span.start : span.stop]
            length = len(replaced(value, [Span(0, len(value), span.kind, span.rule)], spell))
            self._old.append((span.start, span.stop))
            self._starts.append(span.start + grown)
            self._stops.append(span.start + grown + length)
            grown += length - len(value)

    def start(self, place: int) -> int:
        """Where a span began that begins here after the replacement; a replaced value is taken whole."""
        index = bisect_right(self._starts, place) - 1
        if index < 0:
            return place
        if place < self._stops[index]:
            return self._old[index][0]
        return place - self._stops[index] + self._old[index][1]

    def stop(self, place: int) -> int:
        """Where a span ended that ends here after the replacement."""
        index = bisect_left(self._starts, place) - 1
        if index < 0:
            return place
        return max(place - self._stops[index], 0) + self._old[index][1]
