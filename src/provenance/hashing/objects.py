"""Instances of classes: by their attributes, or else by the pickle protocol."""

from __future__ import annotations

import copyreg
import io
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import Enum
from types import GetSetDescriptorType, ModuleType
from typing import Any, Final, cast

from attrs import frozen

from provenance.hashing.attributes import (
    attributes,
    attributes_beside,
    cached_in,
    cached_names,
    field_names,
    registered_reduction,
    slots,
    state_of,
)
from provenance.hashing.containers import (
    dict_items,
    mapping_items,
    sequence_items,
    set_items,
    with_attributes,
)
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import (
    Found,
    batches,
    inherited,
    is_nameless,
    is_plain_namedtuple,
    name_of,
    structural,
    type_name,
)
from provenance.hashing.walk import UnhashablePart, Walk
from provenance.model.main_module import source_of
from provenance.util.formatting import with_article

OBJECT: Final = prefix("object")
_REDUCED, _GLOBAL, _MODULE = map(prefix, ("reduced", "global", "module"))
_ENUM, _SET_OBJECT, _ITEMS = map(prefix, ("enum", "set object", "dict"))
_SET_METHODS: Final[set[object]] = {vars(set)["__reduce__"], vars(frozenset)["__reduce__"]}
_NAMEDTUPLE = prefix("namedtuple")
_FILES = (io.BytesIO, io.StringIO)
_HEAP_TYPE = 1 << 9
"""A flag of classes that Python code defines."""
_STEPS = ("__next__", "__anext__", "send")
_REDUCE_METHODS = ("__reduce_ex__", "__reduce__", "__getnewargs__", "__getnewargs_ex__")
_GENERATED = frozenset({"dataclasses", "attr._make"})
"""Modules that generate a `__getstate__` which returns all attributes."""


@inherited(ModuleType)
def _module(value: ModuleType, _: Walk) -> Item:
    return node(_MODULE, (value.__name__,))


@inherited(Enum)
def _enum(value: Enum, walk: Walk) -> Item:
    # Combined flags may have no name.
    name: object = getattr(value, "name", None)
    return node(_ENUM, (name_of(value), walk.item(value.value if name is None else name)))


@inherited("_io:_IOBase")
def _file(value: io.IOBase, walk: Walk) -> Item:
    if isinstance(value, _FILES):
        return reduced_item(value, walk)
    raise UnhashablePart(f"{with_article(value)} is a file, and its content may change")


def _once(value: object, _: Walk) -> Item:
    is_awaitable = isinstance(value, Awaitable)
    yielded = "a list or another collection of what it yields"
    instead = "its awaited result" if is_awaitable else yielded
    raise UnhashablePart(f"{with_article(value)} can be read only once", instead)


@structural
def _by_attributes(type_: type) -> Found:
    """Handle classes whose state is in their attributes."""
    if not _is_transparent(type_):
        return None
    head, read = type_name(type_), _reader(type_)
    if not is_nameless(type_):
        batches[type_] = lambda values, walk: mapping_items(
            OBJECT, (head,), values, list(map(read, values)), walk
        )
    return lambda value, walk: node(OBJECT, (head, *dict_items(read(value), walk)))


def _reader(type_: type) -> Callable[[Any], Mapping[str, object]]:
    """Return what returns the attributes of an instance of a class that count."""
    descriptors, fields, cached = slots(type_), frozenset(field_names(type_)), cached_names(type_)
    getters = {name: descriptor.__get__ for name, descriptor in descriptors.items()}

    def read(value: Any) -> Mapping[str, object]:
        return attributes(value, descriptors, fields, cached)

    def read_slots(value: Any) -> Mapping[str, object]:
        try:
            return {name: get(value) for name, get in getters.items()}
        except AttributeError:
            # A slot is empty.
            return read(value)

    def read_dict(value: Any) -> Mapping[str, object]:
        state: Mapping[str, object] = value.__dict__
        # A field that was never set has its value in the class.
        return state if fields <= state.keys() and cached.isdisjoint(state) else read(value)

    if not type_.__dictoffset__:
        all_count = fields <= descriptors.keys() and cached.isdisjoint(descriptors)
        return read_slots if all_count else read
    spaces = [vars(base)["__dict__"] for base in type_.__mro__ if "__dict__" in vars(base)]
    is_usual = isinstance(spaces[0], GetSetDescriptorType) if spaces else False
    if descriptors or not is_usual or _overrides(type_, "__getattribute__"):
        return read
    return read_dict


def plain_attributes(value: object) -> dict[str, object] | None:
    """Return the attributes of a value if they determine its hash; None otherwise.

    >>> class Point:
    ...     def __init__(self):
    ...         self.x = 1
    >>> plain_attributes(Point()), plain_attributes([])
    ({'x': 1}, None)
    """
    type_ = type(value)
    return dict(_reader(type_)(value)) if _is_transparent(type_) else None


def _is_transparent(type_: type) -> bool:
    """Tell whether attributes are the whole state: no builtin base and no pickling methods."""
    if registered_reduction(type_) is not None or _hides_state(type_):
        return False
    if any(_overrides(type_, name) for name in _REDUCE_METHODS):
        return False
    getstate = getattr(type_, "__getstate__", None)
    is_generated = getattr(getstate, "__globals__", {}).get("__name__") in _GENERATED
    return is_generated or not _overrides(type_, "__getstate__")


def _overrides(type_: type, name: str, base: type = object) -> bool:
    """Tell whether the type has a method of this name other than that of *base*."""
    return getattr(type_, name, None) is not getattr(base, name, None)


