"""Hashes of NumPy arrays, scalars and columns of strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np

from provenance.hashing.attributes import attributes_beside
from provenance.hashing.containers import TUPLE, with_attributes
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.objects import reduced_item
from provenance.hashing.registry import exact, inherited, name_of, type_name
from provenance.hashing.walk import UnhashablePart, Walk

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_ARRAY, _OBJECTS, _RECORDS = map(prefix, ("ndarray", "ndarray of objects", "ndarray of records"))
_SUBCLASS, _MASKED, _SCALAR = map(prefix, ("ndarray subclass", "masked array", "numpy scalar"))
_DTYPE, _GENERATOR, _UFUNC = map(prefix, ("dtype", "numpy generator", "ufunc"))
_SEED = prefix("numpy seed")
_SHARED: Final[object] = getattr(np.random.mtrand, "_rand")  # noqa: B009 - no public name
_PIECE = 1 << 24
"""Number of bytes that are made contiguous at a time."""
_UNTITLED: Final = 2
"""Number of facts about a field without a title: its dtype and its place."""
_PADDED: Final = frozenset("gG")
"""Type codes of long doubles, which take more bytes in memory than they use."""


@exact(np.ndarray, np.memmap)
def array_item(value: Array, walk: Walk) -> Item:
    """Return the item of an array: dtype, shape and elements in C order."""
    kind = value.dtype
    shape = node(TUPLE, value.shape)
    if kind.names is not None:
        fields = [(name, array_item(np.asarray(value[name]), walk)) for name in kind.names]
        item: Item = node(_RECORDS, (shape, *chain.from_iterable(fields)))
        titles = _titles(kind)
        item = with_attributes(item, {"titles": titles} if titles else {}, walk)
        return item if kind.metadata is None else _with_metadata(item, kind, walk)
    if kind.hasobject or kind.char == "T":
        item = node(_OBJECTS, (_dtype_name(kind), shape, walk.item(value.ravel().tolist())))
        return item if kind.metadata is None else _with_metadata(item, kind, walk)
    item = node(_ARRAY, (_dtype_name(kind), shape, bytes_item(value)))
    return item if kind.metadata is None else _with_metadata(item, kind, walk)


def _with_metadata(item: Item, kind: np.dtype[Any], walk: Walk) -> Item:
    return with_attributes(item, {"metadata": dict(kind.metadata or {})}, walk)


def _titles(kind: np.dtype[Any]) -> dict[str, object]:
    """Return the titles of the fields of a dtype that have one."""
    fields: Any = kind.fields
    return {name: fields[name][2] for name in kind.names or () if len(fields[name]) > _UNTITLED}


def bytes_item(value: Array) -> Item:
    """Return the item of the elements' bytes in C order; at most one piece is copied at a time."""
    return array_bytes(value).item()


def array_bytes(value: Array) -> Buffer:
    """Return the elements' bytes in C order, as `bytes_item` does."""
    if value.dtype.char in _PADDED:
        value = _without_padding(value)
    if value.flags.c_contiguous:
        return Buffer(_bytes(value))
    buffer = Buffer()
    for piece in _pieces(value):
        buffer.add(_bytes(np.ascontiguousarray(piece)))
    return buffer


def _bytes(value: Array) -> memoryview | bytes:
    return value.reshape(-1).view(np.uint8).data if value.nbytes else b""


