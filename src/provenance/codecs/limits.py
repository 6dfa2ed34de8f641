"""The limit on what bytes of an untrusted store become when they are decoded.

A few kilobytes can decompress to terabytes. What others may write is decoded up to a size in
relation to its stored size, which real data does not reach.
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from provenance.util.context import setting

if TYPE_CHECKING:
    from typing_extensions import Buffer

VARIABLE: Final = "PROVENANCE_MAX_EXPANSION"
"""The environment variable with the largest ratio of decoded to stored size."""
RATIO: Final = 1_000
"""That ratio if the variable is not set."""
ALWAYS_ALLOWED: Final = 1 << 30
"""Decoded bytes that are allowed whatever the ratio is: a gigabyte fits into most machines."""

_limit: Final[ContextVar[int | None]] = ContextVar("provenance_decoded_limit", default=None)


def limit_decoded_size(source: BinaryIO, ratio: int) -> AbstractContextManager[None]:
    """Refuse, in this block, to decode *source* to more than *ratio* times its stored size."""
    stored = source.seek(0, io.SEEK_END)
    source.seek(0)
    return setting(_limit, max(ALWAYS_ALLOWED, ratio * stored))


def check_decoded_size(size: int) -> None:
    """Raise ValueError if *size* bytes are more than the block allows."""
    limit = _limit.get()
    if limit is not None and size > limit:
        raise ValueError(
            f"it would be decoded to more than {limit:,} bytes, far more than is stored; if it is "
            f"sound, set the environment variable {VARIABLE} to a larger ratio than now"
        )


def decoded_limit() -> int | None:
    """Return the number of bytes that this block allows; None if it does not limit them."""
    return _limit.get()


def limited(reader: io.RawIOBase) -> io.RawIOBase:
    """Return *reader*, with the limit of this block if there is one."""
    return reader if _limit.get() is None else _LimitedReader(reader)


class _LimitedReader(io.RawIOBase):
    def __init__(self, reader: io.RawIOBase) -> None:
        super().__init__()
        self._reader = reader
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        count = cast("int", self._reader.readinto(buffer)) or 0
        self._size += count
        check_decoded_size(self._size)
        return count
