"""The effects of maintenance: listing, verifying and deleting what stores hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen

from provenance.effect import Effect
from provenance.ids import ArtifactId, SetId
from provenance.records import ArtifactRecord, Blob

MARGIN: Final = timedelta(minutes=1)
"""Age below which a blob may belong to a result that is not recorded yet."""


class Shelf(Enum):
    """An area of a blob store."""

    STORED = "stored"
    """Blobs, under their digests."""
    TEMPORARY = "temporary"
    """Blobs being written; they stay there if the writer dies."""
    QUARANTINED = "quarantined"
    """Damaged blobs."""


@frozen
class Holding:
    """An entry of an area: key (a stored blob's id), size in bytes, and time of writing in UTC."""

    key: str
    size: int
    since: datetime


@frozen
class InspectRecord(Effect[ArtifactRecord | None]):
    """The record of this id as stored, without caches and without copies between tiers."""

    id: ArtifactId


@frozen
class FindNamed(Effect[frozenset[Blob]]):
    """Those of *blobs* that any record refers to."""

    blobs: tuple[Blob, ...]


@frozen
class FindPins(Effect[tuple[SetId, ...]]):
    """The ids of the sets that contain the artifact, in order."""

    id: ArtifactId


@frozen
class Evict(Effect[tuple[Blob, ...] | None]):
    """Mark the value of this artifact, *blob*, as evicted.

    Bytes stored in the record's row are deleted.

    Answers the blob if no other record needs it. In the same transaction the store checks that the
    record exists and still has this value, and that no set and no value of another artifact refers
    to it; otherwise it answers None and does nothing. A record that replaces this one is not
    evicted.
    """

    id: ArtifactId
    blob: Blob
    at: datetime


@frozen
class FindEviction(Effect[datetime | None]):
    """When the value of this artifact was evicted, None if it was not."""

    id: ArtifactId


@frozen
class CheckRecords(Effect[tuple[str, ...]]):
    """The problems that the database reports in its own files."""


@frozen
class FindHomes(Effect[frozenset[str]]):
    """The identities of the databases with the records, equal for repositories that share one."""


@frozen
class CheckBlob(Effect[None]):
    """Read *blob* in every tier that has it, without caches, and verify its digest.

    Raises as `ReadBlob` does.
    """

    blob: Blob


@frozen
class ListHoldings(Effect[tuple[Holding, ...]]):
    """Up to *limit* entries of an area with keys after *after*, in order.

    Fewer than *limit* are the last ones.

    Bytes stored in the rows of records are not listed.
    """

    shelf: Shelf
    after: str = ""
    limit: int = 1000


@frozen
class Discard(Effect[bool]):
    """Delete an entry if it is older than *before*; answers whether it was deleted.

    The age is read again for this, so that an entry rewritten since it was listed stays.
    """

    shelf: Shelf
    key: str
    before: datetime


@frozen
class FindPlaces(Effect[frozenset[str]]):
    """The identities of the locations with the bytes, equal for stores that share one."""


RecordCare: TypeAlias = InspectRecord | FindNamed | Evict | FindEviction | CheckRecords | FindHomes
"""Maintenance effects of a record store."""
BlobCare: TypeAlias = CheckBlob | ListHoldings | Discard | FindPlaces
"""Maintenance effects of a blob store."""
