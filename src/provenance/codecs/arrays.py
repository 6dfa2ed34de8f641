"""NumPy arrays in NumPy's own `.npy` format, without a copy on the way out or in.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0 or later, as needed).
"""

from __future__ import annotations

import io
import math
import mmap
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from provenance.codecs.libraries import imported

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def is_plain_array(value: object) -> bool:
    """Tell whether *value* is an `ndarray`, perhaps mapped from a file, whose elements hold no pointers."""
    numpy = imported("numpy")
    if numpy is None or type(value) not in {numpy.ndarray, numpy.memmap}:
        return False
    return _holds_no_pointers(cast("Any", value).dtype)


def dump_array(value: object, sink: BinaryIO) -> None:
    """Write an array; TypeError for anything else: an array of Python objects, or of a subclass, which has more to it."""
    import numpy as np

    array = cast("npt.NDArray[Any]", value)
    if not is_plain_array(value):
        raise TypeError(f"serializer 'numpy' writes plain arrays of numbers, not {type(array).__qualname__}")
    header = np.lib.format.header_data_from_array_1_0(array)
    try:
        np.lib.format.write_array_header_1_0(sink, header)
    except ValueError:  # more than 64 KiB of field names need the second version of the header
        np.lib.format.write_array_header_2_0(sink, header)
    if array.size:
        sink.write(_bytes_of(array.T if header["fortran_order"] else np.ascontiguousarray(array)))


def load_array(source: BinaryIO, *, mmap_mode: str | None = None) -> object:
    """Read an array; *mmap_mode* `"r"` (read-only) or `"c"` (changes stay here) maps it where *source* is a file.

    What is no file, because it is small, compressed or in another kind of store, is read; `"r"` makes it read-only too.

    Raises:
        ValueError: for any other mode: what is stored must not change; and for a header whose type holds pointers, or that
            asks for more bytes than the file has.
    """
    import numpy as np

    if mmap_mode not in MMAP_MODES:
        raise ValueError(f"mmap_mode {mmap_mode!r} is none of {MMAP_MODES}")
    start = source.read(_START)
    width = 2 if start[6:7] == b"\x01" else 4
    start += source.read(8 + width - _START)
    shape, fortran, dtype = _layout(start + source.read(int.from_bytes(start[8:], "little")))
    wanted, left = math.prod(shape) * dtype.itemsize, _bytes_left(source)
    limit = _LARGEST if left is None else left
    if wanted > limit:
        raise ValueError(f"the header asks for {wanted} bytes, more than the {limit} that can follow")
    if mmap_mode is not None and 0 not in shape and _is_file(source):
        room = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ if mmap_mode == "r" else mmap.ACCESS_COPY)
        return np.ndarray(shape, dtype, room, source.tell(), order="F" if fortran else "C")
    array: npt.NDArray[Any] = np.empty(shape, dtype, order="F" if fortran else "C")
    if array.size:
        _fill(source, _bytes_of(array.T if fortran else array))
    array.flags.writeable = mmap_mode != "r"
    return array


MMAP_MODES = (None, "r", "c")
"""How an array may be read: into memory, mapped to be looked at, or mapped with changes that nobody else sees."""


def _is_file(source: BinaryIO) -> bool:
    """Tell whether *source* is a file itself, and does not just know the descriptor of what it decompresses."""
    return type(getattr(source, "raw", None)) is io.FileIO


def _bytes_left(source: BinaryIO) -> int | None:
    """Return how many bytes follow; None where finding out would mean to decompress them."""
    if isinstance(source, io.BytesIO):
        return source.getbuffer().nbytes - source.tell()
    return os.fstat(source.fileno()).st_size - source.tell() if _is_file(source) else None


_LARGEST = 1 << 42
"""Bytes that no compressed array takes: more than any machine has room for."""
_START = 10
"""Bytes of the magic string, the version and, in version 1, the header's length; in later ones that takes 2 more."""


@lru_cache(maxsize=1_024)
def _layout(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type by the head of a file: parsing takes longer than reading small arrays, and heads recur."""
    from io import BytesIO

    import numpy as np

    source = BytesIO(head)
    version = np.lib.format.read_magic(source)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
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


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    """The memory of a C-contiguous array, byte by byte."""
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
