"""Rows of effects that programs ask for, and the permission that each effect needs."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from attrs import frozen

from provenance.effect import Effect
from provenance.ports.blobs import (
    BlobEffects,
    DeleteBlob,
    DeleteIfOlder,
    GetBlobLocations,
    HasBlob,
    ListBlobEntries,
    Quarantine,
    ReadBlob,
    VerifyBlob,
    WriteBlob,
    WriteBlobs,
)
from provenance.ports.leases import (
    AcquireLease,
    LeaseEffects,
    ListExpiredLeases,
    ReleaseLease,
    RenewLease,
)
from provenance.ports.machine import CurrentRun, FileEffects, Now, Sleep, SystemEffects
from provenance.ports.records import (
    CheckDatabase,
    DeleteRecord,
    DeleteSet,
    FindEviction,
    FindInputs,
    FindRecord,
    FindRecordsByValue,
    FindReferencedBlobs,
    FindRun,
    FindSet,
    FindSetByLabels,
    FindSetsContaining,
    GetDatabaseIds,
    ListDependents,
    ListIds,
    ListSetIds,
    MarkEvicted,
    PutRecord,
    PutSet,
    ReadStoredRecord,
    RecordEffects,
    SearchRecords,
    SummarizeRecords,
)


@frozen
class Permissions:
    """Permitted operations of a store.

    `read_through_write` permits copies of what is read from a later tier.
    """

    read: bool = True
    write: bool = True
    delete: bool = True
    read_through_write: bool = True


Lookup: TypeAlias = FindRecord | HasBlob | FindEviction
"""Looking an artifact up, without reading its value."""
Commit: TypeAlias = WriteBlob | WriteBlobs | PutRecord | Now | CurrentRun
"""Storing and recording a result."""
Load: TypeAlias = FindRecord | ListIds | FindInputs | FindRun | ReadBlob
"""Reading what was recorded."""
Trace: TypeAlias = FindRecord | ListDependents
"""Following lineage."""
Delete: TypeAlias = FindRecord | DeleteRecord | DeleteBlob | Quarantine | Now
"""Deleting and quarantining stored values."""
Coordinate: TypeAlias = AcquireLease | ReleaseLease | FindRecord | Sleep
"""Waiting while another process computes."""
AllEffects: TypeAlias = RecordEffects | LeaseEffects | BlobEffects | FileEffects | SystemEffects
"""All effects of a repository."""


NEEDS: Final[dict[type[Effect[Any]], tuple[str, str]]] = {
    FindRecord: ("looking up an artifact", "read"),
    ListIds: ("looking up ids", "read"),
    FindRecordsByValue: ("looking up artifacts by value", "read"),
    ListDependents: ("looking up dependents", "read"),
    FindInputs: ("looking up inputs", "read"),
    FindRun: ("looking up a run", "read"),
    SearchRecords: ("searching artifacts", "read"),
    SummarizeRecords: ("summarizing artifacts", "read"),
    FindSet: ("looking up a set", "read"),
    ListSetIds: ("looking up ids of sets", "read"),
    FindSetByLabels: ("looking up a set by its labels", "read"),
    FindSetsContaining: ("looking up the sets of an artifact", "read"),
    ReadStoredRecord: ("looking up an artifact", "read"),
    FindReferencedBlobs: ("looking up referenced blobs", "read"),
    FindEviction: ("looking up an eviction", "read"),
    GetDatabaseIds: ("looking up database ids", "read"),
    CheckDatabase: ("checking the records", "read"),
    VerifyBlob: ("checking a blob", "read"),
    ListBlobEntries: ("listing stored blobs", "read"),
    GetBlobLocations: ("looking up blob locations", "read"),
    MarkEvicted: ("evicting a value", "delete"),
    DeleteIfOlder: ("deleting garbage", "delete"),
    PutSet: ("recording a set", "write"),
    DeleteSet: ("deleting a set", "delete"),
    AcquireLease: ("acquiring a lease", "write"),
    RenewLease: ("renewing a lease", "write"),
    ReleaseLease: ("releasing a lease", "write"),
    ListExpiredLeases: ("listing expired leases", "read"),
    ReadBlob: ("reading a blob", "read"),
    HasBlob: ("looking for a blob", "read"),
    PutRecord: ("recording an artifact", "write"),
    WriteBlob: ("writing a blob", "write"),
    WriteBlobs: ("writing blobs", "write"),
    # It makes room for a sound one.
    Quarantine: ("quarantining a damaged blob", "write"),
    DeleteRecord: ("deleting an artifact", "delete"),
    DeleteBlob: ("deleting a blob", "delete"),
}
