"""Records and small blobs in an SQL database: a hit reads one row, and a miss writes one.

The bytes of a small blob are in columns of the record that brings them, so that one statement
stores both. Each record has its own copy of a small value; large values are shared, in another
store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import evolve

from provenance.effects.sql import statements
from provenance.effects.sql.database import Database, Execute, Values
from provenance.effects.sql.history import SqlHistory, put_derivation_edges, put_receipt, put_run
from provenance.effects.sql.inspection import read_stored
from provenance.effects.sql.many import ManyRecords, read_record
from provenance.effects.sql.signing import RecordSigner
from provenance.effects.sql.terms import (
    END,
    batched,
    blob_term,
    fill_terms,
    find_candidates,
    value_term,
)
from provenance.effects.sql.totals import find_totals
from provenance.errors import CorruptRecordError
from provenance.model.ids import ArtifactId, BlobId, RunId, ValueId
from provenance.model.queries import Grouping, Page, Query, Usage, has_wildcards, matches
from provenance.model.records import ArtifactRecord, Blob, Run
from provenance.model.rows import (
    from_row,
    json_text,
    parse_time,
    run_from_json,
    time_text,
    to_row,
)
from provenance.ports.inspection import StoredRecord
from provenance.ports.records import PutRecord
from provenance.telemetry import report_skipped

if TYPE_CHECKING:
    from sqlalchemy import Engine


def id_range(prefix: str, after: str) -> tuple[str, str]:
    """Return the bounds of the ids that begin with *prefix* and follow *after*.

    Ids are hexadecimal and have the same length.

    >>> id_range("ab", ""), id_range("ab", "ab12")
    (('ab', 'abg'), ('ab120', 'abg'))
    """
    return max(prefix, after + "0" if after else ""), prefix + "g"


def first_column(rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Return the first column of *rows*: ids."""
    return tuple(row[0] for row in rows)


def _glob(name: str | None) -> str | None:
    """Return the pattern that the database compares names with; None if it cannot."""
    if name is not None and not has_wildcards(name):
        # It may be the end of a name; `matches` finds out where that begins.
        name = f"*{name}"
    # SQLite reads brackets in another way than `fnmatch`, and refuses long patterns.
    is_plain = name is not None and "[" not in name and len(name) <= _LONGEST_PATTERN
    return name if is_plain else None


def _parameters(query: Query) -> list[str | int | None]:
    """Return the conditions of a search, each twice; None if the database cannot decide."""
    parameters = (
        _glob(query.name),
        query.version,
        query.run_id,
        query.code,
        None if query.since is None else time_text(query.since),
        None if query.until is None else time_text(query.until),
        min(query.uses, default=None),
        _json_or_none(sorted(query.tags)),
        _json_or_none(dict(query.custom_fields)),
        _json_or_none({key: query.inputs[key] for key in query.inputs if key.isidentifier()}),
    )
    return [parameter for parameter in parameters for _ in range(2)]


def _json_or_none(wanted: object) -> str | None:
    """Return *wanted* as JSON text; None if it is empty or has no JSON form."""
    try:
        return json_text(wanted) if wanted else None
    except (TypeError, ValueError):
        return None


def mark_evicted(
    execute: Execute, artifact_id: ArtifactId, blob: Blob, at: datetime
) -> tuple[Blob, ...] | None:
    """Record the eviction and empty the row; return the blob if no record needs it any longer.

    Return None if the artifact has another value, or a set pins it.
    """
    if _is_pinned(execute, artifact_id):
        return None
    if execute(statements.CLEAR_VALUE, (artifact_id, blob.id)).rowcount == 0:
        return None
    execute(statements.PUT_EVICTION, (artifact_id, time_text(at)))
    needed = execute(statements.IS_BLOB_NEEDED, _named(blob)).fetchall()
    return () if any(needed[0]) else (blob,)


def _named(blob: Blob) -> tuple[int, BlobId, BlobId]:
    """Return the parameters of a statement about the artifacts that name the blob."""
    return blob_term(blob.id), blob.id, blob.id


def _is_pinned(execute: Execute, artifact_id: ArtifactId) -> bool:
    """Return whether a set contains the artifact, or one whose value holds it, at any depth."""
    visited, pending = {artifact_id}, [artifact_id]
    while pending:
        key = pending.pop()
        if execute(statements.FIND_SETS_CONTAINING, (key,)).fetchall():
            return True
        rows = execute(statements.FIND_VALUE_HOLDERS, (key, key)).fetchall()
        holders = {cast("ArtifactId", holder) for (holder,) in rows}
        pending += holders - visited
        visited |= holders
    return False


