"""The parts of a value under readable names, for explanations of hashes (not for hashing)."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from types import FunctionType, MappingProxyType, MethodType
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from provenance.codecs.libraries import imported
from provenance.hashing import hash_value
from provenance.hashing.objects import attributes
from provenance.proxy import unwrap
from provenance.showing import shape_of, shown

_MAPPINGS: Final = (dict, OrderedDict, Counter, defaultdict, MappingProxyType)
_CONTAINERS: Final = (list, tuple, set, frozenset, dict, deque)
_SHORT: Final = 60
_Table: TypeAlias = Any
"""An array or table of a library that may be missing."""


@frozen(eq=False)
class Part:
    """A part of a value.

    Attributes:
        step: The path from the value to the part, in the syntax of Python.
        value: The part itself.
        key: Identifies the corresponding part of another value.
        governs: Whether the parts after it are comparable only if this one is equal.
    """

    step: str
    value: object
    key: object
    governs: bool = False


def parts(value: object) -> Iterator[Part]:
    """Yield the parts of *value*; none if it has no parts.

    >>> [part.step for part in parts({"a": 1, "b": [2]})]
    ["['a']", "['b']"]
    """
    value = unwrap(value)
    split = _BY_TYPE.get(type(value)) or _of_library(value)
    if split is not None:
        yield from split(value)
    elif issubclass(type(value), tuple) and hasattr(value, "_fields"):
        named = cast("Any", value)
        yield from _named(zip(named._fields, named, strict=True))
    elif not isinstance(value, type):
        yield from _named((attributes(value) or {}).items())


def summary(value: object) -> str:
    """Return a short text that shows *value* or describes it.

    >>> summary(3), summary([1] * 100)
    ('3', 'a list of 100')
    """
    value = unwrap(value)
    if value is None or isinstance(value, bool | int | float | complex):
        return shortened(value)
    if isinstance(value, str | bytes):
        return shortened(value[:_SHORT])
    shape = shape_of(value)
    if shape is not None:
        return f"{_kind(value)} of shape {shown(shape)}" if shape else shortened(value)
    if isinstance(value, _CONTAINERS):
        return f"{_kind(cast('object', value))} of {len(cast('Sized', value))}"
    return _kind(value)


def shortened(value: object) -> str:
    """Return the `repr` of *value*, shortened if it is long."""
    if isinstance(value, int) and value.bit_length() > 4 * _SHORT:
        return f"an int of {value.bit_length()} bits"
    text = shown(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _kind(value: object) -> str:
    name = type(value).__qualname__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _named(pairs: Iterable[tuple[str, object]]) -> Iterator[Part]:
    for name, value in pairs:
        yield Part(f".{name}", value, name)


def _numbered(values: Iterable[object]) -> Iterator[Part]:
    for number, value in enumerate(values):
        yield Part(f"[{number}]", value, number)


def _entries(value: Mapping[Any, object]) -> Iterator[Part]:
    if isinstance(value, defaultdict):
        yield Part(".default_factory", value.default_factory, None)
    for key, content in value.items():
        yield Part(f"[{shortened(unwrap(key))}]", content, hash_value(key))


def _members(value: Iterable[object]) -> Iterator[Part]:
    for member in value:
        yield Part(f".member({shortened(unwrap(member))})", member, hash_value(member))


def _deque(value: deque[object]) -> Iterator[Part]:
    yield Part(".maxlen", value.maxlen, "maxlen")
    yield from _numbered(value)


def _function(value: FunctionType) -> Iterator[Part]:
    names = ("__code__", "__defaults__", "__kwdefaults__")
    yield from _named((name, getattr(value, name)) for name in names)
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        # The cell of a variable without a value is empty.
        if cell != type(cell)():
            yield Part(f".__closure__[{name!r}]", cell.cell_contents, name)


def _by_attributes(*names: str) -> Callable[[Any], Iterator[Part]]:
    return lambda value: _named([(name, getattr(value, name)) for name in names])


_BY_TYPE: Final[dict[type, Callable[[Any], Iterator[Part]]]] = {
    list: _numbered,
    tuple: _numbered,
    set: _members,
    frozenset: _members,
    deque: _deque,
    ChainMap: _by_attributes("maps"),
    FunctionType: _function,
    partial: _by_attributes("func", "args", "keywords"),
    MethodType: _by_attributes("__func__", "__self__"),
    **dict.fromkeys(_MAPPINGS, _entries),
}


def _of_library(value: object) -> Callable[[Any], Iterator[Part]] | None:
    """Return what splits arrays and tables, if the process has imported their library."""
    numpy, pandas = imported("numpy"), imported("pandas")
    if numpy is not None and type(value) is numpy.ndarray:
        return _array
    if pandas is None:
        return None
    if isinstance(value, pandas.DataFrame):
        return _frame
    if isinstance(value, pandas.Series):
        return _by_attributes("name", "index", "array")
    is_column = isinstance(value, pandas.Index | pandas.api.extensions.ExtensionArray)
    return _column if is_column else None


def _array(value: _Table) -> Iterator[Part]:
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield Part(".shape", value.shape, "shape", governs=True)
    # The parts of a matrix are its rows, so that few are inspected.
    if value.ndim:
        yield from _numbered(value)


def _frame(value: _Table) -> Iterator[Part]:
    yield from _named([("index", value.index), ("columns", value.columns)])
    for position, name in enumerate(value.columns):
        yield Part(f"[{shortened(name)}]", value.iloc[:, position], position)


def _column(value: _Table) -> Iterator[Part]:
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield from _named([("name", getattr(value, "name", None))])
    yield from _numbered(value)
