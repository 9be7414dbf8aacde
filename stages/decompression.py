"""Decompression: the bytes of a shard, in bounded chunks, with every cut or damaged frame told.

zstd frames are fed to the library block by block. Fed freely, its streams end silently where a frame is cut, and 16 KiB
of run-length blocks can become 512 MiB in one call; a block never becomes more than 128 KiB, and the walk over the
three-byte block headers (RFC 8878, section 3.1.1) shows where a frame ends and at which byte a file is short. It costs
nothing measurable beside the stream reader. gzip has a bounded call of its own.

Memory: one chunk (1 MiB at most), one piece of the file (256 KiB), and the frame's window, which a frame may ask to be
2 GiB (`zstd --long=31`); pages of it are only touched as text fills them.
"""

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import zstandard

from manifests.errors import DamagedShardError

CHUNK_BYTES = 1 << 20
PIECE_BYTES = 1 << 18
MAXIMUM_WINDOW_BYTES = 1 << 31

# Real shards of code and text unpack to 3 to 20 times their bytes, all equal ones to a few hundred times.
_FREE_BYTES, _BYTES_PER_BYTE = 1 << 28, 1_000
_FREE_ROWS, _ROWS_PER_BYTE = 1 << 20, 10

_CUT = "the shard is cut or damaged: compare its size and checksum with the publisher's and fetch it again"
_BOMB = "it was made to fill disks and to take time: leave it out"
_SKIPPABLE_MAGIC = 0x184D2A50  # to ...5F: the last four bits are free
_RUN_LENGTH_BLOCK = 1
_CHECKSUM_FLAG = 4


def maximum_rows(num_bytes: int) -> int:
    """The most rows that a shard of so many bytes can hold; one with more was made to take time, not to be read."""
    return _FREE_ROWS + _ROWS_PER_BYTE * num_bytes


def maximum_content_bytes(num_bytes: int) -> int:
    """The most that so many compressed bytes can become, for the same reason."""
    return _FREE_BYTES + _BYTES_PER_BYTE * num_bytes


