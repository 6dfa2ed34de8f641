"""Stores in the memory of this process: for tests, for trying things out, and as a quick tier before others."""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO, TypeVar, cast

from provenance.asks import PutRecord
from provenance.chores import Holding, Shelf
from provenance.effects.duplicates import OnDuplicate
from provenance.effects.locks import Shared
from provenance.effects.memory_sets import MemorySets
from provenance.effects.sinks import Kept, digest
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.ids import ArtifactId, BlobId, RunId, ValueId
from provenance.queries import Page, Query, fits
from provenance.records import ArtifactRecord, Blob, Held, Run, Stored
from provenance.wire import Row, from_row, run_from_json, run_to_json, to_row

__all__ = ["MemoryBlobs", "MemoryRecords", "MemorySets"]

K = TypeVar("K")


class MemoryBlobs:
    """Blobs in a dictionary; it holds encoded bytes, so that no caller can change what another one gets."""

    def __init__(self, name: str = "memory", on_duplicate: OnDuplicate = OnDuplicate.SKIP) -> None:
        self._name = name
        self._on_duplicate = on_duplicate
        self._held: dict[BlobId, bytes] = {}
        self._aside: dict[BlobId, bytes] = {}
        self._since: dict[BlobId, datetime] = {}

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Stored:
        """Keep what *write* writes; an exception of *write* keeps nothing."""
        sink = Kept()
        write(sink)
        held = sink.held()
        there = self._held.get(held.blob.id)
        size = None if there is None else len(there)
        if not self._on_duplicate.stays(held.blob, self._name, size, lambda: there == held.data):
            self._held[held.blob.id] = held.data
        return Stored(self.hold(held))

    def hold(self, held: Held) -> Blob:
        """Keep bytes that are encoded and named already."""
        self._since[held.blob.id] = datetime.now(UTC)  # before the bytes: who finds them must find them young
        self._held.setdefault(held.blob.id, held.data)
        return held.blob

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """What *read* makes of the bytes; raises `BlobNotFoundError` or, where the size differs, `CorruptBlobError`."""
        data = self._held.get(blob.id)
        if data is None:
            raise BlobNotFoundError(blob.id, self._name)
        if len(data) != blob.size:
            reason = f"{len(data)} bytes are kept, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._name, reason)
        return read(io.BytesIO(data))

    def has_blob(self, blob: Blob) -> bool:
        """Whether a blob of this id and size is kept."""
        data = self._held.get(blob.id)
        return data is not None and len(data) == blob.size

    def drop_blob(self, blob: Blob) -> None:
        """Forget the bytes, if they are kept."""
        self._held.pop(blob.id, None)

    def quarantine(self, blob: Blob) -> None:
        """Put the bytes aside, if they are kept."""
        data = self._held.pop(blob.id, None)
        if data is not None:
            self._aside[blob.id] = data
            self._since[blob.id] = datetime.now(UTC)

    def check_blob(self, blob: Blob) -> None:
        """Compare the bytes with their digest; raises as `read_blob`."""
        found = digest(cast("bytes", self.read_blob(blob, lambda source: source.read())))
        if found != blob.id:
            raise CorruptBlobError(blob.id, self._name, f"its bytes have the digest {found}")

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        """At most *limit* of what is kept, or put aside, in order of the ids."""
        there = dict(self._on(shelf))
        keys = sorted(key for key in there if key > after)[:limit]
        return tuple(Holding(key, len(there[key]), self._since.get(key, datetime.now(UTC))) for key in keys)

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        """Forget the bytes if they are old; answers whether they went."""
        there, blob_id = self._on(shelf), BlobId(key)
        data = there.pop(blob_id, None)
        if data is None or self._since[blob_id] < before:
            return data is not None
        there.setdefault(blob_id, data)  # it was written again just now
        return False

    def find_places(self) -> frozenset[str]:
        """This store and no other."""
        return frozenset({f"memory:{id(self)}"})

    def _on(self, shelf: Shelf) -> dict[BlobId, bytes]:
        return {Shelf.STORED: self._held, Shelf.QUARANTINED: self._aside}.get(shelf, {})


