"""Protocols of stores, and the functions that make interpreters of them.

A store is a plain class with one method for each effect. `record_effects`, `blob_effects` and
`lease_effects` return an interpreter for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, TypeAlias

from provenance.asks import (
    Assemble,
    Blobs,
    CheckOut,
    CurrentRun,
    DeleteOriginal,
    DropBlob,
    DropRecord,
    DropSet,
    Examine,
    Examined,
    ExaminedFolder,
    Files,
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
    Now,
    Pause,
    PutRecord,
    PutSet,
    Quarantine,
    ReadBlob,
    Records,
    Sets,
    World,
    WriteBlob,
    WriteBlobs,
)
from provenance.chores import FindPins, Shelf
from provenance.effect import Interpreter
from provenance.errors import ProvenanceError
from provenance.ids import ArtifactId, RunId, SetId, ValueId
from provenance.keepers import Original
from provenance.leasing import Claim, Claimed, Expired, FindExpired, Release, Renew, Taken
from provenance.queries import Page, Query
from provenance.records import ArtifactRecord, Blob, Options, Run, SetRecord, Written
from provenance.tending import Lagging, TendedBlobs, tended_blob_effects, tended_record_effects

Write: TypeAlias = Callable[[BinaryIO], None]
"""Writes a blob into a sink."""


class RecordStore(Protocol):
    """A store of records; each method answers the effect of its name in `asks`."""

    def find_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord | None: ...
    def find_ids(self, prefix: str, limit: int, after: str, /) -> tuple[ArtifactId, ...]: ...
    def find_by_value(self, value_id: ValueId, /) -> tuple[ArtifactRecord, ...]: ...
    def find_progeny(self, artifact_id: ArtifactId, /) -> tuple[ArtifactId, ...]: ...
    def find_inputs(self, artifact_id: ArtifactId, /) -> str | None: ...
    def find_run(self, run_id: RunId, /) -> Run | None: ...
    def find_records(self, query: Query, after: int | None, limit: int, /) -> Page: ...
    def put_record(self, ask: PutRecord, /) -> ArtifactRecord: ...
    def drop_record(self, artifact_id: ArtifactId, /) -> tuple[Blob, ...] | None: ...


class SetStore(Protocol):
    """A store of artifact sets; each method answers the effect of its name in `asks`."""

    def put_set(self, record: SetRecord, /) -> SetRecord: ...
    def find_set(self, set_id: SetId, /) -> SetRecord | None: ...
    def find_set_ids(self, prefix: str, limit: int, after: str, /) -> tuple[SetId, ...]: ...
    def find_labelled(self, labels: Options, /) -> SetRecord | None: ...
    def drop_set(self, set_id: SetId, /) -> bool: ...
    def find_pins(self, artifact_id: ArtifactId, /) -> tuple[SetId, ...]: ...


class LeaseStore(Protocol):
    """A store of leases; each method atomically answers the effect of its name in `leasing`.

    A lease with more than `sharing.IMPOSSIBLE` seconds left was made before the clock was set back,
    and counts as expired.
    """

    def claim(self, artifact_id: ArtifactId, seconds: float, /) -> Claimed | Taken: ...
    def renew(self, lease: Claimed, seconds: float, /) -> bool: ...
    def release(self, lease: Claimed, /) -> bool: ...
    def find_expired(self, seconds: float, after: str, limit: int, /) -> tuple[Expired, ...]: ...


class BlobStore(Protocol):
    """A store of bytes under their digests.

    Each method answers the effect of its name in `asks`.
    """

    def write_blob(self, write: Callable[[BinaryIO], None], /) -> Written: ...
    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object], /) -> object: ...
    def has_blob(self, blob: Blob, /) -> bool: ...
    def drop_blob(self, blob: Blob, /) -> None: ...
    def quarantine(self, blob: Blob, /) -> None: ...


class Desk(Protocol):
    """The user's files, and local copies of stored ones."""

    def examine(self, path: str, /) -> Examined | ExaminedFolder: ...
    def check_out(self, ask: CheckOut, /) -> str: ...
    def assemble(self, ask: Assemble, /) -> str: ...
    def delete_original(self, original: Original, /) -> bool: ...


