"""Instances of classes: by their attributes, else by what their reduce protocol says."""

from __future__ import annotations

import copyreg
import io
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Collection, Iterable, Sequence
from enum import Enum
from functools import cached_property
from operator import itemgetter
from types import ModuleType
from typing import Any, Final

from provenance.hashing.containers import dict_items, named_items, records, set_items, taker
from provenance.hashing.format import Item, node, prefix
from provenance.hashing.registry import (
    Batch,
    Found,
    Handler,
    batches,
    inherited,
    is_local,
    name_of,
    structural,
    type_name,
)
from provenance.hashing.walk import Refusal, Walk

OBJECT: Final = prefix("object")
_REDUCED, _GLOBAL, _MODULE = prefix("reduced"), prefix("global"), prefix("module")
_ENUM, _SET_OBJECT, _ITEMS, _ORDERED_ITEMS = prefix("enum"), prefix("set object"), prefix("dict"), prefix("items")
_SET_METHODS: Final[set[object]] = {vars(set)["__reduce__"], vars(frozenset)["__reduce__"]}
_NAMEDTUPLE = prefix("namedtuple")
_FILES = (io.BytesIO, io.StringIO)
_HEAP_TYPE = 1 << 9  # set in the flags of classes that Python code defined
_STEPS = ("__next__", "__anext__", "send")
_ARGUMENTS = ("__getnewargs__", "__getnewargs_ex__")
_GENERATED = frozenset({"dataclasses", "attr._make"})  # modules that write a __getstate__ of all attributes


@inherited(ModuleType)
def _module(value: ModuleType, _: Walk) -> Item:
    return node(_MODULE, (value.__name__,))


@inherited(Enum)
def _enum(value: Enum, walk: Walk) -> Item:
    name: object = getattr(value, "name", None)  # combined flags may have none
    return node(_ENUM, (name_of(value), walk.item(value.value if name is None else name)))


@inherited("_io:_IOBase")
def _file(value: io.IOBase, walk: Walk) -> Item:
    if isinstance(value, _FILES):
        return reduced(value, walk)
    raise Refusal(f"{_described(value)} is a file, whose content may change")


def _once(value: object, _: Walk) -> Item:
    awaited = isinstance(value, Awaitable)
    instead = "what it gives when it is awaited" if awaited else "a list or another collection of what it yields"
    raise Refusal(f"{_described(value)} can be read only once", instead)


def _described(value: object) -> str:
    name = type(value).__qualname__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


@structural
def _by_attributes(type_: type) -> Found:
    """Answer for classes whose state is what their attributes hold."""
    if not _is_transparent(type_):
        return None
    slots = _slots(type_)
    fields = _field_names(type_)
    cached = _cached(type_)
    head = type_name(type_)
    if not slots and fields and not hasattr(type_, "__attrs_attrs__"):
        if not is_local(type_):
            batches[type_] = _records(head, fields)
        return _record(head, fields, cached)
    return lambda value, walk: node(OBJECT, (head, *_attribute_items(value, (*slots, *fields), cached, walk)))


def _record(head: str, fields: tuple[str, ...], cached: frozenset[str]) -> Handler:
    """Return a quick handler for a dataclass whose instances keep all fields, and mostly nothing else, in a dict."""
    names = tuple(sorted(fields))
    start = (head, *names)
    count = len(names)
    values_of = taker(*names)

    def handler(value: Any, walk: Walk) -> Item:
        state = value.__dict__
        try:
            values = values_of(state) if count > 1 else (values_of(state),)
        except KeyError:  # a field that was never set, or that its class holds
            values = None
        if values is None or len(state) != count:
            return node(OBJECT, (head, *_attribute_items(value, names, cached, walk)))
        return node(OBJECT, (*start, *walk.items(values)))

    return handler


def _records(head: str, fields: tuple[str, ...]) -> Batch:
    """Return what takes many such dataclasses at once."""
    names = tuple(sorted(fields))

    def many(values: Sequence[Any], walk: Walk) -> Sequence[Item] | None:
        states = [value.__dict__ for value in values]
        if set(map(len, states)) != {len(names)}:
            return None
        try:
            columns = [list(map(itemgetter(name), states)) for name in names]
        except KeyError:  # a field that was never set, and another attribute
            return None
        return records(OBJECT, (head, *names), values, columns, walk)

    return many


def _attribute_items(value: object, names: Iterable[str], cached: frozenset[str], walk: Walk) -> list[Item]:
    state = _attributes(value, names, cached)
    return named_items(state, state, walk)


def _attributes(value: object, names: Iterable[str], cached: frozenset[str]) -> dict[str, object]:
    state = {name: getattr(value, name) for name in names if hasattr(value, name)}
    state.update(getattr(value, "__dict__", {}))
    for name in cached & state.keys():
        del state[name]
    return state


def attributes(value: object) -> dict[str, object] | None:
    """Return what counts of a value that is known by its attributes alone; None if more, or something else, counts.

    >>> class Point:
    ...     def __init__(self):
    ...         self.x = 1
    >>> attributes(Point()), attributes([])
    ({'x': 1}, None)
    """
    type_ = type(value)
    if not _is_transparent(type_):
        return None
    return _attributes(value, (*_slots(type_), *_field_names(type_)), _cached(type_))


def _is_transparent(type_: type) -> bool:
    """Tell whether the type leaves its state to `object`: no builtin base and no pickling methods of its own."""
    if type_ in copyreg.dispatch_table or _hides_state(type_):
        return False
    is_reduced = any(_own(type_, name) for name in ("__reduce_ex__", "__reduce__", *_ARGUMENTS))
    return not is_reduced and _is_plain_state(type_)


