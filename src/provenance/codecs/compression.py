"""Compression of what a serializer writes, as a standard zstd or LZ4 frame; what would not shrink stays as it is.

The first block decides: a part of it is compressed on trial, and where that does not pay, all goes through untouched. A
reader tells the two apart by the frame's first bytes, so what begins with those by itself is always put into a frame.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast

from attrs import frozen

from provenance.codecs.libraries import needed

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK: Final = 1 << 16
"""Bytes that are gathered before it is decided whether to compress."""
_TRIAL: Final = 1 << 14
"""Bytes at the end of these on which compression is tried: at the beginning are headers."""
_TINY: Final = 1 << 10
"""Fewer bytes are left as they are: a file takes a whole block of the disk anyway."""
_PAYS: Final = 0.9
"""What a compressed block may take of the space it took before, for the work of reading it to be worth it."""
_PIECE: Final = 1 << 20


class _Compressor(Protocol):
    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


@frozen
class _Codec:
    """A standard frame: its first bytes, how large one gets, what writes one, and what reads one."""

    magic: bytes
    size: Callable[[memoryview], int]
    compressor: Callable[[], _Compressor]
    reader: Callable[[BinaryIO], io.RawIOBase]


def _zstd_size(data: memoryview) -> int:
    """At the quickest level; making a compressor takes longer than such a trial, so that each thread keeps one."""
    compress = getattr(_kept, "compress", None)
    if compress is None:
        compressor = _zstd().ZstdCompressor(level=1)
        compress = _kept.compress = compressor.compress if hasattr(compressor, "compressobj") else _zstd().compress
    return len(compress(data))


_kept = threading.local()


def _zstd_compressor() -> _Compressor:
    module = _zstd()
    compressor = module.ZstdCompressor()
    begun: _Compressor = compressor.compressobj() if hasattr(compressor, "compressobj") else compressor
    return begun


def _zstd_reader(source: BinaryIO) -> io.RawIOBase:
    module = _zstd()
    of_python = hasattr(module, "ZstdFile")
    opened: io.RawIOBase = module.ZstdFile(source) if of_python else module.ZstdDecompressor().stream_reader(source)
    return opened


def _zstd() -> Any:  # noqa: ANN401 - two modules that are alike in part
    if sys.version_info >= (3, 14):
        return needed("compression.zstd", "compression 'zstd'", "zstd")
    return needed("zstandard", "compression 'zstd'", "zstd")


def _lz4_size(data: memoryview) -> int:
    return len(needed("lz4.frame", "compression 'lz4'", "lz4").compress(data))


class _Lz4Compressor:
    def __init__(self) -> None:
        self._frame: Any = needed("lz4.frame", "compression 'lz4'", "lz4").LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: memoryview, /) -> bytes:
        head: bytes = b"" if self._begun else self._frame.begin()
        self._begun = True
        return head + cast("bytes", self._frame.compress(data))

    def flush(self) -> bytes:
        return cast("bytes", self._frame.flush())


def _lz4_reader(source: BinaryIO) -> io.RawIOBase:
    opened: io.RawIOBase = needed("lz4.frame", "compression 'lz4'", "lz4").LZ4FrameFile(source)
    return opened


_CODECS: Final[Mapping[str, _Codec]] = {
    "zstd": _Codec(b"\x28\xb5\x2f\xfd", _zstd_size, _zstd_compressor, _zstd_reader),
    "lz4": _Codec(b"\x04\x22\x4d\x18", _lz4_size, _Lz4Compressor, _lz4_reader),
}
COMPRESSIONS: Final = (None, *_CODECS)
"""The names of what there is; None leaves the bytes as they are."""


def check_available(name: object) -> None:
    """See whether a compression can be used here; raises `MissingLibraryError` if not. Unknown ones are passed over."""
    if isinstance(name, str) and name in _CODECS:
        _CODECS[name].compressor()


class Compressing(io.RawIOBase):
    """A sink before *sink* that compresses if the first block shows that it pays; `finish` writes what is pending.

    Closing it does nothing, for encoders close what they write to.
    """

    def __init__(self, sink: BinaryIO, name: str) -> None:
        super().__init__()
        self._sink = sink
        self._codec = _CODECS[name]
        self._first = bytearray()
        self._decided = False
        self._compressor: _Compressor | None = None
        self._size = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of *data*."""
        given = memoryview(data)
        view = given.cast("B") if given.c_contiguous else memoryview(given.tobytes())
        self._size += view.nbytes
        if not self._decided:
            view = self._gather(view)
        self._put(view)
        return given.nbytes

    def tell(self) -> int:
        """How many bytes were written so far, as the encoder counts."""
        return self._size

    def close(self) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Write what is pending."""
        if not self._decided:
            self._decide(memoryview(self._first))
        if self._compressor is not None:
            self._sink.write(self._compressor.flush())

    def binary(self) -> BinaryIO:
        """This sink as the type that encoders ask for; they only ever write to it."""
        return cast("BinaryIO", self)

    def _gather(self, view: memoryview) -> memoryview:
        """Keep *view* until there is a block, or decide by it if it is one itself: then it is not copied."""
        if len(view) >= _BLOCK:
            self._decide(view[:_BLOCK])
            return view
        self._first += view
        if len(self._first) >= _BLOCK:
            self._decide(memoryview(self._first))
        return view[:0]

    def _decide(self, block: memoryview) -> None:
        self._decided = True
        first, self._first = self._first, bytearray()
        head = bytes(first[: len(self._codec.magic)]) + bytes(block[: len(self._codec.magic)])
        if head.startswith(self._codec.magic) or self._shrinks(block):
            self._compressor = self._codec.compressor()
        self._put(memoryview(first))

    def _shrinks(self, block: memoryview) -> bool:
        if len(block) < _TINY:
            return False
        part = block[-_TRIAL:]
        return self._codec.size(part) < _PAYS * len(part)

    def _put(self, view: memoryview) -> None:
        if self._compressor is None:
            if view:
                self._sink.write(view)
            return
        for at in range(0, len(view), _PIECE):
            self._sink.write(self._compressor.compress(view[at : at + _PIECE]))


def decompressed(source: BinaryIO, name: str, *, in_order: bool) -> BinaryIO:
    """What was written through `Compressing`; a reader that does not read *in_order* gets all of it in memory.

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
    reader = io.BufferedReader(codec.reader(source), _BLOCK)
    return cast("BinaryIO", reader) if in_order else io.BytesIO(reader.read())
