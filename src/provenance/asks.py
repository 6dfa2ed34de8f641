"""The effects of stores and of the machine, and the rows of effects that programs use.

A look-up without a result answers None; if something that a record refers to is missing, that is an
error. The effects of maintenance are in `chores`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, TypeAlias

from attrs import frozen

from provenance.chores import BlobCare, FindEviction, FindPins, RecordCare
from provenance.effect import Effect
from provenance.errors import ProvenanceError
from provenance.ids import ArtifactId, RunId, SetId, ValueId
from provenance.keepers import Member, Original, Pour
from provenance.leasing import Claim, FindExpired, Release, Renew
from provenance.queries import Page, Query
from provenance.records import ArtifactRecord, Blob, Held, Options, Run, SetRecord, Written


@frozen
class FindRecord(Effect["ArtifactRecord | None"]):
    """The record of this id; *fresh* bypasses the cache of records."""

    id: ArtifactId
    fresh: bool = False


@frozen
class FindIds(Effect[tuple[ArtifactId, ...]]):
    """Up to *limit* ids that begin with *prefix* and sort after *after*, in order."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindByValue(Effect[tuple[ArtifactRecord, ...]]):
    """The records of this value id, oldest first."""

    value_id: ValueId


@frozen
class FindProgeny(Effect[tuple[ArtifactId, ...]]):
    """The ids of the artifacts computed directly from this one, in order."""

    id: ArtifactId


@frozen
class FindInputs(Effect["str | None"]):
    """The inputs of a record, as the JSON text that was stored."""

    id: ArtifactId


@frozen
class FindRun(Effect["Run | None"]):
    """The run of this id."""

    id: RunId


@frozen
class FindRecords(Effect[Page]):
    """A page of up to *limit* records that match *query*, newest first, after the position *after*.

    A replaced record keeps its position, so that paging misses none.
    """

    query: Query
    after: int | None = None
    limit: int = 100


@frozen
class PutRecord(Effect[ArtifactRecord]):
    """Store *record*, its *run* and the *held* blobs in one transaction; answers the stored record.

    An existing artifact stays, so that the loser of a race gets the winner's record, unless
    *replace*. The records *besides*, the parts of a composite, are stored in the same transaction
    and replace existing ones.
    """

    record: ArtifactRecord
    run: Run
    inputs_json: str
    held: tuple[Held, ...] = ()
    replace: bool = False
    besides: tuple[PutRecord, ...] = ()


@frozen
class DropRecord(Effect["tuple[Blob, ...] | None"]):
    """Delete a record.

    Answers the blobs that no record refers to any longer, None if there was no record.
    """

    id: ArtifactId


@frozen
class PutSet(Effect[SetRecord]):
    """Store a set; if it is stored with the same labels already, it becomes the newest set."""

    record: SetRecord


@frozen
class FindSet(Effect["SetRecord | None"]):
    """The newest record of a set."""

    id: SetId


@frozen
class FindSetIds(Effect[tuple[SetId, ...]]):
    """Up to *limit* ids of sets that begin with *prefix* and sort after *after*, in order."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindLabelled(Effect["SetRecord | None"]):
    """The newest set with all of these labels, and possibly others."""

    labels: Options


@frozen
class DropSet(Effect[bool]):
    """Delete a set with all its labels, but not its members; answers False if there was none."""

    id: SetId


@frozen
class WriteBlob(Effect[Written]):
    """Store what *write* writes into a sink; *write* may be called more than once."""

    write: Callable[[BinaryIO], None]


@frozen
class WriteBlobs(Effect[tuple[Written | ProvenanceError, ...]]):
    """Store several blobs, concurrently if that is faster.

    Answers the result or error of each; the error of one does not affect the others.
    """

    writes: tuple[Callable[[BinaryIO], None], ...]


@frozen
class ReadBlob(Effect[object]):
    """Open *blob*, verify its digest and answer what *read* returns for it.

    Raises:
        BlobNotFoundError: if it is missing.
        CorruptBlobError: if it is not what was written.
    """

    blob: Blob
    read: Callable[[BinaryIO], object]


@frozen
class HasBlob(Effect[bool]):
    """Whether a blob of this id and size exists; it is not read."""

    blob: Blob


@frozen
class DropBlob(Effect[None]):
    """Delete *blob* if it exists and, if *before* is set, was written before that time."""

    blob: Blob
    before: datetime | None = None


@frozen
class Quarantine(Effect[None]):
    """Quarantine *blob*: keep it for inspection where it is no longer found."""

    blob: Blob


@frozen
class Examined:
    """A file of the user's that was read and hashed, and its location."""

    blob: Blob
    original: Original


@frozen
class ExaminedFolder:
    """A folder of the user's whose files were read and hashed: its manifest, files and location."""

    blob: Blob
    members: tuple[Member, ...]
    original: Original


@frozen
class Examine(Effect["Examined | ExaminedFolder"]):
    """Read and hash the user's file or folder at *path*; raises OSError if it is unreadable."""

    path: str


@frozen
class CheckOut(Effect[str]):
    """The path of a local, read-only copy of *blob*.

    *pour* writes the bytes if there is none yet.
    """

    blob: Blob
    extension: str
    pour: Pour
    executable: bool = False


@frozen
class Assemble(Effect[str]):
    """The path of a local folder with the local *copies* at their paths in it.

    *blob* is its manifest.
    """

    blob: Blob
    copies: tuple[tuple[Member, str], ...]


@frozen
class DeleteOriginal(Effect[bool]):
    """Delete a file of the user's.

    Answers False and logs why if it changed since it was examined or cannot be deleted.
    """

    original: Original


@frozen
class Now(Effect[datetime]):
    """The current time, in UTC."""


@frozen
class CurrentRun(Effect[Run]):
    """The run of this process; its facts are collected once."""


@frozen
class Pause(Effect[float]):
    """Sleep for about *seconds*; answers how many seconds passed."""

    seconds: float


Sets: TypeAlias = PutSet | FindSet | FindSetIds | FindLabelled | DropSet | FindPins
"""Effects of a set store."""
Records: TypeAlias = (
    FindRecord
    | FindIds
    | FindByValue
    | FindProgeny
    | FindInputs
    | FindRun
    | FindRecords
    | PutRecord
    | DropRecord
    | RecordCare
    | Sets
)
"""Effects of a record store."""
Leases: TypeAlias = Claim | Renew | Release | FindExpired
"""Effects of a lease store."""
Blobs: TypeAlias = WriteBlob | WriteBlobs | ReadBlob | HasBlob | DropBlob | Quarantine | BlobCare
"""Effects of a blob store."""
Files: TypeAlias = Examine | CheckOut | Assemble | DeleteOriginal
"""Effects of the local file system."""
World: TypeAlias = Now | CurrentRun | Pause
"""Effects of the machine."""

Lookup: TypeAlias = FindRecord | HasBlob | FindEviction
"""Looking an artifact up, without reading its value."""
Commit: TypeAlias = WriteBlob | WriteBlobs | PutRecord | Now | CurrentRun
"""Storing and recording a result."""
Load: TypeAlias = FindRecord | FindIds | FindInputs | FindRun | ReadBlob
"""Reading what was recorded."""
Trace: TypeAlias = FindRecord | FindProgeny
"""Following lineage."""
Curate: TypeAlias = FindRecord | DropRecord | DropBlob | Quarantine | Now
"""Deleting and quarantining stored values."""
TakeTurns: TypeAlias = Claim | Release | FindRecord | Pause
"""Waiting while another process computes."""
All: TypeAlias = Records | Leases | Blobs | Files | World
"""All effects of a repository."""
