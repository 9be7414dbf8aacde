"""Draws: whether a document is cut for fill-in-the-middle and where, which chunk of files becomes one document.

All come from hashes of the seed and the names of the documents. What is cut, and where, depends on nothing else; which
chunks become documents depends on the other chunks, too, since together they are to be a share. A copy has a name of
its own, and so is cut elsewhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import xxhash

from stages.rendering_forms import Split

MINIMUM_CHARACTERS = 3  # below, there is nothing to cut


def drawn(seed: int, *names: str) -> int:
    """0 to 2**64 - 1, all equally likely, by a seed of 64 bits and names."""
    return int(xxhash.xxh3_64_intdigest("\0".join(names).encode("utf-8", "surrogatepass"), seed=seed))


def happens(probability: float, seed: int, *names: str) -> bool:
    """True with a probability of 0 to 1."""
    return drawn(seed, *names) < probability * 2.0**64


def split(text: str, *, seed: int, name: str, spm_share: float) -> Split | None:
    """A text cut at two places, any of them equally likely, the ends too; None where it is too short.

    Places are between characters, not tokens, so a model learns to go on within a word. Source: arXiv 2207.14255,
    sections 3 and 4.1; a middle or an end of the text may be empty, as there.
    """
    if len(text) < MINIMUM_CHARACTERS:
        return None
    first, second = sorted((len(text) + 1) * drawn(seed, name, cut) >> 64 for cut in ("cut", "second cut"))
    suffix_first = happens(spm_share, seed, name, "suffix first")
    return Split(text[:first], text[first:second], text[second:], suffix_first)


def repository_chunks(lengths: Sequence[int], maximum_tokens: int) -> list[slice]:
    """Which files of a repository stand in one document: as many as fit, one after the other.

    Args:
        lengths: tokens of each file, in the order of their paths, with what the form adds to them.

    Returns:
        Slices in order; what lies in none, a file longer than the maximum, is a document of its own form. No files,
        no slices.
    """
    chunks: list[slice] = []
    start = total = 0
    for place, length in enumerate((*lengths, maximum_tokens + 1)):
        if total + length <= maximum_tokens:
            total += length
            continue
        if place > start:
            chunks.append(slice(start, place))
        start, total = (place, length) if length <= maximum_tokens else (place + 1, 0)
    return chunks


class Chunk(NamedTuple):
    """Some files of a repository that may become one document.

    Attributes:
        repository, revision: of all of them.
        first_id: of the first; with `copy` the name of the chunk.
        num_files: that follow each other in the order of their paths.
        num_bytes: of their texts together.
    """

    repository: str
    revision: str
    first_id: bytes
    copy: int
    num_files: int
    num_bytes: int


def chosen_chunks(chunks: Sequence[Chunk], wanted_bytes: float, seed: int) -> list[Chunk]:
    """The chunks that become documents: in an order of draws, until there are as many bytes as wanted, or nearly so.

    Returns:
        Their bytes differ from `wanted_bytes` by half a chunk at most; all chunks where they have fewer.
    """

    def draw(chunk: Chunk) -> tuple[int, bytes, int]:
        names = chunk.repository, chunk.revision, chunk.first_id.hex(), str(chunk.copy), "repository"
        return drawn(seed, *names), chunk.first_id, chunk.copy

    chosen: list[Chunk] = []
    total = 0
    for chunk in sorted(chunks, key=draw):
        if total + chunk.num_bytes / 2 > wanted_bytes:
            break
        chosen.append(chunk)
        total += chunk.num_bytes
    return chosen
