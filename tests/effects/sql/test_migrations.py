"""The tables of a new database, and those of each version made those of every other, on both databases."""

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import provenance as p
from contract.processes import in_process
from contract.samples import MOMENT, new_id, record, run
from effects.sql.toy_migration import NEW, OLD, make_old, second_version
from provenance.effects.sql import migrate as sql_migrate
from provenance.effects.sql import postgres_dialect, tables
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlSets
from provenance.errors import ConfigError, StoreUnavailableError
from provenance.model.records import SetRecord, freeze_options
from provenance.ports.records import PutRecord
from servers.postgres import server

NEWEST = tables.VERSION


def sqlite(folder):
    """A new SQLite file."""
    return SqliteDatabase(folder / "x.db"), tables.tables


def postgres(folder):
    """An empty PostgreSQL database, without any tables."""
    url = server(18).database_for(folder)
    server(18).run(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public", database=url.rpartition("/")[2]
    )
    return PostgresDatabase(ConnectionSettings(url=url)), postgres_dialect.tables


@pytest.fixture(params=[sqlite, postgres])
def kept(request, tmp_path):
    """A database, and the tables that it should have."""
    database, wanted = request.param(tmp_path)
    yield database, wanted
    database.close()


@pytest.fixture
def toy(request, tmp_path):
    """The tables of the two databases, as a library with a second version has them."""
    with second_version(tmp_path) as wanted:
        yield wanted


@pytest.fixture(params=[sqlite, postgres])
def migrated(request, toy, tmp_path):
    """A database of version 2, and the tables that it should have."""
    database, _ = request.param(tmp_path)
    if isinstance(database, SqliteDatabase):
        make_old(database.path)
    database.migrate()
    yield database, toy[isinstance(database, PostgresDatabase)]
    database.close()


def differences(engine, wanted):
    """What Alembic would change to make the tables those that are wanted."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": tables.STAMP})
        return compare_metadata(context, wanted)


def stamp(engine):
    """The version that is noted."""
    with engine.connect() as connection:
        return sql_migrate.stamped(connection)


def test_new_tables_are_those_of_the_models(kept):
    """A database that was just made has what the models say, and Alembic agrees that it is of this version."""
    database, wanted = kept
    assert () == SqlRecords(database).list_ids("", 1)
    assert [] == differences(database.engine, wanted)
    assert NEWEST == stamp(database.engine)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_tables_go_down_and_up_again(migrated, version):
    """Records, runs and sets survive; the tables are those of the models, and the id stays."""
    database, wanted = migrated
    one = record(
        value_artifact_ids=frozenset({new_id()}),
        custom_fields=freeze_options({"a,": ['"]', "\\"]}),
        name='",["',
    )
    SqlRecords(database).put_record(PutRecord(one, run(), '{"x":1}'))
    some = SqlSets(database).put_set(
        SetRecord(new_id(), frozenset({one.id}), freeze_options({"name": "a"}), MOMENT)
    )
    known = SqlRecords(database).get_repository_id()
    database.migrate(version)
    assert version == stamp_of(database)
    database.migrate()
    assert [] == differences(database.engine, wanted)
    assert one == SqlRecords(database).find_record(one.id)
    assert run() == SqlRecords(database).find_run(run().id)
    assert some == SqlSets(database).find_set_by_labels(some.labels)
    assert '{"x":1}' == SqlRecords(database).find_inputs(one.id)
    assert known == SqlRecords(database).get_repository_id()
    later = record()
    SqlRecords(database).put_record(PutRecord(later, run(), "{}"))
    assert later == SqlRecords(database).find_record(later.id)


def test_old_files_become_those_of_the_models(tmp_path, toy):
    """A file of an earlier version has today's tables once it was opened, and its version is noted in both places."""
    make_old(tmp_path / "x.db")
    database = SqliteDatabase(tmp_path / "x.db")
    assert [(NEW,)] == database.query("PRAGMA user_version")
    assert [] == differences(database.engine, toy[0])
    assert NEW == stamp(database.engine)
    database.close()


def test_new_databases_have_ids_of_their_own(kept, tmp_path):
    """No two repositories share an id, and there is one."""
    other = SqliteDatabase(tmp_path / "other.db")
    ids = {SqlRecords(each).get_repository_id() for each in (kept[0], other)}
    assert [2, 40, 40] == [len(ids), *map(len, ids)]
    assert [(1,)] == kept[0].query("SELECT count(*) FROM repository")
    other.close()


@pytest.mark.parametrize("version", [0, NEWEST + 1, -1])
def test_versions_that_are_none(kept, version):
    """Only versions that there are can be asked for."""
    with pytest.raises(ConfigError, match=f"expected 1 to {NEWEST}"):
        kept[0].migrate(version)


