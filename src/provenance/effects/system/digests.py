"""Digests of the user's files, remembered in the user's cache as long as a file does not change."""

# Paths are text here, as in `files`.
# ruff: noqa: PTH103, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
from contextlib import closing
from stat import S_ISDIR, S_ISREG
from typing import Final, NamedTuple

from provenance.archives import FolderEntry, manifest
from provenance.effects.io import blob_of, read_through, user_cache
from provenance.effects.system.files import list_files
from provenance.errors import MissingFileError, UnreadableFileError
from provenance.hashing.files import FileContent
from provenance.model.ids import BlobId
from provenance.model.records import Blob

_log: Final = logging.getLogger("provenance")
_TRIES: Final = 3
_SETTLED: Final = 2_000_000_000
"""Nanoseconds after a change when another one is sure to have another time, on any file system."""
_MOST: Final = 100_000
"""Number of files whose digests a process remembers."""
_LARGE: Final = 1_000_000
"""Bytes from which looking a digest up is quicker than computing it."""
_KEPT: Final = 180 * 24 * 60 * 60
"""Seconds after which a row is deleted."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS digests (
    device TEXT NOT NULL,
    inode TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    digest TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (device, inode)
) WITHOUT ROWID
"""
_FIND: Final = """
SELECT digest FROM digests
WHERE device = ? AND inode = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?
"""


class _Stamp(NamedTuple):
    """What changes when a file is replaced or written, as columns of the table."""

    # Text, because integers of SQLite are signed and have 64 bits; some inodes need more.
    device: str
    inode: str
    size: int
    mtime_ns: int
    ctime_ns: int


def _stamp(path: str) -> _Stamp:
    status = os.stat(path)
    if not S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
        raise OSError(errno.EINVAL, "it is neither a file nor a folder", path)
    device, inode = str(status.st_dev), str(status.st_ino)
    return _Stamp(device, inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class FileDigests:
    """Digests of files by device, inode, size and times.

    They are kept in the process and, of large files, in a database in *folder*, by default in the
    user's cache. A file whose time is as young as its entry would be is read again, as git does:
    another change in the same tick of the clock would not show.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._known: dict[str, tuple[_Stamp, Blob]] = {}

    def content(self, path: str) -> FileContent:
        """Return what is in the file at *path*, or in the files of the folder.

        Raises:
            MissingFileError: if nothing is there.
            UnreadableFileError: if it is neither file nor folder, is unreadable, or changes meanwhile.
        """
        try:
            if S_ISDIR(os.stat(path).st_mode):
                return self._folder_content(path)
            blob = self._blob(path)
        except FileNotFoundError as error:
            raise MissingFileError(path) from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise UnreadableFileError(path, reason or str(error)) from error
        return FileContent(blob.id, blob.size, is_folder=False)

    def _folder_content(self, path: str) -> FileContent:
        members = [
            FolderEntry(way, self._blob(file), bool(os.stat(file).st_mode & 0o100))
            for way, file in list_files(path)
        ]
        size = sum(member.blob.size for member in members)
        return FileContent(blob_of(manifest(members)).id, size, is_folder=True)

    def _blob(self, path: str) -> Blob:
        for _ in range(_TRIES):
            began = time.time_ns()
            stamp = _stamp(path)
            known = self._remembered(path, stamp)
            if known is not None:
                return known
            with open(path, "rb") as file:
                blob = read_through(file)
            if _stamp(path) == stamp:
                if max(stamp.mtime_ns, stamp.ctime_ns) < began - _SETTLED:
                    self._remember(path, stamp, blob)
                return blob
        raise OSError(errno.EBUSY, "it changes while it is read", path)

    def _remembered(self, path: str, stamp: _Stamp) -> Blob | None:
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        if stamp.size < _LARGE:
            return None
        rows = self._query(_FIND, stamp)
        if not rows:
            return None
        blob = Blob(BlobId(str(rows[0][0])), stamp.size)
        self._note(path, stamp, blob)
        return blob

    def _note(self, path: str, stamp: _Stamp, blob: Blob) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[path] = stamp, blob

    def _remember(self, path: str, stamp: _Stamp, blob: Blob) -> None:
        self._note(path, stamp, blob)
        if stamp.size >= _LARGE:
            now = int(time.time())
            self._query("DELETE FROM digests WHERE noted_at < ?", (now - _KEPT,))
            row = (*stamp, blob.id, now)
            self._query("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _query(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        """Execute a statement in a connection of its own, which threads and forks need not share."""
        path = self._database()
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with closing(sqlite3.connect(path, timeout=5)) as database, database:
                database.execute(_TABLE)
                return database.execute(statement, values).fetchall()
        except (OSError, sqlite3.Error) as error:
            _log.warning(
                "cannot use the digests of files in %s, so files are read: %s", path, error
            )
            return []

    def _database(self) -> str:
        return os.path.join(self._folder or user_cache(), "digests.db")