def decompressed(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The content of a shard, by the suffix of its name: `.zst`, `.gz`, or as it is.

    Several frames or members, one after the other, are read as one; skippable zstd frames are left out; zstd and gzip
    checksums are verified where they are written.

    Args:
        file: opened for reading bytes; `read` may return less than asked for.
        name: the shard's name; also names it in errors.

    Returns:
        Chunks of 1 to 2**20 bytes; none for an empty uncompressed file.

    Raises:
        DamagedShardError: a frame is cut or damaged, something follows the last one, or there is not even one (an
            empty file). What was decoded before comes first.
    """
    source = _Source(file, name)
    if name.endswith(".zst"):
        return chain.from_iterable(_zstd_frames(source))
    if name.endswith(".gz"):
        return _gzip_chunks(source)
    return iter(source.piece, b"")


def zstd_frames(file: BinaryIO, name: str, *, maximum_bytes: int) -> Iterator[bytes]:
    """The content of each frame of a `.zst` file, whole.

    Args:
        maximum_bytes: the most that a frame may hold.

    Raises:
        DamagedShardError: as `decompressed`, and for a frame that holds more. The frames before that come first.
    """
    source = _Source(file, name)
    for chunks in _zstd_frames(source):
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > maximum_bytes:
                raise source.damaged(f"a zstd frame of at most {maximum_bytes} bytes", "a larger one")
        yield bytes(content)


class _Source:
    """The compressed bytes, in the portions a format asks for; knows how far it is.

    Attributes:
        offset: compressed bytes handed out.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._buffer = b""
        self._position = 0  # in the buffer: cutting the front off for every small block would be quadratic
        self._content_bytes = 0
        self.offset = 0

    def piece(self) -> bytes:
        """What comes next, about PIECE_BYTES; empty at the end of the file."""
        piece = b"" if self.at_end() else self._buffer[self._position :]
        self._position = len(self._buffer)
        self.offset += len(piece)
        return piece

    def put_back(self, rest: bytes) -> None:
        """Return the unused end of the last piece."""
        self._buffer, self._position = rest, 0
        self.offset -= len(rest)

    def take(self, num_bytes: int, what: str) -> bytes:
        """Exactly that many bytes of a frame; raises DamagedShardError where the file has fewer."""
        while len(self._buffer) - self._position < num_bytes:
            rest = self._buffer[self._position :]
            more = self._file.read(PIECE_BYTES)
            if not more:
                self.offset += len(rest)
                raise self.damaged(what, "the end of the file")
            self._buffer, self._position = rest + more, 0
        taken = self._buffer[self._position : self._position + num_bytes]
        self._position += num_bytes
        self.offset += num_bytes
        return taken

    def at_end(self) -> bool:
        """Whether no byte is left."""
        if self._position == len(self._buffer):
            self._buffer, self._position = self._file.read(PIECE_BYTES), 0
        return not self._buffer

    def admit(self, content: bytes) -> None:
        """Count what was unpacked; raises DamagedShardError where it is more than a shard of data can become."""
        self._content_bytes += len(content)
        most = maximum_content_bytes(self.offset)
        if self._content_bytes > most:
            raise self.damaged(f"at most {most} bytes of content up to here", "more", hint=_BOMB)

    def damaged(self, expected: str, found: str, *, hint: str = _CUT) -> DamagedShardError:
        """The error to raise, at this place."""
        where = f"{self._name}: compressed byte {self.offset}"
        return DamagedShardError(f"{where}: expected {expected}, got {found}", hint=hint)


def _zstd_frames(source: _Source) -> Iterator[Iterator[bytes]]:
    """Of each frame its chunks; they must be taken before the next frame is."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAXIMUM_WINDOW_BYTES)
    if source.at_end():
        raise source.damaged("a zstd frame", "an empty file")
    while not source.at_end():
        magic = source.take(4, "a zstd frame")
        if magic == zstandard.FRAME_HEADER:
            yield _frame_chunks(source, decompressor)
        elif int.from_bytes(magic, "little") & ~0xF == _SKIPPABLE_MAGIC:
            _skip_frame(source)
        else:
            raise source.damaged("a zstd frame", f"bytes {magic.hex()}")


def _skip_frame(source: _Source) -> None:
    left = int.from_bytes(source.take(4, "the size of a skippable frame"), "little")
    while left:
        left -= len(source.take(min(left, PIECE_BYTES), "the rest of a skippable frame"))


def _frame_chunks(source: _Source, decompressor: zstandard.ZstdDecompressor) -> Iterator[bytes]:
    frame = decompressor.decompressobj()
    descriptor = source.take(1, "a zstd frame header")
    header = zstandard.FRAME_HEADER + descriptor
    header += source.take(zstandard.frame_header_size(header) - len(header), "a zstd frame header")
    last_block = False
    try:
        frame.decompress(header)
        while not last_block:
            block_header = source.take(3, "another block of a zstd frame")
            fields = int.from_bytes(block_header, "little")
            last_block = bool(fields & 1)
            size = 1 if fields >> 1 & 3 == _RUN_LENGTH_BLOCK else fields >> 3
            chunk = frame.decompress(block_header + source.take(size, "the rest of a zstd block"))
            if chunk:
                source.admit(chunk)
                yield chunk
        if descriptor[0] & _CHECKSUM_FLAG:
            frame.decompress(source.take(4, "the checksum of a zstd frame"))
    except zstandard.ZstdError as error:
        raise source.damaged("a sound zstd frame", str(error)) from error
    if not frame.eof:
        raise source.damaged("the end of a zstd frame", "a frame that goes on")


def _gzip_chunks(source: _Source) -> Iterator[bytes]:
    if source.at_end():
        raise source.damaged("a gzip member", "an empty file")
    while not source.at_end():
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        waiting = b""
        while not member.eof:
            try:
                chunk = member.decompress(waiting, CHUNK_BYTES)
            except zlib.error as error:
                raise source.damaged("a sound gzip member", str(error)) from error
            waiting = member.unconsumed_tail
            if chunk:
                source.admit(chunk)
                yield chunk
            elif not member.eof and not waiting:
                waiting = source.piece()
                if not waiting:
                    raise source.damaged("the rest of a gzip member", "the end of the file")
        source.put_back(member.unused_data)
