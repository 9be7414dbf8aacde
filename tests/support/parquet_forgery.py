"""Forged Parquet: footers and page headers taken apart, changed and put together again, for files that lie.

Thrift's compact protocol, as far as Parquet uses it: a struct is a dict of field number -> (type, value), a list a pair
of the items' type and the items.
"""

from collections.abc import Callable, Iterator
from typing import Any

STRUCT, LIST, BINARY, I32, I64 = 12, 9, 8, 5, 6
_TRUE, _FALSE, _BYTE, _DOUBLE = 1, 2, 3, 7
_INTEGERS = (4, I32, I64)
_MAGIC = b"PAR1"
ROW_GROUPS, COLUMNS, COLUMN_META_DATA = 4, 1, 3  # numbers of fields, in their order from the footer down

Struct = dict[int, tuple[int, Any]]


def forged(data: bytes, change: Callable[[Struct], None]) -> bytes:
    """A Parquet file with a changed footer; its pages stay where they are."""
    length = int.from_bytes(data[-8:-4], "little")
    footer = _Reader(data[-8 - length : -8]).struct()
    change(footer)
    return with_footer(data[: -8 - length], encoded(footer))


def with_footer(pages: bytes, footer: bytes) -> bytes:
    """A file of some pages and a footer, whatever that is."""
    return pages + footer + len(footer).to_bytes(4, "little") + _MAGIC


def chunks(footer: Struct) -> Iterator[Struct]:
    """The metadata of every column of every row group."""
    for group in footer[ROW_GROUPS][1][1]:
        for column in group[COLUMNS][1][1]:
            yield column[COLUMN_META_DATA][1]


def page_header(data: bytes, offset: int) -> tuple[Struct, int]:
    """The page header at an offset, and how long it is."""
    reader = _Reader(data[offset:])
    return reader.struct(), reader.place


def encoded(struct: Struct) -> bytes:
    """A struct as it stands in a file."""
    out, last = bytearray(), 0
    for number, (kind, value) in sorted(struct.items()):
        delta = number - last
        out += bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + _zigzag(number)
        out += _value(kind, value)
        last = number
    return bytes(out) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind in (_TRUE, _FALSE):
        return b""
    if kind == _BYTE:
        return bytes([value & 0xFF])
    if kind in _INTEGERS:
        return _zigzag(value)
    if kind == _DOUBLE:
        return bytes(value)
    if kind == BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == LIST:
        of, items = value
        head = bytes([len(items) << 4 | of]) if len(items) < 15 else bytes([0xF0 | of]) + _varint(len(items))
        return head + b"".join(_item(of, item) for item in items)
    return encoded(value)


def _item(kind: int, value: Any) -> bytes:
    return bytes([value]) if kind in (_TRUE, _FALSE) else _value(kind, value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 ^ number >> 63)


class _Reader:
    """Reads a struct from its bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def _byte(self) -> int:
        self.place += 1
        return self._data[self.place - 1]

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)

    def _bytes(self, length: int) -> bytes:
        self.place += length
        return self._data[self.place - length : self.place]

    def struct(self) -> Struct:
        """The struct that begins here."""
        found: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            found[number] = (head & 15, self._value(head & 15))
        return found

    def _value(self, kind: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in _INTEGERS:
            return self._signed()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == BINARY:
            return self._bytes(self._number())
        if kind == LIST:
            head = self._byte()
            length = head >> 4 if head >> 4 < 15 else self._number()
            of = head & 15
            return of, [self._byte() if of in (_TRUE, _FALSE) else self._value(of) for _ in range(length)]
        return self.struct()