def test_a_newer_version_is_refused(tmp_path):
    """A database of a newer library is left as it is, with the advice to upgrade."""
    database, _ = postgres(tmp_path)
    with database.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {tables.STAMP} SET version_num = '99'"))
    other = PostgresDatabase(ConnectionSettings(url=server(18).database_for(tmp_path)), "team")
    for use in (lambda: other.query("SELECT 1"), other.migrate):
        with pytest.raises(StoreUnavailableError, match=r"'team'.*version 99.*upgrade the library"):
            use()
    assert 99 == stamp(database.engine)
    other.close()
    database.close()


def test_by_command_only(tmp_path, toy):
    """Where tables are not to change by themselves, each version asks for the command, and it helps."""
    postgres(tmp_path)[0].close()
    repo = p.PostgresRepo(db=server(18).database_for(tmp_path), migrate="command")
    one = record()
    with pytest.raises(
        StoreUnavailableError, match=r"do not exist yet; .* is required; call migrate\(\)"
    ):
        repo.get_by_value_id(one.value_id)
    repo.migrate(OLD)
    with pytest.raises(
        StoreUnavailableError,
        match=rf"of version {OLD}; version {NEW} is .*; call migrate\(\)",
    ):
        repo.get_by_value_id(one.value_id)
    repo.migrate()
    assert one == repo.interpreter(PutRecord(one, run(), "{}"))


def test_a_repository_without_tables():
    """A repository in memory has none that could be migrated."""
    with pytest.raises(ConfigError, match="no SQL database"):
        p.MemoryRepo().migrate()


@pytest.mark.usefixtures("toy")
def test_a_migration_that_fails_changes_nothing(tmp_path):
    """A file whose upgrade is broken off is what it was, and is upgraded the next time."""
    make_old(tmp_path / "x.db")
    before = list(sqlite3.connect(tmp_path / "x.db").execute("SELECT sql FROM sqlite_master"))
    migrate = sql_migrate.migrate

    def broken(*how):
        migrate(*how)
        raise KeyboardInterrupt

    database = SqliteDatabase(tmp_path / "x.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_migrate, "migrate", broken)
        with pytest.raises(KeyboardInterrupt):
            database.query("SELECT 1")
    connection = sqlite3.connect(tmp_path / "x.db")
    assert before == list(connection.execute("SELECT sql FROM sqlite_master"))
    connection.close()
    assert [(NEW,)] == database.query("PRAGMA user_version")
    database.close()


@pytest.mark.parametrize(
    "task",
    [
        "upgrade_sqlite_at_once",
        "upgrade_postgres_at_once",
        "make_postgres_at_once",
        "hit_in_sqlite",
    ],
)
def test_in_processes(task, tmp_path):
    """What `effects.migrating_processes` says of forked processes holds, and nothing is warned of."""
    in_process("effects.sql.migrating_processes", task, tmp_path)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_migration_that_is_stopped_anywhere_is_done_or_was_not_begun(migrated, way):
    """Stopped before any of its statements, it leaves the tables of the one version or the other; the next one goes all the way."""
    database, wanted = migrated
    one = record()
    SqlRecords(database).put_record(PutRecord(one, run(), "{}"))
    start, target = (OLD, NEW) if way == "up" else (NEW, OLD)
    number, found = 0, []
    while not found or found[-1][0]:
        number += 1
        database.migrate(start)
        found.append((is_stopped(database, target, number), stamp_of(database)))
    assert (
        {(True, start), (False, target)}
        <= set(found)
        <= {(True, start), (True, target), (False, target)}
    )
    assert found.count((True, start)) > 5
    database.migrate(NEW)
    assert [] == differences(database.engine, wanted)
    assert one == SqlRecords(database).find_record(one.id)


def is_stopped(database, target, number):
    """Migrate, failing before the statement of this number; whether that came."""
    left = iter(range(number - 1, -1, -1))

    def fail(*_):
        if next(left, None) == 0:
            raise ConnectionAbortedError("it was stopped")

    sa.event.listen(sa.Engine, "before_cursor_execute", fail)
    try:
        database.migrate(target)
    except ConnectionAbortedError:
        return True
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", fail)
    return False


def stamp_of(database):
    """The version that is noted, asked past the library, which would go on to the newest."""
    if isinstance(database, SqliteDatabase):
        with closing(sqlite3.connect(database.path)) as connection:
            return connection.execute("PRAGMA user_version").fetchone()[0]
    return stamp(database._pool)
