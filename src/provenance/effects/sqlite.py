"""An SQLite file: how it is opened, shared between threads, processes and forks, and closed."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from provenance.effects import statements
from provenance.effects.database import Execute, Prefetching, Values, checked_version
from provenance.effects.durability import Durability
from provenance.effects.locks import Shared
from provenance.effects.sqlite_sessions import PATIENCE, Local, Session, configure, disconnect_all, transacted
from provenance.errors import ProvenanceError, StoreUnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Engine

R = TypeVar("R")

_TROUBLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading and writing raises; the latter where what should be text is none, in messages too."""
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ADVICE: Final = {
    "SQLITE_NOTADB": "name another file, or move this one away",
    "SQLITE_CORRUPT": "restore the file from a backup, or move it away to begin anew",
    "SQLITE_READONLY": "make the file and its folder writable, or use another one",
    "SQLITE_CANTOPEN": "check that the folder is there and that you may write to it",
    "SQLITE_FULL": "free some space, or choose another place for the database",
    "SQLITE_IOERR": "check the device and the space that is left; network file systems do not suit SQLite",
    "SQLITE_BUSY": "another process has been writing for long: try again when it has finished",
    "SQLITE_TOOBIG": "keep large values in a blob store on disk",
}


class SqliteDatabase(Prefetching, Shared):
    """The SQLite file *path*; opened, and made unless *create* is False, when it is first used.

    Each thread has its own connection. No connection is open across a fork, as SQLite demands: they are closed before,
    and parent and child open their own when they need one. `engine` is for the user's queries (`pandas.read_sql`).
    """

    def __init__(
        self, path: Path, name: str = "sqlite", durability: Durability = Durability.PROCESS, *, create: bool = True
    ) -> None:
        if str(path) == ":memory:":
            raise StoreUnavailableError(name, "it names a database in memory", "use a memory repository for that")
        super().__init__()
        self.name = name
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links, which may change
        self._file = str(self.path)
        self._create = create
        self._synchronous = "FULL" if durability is Durability.POWER else "NORMAL"
        self.generation = 0
        self._local = Local()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        weakref.finalize(self, disconnect_all, self._sessions)  # called at the exit of the process, too

    @property
    def engine(self) -> Engine:
        """The database as SQLAlchemy and pandas take it, with connections of its own."""
        return self._engine

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import URL, NullPool, create_engine

        url = URL.create("sqlite", database=str(self.path))
        return create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE})

    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """All rows that *statement* answers; raises `StoreUnavailableError`."""
        session = self._local.session or self._new_session()
        try:
            with session.lock:
                connection = session.connection or self._open(session)
                if statement is statements.CLAIM:  # at one stroke: what re-enters cannot commit while it is at work
                    return list(chain.from_iterable(map(connection.execute, (statement,), (values,))))
                return connection.execute(statement, values).fetchall()
        except _TROUBLE as error:
            raise self._unavailable(error) from error

    def change(self, statement: str, values: Values, generation: int | None = None) -> int:
        """How many rows *statement*, a transaction by itself, has changed; raises `StoreUnavailableError`.

        It is not done, and the answer is 0, if the database turns out to be no longer the one of this *generation*.
        """
        session = self._local.session or self._new_session()
        try:
            with session.lock:
                connection = self._for_writing(session)
                return connection.execute(statement, values).rowcount if generation in (None, self.generation) else 0
        except _TROUBLE as error:
            raise self._unavailable(error) from error

    def transaction(self, work: Callable[[Execute], R]) -> R:
        """What *work* returns, all of whose statements take effect, or none when it raises.

        Raises `StoreUnavailableError` where the database cannot take them.
        """
        session = self._local.session or self._new_session()
        self.forget_prefetched()
        try:
            return self._transacted(session, work)
        except _TROUBLE as error:
            raise self._unavailable(error) from error

    def _transacted(self, session: Session, work: Callable[[Execute], R]) -> R:
        with session.lock:
            try:
                return transacted(session, self._for_writing(session), work)
            except BaseException:
                self.generation += 1  # what has joined it, and was told that it is stored, is undone, too
                raise

    @property
    def home(self) -> str:
        """What tells the database from others, wherever it is opened."""
        return f"sqlite:{os.path.realpath(self.path)}"

    def complaints(self) -> tuple[str, ...]:
        """What SQLite finds wrong with the file, looking through all of it; raises `StoreUnavailableError`."""
        session = self._local.session or self._new_session()
        try:
            with session.lock:
                connection = session.connection or self._open(session)
                return _complaints(connection)
        except _TROUBLE as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGE:
                return (str(error),)
            raise self._unavailable(error) from error

    def migrate(self, version: int | None = None, /) -> None:
        """Bring the tables to *version*, by default the newest; raises `StoreUnavailableError`."""
        wanted = checked_version(self.name, version)
        self.transaction(lambda _: None)  # makes those of a new file
        try:
            self._migrate(wanted)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the next use opens them anew."""
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
        """The connection, opened anew if the file was deleted or replaced: what is written to it would be lost."""
        if session.at_work.locked():  # by its own thread, to whose transaction this belongs
            return session.connection or self._open(session)
        if session.connection is not None and session.file != _file_at(self._file):
            session.disconnect()  # while it was open, no other file could have the same number
            self.generation += 1
        connection = session.connection or self._open(session)
        if connection.in_transaction:  # one interrupt came while another was answered
            connection.rollback()
        return connection

    def _open(self, session: Session) -> sqlite3.Connection:
        """The connection, made ready for use; what re-enters meanwhile does so with the same one, and the rest is idle."""
        if session.opening is None:
            self._prepare_folder()
            session.opening = self._connect()
        connection = session.opening
        try:
            if not connection.in_transaction:
                configure(connection, self._synchronous)
            self._prepare_tables(session, connection)
        except BaseException:
            session.disconnect()
            raise
        session.file = _file_at(self._file)
        replaced, session.connection, session.opening = session.connection, connection, None
        if replaced is not None and replaced is not connection:  # what re-entered while this one was made has another
            replaced.close()
        return connection

    def _connect(self) -> sqlite3.Connection:
        """A connection whose transactions begin and end where `transaction` says."""
        return sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)

    def _prepare_folder(self) -> None:
        try:
            if not self._create and not self.path.exists():
                advice = "check the path, or let it be made with create_db: true"
                raise StoreUnavailableError(self.name, f"there is no file {self.path}", advice)
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except ProvenanceError:
            raise
        except OSError as error:
            raise StoreUnavailableError(self.name, str(error), _ADVICE["SQLITE_CANTOPEN"]) from error

    def _prepare_tables(self, session: Session, connection: sqlite3.Connection) -> None:
        def make(execute: Execute) -> None:
            if self._version(connection) == 0:  # of processes that come at once, the first makes them
                for statement in statements.CREATE:
                    execute(statement, ())
                execute(f"PRAGMA user_version = {statements.VERSION}", ())

        found = self._version(connection)
        if found == 0:
            transacted(session, connection, make)
        elif found < statements.VERSION:
            self._migrate(statements.VERSION)

    def _migrate(self, version: int) -> None:
        from provenance.effects.migrating import migrate_sqlite

        migrate_sqlite(self.path, PATIENCE, version)

    def _version(self, connection: sqlite3.Connection) -> int:
        version = cast("int", connection.execute("PRAGMA user_version").fetchone()[0])
        if version > statements.VERSION:
            reason = f"{self.path} has tables of version {version}, and this library knows {statements.VERSION}"
            raise StoreUnavailableError(self.name, reason, "upgrade the library: pip install --upgrade provenance")
        return version

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        damaged = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else ""
        code: str = getattr(error, "sqlite_errorname", damaged) or ""
        primary = "_".join(code.split("_")[:2])
        advice = _ADVICE.get(primary, "check that the file is a database of this library")
        return StoreUnavailableError(self.name, f"{self.path}: {error}", advice)


def _file_at(path: str) -> int | None:
    """What tells the file at *path* from one that takes its place; None where there is none."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - a third of the time of `path.stat`, on each write
    except FileNotFoundError:
        return None


def _complaints(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute("PRAGMA integrity_check").fetchall()
    return () if rows == [("ok",)] else tuple(str(text) for (text,) in rows)
