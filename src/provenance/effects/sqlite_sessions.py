"""One thread's connection to an SQLite file, and transactions on it.

What runs in the middle of a transaction in the same thread, a handler of a signal or a `__del__`, takes part in it: another
one it could only wait for in vain. While its session's lock is held, a transaction is that of its thread or nobody's.
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
"""Seconds to wait for another process that writes."""
_LOG_PAGES: Final = 4000
"""Pages of the log that are worth moving into the database at once: the fewer times, the fewer waits for the device."""
_savepoints: Final = count()


class Session(Shared):
    """One thread's connection, while it has one; closed when the thread or the process ends, and before a fork."""

    connection: sqlite3.Connection | None = None
    opening: sqlite3.Connection | None = None
    """The connection before it is ready for use."""
    file: int | None = None
    is_torn: bool = False
    """Whether something that joined the transaction could neither be ended nor undone."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work: Final = threading.Lock()
        """Held by who is at work on a transaction: unlike a flag it cannot be left behind by an interrupt."""

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        connections = self.connection, self.opening
        self.connection = self.opening = None
        for each in connections:
            if each is not None:
                each.close()

    def before_fork(self) -> None:
        """Close the connection, of which SQLite's locks would be as good as lost in the child."""
        self.disconnect()

    def __del__(self) -> None:
        self.disconnect()


class Local(threading.local):
    """What each thread has for itself."""

    session: Session | None = None


def disconnect_all(sessions: weakref.WeakSet[Session]) -> None:
    """Close the connections of all threads but those that have been at work for long."""
    for session in list(sessions):
        if session.lock.acquire(timeout=1.0):  # a thread that is at work for longer than that is left alone
            session.disconnect()
            session.lock.release()


def configure(connection: sqlite3.Connection, synchronous: str) -> None:
    """Set what SQLite keeps by connection; switching to WAL does not wait for others by itself."""
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.executescript("PRAGMA journal_mode = WAL")  # which leaves no statement that is still at work
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def transacted(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    """What *work* returns, all of whose statements take effect, or none when it raises; called under the session's lock."""
    if session.at_work.locked():
        return _joined(session, connection, work) if connection.in_transaction else _alone(session, connection, work)
    with session.at_work:
        return _alone(session, connection, work)


def _alone(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    execute: Execute = connection.execute
    session.is_torn = False
    try:  # from here on: an interrupt may come as soon as the transaction has begun
        execute("BEGIN IMMEDIATE", ())
        result = work(execute)
        _check(session)
        execute("COMMIT", ())
    except BaseException:
        connection.rollback()
        raise
    return result


def _check(session: Session) -> None:
    if session.is_torn:
        raise sqlite3.OperationalError("it was interrupted, and what interrupted it was interrupted, too")


def _joined(session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]) -> R:
    """As a part of the transaction that the thread is at work on."""
    execute: Execute = connection.execute
    name = f"joined_{next(_savepoints)}"
    was_torn, session.is_torn = session.is_torn, True  # until it is over, one way or the other
    execute(f"SAVEPOINT {name}", ())
    try:
        result = work(execute)
    except BaseException:
        if connection.in_transaction:
            execute(f"ROLLBACK TO {name}", ())
            execute(f"RELEASE {name}", ())
            session.is_torn = was_torn
        else:  # SQLite gave up the whole: what it interrupted must not go on, each statement by itself
            session.disconnect()
        raise
    execute(f"RELEASE {name}", ())
    session.is_torn = was_torn
    return result
