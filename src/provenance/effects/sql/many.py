"""Look-ups of many records at once, which are usually those of one function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provenance.effects.sql import statements
from provenance.effects.sql.database import Database
from provenance.effects.sql.signing import RecordSigner
from provenance.errors import CorruptRecordError
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.model.rows import (
    COLUMNS,
    OWN_COLUMNS,
    SharedColumns,
    from_row,
    json_text,
)

_FACTS: Final = len(COLUMNS) - 1
"""Columns of a record before the last, its signature."""
_SIGNATURE, _VALUE, _SHARES = range(len(OWN_COLUMNS) - 1, len(OWN_COLUMNS) + 2)
"""Where `FIND_ALIKE` has the signature, the bytes of a small value, and whether the record has the shared columns."""
_ROWS: Final = 500
"""Rows that a statement fetches."""


def read_record(
    database: Database,
    seal: RecordSigner,
    row: Any,  # noqa: ANN401 - what a database returns
    wanted: ArtifactId | None = None,
) -> ArtifactRecord:
    """Return the record in *row*, checked; raises `CorruptRecordError`."""
    try:
        record = from_row(row)
        problem = seal.problem(row[:_FACTS], row[_FACTS])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise CorruptRecordError(wanted or str(row[0]), database.name, reason) from error
    if problem is None and wanted not in (None, record.id):
        problem = f"its id is {record.id}"
    if problem is not None:
        raise CorruptRecordError(wanted or record.id, database.name, problem)
    return record


class ManyRecords:
    """Finds records of *database* together; of those that share most columns with the last ones, only the rest is fetched."""

    def __init__(self, database: Database, seal: RecordSigner) -> None:
        self._database = database
        self._seal = seal
        self._shared: SharedColumns | None = None

    def find(self, ids: tuple[ArtifactId, ...]) -> Mapping[ArtifactId, ArtifactRecord]:
        """Return those of these artifacts that are recorded, by id; damaged ones are not."""
        found: dict[ArtifactId, ArtifactRecord] = {}
        for at in range(0, len(ids), _ROWS):
            wanted, values = list(ids[at : at + _ROWS]), dict[str, bytes]()
            if (shared := self._shared) is not None:
                wanted = self._find_alike(shared, wanted, found, values)
            if wanted:
                self._find_others(wanted, found, values)
            self._database.prefetch(values)
        return found

    def _find_alike(
        self,
        shared: SharedColumns,
        ids: list[ArtifactId],
        found: dict[ArtifactId, ArtifactRecord],
        values: dict[str, bytes],
    ) -> list[ArtifactId]:
        """Find the records that have the *shared* columns; return the ids of those that are to be read whole.

        To compare a column costs a fraction of what it costs to fetch it.
        """
        rows: Any = self._database.query(statements.FIND_ALIKE, *shared.values, json_text(ids))
        others: list[ArtifactId] = []
        problem, make = self._seal.problem, shared.record
        for row in rows:
            try:
                is_alike = row[_SHARES] and problem(shared.facts(row), row[_SIGNATURE]) is None
                record = make(row) if is_alike else None
            except Exception:  # noqa: BLE001 - damaged cells may raise anything; the whole row tells what
                record = None
            if record is None:
                others.append(row[0])
                continue
            found[row[0]] = record
            if row[_VALUE] is not None:
                values[record.value_blob.id] = row[_VALUE]
        return others

    def _find_others(
        self,
        ids: list[ArtifactId],
        found: dict[ArtifactId, ArtifactRecord],
        values: dict[str, bytes],
    ) -> None:
        """Find records, and learn what the next ones may share."""
        rows: Any = self._database.query(statements.FIND_MANY, json_text(ids))
        sound: list[Any] = []
        for row in rows:
            try:
                record = read_record(self._database, self._seal, row)
            except CorruptRecordError:
                continue
            found[record.id] = record
            sound.append(row)
            if row[-1] is not None:
                values[record.value_blob.id] = row[-1]
        if self._database.fetches_columns:
            self._shared = SharedColumns.of(sound)
