"""Creating the tables of a database, and bringing older ones up to date."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from provenance.effects.sql import statements
from provenance.effects.sql.database import foreign_tables
from provenance.effects.sql.tables import STAMP, VERSION
from provenance.errors import StoreUnavailableError
from provenance.util.locks import ForkSafeLock

if TYPE_CHECKING:
    from provenance.effects.sql.postgres_connection import Connection, ConnectionSettings


_SCRIPTS: Final = Path(__file__).parent / "migrations"
_one_at_a_time: Final = ForkSafeLock()


def stamped(connection: sa.Connection) -> int | None:
    """Return the version that Alembic has recorded in the database, None if it has not."""
    if not sa.inspect(connection).has_table(STAMP):
        return None
    query = sa.text(f"SELECT version_num FROM {STAMP}")  # noqa: S608 - a constant
    version = connection.execute(query).scalar()
    return None if version is None else int(version)


def migrate(connection: sa.Connection, found: int, wanted: int) -> None:
    """Migrate the tables from version *found* to *wanted*, in the open transaction."""
    # Alembic tells each of its steps, the imports of its plugins too, unless somebody has set its level.
    alembic_log = logging.getLogger("alembic")
    if alembic_log.level == logging.NOTSET:
        alembic_log.setLevel(logging.WARNING)

    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    # Alembic's scripts refer to global state.
    with _one_at_a_time.lock:
        if stamped(connection) is None:
            command.stamp(config, str(found))
        if found <= wanted:
            command.upgrade(config, str(wanted))
        else:
            command.downgrade(config, str(wanted))


def migrate_sqlite(path: Path, patience: float, wanted: int) -> None:
    """Migrate the SQLite file to version *wanted* under its write lock; raises `sqlite3.Error`."""
    url = sa.URL.create("sqlite", database=str(path))
    options = {"timeout": patience, "isolation_level": None}
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
    event.listen(engine, "begin", _begin_immediate)
    try:
        with engine.begin() as connection:
            found: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            # Another process may have migrated it first.
            if 0 < found != wanted:
                migrate(connection, found, wanted)
                connection.exec_driver_sql(f"PRAGMA user_version = {wanted}")
    except DBAPIError as error:
        raise error.orig or error from None


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


_ONE_AT_A_TIME: Final = 0x70726F76656E
"""The advisory lock held while something is created or migrated."""
MIGRATION_LOCK: Final = 3600.0
"""Timeout of a migration in seconds; it may rewrite tables."""


def make_database(url: sa.URL, access: ConnectionSettings) -> bool:
    """Create the database unless it exists; return False if the server cannot be reached."""
    import psycopg
    from psycopg import sql

    from provenance.effects.sql.postgres_connection import connect

    # Every server has one of these.
    for other in ("postgres", "template1"):
        try:
            connection = connect(url, evolve(access, schema=None), other)
        except psycopg.Error:
            continue
        with connection:
            connection.autocommit = True
            connection.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(query, [url.database]).fetchall():
                name = sql.Identifier(str(url.database))
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        return True
    return False


def ensure_tables(
    engine: sa.Engine,
    access: ConnectionSettings,
    name: str,
    version: int | None = None,
    patience: float = MIGRATION_LOCK,
) -> None:
    """Create the tables or migrate them to *version*, by default to the newest if *access* allows it.

    Wait at most *patience* seconds for another process that creates or migrates them.
    """
    from provenance.effects.sql.postgres_dialect import create_tables

    wanted = statements.VERSION if version is None else version
    with engine.connect() as connection:
        if _current_version(connection, access, name) == wanted:
            return
    with engine.begin() as connection:
        cast("Connection", connection.connection.driver_connection).patience = MIGRATION_LOCK
        for setting, seconds in (("statement_timeout", MIGRATION_LOCK), ("lock_timeout", patience)):
            connection.execute(sa.text(f"SET LOCAL {setting} = '{seconds:.0f}s'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        found = _current_version(connection, access, name)
        if found is None:
            connection.execute(sa.schema.CreateSchema(str(access.schema)))
        if (found or 0) != wanted:
            if version is None and not access.migrates:
                status = f"are of version {found}" if found else "do not exist yet"
                reason = f"its tables {status}; version {statements.VERSION} is required"
                advice = "call migrate() of the repository once, by hand"
                raise StoreUnavailableError(name, reason, advice)
            if not found:
                create_tables(connection)
            migrate(connection, found or VERSION, wanted)
        # The pool must not reuse a connection with this patience.
        connection.detach()


def _current_version(
    connection: sa.Connection, access: ConnectionSettings, name: str
) -> int | None:
    """Return the version of the tables, 0 if there are none, None if the schema must be created.

    Raises `StoreUnavailableError` if the schema or the tables cannot be used.
    """
    if access.schema is not None:
        query = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
        if connection.execute(query, {"name": access.schema}).scalar() is None:
            if access.create_schema:
                return None
            advice = "check the name, or set create_schema: true"
            raise StoreUnavailableError(name, f"schema {access.schema!r} does not exist", advice)
    found = stamped(connection) or 0
    if not found and sa.inspect(connection).has_table("artifacts"):
        raise foreign_tables(name)
    if found > statements.VERSION:
        known = f"this library supports up to {statements.VERSION}"
        advice = "upgrade the library: pip install --upgrade provenance"
        raise StoreUnavailableError(name, f"its tables are of version {found}, {known}", advice)
    return found
