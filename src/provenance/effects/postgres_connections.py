"""Connections to PostgreSQL that give up in time, and what is said of their failures."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Generator
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus, unquote

import psycopg
import sqlalchemy as sa
from attrs import frozen
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError

from provenance.errors import ConfigError, StoreUnavailableError

R = TypeVar("R")

_GRACE: Final = 1.0
"""Seconds after which a server must have noticed that a statement takes too long."""
_LOCK_PATIENCE: Final = 30.0


@frozen(kw_only=True)
class Access:
    """Where a database is, what may be made there, and how many seconds to wait for it.

    *migrates* says whether its tables are brought up to date when it is first used.
    """

    url: str
    schema: str | None = None
    create_db: bool = False
    create_schema: bool = False
    persistent: bool = True
    migrates: bool = True
    connect_timeout: float = 10.0
    statement_timeout: float = 60.0


def url_of(name: str, access: Access) -> sa.URL:
    """The address, checked; ConfigError for what is none, which says nothing of what is in it."""
    try:
        url = make_url(access.url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in {"postgresql", "postgres", "postgresql+psycopg"} or not url.database:
        problem = "it is no address of a PostgreSQL database"
        raise ConfigError(f"{name}.db", problem, "write postgresql://user:password@host:port/database") from None
    return url.set(drivername="postgresql+psycopg")


class SilentServerError(psycopg.OperationalError):
    """The server has not answered in time."""


class _Limited(Generator[Any, Any, R]):
    """What psycopg does step by step on *connection*, which is closed when it is not done by the time *until*."""

    def __init__(self, steps: Generator[Any, Any, R], connection: Connection, until: float) -> None:
        self._steps = steps
        self._connection = connection
        self._until = until
        self._has_begun = False

    def send(self, ready: Any, /) -> Any:  # noqa: ANN401 - psycopg's, passed on
        if self._has_begun and not ready and time.monotonic() > self._until:
            self._connection.pgconn.finish()
            raise SilentServerError(f"no answer came in {self._connection.patience:g} seconds")
        self._has_begun = True
        return self._steps.send(ready)

    def throw(self, *args: Any) -> Any:  # noqa: ANN401 - psycopg's, passed on
        return self._steps.throw(*args)


class Connection(psycopg.Connection[TupleRow]):
    """A connection that waits no longer than its `patience` for any answer; dropped, it is closed without a word."""

    patience: float = math.inf

    def wait(self, gen: Generator[Any, Any, R], *args: Any, **kwargs: Any) -> R:  # noqa: ANN401 - psycopg's, passed on
        """What *gen* returns; raises `SilentServerError`."""
        limited = gen if math.isinf(self.patience) else _Limited(gen, self, time.monotonic() + self.patience)
        return super().wait(limited, *args, **kwargs)

    def __del__(self, *_: object) -> None:
        """Say nothing: it may be the copy of one that a parent process goes on using."""


def connect(url: sa.URL, access: Access, database: str | None = None) -> Connection:
    """A new connection to the database, or to another one on the same server; raises `psycopg.Error`."""
    dialect: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own is untyped
    place = url if database is None else url.set(database=database)
    given = dialect.create_connect_args(place)[1]  # pyright: ignore[reportUnknownMemberType] - SQLAlchemy's own
    deadlines: dict[str, Any] = {
        "connect_timeout": math.ceil(access.connect_timeout),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": math.ceil(access.statement_timeout * 1000),
    }
    options: dict[str, Any] = {"application_name": "provenance", **deadlines, **given}
    connection = Connection.connect(**options, autocommit=True)
    connection.patience = access.statement_timeout + _GRACE
    settings = {
        "statement_timeout": f"{access.statement_timeout * 1000:.0f}",
        "lock_timeout": f"{min(_LOCK_PATIENCE, access.statement_timeout) * 1000:.0f}",
    }
    if access.schema is not None:
        settings["search_path"] = sql.Identifier(access.schema).as_string(connection)
    calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, false)")] * len(settings))
    connection.execute(sql.SQL("SELECT {}").format(calls), [part for each in settings.items() for part in each])
    connection.autocommit = False
    return connection


def is_cut(connection: Connection) -> bool:
    """Whether the server has said good-bye while nobody asked it anything; nothing is sent to find out."""
    if connection.closed:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


# ---------------------------------------------------------------- failures

_ADVICE: Final = {
    "28": "check user and password",
    "3D000": "check the name of the database, or let it be made with create_db: true",
    "42501": "grant the user what is missing, or name a schema of its own",
    "42P01": "the tables are gone or half there: call migrate() of the repository",
    "53100": "free some space on the server",
    "53300": "close some connections, or use persistent_connections: false",
    "54": "keep large values in a blob store",
    "55P03": "another process has been writing for long: try again when it has finished",
    "57014": "raise statement_timeout, or find out what keeps the server busy",
    "57P": "try again when the server is up",
    "25006": "the server takes no changes: name the one that does, or use write: false",
}
_UNREACHABLE: Final = "check that the server is up, that host and port are right, and user, password and database too"
_SILENT: Final = "check the network and the server"


def unavailable(name: str, url: sa.URL, error: Exception) -> StoreUnavailableError:
    """What to raise when *error* kept the database from answering; no password is in it."""
    origin = getattr(error, "orig", None) or error
    state: str = getattr(origin, "sqlstate", None) or ""
    advice = next((_ADVICE[state[:n]] for n in (5, 3, 2) if state[:n] in _ADVICE), None)
    if advice is None:
        advice = _SILENT if isinstance(origin, SilentServerError) else _UNREACHABLE if not state else "see its log"
    where = f"{url.host or 'localhost'}{f':{url.port}' if url.port else ''}/{url.database}"
    said = " ".join(_without_secrets(str(origin), url).split())
    return StoreUnavailableError(name, f"{_without_secrets(where, url)}: {said}", advice)


def _without_secrets(text: str, url: sa.URL) -> str:
    """*text* without the password, however it is spelt."""
    given = [str(value) for name, value in url.query.items() if "pass" in name]
    for secret in (*([] if url.password is None else [str(url.password)]), *given):
        for spelt in {secret, quote(secret, safe=""), quote_plus(secret), unquote(secret)} - {""}:
            text = text.replace(spelt, "***")
    return text
