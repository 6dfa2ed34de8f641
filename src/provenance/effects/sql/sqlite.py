"""The SQLite database: one connection per thread, and transactions that wait for other writers."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Callable
from functools import cached_property, partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from provenance.effects.io import absolute_path
from provenance.effects.retry import call_with_retries
from provenance.effects.sql import statements
from provenance.effects.sql.database import Database, Execute, Values, check_version, foreign_tables
from provenance.effects.sql.snapshot import is_read_only, open_snapshot, state_of
from provenance.errors import StoreUnavailableError
from provenance.ports.blobs import Durability
from provenance.util.locks import ForkBarrier

if TYPE_CHECKING:
    from sqlalchemy import Engine


R = TypeVar("R")

PATIENCE: Final = 30.0
"""Seconds to wait for the write lock of another process."""
_PAUSES: Final = 20e-6, 1e-3
"""Seconds between two attempts to get that lock, at least and at most."""
_LOG_PAGES: Final = 4000
"""Pages of the log that SQLite copies into the database at once; each copy waits for the device."""
_savepoints: Final = count()


class Session(ForkBarrier):
    """One thread's connection, closed when the thread or process ends, and before a fork."""

    connection: sqlite3.Connection | None = None
    opening: sqlite3.Connection | None = None
    """The connection before it is ready for use."""
    file: int | None = None
    snapshot: tuple[int, ...] | None = None
    """The state of the files when they were opened, if they may not be written to."""
    was_forked: bool = False
    """True if a fork closed the connection, which a signal handler may do in the middle of a call."""
    is_torn: bool = False
    """True if code that joined the transaction could neither finish nor be rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work: Final = threading.Lock()
        """Held during a transaction. A lock, not a flag: an interrupt cannot leave it set."""

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        connections = self.connection, self.opening
        self.connection = self.opening = self.snapshot = None
        for connection in connections:
            if connection is not None:
                connection.close()

    def before_fork(self) -> None:
        """Close the connection, because SQLite's locks do not work in the child."""
        self.was_forked = True
        self.disconnect()

    def may_repeat(self, error: Exception) -> bool:
        """Return whether *error* came from a fork, in this process or its parent, and clear that.

        What was not committed is rolled back, so that all of it can be done again.
        """
        is_closed = isinstance(error, sqlite3.ProgrammingError) and self.was_forked
        if self.at_work.locked() or not is_closed:
            return False
        self.was_forked = False
        self.disconnect()
        return True

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


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)


def _pause(_: int) -> None:
    from random import uniform

    time.sleep(uniform(*_PAUSES))  # noqa: S311 - not a secret


def patiently(attempt: Callable[[], R]) -> R:
    """Return what *attempt* returns, repeated for up to 30 seconds while another writer has the lock.

    SQLite's own handler sleeps longer each time, so that one of several writers that has waited for
    long hardly ever looks when the lock is free. Here all look equally often.
    """
    try:
        return attempt()
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
    return call_with_retries(lambda _: attempt(), sys.maxsize, _is_busy, _pause, PATIENCE)


def configure(connection: sqlite3.Connection, synchronous: str) -> None:
    """Configure the connection; SQLite does not wait for other processes to switch to WAL."""
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    # `executescript` leaves no unfinished statement behind.
    call_with_retries(
        lambda _: connection.executescript("PRAGMA journal_mode = WAL"),
        sys.maxsize,
        lambda error: "locked" in str(error),
        lambda _: time.sleep(0.005),
        PATIENCE,
    )


def run_in_transaction(
    session: Session, connection: sqlite3.Connection, work: Callable[[Execute], R]
) -> R:
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
        patiently(lambda: execute("BEGIN IMMEDIATE", ()))
        result = work(execute)
        _require_intact(session)
        patiently(lambda: execute("COMMIT", ()))
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


