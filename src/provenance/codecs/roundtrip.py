"""Checks that a serializer gives back what it is given, on the first value of each type.

What is written is kept in memory, read back, and its hash compared with that of the value. In each
process the first value of a type is checked, then the second, the fourth, the eighth and so on.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LIMIT: Final = 1 << 26
"""Number of bytes up to which a value is read back."""
_MEMBERS: Final = 64
"""Number of members of a container whose types count."""
_KINDS: Final = 10_000
_CONTAINERS: Final = (list, tuple, set, frozenset, dict)
_Key: TypeAlias = "tuple[object, ...]"
_counts: Final[dict[_Key, int]] = {}
"""Numbers of values that were written, by serializer and type."""


def key_of(serializer: str, value: object) -> _Key:
    """Return what the values that are written alike have in common: the type, and those of members.

    >>> key_of("pickle", [1]) == key_of("pickle", [2, 3]) != key_of("pickle", ["a"])
    True
    """
    type_ = type(value)
    if type_ not in _CONTAINERS:
        return serializer, type_
    held = cast("Collection[object]", value)
    if type_ is dict:
        held = cast("Mapping[object, object]", value).values()
    return serializer, type_, frozenset(map(type, islice(held, _MEMBERS)))


def is_due(key: _Key) -> bool:
    """Tell whether the next value of this kind is to be read back, and count it if not."""
    count = _counts.get(key, 0) + 1
    if count & (count - 1) == 0:
        return True
    _counts[key] = count
    return False


def count_checked(key: _Key) -> None:
    """Count a value that came back as it was; one that did not is not counted, so the next is checked."""
    if len(_counts) >= _KINDS:
        _counts.clear()
    _counts[key] = _counts.get(key, 0) + 1


class CopyingSink(io.RawIOBase):
    """A sink that keeps what is written into *sink*, unless it is large."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self._sink = sink
        self._size = 0
        self.written: bytearray | None = bytearray()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of *data*."""
        view = memoryview(data)
        self._size += view.nbytes
        if self._size > _LIMIT:
            self.written = None
        if self.written is not None:
            self.written += view if view.c_contiguous else view.tobytes()
        self._sink.write(data)
        return view.nbytes

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._size

    def close(self) -> None:
        """Do nothing: encoders close what they write to."""

    def binary(self) -> BinaryIO:
        """Return this sink with the type that encoders expect; they only write to it."""
        return cast("BinaryIO", self)
