"""A PostgreSQL database: how it is reached, made and brought up to date, and shared between threads and forks."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final, TypeAlias, TypeVar

import psycopg
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

from provenance.effects.database import Execute, Prefetching, Values, checked_version
from provenance.effects.locks import Shared
from provenance.effects.postgres_connections import (
    Access,
    Connection,
    SilentServerError,
    connect,
    is_cut,
    unavailable,
    url_of,
)
from provenance.effects.postgres_making import MIGRATING, brought_up, make_database
from provenance.effects.translation import translated
from provenance.errors import StoreUnavailableError

R = TypeVar("R")

_ATTEMPTS: Final = 6
"""Of a transaction that others got in the way of."""
_POOLED: Final = 5
_BEYOND: Final = 45
_SHORTLY: Final = 1.0
"""Seconds that a handler of a signal waits for who may be what it interrupted, and so wait for it."""
_IS_LOCKED: Final = "55P03"
_IN_THE_WAY: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the server gave the transaction up for the sake of another one."""


@frozen
class _Did:
    """What a statement did."""

    rowcount: int
    rows: Sequence[tuple[object, ...]]

    def fetchall(self) -> Sequence[tuple[object, ...]]:
        """The rows that it answers."""
        return self.rows


_Execute: TypeAlias = Callable[[str, Values], _Did]