_FIND_FOREIGN_TABLES: Final = """\
SELECT 1 FROM sqlite_master WHERE name = 'artifacts'
AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'artifact_inputs')"""
"""Finds a table `artifacts` that is not of this library, which creates `artifact_inputs` before.

In one statement, because code that re-enters may create all tables between two, or while they are created.
"""
_TROUBLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""Errors of reading and writing; the second if text, even of a message, is damaged."""
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LONGEST_PATH: Final = 504
"""Bytes of a path: SQLite has 512, and needs some for the name of its log."""
_ADVICE: Final = {
    "SQLITE_NOTADB": "name another file, or move this one away",
    "SQLITE_CORRUPT": "restore the file from a backup, or remove it to start empty",
    "SQLITE_READONLY": (
        "make the file and its folder writable, or call functions with read_only, which stores nothing"
    ),
    "SQLITE_CANTOPEN": "check that the folder exists and that you may write to it",
    "SQLITE_FULL": "free some space, or choose another place for the database",
    "SQLITE_IOERR": "check the device and its free space; SQLite needs a local file system",
    "SQLITE_BUSY": "another process has been writing for long: try again when it has finished",
    "SQLITE_TOOBIG": "keep large values in a blob store on disk",
}


class SqliteDatabase(Database):
    """The SQLite file *path*, opened on first use, and created then unless *create* is False.

    Each thread has its own connection. No connection is open across a fork, as SQLite demands:
    they are closed before it, and parent and child open new ones when needed. `engine` is for the
    user's own queries (`pandas.read_sql`).
    """

    keeps_terms = fetches_columns = True

    def __init__(
        self,
        path: Path,
        name: str = "sqlite",
        durability: Durability = Durability.PROCESS,
        *,
        create: bool = True,
    ) -> None:
        if str(path) == ":memory:":
            reason = "SQLite databases in memory are not supported"
            raise StoreUnavailableError(name, reason, "use a memory repository")
        super().__init__(name)
        # `resolve` would follow links, which may change.
        self.path = Path(absolute_path(path))
        self._file = str(self.path)
        self._create = create
        self._synchronous = "FULL" if durability is Durability.POWER else "NORMAL"
        self._local = Local()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        # Called at the exit of the process, too.
        weakref.finalize(self, disconnect_all, self._sessions)

    @property
    def engine(self) -> Engine:
        """The database for SQLAlchemy and pandas, with its own connections."""
        return self._engine

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import URL, NullPool, create_engine

        if is_read_only(self.path):
            opened = partial(open_snapshot, self.path, self.name, PATIENCE)
            return create_engine("sqlite://", poolclass=NullPool, creator=opened)
        url = URL.create("sqlite", database=str(self.path))
        return create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE})

    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """Return all rows that *statement* selects; raises `StoreUnavailableError`."""
        session = self._local.session or self._new_session()
        try:
            with session.lock:
                if session.snapshot is not None and session.snapshot != state_of(self._file):
                    session.disconnect()
                connection = session.connection or self._open(session)
                if statement is statements.ACQUIRE_LEASE:
                    # In one call: code that re-enters cannot commit before all rows are fetched.
                    return patiently(
                        lambda: list(
                            chain.from_iterable(map(connection.execute, (statement,), (values,)))
                        )
                    )
                return patiently(lambda: connection.execute(statement, values).fetchall())
        except _TROUBLE as error:
            if session.may_repeat(error):
                return self.query(statement, *values)
            raise self._unavailable(error) from error

    def change(self, statement: str, values: Values, generation: int | None = None) -> int:
        """Execute *statement* as a transaction; return the number of changed rows.

        Return 0 and do nothing if *generation* is given and no longer current. Raises
        `StoreUnavailableError`.
        """
        session = self._local.session or self._new_session()
        try:
            with session.lock:
                connection = self._for_writing(session)
                if generation not in (None, self.generation):
                    return 0
                return patiently(lambda: connection.execute(statement, values).rowcount)
        except _TROUBLE as error:
            if session.may_repeat(error):
                return self.change(statement, values, generation)
            raise self._unavailable(error) from error

    def transaction(self, work: Callable[[Execute], R]) -> R:
        """Return what *work* returns; commit its statements, or roll back if it raises.

        Raises `StoreUnavailableError`.
        """
        session = self._local.session or self._new_session()
        self.forget_prefetched()
        try:
            with session.lock:
                try:
                    return run_in_transaction(session, self._for_writing(session), work)
                except BaseException:
                    # Transactions that joined it, and returned, are rolled back with it.
                    self.generation += 1
                    raise
        except _TROUBLE as error:
            if session.may_repeat(error):
                return self.transaction(work)
            raise self._unavailable(error) from error

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written."""
        return is_read_only(self.path)

    @property
    def cache_key(self) -> str:
        """The identity of the database, the same in every process."""
        return f"sqlite:{os.path.realpath(self.path)}"

    def find_problems(self) -> tuple[str, ...]:
        """Return the problems that SQLite finds when it checks the whole file.

        Raises `StoreUnavailableError`.
        """
        try:
            rows = self.query("PRAGMA integrity_check")
        except StoreUnavailableError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
            if isinstance(error.__cause__, _TROUBLE) and code & 0xFF in _DAMAGE:
                return (str(error.__cause__),)
            raise
        return () if rows == [("ok",)] else tuple(str(text) for (text,) in rows)

    def migrate(self, version: int | None = None, /) -> None:
        """Migrate the tables to *version*, None for the newest; raises `StoreUnavailableError`."""
        wanted = check_version(self.name, version)
        # Creates the tables of a new file.
        self.transaction(lambda _: None)
        try:
            self._migrate(wanted)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the next use opens new ones."""
        with self.lock:
            sessions = list(self._sessions)
        for session in sessions:
            with session.lock:
                session.disconnect()

    def _new_session(self) -> Session:
        session = self._local.session = Session()
        with self.lock:
            self._sessions.add(session)
        return session

    def _for_writing(self, session: Session) -> sqlite3.Connection:
        """Return the connection, reopened if the file was replaced: writes would be lost."""
        if session.at_work.locked():
            # This thread holds it, and this is part of its transaction.
            return session.connection or self._open(session)
        if session.connection is not None and session.file != _database_file(self._file):
            # While the connection was open, no other file could get the same inode number.
            session.disconnect()
            self.generation += 1
        connection = session.connection or self._open(session)
        if connection.in_transaction:
            # An interrupt came while another one was handled.
            connection.rollback()
        return connection

    def _open(self, session: Session) -> sqlite3.Connection:
        """Return the connection, ready for use; code that re-enters gets the same one."""
        connection = session.opening
        if connection is None and is_read_only(self.path):
            session.snapshot = state_of(self._file)
            session.connection = open_snapshot(self.path, self.name, PATIENCE)
            session.file = _database_file(self._file)
            return session.connection
        if connection is None:
            self._prepare_folder()
            # No isolation level: transactions begin and end where `transaction` says.
            connection = session.opening = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
        try:
            if not connection.in_transaction:
                configure(connection, self._synchronous)
            self._prepare_tables(session, connection)
        except BaseException:
            session.disconnect()
            raise
        # From here on, `patiently` waits.
        connection.execute("PRAGMA busy_timeout = 0")
        session.file = _database_file(self._file)
        replaced, session.connection, session.opening = session.connection, connection, None
        if replaced is not None and replaced is not connection:
            # Code that re-entered while this one was opened has opened another.
            replaced.close()
        return connection

    def _prepare_folder(self) -> None:
        try:
            is_missing = not self._create and not self.path.exists()
            if not is_missing:
                self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            advice = _ADVICE["SQLITE_CANTOPEN"]
            raise StoreUnavailableError(self.name, str(error), advice) from error
        if is_missing:
            advice = "check the path, or set create_db: true"
            raise StoreUnavailableError(self.name, f"file {self.path} does not exist", advice)

    def _prepare_tables(self, session: Session, connection: sqlite3.Connection) -> None:
        def create(execute: Execute) -> None:
            # Another process may have created them first.
            if self._version(connection) == 0:
                if execute(_FIND_FOREIGN_TABLES, ()).fetchall():
                    raise foreign_tables(self.name)
                for statement in statements.CREATE:
                    execute(statement, ())
                execute(f"PRAGMA user_version = {statements.VERSION}", ())

        found = self._version(connection)
        if found == 0:
            run_in_transaction(session, connection, create)
        elif found < statements.VERSION:
            self._migrate(statements.VERSION)

    def _migrate(self, version: int) -> None:
        from provenance.effects.sql.migrate import migrate_sqlite

        migrate_sqlite(self.path, PATIENCE, version)

    def _version(self, connection: sqlite3.Connection) -> int:
        version = cast("int", connection.execute("PRAGMA user_version").fetchone()[0])
        if version > statements.VERSION:
            known = f"this library supports up to {statements.VERSION}"
            reason = f"{self.path} has tables of version {version}, {known}"
            raise StoreUnavailableError(
                self.name, reason, "upgrade the library: pip install --upgrade provenance"
            )
        return version

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        damaged = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else ""
        code: str = getattr(error, "sqlite_errorname", damaged) or ""
        primary = "_".join(code.split("_")[:2])
        advice = _ADVICE.get(primary, "check that the file is a database of this library")
        if primary == "SQLITE_CANTOPEN" and len(os.fsencode(self.path)) > _LONGEST_PATH:
            advice = f"choose a shorter path; SQLite takes {_LONGEST_PATH} bytes"
        return StoreUnavailableError(self.name, f"{self.path}: {error}", advice)


def _database_file(path: str) -> int | None:
    """Return the inode number of the file, None if it does not exist."""
    try:
        # On each write, in a third of the time of `Path.stat`.
        return os.stat(path).st_ino  # noqa: PTH116
    except FileNotFoundError:
        return None
