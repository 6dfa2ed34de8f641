"""Creating a PostgreSQL database, its schema and its tables, once for all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import sqlalchemy as sa
from attrs import evolve

from provenance.effects import statements
from provenance.effects.migrating import migrate, stamped
from provenance.errors import StoreUnavailableError

if TYPE_CHECKING:
    from provenance.effects.postgres_connections import Access, Connection

_ONE_AT_A_TIME: Final = 0x70726F76656E
"""The advisory lock held while something is created or migrated."""
MIGRATING: Final = 3600.0
"""Timeout of a migration in seconds; it may rewrite tables."""


def make_database(url: sa.URL, access: Access) -> bool:
    """Create the database unless it exists; return False if the server cannot be reached."""
    import psycopg
    from psycopg import sql

    from provenance.effects.postgres_connections import connect

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
    access: Access,
    name: str,
    version: int | None = None,
    patience: float = MIGRATING,
) -> None:
    """Migrate the tables to *version*, by default to the newest if *access* allows it.

    Wait at most *patience* seconds for another process that creates or migrates them.
    """
    wanted = statements.VERSION if version is None else version
    with engine.connect() as connection:
        if _found(connection, access, name) == wanted:
            return
    with engine.begin() as connection:
        cast("Connection", connection.connection.driver_connection).patience = MIGRATING
        for setting, seconds in (("statement_timeout", MIGRATING), ("lock_timeout", patience)):
            connection.execute(sa.text(f"SET LOCAL {setting} = '{seconds:.0f}s'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        found = _found(connection, access, name)
        if found is None:
            connection.execute(sa.schema.CreateSchema(str(access.schema)))
        if (found or 0) != wanted:
            if version is None and not access.migrates:
                status = f"are of version {found}" if found else "do not exist yet"
                reason = f"its tables {status}; version {statements.VERSION} is required"
                advice = "call migrate() of the repository once, by hand"
                raise StoreUnavailableError(name, reason, advice)
            migrate(connection, found or 0, wanted)
        # The pool must not reuse a connection with this patience.
        connection.detach()


def _found(connection: sa.Connection, access: Access, name: str) -> int | None:
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
    if found > statements.VERSION:
        known = f"this library supports up to {statements.VERSION}"
        advice = "upgrade the library: pip install --upgrade provenance"
        raise StoreUnavailableError(name, f"its tables are of version {found}, {known}", advice)
    return found
