"""The parts of a value, by the names under which a person looks for them: for explanations of hashes, not for the hashes."""

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
_Table: TypeAlias = Any  # of a library that may not be installed


@frozen(eq=False)
class Part:
    """A part of a value: how Python would write the way to it, and itself; `key` finds its like in another value.

    Where a part that `governs` differs, the parts after it mean something else and are not compared.
    """

    step: str
    value: object
    key: object
    governs: bool = False


def parts(value: object) -> Iterator[Part]:
    """The parts of *value*, one after the other; none for what is looked at as a whole.

    >>> [part.step for part in parts({"a": 1, "b": [2]})]
    ["['a']", "['b']"]
    """
    value = unwrap(value)
    own = _BY_TYPE.get(type(value)) or _of_library(value)
    if own is not None:
        yield from own(value)
    elif issubclass(type(value), tuple) and hasattr(value, "_fields"):
        named = cast("Any", value)
        yield from _named(zip(named._fields, named, strict=True))
    elif not isinstance(value, type):
        yield from _named((attributes(value) or {}).items())


def summary(value: object) -> str:
    """A short text that shows *value*, or what kind of value it is.

    >>> summary(3), summary([1] * 100)
    ('3', 'a list of 100')
    """
    value = unwrap(value)
    if value is None or isinstance(value, bool | int | float | complex):
        return shortened(value)
    if isinstance(value, str | bytes):
        return shortened(value[:_SHORT])
    shape = shape_of(value)
    if shape == ():
        return shortened(value)
    if shape is not None:
        return f"{_kind(value)} of shape {shown(shape)}"
    if isinstance(value, _CONTAINERS):
        return f"{_kind(cast('object', value))} of {len(cast('Sized', value))}"
    return _kind(value)


def shortened(value: object) -> str:
    """The `repr` of *value*, cut where it gets long."""
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
        if cell != type(cell)():  # a variable without a value has no content
            yield Part(f".__closure__[{name!r}]", cell.cell_contents, name)


def _partial(value: partial[object]) -> Iterator[Part]:
    yield from _named([("func", value.func), ("args", value.args), ("keywords", value.keywords)])


def _method(value: MethodType) -> Iterator[Part]:
    yield from _named([("__func__", value.__func__), ("__self__", value.__self__)])


_BY_TYPE: Final[dict[type, Callable[[Any], Iterator[Part]]]] = {
    list: _numbered,
    tuple: _numbered,
    set: _members,
    frozenset: _members,
    deque: _deque,
    ChainMap: lambda value: _named([("maps", value.maps)]),
    FunctionType: _function,
    partial: _partial,
    MethodType: _method,
    **dict.fromkeys(_MAPPINGS, _entries),
}


def _of_library(value: object) -> Callable[[Any], Iterator[Part]] | None:
    """What takes arrays and tables apart, if the user's process has imported their library."""
    numpy, pandas = imported("numpy"), imported("pandas")
    if numpy is not None and type(value) is numpy.ndarray:
        return _array
    if pandas is None:
        return None
    if isinstance(value, pandas.DataFrame):
        return _frame
    if isinstance(value, pandas.Series):
        return _series
    return _column if isinstance(value, pandas.Index | pandas.api.extensions.ExtensionArray) else None


def _array(value: _Table) -> Iterator[Part]:
    """The elements of arrays: those of a matrix are rows, so that few of them are looked at."""
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield Part(".shape", value.shape, "shape", governs=True)
    if value.ndim:
        yield from _numbered(value)


def _frame(value: _Table) -> Iterator[Part]:
    yield from _named([("index", value.index), ("columns", value.columns)])
    for at, name in enumerate(value.columns):
        yield Part(f"[{shortened(name)}]", value.iloc[:, at], at)


def _series(value: _Table) -> Iterator[Part]:
    yield from _named([("name", value.name), ("index", value.index), ("array", value.array)])


def _column(value: _Table) -> Iterator[Part]:
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield from _named([("name", getattr(value, "name", None))])
    yield from _numbered(value)
