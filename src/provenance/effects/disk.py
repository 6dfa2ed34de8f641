"""Blobs as files in a folder.

A blob's file is complete or not there: it is written under a temporary name in the same folder tree and renamed. Its
name is its digest, which a reader checks before anything is decoded.
"""

# Paths are text here: joining `Path`s would be much of a small read's time.
# ruff: noqa: PTH100, PTH103, PTH116, PTH118, PTH120, PTH123
from __future__ import annotations

import io
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final, TypeAlias, cast

from provenance.chores import Holding, Shelf
from provenance.effects import shelves
from provenance.effects.duplicates import OnDuplicate, are_same
from provenance.effects.durability import Compared, Durability
from provenance.effects.sinks import Hashing, digest, filled
from provenance.effects.temporary import Temporary, remove
from provenance.effects.trouble import Reaching
from provenance.errors import BlobNotFoundError, CorruptBlobError, KeyExistsError
from provenance.ids import ID_DIGITS, BlobId
from provenance.records import Blob, Stored

_IS_ID: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}").fullmatch
_SMALL: Final = 1 << 16
"""Up to so many bytes one read into memory is quicker than a buffered file."""
_PIECE: Final = 1 << 20
_SETTLED: Final = 100_000_000
"""Nanoseconds after which another change to a file is sure to show in its time of modification."""
_REMEMBERED: Final = 100_000
_READ: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_Signature: TypeAlias = tuple[int, int, int, int]


