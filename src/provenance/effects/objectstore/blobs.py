"""Blobs as objects in a remote store, each written from a spooled file."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH118

from __future__ import annotations

import io
import os
import stat
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from provenance.effects.io import (
    Temporary,
    check_bytes,
    is_digest,
    map_os_errors,
    read_through,
    remove,
    write_to_file,
)
from provenance.effects.objectstore.client import FileStatus, RemoteFiles
from provenance.effects.objectstore.filesystems import temporary_files_of
from provenance.errors import BlobNotFoundError, CorruptBlobError, KeyExistsError
from provenance.model.records import Blob, StoredBlob
from provenance.ports.blobs import BlobArea, BlobEntry, OnDuplicate, have_same_bytes

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH if os.name == "posix" else 0


class Spool:
    """Temporary local files of *store*; errors about them say `name`."""

    def __init__(self, store: str) -> None:
        self.name: Final = temporary_files_of(store)
        self.reaching: Final = map_os_errors(self.name)

    @contextmanager
    def file(self) -> Generator[tuple[int, str]]:
        """Open an empty file for writing and yield it with its path; close and delete it after."""
        with self.reaching:
            fd, path = _temporary(tempfile.gettempdir()).create()
        try:
            yield fd, path
        finally:
            os.close(fd)
            with self.reaching:
                remove(path)


@cache
def _temporary(folder: str) -> Temporary:
    """Return names in a private folder of this user below *folder*, which others may write to."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = os.path.join(folder, f"provenance-{user}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    status = os.lstat(path)
    is_private = status.st_uid == user and not status.st_mode & _OTHERS_WRITE
    if not (is_private and stat.S_ISDIR(status.st_mode)):
        path = tempfile.mkdtemp(prefix="provenance-", dir=folder)
    return Temporary(path)


_FOLDERS: Final = {BlobArea.TEMPORARY: ".tmp", BlobArea.QUARANTINED: ".quarantine"}
_GROUPS: Final = tuple(f"{number:02x}" for number in range(256))
_SMALL: Final = 1 << 16
"""Size in bytes up to which a blob is read into memory."""
_FRESH: Final = timedelta(hours=1)
"""Age from which an existing object is written again, to protect it from collectors."""


