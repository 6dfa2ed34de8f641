"""Sets of artifacts in an SQL database."""

from __future__ import annotations

from typing import cast

from provenance.effects import statements
from provenance.effects.bounds import between, first_column
from provenance.effects.database import Database, Execute
from provenance.ids import ArtifactId, SetId
from provenance.queries import carries
from provenance.records import Options, SetRecord
from provenance.wire import labels_from, labels_text, moment_from, time_text


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

    def find_set_ids(self, prefix: str, limit: int, after: str = "") -> tuple[SetId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        bounds = between(prefix, after)
        return first_column(self._database.query(statements.FIND_SET_IDS, *bounds, limit, 0))

    def find_labelled(self, labels: Options) -> SetRecord | None:
        """Return the newest set that has *labels*, or None."""
        text = labels_text(labels)
        offset = 0
        while True:
            rows = self._database.query(statements.FIND_LABELLED, text, 1, offset)
            # SQLite finds some huge numbers equal that differ, and texts that agree up to a NUL.
            if not rows or carries(labels_from(cast("str", rows[0][1])), labels):
                return self._read(rows)
            offset += 1

    def drop_set(self, set_id: SetId) -> bool:
        """Delete all records of this id."""

        def work(execute: Execute) -> bool:
            execute(statements.DROP_MEMBERS, (set_id,))
            return execute(statements.DROP_SET, (set_id,)).rowcount > 0

        return self._database.transaction(work)

    def find_pins(self, artifact_id: ArtifactId) -> tuple[SetId, ...]:
        """Return the ids of the sets that contain the artifact, in order."""
        return first_column(self._database.query(statements.FIND_PINS, artifact_id))

    def _read(self, rows: list[tuple[object, ...]]) -> SetRecord | None:
        if not rows:
            return None
        set_id, labels, created_at = cast("tuple[str, str, str]", rows[0])
        members = self._database.query(statements.FIND_MEMBERS, set_id)
        if not members and not self._database.query(statements.FIND_SET, set_id, 1, 0):
            # Another process has deleted it.
            return None
        ids: frozenset[ArtifactId] = frozenset(first_column(members))
        return SetRecord(SetId(set_id), ids, labels_from(labels), moment_from(created_at))
