"""Record and set stores: the effects that they answer, their methods, and the interpreter made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import frozen

from provenance.effect import Effect, Interpreter, Program
from provenance.errors import ArtifactNotFoundError, RunNotFoundError
from provenance.model.ids import ArtifactId, RunId, SetId, ValueId
from provenance.model.queries import Page, Query
from provenance.model.records import ArtifactRecord, Blob, Held, Options, Run, SetRecord


@frozen
class InspectRecord(Effect[ArtifactRecord | None]):
    """The record of this id as stored, without caches and without copies between tiers."""

    id: ArtifactId


@frozen
class FindNamed(Effect[frozenset[Blob]]):
    """Those of *blobs* that any record refers to."""

    blobs: tuple[Blob, ...]


@frozen
class FindPins(Effect[tuple[SetId, ...]]):
    """The ids of the sets that contain the artifact, in order."""

    id: ArtifactId


@frozen
class Evict(Effect[tuple[Blob, ...] | None]):
    """Mark the value of this artifact, *blob*, as evicted.

    Bytes stored in the record's row are deleted.

    Answers the blob if no other record needs it. In the same transaction the store checks that the
    record exists and still has this value, and that no set and no value of another artifact refers
    to it; otherwise it answers None and does nothing. A record that replaces this one is not
    evicted.
    """

    id: ArtifactId
    blob: Blob
    at: datetime


@frozen
class FindEviction(Effect[datetime | None]):
    """When the value of this artifact was evicted, None if it was not."""

    id: ArtifactId


@frozen
class CheckRecords(Effect[tuple[str, ...]]):
    """The problems that the database reports in its own files."""


@frozen
class FindHomes(Effect[frozenset[str]]):
    """The identities of the databases with the records, equal for repositories that share one."""


RecordCare: TypeAlias = InspectRecord | FindNamed | Evict | FindEviction | CheckRecords | FindHomes
"""Maintenance effects of a record store."""


@frozen
class FindRecord(Effect["ArtifactRecord | None"]):
    """The record of this id; *fresh* bypasses the cache of records."""

    id: ArtifactId
    fresh: bool = False


@frozen
class FindIds(Effect[tuple[ArtifactId, ...]]):
    """Up to *limit* ids that begin with *prefix* and sort after *after*, in order."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindByValue(Effect[tuple[ArtifactRecord, ...]]):
    """The records of this value id, oldest first."""

    value_id: ValueId


@frozen
class FindProgeny(Effect[tuple[ArtifactId, ...]]):
    """The ids of the artifacts computed directly from this one, in order."""

    id: ArtifactId


@frozen
class FindInputs(Effect["str | None"]):
    """The inputs of a record, as the JSON text that was stored."""

    id: ArtifactId


@frozen
class FindRun(Effect["Run | None"]):
    """The run of this id."""

    id: RunId


@frozen
class FindRecords(Effect[Page]):
    """A page of up to *limit* records that match *query*, newest first, after the position *after*.

    A replaced record keeps its position, so that paging misses none.
    """

    query: Query
    after: int | None = None
    limit: int = 100


@frozen
class PutRecord(Effect[ArtifactRecord]):
    """Store *record*, its *run* and the *held* blobs in one transaction; answers the stored record.

    An existing artifact stays, so that the loser of a race gets the winner's record, unless
    *replace*. The records *besides*, the parts of a composite, are stored in the same transaction
    and replace existing ones.
    """

    record: ArtifactRecord
    run: Run
    inputs_json: str
    held: tuple[Held, ...] = ()
    replace: bool = False
    besides: tuple[PutRecord, ...] = ()


@frozen
class DropRecord(Effect["tuple[Blob, ...] | None"]):
    """Delete a record.

    Answers the blobs that no record refers to any longer, None if there was no record.
    """

    id: ArtifactId


@frozen
class PutSet(Effect[SetRecord]):
    """Store a set; if it is stored with the same labels already, it becomes the newest set."""

    record: SetRecord