def _hides_state(type_: type) -> bool:
    """Tell whether instances hold more than attributes, as locks and other C classes do."""
    offsets = (type_.__dictoffset__, type_.__weakrefoffset__)
    pointers = len(slots(type_)) + sum(offset > 0 for offset in offsets)
    visible = object.__basicsize__ + pointers * struct.calcsize("P")
    if type_.__basicsize__ > visible:
        return True
    return any(not base.__flags__ & _HEAP_TYPE for base in type_.__mro__[:-1])


@structural
def _by_fields(type_: type) -> Found:
    """Handle named tuples."""
    is_named = tuple in type_.__bases__ and hasattr(type_, "_fields") and not type_.__dictoffset__
    if not is_named or _overrides(type_, "__reduce_ex__") or _overrides(type_, "__reduce__"):
        return None
    head = (type_name(type_), *cast("Any", type_)._fields)
    is_usual = not any(_overrides(type_, name, tuple) for name in ("__iter__", "__len__"))
    if is_usual and (not is_nameless(type_) or is_plain_namedtuple(type_)):
        batches[type_] = lambda values, walk: sequence_items(_NAMEDTUPLE, head, values, walk)
    return lambda value, walk: node(_NAMEDTUPLE, (*head, *walk.items(tuple(value))))


@structural
def _iterators(type_: type) -> Found:
    """Refuse generators, coroutines and iterators in C, which hashing would exhaust."""
    in_c = not type_.__flags__ & _HEAP_TYPE or type_.__module__ in {"itertools", "builtins"}
    is_iterator = in_c and any(hasattr(type_, name) for name in _STEPS)
    return _once if is_iterator and not issubclass(type_, _FILES) else None


@structural
def _by_reduction(type_: type) -> Found:
    """Handle every other class."""
    reduce: object = type_.__reduce__
    is_set = issubclass(type_, set | frozenset) and reduce in _SET_METHODS
    return _set_object if is_set else reduced_item


def _set_object(value: Collection[Any], walk: Walk) -> Item:
    items = node(_ITEMS, dict_items(state_of(value), walk))
    return node(_SET_OBJECT, (name_of(value), items, *set_items(value, walk)))


def reduced_item(value: object, walk: Walk, without: frozenset[str] = frozenset()) -> Item:
    """Return the item of what *value* would be pickled as, without attributes that are caches.

    Args:
        value: The value.
        walk: What goes on to its parts.
        without: Names of further attributes that do not count.

    Raises:
        Refusal: if *value* cannot be pickled.
    """
    reduction = _reduce(value)
    if isinstance(reduction, str):
        named = value if isinstance(getattr(value, "__module__", None), str) else type(value)
        return node(_GLOBAL, (f"{source_of(named)}:{reduction}",))
    make, arguments, state, members, entries, setter = (*reduction, None, None, None, None)[:6]
    if isinstance(value, BaseException) and type(cast("object", state)) is dict and not state:
        state = None  # asking an exception for its attributes gives it an empty dict
    elif isinstance(value, io.BytesIO | io.StringIO):
        *content, beside = cast("tuple[object, ...]", state)
        state = (*content, beside or None)  # as above
    items = (
        name_of(value),
        _maker(make, walk),
        walk.item(arguments),
        _state(state, cached_in(value) | without, walk),
        walk.item(None if members is None else list(members)),
        _entries(value, entries, walk),
        walk.item(setter),
    )
    return with_attributes(node(_REDUCED, items), attributes_beside(value), walk)


def _reduce(value: object) -> Any:
    try:
        special = registered_reduction(type(value))
        return value.__reduce_ex__(4) if special is None else special(value)
    except RecursionError:
        raise
    except Exception as error:
        raise UnhashablePart(f"{with_article(value)} cannot be pickled ({error})") from error


@frozen
class PickledParts:
    """What determines the hash of an instance: its attributes, and what it holds as a collection."""

    attributes: dict[str, object]
    members: list[object]
    entries: dict[object, object]


def pickled_parts(value: object) -> PickledParts | None:
    """Return the parts of what *value* would be pickled as; None if there is more to it.

    >>> pickled_parts(ValueError(3))
    PickledParts(attributes={'args': (3,)}, members=[], entries={})
    """
    reduction = _reduce(value)
    make, arguments, state, members, entries, setter = (*reduction, None, None, None, None)[:6]
    found = attributes_beside(value)
    if isinstance(value, BaseException) and make is type(value):
        found["args"] = arguments
    elif make is not vars(copyreg)["__newobj__"] or arguments != (type(value),):
        return None
    if setter is not None or not isinstance(state, dict | None):
        return None
    kept = cast("dict[str, object]", state or {}).items()
    found.update((name, content) for name, content in kept if name not in cached_in(value))
    return PickledParts(found, list(members or ()), dict(entries or ()))


def _maker(make: object, walk: Walk) -> Item:
    """Return the name of the callable that rebuilds a value, or its item if it has none."""
    name, module = getattr(make, "__qualname__", None), getattr(make, "__module__", None)
    if isinstance(name, str) and isinstance(module, str) and "<" not in name:
        return f"{source_of(make)}:{name}"
    return walk.item(make)


def _state(state: Any, without: frozenset[str], walk: Walk) -> Item:
    if type(cast("object", state)) is not dict:
        return walk.item(state)
    kept = {name: value for name, value in state.items() if name not in without}
    return node(_ITEMS, dict_items(kept, walk))


def _entries(value: object, entries: Any, walk: Walk) -> Item:
    if entries is None:
        return None
    pairs = list(entries)
    if isinstance(value, OrderedDict):
        return walk.item([list(pair) for pair in pairs])
    return node(_ITEMS, dict_items(dict(pairs), walk))
