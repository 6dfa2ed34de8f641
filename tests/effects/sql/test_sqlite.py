"""The database file: who may open it, what users find in it."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from contract.samples import MOMENT, TIME, record, run
from provenance.effects.io import blob_of
from provenance.effects.sql import compiler, queries, sqlite, statements, tables
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.signing import RecordSigner
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlBlobs, SqlSets
from provenance.errors import StoreUnavailableError
from provenance.model.ids import ArtifactId, SetId
from provenance.model.records import NO_OPTIONS, FrozenDict, InlineBlob, SetRecord
from provenance.ports.blobs import Durability
from provenance.ports.records import PutRecord


@pytest.fixture
def database(tmp_path):
    """A new database."""
    made = SqliteDatabase(tmp_path / "provenance.db")
    yield made
    made.close()


def refused(path, match, **how):
    """Opening *path* says that it is unavailable, and why."""
    database = SqliteDatabase(path, "mine", **how)
    with pytest.raises(StoreUnavailableError, match=f"(?s)'mine' is unavailable.*{match}"):
        SqlRecords(database).find_record("a" * 40)
    with pytest.raises(StoreUnavailableError, match=f"(?s)'mine' is unavailable.*{match}"):
        SqlRecords(database).put_record(PutRecord(record(), run(), "{}"))
    database.close()


def test_a_file_that_is_no_database(tmp_path):
    """Another file is refused, and left as it is."""
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    refused(tmp_path / "x.db", "name another file")
    assert b"no database" * 1000 == (tmp_path / "x.db").read_bytes()


def test_a_newer_schema(tmp_path):
    """A database of a newer library is refused with the advice to upgrade, and left as it is."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    refused(tmp_path / "x.db", "version 99.*upgrade the library")


def test_a_folder_that_cannot_be(tmp_path):
    """A path below a file is refused."""
    (tmp_path / "file").write_bytes(b"")
    refused(tmp_path / "file" / "x.db", "check that the folder exists")


def test_a_folder_in_place_of_the_file(tmp_path):
    """A folder is no database."""
    refused(tmp_path, "check that the folder exists")


def test_a_database_that_is_not_to_be_made(tmp_path):
    """Without leave to make the database, its absence is told and nothing is made."""
    refused(tmp_path / "new" / "x.db", "create_db: true", create=False)
    assert [] == list(tmp_path.iterdir())


def test_a_database_in_memory():
    """A database in memory is refused in favour of the memory repository."""
    with pytest.raises(StoreUnavailableError, match="use a memory repository"):
        SqliteDatabase(Path(":memory:"))


def test_what_is_there_is_opened_without_leave_to_make_it(tmp_path):
    """A database that is there needs no leave to be made."""
    for create in (True, False):
        database = SqliteDatabase(tmp_path / "x.db", create=create)
        assert () == SqlRecords(database).list_ids("", 1)
        database.close()


def test_closing_is_for_now(database):
    """A closed database opens again when it is used."""
    one = record()
    SqlRecords(database).put_record(PutRecord(one, run(), "{}"))
    database.close()
    database.close()
    assert one == SqlRecords(database).find_record(one.id)


@pytest.mark.parametrize(
    ("durability", "expected"), [(Durability.PROCESS, 1), (Durability.POWER, 2)]
)
def test_durability_is_sqlites(tmp_path, durability, expected):
    """Surviving a loss of power is SQLite's synchronous FULL, surviving the process's end NORMAL, both with a log."""
    database = SqliteDatabase(tmp_path / "x.db", durability=durability)
    assert [(expected,)] == database.query("PRAGMA synchronous")
    assert [("wal",)] == database.query("PRAGMA journal_mode")
    database.close()


def test_a_failing_transaction_leaves_nothing(database):
    """What a transaction did before it failed is undone, and the next one works."""

    def work(execute):
        execute(statements.QUARANTINE_BLOB, ("a" * 40, b"bytes", TIME))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.transaction(work)
    assert [] == database.query("SELECT data FROM quarantined_blobs")
    database.transaction(
        lambda execute: execute(statements.QUARANTINE_BLOB, ("a" * 40, b"bytes", TIME))
    )
    assert [(b"bytes",)] == database.query("SELECT data FROM quarantined_blobs")


