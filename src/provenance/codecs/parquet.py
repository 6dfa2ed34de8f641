"""What a Parquet file takes when it is decoded, as the headers of its pages bound it.

The metadata at its end can say anything, and one run of a page of 50 bytes can stand for a billion values. What a
decoder allocates follows from the headers of the pages, which are read here: in Thrift's compact protocol, as
https://parquet.apache.org/docs/file-format/ has it.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO, Final, TypeAlias, cast

from provenance.util.optional import require_library

_Struct: TypeAlias = "dict[int, _Value]"
_Value: TypeAlias = "bool | int | bytes | list[_Value] | _Struct"

_MAGIC: Final = b"PAR1"
_TAIL: Final = 8
_DEEPEST: Final = 16
_LONGEST_NUMBER: Final = 10
"""Bytes of a 64-bit integer."""
_WIDTHS: Final = (1, 4, 8, 12, 4, 8, 16, 16)
"""Bytes of a decoded value of each physical type; a text is a view of its page."""
_ENCODINGS: Final = frozenset({0, 2, 3, 4, 5, 6, 8})
"""Those that pandas and polars write. Others let each value repeat the one before, of any length."""
_DICTIONARY_PAGE: Final = 2
_SECOND_HEADER: Final = 8
_HEADERS: Final = {0: 5, _DICTIONARY_PAGE: 7, 3: _SECOND_HEADER}
"""The field of the header of each kind of page that is written."""
_WIDEST: Final = 16
"""Bytes of the largest number."""
_LONG_LIST: Final = 15
_MORE: Final = 128
"""The bit of a byte of a number after which more of them follow."""


def bound_pages(source: BinaryIO) -> tuple[int, int]:
    """Return how many bytes a file takes at most when it is decoded, its texts once each, and its largest dictionary.

    Raises:
        ValueError: if the file is not one that the serializers write.
    """
    try:
        return _bound_file(source)
    except (AttributeError, LookupError, OSError, TypeError) as error:
        raise ValueError(f"the headers of a Parquet file are damaged: {error!r}") from error


def _bound_file(source: BinaryIO) -> tuple[int, int]:
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, size - _TAIL))
    tail = source.read(_TAIL)
    source.seek(max(0, size - _TAIL - int.from_bytes(tail[:4], "little")))
    footer = _Reader(source).struct()
    if tail[4:] != _MAGIC or b"parquet-mr" in cast("bytes", footer.get(6, b"")).lower():
        raise ValueError("it is not a Parquet file that pandas or polars wrote")
    total = largest = 0
    # Decoders believe the schema, and not what the metadata of a column says of its type.
    widths = [
        _width(element) for element in cast("list[_Struct]", footer[2])[1:] if not element.get(5)
    ]
    for group in cast("list[_Struct]", footer.get(4, [])):
        for chunk, width in zip(cast("list[_Struct]", group[1]), widths, strict=True):
            decoded, dictionary = _bound_column(source, cast("_Struct", chunk[3]), width)
            total += decoded
            largest = max(largest, dictionary)
    return total, largest


def _width(element: _Struct) -> int:
    """Return the bytes of a decoded value of a column: of bytes of a fixed number that number, also where they miss."""
    return max(_WIDTHS[_number(element, 1)], _number(element, 2, 0))


def _bound_column(source: BinaryIO, column: _Struct, width: int) -> tuple[int, int]:
    """Return the bound of the pages of a column chunk, and the size of its dictionary."""
    begin = _number(column, 11, _number(column, 9))
    if not 0 < begin <= _number(column, 9):
        # Decoders do not agree where such pages begin.
        raise ValueError(
            f"a column of a Parquet file has its dictionary at {begin}, not before its pages"
        )
    end = begin + _number(column, 7)
    total = largest = 0
    source.seek(begin)
    while (position := source.tell()) < end:
        page = _Reader(source).struct()
        # There may be others, which decoders do not look at.
        kind = _HEADERS[_number(page, 1)]
        header = cast("_Struct", page[kind])
        encoding = _number(header, 4 if kind == _SECOND_HEADER else 2, 0)
        if encoding not in _ENCODINGS:
            raise ValueError(f"a page has the encoding {encoding}, which is never written")
        decoded = _number(page, 2)
        total += decoded + width * _number(header, 1)
        if _number(page, 1) == _DICTIONARY_PAGE:
            largest = max(largest, decoded)
        source.seek(_number(page, 3), io.SEEK_CUR)
        if source.tell() <= position:
            break
    return total, largest


def bound_fixed_lists(schema: Any, rows: int, size: int) -> int:  # noqa: ANN401 - Arrow's
    """Return the bytes that missing lists of a fixed length take at most, in *rows* rows of columns of *size* bytes.

    Such a list has all its members in memory, and nothing in the file.
    """
    kinds = [kind for kind in schema.types if "fixed_size_list" in str(kind)]
    return sum(_bound_lists(kind, rows, size) for kind in kinds)


def _bound_lists(kind: Any, count: int, size: int) -> int:  # noqa: ANN401 - Arrow's
    """Return the bytes that *count* values of a type take at most if they are missing."""
    pa = require_library("pyarrow", "Parquet")
    fields = [kind.field(at).type for at in range(kind.num_fields)]
    if pa.types.is_fixed_size_list(kind):
        return _bound_lists(fields[0], count * kind.list_size, size)
    # Each member of other lists has a byte in the pages at least.
    within = count if pa.types.is_struct(kind) else size
    return max((_bound_lists(field, within, size) for field in fields), default=_WIDEST * count)


def _number(struct: _Struct, field: int, default: int | None = None) -> int:
    """Return a number of a structure, which must not be negative."""
    value = struct.get(field, default)
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"a header of a Parquet file has {value!r} for a number")
    return value


class _Reader:
    """Reads values of Thrift's compact protocol; ValueError where there are none."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def struct(self, depth: int = 0) -> _Struct:
        """Return the fields of a structure by their numbers."""
        if depth > _DEEPEST:
            raise ValueError("the headers of a Parquet file are too deep")
        fields: _Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == 1 if kind in {1, 2} else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> _Value:
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                head = self._byte()
                count = head >> 4 if head >> 4 < _LONG_LIST else self._varint()
                return [self._value(head & 15, depth + 1) for _ in range(count)]
            case 12:
                return self.struct(depth + 1)
            case _:
                raise ValueError(
                    f"a header of a Parquet file has a value of the unknown type {kind}"
                )

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for place in range(_LONGEST_NUMBER):
            byte = self._byte()
            number |= (byte & 127) << 7 * place
            if byte < _MORE:
                return number
        raise ValueError("a header of a Parquet file has a number of more than 64 bits")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        read = self._source.read(min(count, 1 << 24))
        if len(read) < count:
            raise ValueError("a header of a Parquet file is cut off")
        return read
