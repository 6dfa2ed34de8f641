"""Classes: by name, and those made inside functions by what they are made of, as functions are.

A class of a module is found under its name, so that its name says all. One that a function makes may differ from call to
call: in what its methods captured, in its attributes and in its bases.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cached_property
from types import FunctionType, MemberDescriptorType
from typing import Final

from provenance.hashing.format import Item, node, prefix
from provenance.hashing.registry import exact, inherited, is_local, name_of, package, type_name
from provenance.hashing.walk import Refusal, Walk

_TYPE, _CLASS, _BASES, _NAMED = prefix("type"), prefix("class"), prefix("bases"), prefix("global")
_PROPERTY, _OPAQUE = prefix("cached property"), prefix("opaque member")
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
    }
)
"""Members that say nothing of what the class does: what Python notes, where it was written, and hints."""
_GENERATED: Final = "<attrs generated"
"""How the code of methods that attrs writes is labelled; one of them holds a number that each process draws anew."""
_describing: ContextVar[tuple[type, ...]] = ContextVar("provenance_describing_classes", default=())
"""The classes that are being described: where they are met in themselves, their name is enough."""


@inherited(type)
def _type(value: type, walk: Walk) -> Item:
    outer = _describing.get()
    if not is_local(value) or value in outer:
        return node(_TYPE, (type_name(value),))
    token = _describing.set((*outer, value))
    inner = Walk(walk.notes, by_ones=True, used=walk.used)  # what is met inside is met differently outside
    try:
        return node(_CLASS, _parts(value, inner))
    except BaseException:
        walk.trail.extend(inner.trail)
        raise
    finally:
        _describing.reset(token)


def _parts(value: type, walk: Walk) -> tuple[Item, ...]:
    members = {name: each for name, each in vars(value).items() if name not in _MACHINERY and not _is_implied(each)}
    names = sorted(members)
    bases = node(_BASES, [walk.item(each) for each in value.__bases__])
    return (
        type_name(value),
        name_of(value),
        bases,
        *names,
        *[_member(value, name, members[name], walk) for name in names],
    )


def _is_implied(member: object) -> bool:
    """Whether other members say all of it: `__slots__` of a slot, `__attrs_attrs__` of a method that attrs wrote."""
    if type(member) is FunctionType:
        return member.__code__.co_filename.startswith(_GENERATED)
    return type(member) is MemberDescriptorType


def _member(owner: type, name: str, member: object, walk: Walk) -> Item:
    """The item of a member; what has no content, and is no method, is machinery of the class and known by its type."""
    if type(member) is FunctionType and package(member) != package(owner):  # a class decorator's or metaclass's
        return node(_NAMED, (f"{member.__module__}:{member.__qualname__}",))
    reached = len(walk.trail)
    try:
        return walk.labelled(f".{name}", member)
    except Refusal:
        if isinstance(member, _METHODS):
            raise
        del walk.trail[reached:]
        return node(_OPAQUE, (name_of(member),))


@exact(cached_property)
def _cached_property(value: cached_property[object], walk: Walk) -> Item:
    return node(_PROPERTY, (walk.item(value.func),))
