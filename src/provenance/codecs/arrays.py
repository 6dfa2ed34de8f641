"""Serializer of NumPy arrays in NumPy's `.npy` format, written and read without a copy.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0 or
    later, as needed).
"""

from __future__ import annotations

import io
import mmap
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from provenance.codecs.libraries import imported

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def is_plain_array(value: object) -> bool:
    """Tell whether *value* is an `ndarray` or `memmap` whose elements are not Python objects."""
    numpy = imported("numpy")
    if numpy is None or type(value) not in {numpy.ndarray, numpy.memmap}:
        return False
    return not cast("Any", value).dtype.hasobject


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
        ValueError: for any other mode, as what is stored must not change.
    """
    import numpy as np

    if mmap_mode not in MMAP_MODES:
        raise ValueError(f"mmap_mode must be one of {MMAP_MODES}, got {mmap_mode!r}")
    start = source.read(_START)
    width = 2 if start[6:7] == b"\x01" else 4
    start += source.read(8 + width - _START)
    shape, fortran, dtype = _layout(start + source.read(int.from_bytes(start[8:], "little")))
    if mmap_mode is not None and 0 not in shape and _is_file(source):
        room = mmap.mmap(
            source.fileno(), 0, access=mmap.ACCESS_READ if mmap_mode == "r" else mmap.ACCESS_COPY
        )
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


_START = 10
"""Size of magic string, version and header length in version 1.

Later versions have 2 bytes more.
"""


@lru_cache(maxsize=1_024)
def _layout(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, order and type.

    Cached, as parsing takes longer than reading a small array.
    """
    from io import BytesIO

    import numpy as np

    source = BytesIO(head)
    version = np.lib.format.read_magic(source)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    return read_header(source)


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
