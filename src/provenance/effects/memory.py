"""Records, sets and leases in memory; they end with the process."""

from __future__ import annotations

import os
import secrets
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any, TypeAlias

from attrs import evolve

from provenance.effects.lease_renewal import new_owner
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.errors import AmbiguousIdError
from provenance.model import queries
from provenance.model.history import Deletion, Equivalence, ShadowCheck
from provenance.model.ids import (
    ID_BYTES,
    ID_DIGITS,
    ArtifactId,
    BlobId,
    DerivationId,
    RunId,
    SetId,
    ValueId,
)
from provenance.model.records import ArtifactRecord, Blob, Derivation, Options, Run, SetRecord
from provenance.model.rows import (
    Row,
    from_row,
    labels_text,
    parse_labels,
    run_from_json,
    run_to_json,
    to_row,
)
from provenance.ports.leases import IMPOSSIBLE, ExpiredLease, Lease, LeaseHeld, Seconds
from provenance.ports.records import PutRecord
from provenance.util.locks import ForkBarrier


class MemoryLeases(ForkBarrier):
    """Leases in a dictionary, each with the time at which it expires."""

    def __init__(self, clock: Seconds = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._held: dict[ArtifactId, tuple[Lease, float]] = {}

    def acquire(self, artifact_id: ArtifactId, seconds: float) -> Lease | LeaseHeld:
        """Return a new lease, or `LeaseHeld` if another owner holds one that has not expired."""
        now = self._clock()
        with self.lock:
            held = self._held.get(artifact_id)
            if held is not None and 0 < held[1] - now <= IMPOSSIBLE:
                return LeaseHeld(held[1] - now, held[0].owner)
            lease = Lease(artifact_id, new_owner(), 1 if held is None else held[0].fence + 1)
            self._held[artifact_id] = lease, now + seconds
        return lease

    def renew(self, lease: Lease, seconds: float) -> bool:
        """Extend the lease to *seconds* from now; return False if it has another owner, or none."""
        with self.lock:
            if not self._is_held(lease):
                return False
            self._held[lease.artifact_id] = lease, self._clock() + seconds
        return True

    def release(self, lease: Lease) -> bool:
        """Release the lease; return False if it has another owner, or none."""
        with self.lock:
            if not self._is_held(lease):
                return False
            del self._held[lease.artifact_id]
        return True

    def list_expired(self, seconds: float, after: str, limit: int) -> tuple[ExpiredLease, ...]:
        """Return leases that expired at least *seconds* ago, in order of their ids."""
        now = self._clock()
        with self.lock:
            held = {key: now - expiry for key, (_, expiry) in self._held.items() if key > after}
        expired = sorted(key for key, elapsed in held.items() if elapsed >= seconds)
        return tuple(ExpiredLease(key, held[key]) for key in expired[:limit])

    def _is_held(self, lease: Lease) -> bool:
        return lease.artifact_id in self._held and self._held[lease.artifact_id][0] == lease


class MemorySets(ForkBarrier):
    """Sets in a dictionary, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[tuple[SetId, str], SetRecord] = {}

    def put_set(self, record: SetRecord) -> SetRecord:
        """Store the set as the newest of its labels."""
        text = labels_text(record.labels)
        with self.lock:
            self._sets.pop((record.id, text), None)
            self._sets[record.id, text] = evolve(record, labels=parse_labels(text))
        return record

    def find_set(self, set_id: SetId) -> SetRecord | None:
        """Return the newest record of this id, or None."""
        return self._newest(lambda record: record.id == set_id)

    def list_set_ids(self, prefix: str, limit: int, after: str = "") -> tuple[SetId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        with self.lock:
            ids = {key for key, _ in self._sets if key.startswith(prefix) and key > after}
        return tuple(sorted(ids)[:limit])

    def find_set_by_labels(self, labels: Options) -> SetRecord | None:
        """Return the newest set that has *labels*, or None."""
        return self._newest(lambda record: queries.has_labels(record.labels, labels))

    def delete_set(self, set_id: SetId) -> bool:
        """Delete all records of this id."""
        with self.lock:
            keys = [key for key in self._sets if key[0] == set_id]
            for key in keys:
                del self._sets[key]
        return bool(keys)

    def find_sets_containing(self, artifact_id: ArtifactId) -> tuple[SetId, ...]:
        """Return the ids of the sets that contain the artifact, in order."""
        with self.lock:
            ids = {
                record.id for record in self._sets.values() if artifact_id in record.artifact_ids
            }
        return tuple(sorted(ids))

    def is_member(self, artifact_id: ArtifactId) -> bool:
        """Return whether a set contains the artifact; without the lock, as callers hold another."""
        return any(artifact_id in record.artifact_ids for record in list(self._sets.values()))

    def _newest(self, matches: Callable[[SetRecord], bool]) -> SetRecord | None:
        with self.lock:
            matching = [record for record in self._sets.values() if matches(record)]
        return max(reversed(matching), key=lambda record: record.created_at, default=None)


_Index: TypeAlias = "dict[Any, set[ArtifactId]]"


class MemoryRecords(ForkBarrier):
    """Records in dictionaries, as rows, so that they come back as from a database.

    Bytes that a record brings are stored in *blobs*; artifacts in *sets* are not evicted.
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
        self._dependents: dict[ArtifactId, set[ArtifactId]] = {}
        self._places: dict[ArtifactId, int] = {}
        self._new_places = count(1)
        self._evicted: dict[ArtifactId, datetime] = {}
        self._receipts: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._equivalences: dict[tuple[str, int, str, str], Equivalence] = {}
        self._deletions: dict[ArtifactId, Deletion] = {}
        self._checks: dict[ArtifactId, dict[datetime, ShadowCheck]] = {}
        self._derivations: dict[ArtifactId, dict[DerivationId, Derivation]] = {}
        self._id = secrets.token_hex(ID_BYTES)

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """Return the record of this id, or None."""
        row = self._rows.get(artifact_id)
        return None if row is None else from_row(row)

    def list_ids(self, prefix: str, limit: int, after: str = "") -> tuple[ArtifactId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        with self.lock:
            start = max(bisect_left(self._ids, prefix), bisect_right(self._ids, after))
            page = self._ids[start : start + limit]
        return tuple(key for key in page if key.startswith(prefix))

    def find_records_by_value(self, value_id: ValueId) -> tuple[ArtifactRecord, ...]:
        """Return the records of the value, oldest first."""
        with self.lock:
            rows = [self._rows[key] for key in self._by_value.get(value_id, ())]
        return tuple(sorted(map(from_row, rows), key=lambda record: (record.added_at, record.id)))

    def list_dependents(self, artifact_id: ArtifactId) -> tuple[ArtifactId, ...]:
        """Return the ids of the artifacts computed directly from this one, in order."""
        with self.lock:
            users = self._dependents.get(artifact_id, set[ArtifactId]())
            derived = {
                user
                for user, known in self._derivations.items()
                if any(artifact_id in record.input_artifact_ids for record in known.values())
            }
        return tuple(sorted(users | derived))

    def find_inputs(self, artifact_id: ArtifactId) -> str | None:
        """Return the JSON text of the record's inputs, or None."""
        return self._inputs.get(artifact_id)

    def find_run(self, run_id: RunId) -> Run | None:
        """Return the run of this id, or None."""
        text = self._runs.get(run_id)
        return None if text is None else run_from_json(text)

    def put_record(self, ask: PutRecord) -> ArtifactRecord:
        """Store the record, its run and its bytes; a stored one stays unless *ask* replaces it."""
        rows = [(part, to_row(part.record)) for part in (*ask.besides, ask)]
        with self.lock:
            stored = self._rows.get(ask.record.id)
            if stored is None or ask.replace:
                for part, row in rows:
                    self._replace(part, row)
                return ask.record
            winner = from_row(stored)
            if winner.value_id == ask.record.value_id:
                # Restore parts that were lost.
                for part, row in rows:
                    if part.record.id not in self._rows:
                        self._replace(part, row)
            return winner

    def search_records(self, query: queries.Query, after: int | None, limit: int) -> queries.Page:
        """Return a page of matching records, newest first; a replaced record keeps its place."""
        with self.lock:
            rows = [(at, self._rows[key], self._inputs[key]) for key, at in self._places.items()]
        found: list[ArtifactRecord] = []
        for place, row, inputs in reversed(rows):
            if after is not None and place >= after:
                continue
            record = from_row(row)
            if queries.matches(query, record, inputs):
                found.append(record)
                if len(found) == limit:
                    return queries.Page(tuple(found), place)
        return queries.Page(tuple(found), None)

    def delete_record(self, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
        """Delete the record; return the blobs that no record names any longer.

        Return None if the record did not exist.
        """
        with self.lock:
            row = self._rows.get(artifact_id)
            if row is None:
                return None
            record = from_row(row)
            self._unlink(record)
            del self._places[artifact_id]
            self._derivations.pop(artifact_id, None)
            self._checks.pop(artifact_id, None)
            return tuple(
                blob for blob in dict.fromkeys(record.blobs) if blob.id not in self._by_blob
            )

    def summarize_records(self, by: queries.Grouping) -> tuple[queries.Usage, ...]:
        """Return what the artifacts amount to, in groups."""
        with self.lock:
            rows = list(self._rows.values())
        return queries.summarize_records(map(from_row, rows), by, self._evicted.__contains__)

    def find_referenced_blobs(self, blobs: tuple[Blob, ...]) -> frozenset[Blob]:
        """Return those of *blobs* that a record names."""
        with self.lock:
            return frozenset(blob for blob in blobs if blob.id in self._by_blob)

    def mark_evicted(
        self, artifact_id: ArtifactId, blob: Blob, at: datetime
    ) -> tuple[Blob, ...] | None:
        """Record the eviction; return the blob if no record needs it any longer.

        Return None if nothing was evicted.
        """
        with self.lock:
            row = self._rows.get(artifact_id)
            if row is None or from_row(row).value_blob != blob or self._is_pinned(artifact_id):
                return None
            self._evicted[artifact_id] = at
            is_needed = any(
                key not in self._evicted or from_row(self._rows[key]).inputs_blob == blob
                for key in self._by_blob[blob.id]
            )
            return () if is_needed else (blob,)

    def _is_pinned(self, artifact_id: ArtifactId) -> bool:
        """Return whether a set contains the artifact, or one whose value holds it at any depth."""
        visited, pending = {artifact_id}, [artifact_id]
        while pending:
            key = pending.pop()
            if self._sets.is_member(key):
                return True
            users = self._dependents.get(key, set[ArtifactId]())
            holders = {u for u in users if key in from_row(self._rows[u]).value_artifact_ids}
            pending += holders - visited
            visited |= holders
        return False

    def find_eviction(self, artifact_id: ArtifactId) -> datetime | None:
        """Return when the value was evicted, or None."""
        return self._evicted.get(artifact_id)

    def find_receipt(self, digest: str) -> str | None:
        """Return the text of the code receipt of this digest, or None."""
        return self._receipts.get(digest)

    def find_sources(self, digests: frozenset[str]) -> dict[str, str]:
        """Return the recorded sources of these digests."""
        return {digest: self._sources[digest] for digest in digests if digest in self._sources}

    def put_equivalence(self, equivalence: Equivalence) -> None:
        """Record that a change of code was accepted."""
        change = equivalence
        key = change.name, change.version, change.from_code, change.to_code
        self._equivalences[key] = equivalence

    def find_equivalence(
        self, name: str, version: int, from_code: str, to_code: str
    ) -> Equivalence | None:
        """Return the accepted change, or None."""
        return self._equivalences.get((name, version, from_code, to_code))

    def put_derivation(self, derivation: Derivation, run: Run) -> bool:
        """Record a derivation and its run; return False if the artifact is not recorded."""
        with self.lock:
            if derivation.artifact_id not in self._rows:
                return False
            self._runs.setdefault(run.id, run_to_json(run))
            known = self._derivations.setdefault(derivation.artifact_id, {})
            known.setdefault(derivation.id, derivation)
        return True

    def find_derivations(self, artifact_id: ArtifactId) -> tuple[Derivation, ...]:
        """Return the derivations of the artifact, oldest first."""
        with self.lock:
            known = [*self._derivations.get(artifact_id, {}).values()]
        return tuple(sorted(known, key=lambda derivation: (derivation.derived_at, derivation.id)))

    def put_deletion(self, deletion: Deletion) -> None:
        """Record that an artifact was deleted."""
        self._deletions[deletion.artifact_id] = deletion

    def find_deletion(self, artifact_id: ArtifactId) -> Deletion | None:
        """Return the last deletion of the artifact, or None; raises `AmbiguousIdError`."""
        if len(artifact_id) == ID_DIGITS:
            return self._deletions.get(artifact_id)
        found = sorted(key for key in list(self._deletions) if key.startswith(artifact_id))
        if len(found) > 1:
            raise AmbiguousIdError(artifact_id, found[:2])
        return self._deletions[found[0]] if found else None

    def put_shadow_check(self, check: ShadowCheck) -> None:
        """Record that a result was computed again and compared."""
        with self.lock:
            self._checks.setdefault(check.artifact_id, {})[check.checked_at] = check

    def find_shadow_checks(self, artifact_id: ArtifactId) -> tuple[ShadowCheck, ...]:
        """Return the comparisons of the artifact, oldest first."""
        with self.lock:
            known = self._checks.get(artifact_id, {})
            return tuple(known[at] for at in sorted(known))

    def get_repository_id(self) -> str:
        """Return the random id of this store, whose copy in a forked process is another one."""
        return f"{self._id[:-8]}{os.getpid():08x}"

    def check_database(self) -> tuple[str, ...]:
        """Return nothing, because there are no files."""
        return ()

    def get_database_ids(self) -> frozenset[str]:
        """Return the identity of this store."""
        return frozenset({f"memory:{id(self)}"})

    def _replace(self, ask: PutRecord, row: Row) -> None:
        record = ask.record
        if record.id in self._rows:
            self._unlink(from_row(self._rows[record.id]))
        for held in ask.inline_blobs:
            self._blobs.hold(held)
        for process in (*ask.parents, ask.run):
            if process.id not in self._runs:
                self._runs[process.id] = run_to_json(process)
        if ask.receipt is not None and ask.receipt.digest not in self._receipts:
            self._receipts[ask.receipt.digest] = ask.receipt.text
            self._sources = {**ask.receipt.sources, **self._sources}
        self._rows[record.id] = row
        if ask.evicted:
            self._evicted[record.id] = record.added_at
        self._inputs[record.id] = ask.inputs_json
        insort(self._ids, record.id)
        for index, key in self._index_entries(record):
            index.setdefault(key, set()).add(record.id)
        if record.id not in self._places:
            self._places[record.id] = next(self._new_places)

    def _unlink(self, record: ArtifactRecord) -> None:
        del self._rows[record.id], self._inputs[record.id]
        self._evicted.pop(record.id, None)
        del self._ids[bisect_left(self._ids, record.id)]
        for index, key in self._index_entries(record):
            index[key].discard(record.id)
            if not index[key]:
                del index[key]

    def _index_entries(self, record: ArtifactRecord) -> Iterator[tuple[_Index, str]]:
        yield self._by_value, record.value_id
        for blob_id in {blob.id for blob in record.blobs}:
            yield self._by_blob, blob_id
        for source_id in record.source_ids:
            yield self._dependents, source_id