class DiskBlobs:
    """Blobs under the folder *root*, which is made when the first one is written."""

    def __init__(
        self,
        root: Path,
        name: str = "disk",
        durability: Durability = Durability.PROCESS,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
        compared: Compared = Compared.CHANGED,
    ) -> None:
        self._root = os.path.abspath(root)
        self._name = name
        self._durability = durability
        self._on_duplicate = on_duplicate
        self._when = compared
        self._reaching = Reaching(name)
        self._temporary = Temporary(self._root)
        self._verified: dict[BlobId, _Signature] = {}
        self._pieces = threading.local()

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Stored:
        """Publish what *write* writes; whatever goes wrong, nothing half-written stays.

        Raises `StoreUnavailableError` where the folder cannot take it; an exception of *write* passes unchanged.
        """
        with self._reaching:
            fd, path = self._temporary.create()
        try:
            blob = self._fill(fd, write)
            with self._reaching:
                self._publish(path, blob)
        finally:
            remove(path)
        return Stored(blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """What *read* makes of the bytes, which are checked first; an exception of *read* passes unchanged.

        Raises `BlobNotFoundError`, `CorruptBlobError`, or `StoreUnavailableError`.
        """
        fd = self._open(blob)
        if blob.size <= _SMALL:
            return read(io.BytesIO(self._small(fd, blob)))
        with open(fd, "rb") as file:
            with self._reaching:
                self._look_at(file, blob)
            return read(file)

    def has_blob(self, blob: Blob) -> bool:
        """Whether a file of this name and size is there."""
        path = self._path(blob)
        with self._reaching:
            if path is None:
                return False
            size = _size(path)
            return (_size(path) if size is None and shelves.is_back(self._root, blob.id) else size) == blob.size

    def drop_blob(self, blob: Blob) -> None:
        """Delete the file, if there is one."""
        path = self._path(blob)
        if path is not None:
            with self._reaching:
                remove(path)

    def quarantine(self, blob: Blob) -> None:
        """Move the file, if there is one, to the folder `.quarantine`."""
        path = self._path(blob)
        if path is not None:
            with self._reaching, suppress(FileNotFoundError):
                os.utime(path)  # its age is from now on that of its being there
                _move(path, os.path.join(self._root, shelves.QUARANTINE, blob.id))

    def check_blob(self, blob: Blob) -> None:
        """Read the file through, whatever is known of it; raises as `read_blob`."""
        self._verified.pop(blob.id, None)
        with os.fdopen(self._open(blob), "rb") as file, self._reaching:
            self._check(file, blob)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        """At most *limit* of the files on a shelf, in order of their names."""
        with self._reaching:
            return shelves.listed(self._root, shelf, after, limit)

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        """Delete the file of this name if it is old; answers whether it went."""
        with self._reaching:
            return shelves.discarded(self._root, shelf, key, before)

    def find_places(self) -> frozenset[str]:
        """The folder, however it was named."""
        return frozenset({f"file:{os.path.realpath(self._root)}"})

    def _path(self, blob: Blob) -> str | None:
        """Where the file of *blob* is; None where its id is no digest, and so must not become a path."""
        digits = blob.id
        return f"{self._root}{os.sep}{digits[:2]}{os.sep}{digits[2:]}" if _IS_ID(digits) else None

    def _fill(self, fd: int, write: Callable[[BinaryIO], None]) -> Blob:
        try:
            blob = filled(fd, self._name, write)
            with self._reaching:
                if self._durability is Durability.POWER:
                    os.fsync(fd)
        finally:
            os.close(fd)
        return blob

    def _publish(self, temporary: str, blob: Blob) -> None:
        final = self._path(blob)
        if final is None:
            raise ValueError(f"{blob.id!r} is no digest")
        if not self._stays(final, temporary, blob):
            self._place(temporary, final, blob)
        if self._durability is Durability.POWER:
            for folder in (os.path.dirname(final), self._root):
                _sync_folder(folder)

    def _place(self, temporary: str, final: str, blob: Blob) -> None:
        """Give the file its name; where that must be new, by a link, which of two writers only one can make."""
        if self._on_duplicate is not OnDuplicate.RAISE or _size(final) is not None:
            _move(temporary, final)  # over a file that is there: it may be damaged
            return
        try:
            _move(temporary, final, link=True)
        except FileExistsError as error:
            raise KeyExistsError(blob.id, self._name) from error

    def _stays(self, path: str, temporary: str, blob: Blob) -> bool:
        """Whether the file at *path*, if there is one, stays for good; it then looks as if it was just written."""
        if self._on_duplicate is OnDuplicate.OVERWRITE:
            return False
        with suppress(OSError):  # it was deleted just now, or is another user's
            stays = self._on_duplicate.stays(blob, self._name, _size(path), lambda: _hold_the_same(path, temporary))
            return stays and self._is_sound(blob) and shelves.renewed(path)
        return False

    def _is_sound(self, blob: Blob) -> bool:
        """Whether the file of *blob* holds its bytes."""
        try:
            self.read_blob(blob, lambda _: None)
        except (BlobNotFoundError, CorruptBlobError):
            return False
        return True

    def _open(self, blob: Blob) -> int:
        path = self._path(blob)
        if path is None:
            raise CorruptBlobError(blob.id, self._name, "its name is no digest")
        with self._reaching:
            while True:
                try:
                    return os.open(path, _READ)
                except FileNotFoundError as error:
                    if not shelves.is_back(self._root, blob.id):
                        raise BlobNotFoundError(blob.id, self._name) from error

    def _small(self, fd: int, blob: Blob) -> bytes:
        with self._reaching:
            try:
                data = os.read(fd, blob.size + 1)
            finally:
                os.close(fd)
        self._compare(blob, len(data), None if self._when is Compared.SIZE else digest(data))
        return data

    def _look_at(self, file: BinaryIO, blob: Blob) -> None:
        """Compare the file that is about to be read, as thoroughly as is wanted."""
        if self._when is Compared.SIZE:
            self._compare(blob, os.fstat(file.fileno()).st_size)
            return
        if self._when is Compared.ALWAYS:
            self._verified.pop(blob.id, None)
        self._check(file, blob)

    def _check(self, file: BinaryIO, blob: Blob) -> None:
        """Read *file* through once, unless this process did so and the file is what it was."""
        status = os.fstat(file.fileno())
        self._compare(blob, status.st_size)
        signature = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)  # the last cannot be set
        if self._verified.get(blob.id) == signature:
            return
        found = self._through(file)
        self._compare(blob, found.size, found.id)
        file.seek(0)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED:
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[blob.id] = signature

    def _through(self, file: BinaryIO) -> Blob:
        """The blob that *file* holds, by way of one buffer a thread."""
        piece: memoryview | None = getattr(self._pieces, "piece", None)
        if piece is None:
            piece = self._pieces.piece = memoryview(bytearray(_PIECE))
        hashing = Hashing()
        raw = cast("io.BufferedReader", file)
        while count := raw.readinto(piece):
            hashing.add(piece[:count])
        return hashing.blob()

    def _compare(self, blob: Blob, size: int, found: BlobId | None = None) -> None:
        if size != blob.size:
            reason = f"{size} bytes are there, {blob.size} were written"
            raise CorruptBlobError(blob.id, self._name, reason)
        if found is not None and found != blob.id:
            raise CorruptBlobError(blob.id, self._name, f"its bytes have the digest {found}")


def _size(path: str) -> int | None:
    """How many bytes the file at *path* has; None where there is no file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def _hold_the_same(path: str, other: str) -> bool:
    with open(path, "rb") as one, open(other, "rb") as two:
        return are_same(one, two)


def _move(path: str, target: str, *, link: bool = False) -> None:
    """Rename *path* to *target*, whose folder is made if need be, or make a *link* there, if there is nothing yet."""
    move = os.link if link else os.replace
    try:
        move(path, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        move(path, target)


def _sync_folder(folder: str) -> None:
    """Make the names in *folder* survive the loss of power, where folders can be opened for that."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
