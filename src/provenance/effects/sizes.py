"""Two blob stores as one: small blobs in one, large ones in the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeAlias

from provenance.asks import Blobs, DropBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.chores import CheckBlob
from provenance.codecs import Encoding
from provenance.effect import Effect, Interpreter
from provenance.effects.joint import Joint
from provenance.effects.sinks import Encoded, Kept, Overflow
from provenance.errors import BlobNotFoundError
from provenance.ports import blob_effects
from provenance.records import Blob, Written

_OfBlob: TypeAlias = HasBlob | DropBlob | Quarantine | CheckBlob


def by_size(small: Interpreter[Blobs], large: Interpreter[Blobs], limit: int) -> Interpreter[Blobs]:
    """Return a store with blobs of up to *limit* bytes in *small*, and larger ones in *large*.

    Blobs are looked for in both. What is written is encoded into memory until it is too large, and
    then encoded again for *large*.
    """
    both = _BySize(small, large, limit)
    return (
        blob_effects(both)
        | ReadBlob.on(both.read)
        | DropBlob.on(lambda ask: both.drop_blob(ask.blob, ask.before))
    )


class _BySize(Joint):
    def __init__(self, small: Interpreter[Blobs], large: Interpreter[Blobs], limit: int) -> None:
        self._small, self._large = small, large
        self._read_small, self._read_large = small.answer_to(ReadBlob), large.answer_to(ReadBlob)
        self._limit = limit

    def stores(self, ask: Effect[Any]) -> tuple[Interpreter[Blobs], Interpreter[Blobs]]:
        if isinstance(ask, _OfBlob) and ask.blob.size > self._limit:
            return self._large, self._small
        return self._small, self._large

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Written:
        data = write.at_once() if isinstance(write, Encoding) else None
        if data is not None and len(data) <= self._limit:
            return self._small(WriteBlob(Encoded(data)))
        kept = Kept(self._limit)
        try:
            write(kept)
        except (Overflow, Exception):
            # The encoder may have turned the overflow into an exception of its own.
            if not kept.overflowed:
                raise
        if kept.overflowed:
            return self._large(WriteBlob(write))
        return self._small(WriteBlob(Encoded(kept.getvalue())))

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        return self.read(ReadBlob(blob, read))

    def read(self, ask: ReadBlob) -> object:
        """Try the likely store first: the limit may have been another one at the time."""
        is_small = ask.blob.size <= self._limit
        try:
            return (self._read_small if is_small else self._read_large)(ask)
        except BlobNotFoundError:
            other = self._large if is_small else self._small
            if not other(HasBlob(ask.blob)):
                raise
        return other(ask)
