"""What encoders write into: sinks that count, digest and refuse too much."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, cast

from attrs import frozen
from blake3 import blake3

from provenance.effects.trouble import unavailable
from provenance.errors import StoreUnavailableError
from provenance.hashing.threads import LARGE, threads_for
from provenance.ids import ID_BYTES, BlobId
from provenance.records import Blob, Held

if TYPE_CHECKING:
    from typing_extensions import Buffer

    Bytes: TypeAlias = bytes | bytearray | memoryview

_DIRECT: Final = 1 << 16
"""Bytes from which on one more system call is cheaper than one more copy."""


def digest(data: Bytes) -> BlobId:
    """The id of a blob that is *data*."""
    hasher = blake3(data) if len(data) < LARGE else _hasher(len(data)).update(data)
    return BlobId(hasher.hexdigest(length=ID_BYTES))


def _hasher(size: int) -> blake3:
    """A digest to be made of pieces of about *size* bytes."""
    return blake3(max_threads=threads_for(size))


def blob_of(data: Bytes) -> Blob:
    """The blob that is *data*."""
    return Blob(digest(data), len(data))


class Hashing:
    """A digest of bytes that come in pieces, none of which is copied."""

    __slots__ = ("_hasher", "size")

    def __init__(self) -> None:
        self._hasher: blake3 | None = None
        self.size = 0

    def add(self, data: Bytes) -> None:
        """Take *data* into account; the first piece decides whether several cores work on all of them."""
        if self._hasher is None:
            self._hasher = _hasher(len(data))
        self._hasher.update(data)
        self.size += len(data)

    def blob(self) -> Blob:
        """The blob of all the bytes so far."""
        hasher = self._hasher or blake3()
        return Blob(BlobId(hasher.hexdigest(length=ID_BYTES)), self.size)


class Overflow(BaseException):
    """More bytes arrived than a `Kept` sink takes; a signal that no encoder's `except Exception` takes for an error."""


class Kept(io.BytesIO):
    """Keeps what is written in memory, up to *limit* bytes; then raises `Overflow` and says so in `overflowed`.

    It stays readable when an encoder closes it, as some do.
    """

    def __init__(self, limit: int = sys.maxsize) -> None:
        super().__init__()
        self._limit = limit
        self.overflowed = False

    def write(self, data: Buffer, /) -> int:
        """Take all of *data*."""
        size = len(data) if type(data) is bytes else memoryview(data).nbytes
        if self.tell() + size > self._limit:
            self.overflowed = True
            raise Overflow
        return super().write(data)

    def writelines(self, lines: Iterable[Buffer], /) -> None:
        """Take all of *lines*."""
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Do nothing."""

    def held(self) -> Held:
        """The bytes so far, named."""
        data = self.getvalue()
        return Held(blob_of(data), data)


@frozen
class Encoded:
    """Writes bytes that are encoded already; who wants them as they are asks for `held`."""

    data: bytes

    def __call__(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*."""
        sink.write(self.data)

    def held(self) -> Held:
        """The bytes, named."""
        return Held(blob_of(self.data), self.data)


class FileSink(io.RawIOBase):
    """Writes to the open file *fd* of *store*, digesting on the way; small pieces are gathered, large ones not copied.

    A file that refuses is a `StoreUnavailableError`, kept in `failure` too, for an encoder may turn it into another.
    Closing the sink closes no file: encoders close what they write to, and the store has still to publish it.
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
        """Take all of *data*."""
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
        """How many bytes were written so far."""
        return self._hashing.size + len(self._pending)

    def finish(self) -> Blob:
        """Write what is pending and name the whole; raises `failure`, should the encoder have gone on after it."""
        if self.failure is not None:
            raise self.failure
        self._drain()
        return self._hashing.blob()

    def binary(self) -> BinaryIO:
        """This sink as the type that encoders ask for; they only ever write to it."""
        return cast("BinaryIO", self)

    def _drain(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, bytearray()
            self._put(memoryview(pending))

    def _put(self, view: memoryview) -> None:
        self._hashing.add(view)
        try:
            while view:  # the system may take less than it was given
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self.failure = unavailable(self._store, error)
            raise self.failure from error


def filled(fd: int, store: str, write: Callable[[BinaryIO], None]) -> Blob:
    """The blob that *write* wrote into the open file *fd* of *store*, which stays open.

    Raises `StoreUnavailableError` where the file refuses; an exception of *write* passes unchanged.
    """
    sink = FileSink(fd, store)
    try:
        write(sink.binary())
        return sink.finish()
    except Exception as error:
        if sink.failure is None or sink.failure is error:
            raise
        raise sink.failure from error  # the encoder had made another of it
