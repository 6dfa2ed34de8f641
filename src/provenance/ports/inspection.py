"""Many records at once, as they are stored: what verification and eviction ask."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import frozen

from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Blob
from provenance.ports.permissions import StoreEffect


@frozen
class StoredRecord:
    """A record as stored, undamaged, and what the store knows of it.

    Attributes:
        record: the record.
        held: those of its blobs whose bytes are beside it, verified.
        evicted: whether its value was evicted.
        is_complete: whether its inputs are undamaged, and its run and all its sources recorded.
    """

    record: ArtifactRecord
    held: frozenset[Blob]
    evicted: bool
    is_complete: bool


@frozen
class ReadStoredRecords(StoreEffect["tuple[StoredRecord, ...]"]):
    """Records of these ids as stored, without caches and without copies between tiers.

    A store may leave out any of them, and leaves out damaged ones: ask for these one by one.
    """

    needs, action = "read", "looking up artifacts"
    ids: tuple[ArtifactId, ...]


@runtime_checkable
class InspectableRecordStore(Protocol):
    """A record store that inspects many records at once."""

    def read_stored(self, ids: tuple[ArtifactId, ...], /) -> tuple[StoredRecord, ...]: ...
