"""Blobs as files in a folder.

A blob's file is complete or absent: it is written under a temporary name in the same folder tree
and then renamed. Its name is its digest, which is checked before anything is decoded.
"""

# Paths are text here: joining `Path`s would be a large part of the time of a small read.
# ruff: noqa: PTH118, PTH120
from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, TypeVar

from provenance.effects.disk import directory
from provenance.effects.io import (
    Temporary,
    absolute_path,
    check_bytes,
    digest,
    is_digest,
    map_os_errors,
    read_through,
    remove,
    write_to_file,
)
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    KeyExistsError,
    StoreUnavailableError,
)
from provenance.model.ids import BlobId
from provenance.model.records import Blob, StoredBlob
from provenance.ports.blobs import BlobArea, BlobEntry, Durability, OnDuplicate, VerifyReads

T = TypeVar("T")

_SMALL: Final = 1 << 16
"""Files up to this size are read in one call; larger ones are streamed."""
_SETTLED: Final = 100_000_000
"""Nanoseconds after which another change to a file is sure to change its modification time."""
_REMEMBERED: Final = 100_000
_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
"""Without waiting: regular files are ready at once, and others are not read."""

_Signature: TypeAlias = tuple[int, int, int, int]


class DiskBlobs:
    """Blobs below the folder *root*, which is made when the first blob is written."""

    def __init__(
        self,
        root: Path,
        name: str = "disk",
        durability: Durability = Durability.PROCESS,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
        compared: VerifyReads = VerifyReads.CHANGED,
    ) -> None:
        self._root = absolute_path(root)
        self._name = name
        self._durability = durability
        self._on_duplicate = on_duplicate
        self._when = compared
        self._reaching = map_os_errors(name)
        self._temporary = Temporary(self._root)
        self._verified: dict[BlobId, _Signature] = {}

    def write_blob(self, write: Callable[[BinaryIO], None]) -> StoredBlob:
        """Publish what *write* writes; after any failure, nothing half-written stays.

        Raises `StoreUnavailableError` if the folder cannot be written; exceptions of *write* pass
        unchanged.
        """
        with self._reaching:
            fd, path = self._temporary.create()
        try:
            try:
                # Outside of `reaching`: an OSError of the user's encoder is not the store's.
                blob = write_to_file(fd, self._name, write)
                with self._reaching:
                    if self._durability is Durability.POWER:
                        os.fsync(fd)
            finally:
                os.close(fd)
            with self._reaching:
                self._publish(path, blob)
        finally:
            remove(path)
        return StoredBlob(blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """Check the bytes and return what *read* makes of them; its exceptions pass unchanged.

        Raises `BlobNotFoundError`, `CorruptBlobError`, or `StoreUnavailableError`.
        """
        if blob.size <= _SMALL:
            with self._reaching:
                data = self._open(blob, lambda path: _read_whole(path, blob.size))
                found = None if self._when is VerifyReads.SIZE else digest(data)
                check_bytes(blob, self._name, len(data), found)
            return read(io.BytesIO(data))
        with self._reaching:
            file = self._open(blob, _open_file)
        with file:
            with self._reaching:
                if self._when is VerifyReads.SIZE:
                    check_bytes(blob, self._name, os.fstat(file.fileno()).st_size)
                else:
                    self._check(file, blob, again=self._when is VerifyReads.ALWAYS)
            return read(file)

    def has_blob(self, blob: Blob) -> bool:
        """Return whether a file of this name and size is there."""
        path = self._path(blob)
        if path is None:
            return False
        with self._reaching:
            size = directory.size_of(path)
            if size is None and directory.was_restored(self._root, blob.id):
                size = directory.size_of(path)
        return size == blob.size

    def delete_blob(self, blob: Blob) -> None:
        """Delete the file if it exists."""
        path = self._path(blob)
        if path is not None:
            with self._reaching:
                try:
                    remove(path)
                except OSError:
                    if not directory.is_not_a_file(path):
                        raise

    def quarantine(self, blob: Blob) -> None:
        """Move the file, or what is in its place, to the folder `.quarantine`."""
        path = self._path(blob)
        if path is not None:
            with self._reaching:
                self._clear(path, blob)

    def verify_blob(self, blob: Blob) -> None:
        """Read the whole file, whatever is known of it; raises as `read_blob` does."""
        with self._reaching, self._open(blob, _open_file) as file:
            self._check(file, blob, again=True)

    def list_blob_entries(self, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
        """Return up to *limit* of the files on a shelf, in order of their names."""
        with self._reaching:
            return directory.list_entries(self._root, shelf, after, limit)

    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime) -> bool:
        """Delete the file of this name if it is old; return whether it was deleted."""
        with self._reaching:
            return directory.delete_if_older(self._root, shelf, key, before)

    def get_blob_locations(self) -> frozenset[str]:
        """Return the folder in one spelling, whatever links lead to it."""
        return frozenset({f"file:{os.path.realpath(self._root)}"})

    def _path(self, blob: Blob) -> str | None:
        """Return the path of *blob*; None for an invalid id, which must not become a path."""
        digits = blob.id
        if not is_digest(digits):
            return None
        return f"{self._root}{os.sep}{digits[:2]}{os.sep}{digits[2:]}"

    def _publish(self, temporary: str, blob: Blob) -> None:
        final = os.path.join(self._root, blob.id[:2], blob.id[2:])
        if not self._stays(final, temporary, blob):
            self._place(temporary, final, blob)
        if self._durability is Durability.POWER:
            for folder in (os.path.dirname(final), self._root):
                directory.sync_folder(folder)

    def _place(self, temporary: str, final: str, blob: Blob) -> None:
        """Give the file its name: by rename, or by a link if the name must be new.

        Of two writers, only one can make the link.
        """
        is_new = self._on_duplicate is OnDuplicate.RAISE
        try:
            directory.move(temporary, final, link=is_new)
        except OSError as error:
            if directory.is_not_a_file(final):
                self._clear(final, blob)
                directory.move(temporary, final, link=is_new)
            elif not isinstance(error, FileExistsError):
                raise
            elif directory.size_of(final) == blob.size:
                raise KeyExistsError(blob.id, self._name) from error
            else:
                directory.move(temporary, final)  # what is there is damaged

    def _clear(self, path: str, blob: Blob) -> None:
        """Quarantine what is in the place of the file of *blob*."""
        try:
            directory.quarantine_file(path, os.path.join(self._root, directory.QUARANTINE, blob.id))
        except OSError as error:
            if not directory.is_not_a_file(path):
                raise
            reason = f"cannot quarantine {path}, which is not a regular file: {error.strerror}"
            raise StoreUnavailableError(self._name, reason, "move it away") from error

    def _stays(self, path: str, temporary: str, blob: Blob) -> bool:
        """Return whether a file at *path* stays for good; if so, touch it as if just written."""
        if self._on_duplicate is OnDuplicate.OVERWRITE:
            return False
        # An OSError means that it was deleted just now, or is another user's.
        with suppress(OSError):
            stays = self._on_duplicate.keeps_existing(
                blob,
                self._name,
                directory.size_of(path),
                lambda: directory.have_same_content(path, temporary),
            )
            return stays and self._is_sound(blob) and directory.touch(path)
        return False

    def _is_sound(self, blob: Blob) -> bool:
        try:
            self.read_blob(blob, lambda _: None)
        except (BlobNotFoundError, CorruptBlobError):
            return False
        return True

    def _open(self, blob: Blob, opener: Callable[[str], T]) -> T:
        """Open the file of *blob*, again if a collector had moved it away and it is back."""
        path = self._path(blob)
        if path is None:
            raise CorruptBlobError(blob.id, self._name, "file name is not a digest")
        while True:
            try:
                return opener(path)
            except FileNotFoundError as error:
                if not directory.was_restored(self._root, blob.id):
                    raise BlobNotFoundError(blob.id, self._name) from error
            except OSError as error:
                if directory.is_not_a_file(path):
                    raise CorruptBlobError(blob.id, self._name, "not a regular file") from error
                raise

    def _check(self, file: BinaryIO, blob: Blob, *, again: bool) -> None:
        """Read the whole file unless this process did before, it is unchanged, and not *again*."""
        if again:
            self._verified.pop(blob.id, None)
        status = os.fstat(file.fileno())
        check_bytes(blob, self._name, status.st_size)
        # Programs can set the modification time, but not the change time.
        changed = max(status.st_mtime_ns, status.st_ctime_ns)
        signature = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._verified.get(blob.id) == signature:
            return
        found = read_through(file)
        check_bytes(blob, self._name, found.size, found.id)
        file.seek(0)
        if time.time_ns() - changed > _SETTLED:
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[blob.id] = signature


def _open_file(path: str) -> BinaryIO:
    return open(path, "rb", opener=lambda path, _: os.open(path, _READ))


def _read_whole(path: str, size: int) -> bytes:
    """Return the bytes of a file that should have *size* bytes, and one more if it is longer."""
    fd = os.open(path, _READ)
    try:
        return os.read(fd, size + 1)
    finally:
        os.close(fd)