def test_an_interrupt_at_its_very_beginning_ends_a_transaction(database):
    """Ctrl-C as soon as it has begun, before anything in it was done, leaves none open: the next one can begin."""
    database.transaction(lambda _: None)  # opens the file

    def interrupt(_frame, event, called):
        if event == "c_return" and called.__name__ == "execute":
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    with pytest.raises(KeyboardInterrupt):
        database.transaction(lambda _: pytest.fail("it was interrupted before"))
    with closing(sqlite3.connect(database.path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert 1 == database.transaction(lambda _: 1)


@pytest.mark.parametrize("broken", ["artifacts", "artifact_inputs", "runs"])
def test_put_record_is_all_or_nothing(database, broken):
    """Whichever statement of storing a record fails, nothing of the record stays."""
    data = InlineBlob(blob_of(b"x"), b"x")
    one = record(value_blob=data.blob, input_artifact_ids=frozenset({"a" * 40}))
    database.query(
        f"CREATE TRIGGER no BEFORE INSERT ON {broken} BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    with pytest.raises(StoreUnavailableError, match="refused"):
        SqlRecords(database).put_record(PutRecord(one, run(), "{}", (data,)))
    for table in ("artifacts", "artifact_inputs", "runs"):
        assert [(0,)] == database.query(f"SELECT count(*) FROM {table}")


def test_users_query_the_tables(database):
    """Pandas reads the artifacts through the engine; times are times to SQLAlchemy and to SQLite, JSON is JSON."""
    records = SqlRecords(database)
    one = record()
    records.put_record(PutRecord(one, run(), '{"kargs":{"a":1}}'))
    assert [one.id] == list(pd.read_sql("SELECT * FROM artifacts", records.engine)["id"])
    columns = tables.artifacts.c
    query = sa.select(columns.computed_at, columns.inputs_json, columns.tags, columns.composite)
    with records.engine.connect() as connection:
        assert [(MOMENT, {"kargs": {"a": 1}}, ["a", "b"], False)] == list(connection.execute(query))
    sql = "SELECT strftime('%Y-%m-%dT%H:%M', computed_at), json_extract(custom_fields, '$.größe[0]') FROM artifacts"
    assert [("2024-05-17T12:30", 1)] == database.query(sql)


@pytest.mark.parametrize(
    "statement",
    [
        queries.FIND_RECORD,
        queries.FIND_RECORDS_BY_VALUE,
        queries.LIST_DEPENDENTS,
        queries.IS_BLOB_REFERENCED,
        queries.READ_VALUE,
        queries.READ_INPUTS,
        queries.FIND_INPUTS,
        queries.LIST_IDS,
    ],
)
def test_no_look_up_scans_a_table(database, statement):
    """Each look-up goes through an index, so that its time does not grow with the number of artifacts.

    The tables that are looked through have one row, and few rows.
    """
    limits = [1, 0] if "LIMIT" in statement else []
    values = ["a"] * (statement.count("?") - len(limits)) + limits
    plan = database.query("EXPLAIN QUERY PLAN " + statement, *values)
    small = ("SCAN CONSTANT", "SCAN found_term", "SCAN terms_filled", "SCAN terms_outdated")
    assert [] == [s for *_, s in plan if s.startswith("SCAN ") and not s.startswith(small)]


def test_quarantined_bytes_are_kept(database):
    """A blob put aside can be inspected in a table of its own."""
    data = InlineBlob(blob_of(b"x"), b"x")
    SqlRecords(database).put_record(PutRecord(record(value_blob=data.blob), run(), "{}", (data,)))
    SqlBlobs(database).quarantine(data.blob)
    assert [(data.blob.id, b"x")] == database.query("SELECT id, data FROM quarantined_blobs")


def test_parameters_in_another_order_are_noticed():
    """A statement is compiled only with the parameters that it has, in their order."""
    statement = sa.select(tables.runs).where(tables.runs.c.id == sa.bindparam("key"))
    with pytest.raises(ValueError, match="not"):
        compiler.compile_statement(statement, "other")


def test_a_set_that_is_deleted_while_it_is_read(database, monkeypatch):
    """It is found whole or not at all, never without its members."""
    sets = SqlSets(database)
    one = sets.put_set(
        SetRecord(SetId("a" * 40), frozenset([ArtifactId("b" * 40)]), NO_OPTIONS, MOMENT)
    )
    query = database.query

    def deleted_by_another(statement, *values):
        if statement == statements.FIND_MEMBERS:
            sets.delete_set(one.id)
        return query(statement, *values)

    monkeypatch.setattr(database, "query", deleted_by_another)
    assert sets.find_set(one.id) is None


@pytest.fixture
def busy(tmp_path, database):
    """Another connection that holds the lock of the database, and what lets it go."""
    database.query("SELECT 1")
    with closing(sqlite3.connect(database.path, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.parametrize("way", ["one statement", "transaction"])
def test_writers_that_wait_look_equally_often(busy, database, monkeypatch, way):
    """However long a writer has waited, it looks at least every millisecond whether the lock is free, so none starves."""
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 300:
            busy.rollback()

    monkeypatch.setattr(sqlite.time, "sleep", sleep)
    statement, values = statements.PUT_SOURCE, ("ab" * 20, "text")
    if way == "transaction":
        database.transaction(lambda execute: execute(statement, values))
    else:
        assert database.change(statement, values) == 1
    assert len(pauses) == 300
    assert all(20e-6 <= pause <= 1e-3 for pause in pauses)
    assert [("text",)] == database.query(statements.FIND_SOURCE, "ab" * 20)


def test_a_writer_that_waited_in_vain_says_so(busy, database, monkeypatch):
    """Where the lock is held for too long, the call fails with advice; afterwards it works."""
    monkeypatch.setattr(sqlite, "PATIENCE", 0.01)
    values = "ab" * 20, "text"
    with pytest.raises(StoreUnavailableError, match="another process has been writing for long"):
        database.change(statements.PUT_SOURCE, values)
    busy.rollback()
    assert database.change(statements.PUT_SOURCE, values) == 1


@pytest.mark.parametrize("damage", ["7", "replace(hex(zeroblob(50000)), '0', '[')"])
@pytest.mark.parametrize("column", ["computed_at", "input_artifact_ids", "load_kwargs", "tags"])
@pytest.mark.parametrize("key", [None, b"0123456789abcdef"])
def test_damage_is_noticed_among_many(database, column, key, damage):
    """A damaged record is not found among those of its function, even if the key that it is signed with is not given."""
    made = [record(code="r1") for _ in range(6)]
    for ask in (asks := [PutRecord(one, run(), "{}") for one in made]):
        SqlRecords(database, RecordSigner(key)).put_record(ask)
    records = SqlRecords(database)
    first, *ids = [ask.record.id for ask in asks]
    assert [first] == list(records.find_many((first,)))
    database.change(f"UPDATE artifacts SET {column} = {damage} WHERE id = ?", (ids[2],))
    assert {*ids} - {ids[2]} == records.find_many(tuple(ids)).keys()


def test_records_of_a_function_share_no_lists(database):
    """Whoever changes a list in the options of a record changes that of no other, and of none that is read later."""
    options = {
        name: FrozenDict(tags=["a"]) for name in ("custom_fields", "load_kwargs", "dump_kwargs")
    }
    asks = [PutRecord(record(code="r1", **options), run(), "{}") for _ in range(4)]
    records = SqlRecords(database)
    records.put_records(tuple(asks))
    first, one, *others = [ask.record.id for ask in asks]
    records.find_many((first,))
    found = records.find_many((one,))[one]
    for name in options:
        getattr(found, name)["tags"].append("b")
    for other in records.find_many((*others, one)).values():
        assert options == {name: getattr(other, name) for name in options}
