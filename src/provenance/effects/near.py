"""A local folder in front of a store that is elsewhere: what was read or written lately is read without going there.

It is a help and no store of its own: bytes come into it once they are safe in the far one, and one that fails, because its
disk is full, fails no call.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from attrs import frozen

from provenance.asks import Blobs, HasBlob, WriteBlob
from provenance.effect import Interpreter, overlaid
from provenance.effects.tiers import Tier, tiered
from provenance.errors import StoreUnavailableError
from provenance.records import Written

if TYPE_CHECKING:
    from typing_extensions import Buffer

_log: Final = logging.getLogger("provenance")


def near_first(name: str, near: Tier, far: Tier, *, always_check_remote: bool = False) -> Interpreter[Blobs]:
    """The blob store *name*: *far*, with copies in *near*; to *always_check_remote* is to ask only it what is there."""
    both = tiered(name, (near, far))
    top: Interpreter[Any] = WriteBlob.on(_Both(near, far).write)
    return overlaid(both, top | HasBlob.on(far.ask) if always_check_remote else top)


@frozen
class _Both:
    near: Tier
    far: Tier

    def write(self, ask: WriteBlob) -> Written:
        """Encode once, for both; the copy gets its name when the far store has confirmed."""
        begun: list[bool] = []
        confirmed: list[Written] = []

        def write_both(near: BinaryIO) -> None:
            begun.append(True)
            confirmed.append(self.far.ask(WriteBlob(lambda far: ask.write(_Tee(far, near).binary()))))

        try:
            self.near.ask(WriteBlob(write_both))
        except StoreUnavailableError as error:
            if begun and not confirmed:  # it is not the near one that failed
                raise
            _log.warning("%s keeps no copy: %s", self.near.name, error)
        return confirmed[0] if confirmed else self.far.ask(ask)


class _Tee(io.RawIOBase):
    """Writes to *far*, and to *near* until that fails."""

    def __init__(self, far: BinaryIO, near: BinaryIO) -> None:
        super().__init__()
        self._far = far
        self._near: BinaryIO | None = near

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of *data*."""
        size = self._far.write(data)
        if self._near is not None:
            try:
                self._near.write(data)
            except StoreUnavailableError:  # it says so again when it is asked for the whole
                self._near = None
        return size

    def tell(self) -> int:
        """How many bytes were written so far."""
        return self._far.tell()

    def close(self) -> None:
        """Do nothing: encoders close what they write to, and both stores have still to publish it."""

    def binary(self) -> BinaryIO:
        """This sink as the type that encoders ask for; they only ever write to it."""
        return cast("BinaryIO", self)
