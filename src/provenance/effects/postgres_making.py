"""Making a PostgreSQL database, its schema and its tables, once, whoever comes at the same time."""

from __future__ import annotations

from typing import Final, cast

import psycopg
import sqlalchemy as sa
from attrs import evolve
from psycopg import sql

from provenance.effects import migrating, statements
from provenance.effects.postgres_connections import Access, Connection, connect
from provenance.errors import StoreUnavailableError

_ONE_AT_A_TIME: Final = 0x70726F76656E
"""The advisory lock of who makes or changes something."""
MIGRATING: Final = 3600.0
"""Seconds that a migration may take, which rewrites tables."""


def make_database(url: sa.URL, access: Access) -> bool:
    """Make the database unless it is there, from one that every server has; False where none of those can be reached."""
    for other in ("postgres", "template1"):
        try:
            connection = connect(url, evolve(access, schema=None), other)
        except psycopg.Error:
            continue
        with connection:
            connection.autocommit = True
            connection.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [url.database]).fetchall():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(url.database))))
        return True
    return False


def brought_up(
    engine: sa.Engine, access: Access, name: str, version: int | None = None, patience: float = MIGRATING
) -> None:
    """Bring the tables to *version*, or, where none is given, to today's as far as *access* allows it.

    Who is making them already is waited for at most *patience* seconds.
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
                raise _outdated(name, found or 0)
            migrating.migrate(connection, found or 0, wanted)
        connection.detach()  # its patience is not for others


def _found(connection: sa.Connection, access: Access, name: str) -> int | None:
    """The version of the tables, 0 where there are none; None where the schema is still to be made.

    Raises `StoreUnavailableError` where there is something that is not to be, or cannot be, used.
    """
    if access.schema is not None:
        query = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
        if connection.execute(query, {"name": access.schema}).scalar() is None:
            if access.create_schema:
                return None
            advice = "check the name, or let it be made with create_schema: true"
            raise StoreUnavailableError(name, f"there is no schema {access.schema!r}", advice)
    found = migrating.stamped(connection) or 0
    if found > statements.VERSION:
        reason = f"its tables are of version {found}, and this library knows {statements.VERSION}"
        raise StoreUnavailableError(name, reason, "upgrade the library: pip install --upgrade provenance")
    return found


def _outdated(name: str, found: int) -> StoreUnavailableError:
    said = f"are of version {found}, and this library wants {statements.VERSION}" if found else "are not there yet"
    return StoreUnavailableError(name, f"its tables {said}", "call migrate() of the repository once, by hand")