class MemoryRecords(Shared):
    """Records in dictionaries, with an index for each question, as rows: what comes out is what a database would give.

    Bytes that a record brings along go to *blobs*; what *sets* pin is not evicted.
    """

    def __init__(self, blobs: MemoryBlobs | None = None, sets: MemorySets | None = None) -> None:
        super().__init__()
        self._blobs = MemoryBlobs() if blobs is None else blobs
        self._sets = MemorySets() if sets is None else sets
        self._rows: dict[ArtifactId, Row] = {}
        self._inputs: dict[ArtifactId, str] = {}
        self._ids: list[ArtifactId] = []
        self._runs: dict[RunId, str] = {}
        self._by_value: dict[ValueId, set[ArtifactId]] = {}
        self._by_blob: dict[BlobId, set[ArtifactId]] = {}
        self._progeny: dict[ArtifactId, set[ArtifactId]] = {}
        self._places: dict[int, ArtifactId] = {}
        self._place_of: dict[ArtifactId, int] = {}
        self._next_place = 1
        self._evicted: dict[ArtifactId, datetime] = {}

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """The record of this id, or None."""
        row = self._rows.get(artifact_id)
        return None if row is None else from_row(row)

    def find_ids(self, prefix: str, limit: int, after: str = "") -> tuple[ArtifactId, ...]:
        """At most *limit* ids that begin with *prefix* and come after *after*, in order."""
        with self.lock:
            start = max(bisect_left(self._ids, prefix), bisect_right(self._ids, after))
            return tuple(each for each in self._ids[start : start + limit] if each.startswith(prefix))

    def find_by_value(self, value_id: ValueId) -> tuple[ArtifactRecord, ...]:
        """Records of the value, oldest first."""
        with self.lock:
            rows = [self._rows[each] for each in self._by_value.get(value_id, ())]
        return tuple(sorted(map(from_row, rows), key=lambda record: (record.added_at, record.id)))

    def find_progeny(self, artifact_id: ArtifactId) -> tuple[ArtifactId, ...]:
        """Ids of what was computed directly from the artifact, in order."""
        with self.lock:
            return tuple(sorted(self._progeny.get(artifact_id, ())))

    def find_inputs(self, artifact_id: ArtifactId) -> str | None:
        """The JSON text of the inputs of the record, or None."""
        return self._inputs.get(artifact_id)

    def find_run(self, run_id: RunId) -> Run | None:
        """The run of this id, or None."""
        text = self._runs.get(run_id)
        return None if text is None else run_from_json(text)

    def put_record(self, ask: PutRecord) -> ArtifactRecord:
        """Keep the record, its run and the bytes it brings; the record that is there already stays, unless replaced."""
        rows = [(each, to_row(each.record)) for each in (*ask.besides, ask)]
        with self.lock:
            known = self._rows.get(ask.record.id)
            if known is not None and not ask.replace:
                return self._lose(from_row(known), rows)
            for each, row in rows:
                self._replace(each, row)
        return ask.record

    def _lose(self, winner: ArtifactRecord, rows: list[tuple[PutRecord, Row]]) -> ArtifactRecord:
        """The record that was quicker; parts that it lacks, because they are lost, are given to it."""
        if winner.value_id == rows[-1][0].record.value_id:
            for each, row in rows:
                if each.record.id not in self._rows:
                    self._replace(each, row)
        return winner

    def find_records(self, query: Query, after: int | None, limit: int) -> Page:
        """Some records that fit, those that came last first; one that is replaced keeps its place."""
        with self.lock:
            rows = [(place, self._rows[each], self._inputs[each]) for place, each in self._places.items()]
        found: list[ArtifactRecord] = []
        for place, row, inputs in reversed(rows):
            if after is not None and place >= after:
                continue
            record = from_row(row)
            if fits(query, record, inputs):
                found.append(record)
                if len(found) == limit:
                    return Page(tuple(found), place)
        return Page(tuple(found), None)

    def drop_record(self, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
        """Forget the record; the blobs that no record names any more, or None where there was no record."""
        with self.lock:
            row = self._rows.get(artifact_id)
            if row is None:
                return None
            record = from_row(row)
            self._unlink(record)
            del self._places[self._place_of.pop(artifact_id)]
            return tuple(blob for blob in dict.fromkeys(record.blobs) if blob.id not in self._by_blob)

    def find_named(self, blobs: tuple[Blob, ...]) -> frozenset[Blob]:
        """Those of *blobs* that some record names."""
        with self.lock:
            return frozenset(each for each in blobs if each.id in self._by_blob)

    def evict(self, artifact_id: ArtifactId, blob: Blob, at: datetime) -> tuple[Blob, ...] | None:
        """Note that the value was let go; the blob if no record needs it any more, None if nothing was done."""
        with self.lock:
            row = self._rows.get(artifact_id)
            if row is None or from_row(row).value_blob != blob or self._is_pinned(artifact_id):
                return None
            self._evicted[artifact_id] = at
            return () if any(self._needs(each, blob) for each in self._by_blob[blob.id]) else (blob,)

    def _is_pinned(self, artifact_id: ArtifactId) -> bool:
        """Whether a set has the artifact as a member, or one whose value holds it, at any depth."""
        met, waiting = {artifact_id}, [artifact_id]
        while waiting:
            key = waiting.pop()
            if self._sets.is_member(key):
                return True
            users = self._progeny.get(key, set[ArtifactId]())
            holders = {each for each in users if key in from_row(self._rows[each]).value_artifact_ids}
            waiting += holders - met
            met |= holders
        return False

    def _needs(self, artifact_id: ArtifactId, blob: Blob) -> bool:
        return artifact_id not in self._evicted or from_row(self._rows[artifact_id]).inputs_blob == blob

    def find_eviction(self, artifact_id: ArtifactId) -> datetime | None:
        """When the value was let go, or None."""
        return self._evicted.get(artifact_id)

    def check_records(self) -> tuple[str, ...]:
        """Nothing: there are no files."""
        return ()

    def find_homes(self) -> frozenset[str]:
        """These records and no others."""
        return frozenset({f"memory:{id(self)}"})

    def _replace(self, ask: PutRecord, row: Row) -> None:
        known = self._rows.get(ask.record.id)
        if known is not None:
            self._unlink(from_row(known))
        for held in ask.held:
            self._blobs.hold(held)
        if ask.run.id not in self._runs:
            self._runs[ask.run.id] = run_to_json(ask.run)
        self._link(ask.record, row, ask.inputs_json)

    def _link(self, record: ArtifactRecord, row: Row, inputs_json: str) -> None:
        self._rows[record.id] = row
        self._inputs[record.id] = inputs_json
        insort(self._ids, record.id)
        self._by_value.setdefault(record.value_id, set()).add(record.id)
        for blob in record.blobs:
            self._by_blob.setdefault(blob.id, set()).add(record.id)
        for each in record.source_ids:
            self._progeny.setdefault(each, set()).add(record.id)
        if record.id not in self._place_of:
            self._places[self._next_place] = record.id
            self._place_of[record.id] = self._next_place
            self._next_place += 1

    def _unlink(self, record: ArtifactRecord) -> None:
        del self._rows[record.id], self._inputs[record.id]
        self._evicted.pop(record.id, None)
        del self._ids[bisect_left(self._ids, record.id)]
        _discard(self._by_value, record.value_id, record.id)
        for blob in record.blobs:
            _discard(self._by_blob, blob.id, record.id)
        for each in record.source_ids:
            _discard(self._progeny, each, record.id)


def _discard(index: dict[K, set[ArtifactId]], key: K, artifact_id: ArtifactId) -> None:
    """Take the artifact out of *index*, and the key with it when it was the last one."""
    members = index.get(key, set())
    members.discard(artifact_id)
    if not members:
        index.pop(key, None)
