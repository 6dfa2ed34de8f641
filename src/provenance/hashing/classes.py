"""Classes: by name, but those to which no name leads by their content, as functions are.

The name of a module's class identifies it. A class that a function makes, or that is made at run
time, may differ from call to call: in what its methods capture, in its attributes and in its bases.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cached_property
from operator import itemgetter
from types import FunctionType, MemberDescriptorType
from typing import Any, Final, cast, is_typeddict

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.functions import function_item, named_item
from provenance.hashing.registry import (
    exact,
    inherited,
    is_foreign,
    is_nameless,
    leads_to,
    name_of,
    type_name,
)
from provenance.hashing.walk import UnhashablePart, Walk

_TYPE, _CLASS, _BASES = map(prefix, ("type", "class", "bases"))
_PROPERTY, _OPAQUE = map(prefix, ("cached property", "opaque member"))
_METHODS: Final = (FunctionType, staticmethod, classmethod, property, cached_property)
_MACHINERY: Final = frozenset(
    {
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__qualname__",
        "__slotnames__",
        "__static_attributes__",
        "__weakref__",
        # What pydantic derives from the fields.
        "__class_vars__",
        "__private_attributes__",
        "__pydantic_complete__",
        "__pydantic_core_schema__",
        "__pydantic_fields_complete__",
        "__pydantic_parent_namespace__",
        "__pydantic_serializer__",
        "__pydantic_setattr_handlers__",
        "__pydantic_validator__",
        "__signature__",
    }
)
"""Members that do not affect what the class does: bookkeeping, source positions and type hints."""
_GENERATED: Final = "<attrs generated"
"""File name of methods that attrs generates; one holds a number that differs between processes."""
_describing: ContextVar[tuple[type, ...]] = ContextVar("provenance_describing_classes", default=())
"""Classes being described: within their own description they are named."""


@inherited(type)
def _type(value: type, walk: Walk) -> Item:
    outer = _describing.get()
    if value in outer or not is_nameless(value):
        return node(_TYPE, (type_name(value),))
    return node(_CLASS, (type_name(value), *_content(value, walk)))


def are_equal(first: type, second: type) -> bool:
    """Tell whether two classes are made of the same, wherever they are from."""
    try:
        parts = [node(_CLASS, _content(kind, Walk(by_ones=True))) for kind in (first, second)]
    except UnhashablePart:
        return False
    return parts[0] == parts[1]


def _content(value: type, walk: Walk) -> tuple[Item, ...]:
    def used(function: FunctionType) -> Item:
        """Return the item of a function that a member holds, at any depth.

        One of another package counts by its name, if that leads to it: what it does may change as that package works.
        """
        module, name = function.__module__, function.__qualname__
        if is_foreign(function, value) and leads_to(module, name, function):
            return named_item(function)
        return function_item(function, inner) if walk.used is None else walk.used(function)

    # A walk of its own: within a class, items differ from those of the same values outside it.
    inner = Walk(walk.notes, by_ones=True, used=used, trail=walk.trail)
    token = _describing.set((*_describing.get(), value))
    try:
        return _parts(value, inner)
    finally:
        _describing.reset(token)


def _parts(value: type, walk: Walk) -> tuple[Item, ...]:
    members = {
        name: member
        for name, member in sorted(vars(value).items(), key=itemgetter(0))
        if name not in _MACHINERY and not _is_implied(member)
    }
    if is_typeddict(value):
        # Nothing else says what a `TypedDict` holds.
        members["__annotations__"] = dict(sorted(value.__annotations__.items()))
    bases = node(_BASES, [walk.item(base) for base in value.__bases__])
    items = [_member(value, name, member, walk) for name, member in members.items()]
    return (name_of(value), bases, *members, *items)


def _is_implied(member: object) -> bool:
    """Tell whether `__slots__` or `__attrs_attrs__` already determine the member."""
    if type(member) is FunctionType:
        return member.__code__.co_filename.startswith(_GENERATED)
    return type(member) is MemberDescriptorType


def _member(owner: type, name: str, member: Any, walk: Walk) -> Item:
    # A class decorator or a metaclass of another package may have added a function.
    is_added = type(member) is FunctionType and is_foreign(member, owner)
    if is_added and leads_to(member.__module__, member.__qualname__, member):
        return named_item(member)
    reached = len(walk.trail)
    try:
        return walk.labeled(f".{name}", member)
    except UnhashablePart:
        if isinstance(member, _METHODS) and not is_added:
            raise
        del walk.trail[reached:]
        # Other members that cannot be hashed, such as locks, count by their type.
        return named_item(member) if is_added else node(_OPAQUE, (name_of(cast("object", member)),))


@exact(cached_property)
def _cached_property(value: cached_property[object], walk: Walk) -> Item:
    return node(_PROPERTY, (walk.item(value.func),))
