"""Names for authors of stores and layers.

A *store* is a class with the methods of `BlobStore`, or of `RecordStore` and `SetStore`;
`blob_effects` and `record_effects` return interpreters for them. With the methods of `MaintainableBlobStore`
and `MaintainableRecordStore` it supports garbage collection and eviction, with those of `HistoryStore` receipts of code
and derivations, and with those of `BulkRecordStore` it answers many look-ups at once. A *layer* is a function from
interpreter to interpreter; `with_layer` makes one from a function around each answer, and
`Repository.with_layer` and `Store.with_layer` apply one to a handle. `provenance.testing.contracts` has
tests for both.
"""

from __future__ import annotations

from provenance.config import wiring as _wiring
from provenance.effect import (
    Effect as Effect,
    Interpreter as Interpreter,
    Layer as Layer,
    overlay as overlay,
    with_layer as with_layer,
)
from provenance.effects.chain import make_chain as make_chain
from provenance.effects.io import MemorySink as MemorySink, blob_of as blob_of
from provenance.effects.layers import (
    Counter as Counter,
    EffectTiming as EffectTiming,
    cache_blobs as cache_blobs,
    cache_records as cache_records,
    counted as counted,
    restrict as restrict,
    traced as traced,
    untrusted as untrusted,
    parallel_writes as _parallel_writes,
)
from provenance.effects.lease_renewal import (
    new_owner as new_owner,
    renewing_leases as _renewing_leases,
)
from provenance.effects.memory import MemoryLeases as _MemoryLeases
from provenance.effects.retry import retrying as retrying
from provenance.effects.tiers import (
    Tier as Tier,
    make_tiered_store as make_tiered_store,
    split_by_size as split_by_size,
)
from provenance.model.ids import (
    ArtifactId as ArtifactId,
    BlobId as BlobId,
    RunId as RunId,
    SetId as SetId,
    ValueId as ValueId,
)
from provenance.model.queries import (
    Page as Page,
    Query as Query,
    Usage as Usage,
    has_labels as has_labels,
    matches as matches,
    summarize_records as summarize_records,
)
from provenance.model.records import (
    ArtifactRecord as ArtifactRecord,
    Blob as Blob,
    InlineBlob as InlineBlob,
    Options as Options,
    Run as Run,
    SetRecord as SetRecord,
    StoredBlob as StoredBlob,
    WriteResult as WriteResult,
)
from provenance.model.rows import (
    from_row as from_row,
    run_from_json as run_from_json,
    run_to_json as run_to_json,
    to_row as to_row,
)
from provenance.ports.blobs import (
    BlobArea as BlobArea,
    BlobEffects as BlobEffects,
    BlobEntry as BlobEntry,
    BlobStore as BlobStore,
    DeleteBlob as DeleteBlob,
    DeleteIfOlder as DeleteIfOlder,
    GetBlobLocations as GetBlobLocations,
    HasBlob as HasBlob,
    ListBlobEntries as ListBlobEntries,
    MaintainableBlobStore as MaintainableBlobStore,
    Quarantine as Quarantine,
    ReadBlob as ReadBlob,
    VerifyBlob as VerifyBlob,
    WriteBlob as WriteBlob,
    WriteBlobs as WriteBlobs,
    blob_effects as blob_effects,
)
from provenance.ports.capabilities import AllEffects as AllEffects
from provenance.ports.leases import (
    AcquireLease as AcquireLease,
    Lease as Lease,
    LeaseEffects as LeaseEffects,
    LeaseHeld as LeaseHeld,
    LeaseStore as LeaseStore,
    ReleaseLease as ReleaseLease,
    RenewLease as RenewLease,
    lease_effects as lease_effects,
)
from provenance.model.history import (
    Deletion as Deletion,
    Equivalence as Equivalence,
    ShadowCheck as ShadowCheck,
)
from provenance.ports.history import (
    FindDeletion as FindDeletion,
    FindDerivations as FindDerivations,
    FindEquivalence as FindEquivalence,
    FindReceipt as FindReceipt,
    FindShadowChecks as FindShadowChecks,
    FindSources as FindSources,
    GetRepositoryId as GetRepositoryId,
    HistoryEffects as HistoryEffects,
    HistoryStore as HistoryStore,
    PutDeletion as PutDeletion,
    PutDerivation as PutDerivation,
    PutEquivalence as PutEquivalence,
    PutShadowCheck as PutShadowCheck,
)
from provenance.ports.permissions import Permissions as Permissions, StoreEffect as StoreEffect
from provenance.ports.inspection import ReadStoredRecords as ReadStoredRecords
from provenance.ports.records import (
    BulkRecordStore as BulkRecordStore,
    CheckDatabase as CheckDatabase,
    DeleteRecord as DeleteRecord,
    DeleteSet as DeleteSet,
    FindEviction as FindEviction,
    FindInputs as FindInputs,
    FindMany as FindMany,
    FindRecord as FindRecord,
    FindRecordsByValue as FindRecordsByValue,
    FindReferencedBlobs as FindReferencedBlobs,
    FindRun as FindRun,
    FindSet as FindSet,
    FindSetByLabels as FindSetByLabels,
    FindSetsContaining as FindSetsContaining,
    GetDatabaseIds as GetDatabaseIds,
    ListDependents as ListDependents,
    ListIds as ListIds,
    ListSetIds as ListSetIds,
    MaintainableRecordStore as MaintainableRecordStore,
    MarkEvicted as MarkEvicted,
    PutRecord as PutRecord,
    PutRecords as PutRecords,
    PutSet as PutSet,
    ReadStoredRecord as ReadStoredRecord,
    RecordEffects as RecordEffects,
    RecordStore as RecordStore,
    SearchRecords as SearchRecords,
    SetEffects as SetEffects,
    SetStore as SetStore,
    SummarizeRecords as SummarizeRecords,
    record_effects as record_effects,
    set_effects as set_effects,
)
from provenance.repository.handles import Repository as Repository


def repository_over(name: str, stores: Interpreter[RecordEffects | BlobEffects]) -> Repository:
    """Return a repository over *stores*, which errors call *name*.

    Time, process and the user's files are those of this machine.

    If *stores* answer `LeaseEffects`, the leases are renewed. Otherwise only the threads and tasks of
    this process wait for each other.

    >>> from provenance.effects.memory import MemoryRecords, MemorySets
    >>> from provenance.effects.memory_blobs import MemoryBlobs
    >>> sets = MemorySets()
    >>> stores = blob_effects(MemoryBlobs()) | record_effects(MemoryRecords(sets=sets), sets)
    >>> repository_over("mine", stores).contains_set("123456")
    False
    """
    answered = _renewing_leases(lease_effects(_MemoryLeases()) | _parallel_writes(stores))
    return Repository(name, _wiring.system_interpreter() | answered)
