"""Every effect of the library (those of taking care are in `chores`), and the rows that its programs may ask.

A look-up that finds nothing answers None; what a record promises and is not there is an error.
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
    """The record of this id; *fresh* asks the store even for one that is remembered."""

    id: ArtifactId
    fresh: bool = False


@frozen
class FindIds(Effect[tuple[ArtifactId, ...]]):
    """Ids that begin with *prefix* and come after *after*, in order, at most *limit* of them."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindByValue(Effect[tuple[ArtifactRecord, ...]]):
    """Records whose value has this id, oldest first."""

    value_id: ValueId


@frozen
class FindProgeny(Effect[tuple[ArtifactId, ...]]):
    """Ids of the artifacts that were computed directly from this one, in order."""

    id: ArtifactId


@frozen
class FindInputs(Effect["str | None"]):
    """The JSON text of the inputs of this id's record, as it was put."""

    id: ArtifactId


@frozen
class FindRun(Effect["Run | None"]):
    """The run of this id."""

    id: RunId


@frozen
class FindRecords(Effect[Page]):
    """Up to *limit* records that fit *query*, those that came last first; those after the place *after*, if it is given.

    A record that is replaced keeps its place, so that who goes on from page to page misses none.
    """

    query: Query
    after: int | None = None
    limit: int = 100


@frozen
class PutRecord(Effect[ArtifactRecord]):
    """Store *record*, its *run* and the *held* blobs in one transaction; answers the record that is now stored.

    An artifact that is there already stays (the loser of a race gets the winner's record), unless *replace*. What is
    put *besides*, the parts of a composite, is stored with it or not at all, and takes the place of what is there.
    """

    record: ArtifactRecord
    run: Run
    inputs_json: str
    held: tuple[Held, ...] = ()
    replace: bool = False
    besides: tuple[PutRecord, ...] = ()


@frozen
class DropRecord(Effect["tuple[Blob, ...] | None"]):
    """Delete the record of this id; answers the blobs that no record names any more, None where there was no record."""

    id: ArtifactId


@frozen
class PutSet(Effect[SetRecord]):
    """Store a set; with labels under which it is stored already, it becomes the newest of them."""

    record: SetRecord


@frozen
class FindSet(Effect["SetRecord | None"]):
    """The newest record of the set of this id."""

    id: SetId


@frozen
class FindSetIds(Effect[tuple[SetId, ...]]):
    """Ids of sets that begin with *prefix* and come after *after*, in order, at most *limit* of them."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindLabelled(Effect["SetRecord | None"]):
    """The newest set that carries all of these labels, and perhaps more."""

    labels: Options


@frozen
class DropSet(Effect[bool]):
    """Delete a set, under whatever labels; its members stay. False where there was none."""

    id: SetId


@frozen
class WriteBlob(Effect[Written]):
    """Store what *write* writes into the sink that it is given; it may be called more than once."""

    write: Callable[[BinaryIO], None]


@frozen
class WriteBlobs(Effect[tuple[Written | ProvenanceError, ...]]):
    """Store what each of *writes* writes, as `WriteBlob` does; several at a time where that is quicker.

    Answers what became of each: an error of one does not keep the others from being stored.
    """

    writes: tuple[Callable[[BinaryIO], None], ...]


@frozen
class ReadBlob(Effect[object]):
    """Open *blob*, check it against its digest and answer what *read* makes of it.

    Raises `BlobNotFoundError` where it is not there and `CorruptBlobError` where it is not what was written.
    """

    blob: Blob
    read: Callable[[BinaryIO], object]


@frozen
class HasBlob(Effect[bool]):
    """Whether a blob of this id and size is there; it is not read."""

    blob: Blob


@frozen
class DropBlob(Effect[None]):
    """Delete the bytes of *blob*, if there are any; only those that were written *before* a moment, if it is given."""

    blob: Blob
    before: datetime | None = None


@frozen
class Quarantine(Effect[None]):
    """Put *blob* aside, so that it is kept for inspection but found no more."""

    blob: Blob


@frozen
class Examined:
    """A file of the user's was read through: its bytes, and where they are."""

    blob: Blob
    original: Original


@frozen
class ExaminedFolder:
    """All files of a folder of the user's were read through: the manifest, the files, and where they are."""

    blob: Blob
    members: tuple[Member, ...]
    original: Original


@frozen
class Examine(Effect["Examined | ExaminedFolder"]):
    """Read the user's file or folder at *path* through; raises OSError where that cannot be done."""

    path: str


@frozen
class CheckOut(Effect[str]):
    """Path of a local, read-only file that holds *blob*; where there is none yet, *pour* writes the bytes."""

    blob: Blob
    extension: str
    pour: Pour
    executable: bool = False


@frozen
class Assemble(Effect[str]):
    """Path of a local folder that holds the local *copies*, each at its path in there; *blob* is its manifest."""

    blob: Blob
    copies: tuple[tuple[Member, str], ...]


@frozen
class DeleteOriginal(Effect[bool]):
    """Delete a file of the user's; False, and a word to the log, if it was changed since it was examined, or stays."""

    original: Original


@frozen
class Now(Effect[datetime]):
    """The time, in UTC."""


@frozen
class CurrentRun(Effect[Run]):
    """This process, collected once."""


@frozen
class Pause(Effect[float]):
    """Let about so many *seconds* pass; answers how many did."""

    seconds: float


Sets: TypeAlias = PutSet | FindSet | FindSetIds | FindLabelled | DropSet | FindPins
"""What a record store answers about sets."""
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
"""What a record store answers."""
Leases: TypeAlias = Claim | Renew | Release | FindExpired
"""What a record store answers about who computes what."""
Blobs: TypeAlias = WriteBlob | WriteBlobs | ReadBlob | HasBlob | DropBlob | Quarantine | BlobCare
"""What a blob store answers."""
Files: TypeAlias = Examine | CheckOut | Assemble | DeleteOriginal
"""What the machine's own files answer."""
World: TypeAlias = Now | CurrentRun | Pause
"""What the machine answers."""

Lookup: TypeAlias = FindRecord | HasBlob | FindEviction
"""A look-up reads no value and writes nothing."""
Commit: TypeAlias = WriteBlob | WriteBlobs | PutRecord | Now | CurrentRun
"""Recording what was computed."""
Load: TypeAlias = FindRecord | FindIds | FindInputs | FindRun | ReadBlob
"""Reading what was recorded."""
Trace: TypeAlias = FindRecord | FindProgeny
"""Following lineage."""
Curate: TypeAlias = FindRecord | DropRecord | DropBlob | Quarantine | Now
"""Deleting and putting aside what is stored."""
TakeTurns: TypeAlias = Claim | Release | FindRecord | Pause
"""Waiting while somebody else computes."""
All: TypeAlias = Records | Leases | Blobs | Files | World
"""What a whole repository answers."""
