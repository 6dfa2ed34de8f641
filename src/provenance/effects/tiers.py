"""Several blob stores as one: a copy near by, replicas, or a split by size."""

# ruff: noqa: D102 - the methods of `BlobStore`

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final, TypeAlias, cast

from attrs import field, frozen

from provenance.codecs import Encoding
from provenance.codecs.compression import PassingSink
from provenance.codecs.trust import CopyPolicy, is_vouched, may_copy, read_executes
from provenance.effect import Interpreter, overlay
from provenance.effects.io import EncodedBytes, MemorySink, SinkOverflow
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    ProvenanceError,
    StorePermissionError,
    StoreUnavailableError,
)
from provenance.model.records import Blob, InlineBlob, StoredBlob, WriteResult
from provenance.ports.blobs import (
    BlobArea,
    BlobEffects,
    BlobEntry,
    DeleteBlob,
    DeleteIfOlder,
    GetBlobLocations,
    HasBlob,
    ListBlobEntries,
    Quarantine,
    ReadBlob,
    VerifyBlob,
    Write,
    WriteBlob,
    blob_effects,
    copying_from,
)
from provenance.ports.permissions import Permissions, StoreEffect, reading_through


class StoreUnion:
    """Several blob stores as one; a subclass says which of them to ask, and reads and writes."""

    def write_blob(self, write: Write) -> WriteResult:
        raise NotImplementedError

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        raise NotImplementedError

    def interpreter(self) -> Interpreter[BlobEffects]:
        """Return an interpreter of the union."""
        return blob_effects(self) | DeleteBlob.on(
            lambda ask: self.delete_blob(ask.blob, ask.before)
        )

    def stores(self, ask: StoreEffect[Any]) -> Sequence[Interpreter[Any]]:
        """Return the stores to ask, the most likely one first."""
        raise NotImplementedError

    def has_blob(self, blob: Blob) -> bool:
        ask = HasBlob(blob)
        return any(store(ask) for store in self.stores(ask))

    def delete_blob(self, blob: Blob, before: datetime | None = None) -> None:
        self._ask_all(DeleteBlob(blob, before))

    def quarantine(self, blob: Blob) -> None:
        self._ask_all(Quarantine(blob))

    def verify_blob(self, blob: Blob) -> None:
        """Check *blob* in each store that has it; raise `BlobNotFoundError` if none has it."""
        missing: BlobNotFoundError | None = None
        is_checked = False
        for store in self.stores(ask := VerifyBlob(blob)):
            try:
                store(ask)
                is_checked = True
            except BlobNotFoundError as error:
                missing = missing or error
        if missing is not None and not is_checked:
            raise missing

    def list_blob_entries(self, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
        """Return a page of what the stores have; copies are one entry, as old as the youngest."""
        found: dict[str, BlobEntry] = {}
        for page in self._ask_all(ListBlobEntries(shelf, after, limit)):
            for entry in cast("tuple[BlobEntry, ...]", page):
                known = found.get(entry.key)
                size, since = (0, entry.since) if known is None else (known.size, known.since)
                found[entry.key] = BlobEntry(entry.key, size + entry.size, max(since, entry.since))
        return tuple(found[key] for key in sorted(found)[:limit])

    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime) -> bool:
        return any(self._ask_all(DeleteIfOlder(shelf, key, before)))

    def get_blob_locations(self) -> frozenset[str]:
        return frozenset[str]().union(*self._ask_all(GetBlobLocations()))

    def _ask_all(self, ask: StoreEffect[Any]) -> list[Any]:
        return [store(ask) for store in self.stores(ask)]


_TROUBLES: Final = BlobNotFoundError, CorruptBlobError, StoreUnavailableError
"""The worst last: an unreachable store may have the bytes that other tiers lack."""
_log: Final = logging.getLogger("provenance")


@frozen
class Tier:
    """One of several stores: its name, what it answers, what it may be asked, whether it is trusted, and what it takes."""

    name: str
    ask: Interpreter[Any] = field(repr=False)
    permissions: Permissions
    trusted: bool = True
    copy_policy: CopyPolicy = CopyPolicy.DATA_ONLY


