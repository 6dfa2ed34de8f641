"""Names for authors of stores and layers.

A *store* is a class with the methods of `BlobStore`, or of `RecordStore` and `SetStore`;
`blob_effects` and `record_effects` return interpreters for them. With the methods of `MaintainableBlobStore`
and `MaintainableRecordStore` it supports garbage collection and eviction. A *layer* is a function from
interpreter to interpreter; `with_layer` makes one from a function around each answer, and
`Repository.with_layer` and `Store.with_layer` apply one to a handle. `provenance.testing.contracts` has
tests for both.
"""

from __future__ import annotations

from provenance.config import wiring
from provenance.effect import Effect, Interpreter, Layer, overlay, with_layer
from provenance.effects.chain import make_chain
from provenance.effects.io import MemorySink, blob_of
from provenance.effects.layers import (
    Counter,
    EffectTiming,
    cache_blobs,
    cache_records,
    counted,
    parallel_writes,
    restrict,
    traced,
    untrusted,
)
from provenance.effects.lease_renewal import new_owner, renewing_leases
from provenance.effects.memory import MemoryLeases
from provenance.effects.retry import retrying
from provenance.effects.tiers import Tier, make_tiered_store, split_by_size
from provenance.model.ids import ArtifactId, BlobId, RunId, SetId, ValueId
from provenance.model.queries import Page, Query, Usage, has_labels, matches, summarize_records
from provenance.model.records import (
    ArtifactRecord,
    Blob,
    InlineBlob,
    Options,
    Run,
    SetRecord,
    StoredBlob,
    WriteResult,
)
from provenance.model.rows import from_row, run_from_json, run_to_json, to_row
from provenance.ports.blobs import (
    BlobArea,
    BlobEffects,
    BlobEntry,
    BlobStore,
    DeleteBlob,
    DeleteIfOlder,
    GetBlobLocations,
    HasBlob,
    ListBlobEntries,
    MaintainableBlobStore,
    Quarantine,
    ReadBlob,
    VerifyBlob,
    WriteBlob,
    WriteBlobs,
    blob_effects,
)
from provenance.ports.capabilities import AllEffects, Permissions
from provenance.ports.leases import (
    AcquireLease,
    Lease,
    LeaseEffects,
    LeaseHeld,
    LeaseStore,
    ReleaseLease,
    RenewLease,
    lease_effects,
)
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
    MaintainableRecordStore,
    MarkEvicted,
    PutRecord,
    PutSet,
    ReadStoredRecord,
    RecordEffects,
    RecordStore,
    SearchRecords,
    SetEffects,
    SetStore,
    SummarizeRecords,
    record_effects,
    set_effects,
)
from provenance.repository.handles import Repository

__all__ = [
    "AcquireLease",
    "AllEffects",
    "ArtifactId",
    "ArtifactRecord",
    "Blob",
    "BlobArea",
    "BlobEffects",
    "BlobEntry",
    "BlobId",
    "BlobStore",
    "CheckDatabase",
    "Counter",
    "DeleteBlob",
    "DeleteIfOlder",
    "DeleteRecord",
    "DeleteSet",
    "Effect",
    "EffectTiming",
    "FindEviction",
    "FindInputs",
    "FindRecord",
    "FindRecordsByValue",
    "FindReferencedBlobs",
    "FindRun",
    "FindSet",
    "FindSetByLabels",
    "FindSetsContaining",
    "GetBlobLocations",
    "GetDatabaseIds",
    "HasBlob",
    "InlineBlob",
    "Interpreter",
    "Layer",
    "Lease",
    "LeaseEffects",
    "LeaseHeld",
    "LeaseStore",
    "ListBlobEntries",
    "ListDependents",
    "ListIds",
    "ListSetIds",
    "MaintainableBlobStore",
    "MaintainableRecordStore",
    "MarkEvicted",
    "MemorySink",
    "Options",
    "Page",
    "Permissions",
    "PutRecord",
    "PutSet",
    "Quarantine",
    "Query",
    "ReadBlob",
    "ReadStoredRecord",
    "RecordEffects",
    "RecordStore",
    "ReleaseLease",
    "RenewLease",
    "Run",
    "RunId",
    "SearchRecords",
    "SetEffects",
    "SetId",
    "SetRecord",
    "SetStore",
    "StoredBlob",
    "SummarizeRecords",
    "Tier",
    "Usage",
    "ValueId",
    "VerifyBlob",
    "WriteBlob",
    "WriteBlobs",
    "WriteResult",
    "blob_effects",
    "blob_of",
    "cache_blobs",
    "cache_records",
    "counted",
    "from_row",
    "has_labels",
    "lease_effects",
    "make_chain",
    "make_tiered_store",
    "matches",
    "new_owner",
    "overlay",
    "record_effects",
    "repository_over",
    "restrict",
    "retrying",
    "run_from_json",
    "run_to_json",
    "set_effects",
    "split_by_size",
    "summarize_records",
    "to_row",
    "traced",
    "untrusted",
    "with_layer",
]


def repository_over(name: str, stores: Interpreter[RecordEffects | BlobEffects]) -> Repository:
    """Return a repository over *stores*.

    Time, process and the user's files are those of this machine.

    If *stores* answer `LeaseEffects`, the leases are renewed. Otherwise only the threads and tasks of
    this process wait for each other.

    >>> from provenance.effects.memory import MemoryBlobs, MemoryRecords, MemorySets
    >>> sets = MemorySets()
    >>> stores = blob_effects(MemoryBlobs()) | record_effects(MemoryRecords(sets=sets), sets)
    >>> repository_over("mine", stores).contains_set("123456")
    False
    """
    answered = renewing_leases(lease_effects(MemoryLeases()) | parallel_writes(stores))
    return Repository(name, wiring.system_interpreter() | answered)
