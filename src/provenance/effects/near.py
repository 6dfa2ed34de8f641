"""A write-through cache: a local folder in front of a remote store.

It is only a cache: bytes enter it once they are safe in the remote store, and if it fails, for
example because its disk is full, no call fails.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from provenance.asks import Blobs, HasBlob, WriteBlob
from provenance.effect import Interpreter, overlaid
from provenance.effects.tiers import Tier, tiered
from provenance.errors import StoreUnavailableError
from provenance.records import Written

if TYPE_CHECKING:
    from typing_extensions import Buffer

_log: Final = logging.getLogger("provenance")


def near_first(
    name: str, near: Tier, far: Tier, *, always_check_remote: bool = False
) -> Interpreter[Blobs]:
    """Return the blob store *name*: *far*, with copies in *near*.

    With *always_check_remote*, only *far* is asked whether a blob exists.
    """

    def write(ask: WriteBlob) -> Written:
        """Encode once, for both; the copy gets its name after the far store has confirmed."""
        has_begun = False
        confirmed: list[Written] = []

        def write_both(copy: BinaryIO) -> None:
            nonlocal has_begun
            has_begun = True
            tee = WriteBlob(lambda sink: ask.write(cast("BinaryIO", _Tee(sink, copy))))
            confirmed.append(far.ask(tee))

        try:
            near.ask(WriteBlob(write_both))
        except StoreUnavailableError as error:
            if has_begun and not confirmed:  # the far store failed
                raise
            _log.warning("%s keeps no copy: %s", near.name, error)
        return confirmed[0] if confirmed else far.ask(ask)

    top: Interpreter[Any] = WriteBlob.on(write)
    if always_check_remote:
        top |= HasBlob.on(far.ask)
    return overlaid(tiered(name, (near, far)), top)


class _Tee(io.RawIOBase):
    """A writer to *far*, and to *near* until that fails."""

    def __init__(self, far: BinaryIO, near: BinaryIO) -> None:
        super().__init__()
        self._far = far
        self._near: BinaryIO | None = near

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of *data*."""
        size = self._far.write(data)
        if self._near is not None:
            try:
                self._near.write(data)
            except StoreUnavailableError:  # its store raises it again in the end
                self._near = None
        return size

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._far.tell()

    def close(self) -> None:
        """Do nothing: encoders close what they write to, and both stores have yet to publish it."""
