"""Many records of an SQL database at once, for verification and eviction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from provenance.effects.io import digest
from provenance.effects.sql import statements
from provenance.effects.sql.database import Database
from provenance.errors import CorruptRecordError
from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import ArtifactRecord, Blob, Run
from provenance.model.rows import COLUMNS, json_text
from provenance.ports.inspection import StoredRecord

ReadRecord: TypeAlias = Callable[[Any], ArtifactRecord]
"""Returns the record in a row; raises `CorruptRecordError`."""
CheckInputs: TypeAlias = Callable[[ArtifactId, str, str], None]
"""Raises `CorruptRecordError` unless the text of the inputs fits the record's signature."""


def read_stored(
    database: Database,
    ids: tuple[ArtifactId, ...],
    read: ReadRecord,
    check_inputs: CheckInputs,
    find_run: Callable[[RunId], Run | None],
) -> tuple[StoredRecord, ...]:
    """Return those of these artifacts whose records are undamaged, by two queries and one for each run."""
    rows: list[Any] = database.query(statements.READ_STORED, json_text(ids))
    found: list[tuple[ArtifactRecord, Any]] = []
    for row in rows:
        with suppress(CorruptRecordError):
            found.append((read(row), row))
    sources = {source for record, _ in found for source in record.source_ids}
    wanted = json_text(sorted(sources))
    stored: list[Any] = database.query(statements.FIND_KNOWN, wanted) if sources else []
    known: set[ArtifactId] = {key for (key,) in stored}
    runs = {record.run_id for record, _ in found}
    recorded = {run_id for run_id in runs if _is_recorded(find_run, run_id)}
    answers: list[StoredRecord] = []
    for record, row in found:
        inputs, *data, evicted = row[len(COLUMNS) :]
        is_complete = record.run_id in recorded and record.source_ids <= known
        with suppress(CorruptRecordError):
            check_inputs(record.id, inputs, record.signature)
            held = frozenset(
                blob
                for blob, part in zip((record.value_blob, record.inputs_blob), data, strict=True)
                if blob is not None and part is not None and _is_sound(blob, part)
            )
            answers.append(StoredRecord(record, held, bool(evicted), is_complete))
    return tuple(answers)


def _is_recorded(find_run: Callable[[RunId], Run | None], run_id: RunId) -> bool:
    try:
        return find_run(run_id) is not None
    except CorruptRecordError:
        return False


def _is_sound(blob: Blob, data: bytes) -> bool:
    return len(data) == blob.size and digest(data) == blob.id
