"""Bringing older tables of a database up to date."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from provenance.effects.sql.tables import STAMP
from provenance.util.locks import ForkSafeLock

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
