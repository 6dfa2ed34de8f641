"""Optional protocols of stores for maintenance, and defaults for stores without them.

A store without these methods works: it is verified by reading, nothing is evicted from it, and
nothing in it counts as garbage.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, runtime_checkable

from provenance.chores import (
    BlobCare,
    CheckBlob,
    CheckRecords,
    Discard,
    Evict,
    FindEviction,
    FindHomes,
    FindNamed,
    FindPlaces,
    Holding,
    InspectRecord,
    ListHoldings,
    RecordCare,
    Shelf,
)
from provenance.effect import Interpreter
from provenance.ids import ArtifactId
from provenance.records import ArtifactRecord, Blob


class Records(Protocol):
    """Any record store."""

    def find_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord | None: ...


class Blobs(Protocol):
    """Any blob store."""

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object], /) -> object: ...


@runtime_checkable
class TendedRecords(Protocol):
    """A record store with eviction; each method answers the effect of its name in `chores`."""

    def find_named(self, blobs: tuple[Blob, ...], /) -> frozenset[Blob]: ...
    def evict(
        self, artifact_id: ArtifactId, blob: Blob, at: datetime, /
    ) -> tuple[Blob, ...] | None: ...
    def find_eviction(self, artifact_id: ArtifactId, /) -> datetime | None: ...
    def check_records(self) -> tuple[str, ...]: ...
    def find_homes(self) -> frozenset[str]: ...


@runtime_checkable
class TendedBlobs(Protocol):
    """A blob store with garbage collection.

    Each method answers the effect of its name in `chores`.
    """

    def check_blob(self, blob: Blob, /) -> None: ...
    def list_holdings(self, shelf: Shelf, after: str, limit: int, /) -> tuple[Holding, ...]: ...
    def discard(self, shelf: Shelf, key: str, before: datetime, /) -> bool: ...
    def find_places(self) -> frozenset[str]: ...


@runtime_checkable
class Lagging(Protocol):
    """A blob store in which rewriting a blob updates its age only if it is older than `lag`."""

    @property
    def lag(self) -> timedelta: ...


def tended_record_effects(store: Records) -> Interpreter[RecordCare]:
    """Return an interpreter for *store*; without `TendedRecords` every blob counts as referenced."""
    inspect = InspectRecord.on(lambda ask: store.find_record(ask.id))
    if isinstance(store, TendedRecords):
        return (
            inspect
            | FindNamed.on(lambda ask: store.find_named(ask.blobs))
            | Evict.on(lambda ask: store.evict(ask.id, ask.blob, ask.at))
            | FindEviction.on(lambda ask: store.find_eviction(ask.id))
            | CheckRecords.on(lambda _: store.check_records())
            | FindHomes.on(lambda _: store.find_homes())
        )
    return (
        inspect
        | FindNamed.on(lambda ask: frozenset(ask.blobs))
        | Evict.on(lambda _: None)
        | FindEviction.on(lambda _: None)
        | CheckRecords.on(lambda _: ())
        | FindHomes.on(lambda _: frozenset({f"object:{id(store)}"}))
    )


def tended_blob_effects(store: Blobs) -> Interpreter[BlobCare]:
    """Return an interpreter for *store*; without `TendedBlobs` it lists no entries."""
    if isinstance(store, TendedBlobs):
        return (
            CheckBlob.on(lambda ask: store.check_blob(ask.blob))
            | ListHoldings.on(lambda ask: store.list_holdings(ask.shelf, ask.after, ask.limit))
            | Discard.on(lambda ask: store.discard(ask.shelf, ask.key, ask.before))
            | FindPlaces.on(lambda _: store.find_places())
        )

    def check(ask: CheckBlob) -> None:
        store.read_blob(ask.blob, lambda _: None)

    return (
        CheckBlob.on(check)
        | ListHoldings.on(lambda _: ())
        | Discard.on(lambda _: False)
        | FindPlaces.on(lambda _: frozenset())
    )
