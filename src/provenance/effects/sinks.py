"""Byte streams of blobs: sinks that encoders write into, and the digests of what passes through."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, cast

from attrs import frozen
from blake3 import blake3

from provenance.effects.trouble import unavailable
from provenance.errors import CorruptBlobError, StoreUnavailableError
from provenance.hashing.threads import LARGE, threads_for
from provenance.ids import ID_BYTES, ID_DIGITS, BlobId
from provenance.records import Blob, Held

if TYPE_CHECKING:
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


class Hashing:
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
    hashing = Hashing()
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


class Overflow(BaseException):
    """Raised when a `Kept` sink is full.

    A `BaseException`, so that no encoder's `except Exception` mistakes it for an error.
    """


class Kept(io.BytesIO):
    """An in-memory sink that raises `Overflow` and sets `overflowed` beyond *limit* bytes.

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
            raise Overflow
        return super().write(data)

    def writelines(self, lines: Iterable[Buffer], /) -> None:
        """Write all of *lines*."""
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Do nothing."""

    def held(self) -> Held:
        """Return the bytes so far with their blob."""
        data = self.getvalue()
        return Held(blob_of(data), data)


@frozen
class Encoded:
    """A writer of bytes that are already encoded; `held` returns them without writing."""

    data: bytes

    def __call__(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*."""
        sink.write(self.data)

    def held(self) -> Held:
        """Return the bytes with their blob."""
        return Held(blob_of(self.data), self.data)


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
        self._hashing = Hashing()
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

    def binary(self) -> BinaryIO:
        """Return this sink as the type that encoders expect; they only ever write to it."""
        return cast("BinaryIO", self)

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
            self.failure = unavailable(self._store, error)
            raise self.failure from error


def filled(fd: int, store: str, write: Callable[[BinaryIO], None]) -> Blob:
    """Return the blob that *write* wrote into the open file *fd* of *store*, which stays open.

    Raises:
        StoreUnavailableError: if the file cannot be written. Exceptions of *write* pass unchanged.
    """
    sink = FileSink(fd, store)
    try:
        write(sink.binary())
        return sink.finish()
    except Exception as error:
        if sink.failure is None or sink.failure is error:
            raise
        # The encoder turned the write error into an exception of its own.
        raise sink.failure from error
