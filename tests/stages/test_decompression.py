"""Frames, members, windows; every cut and every damaged byte is told."""

import gzip
import hashlib
import io
import struct
import zlib
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import UnitError
from stages.decompression import CHUNK_BYTES, decompressed, zstd_frames

TEXT = b"".join(b"%d words of a line\n" % number for number in range(40_000))


class Dribble(io.BytesIO):
    """A file that gives less than it is asked for."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size if size is not None and size >= 0 else self._most, self._most))


def zstd(content: bytes, *, level: int = 3, checksum: bool = False) -> bytes:
    """One frame without a content size, as streaming writers make it."""
    compressor = zstandard.ZstdCompressor(level=level, write_checksum=checksum).compressobj()
    return compressor.compress(content) + compressor.flush()


def skippable(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A53, len(content)) + content


def read(content: bytes, name: str) -> bytes:
    return b"".join(decompressed(io.BytesIO(content), name))


def read_until_error(chunks: Iterator[bytes]) -> tuple[bytes, UnitError]:
    """What came before the error, and the error."""
    parts: list[bytes] = []
    with pytest.raises(UnitError) as raised:
        parts.extend(chunks)
    return b"".join(parts), raised.value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", TEXT),
        ("a.jsonl.gz", gzip.compress(TEXT)),
        ("a.jsonl.zst", zstd(TEXT)),
        ("a.jsonl.zst", zstd(TEXT, checksum=True)),
        ("a.jsonl.zst", zstandard.compress(TEXT)),
        ("a.jsonl.zst", zstandard.compress(b"short")),
    ],
)
def test_suffix_chooses_the_codec(name: str, content: bytes) -> None:
    assert read(content, name) == (b"short" if len(content) < 50 else TEXT)


def test_zstd_frames_and_skippable_frames_read_as_one() -> None:
    content = (
        skippable(b"head") + zstd(b"one\n") + zstandard.compress(b"") + skippable(b"") + zstd(TEXT) + skippable(b"x")
    )
    assert read(content, "a.zst") == b"one\n" + TEXT


def test_gzip_members_read_as_one() -> None:
    assert read(gzip.compress(b"one\n") + gzip.compress(b"") + gzip.compress(TEXT), "a.gz") == b"one\n" + TEXT


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_no_chunk_is_empty(suffix: str) -> None:
    frames = {".gz": gzip.compress(b""), ".zst": zstd(b"") + zstandard.compress(b"")}[suffix]
    assert list(decompressed(io.BytesIO(frames), f"a{suffix}")) == []


@pytest.mark.parametrize("window_log", [27, 28, 30, 31])
def test_long_window_is_read(window_log: int) -> None:
    parameters = zstandard.ZstdCompressionParameters(
        window_log=window_log, hash_log=10, chain_log=10, strategy=zstandard.STRATEGY_FAST
    )
    header = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    content = header.compress(TEXT[:1000]) + header.flush()
    assert zstandard.get_frame_parameters(content).window_size == 1 << window_log
    assert read(content, "a.zst") == TEXT[:1000]


@settings(deadline=None)
@given(most=st.integers(1, 100), text=st.binary(max_size=2000), suffix=st.sampled_from(["", ".gz", ".zst"]))
def test_short_reads_change_nothing(most: int, text: bytes, suffix: str) -> None:
    content = {"": text, ".gz": gzip.compress(text) * 2, ".zst": zstd(text) * 2}[suffix]
    got = b"".join(decompressed(Dribble(content, most), f"a{suffix}"))
    assert got == (text * 2 if suffix else text)


FIRST = b"first frame\n"
NOISE = hashlib.shake_128(b"does not compress").digest(300_000)
CUT_FRAMES = {
    ".gz": (gzip.compress(FIRST), gzip.compress(NOISE)),
    ".zst": (zstd(FIRST), zstd(NOISE, checksum=True)),
}


@settings(deadline=None)
@given(data=st.data(), suffix=st.sampled_from([".gz", ".zst"]))
def test_cut_anywhere_is_an_error_after_what_came_before(data: st.DataObject, suffix: str) -> None:
    parts = CUT_FRAMES[suffix]
    whole = b"".join(parts)
    end = data.draw(st.integers(len(parts[0]) + 1, len(whole) - 1))
    got, error = read_until_error(decompressed(io.BytesIO(whole[:end]), f"shard{suffix}"))
    assert got.startswith(FIRST)
    assert (FIRST + NOISE).startswith(got)
    assert len(got) > end - 150_000
    assert error.message.startswith(f"shard{suffix}: compressed byte {end}: expected")
    assert error.hint


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_empty_compressed_file_is_an_error(suffix: str) -> None:
    assert "empty file" in read_until_error(decompressed(io.BytesIO(b""), f"a{suffix}"))[1].message


def test_empty_plain_file_has_no_chunk() -> None:
    assert list(decompressed(io.BytesIO(b""), "a.jsonl")) == []


@pytest.mark.parametrize("garbage", [b"\0", b"garbage that is no frame", b"\0" * 5000])
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_trailing_garbage_is_an_error(suffix: str, garbage: bytes) -> None:
    frame = gzip.compress(b"text\n") if suffix == ".gz" else zstd(b"text\n")
    got, _ = read_until_error(decompressed(io.BytesIO(frame + garbage), f"a{suffix}"))
    assert got == b"text\n"


def test_cut_skippable_frame_is_an_error() -> None:
    got, error = read_until_error(decompressed(io.BytesIO(zstd(b"text\n") + skippable(b"12345678")[:-1]), "a.zst"))
    assert got == b"text\n"
    assert "skippable" in error.message


def test_wrong_gzip_checksum_is_an_error() -> None:
    content = bytearray(gzip.compress(TEXT))
    content[-8] ^= 1
    got, error = read_until_error(decompressed(io.BytesIO(bytes(content)), "a.gz"))
    assert "incorrect data check" in error.message
    assert TEXT.startswith(got)


def test_wrong_zstd_checksum_is_an_error() -> None:
    content = bytearray(zstd(TEXT, checksum=True))
    content[-1] ^= 1
    got, error = read_until_error(decompressed(io.BytesIO(bytes(content)), "a.zst"))
    assert "checksum" in error.message
    assert got == TEXT


@settings(deadline=None)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), suffix=st.sampled_from([".gz", ".zst"]))
def test_a_flipped_bit_never_passes_and_never_crashes(place: int, bit: int, suffix: str) -> None:
    text = TEXT[:5000]
    content = bytearray(gzip.compress(text) if suffix == ".gz" else zstd(text, checksum=True))
    content[place % len(content)] ^= 1 << bit
    try:
        got = read(bytes(content), f"a{suffix}")
    except UnitError:
        return
    assert got in (text, b"")  # header fields nobody reads; a frame turned into a skippable one


def run_length_bomb(num_blocks: int) -> bytes:
    """A frame of blocks of four bytes, each of 128 KiB of text."""
    block = (128 << 10) << 3 | 1 << 1
    last = block | 1
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(20 - 10) << 3])
    blocks = (block.to_bytes(3, "little") + b"a") * (num_blocks - 1) + last.to_bytes(3, "little") + b"a"
    return header + blocks


def test_zstd_bomb_comes_in_bounded_chunks() -> None:
    sizes = [len(chunk) for chunk in decompressed(io.BytesIO(run_length_bomb(1000)), "a.zst")]
    assert sum(sizes) == 1000 * (128 << 10)
    assert max(sizes) <= CHUNK_BYTES


def test_gzip_bomb_comes_in_bounded_chunks() -> None:
    compressor = zlib.compressobj(wbits=31)
    content = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(50)) + compressor.flush()
    sizes = [len(chunk) for chunk in decompressed(io.BytesIO(content), "a.gz")]
    assert sum(sizes) == 50 << 20
    assert max(sizes) <= CHUNK_BYTES


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_frames_are_given_one_by_one(contents: list[bytes]) -> None:
    file = io.BytesIO(skippable(b"left out").join(map(zstd, contents)))
    assert list(zstd_frames(file, "a.zst", maximum_bytes=200)) == contents


def test_a_frame_that_is_too_large_is_told_before_all_of_it_is_read() -> None:
    frames = zstd_frames(io.BytesIO(zstd(b"small") + zstd(bytes(1 << 30))), "a.zst", maximum_bytes=1 << 20)
    assert next(frames) == b"small"
    with pytest.raises(UnitError, match=r"a\.zst: compressed byte \d+: expected a zstd frame of at most 1048576 bytes"):
        next(frames)
