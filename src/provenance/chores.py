"""The effects of taking care of stores: what lies in them, what is sound, what may go."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen

from provenance.effect import Effect
from provenance.ids import ArtifactId, SetId
from provenance.records import ArtifactRecord, Blob

MARGIN: Final = timedelta(minutes=1)
"""Age below which bytes may be those of a result that somebody is about to record: they are written, or found there, first."""


class Shelf(Enum):
    """Where in a blob store bytes lie by themselves."""

    STORED = "stored"
    """Among the blobs, under their digest."""
    TEMPORARY = "temporary"
    """Where they are while they are written, and stay if the writer dies."""
    QUARANTINED = "quarantined"
    """Where damaged ones are put aside."""


@frozen
class Holding:
    """Bytes that lie on a shelf: the *key* under which they do, how many there are, and since when (UTC).

    Of what is stored the key is the blob's id.
    """

    key: str
    size: int
    since: datetime


@frozen
class InspectRecord(Effect[ArtifactRecord | None]):
    """The record of this id as the store has it now: nothing is taken from memory, and nothing copied on the way."""

    id: ArtifactId


@frozen
class FindNamed(Effect[frozenset[Blob]]):
    """Those of *blobs* that some record names."""

    blobs: tuple[Blob, ...]


@frozen
class FindPins(Effect[tuple[SetId, ...]]):
    """Ids of the sets that the artifact is a member of, in order."""

    id: ArtifactId


@frozen
class Evict(Effect[tuple[Blob, ...] | None]):
    """Note that the value of this artifact, *blob*, is let go on purpose; bytes in the record's own row go at once.

    Answers the blob, if no record that was not evicted needs it any more. None, and nothing is done, where there is no
    such record, its value is another by now, or a set in the same store has it, or an artifact whose value holds it, as a member:
    that is looked at at the same stroke. A record that replaces this one is not evicted.
    """

    id: ArtifactId
    blob: Blob
    at: datetime


@frozen
class FindEviction(Effect[datetime | None]):
    """When the value of this artifact was let go on purpose, None if it was not."""

    id: ArtifactId


@frozen
class CheckRecords(Effect[tuple[str, ...]]):
    """What the database itself finds wrong with its files, as it says it; nothing where all is well."""


@frozen
class FindHomes(Effect[frozenset[str]]):
    """Names of the databases that the records are in, equal for repositories that share one."""


@frozen
class CheckBlob(Effect[None]):
    """Read all bytes of *blob* where they are stored, whatever was read or checked before, and compare their digest.

    Raises as `ReadBlob` does. Of several stores that keep it, each that has it is checked.
    """

    blob: Blob


@frozen
class ListHoldings(Effect[tuple[Holding, ...]]):
    """What lies on a shelf under keys that come after *after*, in order of the keys, at most *limit* of it.

    Fewer than *limit* are the last ones. Bytes in the row of a record, which go with it, are not among them.
    """

    shelf: Shelf
    after: str = ""
    limit: int = 1000


@frozen
class Discard(Effect[bool]):
    """Delete what lies on a shelf under this key since *before* a moment; answers whether something went.

    That is looked at again now, so that what another process has written anew since it was listed stays.
    """

    shelf: Shelf
    key: str
    before: datetime


@frozen
class FindPlaces(Effect[frozenset[str]]):
    """Names of the places where the bytes are, equal for stores that keep theirs in the same one."""


RecordCare: TypeAlias = InspectRecord | FindNamed | Evict | FindEviction | CheckRecords | FindHomes
"""What a record store answers to who takes care of it."""
BlobCare: TypeAlias = CheckBlob | ListHoldings | Discard | FindPlaces
"""What a blob store answers to who takes care of it."""
