"""From the tables of one version to those of another, by Alembic; loaded only where something is to be done."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from provenance.effects.tables import STAMP
from provenance.guards import Guard

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_alone: Final = Guard()


def stamped(connection: sa.Connection) -> int | None:
    """The version that Alembic has noted in the database; None where it has noted none."""
    if not sa.inspect(connection).has_table(STAMP):
        return None
    noted = connection.execute(sa.text(f"SELECT version_num FROM {STAMP}")).scalar()  # noqa: S608 - a constant
    return None if noted is None else int(noted)


def migrate(connection: sa.Connection, found: int, wanted: int) -> None:
    """Make the tables of version *found* (0 where there are none) those of *wanted*, in the transaction under way."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with _alone.lock:  # what a script of Alembic's refers to is the process's
        if found and stamped(connection) is None:
            command.stamp(config, str(found))
        if found <= wanted:
            command.upgrade(config, str(wanted))
        else:
            command.downgrade(config, str(wanted) if wanted else "base")


def migrate_sqlite(path: Path, patience: float, wanted: int) -> None:
    """Bring the SQLite file to version *wanted*, while all others wait; raises `sqlite3.Error`."""
    url = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": patience, "isolation_level": None})
    event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            found: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if 0 < found != wanted:  # else another process was quicker
                migrate(connection, found, wanted)
                connection.exec_driver_sql(f"PRAGMA user_version = {wanted}")
    except DBAPIError as error:
        raise error.orig or error from None


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
