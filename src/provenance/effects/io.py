"""Streams: hashing and counting sinks, temporary files, and operating-system errors as errors of ours."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH100, PTH103, PTH105, PTH108, PTH109, PTH114, PTH118, PTH120, PTH206

from __future__ import annotations

import errno
import io
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, cast

from attrs import frozen
from blake3 import blake3

from provenance.codecs.registry import set_temporary_folders
from provenance.errors import CorruptBlobError, ProvenanceError, StoreUnavailableError
from provenance.hashing.encoding import LARGE, threads_for
from provenance.model.ids import ID_BYTES, ID_DIGITS, BlobId
from provenance.model.records import Blob, InlineBlob


def _temporary_folder() -> TemporaryDirectory[str]:
    from tempfile import TemporaryDirectory

    return TemporaryDirectory(prefix="provenance-")


set_temporary_folders(_temporary_folder)


def user_cache() -> str:
    """Return the user's folder for caches, for a user without one a folder that cannot be made."""
    from platformdirs import user_cache_dir

    try:
        return user_cache_dir("provenance", appauthor=False)
    except RuntimeError:
        return os.path.join(os.devnull, "provenance")


_ADVICE: Final = {
    errno.ENOSPC: "free some space, or choose another place for the store",
    errno.EDQUOT: "free some of the quota, or choose another place for the store",
    errno.EFBIG: "raise the limit on file sizes, or choose another place for the store",
    errno.EROFS: (
        "the file system is read-only: choose a writable place, or use the store with write: false"
    ),
    errno.EACCES: "check the permissions of the store's folder",
    errno.EPERM: "check the permissions of the store's folder",
    errno.ENOTDIR: (
        "a part of the path is a file, not a folder: choose another place for the store"
    ),
    errno.ENOENT: "check that the store's folder exists and is mounted",
    errno.EMFILE: "close some files, or raise the limit on open files",
}


def store_unavailable(store: str, error: OSError) -> StoreUnavailableError:
    """Return the error to raise when *error* kept *store* from answering."""
    advice = _ADVICE.get(error.errno or 0, "check that the store's place exists and is accessible")
    return StoreUnavailableError(store, str(error), advice)


class map_os_errors:  # noqa: N801 - used like `contextlib.suppress`
    """A block in which an `OSError` of the system becomes a `StoreUnavailableError` of *store*.

    It has no state, so one instance serves a store for life, in all threads and nested.
    """

    __slots__ = ("_store",)

    def __init__(self, store: str) -> None:
        self._store = store

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, ProvenanceError):
            raise store_unavailable(self._store, error) from error


if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from typing_extensions import Buffer

    Bytes: TypeAlias = bytes | bytearray | memoryview

_DIRECT: Final = 1 << 16
"""Size in bytes from which one more system call is cheaper than one more copy."""

is_digest: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}").fullmatch
"""Match a whole digest. Anything else must not become part of a path."""


def digest(data: Bytes) -> BlobId:
    """Return the id of the blob that holds *data*."""
    size = len(data)
    hasher = blake3(data) if size < LARGE else blake3(max_threads=threads_for(size)).update(data)
    return BlobId(hasher.hexdigest(length=ID_BYTES))


def blob_of(data: Bytes) -> Blob:
    """Return the blob that holds *data*."""
    return Blob(digest(data), len(data))


class BlobHasher:
    """An incremental digest that copies none of the pieces it is fed."""

    __slots__ = ("_hasher", "size")

    def __init__(self) -> None:
        self._hasher: blake3 | None = None
        self.size = 0

    def add(self, data: Bytes) -> None:
        """Hash the next piece; the size of the first piece decides on the number of threads."""
        if self._hasher is None:
            self._hasher = blake3(max_threads=threads_for(len(data)))
        self._hasher.update(data)
        self.size += len(data)

    def blob(self) -> Blob:
        """Return the blob of all bytes so far."""
        hasher = self._hasher or blake3()
        return Blob(BlobId(hasher.hexdigest(length=ID_BYTES)), self.size)


def read_through(file: BinaryIO, buffer: memoryview | None = None) -> Blob:
    """Return the blob that *file* holds, read to its end through one *buffer*."""
    if buffer is None:
        buffer = memoryview(bytearray(min(LARGE, os.fstat(file.fileno()).st_size) or 1))
    hashing = BlobHasher()
    raw = cast("io.BufferedReader", file)
    while count := raw.readinto(buffer):
        hashing.add(buffer[:count])
    return hashing.blob()


def check_bytes(blob: Blob, store: str, size: int, found: BlobId | None = None) -> None:
    """Raise `CorruptBlobError` unless *size* and the digest *found*, if given, fit *blob*."""
    if size != blob.size:
        reason = f"{size} bytes found, {blob.size} were written"
    elif found is not None and found != blob.id:
        reason = f"its bytes have the digest {found}"
    else:
        return
    raise CorruptBlobError(blob.id, store, reason)


class SinkOverflow(BaseException):
    """Raised when a `MemorySink` sink is full.

    A `BaseException`, so that no encoder's `except Exception` mistakes it for an error.
    """