@frozen
class FindSet(Effect["SetRecord | None"]):
    """The newest record of a set."""

    id: SetId


@frozen
class FindSetIds(Effect[tuple[SetId, ...]]):
    """Up to *limit* ids of sets that begin with *prefix* and sort after *after*, in order."""

    prefix: str
    limit: int = 10
    after: str = ""


@frozen
class FindLabelled(Effect["SetRecord | None"]):
    """The newest set with all of these labels, and possibly others."""

    labels: Options


@frozen
class DropSet(Effect[bool]):
    """Delete a set with all its labels, but not its members; answers False if there was none."""

    id: SetId


Sets: TypeAlias = PutSet | FindSet | FindSetIds | FindLabelled | DropSet | FindPins
"""Effects of a set store."""
RecordEffects: TypeAlias = (
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
"""Effects of a record store."""


class Records(Protocol):
    """Any record store."""

    def find_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord | None: ...


@runtime_checkable
class TendedRecords(Protocol):
    """A record store with eviction; each method answers the effect of its name above."""

    def find_named(self, blobs: tuple[Blob, ...], /) -> frozenset[Blob]: ...
    def evict(
        self, artifact_id: ArtifactId, blob: Blob, at: datetime, /
    ) -> tuple[Blob, ...] | None: ...
    def find_eviction(self, artifact_id: ArtifactId, /) -> datetime | None: ...
    def check_records(self) -> tuple[str, ...]: ...
    def find_homes(self) -> frozenset[str]: ...


def tended_record_effects(store: Records) -> Interpreter[RecordCare]:
    """Return an interpreter for *store*; without `TendedRecords` every blob counts as referenced."""
    inspect = InspectRecord.on(lambda ask: store.find_record(ask.id))
    if isinstance(store, TendedRecords):
        return (
            inspect
            | FindNamed.on(lambda ask: store.find_named(ask.blobs))
            | Evict.on(lambda ask: store.evict(ask.id, ask.blob, ask.at))
            | FindEviction.on(lambda ask: store.find_eviction(ask.id))
            | CheckRecords.on(lambda _: store.check_records())
            | FindHomes.on(lambda _: store.find_homes())
        )
    return (
        inspect
        | FindNamed.on(lambda ask: frozenset(ask.blobs))
        | Evict.on(lambda _: None)
        | FindEviction.on(lambda _: None)
        | CheckRecords.on(lambda _: ())
        | FindHomes.on(lambda _: frozenset({f"object:{id(store)}"}))
    )


class RecordStore(Protocol):
    """A store of records; each method answers the effect of its name above."""

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
    """A store of artifact sets; each method answers the effect of its name above."""

    def put_set(self, record: SetRecord, /) -> SetRecord: ...
    def find_set(self, set_id: SetId, /) -> SetRecord | None: ...
    def find_set_ids(self, prefix: str, limit: int, after: str, /) -> tuple[SetId, ...]: ...
    def find_labelled(self, labels: Options, /) -> SetRecord | None: ...
    def drop_set(self, set_id: SetId, /) -> bool: ...
    def find_pins(self, artifact_id: ArtifactId, /) -> tuple[SetId, ...]: ...


def record_effects(store: RecordStore, sets: SetStore) -> Interpreter[RecordEffects]:
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


@frozen
class Given:
    """All that a store has of an artifact, except the bytes."""

    record: ArtifactRecord
    run: Run
    inputs_json: str


def given(record: ArtifactRecord, repo: str) -> Program[FindRun | FindInputs, Given]:
    """Look up what is stored beside the record; raises `RunNotFoundError` or `ArtifactNotFoundError` if it is missing."""
    run = yield from FindRun(record.run_id)
    if run is None:
        raise RunNotFoundError(record.run_id, record.id, repo)
    inputs = yield from FindInputs(record.id)
    if inputs is None:
        raise ArtifactNotFoundError(record.id, repo)
    return Given(record, run, inputs)
