"""One thread's connection to an SQLite file, and its transactions.

A signal handler or a `__del__` that runs during a transaction of its thread joins it, because
waiting for its end would be a deadlock. While a session's lock is held, an open transaction belongs
to the thread that holds it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from itertools import count
from typing import Final, TypeVar

from provenance.effects.database import Execute
from provenance.effects.locks import Shared

R = TypeVar("R")

PATIENCE: Final = 30.0
"""Seconds to wait for the write lock of another process."""
_LOG_PAGES: Final = 4000
"""Pages of the log that SQLite copies into the database at once; each copy waits for the device."""
_savepoints: Final = count()


class Session(Shared):
    """One thread's connection, closed when the thread or process ends, and before a fork."""

    connection: sqlite3.Connection | None = None
    opening: sqlite3.Connection | None = None
    """The connection before it is ready for use."""
    file: int | None = None
    is_torn: bool = False
    """True if code that joined the transaction could neither finish nor be rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work: Final = threading.Lock()
        """Held during a transaction. A lock, not a flag: an interrupt cannot leave it set."""

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        connections = self.connection, self.opening
        self.connection = self.opening = None
        for connection in connections:
            if connection is not None:
                connection.close()

    def before_fork(self) -> None:
        """Close the connection, because SQLite's locks do not work in the child."""
        self.disconnect()

    def __del__(self) -> None:
        self.disconnect()


class Local(threading.local):
    """The session of each thread."""

    session: Session | None = None


def disconnect_all(sessions: weakref.WeakSet[Session]) -> None:
    """Close the connections of all threads, except of those that stay busy."""
    for session in list(sessions):
        if session.lock.acquire(timeout=1.0):
            session.disconnect()
            session.lock.release()


def configure(connection: sqlite3.Connection, synchronous: str) -> None:
    """Configure the connection; SQLite does not wait for other processes to switch to WAL."""
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            # `executescript` leaves no unfinished statement behind.
            connection.executescript("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def transacted(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    """Return what *work* returns; commit its statements, or roll back if it raises.

    The caller holds the session's lock.
    """
    if session.at_work.locked():
        begin = _join if connection.in_transaction else _begin
        return begin(session, connection, work)
    with session.at_work:
        return _begin(session, connection, work)


def _begin(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    execute: Execute = connection.execute
    session.is_torn = False
    try:
        # Inside `try`, because an interrupt may come as soon as the transaction has begun.
        execute("BEGIN IMMEDIATE", ())
        result = work(execute)
        _require_intact(session)
        execute("COMMIT", ())
    except BaseException:
        connection.rollback()
        raise
    return result


def _require_intact(session: Session) -> None:
    if session.is_torn:
        msg = "the transaction was interrupted while it handled another interrupt"
        raise sqlite3.OperationalError(msg)


def _join(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    """Do *work* as a part of the thread's open transaction."""
    execute: Execute = connection.execute
    name = f"joined_{next(_savepoints)}"
    # Until the savepoint is released or rolled back.
    was_torn, session.is_torn = session.is_torn, True
    execute(f"SAVEPOINT {name}", ())
    try:
        result = work(execute)
    except BaseException:
        if connection.in_transaction:
            execute(f"ROLLBACK TO {name}", ())
            execute(f"RELEASE {name}", ())
            session.is_torn = was_torn
        else:
            # SQLite rolled back everything: the rest must not go on, one statement at a time.
            session.disconnect()
        raise
    execute(f"RELEASE {name}", ())
    session.is_torn = was_torn
    return result