_LONGEST_PATTERN: Final = 10_000
"""Characters of a pattern that the database compares; SQLite has a limit of 50,000 bytes."""
_ROWS: Final = 500
"""Rows that a search fetches at a time."""


class SqlRecords(SqlHistory):
    """Records in the tables of *database*, signed and checked by *seal*.

    `engine` is for the user's own queries.
    """

    def __init__(self, database: Database, seal: RecordSigner | None = None) -> None:
        super().__init__(database, seal or RecordSigner())
        self._runs: set[tuple[int, RunId]] = set()
        self._receipts: set[tuple[int, str]] = set()
        self._many = ManyRecords(self._database, self._seal)

    @property
    def engine(self) -> Engine:
        """The database for SQLAlchemy and pandas."""
        return self._database.engine

    def find_record(self, artifact_id: ArtifactId) -> ArtifactRecord | None:
        """Return the record of this id, or None."""
        rows = self._database.query(statements.FIND_RECORD, artifact_id)
        if not rows:
            return None
        row: Any = rows[0]
        record, data = self._record(row, artifact_id), row[-1]
        if data is not None:
            # After a lookup the value is usually read next.
            self._database.prefetch({record.value_blob.id: data})
        else:
            self._database.note_holder(record.value_blob.id, record.id)
        return record

    def find_many(self, ids: tuple[ArtifactId, ...]) -> Mapping[ArtifactId, ArtifactRecord]:
        """Return those of these artifacts that are recorded, by id."""
        return self._many.find(ids)

    def put_records(self, records: tuple[PutRecord, ...]) -> tuple[ArtifactRecord, ...]:
        """Store the records in one transaction; return what is stored then."""

        def work(execute: Execute) -> tuple[ArtifactRecord, ...]:
            return tuple([self._put(execute, ask) for ask in records])

        if len(records) == 1:
            return (self.put_record(records[0]),)
        return self._database.transaction(work)

    def list_ids(self, prefix: str, limit: int, after: str = "") -> tuple[ArtifactId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        bounds = id_range(prefix, after)
        return first_column(self._database.query(statements.LIST_IDS, *bounds, limit, 0))

    def find_records_by_value(self, value_id: ValueId) -> tuple[ArtifactRecord, ...]:
        """Return the records of the value, oldest first."""
        self._fill_terms()
        rows = self._database.query(
            statements.FIND_RECORDS_BY_VALUE, value_id, value_term(value_id)
        )
        return self._sound(rows)

    def list_dependents(self, artifact_id: ArtifactId) -> tuple[ArtifactId, ...]:
        """Return the ids of the artifacts computed directly from this one, in order.

        An edge is only an index: what counts is what the signed record says.
        """
        records = self._sound(self._database.query(statements.LIST_DEPENDENTS, artifact_id))
        return tuple(
            record.id
            for record in records
            if artifact_id in record.source_ids or self.is_derived(record.id, artifact_id)
        )

    def find_inputs(self, artifact_id: ArtifactId) -> str | None:
        """Return the JSON text of the record's inputs, or None.

        Raises:
            CorruptRecordError: if the text is not what was stored.
        """
        rows = self._database.query(statements.FIND_INPUTS, artifact_id)
        if not rows:
            return None
        text, signature = cast("tuple[str, str]", rows[0])
        self._check_inputs(artifact_id, text, signature)
        return text

    def search_records(self, query: Query, after: int | None, limit: int) -> Page:
        """Return a page of matching records, newest first; the database does most filtering."""
        found: list[ArtifactRecord] = []
        skipped: list[CorruptRecordError] = []
        for place, *row, inputs in self._search(query, END if after is None else after, limit):
            try:
                record = self._matching(query, row, cast("str", inputs))
            except CorruptRecordError as error:
                skipped.append(error)
                continue
            if record is not None:
                found.append(record)
                if len(found) == limit:
                    report_skipped(skipped)
                    return Page(tuple(found), cast("int", place))
        report_skipped(skipped)
        return Page(tuple(found), None)

    def _search(self, query: Query, after: int, limit: int) -> Iterator[Any]:
        """Yield the rows before place *after* that the database finds to match, the last first."""
        database, parameters = self._database, _parameters(query)
        # The database has usually filtered out all others: first fetch no more than the limit.
        count = min(limit, _ROWS)
        if not database.keeps_terms:
            return self._scan(parameters, (-1, after), count)
        found = find_candidates(database, query, _glob(query.name), after)
        streams = [self._scan(parameters, between, count) for between in found.ranges]
        streams.append(self._read(parameters, found.places, count))
        rows = merge(*streams, key=itemgetter(0), reverse=True)
        # A place without terms may be in two of them.
        return (next(same) for _, same in groupby(rows, itemgetter(0)))

    def _scan(
        self, parameters: list[str | int | None], between: tuple[int, int], count: int
    ) -> Iterator[Any]:
        """Yield matching rows of a range, reading the table from its end."""
        low, after = between
        while after - low > 1:
            rows: Any = self._database.query(
                statements.SEARCH_RECORDS, *parameters, low, after, count, 0
            )
            yield from rows
            if len(rows) < count:
                return
            after, count = rows[-1][0], _ROWS

    def _read(
        self, parameters: list[str | int | None], places: Iterator[int], count: int
    ) -> Iterator[Any]:
        """Yield matching rows at *places*."""
        for some in batched(places, count, _ROWS):
            yield from self._database.query(statements.SEARCH_PLACES, *parameters, json_text(some))

    def summarize_records(self, by: Grouping) -> tuple[Usage, ...]:
        """Return what the artifacts amount to, in groups; the database adds up."""
        rows = find_totals(self._database, by)
        groups = (
            Usage(key, artifacts, size or 0, seconds or 0.0, parse_time(oldest), parse_time(newest))
            for key, artifacts, size, seconds, oldest, newest in rows
        )
        return tuple(sorted(groups, key=lambda group: group.key))

    def find_run(self, run_id: RunId) -> Run | None:
        """Return the run of this id, or None."""
        rows = self._database.query(statements.FIND_RUN, run_id)
        try:
            return run_from_json(cast("str", rows[0][0])) if rows else None
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CorruptRecordError(run_id, self._database.name, reason, what="run") from error

    def put_record(self, ask: PutRecord) -> ArtifactRecord:
        """Store the record, its run and its bytes, all or nothing; return what is stored then."""
        record, database = ask.record, self._database
        process = database.generation, ask.run.id
        code = process[0], "" if ask.receipt is None else ask.receipt.digest
        is_alone = not (
            record.input_artifact_ids
            or record.value_artifact_ids
            or ask.besides
            or ask.replace
            or ask.evicted
        )
        # Then one statement is enough, which is a transaction by itself.
        is_known = ask.receipt is None or code in self._receipts
        is_short = is_alone and is_known and process in self._runs
        if is_short and database.change(statements.PUT_RECORD, self._row(ask), process[0]):
            return record
        stored = database.transaction(lambda execute: self._put(execute, ask))
        self._runs.add(process)
        self._receipts.add(code)
        return stored

    def delete_record(self, artifact_id: ArtifactId) -> tuple[Blob, ...] | None:
        """Delete the record; return the blobs that no record names any longer.

        Return None if the record did not exist.
        """

        def work(execute: Execute) -> tuple[Blob, ...] | None:
            rows = execute(statements.FIND_RECORD, (artifact_id,)).fetchall()
            # Another process may have deleted it since.
            if not rows or execute(statements.DELETE_RECORD, (artifact_id,)).rowcount == 0:
                return None
            execute(statements.DELETE_EDGES, (artifact_id,))
            execute(statements.DELETE_DERIVATIONS, (artifact_id,))
            execute(statements.DELETE_EVICTION, (artifact_id,))
            execute(statements.DELETE_SHADOWS, (artifact_id,))
            row: Any = rows[0][:-1]
            try:
                blobs = from_row(row).blobs
            except Exception:  # noqa: BLE001 - a damaged record can be deleted, too
                return ()
            return tuple(
                blob
                for blob in dict.fromkeys(blobs)
                if not any(execute(statements.IS_BLOB_REFERENCED, _named(blob)).fetchall()[0])
            )

        self._fill_terms()
        return self._database.transaction(work)

    def find_referenced_blobs(self, blobs: tuple[Blob, ...]) -> frozenset[Blob]:
        """Return those of *blobs* that a record names."""
        self._fill_terms()
        named: set[BlobId] = set()
        for at in range(0, len(blobs), _ROWS):
            asked = json_text([(blob_term(blob.id), blob.id) for blob in blobs[at : at + _ROWS]])
            named.update(first_column(self._database.query(statements.FIND_REFERENCED, asked)))
        return frozenset(blob for blob in blobs if blob.id in named)

    def mark_evicted(
        self, artifact_id: ArtifactId, blob: Blob, at: datetime
    ) -> tuple[Blob, ...] | None:
        """Evict the value; return its blob if no record needs it any longer.

        Return None if nothing was evicted.
        """
        self._fill_terms()
        return self._database.transaction(
            lambda execute: mark_evicted(execute, artifact_id, blob, at)
        )

    def read_stored(self, ids: tuple[ArtifactId, ...]) -> tuple[StoredRecord, ...]:
        """Return those of these artifacts whose records are undamaged, with what is known of them."""
        return read_stored(self._database, ids, self._record, self._check_inputs, self.find_run)

    def find_eviction(self, artifact_id: ArtifactId) -> datetime | None:
        """Return when the value was evicted, or None."""
        rows = self._database.query(statements.FIND_EVICTION, artifact_id)
        return parse_time(cast("str", rows[0][0])) if rows else None

    def check_database(self) -> tuple[str, ...]:
        """Return the problems that the database finds in its own files."""
        return (*self._database.find_problems(), *self.problems_of_derivations())

    def get_database_ids(self) -> frozenset[str]:
        """Return the identity of the database."""
        return frozenset({self._database.cache_key})

    def _fill_terms(self) -> None:
        if self._database.keeps_terms:
            fill_terms(self._database)

    def _check_inputs(self, artifact_id: ArtifactId, text: str, signature: str) -> None:
        problem = self._seal.problem_of_inputs(artifact_id, text, signature)
        if problem is not None:
            raise CorruptRecordError(artifact_id, self._database.name, f"inputs: {problem}")

    def _matching(self, query: Query, row: Any, inputs: str) -> ArtifactRecord | None:  # noqa: ANN401
        """Return the record in *row* if it matches; raises `CorruptRecordError`."""
        record = self._record(row)
        if query.inputs:
            self._check_inputs(record.id, inputs, record.signature)
        try:
            return record if matches(query, record, inputs) else None
        except Exception as error:
            reason = f"inputs: {type(error).__name__}: {error}"
            raise CorruptRecordError(record.id, self._database.name, reason) from error

    def _sound(self, rows: Iterable[Any]) -> tuple[ArtifactRecord, ...]:
        """Return the records in *rows*; skip damaged ones, with a warning."""
        found: list[ArtifactRecord] = []
        skipped: list[CorruptRecordError] = []
        for row in rows:
            try:
                found.append(self._record(row))
            except CorruptRecordError as error:
                skipped.append(error)
        report_skipped(skipped)
        return tuple(found)

    def _record(self, row: Any, wanted: ArtifactId | None = None) -> ArtifactRecord:  # noqa: ANN401
        """Return the record in *row*, checked; raises `CorruptRecordError`."""
        return read_record(self._database, self._seal, row, wanted)

    def _row(self, ask: PutRecord) -> Values:
        """Return the record, signed, and the bytes that it brings."""
        held = {part.blob.id: part.data for part in ask.inline_blobs}
        inputs = None if ask.record.inputs_blob is None else held.get(ask.record.inputs_blob.id)
        facts = to_row(ask.record)[:-1]
        signature = self._seal.signature(facts, ask.inputs_json)
        return (*facts, signature, ask.inputs_json, held.get(ask.record.value_blob.id), inputs)

    def _put(self, execute: Execute, ask: PutRecord) -> ArtifactRecord:
        put_run(execute, ask.run, ask.parents)
        if ask.receipt is not None:
            put_receipt(execute, ask.receipt)
        if ask.replace:
            execute(statements.REPLACE_RECORD, self._row(ask))
            execute(statements.DELETE_EDGES, (ask.record.id,))
            execute(statements.DELETE_EVICTION, (ask.record.id,))
            put_derivation_edges(execute, ask.record.id)
        elif execute(statements.PUT_RECORD, self._row(ask)).rowcount == 0:
            return self._keep_stored(execute, ask)
        if ask.evicted:
            execute(statements.PUT_EVICTION, (ask.record.id, time_text(ask.record.added_at)))
        for source_id in ask.record.source_ids:
            execute(statements.PUT_EDGE, (ask.record.id, source_id))
        for part in ask.besides:
            self._put(execute, evolve(part, replace=True))
        return ask.record

    def _keep_stored(self, execute: Execute, ask: PutRecord) -> ArtifactRecord:
        """Return the record stored first by another process, after restoring what it has lost."""
        rows = execute(statements.FIND_RECORD, (ask.record.id,)).fetchall()
        if not rows:
            # It has been deleted since.
            return self._put(execute, ask)
        try:
            winner = self._record(rows[0][:-1], ask.record.id)
        except CorruptRecordError:
            return self._put(execute, evolve(ask, replace=True))
        for held in ask.inline_blobs:
            filling = held.data, held.blob.id, blob_term(held.blob.id)
            execute(statements.FILL_VALUE, filling)
            execute(statements.FILL_INPUTS, filling)
        for part in ask.besides if winner.value_id == ask.record.value_id else ():
            self._put(execute, evolve(part, replace=False))
        return winner
