"""What becomes of bytes that a blob store is given and has already."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import BinaryIO, Final

from provenance.errors import CorruptBlobError, KeyExistsError
from provenance.records import Blob

_PIECE: Final = 1 << 20


class OnDuplicate(Enum):
    """What to do with bytes that are there already, under the same name and so with the same digest."""

    SKIP = "skip"
    """They stay, and count as written just now."""
    OVERWRITE = "overwrite"
    """They are replaced by the new ones."""
    CHECK_COLLISION = "check_collision"
    """They are compared with the new ones, byte for byte; others are an error, the same ones stay."""
    RAISE = "raise"
    """That they are there is an error."""

    def stays(self, blob: Blob, store: str, size: int | None, is_same: Callable[[], bool]) -> bool:
        """Whether the *size* bytes in *store* under the name of *blob* stay as they are; None where there are none.

        Bytes of another number than *blob* has are damaged, and make room.

        Raises:
            KeyExistsError: if they must not be there.
            CorruptBlobError: if they were to be compared, and differ.
        """
        if size is None or self is OnDuplicate.OVERWRITE:
            return False
        if self is OnDuplicate.CHECK_COLLISION and not (size == blob.size and is_same()):
            raise CorruptBlobError(blob.id, store, "other bytes are there than are to be written")
        if self is OnDuplicate.RAISE and size == blob.size:
            raise KeyExistsError(blob.id, store)
        return size == blob.size


def are_same(one: BinaryIO, other: BinaryIO) -> bool:
    """Whether two files hold the same bytes, from where they are to their ends.

    >>> import io
    >>> are_same(io.BytesIO(b"a"), io.BytesIO(b"a")), are_same(io.BytesIO(b"a"), io.BytesIO(b"ab"))
    (True, False)
    """
    while piece := one.read(_PIECE):
        if piece != other.read(_PIECE):
            return False
    return not other.read(1)
