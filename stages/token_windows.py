"""Windows over the tokens of a document, for a model that reads no more than so many at once.

Every token but the first is predicted once. A window begins as far to the left as the model can read, so a token has
at least `window - stride` tokens before it, or all that there are. With a stride of half a window a model reads
every token of a long document twice; a smaller stride gives more context and costs more.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class TokenWindow(NamedTuple):
    """The model is given tokens `start` to `stop - 2` of a document, and predicts `first` to `stop - 1`.

    Attributes:
        document: its place among those that are looked at.
    """

    document: int
    start: int
    first: int
    stop: int

    @property
    def inputs(self) -> int:
        """Tokens that the model reads."""
        return self.stop - 1 - self.start

    @property
    def predicted(self) -> int:
        """Tokens that it predicts."""
        return self.stop - self.first


def token_windows(document: int, num_tokens: int, *, window: int, stride: int) -> Iterator[TokenWindow]:
    """The windows of a document, from its beginning; none for one token or none.

    Args:
        document: its place.
        num_tokens: of the document, with a token that was put before it.
        window: tokens that the model can read at once, 1 or more.
        stride: tokens that a window predicts, 1 to `window`; the first predicts as many as it reads.
    """
    first = 1
    while first < num_tokens:
        stop = min(num_tokens, first + (window if first == 1 else stride))
        yield TokenWindow(document, max(0, stop - 1 - window), first, stop)
        first = stop


def window_batches(windows: Sequence[TokenWindow], *, batch_tokens: int) -> Iterator[list[TokenWindow]]:
    """Windows to be read together, the longest first, so that little is padded; of one length in their order.

    Args:
        windows: of any documents.
        batch_tokens: tokens with padding that a batch has at most; a longer window is alone.
    """
    batch: list[TokenWindow] = []
    for window in sorted(windows, key=lambda one: -one.inputs):
        if batch and (len(batch) + 1) * batch[0].inputs > batch_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
