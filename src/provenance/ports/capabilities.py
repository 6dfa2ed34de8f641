"""Rows of effects that programs ask for."""

from __future__ import annotations

from typing import TypeAlias

from provenance.ports import blobs, history, leases, machine, records

Lookup: TypeAlias = records.FindRecord | blobs.HasBlob | records.FindEviction
"""Looking an artifact up, without reading its value."""
Commit: TypeAlias = (
    blobs.WriteBlob | blobs.WriteBlobs | records.PutRecord | machine.Now | machine.CurrentRun
)
"""Storing and recording a result."""
Load: TypeAlias = (
    records.FindRecord | records.ListIds | records.FindInputs | records.FindRun | blobs.ReadBlob
)
"""Reading what was recorded."""
Trace: TypeAlias = records.FindRecord | records.ListDependents
"""Following lineage."""
Delete: TypeAlias = (
    records.FindRecord
    | records.DeleteRecord
    | blobs.DeleteBlob
    | blobs.Quarantine
    | machine.Now
    | history.PutDeletion
)
"""Deleting and quarantining stored values."""
Coordinate: TypeAlias = (
    leases.AcquireLease | leases.ReleaseLease | records.FindRecord | machine.Sleep
)
"""Waiting while another process computes."""
AllEffects: TypeAlias = (
    records.RecordEffects
    | leases.LeaseEffects
    | blobs.BlobEffects
    | machine.FileEffects
    | machine.SystemEffects
)
"""All effects of a repository."""
