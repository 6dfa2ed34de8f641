"""Rows of effects that programs ask for, and the permission that each effect needs."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from attrs import frozen

from provenance.effect import Effect
from provenance.ports.blobs import (
    BlobEffects,
    CheckBlob,
    Discard,
    DropBlob,
    FindPlaces,
    HasBlob,
    ListHoldings,
    Quarantine,
    ReadBlob,
    WriteBlob,
    WriteBlobs,
)
from provenance.ports.leases import Claim, FindExpired, Leases, Release, Renew
from provenance.ports.machine import CurrentRun, Files, Now, Pause, World
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
    RecordEffects,
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
Load: TypeAlias = FindRecord | FindIds | FindInputs | FindRun | ReadBlob
"""Reading what was recorded."""
Trace: TypeAlias = FindRecord | FindProgeny
"""Following lineage."""
Curate: TypeAlias = FindRecord | DropRecord | DropBlob | Quarantine | Now
"""Deleting and quarantining stored values."""
TakeTurns: TypeAlias = Claim | Release | FindRecord | Pause
"""Waiting while another process computes."""
All: TypeAlias = RecordEffects | Leases | BlobEffects | Files | World
"""All effects of a repository."""


NEEDS: Final[dict[type[Effect[Any]], tuple[str, str]]] = {
    FindRecord: ("looking up an artifact", "read"),
    FindIds: ("looking up ids", "read"),
    FindByValue: ("looking up artifacts by value", "read"),
    FindProgeny: ("looking up dependents", "read"),
    FindInputs: ("looking up inputs", "read"),
    FindRun: ("looking up a run", "read"),
    FindRecords: ("searching artifacts", "read"),
    FindSet: ("looking up a set", "read"),
    FindSetIds: ("looking up ids of sets", "read"),
    FindLabelled: ("looking up a set by its labels", "read"),
    FindPins: ("looking up the sets of an artifact", "read"),
    InspectRecord: ("looking up an artifact", "read"),
    FindNamed: ("looking up referenced blobs", "read"),
    FindEviction: ("looking up an eviction", "read"),
    FindHomes: ("looking up database ids", "read"),
    CheckRecords: ("checking the records", "read"),
    CheckBlob: ("checking a blob", "read"),
    ListHoldings: ("listing stored blobs", "read"),
    FindPlaces: ("looking up blob locations", "read"),
    Evict: ("evicting a value", "delete"),
    Discard: ("deleting garbage", "delete"),
    PutSet: ("recording a set", "write"),
    DropSet: ("deleting a set", "delete"),
    Claim: ("acquiring a lease", "write"),
    Renew: ("renewing a lease", "write"),
    Release: ("releasing a lease", "write"),
    FindExpired: ("listing expired leases", "read"),
    ReadBlob: ("reading a blob", "read"),
    HasBlob: ("looking for a blob", "read"),
    PutRecord: ("recording an artifact", "write"),
    WriteBlob: ("writing a blob", "write"),
    WriteBlobs: ("writing blobs", "write"),
    # It makes room for a sound one.
    Quarantine: ("quarantining a damaged blob", "write"),
    DropRecord: ("deleting an artifact", "delete"),
    DropBlob: ("deleting a blob", "delete"),
}
