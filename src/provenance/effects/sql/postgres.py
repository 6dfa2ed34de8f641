"""A PostgreSQL database, shared between threads and forks."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final, LiteralString, TypeVar, cast

import psycopg
import sqlalchemy as sa
from attrs import evolve, frozen
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

from provenance.effects.retry import backoff, call_with_retries
from provenance.effects.sql import statements
from provenance.effects.sql.database import (
    Database,
    Execute,
    QueryResult,
    Values,
    check_version,
    foreign_tables,
)
from provenance.effects.sql.migrate import migrate, stamped
from provenance.effects.sql.postgres_connection import (
    Connection,
    ConnectionSettings,
    InterruptiblePool,
    SilentServerError,
    connect,
    is_cut,
    unavailable,
    url_of,
)
from provenance.effects.sql.postgres_dialect import create_tables, translate
from provenance.effects.sql.tables import VERSION
from provenance.errors import StoreUnavailableError

R = TypeVar("R")

_ONE_AT_A_TIME: Final = 0x70726F76656E
"""The advisory lock held while something is created or migrated."""
_MIGRATION_LOCK: Final = 3600.0
"""Timeout of a migration in seconds; it may rewrite tables."""
_ATTEMPTS: Final = 6
"""Attempts at a transaction that the server aborts because of others."""
_POOL_SIZE: Final = 5
_MAX_OVERFLOW: Final = 45
_HANDLER_TIMEOUT: Final = 1.0
"""Timeout in a signal handler, which may have interrupted the lock's owner."""
_IS_LOCKED: Final = "55P03"
_IS_SEARCH: Final = "provenance_is_search"
"""The option of a statement that is planned each time."""
_ABORTED: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the server aborts one of several transactions."""


@frozen
class _Result:
    """The result of a statement."""

    rowcount: int
    rows: Sequence[tuple[object, ...]]

    def fetchall(self) -> Sequence[tuple[object, ...]]:
        """Return the rows that it selected."""
        return self.rows


class PostgresDatabase(Database):
    """The PostgreSQL database at *access*, connected to, and created if allowed, on first use.

    Statements are those of SQLite, translated. Connections are pooled; a child process does not
    touch those of its parent. A statement is executed again if its connection was lost; all of them
    can be repeated.
    """

    def __init__(self, access: ConnectionSettings, name: str = "postgres") -> None:
        super().__init__(name)
        self._access = access
        self._url = url_of(name, access)
        self._is_ready = False
        self._local = _Local()
        self._pool = self._make_pool()
        self._autocommit = self._pool.execution_options(isolation_level="AUTOCOMMIT")
        _all.add(self)

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self.name!r}>"

    @property
    def engine(self) -> sa.Engine:
        """The database for SQLAlchemy and pandas."""
        self._prepare()
        return self._pool

    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """Return all rows that *statement* selects; raises `StoreUnavailableError`."""
        return list(self._execute_alone(statement, values).fetchall())

    def change(self, statement: str, values: Values, _: int | None = None, /) -> int:
        """Execute *statement* as a transaction; return the number of changed rows.

        Raises `StoreUnavailableError`.
        """
        return self._execute_alone(statement, values).rowcount

    def transaction(self, work: Callable[[Execute], R], /) -> R:
        """Return what *work* returns; commit its statements, or roll back if it raises.

        *work* is called again if the server aborted the transaction because of another one, or the
        connection was lost before its end. Raises `StoreUnavailableError`.
        """
        self._prepare()
        self.forget_prefetched()
        return self._retry(lambda: self._transact(work))

    @property
    def cache_key(self) -> str:
        """The identity of the database, the same in every process."""
        url = self._url
        return f"postgresql:{url.host}:{url.port}/{url.database}/{self._access.schema}"

    def migrate(self, version: int | None = None) -> None:
        """Migrate the tables to *version*, None for the newest; raises `StoreUnavailableError`."""
        wanted = check_version(self.name, version)
        with self.lock:
            self._retry(lambda: self._set_up(wanted))
            self._is_ready = False

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._pool.dispose()

    def abandon_in_child(self) -> None:
        """Forget the connections, which belong to the parent process."""
        self._pool.dispose(close=False)

    def _make_pool(self) -> sa.Engine:
        url, access = self._url, self._access
        options: dict[str, Any] = {"poolclass": sa.NullPool}
        if access.persistent:
            options = {
                "poolclass": InterruptiblePool,
                "pool_size": _POOL_SIZE,
                "max_overflow": _MAX_OVERFLOW,
                "pool_timeout": access.connect_timeout,
            }
        engine = sa.create_engine(
            url.set(password=None, query={}),
            creator=lambda: connect(url, access),
            hide_parameters=True,
            **options,
        )
        event.listen(engine, "checkout", _refuse_if_closed)
        event.listen(engine, "do_execute", _plan_if_search)
        return engine

    def _prepare(self) -> None:
        if not self._is_ready:
            with self.lock:
                if not self._is_ready:
                    self._retry(self._set_up)
                    self._is_ready = True

    def _set_up(self, version: int | None = None) -> None:
        try:
            self._pool.connect().close()
        except DBAPIError:
            if not (self._access.create_db and self._make_database()):
                raise
        entered = self._local.at_work.locked()
        with nullcontext() if entered else self._local.at_work:
            self._ensure_tables(version, _HANDLER_TIMEOUT if entered else _MIGRATION_LOCK)

    def _make_database(self) -> bool:
        """Create the database unless it exists; return False if the server cannot be reached."""
        # Every server has one of these.
        for other in ("postgres", "template1"):
            try:
                connection = connect(self._url, evolve(self._access, schema=None), other)
            except psycopg.Error:
                continue
            with connection:
                connection.autocommit = True
                connection.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                if not connection.execute(query, [self._url.database]).fetchall():
                    name = sql.Identifier(str(self._url.database))
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            return True
        return False

    def _ensure_tables(self, version: int | None, patience: float) -> None:
        """Create or migrate the tables to *version*, by default to the newest if that is allowed.

        Wait at most *patience* seconds for another process that creates or migrates them.
        """
        wanted = statements.VERSION if version is None else version
        with self._pool.connect() as connection:
            if self._current_version(connection) == wanted:
                return
        timeouts = ("statement_timeout", _MIGRATION_LOCK), ("lock_timeout", patience)
        with self._pool.begin() as connection:
            cast("Connection", connection.connection.driver_connection).patience = _MIGRATION_LOCK
            for setting, seconds in timeouts:
                connection.execute(sa.text(f"SET LOCAL {setting} = '{seconds:.0f}s'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
            found = self._current_version(connection)
            if found is None:
                connection.execute(sa.schema.CreateSchema(str(self._access.schema)))
            if (found or 0) != wanted:
                if version is None and not self._access.migrates:
                    status = f"are of version {found}" if found else "do not exist yet"
                    reason = f"its tables {status}; version {statements.VERSION} is required"
                    advice = "call migrate() of the repository once, by hand"
                    raise StoreUnavailableError(self.name, reason, advice)
                if not found:
                    create_tables(connection)
                migrate(connection, found or VERSION, wanted)
            # The pool must not reuse a connection with this patience.
            connection.detach()

    def _current_version(self, connection: sa.Connection) -> int | None:
        """Return the version of the tables, 0 if there are none, None if the schema must be created.

        Raises `StoreUnavailableError` if the schema or the tables cannot be used.
        """
        schema = self._access.schema
        if schema is not None:
            query = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
            if connection.execute(query, {"name": schema}).scalar() is None:
                if self._access.create_schema:
                    return None
                reason = f"schema {schema!r} does not exist"
                advice = "check the name, or set create_schema: true"
                raise StoreUnavailableError(self.name, reason, advice)
        found = stamped(connection) or 0
        if not found and sa.inspect(connection).has_table("artifacts"):
            raise foreign_tables(self.name)
        if found > statements.VERSION:
            known = f"this library supports up to {statements.VERSION}"
            reason = f"its tables are of version {found}, {known}"
            advice = "upgrade the library: pip install --upgrade provenance"
            raise StoreUnavailableError(self.name, reason, advice)
        return found

    def _execute_alone(self, statement: str, values: Values) -> QueryResult:
        self._prepare()
        if self._local.at_work.locked():
            return self._retry(lambda: self._transact(lambda execute: execute(statement, values)))

        def work() -> QueryResult:
            with self._autocommit.connect() as connection:
                return _execute(connection, statement, values)

        return self._retry(work)

    def _transact(self, work: Callable[[Execute], R]) -> R:
        """Do *work* in a transaction; if its thread has another open, do not wait long for that."""
        if not self._local.at_work.locked():
            # A lock, not a flag: an interrupt cannot leave it set.
            with self._local.at_work:
                return self._commit(work)
        try:
            return self._commit(work, f"SET LOCAL lock_timeout = '{_HANDLER_TIMEOUT:.0f}s'")
        except DBAPIError as error:
            if _state(error) != _IS_LOCKED:
                raise
            reason = "the interrupted code, or another process, is writing the same"
            advice = "try again when it has finished"
            raise StoreUnavailableError(self.name, reason, advice) from error

    def _commit(self, work: Callable[[Execute], R], first: str | None = None) -> R:
        with self._pool.connect() as connection:
            if first is not None:
                connection.exec_driver_sql(first)
            result = work(lambda statement, values: _execute(connection, statement, values))
            try:
                connection.commit()
            except DBAPIError as error:
                raise _DoubtfulCommitError(error) from error
            return result

    def _retry(self, work: Callable[[], R]) -> R:
        """Return what *work* returns, called again while that can help."""
        cuts = iter([True])  # the server may have closed the connection while it was idle

        def may_help(error: Exception) -> bool:
            if isinstance(error, _DoubtfulCommitError):
                return _state(error.error) in _ABORTED
            return _state(error) in _ABORTED or (_was_cut(error) and next(cuts, False))

        try:
            return call_with_retries(
                lambda _: work(), _ATTEMPTS, may_help, lambda failures: backoff(failures, 0.015)
            )
        except _DoubtfulCommitError as doubtful:
            failure: Exception = doubtful.error
        except (SQLAlchemyError, psycopg.Error) as error:
            failure = error
        raise unavailable(self.name, self._url, failure)


class _Local(threading.local):
    """The lock that each thread holds during its transaction."""

    def __init__(self) -> None:
        self.at_work: Final = threading.Lock()


class _DoubtfulCommitError(Exception):
    """A commit failed; unless the server says so, it is not known whether it took effect."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