class MemorySink(io.BytesIO):
    """An in-memory sink that raises `SinkOverflow` and sets `overflowed` beyond *limit* bytes.

    It stays readable when an encoder closes it, as some do.
    """

    def __init__(self, limit: int = sys.maxsize) -> None:
        super().__init__()
        self._limit = limit
        self.overflowed = False

    def write(self, data: Buffer, /) -> int:
        """Write all of *data*."""
        size = len(data) if type(data) is bytes else memoryview(data).nbytes
        if self.tell() + size > self._limit:
            self.overflowed = True
            raise SinkOverflow
        return super().write(data)

    def writelines(self, lines: Iterable[Buffer], /) -> None:
        """Write all of *lines*."""
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Do nothing."""

    def inline_blob(self) -> InlineBlob:
        """Return the bytes so far with their blob."""
        data = self.getvalue()
        return InlineBlob(blob_of(data), data)


@frozen
class EncodedBytes:
    """A writer of bytes that are already encoded; `held` returns them without writing."""

    data: bytes

    def __call__(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*."""
        sink.write(self.data)

    def inline_blob(self) -> InlineBlob:
        """Return the bytes with their blob."""
        return InlineBlob(blob_of(self.data), self.data)


class FileSink(io.RawIOBase):
    """A hashing writer to the open file *fd* of *store* that buffers only small pieces.

    A write error is a `StoreUnavailableError`. It is kept in `failure` too, because an encoder may
    turn it into another exception. Closing the sink leaves the file open: encoders close what they
    write to, and the store has yet to publish it.
    """

    def __init__(self, fd: int, store: str) -> None:
        super().__init__()
        self._fd = fd
        self._store = store
        self._pending = bytearray()
        self._hashing = BlobHasher()
        self.failure: StoreUnavailableError | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of *data*."""
        view = memoryview(data)
        size = view.nbytes
        if size < _DIRECT:
            self._pending += view
            if len(self._pending) >= LARGE:
                self._drain()
        else:
            self._drain()
            self._put(view.cast("B") if view.c_contiguous else memoryview(view.tobytes()))
        return size

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._hashing.size + len(self._pending)

    def finish(self) -> Blob:
        """Flush and return the blob of all bytes; raise `failure` if the encoder ignored it."""
        if self.failure is not None:
            raise self.failure
        self._drain()
        return self._hashing.blob()

    def _drain(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, bytearray()
            self._put(memoryview(pending))

    def _put(self, view: memoryview) -> None:
        self._hashing.add(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]  # a write may be partial
        except OSError as error:
            self.failure = store_unavailable(self._store, error)
            raise self.failure from error


def write_to_file(fd: int, store: str, write: Callable[[BinaryIO], None]) -> Blob:
    """Return the blob that *write* wrote into the open file *fd* of *store*, which stays open.

    Raises:
        StoreUnavailableError: if the file cannot be written. Exceptions of *write* pass unchanged.
    """
    sink = FileSink(fd, store)
    try:
        write(cast("BinaryIO", sink))  # encoders only ever write to it
        return sink.finish()
    except Exception as error:
        if sink.failure is None or sink.failure is error:
            raise
        # The encoder turned the write error into an exception of its own.
        raise sink.failure from error


_STALE: Final = 24 * 60 * 60.0
"""Seconds after its last write when a temporary file counts as abandoned."""
_CREATE: Final = (
    os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


class Temporary:
    """Files with unique names under *root*; the first one of a process deletes abandoned ones."""

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, ".tmp")
        self._swept_by = 0

    def create(self) -> tuple[int, str]:
        """Return an open file and its path, with the mode that the umask leaves. Raises OSError."""
        pid = os.getpid()
        if self._swept_by != pid:
            self._swept_by = pid
            sweep(self._folder, time.time() - _STALE)
        path = f"{self._folder}{os.sep}{pid}-{os.urandom(8).hex()}"
        try:
            return os.open(path, _CREATE, 0o666), path
        except FileNotFoundError:
            os.makedirs(self._folder, exist_ok=True)
            return os.open(path, _CREATE, 0o666), path


def sweep(folder: str, before: float, delete: Callable[[str], None] = os.unlink) -> None:
    """Delete what is in *folder* and was last written *before*, as far as it can be deleted."""
    # Errors are ignored: cleaning must not fail the write that it precedes.
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    delete(entry.path)


def remove(path: str) -> None:
    """Delete the file at *path* if it exists. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)


@contextmanager
def replacing_file(path: str) -> Generator[BinaryIO]:
    """Open a new file beside *path* that takes its name when the block ends; after an error nothing stays.

    A link stays, and the file that it leads to is replaced. Raises OSError, also if there is a device or a pipe.
    """
    final = Path(os.path.realpath(path))  # `resolve` raises no OSError if links lead to each other
    if final.exists() and not (final.is_file() or final.is_dir()):
        raise FileExistsError(errno.EEXIST, "It is not a regular file, so it stays", path)
    beside, name = os.path.split(final)
    temporary = os.path.join(beside, f".{name[:100]}.{os.getpid()}-{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(temporary, _CREATE, 0o666), "w+b") as file:
            yield file
            file.flush()
        os.replace(temporary, os.path.join(beside, name))
    finally:
        remove(temporary)


def absolute_path(path: str | os.PathLike[str]) -> str:
    """Return *path* as an absolute path, with links as they are and without `..`.

    After a link `..` is the parent of what the link leads to, as it is for the system;
    `os.path.abspath` takes the parent of the link.
    """
    if os.name == "nt" or ".." not in os.fspath(path).split(os.sep):
        return os.path.abspath(path)
    current = os.sep
    for part in os.path.join(os.getcwd(), path).split(os.sep):
        if part == "..":
            is_link = os.path.islink(current)
            current = os.path.dirname(os.path.realpath(current) if is_link else current)
        elif part not in ("", "."):
            current = os.path.join(current, part)
    return current