def make_tiered_store(name: str, tiers: Sequence[Tier]) -> Interpreter[BlobEffects]:
    """Return the blob store *name* made of *tiers*, the nearest first."""
    return TieredBlobs(name, tiers).interpreter()


def _may_take(tier: Tier, found: Tier, read: object) -> bool:
    """Return whether *tier* takes a copy of the bytes that *read* reads in the tier where they were *found*."""
    trusted = found.trusted or is_vouched(read)
    return tier.permissions.read_through_write and may_copy(
        trusted=trusted, executes=read_executes(read), into=tier.copy_policy
    )


class TieredBlobs(StoreUnion):
    """The tiers of the store *name*, the nearest first."""

    def __init__(self, name: str, tiers: Sequence[Tier]) -> None:
        self.name = name
        self.tiers = tuple(tiers)

    def allowed(self, ask: StoreEffect[Any] | type[StoreEffect[Any]]) -> list[Tier]:
        """Return the tiers that permit *ask*; raise `StorePermissionError` if none does."""
        found = [tier for tier in self.tiers if tier.permissions.permit(ask)]
        if not found:
            raise StorePermissionError(ask.action, self.name, ask.needs)
        return found

    def answers(
        self,
        ask: Any,  # noqa: ANN401 - whatever is answered
        past: tuple[type[ProvenanceError], ...] = (StoreUnavailableError, CorruptRecordError),
        narrow: Callable[[], Any] | None = None,
    ) -> Iterator[tuple[Tier, Any]]:
        """Yield the tiers and their answers; raise the first error of a tier after the last one.

        *narrow* returns what to ask the next tier, where that is less than what *ask* asks.
        """
        trouble: ProvenanceError | None = None
        for tier in self.allowed(ask):
            try:
                yield tier, tier.ask(ask if narrow is None else narrow())
            except past as error:
                trouble = trouble or error
        if trouble is not None:  # what cannot be read is not known to be absent
            raise trouble

    def write_blob(self, write: Callable[[BinaryIO], None]) -> WriteResult:
        """Write to all tiers, encoding once: the farthest runs *write*, the others get its bytes."""
        ask = WriteBlob(write)
        farthest, *nearer = self.allowed(ask)[::-1]
        written: WriteResult = farthest.ask(ask)
        for tier in nearer:
            copy: WriteResult = tier.ask(WriteBlob(_copy_to(farthest, written)))
            written = copy if isinstance(copy, InlineBlob) else written
        return written

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        troubles: list[ProvenanceError] = []
        ask = ReadBlob(blob, read)
        readable = self.allowed(ask)
        for position, tier in enumerate(readable):
            try:
                nearer = [near for near in readable[:position] if _may_take(near, tier, read)]
                return self._nearest(blob, tier, nearer).ask(ask)
            except _TROUBLES as error:
                troubles.append(error)
                if isinstance(error, CorruptBlobError) and tier.permissions.write:
                    tier.ask(Quarantine(blob))
        worst = max(troubles, key=lambda trouble: _TROUBLES.index(type(trouble)))
        raise (
            BlobNotFoundError(blob.id, self.name) if isinstance(worst, BlobNotFoundError) else worst
        )

    def _nearest(self, blob: Blob, found: Tier, nearer: list[Tier]) -> Tier:
        """Copy the blob to the tiers that take copies, and return the nearest that has it now."""
        nearest = found
        is_there: bool = found.ask(HasBlob(blob)) if nearer else False
        for tier in reversed(nearer) if is_there else ():
            try:
                with reading_through():
                    copy: WriteResult = tier.ask(WriteBlob(copying_from(found.ask)(blob)))
            except (StoreUnavailableError, StorePermissionError) as error:
                _log.warning(
                    "%s was not copied from %s to %s: %s", blob.id, found.name, tier.name, error
                )
            else:
                # An inline copy is there with a record only.
                nearest = tier if isinstance(copy, StoredBlob) else nearest
        return nearest

    def has_blob(self, blob: Blob) -> bool:
        return any(there for _, there in self.answers(HasBlob(blob)))

    def stores(self, ask: StoreEffect[Any]) -> list[Interpreter[Any]]:
        asked = self.tiers if isinstance(ask, GetBlobLocations) else self.allowed(ask)
        return [tier.ask for tier in asked]


