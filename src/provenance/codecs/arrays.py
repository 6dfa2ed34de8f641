"""NumPy arrays in NumPy's own `.npy` format, without a copy on the way out or in.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0 or later, as needed).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    import numpy.typing as npt


def is_plain_array(value: object) -> bool:
    """Tell whether *value* is exactly an `ndarray` whose elements are no Python objects."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and not cast("Any", value).dtype.hasobject


def dump_array(value: object, sink: BinaryIO) -> None:
    """Write an array; TypeError for anything else, or an array of Python objects."""
    import numpy as np

    array = cast("npt.NDArray[Any]", value)
    if not isinstance(value, np.ndarray) or array.dtype.hasobject:
        raise TypeError(f"serializer 'numpy' writes arrays of numbers, not {type(array).__qualname__}")
    header = np.lib.format.header_data_from_array_1_0(array)
    try:
        np.lib.format.write_array_header_1_0(sink, header)
    except ValueError:  # more than 64 KiB of field names need the second version of the header
        np.lib.format.write_array_header_2_0(sink, header)
    if array.size:
        sink.write(_bytes_of(array.T if header["fortran_order"] else np.ascontiguousarray(array)))


def load_array(source: BinaryIO) -> object:
    """Read an array."""
    import numpy as np

    version = np.lib.format.read_magic(source)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(source)
    array: npt.NDArray[Any] = np.empty(shape, dtype, order="F" if fortran else "C")
    if array.size:
        _fill(source, _bytes_of(array.T if fortran else array))
    return array


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    """The memory of a C-contiguous array, byte by byte."""
    flat: Any = array.reshape(-1).view("u1")
    return memoryview(flat)


def _fill(source: BinaryIO, room: memoryview) -> None:
    readinto = cast("Any", source).readinto
    while room.nbytes:
        got: int = readinto(room)
        if not got:
            raise EOFError(f"the array's data ends {room.nbytes} bytes early")
        room = room[got:]
