"""Names for authors of stores and layers.

A *store* is a class with the methods of `BlobStore`, or of `RecordStore` and `SetStore`;
`blob_effects` and `record_effects` return interpreters for them. With the methods of `TendedBlobs`
and `TendedRecords` it supports garbage collection and eviction. A *layer* is a function from
interpreter to interpreter; `layered` makes one from a function around each answer, and
`Repository.layered` and `Store.layered` apply one to a handle. `provenance.testing.contracts` has
tests for both.
"""

from __future__ import annotations

from provenance.config import wiring
from provenance.effect import Effect, Interpreter, Layer, layered, overlaid
from provenance.effects.chain import chained
from provenance.effects.io import Kept, blob_of
from provenance.effects.layers import (
    Asked,
    Counter,
    counted,
    distrusting,
    guarded,
    remembered,
    rereading,
    several_at_once,
    traced,
)
from provenance.effects.lease_renewal import kept_up, new_owner
from provenance.effects.memory import MemoryLeases
from provenance.effects.retry import retrying
from provenance.effects.tiers import Tier, by_size, tiered
from provenance.model.ids import ArtifactId, BlobId, RunId, SetId, ValueId
from provenance.model.queries import Page, Query, carries, fits
from provenance.model.records import (
    ArtifactRecord,
    Blob,
    Held,
    Options,
    Run,
    SetRecord,
    Stored,
    Written,
)
from provenance.model.rows import from_row, run_from_json, run_to_json, to_row
from provenance.ports.blobs import BlobEffects as Blobs
from provenance.ports.blobs import (
    BlobStore,
    CheckBlob,
    Discard,
    DropBlob,
    FindPlaces,
    HasBlob,
    Holding,
    ListHoldings,
    Quarantine,
    ReadBlob,
    Shelf,
    TendedBlobs,
    WriteBlob,
    WriteBlobs,
    blob_effects,
)
from provenance.ports.capabilities import All, Permissions
from provenance.ports.leases import (
    Claim,
    Claimed,
    Leases,
    LeaseStore,
    Release,
    Renew,
    Taken,
    lease_effects,
)
from provenance.ports.records import (
    CheckRecords,
    DropRecord,
    DropSet,
    Evict,
    FindByValue,
    FindEviction,
    FindHomes,
    FindIds,
    FindInputs,
    FindLabelled,
    FindNamed,
    FindPins,
    FindProgeny,
    FindRecord,
    FindRecords,
    FindRun,
    FindSet,
    FindSetIds,
    InspectRecord,
    PutRecord,
    PutSet,
    RecordStore,
    Sets,
    SetStore,
    TendedRecords,
    record_effects,
    set_effects,
)
from provenance.ports.records import RecordEffects as Records
from provenance.repository.handles import Repository

__all__ = [
    "All",
    "ArtifactId",
    "ArtifactRecord",
    "Asked",
    "Blob",
    "BlobId",
    "BlobStore",
    "Blobs",
    "CheckBlob",
    "CheckRecords",
    "Claim",
    "Claimed",
    "Counter",
    "Discard",
    "DropBlob",
    "DropRecord",
    "DropSet",
    "Effect",
    "Evict",
    "FindByValue",
    "FindEviction",
    "FindHomes",
    "FindIds",
    "FindInputs",
    "FindLabelled",
    "FindNamed",
    "FindPins",
    "FindPlaces",
    "FindProgeny",
    "FindRecord",
    "FindRecords",
    "FindRun",
    "FindSet",
    "FindSetIds",
    "HasBlob",
    "Held",
    "Holding",
    "InspectRecord",
    "Interpreter",
    "Kept",
    "Layer",
    "LeaseStore",
    "Leases",
    "ListHoldings",
    "Options",
    "Page",
    "Permissions",
    "PutRecord",
    "PutSet",
    "Quarantine",
    "Query",
    "ReadBlob",
    "RecordStore",
    "Records",
    "Release",
    "Renew",
    "Run",
    "RunId",
    "SetId",
    "SetRecord",
    "SetStore",
    "Sets",
    "Shelf",
    "Stored",
    "Taken",
    "TendedBlobs",
    "TendedRecords",
    "Tier",
    "ValueId",
    "WriteBlob",
    "WriteBlobs",
    "Written",
    "blob_effects",
    "blob_of",
    "by_size",
    "carries",
    "chained",
    "counted",
    "distrusting",
    "fits",
    "from_row",
    "guarded",
    "layered",
    "lease_effects",
    "new_owner",
    "overlaid",
    "record_effects",
    "remembered",
    "repository_over",
    "rereading",
    "retrying",
    "run_from_json",
    "run_to_json",
    "set_effects",
    "tiered",
    "to_row",
    "traced",
]


def repository_over(name: str, stores: Interpreter[Records | Blobs]) -> Repository:
    """Return a repository over *stores*.

    Time, process and the user's files are those of this machine.

    If *stores* answer `Leases`, the leases are renewed. Otherwise only the threads and tasks of
    this process wait for each other.

    >>> from provenance.effects.memory import MemoryBlobs, MemoryRecords, MemorySets
    >>> sets = MemorySets()
    >>> stores = blob_effects(MemoryBlobs()) | record_effects(MemoryRecords(sets=sets), sets)
    >>> repository_over("mine", stores).contains_set("123456")
    False
    """
    answered = kept_up(lease_effects(MemoryLeases()) | several_at_once(stores))
    return Repository(name, wiring.world() | answered)