class ObjectBlobs:
    """Blobs in the place that *remote* reaches."""

    lag: Final = _FRESH

    def __init__(self, remote: RemoteFiles, on_duplicate: OnDuplicate = OnDuplicate.SKIP) -> None:
        self._remote = remote
        self._name = remote.name
        self._on_duplicate = on_duplicate
        self._spool = Spool(remote.name)

    def write_blob(self, write: Callable[[BinaryIO], None]) -> StoredBlob:
        """Publish what *write* writes, once it is complete; exceptions of *write* pass unchanged.

        Raises `StoreUnavailableError` if the place cannot be reached or written.
        """
        with self._spool.file() as (fd, path):
            blob = write_to_file(fd, self._spool.name, write)
            key = f"{blob.id[:2]}/{blob.id[2:]}"
            is_new = False
            if self._on_duplicate is not OnDuplicate.OVERWRITE:
                status = self._remote.status(key)
                is_new = status is None
                if status is not None and self._stays(blob, path, status):
                    return StoredBlob(blob)
            exclusive = is_new and self._on_duplicate is OnDuplicate.RAISE
            try:
                self._remote.publish(path, key, blob.size, exclusive=exclusive)
            except FileExistsError as error:
                raise KeyExistsError(blob.id, self._name) from error
        return StoredBlob(blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """Check the bytes and return what *read* makes of them; its exceptions pass unchanged.

        Raises `BlobNotFoundError`, `CorruptBlobError`, or `StoreUnavailableError`.
        """
        with self._spool.file() as (_, path):
            self._fetch(blob, path)
            with self._spool.reaching:
                source = _open(path, blob.size)
            with source:
                return read(source)

    def has_blob(self, blob: Blob) -> bool:
        """Return whether an object of this name and size exists."""
        path = _path(blob.id)
        status = None if path is None else self._remote.status(path)
        return status is not None and status.size == blob.size

    def delete_blob(self, blob: Blob) -> None:
        """Delete the object if it exists."""
        path = _path(blob.id)
        if path is not None:
            self._remote.remove(path)

    def quarantine(self, blob: Blob) -> None:
        """Move the object, if it exists, to `.quarantine`."""
        path = _path(blob.id)
        if path is not None:
            self._remote.move(path, f".quarantine/{blob.id}")

    def verify_blob(self, blob: Blob) -> None:
        """Fetch the object and compare it; raises as `read_blob` does."""
        with self._spool.file() as (_, path):
            self._fetch(blob, path)

    def list_blob_entries(self, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
        """Return up to *limit* of the objects on a shelf, in order of their keys."""
        return tuple(islice(self._holdings(shelf, after), limit))

    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime) -> bool:
        """Delete the object of this key if it is old; the check is one request earlier."""
        path = _path(key, shelf)
        status = None if path is None else self._remote.status(path)
        if path is None or status is None or _since(status) >= before:
            return False
        self._remote.remove(path)
        return True

    def get_blob_locations(self) -> frozenset[str]:
        """Return the place, without what only a client needs to know."""
        return frozenset({self._remote.address})

    def _holdings(self, shelf: BlobArea, after: str) -> Iterator[BlobEntry]:
        """List in groups of keys, so that a page does not list the whole store."""
        is_stored = shelf is BlobArea.STORED
        for folder in _GROUPS if is_stored else (_FOLDERS[shelf],):
            if is_stored and folder < after[:2]:
                continue
            for path, status in sorted(self._remote.listed(folder), key=lambda entry: entry[0]):
                if is_stored:
                    key = path.replace("/", "", 1)
                    is_key = is_digest(key) is not None
                else:
                    key = path.removeprefix(f"{folder}/")
                    is_key = path != folder  # some file systems list the folder itself
                if is_key and key > after:
                    yield BlobEntry(key, status.size, _since(status))

    def _stays(self, blob: Blob, path: str, status: FileStatus) -> bool:
        """Return whether the existing object of *status* stays, and is young enough for that."""
        try:
            stays = self._on_duplicate.keeps_existing(
                blob, self._name, status.size, lambda: self._holds_the_same(blob, path)
            )
        except BlobNotFoundError:
            return False  # it was deleted just now
        return stays and time.time() - status.written_at < _FRESH.total_seconds()

    def _holds_the_same(self, blob: Blob, path: str) -> bool:
        with self._spool.file() as (_, copy):
            self._copy(blob, copy)
            with Path(path).open("rb") as one, Path(copy).open("rb") as other:
                return have_same_bytes(one, other)

    def _fetch(self, blob: Blob, path: str) -> None:
        """Copy the object to the file at *path*, and check it."""
        self._copy(blob, path)
        with self._spool.reaching, Path(path).open("rb", buffering=0) as file:
            found = read_through(file)
        check_bytes(blob, self._name, found.size, found.id)

    def _copy(self, blob: Blob, path: str) -> None:
        source = _path(blob.id)
        if source is None:
            raise CorruptBlobError(blob.id, self._name, "object name is not a digest")
        if not self._remote.fetch(source, path, blob):
            raise BlobNotFoundError(blob.id, self._name)


def _path(key: str, shelf: BlobArea = BlobArea.STORED) -> str | None:
    """Return the path of an object; None for an invalid key, which must not become a path."""
    if shelf is BlobArea.STORED:
        return f"{key[:2]}/{key[2:]}" if is_digest(key) else None
    return None if "/" in key or key in ("", ".", "..") else f"{_FOLDERS[shelf]}/{key}"


def _since(status: FileStatus) -> datetime:
    """Return when an object was written; the present if that is unknown."""
    return datetime.fromtimestamp(status.written_at or time.time(), UTC)


def _open(path: str, size: int) -> BinaryIO:
    """Open the file at *path*, or a copy in memory if it is small."""
    if size <= _SMALL:
        return io.BytesIO(Path(path).read_bytes())
    file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    if os.name == "posix":
        # It stays readable, and its space is freed with it, whatever happens.
        os.unlink(path)  # noqa: PTH108 - as above
    return file
