"""The statements as text, and the tables that they were compiled from."""

from pathlib import Path

from contract.samples import record, run
from provenance.effects.io import blob_of
from provenance.effects.sql import queries, statements
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.terms import blob_term
from provenance.model.records import InlineBlob
from provenance.ports.records import PutRecord


def test_the_statements_are_those_of_the_tables():
    """`make statements` was run after the last change of the tables."""
    assert queries.render_statements() == Path(statements.__file__).read_text("utf-8")


def test_a_value_of_many_artifacts_is_read_once(tmp_path):
    """However many artifacts have the same small value, looking for its bytes answers one row."""
    database = SqliteDatabase(tmp_path / "x.db")
    held = InlineBlob(blob_of(b"same"), b"same")
    for _ in range(5):
        SqlRecords(database).put_record(
            PutRecord(record(value_blob=held.blob), run(), "{}", (held,))
        )
    named = blob_term(held.blob.id), held.blob.id, 1, 0
    assert [(b"same",)] == database.query(statements.READ_VALUE, *named)
    database.close()


def test_only_short_values_come_along_with_a_record(tmp_path):
    """Looking a record up reads no value that is not small, however it is stored."""
    database = SqliteDatabase(tmp_path / "x.db")
    for size in (10, queries.PREFETCHED_BYTES, queries.PREFETCHED_BYTES + 1):
        held = InlineBlob(blob_of(b"x" * size), b"x" * size)
        one = SqlRecords(database).put_record(
            PutRecord(record(value_blob=held.blob), run(), "{}", (held,))
        )
        ((*_, value),) = database.query(statements.FIND_RECORD, one.id)
        assert (b"x" * size if size <= queries.PREFETCHED_BYTES else None) == value
    database.close()
