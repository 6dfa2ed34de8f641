"""Stores in the memory of this process: for tests, for trying things out, and as a quick tier before others."""

from __future__ import annotations

import io
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from attrs import evolve

from provenance.asks import PutRecord
from provenance.effects.duplicates import OnDuplicate
from provenance.effects.locks import Shared
from provenance.effects.sinks import Kept
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.ids import ArtifactId, BlobId, RunId, SetId, ValueId
from provenance.queries import Page, Query, carries, fits
from provenance.records import ArtifactRecord, Blob, Held, Options, Run, SetRecord, Stored
from provenance.wire import Row, from_row, labels_from, labels_text, run_from_json, run_to_json, to_row

K = TypeVar("K")


class MemoryBlobs:
    """Blobs in a dictionary; it holds encoded bytes, so that no caller can change what another one gets."""

    def __init__(self, name: str = "memory", on_duplicate: OnDuplicate = OnDuplicate.SKIP) -> None:
        self._name = name
        self._on_duplicate = on_duplicate
        self._held: dict[BlobId, bytes] = {}
        self._aside: dict[BlobId, bytes] = {}

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


class MemoryRecords(Shared):
    """Records in dictionaries, with an index for each question, as rows: what comes out is what a database would give.

    Bytes that a record brings along go to *blobs*.
    """

    def __init__(self, blobs: MemoryBlobs | None = None) -> None:
        super().__init__()
        self._blobs = MemoryBlobs() if blobs is None else blobs
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

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """The record of this id, or None."""
        row = self._rows.get(artifact_id)
        return None if row is None else from_row(row)

    def find_ids(self, prefix: str, limit: int) -> tuple[ArtifactId, ...]:
        """At most *limit* ids that begin with *prefix*, in order."""
        with self.lock:
            start = bisect_left(self._ids, prefix)
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
        del self._ids[bisect_left(self._ids, record.id)]
        _discard(self._by_value, record.value_id, record.id)
        for blob in record.blobs:
            _discard(self._by_blob, blob.id, record.id)
        for each in record.source_ids:
            _discard(self._progeny, each, record.id)


class MemorySets(Shared):
    """Sets in a dictionary, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[tuple[SetId, str], SetRecord] = {}

    def put_set(self, record: SetRecord) -> SetRecord:
        """Keep the set as the newest of its labels."""
        text = labels_text(record.labels)
        with self.lock:
            self._sets.pop((record.id, text), None)
            self._sets[record.id, text] = evolve(record, labels=labels_from(text))
        return record

    def find_set(self, set_id: SetId) -> SetRecord | None:
        """The newest record of this id, or None."""
        return self._newest(lambda record: record.id == set_id)

    def find_set_ids(self, prefix: str, limit: int) -> tuple[SetId, ...]:
        """At most *limit* ids that begin with *prefix*, in order."""
        with self.lock:
            return tuple(sorted({each for each, _ in self._sets if each.startswith(prefix)})[:limit])

    def find_labelled(self, labels: Options) -> SetRecord | None:
        """The newest set that carries *labels*, or None."""
        return self._newest(lambda record: carries(record.labels, labels))

    def drop_set(self, set_id: SetId) -> bool:
        """Forget all records of this id."""
        with self.lock:
            keys = [key for key in self._sets if key[0] == set_id]
            for key in keys:
                del self._sets[key]
        return bool(keys)

    def _newest(self, is_it: Callable[[SetRecord], bool]) -> SetRecord | None:
        with self.lock:
            fitting = [record for record in self._sets.values() if is_it(record)]
        return max(reversed(fitting), key=lambda record: record.created_at, default=None)


def _discard(index: dict[K, set[ArtifactId]], key: K, artifact_id: ArtifactId) -> None:
    """Take the artifact out of *index*, and the key with it when it was the last one."""
    members = index.get(key, set())
    members.discard(artifact_id)
    if not members:
        index.pop(key, None)
