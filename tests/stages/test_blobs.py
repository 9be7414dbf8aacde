"""An object gives the bytes of its name or a fault, in bounded memory; a text is decoded as named or not at all."""

import codecs
import gzip
import hashlib
import os
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.blobs import codec_of, decoded, hash_name, is_git_blob, unpacked
from stages.rows import Fault

LIMIT = 1 << 16
BLOB = "0" * 40
TEXT_ENCODINGS = ["UTF-8", "utf8", "UTF-16", "utf-8-sig", "UTF-7"]
NAMES_SEEN = (
    *(
        "UTF-8",
        "Windows-1251",
        "ISO-8859-5",
        "euc-kr",
        "shift_jis",
        "big5",
        "gb2312",
        "ibm866",
        "ibm855",
        "maccyrillic",
    ),
    *("koi8-r", "koi8-u", "tis-620", "cp932", "GB18030", "EUC-JP", "iso8859-15", "CP949", "johab", "ascii", "UTF-16LE"),
    *("hz", "iso-2022-jp", "UTF-8-SIG", "utf_32", "latin-1", "ANSI_X3.4-1968", "ISO-8859-1", "macroman", "cp720"),
)


def sha1(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def reason(found: object) -> str:
    return found.reason if isinstance(found, Fault) else "sound"


@settings(max_examples=40)
@given(raw=st.binary(max_size=2_000), level=st.integers(0, 9))
def test_an_object_gives_its_bytes(raw: bytes, level: int) -> None:
    assert unpacked(gzip.compress(raw, level), sha1(raw), maximum_bytes=len(raw)) == raw


@settings(max_examples=40)
@given(raw=st.binary(max_size=300), data=st.data())
def test_damage_never_gives_other_bytes(raw: bytes, data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(raw))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    assert unpacked(bytes(packed), sha1(raw), maximum_bytes=LIMIT) == raw or reason(
        unpacked(bytes(packed), sha1(raw), maximum_bytes=LIMIT)
    ) in ("blob_corrupt", "blob_too_large")


@settings(max_examples=40)
@given(raw=st.binary(max_size=300), data=st.data())
def test_a_cut_object_is_corrupt(raw: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(raw)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    assert reason(unpacked(cut, sha1(raw), maximum_bytes=LIMIT)) == "blob_corrupt"


@settings(max_examples=40)
@given(junk=st.binary(max_size=300))
def test_what_is_no_gzip_is_corrupt(junk: bytes) -> None:
    assert isinstance(unpacked(junk, sha1(junk), maximum_bytes=LIMIT), Fault)


def test_bytes_of_another_name_and_bytes_behind_the_end_are_corrupt() -> None:
    packed = gzip.compress(b"text")
    assert reason(unpacked(packed, sha1(b"other"), maximum_bytes=LIMIT)) == "blob_corrupt"
    assert reason(unpacked(packed + b"\0", sha1(b"text"), maximum_bytes=LIMIT)) == "blob_corrupt"
    assert reason(unpacked(packed + packed, sha1(b"texttext"), maximum_bytes=LIMIT)) == "blob_corrupt"


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2])
def test_the_bound_is_inclusive(size: int) -> None:
    raw = os.urandom(size)
    found = reason(unpacked(gzip.compress(raw), sha1(raw), maximum_bytes=LIMIT))
    assert found == ("sound" if size <= LIMIT else "blob_too_large")


def test_a_bomb_takes_no_more_memory_than_the_bound() -> None:
    packer = zlib.compressobj(1, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(40)) + packer.flush()
    tracemalloc.start()
    try:
        assert reason(unpacked(packed, BLOB, maximum_bytes=1 << 20)) == "blob_too_large"
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_gits_id_is_that_of_git() -> None:
    assert is_git_blob(b"what is up, doc?", "bd9dbf5aae1a3862dd1526723246b20206e5fc37")
    assert not is_git_blob(b"what is up, doc", "bd9dbf5aae1a3862dd1526723246b20206e5fc37")


@settings(max_examples=40)
@given(text=st.text(max_size=60), encoding=st.sampled_from(TEXT_ENCODINGS))
def test_texts_survive_their_encoding(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding), encoding, BLOB) == text


@settings(max_examples=40)
@given(raw=st.binary(max_size=60), encoding=st.sampled_from(NAMES_SEEN))
def test_bytes_decode_as_python_does_or_are_a_fault(raw: bytes, encoding: str) -> None:
    found = decoded(raw, encoding, BLOB)
    try:
        expected = raw.decode(encoding)
        expected.encode()
    except UnicodeError:
        assert reason(found) == "blob_undecodable"
    else:
        assert found == expected


@pytest.mark.parametrize("name", NAMES_SEEN)
def test_names_of_encodings_are_found_as_python_finds_them(name: str) -> None:
    assert codecs.lookup(codec_of(name)).name == codecs.lookup(name).name


@pytest.mark.parametrize(
    "name",
    [
        *("", "klingon", "x" * 1_000_000, "utf-8\0", "utf８", "../../etc/passwd", "encodings.utf_8", "\x1b[31m"),
        *("zlib", "bz2_codec", "hex", "base64", "rot13", "quopri", "uu", "idna", "punycode", "unicode_escape"),
        *("raw_unicode_escape", "undefined", "mbcs", "ansi", "oem", "aliases", "charmap"),
    ],
)
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    found = decoded(b"a", name, BLOB)
    assert isinstance(found, Fault)
    assert found.reason == "blob_undecodable"
    assert found.detail.isprintable()
    assert len(found.detail) < 200


def test_half_a_character_is_no_text() -> None:
    assert "\ud800" in b"+2AA-".decode("utf-7")
    assert reason(decoded(b"+2AA-", "utf-7", BLOB)) == "blob_undecodable"


@settings(max_examples=40)
@given(value=st.text(max_size=45) | st.from_regex(r"[0-9a-fA-F]{39,41}"))
def test_only_forty_digits_are_a_name(value: str) -> None:
    name = hash_name(value)
    assert name == "" or (len(name) == 40 and set(name) <= set("0123456789abcdef"))
    assert bool(name) == (len(value) == 40 and all(character in "0123456789abcdefABCDEF" for character in value))
