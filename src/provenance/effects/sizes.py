"""Two blob stores as one: small blobs in the one, large ones in the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, TypeAlias

from attrs import frozen

from provenance.asks import Blobs, DropBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.chores import Discard, FindPlaces, Holding, ListHoldings, Shelf
from provenance.codecs import Encoding
from provenance.effect import Interpreter
from provenance.effects.joint import check_in, merged_holdings
from provenance.effects.sinks import Encoded, Kept, Overflow
from provenance.errors import BlobNotFoundError
from provenance.ports import blob_effects
from provenance.records import Blob, Written

_Read: TypeAlias = Callable[[ReadBlob], object]


def by_size(small: Interpreter[Blobs], large: Interpreter[Blobs], limit: int) -> Interpreter[Blobs]:
    """Blobs of at most *limit* bytes live in *small*, the others in *large*; each is looked for in both.

    What is written is encoded into memory until it proves too long, and then encoded anew for *large*.
    """
    read_small, read_large = small.answer_to(ReadBlob), large.answer_to(ReadBlob)

    def read(ask: ReadBlob) -> object:
        """Look in the likely one first: the limit may have been another when the blob was written."""
        is_small = ask.blob.size <= limit
        try:
            return (read_small if is_small else read_large)(ask)
        except BlobNotFoundError:
            other = large if is_small else small
            if not other(HasBlob(ask.blob)):
                raise
        return other(ask)

    both = _BySize(small, large, limit, read)
    return (
        blob_effects(both)
        | ReadBlob.on(read)
        | DropBlob.on(lambda ask: both.drop_blob(ask.blob, ask.before))
    )


@frozen
class _BySize:
    small: Interpreter[Blobs]
    large: Interpreter[Blobs]
    limit: int
    read: _Read

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Written:
        data = write.at_once() if isinstance(write, Encoding) else None
        if data is not None and len(data) <= self.limit:
            return self.small(WriteBlob(Encoded(data)))
        kept = Kept(self.limit)
        try:
            write(kept)
        except (Overflow, Exception):
            if not kept.overflowed:  # else the encoder may have made another exception of it
                raise
        return (
            self.large(WriteBlob(write))
            if kept.overflowed
            else self.small(WriteBlob(Encoded(kept.getvalue())))
        )

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        return self.read(ReadBlob(blob, read))

    def has_blob(self, blob: Blob) -> bool:
        return any(tier(HasBlob(blob)) for tier in self._tiers(blob))

    def drop_blob(self, blob: Blob, before: datetime | None = None) -> None:
        for tier in self._tiers(blob):
            tier(DropBlob(blob, before))

    def quarantine(self, blob: Blob) -> None:
        for tier in self._tiers(blob):
            tier(Quarantine(blob))

    def check_blob(self, blob: Blob) -> None:
        check_in(self._tiers(blob), blob)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        return merged_holdings((self.small, self.large), ListHoldings(shelf, after, limit))

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        gone = [each(Discard(shelf, key, before)) for each in (self.small, self.large)]
        return any(gone)

    def find_places(self) -> frozenset[str]:
        places: frozenset[str] = self.small(FindPlaces())
        others: frozenset[str] = self.large(FindPlaces())
        return places | others

    def _tiers(self, blob: Blob) -> tuple[Interpreter[Blobs], Interpreter[Blobs]]:
        """The likely one first."""
        return (self.small, self.large) if blob.size <= self.limit else (self.large, self.small)
