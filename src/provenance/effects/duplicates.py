"""The policy for bytes that a blob store has already."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import BinaryIO, Final

from provenance.errors import CorruptBlobError, KeyExistsError
from provenance.records import Blob

_CHUNK: Final = 1 << 20


class OnDuplicate(Enum):
    """What to do with bytes that are stored already, under the same digest."""

    SKIP = "skip"
    """Keep them, as if they had been written just now."""
    OVERWRITE = "overwrite"
    """Replace them with the new ones."""
    CHECK_COLLISION = "check_collision"
    """Compare them with the new ones byte for byte: keep equal ones, raise for others."""
    RAISE = "raise"
    """Raise an error."""

    def stays(self, blob: Blob, store: str, size: int | None, is_same: Callable[[], bool]) -> bool:
        """Return whether the *size* bytes that *store* has for *blob* stay; None if it has none.

        Bytes of another size than *blob* has are damaged, and are replaced.

        Raises:
            KeyExistsError: if the policy forbids duplicates.
            CorruptBlobError: if the policy compares them, and they differ.
        """
        if size is None or self is OnDuplicate.OVERWRITE:
            return False
        if self is OnDuplicate.CHECK_COLLISION and not (size == blob.size and is_same()):
            raise CorruptBlobError(
                blob.id, store, "stored bytes differ from the bytes being written"
            )
        if self is OnDuplicate.RAISE and size == blob.size:
            raise KeyExistsError(blob.id, store)
        return size == blob.size


def are_same(one: BinaryIO, other: BinaryIO) -> bool:
    """Return whether two files hold the same bytes, from their positions to their ends.

    >>> import io
    >>> are_same(io.BytesIO(b"a"), io.BytesIO(b"a")), are_same(io.BytesIO(b"a"), io.BytesIO(b"ab"))
    (True, False)
    """
    while chunk := one.read(_CHUNK):
        if chunk != other.read(_CHUNK):
            return False
    return not other.read(1)
