"""Serializer of NumPy arrays in NumPy's `.npy` format, written and read without a copy.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0 or
    later, as needed).
"""

from __future__ import annotations

import io
import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from provenance.util.optional import imported_module

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def is_plain_array(value: object) -> bool:
    """Tell whether *value* is an `ndarray`, perhaps mapped from a file, whose elements hold no pointers."""
    numpy = imported_module("numpy")
    if numpy is None or type(value) not in {numpy.ndarray, numpy.memmap}:
        return False
    dtype: np.dtype[Any] = cast("Any", value).dtype
    return _holds_no_pointers(dtype) and not _has_metadata(dtype)


def dump_array(value: object, sink: BinaryIO) -> None:
    """Write an array.

    Raise TypeError for anything else, also arrays of Python objects and of subclasses.
    """
    import numpy as np

    array = cast("npt.NDArray[Any]", value)
    if not is_plain_array(value):
        raise TypeError(
            f"serializer 'numpy' writes plain arrays of numbers, not {type(array).__qualname__}"
        )
    header = np.lib.format.header_data_from_array_1_0(array)
    try:
        np.lib.format.write_array_header_1_0(sink, header)
    except ValueError:
        # More than 64 KiB of field names need version 2 of the header.
        np.lib.format.write_array_header_2_0(sink, header)
    if array.size:
        sink.write(_bytes_of(array.T if header["fortran_order"] else np.ascontiguousarray(array)))


def load_array(source: BinaryIO, *, mmap_mode: str | None = None) -> object:
    """Read an array.

    Args:
        source: the encoded array.
        mmap_mode: `"r"` (read-only) or `"c"` (copy-on-write) maps the array into memory if *source*
            is a file. Small, compressed and remote values are read, and are read-only with `"r"`.

    Raises:
        ValueError: for any other mode: what is stored must not change; and for a header whose type holds pointers, or that
            asks for more bytes than the file has.
    """
    import numpy as np

    if mmap_mode not in MMAP_MODES:
        raise ValueError(f"mmap_mode must be one of {MMAP_MODES}, got {mmap_mode!r}")
    start = source.read(_START)
    width = 2 if start[6:7] == b"\x01" else 4
    start += source.read(8 + width - _START)
    shape, fortran, dtype = _layout(start + source.read(int.from_bytes(start[8:], "little")))
    wanted, left = math.prod(shape) * dtype.itemsize, _bytes_left(source)
    limit = _LARGEST if left is None else left
    if wanted > limit:
        raise ValueError(
            f"the header asks for {wanted} bytes, more than the {limit} that can follow"
        )
    if mmap_mode is not None and 0 not in shape and _is_file(source):
        import mmap

        access = mmap.ACCESS_READ if mmap_mode == "r" else mmap.ACCESS_COPY
        room = mmap.mmap(source.fileno(), 0, access=access)
        return np.ndarray(shape, dtype, room, source.tell(), order="F" if fortran else "C")
    array: npt.NDArray[Any] = np.empty(shape, dtype, order="F" if fortran else "C")
    if array.size:
        _fill(source, _bytes_of(array.T if fortran else array))
    array.flags.writeable = mmap_mode != "r"
    return array


MMAP_MODES = (None, "r", "c")
"""How an array is read: into memory, mapped read-only, or mapped copy-on-write."""


def _is_file(source: BinaryIO) -> bool:
    """Tell whether *source* is a file itself.

    A reader that decompresses one has its descriptor, too.
    """
    return type(getattr(source, "raw", None)) is io.FileIO


def _bytes_left(source: BinaryIO) -> int | None:
    """Return how many bytes follow; None where finding out would mean to decompress them."""
    if isinstance(source, io.BytesIO):
        return source.getbuffer().nbytes - source.tell()
    return os.fstat(source.fileno()).st_size - source.tell() if _is_file(source) else None


_LARGEST = 1 << 42
"""Bytes that no compressed array takes: more than any machine has room for."""
_START = 10
"""Size of magic string, version and header length in version 1.

Later versions have 2 bytes more.
"""


@lru_cache(maxsize=1_024)
def _layout(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, order and type.

    Cached, as parsing takes longer than reading a small array.
    """
    import numpy as np

    source, npy = io.BytesIO(head), np.lib.format
    is_first = npy.read_magic(source) == (1, 0)
    read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(source)
    if not _holds_no_pointers(dtype):
        raise ValueError(
            f"the header names the type {dtype}, whose elements are pointers; arrays of it are never stored"
        )
    return shape, fortran, dtype


_PLAIN_KINDS = frozenset("biufcmMSUV")
"""Kinds of types whose elements are their bytes: numbers, times, text of a fixed width, and structures of them.

Elements of the others, `O` (Python objects) and `T` (text of any width), are addresses in the memory of a process.
"""


def _holds_no_pointers(dtype: np.dtype[Any]) -> bool:
    """Tell whether the elements of a type, at any depth, are nothing but their bytes."""
    if dtype.hasobject or dtype.kind not in _PLAIN_KINDS:
        return False
    if dtype.subdtype is not None:
        return _holds_no_pointers(dtype.subdtype[0])
    return all(_holds_no_pointers(dtype[name]) for name in dtype.names or ())


def _has_metadata(dtype: np.dtype[Any]) -> bool:
    """Tell whether a type has metadata, titles or records, at any depth, which the format has no place for."""
    if dtype.metadata is not None or (dtype.names is not None and dtype.type.__name__ != "void"):
        return True
    if dtype.subdtype is not None:
        return _has_metadata(dtype.subdtype[0])
    fields: Any = dtype.fields or {}
    names = dtype.names or ()
    return len(fields) > len(names) or any(_has_metadata(dtype[name]) for name in names)


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    """Return the memory of a C-contiguous array as bytes."""
    flat: Any = array.reshape(-1).view("u1")
    return memoryview(flat)


def _fill(source: BinaryIO, room: memoryview) -> None:
    file: Any = source
    readinto = file.readinto
    while room.nbytes:
        got: int = readinto(room)
        if not got:
            raise EOFError(f"the array's data ends {room.nbytes} bytes early")
        room = room[got:]
