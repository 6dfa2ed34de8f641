"""Record and set stores: the effects that they answer, their methods, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import evolve, frozen

from provenance.effect import Interpreter, Program
from provenance.errors import ArtifactNotFoundError, CorruptRecordError
from provenance.model.history import CodeReceipt
from provenance.model.ids import ArtifactId, RunId, SetId, ValueId
from provenance.model.queries import Grouping, Page, Query, Usage, summarize_records
from provenance.model.records import ArtifactRecord, Blob, InlineBlob, Options, Run, SetRecord
from provenance.ports.history import (
    FindReceipt,
    FindSources,
    HistoryEffects,
    history_effects,
)
from provenance.ports.inspection import InspectableRecordStore, ReadStoredRecords
from provenance.ports.permissions import StoreEffect


@frozen(eq=False, repr=False)
class ReadStoredRecord(StoreEffect[ArtifactRecord | None]):
    """The record of this id as stored, without caches and without copies between tiers."""

    needs, action = "read", "looking up an artifact"
    id: ArtifactId


@frozen(eq=False, repr=False)
class FindReferencedBlobs(StoreEffect[frozenset[Blob]]):
    """Those of *blobs* that any record refers to."""

    needs, action = "read", "looking up referenced blobs"
    blobs: tuple[Blob, ...]


@frozen(eq=False, repr=False)
class FindSetsContaining(StoreEffect[tuple[SetId, ...]]):
    """The ids of the sets that contain the artifact, in order."""

    needs, action = "read", "looking up the sets of an artifact"
    id: ArtifactId


@frozen(eq=False, repr=False)
class MarkEvicted(StoreEffect[tuple[Blob, ...] | None]):
    """Mark the value of this artifact, *blob*, as evicted.

    Bytes stored in the record's row are deleted.

    Answers the blob if no other record needs it. In the same transaction the store checks that the
    record exists and still has this value, and that no set and no value of another artifact refers
    to it; otherwise it answers None and does nothing. A record that replaces this one is not
    evicted.
    """

    needs, action = "delete", "evicting a value"
    id: ArtifactId
    blob: Blob
    at: datetime


@frozen(eq=False, repr=False)
class FindEviction(StoreEffect[datetime | None]):
    """When the value of this artifact was evicted, None if it was not."""

    needs, action = "read", "looking up an eviction"
    id: ArtifactId


@frozen(eq=False, repr=False)
class CheckDatabase(StoreEffect[tuple[str, ...]]):
    """The problems that the database reports in its own files."""

    needs, action = "read", "checking the records"


@frozen(eq=False, repr=False)
class GetDatabaseIds(StoreEffect[frozenset[str]]):
    """The identities of the databases with the records, equal for repositories that share one."""

    needs, action = "read", "looking up database ids"


@frozen(eq=False, repr=False)
class SummarizeRecords(StoreEffect[tuple[Usage, ...]]):
    """What the artifacts amount to, in groups, ordered by key."""

    needs, action = "read", "summarizing artifacts"
    by: Grouping


RecordMaintenance: TypeAlias = (
    ReadStoredRecord
    | ReadStoredRecords
    | SummarizeRecords
    | FindReferencedBlobs
    | MarkEvicted
    | FindEviction
    | CheckDatabase
    | GetDatabaseIds
)
"""Maintenance effects of a record store."""


@frozen(eq=False, repr=False)
class FindRecord(StoreEffect["ArtifactRecord | None"]):
    """The record of this id; *fresh* bypasses the cache of records."""

    needs, action = "read", "looking up an artifact"
    id: ArtifactId
    fresh: bool = False


@frozen(eq=False, repr=False)
class FindMany(StoreEffect["Mapping[ArtifactId, ArtifactRecord]"]):
    """Those of these artifacts that are recorded, by id; damaged records are left out."""

    needs, action = "read", "looking up artifacts"
    ids: tuple[ArtifactId, ...]


@frozen(eq=False, repr=False)
class ListIds(StoreEffect[tuple[ArtifactId, ...]]):
    """Up to *limit* ids that begin with *prefix* and sort after *after*, in order."""

    needs, action = "read", "looking up ids"
    prefix: str
    limit: int = 10
    after: str = ""


@frozen(eq=False, repr=False)
class FindRecordsByValue(StoreEffect[tuple[ArtifactRecord, ...]]):
    """The records of this value id, oldest first."""

    needs, action = "read", "looking up artifacts by value"
    value_id: ValueId


@frozen(eq=False, repr=False)
class ListDependents(StoreEffect[tuple[ArtifactId, ...]]):
    """The ids of the artifacts computed directly from this one, in order."""

    needs, action = "read", "looking up dependents"
    id: ArtifactId


@frozen(eq=False, repr=False)
class FindInputs(StoreEffect["str | None"]):
    """The inputs of a record, as the JSON text that was stored."""

    needs, action = "read", "looking up inputs"
    id: ArtifactId


@frozen(eq=False, repr=False)
class FindRun(StoreEffect["Run | None"]):
    """The run of this id."""

    needs, action = "read", "looking up a run"
    id: RunId


@frozen(eq=False, repr=False)
class SearchRecords(StoreEffect[Page]):
    """A page of up to *limit* records that match *query*, newest first, after the position *after*.

    A replaced record keeps its position, so that paging misses none.
    """

    needs, action = "read", "searching artifacts"
    query: Query
    after: int | None = None
    limit: int = 100


@frozen(eq=False, repr=False)
class PutRecord(StoreEffect[ArtifactRecord]):
    """Store *record*, its *run*, *receipt* and the *held* blobs in one transaction; answers the stored record.

    The *parents* are the runs that started the run, the nearest first. They are stored with it, as they may never
    put a record themselves.

    An existing artifact stays, so that the loser of a race gets the winner's record, unless
    *replace*. The records *besides*, the parts of a composite, are stored in the same transaction
    and replace existing ones.

    The value of an *evicted* one is not stored, and counts as evicted at the time at which it was added.
    """

    needs, action = "write", "recording an artifact"
    record: ArtifactRecord
    run: Run
    inputs_json: str
    inline_blobs: tuple[InlineBlob, ...] = ()
    replace: bool = False
    besides: tuple[PutRecord, ...] = ()
    receipt: CodeReceipt | None = None
    parents: tuple[Run, ...] = ()
    evicted: bool = False


@frozen(eq=False, repr=False)
class PutRecords(StoreEffect["tuple[ArtifactRecord, ...]"]):
    """Store several records in one transaction, each as `PutRecord` does.

    Answers what is stored then, in the same order.
    """

    needs, action = "write", "recording artifacts"
    records: tuple[PutRecord, ...]


@frozen(eq=False, repr=False)
class DeleteRecord(StoreEffect["tuple[Blob, ...] | None"]):
    """Delete a record.

    Answers the blobs that no record refers to any longer, None if there was no record.
    """

    needs, action = "delete", "deleting an artifact"
    id: ArtifactId


@frozen(eq=False, repr=False)
class PutSet(StoreEffect[SetRecord]):
    """Store a set; if it is stored with the same labels already, it becomes the newest set."""

    needs, action = "write", "recording a set"
    record: SetRecord


@frozen(eq=False, repr=False)
class FindSet(StoreEffect["SetRecord | None"]):
    """The newest record of a set."""

    needs, action = "read", "looking up a set"
    id: SetId


@frozen(eq=False, repr=False)
class ListSetIds(StoreEffect[tuple[SetId, ...]]):
    """Up to *limit* ids of sets that begin with *prefix* and sort after *after*, in order."""

    needs, action = "read", "looking up ids of sets"
    prefix: str
    limit: int = 10
    after: str = ""


@frozen(eq=False, repr=False)
class FindSetByLabels(StoreEffect["SetRecord | None"]):
    """The newest set with all of these labels, and possibly others."""

    needs, action = "read", "looking up a set by its labels"
    labels: Options


@frozen(eq=False, repr=False)
class DeleteSet(StoreEffect[bool]):
    """Delete a set with all its labels, but not its members; answers False if there was none."""

    needs, action = "delete", "deleting a set"
    id: SetId


SetEffects: TypeAlias = (
    PutSet | FindSet | ListSetIds | FindSetByLabels | DeleteSet | FindSetsContaining
)
"""Effects of a set store."""
RecordEffects: TypeAlias = (
    FindRecord
    | FindMany
    | ListIds
    | FindRecordsByValue
    | ListDependents
    | FindInputs
    | FindRun
    | SearchRecords
    | PutRecord
    | PutRecords
    | DeleteRecord
    | RecordMaintenance
    | HistoryEffects
    | SetEffects
)
"""Effects of a record store."""


@runtime_checkable
class MaintainableRecordStore(Protocol):
    """A record store with eviction; each method answers the effect of its name, as in `RecordStore`."""

    def summarize_records(self, by: Grouping, /) -> tuple[Usage, ...]: ...
    def find_referenced_blobs(self, blobs: tuple[Blob, ...], /) -> frozenset[Blob]: ...
    def mark_evicted(
        self, artifact_id: ArtifactId, blob: Blob, at: datetime, /
    ) -> tuple[Blob, ...] | None: ...
    def find_eviction(self, artifact_id: ArtifactId, /) -> datetime | None: ...
    def check_database(self) -> tuple[str, ...]: ...
    def get_database_ids(self) -> frozenset[str]: ...


def record_maintenance_effects(store: RecordStore) -> Interpreter[RecordMaintenance]:
    """Return an interpreter for *store*.

    Without `MaintainableRecordStore` every blob counts as referenced, and summaries read all
    records.
    """
    inspect = ReadStoredRecord.on(lambda ask: store.find_record(ask.id)) | ReadStoredRecords.on(
        lambda ask: store.read_stored(ask.ids) if isinstance(store, InspectableRecordStore) else ()
    )
    if isinstance(store, MaintainableRecordStore):
        return (
            inspect
            | SummarizeRecords.on(lambda ask: store.summarize_records(ask.by))
            | FindReferencedBlobs.on(lambda ask: store.find_referenced_blobs(ask.blobs))
            | MarkEvicted.on(lambda ask: store.mark_evicted(ask.id, ask.blob, ask.at))
            | FindEviction.on(lambda ask: store.find_eviction(ask.id))
            | CheckDatabase.on(lambda _: store.check_database())
            | GetDatabaseIds.on(lambda _: store.get_database_ids())
        )

    def summarize(ask: SummarizeRecords) -> tuple[Usage, ...]:
        return summarize_records(all_records(_search_of(store)), ask.by, lambda _: False)

    return (
        inspect
        | SummarizeRecords.on(summarize)
        | FindReferencedBlobs.on(lambda ask: frozenset(ask.blobs))
        | MarkEvicted.on(lambda _: None)
        | FindEviction.on(lambda _: None)
        | CheckDatabase.on(lambda _: ())
        | GetDatabaseIds.on(lambda _: frozenset({f"object:{id(store)}"}))
    )


def all_records(
    search: Callable[[SearchRecords], Page], query: Query | None = None
) -> Iterator[ArtifactRecord]:
    """Yield the records of all pages of a search, by default of one for everything."""
    after: int | None = None
    while True:
        page = search(SearchRecords(query or Query(), after))
        yield from page.records
        if page.next is None:
            return
        after = page.next


def _search_of(store: RecordStore) -> Interpreter[SearchRecords]:
    return SearchRecords.on(lambda ask: store.search_records(ask.query, ask.after, ask.limit))


class RecordStore(Protocol):
    """A store of records.

    Each method answers the effect of its name, whose docstring says how: `find_record` answers
    `FindRecord`. The parameters are the attributes of the effect.
    """

    def find_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord | None: ...
    def list_ids(self, prefix: str, limit: int, after: str, /) -> tuple[ArtifactId, ...]: ...
    def find_records_by_value(self, value_id: ValueId, /) -> tuple[ArtifactRecord, ...]: ...
    def list_dependents(self, artifact_id: ArtifactId, /) -> tuple[ArtifactId, ...]: ...
    def find_inputs(self, artifact_id: ArtifactId, /) -> str | None: ...
    def find_run(self, run_id: RunId, /) -> Run | None: ...
    def search_records(self, query: Query, after: int | None, limit: int, /) -> Page: ...
    def put_record(self, ask: PutRecord, /) -> ArtifactRecord: ...
    def delete_record(self, artifact_id: ArtifactId, /) -> tuple[Blob, ...] | None: ...


@runtime_checkable
class BulkRecordStore(Protocol):
    """A record store that answers for many records at once, in one query or one transaction.

    Each method answers the effect of its name, as in `RecordStore`.
    """

    def find_many(self, ids: tuple[ArtifactId, ...], /) -> Mapping[ArtifactId, ArtifactRecord]: ...
    def put_records(self, records: tuple[PutRecord, ...], /) -> tuple[ArtifactRecord, ...]: ...


class SetStore(Protocol):
    """A store of artifact sets; each method answers the effect of its name, as in `RecordStore`."""

    def put_set(self, record: SetRecord, /) -> SetRecord: ...
    def find_set(self, set_id: SetId, /) -> SetRecord | None: ...
    def list_set_ids(self, prefix: str, limit: int, after: str, /) -> tuple[SetId, ...]: ...
    def find_set_by_labels(self, labels: Options, /) -> SetRecord | None: ...
    def delete_set(self, set_id: SetId, /) -> bool: ...
    def find_sets_containing(self, artifact_id: ArtifactId, /) -> tuple[SetId, ...]: ...


def record_effects(store: RecordStore, sets: SetStore) -> Interpreter[RecordEffects]:
    """Return an interpreter for *store* and *sets*.

    For maintenance *store* may be one of `MaintainableRecordStore`, for code receipts one of
    `HistoryStore`. One that is not a `BulkRecordStore` is asked for one record after the other.
    """
    return (
        bulk_effects(store)
        | FindRecord.on(lambda ask: store.find_record(ask.id))
        | ListIds.on(lambda ask: store.list_ids(ask.prefix, ask.limit, ask.after))
        | FindRecordsByValue.on(lambda ask: store.find_records_by_value(ask.value_id))
        | ListDependents.on(lambda ask: store.list_dependents(ask.id))
        | FindInputs.on(lambda ask: store.find_inputs(ask.id))
        | FindRun.on(lambda ask: store.find_run(ask.id))
        | _search_of(store)
        | PutRecord.on(store.put_record)
        | DeleteRecord.on(lambda ask: store.delete_record(ask.id))
        | record_maintenance_effects(store)
        | history_effects(store)
        | set_effects(sets)
    )


def bulk_effects(store: RecordStore) -> Interpreter[FindMany | PutRecords]:
    """Return an interpreter for *store*, which may be one of `BulkRecordStore`."""
    if isinstance(store, BulkRecordStore):
        return FindMany.on(lambda ask: store.find_many(ask.ids)) | PutRecords.on(
            lambda ask: store.put_records(ask.records)
        )
    return FindMany.on(lambda ask: find_each(store.find_record, ask.ids)) | PutRecords.on(
        lambda ask: tuple([store.put_record(record) for record in ask.records])
    )


def find_each(
    find: Callable[[ArtifactId], ArtifactRecord | None], ids: tuple[ArtifactId, ...]
) -> Mapping[ArtifactId, ArtifactRecord]:
    """Answer `FindMany` by one look-up for each id."""
    found: dict[ArtifactId, ArtifactRecord] = {}
    for artifact_id in ids:
        with suppress(CorruptRecordError):
            record = find(artifact_id)
            if record is not None:
                found[artifact_id] = record
    return found


def set_effects(store: SetStore) -> Interpreter[SetEffects]:
    """Return an interpreter for *store*."""
    return (
        PutSet.on(lambda ask: store.put_set(ask.record))
        | FindSet.on(lambda ask: store.find_set(ask.id))
        | ListSetIds.on(lambda ask: store.list_set_ids(ask.prefix, ask.limit, ask.after))
        | FindSetByLabels.on(lambda ask: store.find_set_by_labels(ask.labels))
        | DeleteSet.on(lambda ask: store.delete_set(ask.id))
        | FindSetsContaining.on(lambda ask: store.find_sets_containing(ask.id))
    )


def find_inputs(artifact_id: ArtifactId, repo: str) -> Program[FindInputs, str]:
    """Find the recorded inputs of an artifact; raises `ArtifactNotFoundError` if it is not recorded."""
    text = yield from FindInputs(artifact_id)
    if text is None:
        raise ArtifactNotFoundError(artifact_id, repo)
    return text


def find_code(digest: str) -> Program[FindReceipt | FindSources, CodeReceipt | None]:
    """Look up a code receipt with its sources; None if it is not recorded."""
    text = (yield from FindReceipt(digest)) if digest else None
    if text is None:
        return None
    receipt = CodeReceipt(digest, text)
    return evolve(receipt, sources=(yield from FindSources(frozenset(receipt.digests.values()))))
