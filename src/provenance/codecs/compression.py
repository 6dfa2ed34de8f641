"""Compression of a serializer's output as a standard zstd or LZ4 frame, if that makes it smaller.

A part of the first block is compressed as a trial. If that does not save enough, everything passes
through uncompressed. A reader recognizes a frame by its magic number, so that output which begins
with the magic number itself is always compressed.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast

from attrs import frozen

from provenance.codecs.limits import limited
from provenance.util.optional import require_library

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK: Final = 1 << 16
"""Bytes that are buffered before deciding whether to compress."""
_TRIAL: Final = 1 << 14
"""Bytes at the end of the block that are compressed as a trial; the beginning holds headers."""
_TINY: Final = 1 << 10
"""Output below this size is not compressed: a file takes a whole block of the disk anyway."""
_PAYS: Final = 0.9
"""Largest ratio of compressed to plain size that is worth the work of decompression."""
_PIECE: Final = 1 << 20


class _Compressor(Protocol):
    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


@frozen
class _Codec:
    """A frame format: its magic number, and functions to measure, write and read a frame."""

    magic: bytes
    size: Callable[[memoryview], int]
    compressor: Callable[[], _Compressor]
    reader: Callable[[BinaryIO], io.RawIOBase]


def _zstd_size(data: memoryview) -> int:
    # Creating a compressor takes longer than a trial, so each thread keeps one.
    compress = getattr(_zstd_cache, "compress", None)
    if compress is None:
        compressor = _zstd().ZstdCompressor(level=1)
        compress = _zstd_cache.compress = (
            compressor.compress if hasattr(compressor, "compressobj") else _zstd().compress
        )
    return len(compress(data))


_zstd_cache = threading.local()


def _zstd_compressor() -> _Compressor:
    module = _zstd()
    compressor = module.ZstdCompressor()
    begun: _Compressor = (
        compressor.compressobj() if hasattr(compressor, "compressobj") else compressor
    )
    return begun


def _zstd_reader(source: BinaryIO) -> io.RawIOBase:
    module = _zstd()
    of_python = hasattr(module, "ZstdFile")
    opened: io.RawIOBase = (
        module.ZstdFile(source) if of_python else module.ZstdDecompressor().stream_reader(source)
    )
    return opened


def _zstd() -> Any:  # noqa: ANN401 - two similar modules
    if sys.version_info >= (3, 14):
        return require_library("compression.zstd", "compression 'zstd'")
    return require_library("zstandard", "compression 'zstd'")


def _lz4() -> Any:  # noqa: ANN401 - lz4 has no types
    return require_library("lz4.frame", "compression 'lz4'")


def _lz4_size(data: memoryview) -> int:
    return len(_lz4().compress(data))


class _Lz4Compressor:
    def __init__(self) -> None:
        self._frame: Any = _lz4().LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: memoryview, /) -> bytes:
        head: bytes = b"" if self._begun else self._frame.begin()
        self._begun = True
        return head + cast("bytes", self._frame.compress(data))

    def flush(self) -> bytes:
        return cast("bytes", self._frame.flush())


def _lz4_reader(source: BinaryIO) -> io.RawIOBase:
    opened: io.RawIOBase = _lz4().LZ4FrameFile(source)
    return opened


_CODECS: Final[Mapping[str, _Codec]] = {
    "zstd": _Codec(b"\x28\xb5\x2f\xfd", _zstd_size, _zstd_compressor, _zstd_reader),
    "lz4": _Codec(b"\x04\x22\x4d\x18", _lz4_size, _Lz4Compressor, _lz4_reader),
}
COMPRESSIONS: Final = (None, *_CODECS)
"""Names of the compressions; None means no compression."""


def check_available(name: object) -> None:
    """Raise `MissingLibraryError` if the library of a compression is not installed.

    Unknown names pass.
    """
    if isinstance(name, str) and name in _CODECS:
        _CODECS[name].compressor()


class PassingSink(io.RawIOBase):
    """A sink that passes on to *sink* what is written.

    `close` does nothing, as encoders close what they write to.
    """

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self._sink = sink
        self._size = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of *data*."""
        whole = memoryview(data)
        self._size += whole.nbytes
        try:
            view = whole.cast("B")
        except (TypeError, ValueError):
            # It is not contiguous, is empty with several axes, or is not of native numbers.
            view = memoryview(whole.tobytes())
        self._take(view)
        return whole.nbytes

    def _take(self, view: memoryview) -> None:
        self._sink.write(view)

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._size

    def close(self) -> None:
        """Do nothing."""

    def binary(self) -> BinaryIO:
        """Return this sink with the type that encoders expect; they only write to it."""
        return cast("BinaryIO", self)


class CompressingWriter(PassingSink):
    """A sink that compresses into *sink* if the first block shrinks.

    `finish` writes what is pending.
    """

    def __init__(self, sink: BinaryIO, name: str) -> None:
        super().__init__(sink)
        self._codec = _CODECS[name]
        self._first = bytearray()
        self._decided = False
        self._compressor: _Compressor | None = None

    def _take(self, view: memoryview) -> None:
        if self._decided:
            self._put(view)
        elif len(view) >= _BLOCK:
            # A whole block is not copied into the buffer.
            self._decide(view[:_BLOCK])
            self._put(view)
        else:
            self._first += view
            if len(self._first) >= _BLOCK:
                self._decide(memoryview(self._first))

    def finish(self) -> None:
        """Write what is pending."""
        if not self._decided:
            self._decide(memoryview(self._first))
        if self._compressor is not None:
            self._sink.write(self._compressor.flush())

    def _decide(self, block: memoryview) -> None:
        self._decided = True
        first, self._first = self._first, bytearray()
        magic = self._codec.magic
        head = bytes(first[: len(magic)]) + bytes(block[: len(magic)])
        sample = block[-_TRIAL:]
        if head.startswith(magic) or (
            len(block) >= _TINY and self._codec.size(sample) < _PAYS * len(sample)
        ):
            self._compressor = self._codec.compressor()
        self._put(memoryview(first))

    def _put(self, view: memoryview) -> None:
        if self._compressor is None:
            if view:
                self._sink.write(view)
            return
        for start in range(0, len(view), _PIECE):
            self._sink.write(self._compressor.compress(view[start : start + _PIECE]))


def open_decompressed(source: BinaryIO, name: str, *, in_order: bool) -> BinaryIO:
    """Return what was written through `CompressingWriter`; a reader that does not read *in_order* gets all of it in memory.

    Raises:
        ValueError: for an unknown compression, which only a forged or damaged record names.
    """
    if name not in COMPRESSIONS:
        raise ValueError(f"unknown compression {name!r}; use one of {COMPRESSIONS}")
    codec = _CODECS[name]
    head = source.read(len(codec.magic))
    source.seek(0)
    if head != codec.magic:
        return source
    reader = io.BufferedReader(limited(codec.reader(source)), _BLOCK)
    return cast("BinaryIO", reader) if in_order else io.BytesIO(reader.read())
