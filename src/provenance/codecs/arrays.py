"""NumPy arrays in NumPy's own `.npy` format, without a copy on the way out or in.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0 or later, as needed).
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    import numpy as np
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

    start = source.read(_START)
    width = 2 if start[6:7] == b"\x01" else 4
    start += source.read(8 + width - _START)
    shape, fortran, dtype = _layout(start + source.read(int.from_bytes(start[8:], "little")))
    array: npt.NDArray[Any] = np.empty(shape, dtype, order="F" if fortran else "C")
    if array.size:
        _fill(source, _bytes_of(array.T if fortran else array))
    return array


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
    return read_header(source)


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
