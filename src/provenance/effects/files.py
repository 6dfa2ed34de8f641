"""Files of the user's, which are archived, and local copies of archived ones, which users open by path.

A copy is never the store's own file: whatever a user does to it, the store keeps what it has. Copies are named by their
digest and checked against it before their path is handed out, so that one that was written to is replaced.
"""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH100, PTH103, PTH105, PTH108, PTH111, PTH116, PTH118, PTH120, PTH123
from __future__ import annotations

import errno
import io
import logging
import os
import sys
import tempfile
import time
from stat import S_ISREG
from typing import BinaryIO, Final, cast

from provenance.archives import Original
from provenance.asks import CheckOut, Examined
from provenance.effects.sinks import FileSink, Hashing
from provenance.effects.temporary import Temporary, remove, sweep
from provenance.effects.trouble import Reaching
from provenance.errors import CorruptBlobError
from provenance.hashing.threads import LARGE
from provenance.records import Blob

_log: Final = logging.getLogger("provenance")
_NAME: Final = "local copies"
_KEPT: Final = 30 * 24 * 60 * 60.0
"""Seconds after its path was last handed out that a copy may go."""
_DAY: Final = 24 * 60 * 60.0
_SETTLED: Final = 100_000_000
"""Nanoseconds after which another change to a file is sure to show in its time of modification."""
_READABLE: Final = 0o444


class LocalFiles:
    """Answers for the files of this machine; local copies are under *folder*, by default the user's cache folder."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._verified: dict[str, tuple[int, ...]] = {}
        self._roots: dict[str, Temporary] = {}

    def examine(self, path: str) -> Examined:
        """Digest of the user's file at *path*; raises OSError."""
        path = os.path.abspath(path)
        if not S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for somebody to write into it
            raise OSError(errno.EINVAL, "it is no regular file", path)
        with open(path, "rb") as file:
            before = _stamp(os.fstat(file.fileno()))
            blob = _through(file)
        return Examined(blob, Original(path, before))

    def check_out(self, ask: CheckOut) -> str:
        """Path of a copy of the blob, which is made, or made anew, if there is none that is as it should be.

        Raises `CorruptBlobError` if the store gives other bytes, and `StoreUnavailableError` if there is no room.
        """
        root = self._root()
        path = os.path.join(root, ask.blob.id + ask.extension)
        with Reaching(_NAME):
            if not self._is_sound(path, ask.blob):
                self._make(root, path, ask)
        return path

    def delete_original(self, original: Original) -> bool:
        """Delete the file, if it is still what was examined and none of the copies."""
        if os.path.dirname(original.path) == self._place():
            return False
        try:
            if _stamp(os.stat(original.path)) != original.stamp:
                _log.warning("%s was changed since it was archived, and so it is not deleted", original.path)
                return False
            os.unlink(original.path)
        except OSError as error:
            _log.warning("%s is archived, but cannot be deleted: %s", original.path, error.strerror)
            return False
        return True

    def _place(self) -> str:
        return self._folder or os.path.join(cache_home(), "provenance", "files")

    def _root(self) -> str:
        """The folder of the copies, which is made if need be; copies that nobody asked for in a month go."""
        root = self._place()
        if root not in self._roots:
            try:
                os.makedirs(root, exist_ok=True)
            except OSError:  # there is no home, or it is read-only
                if self._folder is not None:
                    raise
                root = self._folder = tempfile.mkdtemp(prefix="provenance-files-")
            self._roots[root] = Temporary(root)
            sweep(root, time.time() - _KEPT)
        return root

    def _make(self, root: str, path: str, ask: CheckOut) -> None:
        fd, temporary = self._roots[root].create()
        try:
            _fill(fd, ask)
            os.replace(temporary, path)
        except BaseException:
            remove(temporary)
            raise

    def _is_sound(self, path: str, blob: Blob) -> bool:
        """Whether the copy at *path* holds *blob*: it is read through once in a process, and after each change."""
        try:
            status = os.lstat(path)
            if not S_ISREG(status.st_mode) or status.st_size != blob.size:
                return False
            if self._verified.get(path) != _stamp(status):
                if not _holds(path, blob):
                    return False
                self._remember(path, status)
        except FileNotFoundError:
            return False
        self._renew(path, status)
        return True

    def _remember(self, path: str, status: os.stat_result) -> None:
        if time.time_ns() - status.st_mtime_ns > _SETTLED:
            self._verified[path] = _stamp(status)

    def _renew(self, path: str, status: os.stat_result) -> None:
        """Let a copy that is in use stay for another month."""
        if time.time() - status.st_mtime > _DAY:
            os.utime(path)
            self._verified[path] = _stamp(os.stat(path))


def cache_home() -> str:
    """The folder that is meant for caches of this user."""
    if sys.platform == "win32":
        default = "~/AppData/Local"
    else:
        default = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return os.path.abspath(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(default))


def _fill(fd: int, ask: CheckOut) -> None:
    """Write the blob into the open file, close it, and make it read-only; CorruptBlobError for other bytes."""
    try:
        sink = FileSink(fd, _NAME)
        ask.pour(sink.binary())
        blob = sink.finish()
        os.fchmod(fd, os.fstat(fd).st_mode & _READABLE)
    finally:
        os.close(fd)
    if blob != ask.blob:
        raise CorruptBlobError(ask.blob.id, _NAME, f"the store gave {blob.size} bytes of digest {blob.id}")


def _holds(path: str, blob: Blob) -> bool:
    with open(path, "rb") as file:
        return _through(file) == blob


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _through(file: BinaryIO) -> Blob:
    """The blob that *file* holds, by way of one buffer."""
    piece = memoryview(bytearray(min(LARGE, os.fstat(file.fileno()).st_size) or 1))
    hashing = Hashing()
    raw = cast("io.BufferedReader", file)
    while count := raw.readinto(piece):
        hashing.add(piece[:count])
    return hashing.blob()