class PostgresDatabase(Prefetching, Shared):
    """The PostgreSQL database that *access* tells of; reached, and made if need be, when it is first used.

    Statements are those of SQLite, translated. Connections are kept in a pool; a child process leaves its parent's
    alone. A statement whose connection was cut is asked once more; all of them bear being repeated.
    """

    def __init__(self, access: Access, name: str = "postgres") -> None:
        super().__init__()
        self.name = name
        self._access = access
        self._url = url_of(name, access)
        self._is_ready = False
        self._local = _Local()
        self._pool = self._engine()
        self._at_once = self._pool.execution_options(isolation_level="AUTOCOMMIT")
        _all.add(self)

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self.name!r}>"

    @property
    def engine(self) -> Engine:
        """The database as SQLAlchemy and pandas take it."""
        self._get_ready()
        return self._pool

    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """All rows that *statement* answers; raises `StoreUnavailableError`."""
        return list(self._alone(statement, values).rows)

    @property
    def generation(self) -> int:
        """Always 0: the database is asked for by name each time."""
        return 0

    def change(self, statement: str, values: Values, _: int | None = None, /) -> int:
        """How many rows *statement*, a transaction by itself, has changed; raises `StoreUnavailableError`."""
        return self._alone(statement, values).rowcount

    def transaction(self, work: Callable[[Execute], R], /) -> R:
        """What *work* returns, all of whose statements take effect, or none when it raises.

        It is called again where the server gave it up for another's sake, or the connection was cut before its end.
        Raises `StoreUnavailableError`.
        """
        self._get_ready()
        self.forget_prefetched()
        return self._persistently(lambda: self._transacted(work))

    @property
    def home(self) -> str:
        """What tells the database from others, wherever it is opened."""
        url = self._url
        return f"postgresql:{url.host}:{url.port}/{url.database}/{self._access.schema}"

    def complaints(self) -> tuple[str, ...]:
        """Nothing: the server looks after its files itself."""
        return ()

    def migrate(self, version: int | None = None) -> None:
        """Bring the tables to *version*, by default the newest; raises `StoreUnavailableError`."""
        wanted = checked_version(self.name, version)
        with self.lock:
            self._persistently(lambda: self._reach(wanted))
            self._is_ready = False

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._pool.dispose()

    def leave_to_parent(self) -> None:
        """Forget the connections, which belong to the process that this one was forked from."""
        self._pool.dispose(close=False)

    def _engine(self) -> Engine:
        from sqlalchemy import NullPool, QueuePool, create_engine, event

        sizes = {"pool_size": _POOLED, "max_overflow": _BEYOND, "pool_timeout": self._access.connect_timeout}
        pooled = {"poolclass": QueuePool, **sizes} if self._access.persistent else {"poolclass": NullPool}
        bare = self._url.set(password=None, query={})
        url, access = self._url, self._access
        engine = create_engine(bare, creator=lambda: connect(url, access), hide_parameters=True, **pooled)
        event.listen(engine, "checkout", _look_at)
        return engine

    def _get_ready(self) -> None:
        if not self._is_ready:
            with self.lock:
                if not self._is_ready:
                    self._persistently(self._reach)
                    self._is_ready = True

    def _reach(self, version: int | None = None) -> None:
        try:
            self._pool.connect().close()
        except DBAPIError:
            if not (self._access.create_db and make_database(self._url, self._access)):
                raise
        entered = self._local.at_work.locked()
        with nullcontext() if entered else self._local.at_work:
            brought_up(self._pool, self._access, self.name, version, _SHORTLY if entered else MIGRATING)

    def _alone(self, statement: str, values: Values) -> _Did:
        self._get_ready()
        if self._local.at_work.locked():
            return self._persistently(lambda: self._transacted(lambda execute: execute(statement, values)))

        def work() -> _Did:
            with self._at_once.connect() as connection:
                return _executed(connection, statement, values)

        return self._persistently(work)

    def _transacted(self, work: Callable[[_Execute], R]) -> R:
        """Do *work* in a transaction; one that begins while its thread is at work on another must not wait for that."""
        if not self._local.at_work.locked():
            with self._local.at_work:  # unlike a flag it cannot be left behind by an interrupt
                return self._committed(work)
        try:
            return self._committed(work, f"SET LOCAL lock_timeout = '{_SHORTLY:.0f}s'")
        except DBAPIError as error:
            if _state(error) != _IS_LOCKED:
                raise
            reason = "what was interrupted is writing the same, or somebody else is"
            raise StoreUnavailableError(self.name, reason, "try again when it has finished") from error

    def _committed(self, work: Callable[[_Execute], R], first: str | None = None) -> R:
        with self._pool.connect() as connection:
            if first is not None:
                connection.exec_driver_sql(first)
            result = work(lambda statement, values: _executed(connection, statement, values))
            try:
                connection.commit()
            except DBAPIError as error:
                raise _DoubtfulError(error) from error
            return result

    def _persistently(self, work: Callable[[], R]) -> R:
        """What *work* returns, done again while that can help."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return work()
            except _DoubtfulError as doubtful:
                failure: Exception = doubtful.error
                may_help = _is_in_the_way(failure)
            except (SQLAlchemyError, psycopg.Error) as error:
                failure = error
                may_help = _is_in_the_way(error) or (attempt == 1 and _was_cut(error))
            if not may_help or attempt == _ATTEMPTS:
                break
            time.sleep(0.005 * 2**attempt * (1 + os.getpid() % 7 / 7))  # not in step with others
        raise unavailable(self.name, self._url, failure)


class _Local(threading.local):
    """What each thread has for itself."""

    def __init__(self) -> None:
        self.at_work: Final = threading.Lock()


class _DoubtfulError(Exception):
    """A commit failed: whether it took effect is not known, unless the server says so."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


def _executed(connection: sa.Connection, statement: str, values: Values) -> _Did:
    translation = translated(statement, values)
    bound = translation.bind(values)
    result = connection.exec_driver_sql(translation.text, bound if isinstance(bound, dict) else tuple(bound))
    rows = translation.rows(map(tuple, result)) if result.returns_rows else ()
    return _Did(result.rowcount, rows)


def _is_in_the_way(error: Exception) -> bool:
    return _state(error) in _IN_THE_WAY


def _state(error: Exception) -> str | None:
    """What the server calls it, if it is the server's."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _was_cut(error: Exception) -> bool:
    if not (isinstance(error, DBAPIError) and error.connection_invalidated):
        return False
    return not isinstance(error.orig, SilentServerError)


def _look_at(connection: Connection, *_: object) -> None:
    """Refuse a connection from the pool that the server has closed; the pool then opens another one."""
    if is_cut(connection):
        raise DisconnectionError


_all: Final[weakref.WeakSet[PostgresDatabase]] = weakref.WeakSet()


def _leave_all() -> None:
    for each in list(_all):
        each.leave_to_parent()


if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(after_in_child=_leave_all)
