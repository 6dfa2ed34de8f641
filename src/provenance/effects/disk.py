"""Blobs as files in a folder.

A blob's file is complete or not there: it is written under a temporary name in the same folder tree and renamed. Its
name is its digest, which a reader checks before anything is decoded.
"""

# Paths are text here: joining `Path`s would be much of a small read's time.
# ruff: noqa: PTH100, PTH118, PTH120
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
from typing import BinaryIO, Final, TypeAlias, cast

from provenance.chores import Holding, Shelf
from provenance.effects import shelves
from provenance.effects.duplicates import OnDuplicate
from provenance.effects.durability import Compared, Durability
from provenance.effects.placing import hold_the_same, is_in_the_way, move, set_aside, size_of, sync_folder
from provenance.effects.sinks import Hashing, digest, filled
from provenance.effects.temporary import Temporary, remove
from provenance.effects.trouble import Reaching
from provenance.errors import BlobNotFoundError, CorruptBlobError, KeyExistsError, StoreUnavailableError
from provenance.ids import ID_DIGITS, BlobId
from provenance.records import Blob, Stored

_IS_ID: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}").fullmatch
_SMALL: Final = 1 << 16
"""Up to so many bytes one read into memory is quicker than a buffered file."""
_PIECE: Final = 1 << 20
_SETTLED: Final = 100_000_000
"""Nanoseconds after which another change to a file is sure to show in its time of modification."""
_REMEMBERED: Final = 100_000
_READ: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Nothing is waited for: files are there at once, and what is no file is not read."""

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
        with self._file(fd, blob) as file:
            with self._reaching:
                self._look_at(file, blob)
            return read(file)

    def has_blob(self, blob: Blob) -> bool:
        """Whether a file of this name and size is there."""
        path = self._path(blob)
        with self._reaching:
            if path is None:
                return False
            size = size_of(path)
            return (size_of(path) if size is None and shelves.is_back(self._root, blob.id) else size) == blob.size

    def drop_blob(self, blob: Blob) -> None:
        """Delete the file, if there is one."""
        path = self._path(blob)
        if path is not None:
            with self._reaching:
                try:
                    remove(path)
                except OSError:
                    if not is_in_the_way(path):
                        raise

    def quarantine(self, blob: Blob) -> None:
        """Move the file, or whatever is in its place, to the folder `.quarantine`."""
        path = self._path(blob)
        if path is not None:
            with self._reaching:
                self._clear(path, blob)

    def check_blob(self, blob: Blob) -> None:
        """Read the file through, whatever is known of it; raises as `read_blob`."""
        self._verified.pop(blob.id, None)
        with self._file(self._open(blob), blob) as file, self._reaching:
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
                sync_folder(folder)

    def _place(self, temporary: str, final: str, blob: Blob) -> None:
        """Give the file its name; where that must be new, by a link, which of two writers only one can make."""
        is_new = self._on_duplicate is OnDuplicate.RAISE and size_of(final) is None
        try:
            move(temporary, final, link=is_new)  # else over a file that is there: it may be damaged
        except OSError as error:
            if is_in_the_way(final):
                self._clear(final, blob)
                move(temporary, final, link=is_new)
            elif isinstance(error, FileExistsError):
                raise KeyExistsError(blob.id, self._name) from error
            else:
                raise

    def _clear(self, path: str, blob: Blob) -> None:
        """Put aside what is in the place of the file of *blob*."""
        try:
            set_aside(path, os.path.join(self._root, shelves.QUARANTINE, blob.id))
        except OSError as error:
            if not is_in_the_way(path):
                raise
            reason = f"{path} is no file, and cannot be put aside: {error.strerror}"
            raise StoreUnavailableError(self._name, reason, "move it away") from error

    def _stays(self, path: str, temporary: str, blob: Blob) -> bool:
        """Whether the file at *path*, if there is one, stays for good; it then looks as if it was just written."""
        if self._on_duplicate is OnDuplicate.OVERWRITE:
            return False
        with suppress(OSError):  # it was deleted just now, or is another user's
            stays = self._on_duplicate.stays(blob, self._name, size_of(path), lambda: hold_the_same(path, temporary))
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
                except OSError as error:
                    self._miss(path, blob, error)

    def _miss(self, path: str, blob: Blob, error: OSError) -> None:
        """Say what it means that the file cannot be opened, unless it was out of the way and is back."""
        if isinstance(error, FileNotFoundError):
            if not shelves.is_back(self._root, blob.id):
                raise BlobNotFoundError(blob.id, self._name) from error
        elif is_in_the_way(path):
            raise self._no_file(blob) from error
        else:
            raise error

    def _no_file(self, blob: Blob) -> CorruptBlobError:
        return CorruptBlobError(blob.id, self._name, "what is in its place is no file")

    def _file(self, fd: int, blob: Blob) -> BinaryIO:
        """The file of *blob*, opened as *fd*."""
        with self._reaching:
            try:
                return open(fd, "rb")
            except IsADirectoryError as error:
                os.close(fd)  # which is nobody's
                raise self._no_file(blob) from error

    def _small(self, fd: int, blob: Blob) -> bytes:
        with self._reaching:
            try:
                data = os.read(fd, blob.size + 1)
            except (IsADirectoryError, BlockingIOError) as error:
                raise self._no_file(blob) from error
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