def _execute(connection: sa.Connection, statement: str, values: Values) -> _Result:
    translation = translate(statement, values)
    bound = translation.bind(values)
    result = connection.exec_driver_sql(
        translation.text,
        bound if isinstance(bound, dict) else tuple(bound),
        {_IS_SEARCH: True} if translation.is_search else None,
    )
    rows = translation.rows(map(tuple, result)) if result.returns_rows else ()
    return _Result(result.rowcount, rows)


def _state(error: Exception) -> str | None:
    """Return the server's code of the error, if it is the server's."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _was_cut(error: Exception) -> bool:
    if not (isinstance(error, DBAPIError) and error.connection_invalidated):
        return False
    return not isinstance(error.orig, SilentServerError)


def _plan_if_search(
    cursor: psycopg.Cursor[Any],
    statement: LiteralString,
    values: Any,  # noqa: ANN401 - as in SQLAlchemy
    context: sa.ExecutionContext,
) -> bool:
    """Execute a search without preparing it; return whether that was done.

    psycopg prepares what is repeated, and the server then settles for a plan that disregards the
    values: it reads the whole table for a rare tag.
    """
    is_search = bool(context.execution_options.get(_IS_SEARCH))
    if is_search:
        cursor.execute(statement, values, prepare=False)
    return is_search


def _refuse_if_closed(connection: Connection, *_: object) -> None:
    """Refuse a pooled connection that is cut, or was idle for long; the pool then opens another one."""
    if is_cut(connection):
        raise DisconnectionError
    connection.used_at = time.time()


_all: Final[weakref.WeakSet[PostgresDatabase]] = weakref.WeakSet()


def _leave_all() -> None:
    for database in list(_all):
        database.abandon_in_child()


# Windows does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
