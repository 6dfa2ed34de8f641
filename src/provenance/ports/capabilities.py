"""Rows of effects that programs ask for."""

from __future__ import annotations

from typing import TypeAlias

from provenance.ports.blobs import (
    BlobEffects,
    DeleteBlob,
    HasBlob,
    Quarantine,
    ReadBlob,
    WriteBlob,
    WriteBlobs,
)
from provenance.ports.history import PutDeletion
from provenance.ports.leases import AcquireLease, LeaseEffects, ReleaseLease
from provenance.ports.machine import CurrentRun, FileEffects, Now, Sleep, SystemEffects
from provenance.ports.records import (
    DeleteRecord,
    FindEviction,
    FindInputs,
    FindRecord,
    FindRun,
    ListDependents,
    ListIds,
    PutRecord,
    RecordEffects,
)

Lookup: TypeAlias = FindRecord | HasBlob | FindEviction
"""Looking an artifact up, without reading its value."""
Commit: TypeAlias = WriteBlob | WriteBlobs | PutRecord | Now | CurrentRun
"""Storing and recording a result."""
Load: TypeAlias = FindRecord | ListIds | FindInputs | FindRun | ReadBlob
"""Reading what was recorded."""
Trace: TypeAlias = FindRecord | ListDependents
"""Following lineage."""
Delete: TypeAlias = FindRecord | DeleteRecord | DeleteBlob | Quarantine | Now | PutDeletion
"""Deleting and quarantining stored values."""
Coordinate: TypeAlias = AcquireLease | ReleaseLease | FindRecord | Sleep
"""Waiting while another process computes."""
AllEffects: TypeAlias = RecordEffects | LeaseEffects | BlobEffects | FileEffects | SystemEffects
"""All effects of a repository."""