def _own(type_: type, name: str) -> bool:
    """Tell whether the type has a method of its own that `object` has too, or has not."""
    return getattr(type_, name, None) is not getattr(object, name, None)


def _hides_state(type_: type) -> bool:
    """Tell whether instances hold more than attributes, as those of classes written in C do (locks, for one)."""
    offsets = (type_.__dictoffset__, type_.__weakrefoffset__)
    pointers = len(_slots(type_)) + sum(offset > 0 for offset in offsets)
    visible = object.__basicsize__ + pointers * struct.calcsize("P")
    return type_.__basicsize__ > visible or any(not base.__flags__ & _HEAP_TYPE for base in type_.__mro__[:-1])


def _is_plain_state(type_: type) -> bool:
    generated = getattr(getattr(type_, "__getstate__", None), "__globals__", {}).get("__name__") in _GENERATED
    return generated or not _own(type_, "__getstate__")


def _slots(type_: type) -> tuple[str, ...]:
    names: list[str] = []
    for base in type_.__mro__:
        declared = base.__dict__.get("__slots__", ())
        for name in (declared,) if isinstance(declared, str) else declared:
            hidden = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if hidden else name)
    return tuple(name for name in names if name not in {"__dict__", "__weakref__"})


def _field_names(type_: type) -> tuple[str, ...]:
    attributes: Iterable[Any] = getattr(type_, "__attrs_attrs__", ())
    fields: Iterable[str] = getattr(type_, "__dataclass_fields__", {})
    kinds: dict[str, Any] = getattr(type_, "__dataclass_fields__", {})
    return (*(one.name for one in attributes), *(name for name in fields if _is_field(kinds[name])))


def _is_field(field: Any) -> bool:
    return bool(field._field_type.name == "_FIELD")  # noqa: SLF001 - the others are class variables and arguments of __init__ only


def _cached(type_: type) -> frozenset[str]:
    """Return the names that do not count: what can be computed again from the rest."""
    found = {
        name for base in type_.__mro__ for name, member in vars(base).items() if isinstance(member, cached_property)
    }
    return frozenset(found | {"_attrs_cached_hash"})


@structural
def _by_fields(type_: type) -> Found:
    """Answer for named tuples."""
    is_named = tuple in type_.__bases__ and hasattr(type_, "_fields") and not type_.__dictoffset__
    if not is_named or _own(type_, "__reduce_ex__") or _own(type_, "__reduce__"):
        return None
    name = type_name(type_)

    def handler(value: tuple[object, ...], walk: Walk) -> Item:
        return node(_NAMEDTUPLE, (name, *walk.items(tuple(value))))

    return handler


@structural
def _iterators(type_: type) -> Found:
    """Answer for generators, coroutines and iterators in C: what they yield is gone when it has been looked at."""
    in_c = not type_.__flags__ & _HEAP_TYPE or type_.__module__ in {"itertools", "builtins"}
    return _once if in_c and any(hasattr(type_, name) for name in _STEPS) and not issubclass(type_, _FILES) else None


@structural
def _by_reduction(type_: type) -> Found:
    """Answer for every other class."""
    own: object = type_.__reduce__
    if issubclass(type_, set | frozenset) and own in _SET_METHODS:
        return _set_object
    return reduced


def _set_object(value: Collection[Any], walk: Walk) -> Item:
    state = _attribute_items(value, _slots(type(value)), _cached(type(value)), walk)
    return node(_SET_OBJECT, (name_of(value), node(_ITEMS, state), *set_items(value, walk)))


def reduced(value: object, walk: Walk, without: frozenset[str] = frozenset()) -> Item:
    """Return the item of what *value* would be pickled as, less some names; `Refusal` if it cannot be pickled."""
    answer = _reduce(value)
    name = name_of(value)
    if isinstance(answer, str):
        module = getattr(value, "__module__", None)
        return node(_GLOBAL, (f"{module if isinstance(module, str) else type(value).__module__}:{answer}",))
    make, arguments, state, members, entries, setter = (*answer, None, None, None, None)[:6]
    parts = (
        _maker(make, walk),
        walk.item(arguments),
        _state(state, _cached(type(value)) | without, walk),
        walk.item(None if members is None else list(members)),
        _entries(value, entries, walk),
        walk.item(setter),
    )
    return node(_REDUCED, (name, *parts))


def _reduce(value: object) -> Any:
    try:
        special = copyreg.dispatch_table.get(type(value))
        return value.__reduce_ex__(4) if special is None else special(value)
    except RecursionError:
        raise
    except Exception as error:
        raise Refusal(f"{_described(value)} has no value that could be saved ({error})") from error


def _maker(make: object, walk: Walk) -> Item:
    """Return the item of the callable that rebuilds a value: its name, if it has one."""
    name, module = getattr(make, "__qualname__", None), getattr(make, "__module__", None)
    if isinstance(name, str) and isinstance(module, str) and "<" not in name:
        return f"{module}:{name}"
    return walk.item(make)


def _state(state: Any, without: frozenset[str], walk: Walk) -> Item:
    if not _is_dict(state):
        return walk.item(state)
    kept: dict[Any, Any] = dict(state)
    for name in without & kept.keys():
        del kept[name]
    return node(_ITEMS, dict_items(kept, walk))


def _is_dict(state: object) -> bool:
    return type(state) is dict


def _entries(value: object, entries: Any, walk: Walk) -> Item:
    if entries is None:
        return None
    pairs = list(entries)
    if isinstance(value, OrderedDict):
        return walk.item([list(pair) for pair in pairs])
    return node(_ITEMS, dict_items(dict(pairs), walk))
