"""Hashes of NumPy arrays, scalars and columns of strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias, cast

import numpy as np

from provenance.hashing.attributes import attributes_beside
from provenance.hashing.containers import with_attributes
from provenance.hashing.encoding import SMALL_BUFFER, Buffer, Item, node, nodes, prefix
from provenance.hashing.objects import reduced_item
from provenance.hashing.registry import Batch, batch, exact, inherited, name_of, type_name
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
_OTHERS: Final = 2
"""What NumPy says of dtypes that it does not have itself."""
_SIMPLE: Final = frozenset("?bhilqpBHILQPefdFDSUMm")
"""Type codes of elements that are their bytes."""
_PADDED: Final = frozenset("gG")
"""Type codes of long doubles, which take more bytes in memory than they use."""


@exact(np.ndarray, np.memmap)
def array_item(value: Array, walk: Walk) -> Item:
    """Return the item of an array: dtype, shape and elements in C order."""
    simple = _simple_items(value)
    if simple is not None:
        return node(_ARRAY, simple)
    kind, shape = value.dtype, value.shape
    if kind.names is not None:
        fields = [(name, array_item(np.asarray(value[name]), walk)) for name in kind.names]
        item: Item = node(_RECORDS, (*shape, *chain.from_iterable(fields)))
        titles = _titles(kind)
        named: dict[str, object] = {"titles": titles} if titles else {}
        item = with_attributes(item, named | _element_type(kind), walk)
    elif kind.hasobject or _code(kind) == "T":
        item = node(_OBJECTS, (_dtype_name(kind), *shape, walk.item(value.ravel().tolist())))
    else:
        item = node(_ARRAY, (_dtype_name(kind), *shape, bytes_item(value)))
    facts = _beside_name(kind)
    if kind.metadata is not None:
        facts["metadata"] = dict(kind.metadata)
    return with_attributes(item, facts, walk)


@batch(np.ndarray)
def _arrays(values: Sequence[Array], _: Walk) -> Sequence[Item] | None:
    rows = [items for items in map(_simple_items, values) if items is not None]
    return nodes(_ARRAY, rows) if len(rows) == len(values) else None


def _simple_items(value: Array | np.generic) -> tuple[Item, ...] | None:
    """Return the items of the node of an array whose dtype says all about its elements; else None."""
    kind = value.dtype
    if kind.char not in _SIMPLE or kind.metadata is not None or kind.isbuiltin == _OTHERS:
        return None
    few = value.nbytes <= SMALL_BUFFER
    return (kind.str, *value.shape, value.tobytes() if few else bytes_item(np.asarray(value)))


def _beside_name(kind: Any) -> dict[str, object]:
    """Return what a dtype of strings of any length is besides its name; usually nothing."""
    if _code(kind) != "T":
        return {}
    facts: dict[str, object] = {} if kind.coerce else {"coerce": False}
    return {**facts, "na_object": kind.na_object} if hasattr(kind, "na_object") else facts


def _titles(kind: np.dtype[Any]) -> dict[str, object]:
    """Return the titles of the fields of a dtype that have one."""
    fields: Any = kind.fields
    return {name: fields[name][2] for name in kind.names or () if len(fields[name]) > _UNTITLED}


def _element_type(kind: np.dtype[Any]) -> dict[str, object]:
    """Return the type of the elements of a structured dtype, if it is not the usual one but `np.record`."""
    return {} if kind.type is np.void else {"elements": type_name(kind.type)}


def bytes_item(value: Array) -> Item:
    """Return the item of the elements' bytes in C order; at most one piece is copied at a time."""
    if _code(value.dtype) in _PADDED:
        value = _without_padding(value)
    if value.flags.c_contiguous:
        return Buffer(elements(value)).item()
    buffer = Buffer()
    for piece in _pieces(value):
        buffer.add(elements(np.ascontiguousarray(piece)))
    return buffer.item()


def elements(value: Array) -> memoryview | bytes:
    """Return the bytes of a contiguous array, without a copy."""
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
    # A complex number is two real ones.
    real = np.dtype("g").newbyteorder(value.dtype.byteorder)
    mantissa, exponent = np.frexp(value.view(real) if value.dtype.char == "G" else value)
    high = mantissa.astype(np.float64)
    parts = (high, mantissa - high, exponent)
    return np.stack([part.astype(np.float64) for part in parts], axis=-1)


def _dtype_name(kind: np.dtype[Any]) -> str:
    # Types of other libraries share the names that NumPy has for them.
    plain = kind.str if kind.isbuiltin != _OTHERS else f"{kind.str} {type_name(kind.type)}"
    return "StringDType" if _code(kind) == "T" else plain


def _code(kind: np.dtype[Any]) -> str:
    """Return the type code of a dtype; empty for those of other libraries, which share codes with NumPy's."""
    return "" if kind.isbuiltin == _OTHERS else kind.char


@inherited(np.ndarray)
def _subclass(value: Array, walk: Walk) -> Item:
    kind = type(value)
    # A subclass that pickles itself may keep state that its attributes do not show, such as a unit.
    usual = (np.ndarray.__reduce__, np.ndarray.__reduce_ex__)
    if (kind.__reduce__, kind.__reduce_ex__) != usual:
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
    content = _simple_items(value) or (array_item(np.asarray(value), walk),)
    return node(_SCALAR, (name_of(value), *content))


def _scalars_of(type_: type[np.generic]) -> Batch:
    head = (type_name(type_),)
    return lambda values, _: nodes(
        _SCALAR, [head + cast("Any", _simple_items(value)) for value in values]
    )


for _type in {np.dtype(code).type for code in _SIMPLE}:
    exact(_type)(_scalar)
    batch(_type)(_scalars_of(_type))


@inherited(np.dtype)
def _dtype(value: np.dtype[Any], walk: Walk) -> Item:
    if value.names is None and value.subdtype is None:
        item = node(_DTYPE, (_dtype_name(value), walk.item(dict(value.metadata or {}))))
        return with_attributes(item, _beside_name(value), walk)
    fields: Any = value.fields
    layout: Any = value.subdtype or [(name, *fields[name]) for name in value.names or ()]
    item = node(_DTYPE, (value.itemsize, walk.item(layout)))
    facts = _element_type(value) if value.names is not None else {}
    if value.metadata is not None:
        facts["metadata"] = dict(value.metadata)
    return with_attributes(item, facts, walk)


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


class Strings:
    """A column of strings that arrives in pieces: the ends of all in the joined text, which are missing, the text."""

    def __init__(self) -> None:
        self._count = self._size = 0
        self._ends, self._missing, self._text = Buffer(), Buffer(), Buffer()

    def add(self, ends: Any, missing: Any, text: bytes | memoryview) -> None:
        """Append strings, given their ends in the joined *text* and which of them are missing."""
        self._ends.add(elements(np.asarray(ends + self._size, "<i8")))
        self._missing.add(elements(np.asarray(missing, "|b1")))
        self._text.add(text)
        self._count += len(ends)
        self._size += len(text)

    def item(self) -> Item:
        """Return the item of the whole column."""
        parts = (self._ends.item(), self._missing.item(), self._text.item())
        return node(_STRINGS, (self._count, *parts))


def python_strings(values: Iterable[object]) -> Item:
    """Return the item of a column of strings; other values count as missing."""
    texts = list(values)
    encoded = [
        text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b"" for text in texts
    ]
    ends = np.cumsum([len(text) for text in encoded], dtype="<i8")
    column = Strings()
    column.add(ends, [not isinstance(text, str) for text in texts], b"".join(encoded))
    return column.item()
