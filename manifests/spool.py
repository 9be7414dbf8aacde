"""Spool: a file that is being written, and how it is given its name when it is complete."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple


class Spool(NamedTuple):
    """A file being written.

    Attributes:
        file: to write to; nobody else sees it.
        publish: gives it its name, whole; at most once, and last.
    """

    file: BinaryIO
    publish: Callable[[str], None]
