"""Blobs in memory; they end with the process."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO, cast

from provenance.effects.io import MemorySink, check_bytes, digest
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.model.ids import BlobId
from provenance.model.records import Blob, InlineBlob, StoredBlob
from provenance.ports.blobs import BlobArea, BlobEntry, OnDuplicate


class MemoryBlobs:
    """Encoded blobs in a dictionary; callers cannot change what others read."""

    def __init__(self, name: str = "memory", on_duplicate: OnDuplicate = OnDuplicate.SKIP) -> None:
        self._name = name
        self._on_duplicate = on_duplicate
        self._held: dict[BlobId, bytes] = {}
        self._quarantined: dict[BlobId, bytes] = {}
        self._since: dict[BlobId, datetime] = {}

    def write_blob(self, write: Callable[[BinaryIO], None]) -> StoredBlob:
        """Store what *write* writes, nothing if it raises."""
        sink = MemorySink()
        write(sink)
        held = sink.inline_blob()
        stored = self._held.get(held.blob.id)
        size = None if stored is None else len(stored)
        if not self._on_duplicate.keeps_existing(
            held.blob, self._name, size, lambda: stored == held.data
        ):
            self._held[held.blob.id] = held.data
        return StoredBlob(self.hold(held))

    def hold(self, held: InlineBlob) -> Blob:
        """Store encoded bytes under their digest."""
        # Before the bytes, so that nobody sees them with the age of earlier ones.
        self._since[held.blob.id] = datetime.now(UTC)
        self._held.setdefault(held.blob.id, held.data)
        return held.blob

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """Return what *read* makes of the bytes.

        Raises:
            BlobNotFoundError: if there are none.
            CorruptBlobError: if their size is another one.
        """
        data = self._held.get(blob.id)
        if data is None:
            raise BlobNotFoundError(blob.id, self._name)
        if len(data) != blob.size:
            reason = f"it has {len(data)} bytes, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._name, reason)
        return read(io.BytesIO(data))

    def has_blob(self, blob: Blob) -> bool:
        """Return whether a blob of this id and size is stored."""
        data = self._held.get(blob.id)
        return data is not None and len(data) == blob.size

    def delete_blob(self, blob: Blob) -> None:
        """Delete the bytes, if they exist."""
        self._held.pop(blob.id, None)

    def quarantine(self, blob: Blob) -> None:
        """Move the bytes to quarantine, if they exist."""
        data = self._held.pop(blob.id, None)
        if data is not None:
            self._quarantined[blob.id] = data
            self._since[blob.id] = datetime.now(UTC)

    def verify_blob(self, blob: Blob) -> None:
        """Verify the digest of the bytes; raises as `read_blob`."""
        data = cast("bytes", self.read_blob(blob, lambda source: source.read()))
        check_bytes(blob, self._name, len(data), digest(data))

    def list_blob_entries(self, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
        """Return up to *limit* stored or quarantined blobs, in order of their ids."""
        blobs = dict(self._blobs_of(shelf))
        keys = sorted(key for key in blobs if key > after)[:limit]
        now = datetime.now(UTC)
        return tuple(BlobEntry(key, len(blobs[key]), self._since.get(key, now)) for key in keys)

    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime) -> bool:
        """Delete the bytes if they are older than *before*; return whether they were deleted."""
        blobs, blob_id = self._blobs_of(shelf), BlobId(key)
        data = blobs.pop(blob_id, None)
        if data is None or self._since[blob_id] < before:
            return data is not None
        # It was written again just now.
        blobs.setdefault(blob_id, data)
        return False

    def get_blob_locations(self) -> frozenset[str]:
        """Return the identity of this store."""
        return frozenset({f"memory:{id(self)}"})

    def _blobs_of(self, shelf: BlobArea) -> dict[BlobId, bytes]:
        return {BlobArea.STORED: self._held, BlobArea.QUARANTINED: self._quarantined}.get(shelf, {})
