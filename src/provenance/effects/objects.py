"""Blobs as objects of a store elsewhere, or files of any file system that fsspec reaches.

A blob is at `ab/cdef…` below the store's place, as on disk. On its way there and back it passes through a local file, so that its
digest is known before it is named, and checked before anything is decoded, however large it is.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from provenance.chores import Holding, Shelf
from provenance.effects.duplicates import OnDuplicate, are_same
from provenance.effects.remote import Remote, Status
from provenance.effects.sinks import Hashing, filled
from provenance.effects.spool import Spool
from provenance.errors import BlobNotFoundError, CorruptBlobError, KeyExistsError
from provenance.ids import ID_DIGITS
from provenance.records import Blob, Stored

_FOLDERS: Final = {Shelf.TEMPORARY: ".tmp", Shelf.QUARANTINED: ".quarantine"}
_GROUPS: Final = tuple(f"{number:02x}" for number in range(256))
_IS_ID: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}").fullmatch
_SMALL: Final = 1 << 16
"""Bytes up to which a blob is handed out in memory."""
_PIECE: Final = 1 << 20
_FRESH: Final = timedelta(hours=1)
"""The age after which what is there already is written again, so that no collector takes it for forgotten."""


class ObjectBlobs:
    """Blobs in the place that *remote* reaches."""

    lag: Final = _FRESH

    def __init__(self, remote: Remote, on_duplicate: OnDuplicate = OnDuplicate.SKIP) -> None:
        self._remote = remote
        self._name = remote.name
        self._on_duplicate = on_duplicate
        self._spool = Spool(remote.name)

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Stored:
        """Publish what *write* writes, once it is complete; an exception of *write* passes unchanged.

        Raises `StoreUnavailableError` where the place cannot be reached or does not take it.
        """
        with self._spool.file() as (fd, path):
            blob = filled(fd, self._spool.name, write)
            found = None if self._on_duplicate is OnDuplicate.OVERWRITE else self._remote.status(_path(blob) or "")
            if not self._stays(blob, path, found):
                self._publish(blob, path, is_new=found is None)
        return Stored(blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """What *read* makes of the bytes, which are checked first; an exception of *read* passes unchanged.

        Raises `BlobNotFoundError`, `CorruptBlobError`, or `StoreUnavailableError`.
        """
        with self._spool.file() as (_, path):
            self._fetch(blob, path)
            with self._spool.reaching:
                source = _opened(path, blob.size)
            with source:
                return read(source)

    def has_blob(self, blob: Blob) -> bool:
        """Whether an object of this name and size is there."""
        where = _path(blob)
        found = None if where is None else self._remote.status(where)
        return found is not None and found.size == blob.size

    def drop_blob(self, blob: Blob) -> None:
        """Delete the object, if there is one."""
        where = _path(blob)
        if where is not None:
            self._remote.remove(where)

    def quarantine(self, blob: Blob) -> None:
        """Move the object, if there is one, to `.quarantine`."""
        where = _path(blob)
        if where is not None:
            self._remote.move(where, f".quarantine/{blob.id}")

    def check_blob(self, blob: Blob) -> None:
        """Fetch the object and compare it; raises as `read_blob`."""
        with self._spool.file() as (_, path):
            self._fetch(blob, path)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        """At most *limit* of the objects on a shelf, in order of their keys."""
        found = self._stored(after) if shelf is Shelf.STORED else self._beside(_FOLDERS[shelf], after)
        return tuple(islice(found, limit))

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        """Delete the object of this key if it is old; between the look and the deletion is the time of one request."""
        where = _where(shelf, key)
        found = None if where is None else self._remote.status(where)
        if where is None or found is None or _since(found) >= before:
            return False
        self._remote.remove(where)
        return True

    def find_places(self) -> frozenset[str]:
        """The place, without what only who reaches it need know."""
        return frozenset({self._remote.address})

    def _stored(self, after: str) -> Iterator[Holding]:
        for group in _GROUPS:
            if group >= after[:2]:
                there = sorted(self._remote.listed(group), key=lambda each: each[0])
                named = ((path.replace("/", "", 1), status) for path, status in there)
                yield from (_holding(key, status) for key, status in named if key > after and _IS_ID(key))

    def _beside(self, folder: str, after: str) -> Iterator[Holding]:
        there = sorted(self._remote.listed(folder), key=lambda each: each[0])
        named = (
            (path.removeprefix(f"{folder}/"), status) for path, status in there if path != folder
        )  # itself, to some
        yield from (_holding(key, status) for key, status in named if key > after)

    def _publish(self, blob: Blob, path: str, *, is_new: bool) -> None:
        exclusive = is_new and self._on_duplicate is OnDuplicate.RAISE
        try:
            self._remote.publish(path, _path(blob) or "", blob.size, exclusive=exclusive)
        except FileExistsError as error:
            raise KeyExistsError(blob.id, self._name) from error

    def _stays(self, blob: Blob, path: str, found: Status | None) -> bool:
        """Whether what was *found*, if anything was, stays, and is young enough for that."""
        if found is None:
            return False
        try:
            stays = self._on_duplicate.stays(blob, self._name, found.size, lambda: self._holds_the_same(blob, path))
        except BlobNotFoundError:  # it was deleted just now
            return False
        return stays and time.time() - found.written_at < _FRESH.total_seconds()

    def _holds_the_same(self, blob: Blob, path: str) -> bool:
        with self._spool.file() as (_, there):
            if not self._remote.fetch(_path(blob) or "", there, blob.size):
                raise BlobNotFoundError(blob.id, self._name)
            with Path(path).open("rb") as one, Path(there).open("rb") as other:
                return are_same(one, other)

    def _fetch(self, blob: Blob, path: str) -> None:
        """Copy the object to the file at *path*, and check it."""
        where = _path(blob)
        if where is None:
            raise CorruptBlobError(blob.id, self._name, "its name is no digest")
        if not self._remote.fetch(where, path, blob.size):
            raise BlobNotFoundError(blob.id, self._name)
        with self._spool.reaching:
            found = _through(path)
        if found.size != blob.size:
            raise CorruptBlobError(blob.id, self._name, f"{found.size} bytes are there, {blob.size} were written")
        if found.id != blob.id:
            raise CorruptBlobError(blob.id, self._name, f"its bytes have the digest {found.id}")


def _path(blob: Blob) -> str | None:
    """Where *blob* is; None where its id is no digest, and so must not become a path."""
    return f"{blob.id[:2]}/{blob.id[2:]}" if _IS_ID(blob.id) else None


def _where(shelf: Shelf, key: str) -> str | None:
    """The path of what is on a shelf; None for what is no key, and so must not become a path."""
    if shelf is Shelf.STORED:
        return f"{key[:2]}/{key[2:]}" if _IS_ID(key) else None
    return None if "/" in key or key in ("", ".", "..") else f"{_FOLDERS[shelf]}/{key}"


def _since(status: Status) -> datetime:
    """When it was written; just now, where that is not known."""
    return datetime.fromtimestamp(status.written_at or time.time(), UTC)


def _holding(key: str, status: Status) -> Holding:
    return Holding(key, status.size, _since(status))


def _opened(path: str, size: int) -> BinaryIO:
    """The file at *path*; one that is small is in memory already."""
    if size <= _SMALL:
        return io.BytesIO(Path(path).read_bytes())
    file = Path(path).open("rb")  # noqa: SIM115 - who asked for it closes it
    if os.name == "posix":
        os.unlink(path)  # noqa: PTH108 - it is read through its descriptor, and gone with it, whatever happens
    return file


def _through(path: str) -> Blob:
    """The blob that the file at *path* holds."""
    hashing = Hashing()
    with Path(path).open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            hashing.add(piece)
    return hashing.blob()
