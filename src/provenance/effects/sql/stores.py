"""Blobs, sets and leases in an SQL database."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO, Final, cast

from provenance.codecs import Encoding
from provenance.effects.io import EncodedBytes, MemorySink, blob_of, check_bytes, digest
from provenance.effects.lease_renewal import has_died, new_owner
from provenance.effects.sql import statements
from provenance.effects.sql.database import Database, Execute
from provenance.effects.sql.records import first_column, id_range
from provenance.effects.sql.terms import blob_term, fill_terms
from provenance.errors import BlobNotFoundError, CorruptBlobError, CorruptRecordError
from provenance.model.ids import ArtifactId, SetId
from provenance.model.queries import has_labels
from provenance.model.records import Blob, InlineBlob, Options, SetRecord
from provenance.model.rows import labels_text, parse_labels, parse_time, time_text
from provenance.ports.blobs import BlobArea, BlobEntry
from provenance.ports.leases import IMPOSSIBLE, ExpiredLease, Lease, LeaseHeld, Seconds


class SqlLeases:
    """Leases in a table of *database*, by its clock; *skew* adds seconds to it in tests."""

    def __init__(self, database: Database, skew: Seconds = lambda: 0.0) -> None:
        self._database = database
        self._skew = skew

    def acquire(self, artifact_id: ArtifactId, seconds: float) -> Lease | LeaseHeld:
        """Return a new lease, or `LeaseHeld` if another owner holds one that has not expired.

        Waiting only reads. The lease of a process that is known to be dead is taken at once.
        """
        skew = self._skew()
        rows = self._database.query(statements.FIND_LEASE, artifact_id)
        for left, holder, fence in cast("list[tuple[float, str, int]]", rows):
            if 0 < left - skew <= IMPOSSIBLE:
                if not has_died(holder):
                    return LeaseHeld(left - skew, holder)
                self.release(Lease(artifact_id, holder, fence))
        owner = new_owner()
        values = artifact_id, owner, 1, skew + seconds, skew, skew + IMPOSSIBLE
        claimed = self._database.query(statements.ACQUIRE_LEASE, *values)
        return (
            Lease(artifact_id, owner, cast("int", claimed[0][0])) if claimed else LeaseHeld(seconds)
        )

    def renew(self, lease: Lease, seconds: float) -> bool:
        """Extend the lease to *seconds* from now; return False if it has another owner, or none."""
        values = self._skew() + seconds, lease.artifact_id, lease.owner, lease.fence
        return self._database.change(statements.RENEW_LEASE, values) > 0

    def release(self, lease: Lease) -> bool:
        """Release the lease; return False if it has another owner, or none."""
        values = lease.artifact_id, lease.owner, lease.fence
        return self._database.change(statements.RELEASE_LEASE, values) > 0

    def list_expired(self, seconds: float, after: str, limit: int) -> tuple[ExpiredLease, ...]:
        """Return leases that expired at least *seconds* ago, in order of their ids."""
        skew = self._skew()
        rows = self._database.query(statements.LIST_EXPIRED_LEASES, skew - seconds, after, limit, 0)
        leases = cast("list[tuple[ArtifactId, float]]", rows)
        return tuple(ExpiredLease(key, elapsed + skew) for key, elapsed in leases)


class SqlSets:
    """Sets in the tables of *database*."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_set(self, record: SetRecord) -> SetRecord:
        """Store the set as the newest of its labels."""
        row = (record.id, labels_text(record.labels), time_text(record.created_at), record.name)

        def work(execute: Execute) -> None:
            execute(statements.PUT_SET, row)
            for member in record.artifact_ids:
                execute(statements.PUT_MEMBER, (record.id, member))

        self._database.transaction(work)
        return record

    def find_set(self, set_id: SetId) -> SetRecord | None:
        """Return the newest record of this id, or None."""
        return self._read(self._database.query(statements.FIND_SET, set_id, 1, 0))

    def list_set_ids(self, prefix: str, limit: int, after: str = "") -> tuple[SetId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        bounds = id_range(prefix, after)
        return first_column(self._database.query(statements.LIST_SET_IDS, *bounds, limit, 0))

    def find_set_by_labels(self, labels: Options) -> SetRecord | None:
        """Return the newest set that has *labels*, or None."""
        text = labels_text(labels)
        offset = 0
        while True:
            rows = self._database.query(statements.FIND_SET_BY_LABELS, text, 1, offset)
            # SQLite finds some huge numbers equal that differ, and texts that agree up to a NUL.
            if not rows or _has_labels(cast("str", rows[0][1]), labels):
                return self._read(rows)
            offset += 1

    def delete_set(self, set_id: SetId) -> bool:
        """Delete all records of this id."""

        def work(execute: Execute) -> bool:
            execute(statements.DELETE_MEMBERS, (set_id,))
            return execute(statements.DELETE_SET, (set_id,)).rowcount > 0

        return self._database.transaction(work)

    def find_sets_containing(self, artifact_id: ArtifactId) -> tuple[SetId, ...]:
        """Return the ids of the sets that contain the artifact, in order."""
        return first_column(self._database.query(statements.FIND_SETS_CONTAINING, artifact_id))

    def _read(self, rows: list[tuple[object, ...]]) -> SetRecord | None:
        if not rows:
            return None
        set_id, labels, created_at = cast("tuple[str, str, str]", rows[0])
        members = self._database.query(statements.FIND_MEMBERS, set_id)
        if not members and not self._database.query(statements.FIND_SET, set_id, 1, 0):
            # Another process has deleted it.
            return None
        ids: frozenset[ArtifactId] = frozenset(first_column(members))
        try:
            return SetRecord(SetId(set_id), ids, parse_labels(labels), parse_time(created_at))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CorruptRecordError(set_id, self._database.name, reason, what="set") from error


def _has_labels(text: str, wanted: Options) -> bool:
    """Return whether the set's labels are *wanted*; what is damaged has none."""
    try:
        labels = parse_labels(text)
    except (AttributeError, RecursionError, TypeError, ValueError):
        return False
    return has_labels(labels, wanted)


_COPIES: Final = 100
"""Rows whose copy of a blob is verified, at most."""


class SqlBlobs:
    """Small blobs in the rows of the records that name them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_blob(self, write: Callable[[BinaryIO], None]) -> InlineBlob:
        """Return the bytes that *write* writes, for `SqlRecords.put_record` to store."""
        if isinstance(write, EncodedBytes):
            return write.inline_blob()
        data = write.short_encoding() if isinstance(write, Encoding) else None
        if data is not None:
            return InlineBlob(blob_of(data), data)
        sink = MemorySink()
        write(sink)
        return sink.inline_blob()

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """Return what *read* makes of the bytes, after verifying them.

        Raises:
            BlobNotFoundError: if there are none.
            CorruptBlobError: if they are not those that were written.
        """
        data = self._database.prefetched(blob.id) or self._find(blob)
        if data is None:
            raise BlobNotFoundError(blob.id, self._database.name)
        self._compare(blob, data)
        return read(io.BytesIO(data))

    def has_blob(self, blob: Blob) -> bool:
        """Return whether a blob of this id and size is stored."""
        data = self._find(blob)
        return data is not None and len(data) == blob.size

    def delete_blob(self, blob: Blob) -> None:
        """Delete the bytes, if they exist."""
        self._database.transaction(lambda execute: _empty(execute, blob))

    def quarantine(self, blob: Blob) -> None:
        """Move the bytes, if they exist, to the table `quarantined_blobs`."""
        data = self._find(blob)

        def work(execute: Execute) -> None:
            execute(statements.QUARANTINE_BLOB, (blob.id, data, time_text(datetime.now(UTC))))
            _empty(execute, blob)

        if data is not None:
            self._database.transaction(work)

    def verify_blob(self, blob: Blob) -> None:
        """Verify the copy in each row; raises as `read_blob`."""
        named = blob_term(blob.id), blob.id, _COPIES, 0
        rows = self._database.query(statements.READ_VALUE, *named)
        rows += self._database.query(statements.READ_INPUTS, *named)
        if not rows:
            raise BlobNotFoundError(blob.id, self._database.name)
        for (data,) in rows:
            self._compare(blob, cast("bytes", data))

    def list_blob_entries(self, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
        """Return quarantined blobs; all others belong to the rows of records."""
        if shelf is not BlobArea.QUARANTINED:
            return ()
        rows = self._database.query(statements.LIST_QUARANTINED, after, limit, 0)
        entries = cast("list[tuple[str, int, str]]", rows)
        return tuple(BlobEntry(key, size, parse_time(since)) for key, size, since in entries)

    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime) -> bool:
        """Delete the blob quarantined under *key* before then; return whether it existed."""
        if shelf is not BlobArea.QUARANTINED:
            return False
        return self._database.change(statements.DELETE_QUARANTINED, (key, time_text(before))) > 0

    def get_blob_locations(self) -> frozenset[str]:
        """Return no locations: the rows of records are not shared with other stores."""
        return frozenset()

    def _compare(self, blob: Blob, data: bytes) -> None:
        if len(data) != blob.size:
            reason = f"it has {len(data)} bytes, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._database.name, reason)
        check_bytes(blob, self._database.name, len(data), digest(data))

    def _find(self, blob: Blob) -> bytes | None:
        holder = self._database.holder(blob.id)
        if holder is not None:
            # By the id of the artifact that was looked up, which is the quickest.
            rows = self._database.query(statements.READ_VALUE_OF, holder, blob.id)
            if rows:
                return cast("bytes", rows[0][0])
        if self._database.keeps_terms:
            fill_terms(self._database)
        named = blob_term(blob.id), blob.id, 1, 0
        rows = self._database.query(statements.READ_VALUE, *named)
        rows = rows or self._database.query(statements.READ_INPUTS, *named)
        return cast("bytes", rows[0][0]) if rows else None


def _empty(execute: Execute, blob: Blob) -> None:
    named = blob.id, blob_term(blob.id)
    execute(statements.DELETE_VALUE, named)
    execute(statements.DELETE_INPUTS, named)
