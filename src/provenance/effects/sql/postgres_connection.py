"""Connections to PostgreSQL with a deadline, and the errors for their failures."""

from __future__ import annotations

import math
import queue
import select
import time
from collections.abc import Generator
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy as sa
from attrs import frozen
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Empty, Full, QueueCommon
from toolz import concat

from provenance.errors import ConfigError, StoreUnavailableError
from provenance.util.redaction import redact
from provenance.util.validation import check_postgres_url

R = TypeVar("R")

_GRACE: Final = 1.0
"""Seconds that the server may need to abort a statement after its timeout."""
_LOCK_PATIENCE: Final = 30.0
_LONGEST_REST: Final = 300.0
"""Seconds after which an idle connection is replaced: a network may have forgotten it without telling either end."""


@frozen(kw_only=True)
class ConnectionSettings:
    """The address of a database, what may be created there, and timeouts in seconds.

    *migrates* says whether its tables are migrated on first use.
    """

    url: str
    schema: str | None = None
    create_db: bool = False
    create_schema: bool = False
    persistent: bool = True
    migrates: bool = True
    connect_timeout: float = 10.0
    statement_timeout: float = 60.0


def url_of(name: str, access: ConnectionSettings) -> sa.URL:
    """Return the URL, validated; raises `ConfigError`, which does not show the URL."""
    try:
        check_postgres_url(access.url)
        url = make_url(access.url)
    except (ArgumentError, ValueError) as error:
        problem, _, advice = str(error).partition("; ")
        raise ConfigError(f"{name}.db", problem, advice) from None
    return url.set(drivername="postgresql+psycopg")


class SilentServerError(psycopg.OperationalError):
    """The server did not respond in time."""


class _Limited(Generator[Any, Any, R]):
    """psycopg's *steps*; the connection is closed if they are not done at the time *until*."""

    def __init__(self, steps: Generator[Any, Any, R], connection: Connection, until: float) -> None:
        self._steps = steps
        self._connection = connection
        self._until = until
        self._is_started = False

    def send(self, ready: Any, /) -> Any:  # noqa: ANN401 - as in psycopg
        if self._is_started and not ready and time.monotonic() > self._until:
            self._connection.pgconn.finish()
            raise SilentServerError(f"no response in {self._connection.patience:g} seconds")
        self._is_started = True
        return self._steps.send(ready)

    def throw(self, *args: Any) -> Any:  # noqa: ANN401 - as in psycopg
        return self._steps.throw(*args)


class Connection(psycopg.Connection[TupleRow]):
    """A connection that waits at most `patience` seconds for any response.

    It was last used at `used_at`, a Unix time.
    """

    patience: float = math.inf
    used_at: float = 0.0

    def wait(self, gen: Generator[Any, Any, R], *args: Any, **kwargs: Any) -> R:  # noqa: ANN401 - as in psycopg
        """Return what *gen* returns; raises `SilentServerError`."""
        if not math.isinf(self.patience):
            gen = _Limited(gen, self, time.monotonic() + self.patience)
        return super().wait(gen, *args, **kwargs)

    def __del__(self, *_: object) -> None:
        """Send nothing: this may be a copy of a connection that the parent process still uses."""


class _Queue(QueueCommon[ConnectionPoolEntry]):
    """A queue whose lock is taken in C, where no interrupt can leave it taken; it has what a `QueuePool` calls.

    SQLAlchemy's queue enters a `threading.Condition`, which is written in Python.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._entries: SimpleQueue[ConnectionPoolEntry] = SimpleQueue()

    def qsize(self) -> int:
        return self._entries.qsize()

    def put(
        self,
        item: ConnectionPoolEntry,
        block: bool = True,  # noqa: ARG002 - of the interface; the pool never waits for room
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> None:
        # Two threads that return connections at once may store one more.
        if 0 < self.maxsize <= self._entries.qsize():
            raise Full
        self._entries.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        try:
            return self._entries.get(block, timeout)
        except queue.Empty:
            raise Empty from None


class InterruptiblePool(QueuePool):
    """A pool of connections that an interrupt at any moment leaves usable."""

    _queue_class = _Queue


def connect(url: sa.URL, access: ConnectionSettings, database: str | None = None) -> Connection:
    """Return a new connection, by default to the database of *url*; raises `psycopg.Error`."""
    dialect: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # untyped
    target = url if database is None else url.set(database=database)
    given = dialect.create_connect_args(target)[1]  # pyright: ignore[reportUnknownMemberType] - untyped
    options: dict[str, Any] = {
        "application_name": "provenance",
        "connect_timeout": math.ceil(access.connect_timeout),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": math.ceil(access.statement_timeout * 1000),
        **given,
    }
    connection = Connection.connect(**options, autocommit=True)
    connection.patience = access.statement_timeout + _GRACE
    connection.used_at = time.time()
    settings = {
        "statement_timeout": f"{access.statement_timeout * 1000:.0f}",
        "lock_timeout": f"{min(_LOCK_PATIENCE, access.statement_timeout) * 1000:.0f}",
        # Compiling a sum takes longer than adding up 100,000 artifacts.
        "jit": "off",
    }
    if access.schema is not None:
        settings["search_path"] = sql.Identifier(access.schema).as_string(connection)
    calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, false)")] * len(settings))
    connection.execute(sql.SQL("SELECT {}").format(calls), list(concat(settings.items())))
    connection.autocommit = False
    return connection


def is_cut(connection: Connection) -> bool:
    """Return whether the server has closed the idle connection, or it was idle for long; nothing is sent to find out."""
    # By the clock, which goes on while a laptop sleeps.
    if connection.closed or abs(time.time() - connection.used_at) > _LONGEST_REST:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


_ADVICE: Final = {
    "28": "check user and password",
    "3D000": "check the name of the database, or set create_db: true",
    "42501": "grant the user the missing privilege, or give it a schema of its own",
    "42P01": "tables are missing; call migrate() of the repository",
    "53100": "free some space on the server",
    "53300": "close some connections, or use persistent_connections: false",
    "54": "keep large values in a blob store",
    "55P03": "another process has been writing for long: try again when it has finished",
    "57014": "increase statement_timeout, or find out what keeps the server busy",
    "57P": "try again when the server is up",
    "25006": "the server is read-only: use the primary server, or set write: false",
}
_UNREACHABLE: Final = "check that the server is up, and host, port, user, password and database"


def unavailable(name: str, url: sa.URL, error: Exception) -> StoreUnavailableError:
    """Return the error to raise for *error* of the database, without passwords."""
    origin = getattr(error, "orig", None) or error
    state: str = getattr(origin, "sqlstate", None) or ""
    advice = next((_ADVICE[state[:n]] for n in (5, 3, 2) if state[:n] in _ADVICE), None)
    if advice is None and isinstance(origin, SilentServerError):
        advice = "check the network and the server"
    if advice is None:
        advice = "see its log" if state else _UNREACHABLE
    address = f"{url.host or 'localhost'}{f':{url.port}' if url.port else ''}/{url.database}"
    secrets = [str(value) for option, value in url.query.items() if "pass" in option]
    secrets.append(str(url.password or ""))
    message = " ".join(redact(str(origin), secrets).split())
    return StoreUnavailableError(name, f"{redact(address, secrets)}: {message}", advice)