def _pieces(value: Array) -> Iterator[Array]:
    """Yield consecutive parts of *value* in C order, each of bounded size."""
    if value.nbytes <= _PIECE or value.ndim == 0:
        yield value
        return
    rows = max(1, _PIECE * len(value) // value.nbytes)
    for start in range(0, len(value), rows):
        part = value[start : start + rows]
        if rows == 1 and part.nbytes > _PIECE:
            yield from _pieces(part[0])
        else:
            yield part


def _without_padding(value: Array) -> Array:
    real = (
        value.view(np.dtype("g").newbyteorder(value.dtype.byteorder))
        if value.dtype.char == "G"
        else value
    )
    mantissa, exponent = np.frexp(real)
    high = mantissa.astype(np.float64)
    return np.stack(
        [high, (mantissa - high).astype(np.float64), exponent.astype(np.float64)], axis=-1
    )


def _dtype_name(kind: np.dtype[Any]) -> str:
    return "StringDType" if kind.char == "T" else kind.str


@inherited(np.ndarray)
def _subclass(value: Array, walk: Walk) -> Item:
    kind = type(value)
    # A subclass that pickles itself may keep state that its attributes do not show, such as a unit.
    if (
        kind.__reduce__ is not np.ndarray.__reduce__
        or kind.__reduce_ex__ is not np.ndarray.__reduce_ex__
    ):
        return reduced_item(value, walk)
    state = attributes_beside(value)
    return node(_SUBCLASS, (type_name(kind), walk.item(state), array_item(np.asarray(value), walk)))


@inherited(np.ma.MaskedArray, "numpy.ma:MaskedArray", "numpy.ma.core:MaskedArray")
def _masked(value: np.ma.MaskedArray[Any, Any], walk: Walk) -> Item:
    # Masked elements do not count.
    mask = np.ma.getmaskarray(value)
    data = np.array(np.ma.getdata(value))
    _fill_with_zeros(data, mask)
    parts = (array_item(data, walk), array_item(mask, walk), walk.item(value.fill_value))
    item = with_attributes(node(_MASKED, parts), attributes_beside(value), walk)
    kind = type(value)
    return item if kind is np.ma.MaskedArray else node(_SUBCLASS, (type_name(kind), item))


def _fill_with_zeros(data: Array, mask: Array) -> None:
    if data.dtype.names is None:
        data[mask] = np.zeros((), data.dtype)
    for name in data.dtype.names or ():
        _fill_with_zeros(data[name], mask[name])


@inherited(np.generic)
def _scalar(value: np.generic, walk: Walk) -> Item:
    return node(_SCALAR, (name_of(value), array_item(np.asarray(value), walk)))


@inherited(np.dtype)
def _dtype(value: np.dtype[Any], walk: Walk) -> Item:
    if value.names is None and value.subdtype is None:
        return node(_DTYPE, (_dtype_name(value), walk.item(dict(value.metadata or {}))))
    fields: Any = value.fields
    layout: Any = value.subdtype or [(name, *fields[name]) for name in value.names or ()]
    item = node(_DTYPE, (value.itemsize, walk.item(layout)))
    return item if value.metadata is None else _with_metadata(item, value, walk)


@inherited(np.random.RandomState, np.random.Generator, np.random.BitGenerator)
def _generator(value: Any, walk: Walk) -> Item:
    # The state determines what a generator yields next.
    if isinstance(value, np.random.Generator):
        return node(_GENERATOR, (name_of(value), walk.item(value.bit_generator)))
    if value is _SHARED:
        # The generator of the whole process does not belong to a value that refers to it.
        return node(_GENERATOR, (name_of(value), "shared"))
    if isinstance(value, np.random.RandomState):
        return node(_GENERATOR, (name_of(value), walk.item(value.get_state(legacy=False))))
    # `spawn` draws from the seed and counts what it spawned.
    return node(_GENERATOR, (name_of(value), *walk.items((value.state, value.seed_seq))))


@exact(np.random.SeedSequence)
def _seed(value: np.random.SeedSequence, walk: Walk) -> Item:
    return node(_SEED, (walk.item(value.state),))


@exact(np.finfo, np.iinfo)
def _limits(value: Any, walk: Walk) -> Item:
    # Its attributes are computed when they are read.
    return node(_LIMITS, (name_of(value), walk.item(value.dtype)))


@exact(np.ufunc)
def _ufunc(value: np.ufunc, walk: Walk) -> Item:
    if value.__name__.endswith("(vectorized)"):
        raise UnhashablePart("a ufunc made from a Python function does not expose that function")
    return node(_UFUNC, (value.__name__, walk.item(list(value.types))))


_STRINGS, _LIMITS = map(prefix, ("strings", "limits"))


def strings_item(count: int, ends: Any, missing: Any, text: Buffer) -> Item:
    """Return the item of *count* strings, given their ends in the joined *text*."""
    offsets, mask = bytes_item(np.asarray(ends, "<i8")), bytes_item(np.asarray(missing, "|b1"))
    return node(_STRINGS, (count, offsets, mask, text.item()))


def python_strings(values: Iterable[object]) -> Item:
    """Return the item of a column of strings; other values count as missing."""
    texts = list(values)
    encoded = [
        text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b"" for text in texts
    ]
    ends = np.cumsum([len(text) for text in encoded], dtype="<i8")
    missing = [not isinstance(text, str) for text in texts]
    return strings_item(len(texts), ends, missing, Buffer(b"".join(encoded)))
