"""Records and small blobs in an SQLite database: a hit is one row, a miss one transaction."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import BinaryIO, cast

import sqlalchemy as sa

from provenance.asks import PutRecord
from provenance.effects import schema
from provenance.effects.sinks import Kept, digest
from provenance.effects.sqlite import Execute, SqliteDatabase
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.ids import ArtifactId, RunId, ValueId
from provenance.records import ArtifactRecord, Blob, Held, Run
from provenance.wire import Row, from_row, run_from_json, run_to_json, time_text, to_row


class SqlRecords:
    """Records in the tables of *database*; `engine` is for the user's own queries."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    @property
    def engine(self) -> sa.Engine:
        """The database as SQLAlchemy and pandas take it."""
        return self._database.engine

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """The record of this id, or None."""
        rows = self._database.query(schema.FIND_RECORD, artifact_id)
        return from_row(cast("Row", rows[0])) if rows else None

    def find_ids(self, prefix: str, limit: int) -> tuple[ArtifactId, ...]:
        """At most *limit* ids that begin with *prefix*, in order."""
        after = prefix + "g"  # ids are hexadecimal: this comes after all that begin with the prefix
        return tuple(
            cast("ArtifactId", row[0]) for row in self._database.query(schema.FIND_IDS, prefix, after, limit, 0)
        )

    def find_by_value(self, value_id: ValueId) -> tuple[ArtifactRecord, ...]:
        """Records of the value, oldest first."""
        return tuple(from_row(cast("Row", row)) for row in self._database.query(schema.FIND_BY_VALUE, value_id))

    def find_progeny(self, artifact_id: ArtifactId) -> tuple[ArtifactId, ...]:
        """Ids of what was computed directly from the artifact, in order."""
        return tuple(cast("ArtifactId", row[0]) for row in self._database.query(schema.FIND_PROGENY, artifact_id))

    def find_run(self, run_id: RunId) -> Run | None:
        """The run of this id, or None."""
        rows = self._database.query(schema.FIND_RUN, run_id)
        return run_from_json(cast("str", rows[0][0])) if rows else None

    def put_record(self, ask: PutRecord) -> ArtifactRecord:
        """Store the record, its run and the bytes it brings, all or nothing; answers the record that is there then."""
        row = (*to_row(ask.record), ask.inputs_json)
        return self._database.transaction(lambda execute: self._put(execute, ask, row))

    def drop_record(self, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
        """Delete the record; the blobs that no record names any more, or None where there was no record."""
        return self._database.transaction(lambda execute: _drop(execute, artifact_id))

    def _put(self, execute: Execute, ask: PutRecord, row: tuple[str | int | float, ...]) -> ArtifactRecord:
        record = ask.record
        if ask.replace:
            execute(schema.REPLACE_RECORD, row)
            execute(schema.DROP_EDGES, (record.id,))
        elif execute(schema.PUT_RECORD, row).rowcount == 0:
            winner = from_row(cast("Row", execute(schema.FIND_RECORD, (record.id,)).fetchall()[0]))
            _hold(execute, (held for held in ask.held if held.blob in (winner.value_blob, winner.inputs_blob)))
            return winner
        for each in record.input_artifact_ids:
            execute(schema.PUT_EDGE, (record.id, each))
        _hold(execute, ask.held)
        if not execute(schema.HAS_RUN, (ask.run.id,)).fetchall():
            execute(schema.PUT_RUN, (ask.run.id, time_text(ask.run.created_at), run_to_json(ask.run)))
        return record


def _hold(execute: Execute, held: Iterable[Held]) -> None:
    for each in held:
        execute(schema.PUT_BLOB, (each.blob.id, each.data))


def _drop(execute: Execute, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
    rows = execute(schema.FIND_RECORD, (artifact_id,)).fetchall()
    if not rows:
        return None
    record = from_row(cast("Row", rows[0]))
    execute(schema.DROP_RECORD, (artifact_id,))
    execute(schema.DROP_EDGES, (artifact_id,))
    orphans = tuple(
        blob
        for blob in dict.fromkeys((record.value_blob, record.inputs_blob))
        if execute(schema.NAMES_BLOB, (blob.id, blob.id)).fetchall() == [(0,)]
    )
    for blob in orphans:
        execute(schema.DROP_BLOB, (blob.id,))
    return orphans


class SqlBlobs:
    """Small blobs in a table of *database*, written together with the record that names them."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Held:
        """The bytes that *write* writes, for `SqlRecords.put_record` to store."""
        sink = Kept()
        write(sink)
        return sink.held()

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """What *read* makes of the bytes, which are checked first; raises `BlobNotFoundError`, `CorruptBlobError`."""
        rows = self._database.query(schema.READ_BLOB, blob.id)
        if not rows:
            raise BlobNotFoundError(blob.id, self._database.name)
        data = cast("bytes", rows[0][0])
        if len(data) != blob.size:
            reason = f"{len(data)} bytes are there, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._database.name, reason)
        found = digest(data)
        if found != blob.id:
            raise CorruptBlobError(blob.id, self._database.name, f"its bytes have the digest {found}")
        return read(io.BytesIO(data))

    def has_blob(self, blob: Blob) -> bool:
        """Whether a blob of this id and size is there."""
        return self._database.query(schema.SIZE_OF_BLOB, blob.id) == [(blob.size,)]

    def drop_blob(self, blob: Blob) -> None:
        """Delete the bytes, if they are there."""
        self._database.transaction(lambda execute: execute(schema.DROP_BLOB, (blob.id,)))

    def quarantine(self, blob: Blob) -> None:
        """Move the bytes, if they are there, to the table `quarantined_blobs`."""

        def work(execute: Execute) -> None:
            execute(schema.SET_ASIDE, (blob.id,))
            execute(schema.DROP_BLOB, (blob.id,))

        self._database.transaction(work)