def _copy_to(tier: Tier, written: WriteResult) -> Callable[[BinaryIO], None]:
    """Return a writer of the bytes that *tier* has just stored."""
    if isinstance(written, InlineBlob):
        return EncodedBytes(written.data)
    return copying_from(tier.ask)(written.blob)


def write_through(
    name: str, near: Tier, far: Tier, *, always_check_remote: bool = False
) -> Interpreter[BlobEffects]:
    """Return the blob store *name*: *far*, with copies in *near*.

    With *always_check_remote*, only *far* is asked whether a blob exists.
    """

    def write(ask: WriteBlob) -> WriteResult:
        """Encode once, for both; the copy gets its name after the remote store has confirmed."""
        has_begun = False
        confirmed: list[WriteResult] = []

        def write_both(copy: BinaryIO) -> None:
            nonlocal has_begun
            has_begun = True
            tee = WriteBlob(lambda sink: ask.write(_TeeSink(sink, copy).binary()))
            confirmed.append(far.ask(tee))

        try:
            near.ask(WriteBlob(write_both))
        except StoreUnavailableError as error:
            if has_begun and not confirmed:  # the remote store failed
                raise
            _log.warning("%s keeps no copy: %s", near.name, error)
        return confirmed[0] if confirmed else far.ask(ask)

    top: Interpreter[Any] = WriteBlob.on(write)
    if always_check_remote:
        top |= HasBlob.on(far.ask)
    return overlay(make_tiered_store(name, (near, far)), top)


class _TeeSink(PassingSink):
    """A writer to *far*, and to *near* until that fails.

    Closing it does nothing, for both stores have yet to publish what was written.
    """

    def __init__(self, far: BinaryIO, near: BinaryIO) -> None:
        super().__init__(far)
        self._near: BinaryIO | None = near

    def _take(self, view: memoryview) -> None:
        super()._take(view)
        if self._near is not None:
            try:
                self._near.write(view)
            except StoreUnavailableError:  # its store raises it again in the end
                self._near = None


_OfBlob: TypeAlias = HasBlob | DeleteBlob | Quarantine | VerifyBlob


def split_by_size(
    small: Interpreter[BlobEffects], large: Interpreter[BlobEffects], limit: int
) -> Interpreter[BlobEffects]:
    """Return a store with blobs of up to *limit* bytes in *small*, and larger ones in *large*.

    Blobs are looked for in both. What is written is encoded into memory until it is too large, and
    then encoded again for *large*.
    """
    both = _SizeSplitBlobs(small, large, limit)
    return both.interpreter() | ReadBlob.on(both.read)


class _SizeSplitBlobs(StoreUnion):
    def __init__(
        self, small: Interpreter[BlobEffects], large: Interpreter[BlobEffects], limit: int
    ) -> None:
        self._small, self._large = small, large
        self._read_small, self._read_large = small.answer_to(ReadBlob), large.answer_to(ReadBlob)
        self._limit = limit

    def stores(
        self, ask: StoreEffect[Any]
    ) -> tuple[Interpreter[BlobEffects], Interpreter[BlobEffects]]:
        if isinstance(ask, _OfBlob) and ask.blob.size > self._limit:
            return self._large, self._small
        return self._small, self._large

    def write_blob(self, write: Callable[[BinaryIO], None]) -> WriteResult:
        data = write.short_encoding() if isinstance(write, Encoding) else None
        if data is not None and len(data) <= self._limit:
            return self._small(WriteBlob(EncodedBytes(data)))
        kept = MemorySink(self._limit)
        try:
            write(kept)
        except (SinkOverflow, Exception):
            # The encoder may have turned the overflow into an exception of its own.
            if not kept.overflowed:
                raise
        if kept.overflowed:
            return self._large(WriteBlob(write))
        return self._small(WriteBlob(EncodedBytes(kept.getvalue())))

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
