"""What processes of their own do at once with tables that are not there, or old; run as `python -m … TASK FOLDER`."""

import sys
from pathlib import Path

from contract.processes import CHILDREN, in_children
from contract.samples import record, run
from effects.sql.toy_migration import OLD, make_old, second_version
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.ports.records import PutRecord
from servers.postgres import server


def put_in(database) -> None:
    """Put a record and find it."""
    one = record()
    SqlRecords(database).put_record(PutRecord(one, run(), "{}"))
    assert one == SqlRecords(database).find_record(one.id)


def upgrade_sqlite_at_once(folder: Path) -> None:
    """Several processes open a file of version 1, and all go on with it."""
    make_old(folder / "x.db")
    with second_version(folder):
        in_children(CHILDREN, lambda _: put_in(SqliteDatabase(folder / "x.db")))


def upgrade_postgres_at_once(folder: Path) -> None:
    """Several processes open a database of version 1, and all go on with it."""
    url = server(18).database_for(folder)
    database = PostgresDatabase(ConnectionSettings(url=url))
    database.migrate(OLD)
    database.close()
    with second_version(folder):
        in_children(CHILDREN, lambda _: put_in(PostgresDatabase(ConnectionSettings(url=url))))
        assert [(CHILDREN,)] == database.query("SELECT count(*) FROM artifacts")
        database.close()


def make_postgres_at_once(folder: Path) -> None:
    """Several processes make a database and a schema that are not there, and all go on with them."""
    url = server(18).database_for(folder) + "_new"
    access = ConnectionSettings(url=url, create_db=True, schema='we-ird"; drop', create_schema=True)
    in_children(CHILDREN, lambda _: put_in(PostgresDatabase(access)))
    server(18).drop(url.rpartition("/")[2])


def hit_in_sqlite(folder: Path) -> None:
    """A process that makes a file and uses it imports neither SQLAlchemy nor Alembic."""
    in_children(1, lambda _: light(folder))


def light(folder: Path) -> None:
    """Look at what is imported, in a fresh interpreter."""
    import subprocess

    code = """
import sys, provenance as p
with p.using_repo(p.SqliteRepo(db=sys.argv[1])):
    f = p.provenance(name="f")(lambda n: n + 1)
    assert f(1) == 2 and f(1) == 2
assert not {"sqlalchemy", "alembic", "psycopg"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(folder / "light.db")], check=True)


if __name__ == "__main__":
    TASKS = (upgrade_sqlite_at_once, upgrade_postgres_at_once, make_postgres_at_once, hit_in_sqlite)
    {task.__name__: task for task in TASKS}[sys.argv[1]](Path(sys.argv[2]))