class Clock(Protocol):
    """A clock."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...

    def ticks(self) -> float:
        """Return the seconds of a monotonic clock, for measuring durations."""
        ...


class Machine(Protocol):
    """Time and facts of this process."""

    def now(self) -> datetime: ...
    def current_run(self) -> Run: ...
    def pause(self, seconds: float, /) -> float: ...


def record_effects(store: RecordStore, sets: SetStore) -> Interpreter[Records]:
    """Return an interpreter for *store* and *sets*.

    For maintenance *store* may be one of `TendedRecords`.
    """
    return (
        FindRecord.on(lambda ask: store.find_record(ask.id))
        | FindIds.on(lambda ask: store.find_ids(ask.prefix, ask.limit, ask.after))
        | FindByValue.on(lambda ask: store.find_by_value(ask.value_id))
        | FindProgeny.on(lambda ask: store.find_progeny(ask.id))
        | FindInputs.on(lambda ask: store.find_inputs(ask.id))
        | FindRun.on(lambda ask: store.find_run(ask.id))
        | FindRecords.on(lambda ask: store.find_records(ask.query, ask.after, ask.limit))
        | PutRecord.on(store.put_record)
        | DropRecord.on(lambda ask: store.drop_record(ask.id))
        | tended_record_effects(store)
        | set_effects(sets)
    )


def set_effects(store: SetStore) -> Interpreter[Sets]:
    """Return an interpreter for *store*."""
    return (
        PutSet.on(lambda ask: store.put_set(ask.record))
        | FindSet.on(lambda ask: store.find_set(ask.id))
        | FindSetIds.on(lambda ask: store.find_set_ids(ask.prefix, ask.limit, ask.after))
        | FindLabelled.on(lambda ask: store.find_labelled(ask.labels))
        | DropSet.on(lambda ask: store.drop_set(ask.id))
        | FindPins.on(lambda ask: store.find_pins(ask.id))
    )


def lease_effects(store: LeaseStore) -> Interpreter[Leases]:
    """Return an interpreter for *store*."""
    return (
        Claim.on(lambda ask: store.claim(ask.artifact_id, ask.seconds))
        | Renew.on(lambda ask: store.renew(ask.lease, ask.seconds))
        | Release.on(lambda ask: store.release(ask.lease))
        | FindExpired.on(lambda ask: store.find_expired(ask.seconds, ask.after, ask.limit))
    )


def attempted(write_blob: Callable[[Write], Written], write: Write) -> Written | ProvenanceError:
    """Write one of several blobs, and return its error instead of raising it."""
    try:
        return write_blob(write)
    except ProvenanceError as error:
        return error


def blob_effects(store: BlobStore) -> Interpreter[Blobs]:
    """Return an interpreter for *store*; for maintenance it may be one of `TendedBlobs`."""

    def drop(ask: DropBlob) -> None:
        # Only a store with `discard` can compare the age of a blob.
        if ask.before is None or not isinstance(store, TendedBlobs):
            store.drop_blob(ask.blob)
            return
        lag = store.lag if isinstance(store, Lagging) else timedelta(0)
        store.discard(Shelf.STORED, ask.blob.id, ask.before - lag)

    return (
        WriteBlob.on(lambda ask: store.write_blob(ask.write))
        | WriteBlobs.on(
            lambda ask: tuple([attempted(store.write_blob, write) for write in ask.writes])
        )
        | ReadBlob.on(lambda ask: store.read_blob(ask.blob, ask.read))
        | HasBlob.on(lambda ask: store.has_blob(ask.blob))
        | DropBlob.on(drop)
        | Quarantine.on(lambda ask: store.quarantine(ask.blob))
        | tended_blob_effects(store)
    )


def file_effects(desk: Desk) -> Interpreter[Files]:
    """Return an interpreter for *desk*."""
    return (
        Examine.on(lambda ask: desk.examine(ask.path))
        | CheckOut.on(desk.check_out)
        | Assemble.on(desk.assemble)
        | DeleteOriginal.on(lambda ask: desk.delete_original(ask.original))
    )


def world_effects(machine: Machine) -> Interpreter[World]:
    """Return an interpreter for *machine*."""
    return (
        Now.on(lambda _: machine.now())
        | CurrentRun.on(lambda _: machine.current_run())
        | Pause.on(lambda ask: machine.pause(ask.seconds))
    )
