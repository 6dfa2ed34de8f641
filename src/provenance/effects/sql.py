"""Records and small blobs in an SQL database: a hit is one row, and so is a miss.

Small bytes live in the row of the record that brings them, in columns of their own: one statement stores both. Equal
small values are kept once for each record; what is large is shared, in another store.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, cast

from attrs import evolve

from provenance.asks import PutRecord
from provenance.chores import Holding, Shelf
from provenance.effects import statements, upkeep
from provenance.effects.bounds import between, sifting
from provenance.effects.database import Database, Execute
from provenance.effects.sinks import Encoded, Kept, digest
from provenance.errors import BlobNotFoundError, CorruptBlobError, CorruptRecordError
from provenance.ids import ArtifactId, RunId, ValueId
from provenance.queries import Page, Query, fits
from provenance.records import ArtifactRecord, Blob, Held, Run
from provenance.seals import Seal
from provenance.wire import COLUMNS, Row, from_row, run_from_json, run_to_json, time_text, to_row

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ROWS: Final = 500  # that are looked through at a time when artifacts are searched
_FACTS: Final = len(COLUMNS) - 1  # the last one is the signature
_Values: TypeAlias = tuple[str | int | float | bytes | None, ...]


class SqlRecords:
    """Records in the tables of *database*, vouched for by *seal*; `engine` is for the user's own queries."""

    def __init__(self, database: Database, seal: Seal | None = None) -> None:
        self._database = database
        self._seal = seal or Seal()
        self._runs: set[tuple[int, RunId]] = set()

    @property
    def engine(self) -> Engine:
        """The database as SQLAlchemy and pandas take it."""
        return self._database.engine

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """The record of this id, or None."""
        rows = self._database.query(statements.FIND_RECORD, artifact_id)
        if not rows:
            return None
        row: Any = rows[0]
        record, data = self._record(row, artifact_id), row[-1]
        if data is not None:  # who looks a record up is likely to read its value next
            self._database.prefetch(record.value_blob.id, data)
        return record

    def find_ids(self, prefix: str, limit: int, after: str = "") -> tuple[ArtifactId, ...]:
        """At most *limit* ids that begin with *prefix* and come after *after*, in order."""
        rows = self._database.query(statements.FIND_IDS, *between(prefix, after), limit, 0)
        return tuple(cast("ArtifactId", row[0]) for row in rows)

    def find_by_value(self, value_id: ValueId) -> tuple[ArtifactRecord, ...]:
        """Records of the value, oldest first."""
        return tuple(self._record(row) for row in self._database.query(statements.FIND_BY_VALUE, value_id))

    def find_progeny(self, artifact_id: ArtifactId) -> tuple[ArtifactId, ...]:
        """Ids of what was computed directly from the artifact, in order."""
        return tuple(cast("ArtifactId", row[0]) for row in self._database.query(statements.FIND_PROGENY, artifact_id))

    def find_inputs(self, artifact_id: ArtifactId) -> str | None:
        """The JSON text of the inputs of the record, or None; raises `CorruptRecordError` where it is not what was put."""
        rows = self._database.query(statements.FIND_INPUTS, artifact_id)
        if not rows:
            return None
        text, signature = cast("tuple[str, str]", rows[0])
        problem = self._seal.problem_of_inputs(artifact_id, text, signature)
        if problem is not None:
            raise CorruptRecordError(artifact_id, self._database.name, f"of its inputs, {problem}")
        return text

    def find_records(self, query: Query, after: int | None, limit: int) -> Page:
        """Some records that fit, those stored last first; the database sorts out most of the others."""
        found: list[ArtifactRecord] = []
        count = min(limit, _ROWS)  # as a rule the database has sorted out all that does not fit
        while True:
            rows = self._database.query(statements.FIND_RECORDS, *sifting(query, after), count, 0)
            for place, *row, inputs in rows:
                record = self._record(row)
                if fits(query, record, cast("str", inputs)):
                    found.append(record)
                    if len(found) == limit:
                        return Page(tuple(found), cast("int", place))
            if len(rows) < count:
                return Page(tuple(found), None)
            after, count = cast("int", rows[-1][0]), _ROWS

    def find_run(self, run_id: RunId) -> Run | None:
        """The run of this id, or None."""
        rows = self._database.query(statements.FIND_RUN, run_id)
        try:
            return run_from_json(cast("str", rows[0][0])) if rows else None
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CorruptRecordError(run_id, self._database.name, reason, what="run") from error

    def put_record(self, ask: PutRecord) -> ArtifactRecord:
        """Store the record, its run and the bytes it brings, all or nothing; answers the record that is there then."""
        record, database = ask.record, self._database
        process = database.generation, ask.run.id
        is_alone = not (record.input_artifact_ids or record.value_artifact_ids or ask.besides or ask.replace)
        is_short = is_alone and process in self._runs  # then one statement does, which is a transaction by itself
        if is_short and database.change(statements.PUT_RECORD, self._row(ask), process[0]):
            return record
        stored = database.transaction(lambda execute: self._put(execute, ask))
        self._runs.add(process)
        return stored

    def drop_record(self, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
        """Delete the record; the blobs that no record names any more, or None where there was no record."""
        return self._database.transaction(lambda execute: _drop(execute, artifact_id))

    def find_named(self, blobs: tuple[Blob, ...]) -> frozenset[Blob]:
        """Those of *blobs* that some record names."""
        return upkeep.named(self._database, blobs)

    def evict(self, artifact_id: ArtifactId, blob: Blob, at: datetime) -> tuple[Blob, ...] | None:
        """Let go of the value's bytes; they are the answer if no record needs them any more, None if nothing was done."""
        return self._database.transaction(lambda execute: upkeep.evict(execute, artifact_id, blob, at))

    def find_eviction(self, artifact_id: ArtifactId) -> datetime | None:
        """When the value was let go, or None."""
        return upkeep.evicted_at(self._database, artifact_id)

    def check_records(self) -> tuple[str, ...]:
        """What the database finds wrong with itself."""
        return self._database.complaints()

    def find_homes(self) -> frozenset[str]:
        """The database, however it was named."""
        return frozenset({self._database.home})

    def _record(self, row: Any, wanted: ArtifactId | None = None) -> ArtifactRecord:  # noqa: ANN401 - whatever is stored
        """The record in *row*, the one that was *wanted*; raises `CorruptRecordError` where it is not what was put."""
        try:
            record = from_row(row)
            problem = self._seal.problem(row[:_FACTS], record.signature)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CorruptRecordError(wanted or str(row[0]), self._database.name, reason) from error
        if problem is None and wanted not in (None, record.id):
            problem = f"it says that it is that of {record.id}"
        if problem is not None:
            raise CorruptRecordError(wanted or record.id, self._database.name, problem)
        return record

    def _row(self, ask: PutRecord) -> _Values:
        """The record, signed, and the bytes that it brings."""
        held = {each.blob.id: each.data for each in ask.held}
        inputs = None if ask.record.inputs_blob is None else held.get(ask.record.inputs_blob.id)
        facts = to_row(ask.record)[:-1]
        signature = self._seal.signature(facts, ask.inputs_json)
        return (*facts, signature, ask.inputs_json, held.get(ask.record.value_blob.id), inputs)

    def _put(self, execute: Execute, ask: PutRecord) -> ArtifactRecord:
        if not execute(statements.HAS_RUN, (ask.run.id,)).fetchall():
            execute(statements.PUT_RUN, (ask.run.id, time_text(ask.run.created_at), run_to_json(ask.run)))
        if ask.replace:
            execute(statements.REPLACE_RECORD, self._row(ask))
            execute(statements.DROP_EDGES, (ask.record.id,))
            execute(statements.DROP_EVICTION, (ask.record.id,))
        elif execute(statements.PUT_RECORD, self._row(ask)).rowcount == 0:
            return self._lose(execute, ask)
        for each in ask.record.source_ids:
            execute(statements.PUT_EDGE, (ask.record.id, each))
        for part in ask.besides:
            self._put(execute, evolve(part, replace=True))
        return ask.record

    def _lose(self, execute: Execute, ask: PutRecord) -> ArtifactRecord:
        """The record of a quicker process; bytes and parts that it lacks, because they are lost, are given to it."""
        rows = execute(statements.FIND_RECORD, (ask.record.id,)).fetchall()
        if not rows:  # it was quicker at deleting it, too
            return self._put(execute, ask)
        try:
            winner = self._record(rows[0][:-1], ask.record.id)
        except CorruptRecordError:
            return self._put(execute, evolve(ask, replace=True))
        for held in ask.held:
            execute(statements.FILL_VALUE, (held.data, held.blob.id))
            execute(statements.FILL_INPUTS, (held.data, held.blob.id))
        for part in ask.besides if winner.value_id == ask.record.value_id else ():
            self._put(execute, evolve(part, replace=False))
        return winner


def _drop(execute: Execute, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
    rows = execute(statements.FIND_RECORD, (artifact_id,)).fetchall()
    if not rows or execute(statements.DROP_RECORD, (artifact_id,)).rowcount == 0:  # or another process deleted it since
        return None
    for statement in (statements.DROP_EDGES, statements.DROP_EVICTION):
        execute(statement, (artifact_id,))
    return tuple(
        blob
        for blob in _blobs_of(cast("Row", rows[0][:-1]))
        if execute(statements.NAMES_BLOB, (blob.id, blob.id)).fetchall() == [(0,)]
    )


def _blobs_of(row: Row) -> tuple[Blob, ...]:
    """The blobs that the row of a record names; none where it is damaged, so that it can be deleted all the same."""
    try:
        return tuple(dict.fromkeys(from_row(row).blobs))
    except Exception:  # noqa: BLE001 - whatever its columns hold
        return ()


class SqlBlobs:
    """Small blobs in the rows of the records that name them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Held:
        """The bytes that *write* writes, for `SqlRecords.put_record` to store."""
        if isinstance(write, Encoded):
            return write.held()
        sink = Kept()
        write(sink)
        return sink.held()

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """What *read* makes of the bytes, which are checked first; raises `BlobNotFoundError`, `CorruptBlobError`."""
        data = self._database.prefetched(blob.id) or self._find(blob)
        if data is None:
            raise BlobNotFoundError(blob.id, self._database.name)
        self._compare(blob, data)
        return read(io.BytesIO(data))

    def has_blob(self, blob: Blob) -> bool:
        """Whether a blob of this id and size is there."""
        data = self._find(blob)
        return data is not None and len(data) == blob.size

    def drop_blob(self, blob: Blob) -> None:
        """Delete the bytes, if they are there."""
        self._database.transaction(lambda execute: _empty(execute, blob))

    def quarantine(self, blob: Blob) -> None:
        """Move the bytes, if they are there, to the table `quarantined_blobs`."""
        data = self._find(blob)

        def work(execute: Execute) -> None:
            execute(statements.SET_ASIDE, (blob.id, data, time_text(datetime.now(UTC))))
            _empty(execute, blob)

        if data is not None:
            self._database.transaction(work)

    def check_blob(self, blob: Blob) -> None:
        """Compare the bytes in each row that has them; raises as `read_blob`."""
        copies = upkeep.copies(self._database, blob)
        if not copies:
            raise BlobNotFoundError(blob.id, self._database.name)
        for data in copies:
            self._compare(blob, data)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        """What was put aside; all else is in the rows of records."""
        return upkeep.aside(self._database, after, limit) if shelf is Shelf.QUARANTINED else ()

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        """Delete what was put aside under *key* before then; answers whether it was there."""
        return shelf is Shelf.QUARANTINED and upkeep.discard(self._database, key, before)

    def find_places(self) -> frozenset[str]:
        """None: what is in the rows of records is shared with nobody."""
        return frozenset()

    def _compare(self, blob: Blob, data: bytes) -> None:
        if len(data) != blob.size:
            reason = f"{len(data)} bytes are there, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._database.name, reason)
        found = digest(data)
        if found != blob.id:
            raise CorruptBlobError(blob.id, self._database.name, f"its bytes have the digest {found}")

    def _find(self, blob: Blob) -> bytes | None:
        rows = self._database.query(statements.READ_VALUE, blob.id, 1, 0)
        rows = rows or self._database.query(statements.READ_INPUTS, blob.id, 1, 0)
        return cast("bytes", rows[0][0]) if rows else None


def _empty(execute: Execute, blob: Blob) -> None:
    execute(statements.DROP_VALUE, (blob.id,))
    execute(statements.DROP_INPUTS, (blob.id,))
