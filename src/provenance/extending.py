"""Names for authors of stores and layers.

A *store* is a class with the methods of `BlobStore`, or of `RecordStore` and `SetStore`;
`blob_effects` and `record_effects` return interpreters for them. With the methods of `TendedBlobs`
and `TendedRecords` it supports garbage collection and eviction. A *layer* is a function from
interpreter to interpreter; `layered` makes one from a function around each answer, and
`Repository.layered` and `Store.layered` apply one to a handle. `provenance.testing.contracts` has
tests for both.
"""

from __future__ import annotations

from provenance import machine
from provenance.asks import (
    All,
    Blobs,
    DropBlob,
    DropRecord,
    DropSet,
    FindByValue,
    FindIds,
    FindInputs,
    FindLabelled,
    FindProgeny,
    FindRecord,
    FindRecords,
    FindRun,
    FindSet,
    FindSetIds,
    HasBlob,
    Leases,
    PutRecord,
    PutSet,
    Quarantine,
    ReadBlob,
    Records,
    Sets,
    WriteBlob,
    WriteBlobs,
)
from provenance.chores import (
    CheckBlob,
    CheckRecords,
    Discard,
    Evict,
    FindEviction,
    FindHomes,
    FindNamed,
    FindPins,
    FindPlaces,
    Holding,
    InspectRecord,
    ListHoldings,
    Shelf,
)
from provenance.effect import Effect, Interpreter, Layer, layered, overlaid
from provenance.effects.chains import chained
from provenance.effects.heartbeat import kept_up
from provenance.effects.layers import (
    Asked,
    Counter,
    Permissions,
    by_size,
    counted,
    distrusting,
    guarded,
    remembered,
    rereading,
    retrying,
    traced,
)
from provenance.effects.leases import MemoryLeases, new_owner
from provenance.effects.several import several_at_once
from provenance.effects.sinks import Kept, blob_of
from provenance.effects.tiers import Tier, tiered
from provenance.ids import ArtifactId, BlobId, RunId, SetId, ValueId
from provenance.leasing import Claim, Claimed, Release, Renew, Taken
from provenance.ports import (
    BlobStore,
    LeaseStore,
    RecordStore,
    SetStore,
    blob_effects,
    lease_effects,
    record_effects,
    set_effects,
)
from provenance.queries import Page, Query, carries, fits
from provenance.records import ArtifactRecord, Blob, Held, Options, Run, SetRecord, Stored, Written
from provenance.repository import Repository
from provenance.tending import TendedBlobs, TendedRecords
from provenance.wire import from_row, run_from_json, run_to_json, to_row

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
    return Repository(name, machine.world() | answered)
