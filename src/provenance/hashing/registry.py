"""Who hashes which type: one table of handlers, filled by the families and by users.

A handler takes a value and the walk that met it and answers the item that stands for the value. Types are found
by `type(value)`, never by `__class__`, which transparent proxies answer for somebody else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from provenance.hashing.format import SCALARS, Item, node, prefix
from provenance.ids import main_name

if TYPE_CHECKING:
    from provenance.hashing.walk import Walk

T = TypeVar("T")
Handler: TypeAlias = "Callable[[Any, Walk], Item]"
Found: TypeAlias = "Handler | None"
Batch: TypeAlias = "Callable[[Sequence[Any], Walk], Sequence[Item] | None]"
"""Answers the items of many values of one type at once, or None if these have to be taken one by one."""
_Register: TypeAlias = "Callable[[Callable[[T, Walk], Item]], Callable[[T, Walk], Item]]"

BUILTIN: Final = ("containers", "stdlib", "functions", "classes", "objects")
"""The modules of ours that know what comes with Python; the first type to be looked up loads them."""

FAMILIES: Final = {
    "numpy": "arrays",
    "pandas": "tables",
    "pyarrow": "arrow",
    "polars": "frames",
    "torch": "tensors",
    "pyrsistent": "persistent",
    "pvectorc": "persistent",
    "scipy": "sparse",
    "sklearn": "estimators",
}
"""The module of ours that knows the types of a library, by that library's top-level name."""


class _Handlers(dict[type, "Handler"]):
    def __missing__(self, type_: type) -> Handler:
        if len(self) >= _REMEMBERED:
            forget()
        found = self[type_] = _resolve(type_)
        return found


handlers: Final = _Handlers()
"""The handler of each type; looked for when its first instance comes, and remembered."""

batches: Final[dict[type, Batch]] = {}
"""What takes many values of a type at once, which costs less for each. The items are those of the type's handler."""

_fixed: Final[dict[type, Batch]] = {}
_REMEMBERED = 20_000  # classes made in a loop must not pile up here for ever
_taught: Final[dict[type, Handler]] = {}
_exact: Final[dict[type | str, Handler]] = {}
_inherited: Final[dict[type | str, Handler]] = {}
_structural: Final[list[Callable[[type], Found]]] = []


def type_name(type_: type) -> str:
    """Return the name of a type in nodes.

    >>> type_name(int)
    'builtins:int'
    """
    return f"{main_name(type_.__module__)}:{type_.__qualname__}"


def name_of(value: object) -> str:
    """Return the name of the type of *value* in nodes.

    >>> name_of(True)
    'builtins:bool'
    """
    return type_name(type(value))


def is_local(type_: type) -> bool:
    """Tell whether a function made the class, so that its name does not lead to it."""
    return "<locals>" in type_.__qualname__


def package(known: Any) -> str:
    """Return the top-level package that a function or class is of."""
    return str(known.__module__).partition(".")[0]


def exact(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for instances of just these types, given as such or as `module:qualname`."""

    def register(handler: Callable[[T, Walk], Item]) -> Callable[[T, Walk], Item]:
        _exact.update(dict.fromkeys(types, handler))
        return handler

    return register


def inherited(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for instances of these types and of their subclasses."""

    def register(handler: Callable[[T, Walk], Item]) -> Callable[[T, Walk], Item]:
        _inherited.update(dict.fromkeys(types, handler))
        return handler

    return register


def structural(rule: Callable[[type], Found]) -> Callable[[type], Found]:
    """Register *rule*, which answers the handler of a type that no table has, or None; the first answer counts."""
    _structural.append(rule)
    return rule


def batch(type_: type) -> Callable[[Batch], Batch]:
    """Register the decorated function for many instances of just this builtin type."""

    def register(many: Batch) -> Batch:
        _fixed[type_] = batches[type_] = many
        return many

    return register


def register_item(type_: type, item: Callable[[Any, Walk], Item]) -> None:
    """Let *item* answer the item of every instance of *type_* and of its subclasses.

    Raises:
        TypeError: for a type whose form is fixed: scalars, list, tuple, dict, set, frozenset.
    """
    if type_ in SCALARS or type_ in {list, tuple, dict, set, frozenset, object}:
        raise TypeError(f"the hash of {type_.__qualname__} is fixed; register a class of your own")
    _taught[type_] = item
    forget()


def register_hasher(type_: type[T], represent: Callable[[T], object]) -> None:
    """Hash instances of *type_* and of its subclasses as what *represent* returns, tagged with the type's name.

    Raises:
        TypeError: for a type whose form is fixed: scalars, list, tuple, dict, set, frozenset; for what is no class, or cannot
            be called.
    """
    if not isinstance(cast("object", type_), type):
        raise TypeError(f"register_hasher: {type_!r} is no class; give the class whose instances it is to hash")
    if not callable(cast("object", represent)):
        raise TypeError(f"register_hasher: {represent!r} cannot be called; give a function of one {type_.__qualname__}")

    def item(value: T, walk: Walk) -> Item:
        return node(_REPRESENTED, (name_of(value), walk.item(represent(value))))

    register_item(type_, item)


_REPRESENTED = prefix("represented")


def forget() -> None:
    """Drop what was resolved, after a table has changed."""
    handlers.clear()
    batches.clear()
    batches.update(_fixed)


def _resolve(type_: type) -> Handler:
    """Return the handler of *type_*, loading the families of the libraries that its ancestry comes from."""
    for family in BUILTIN:
        _load(family)
    for base in type_.__mro__:
        top = base.__module__.partition(".")[0]
        if top in FAMILIES and top in sys.modules:
            _load(FAMILIES[top])
    return _search(type_)


def _search(type_: type) -> Handler:
    told = _by_ancestry(type_, _taught) or _by_name(type_, _exact) or _declared(type_)
    if told is not None:
        return told
    found = _by_ancestry(type_, _inherited)
    if found is None:
        found = next(answer for rule in _structural if (answer := rule(type_)) is not None)
    return _of_class(type_, found) if is_local(type_) else found


def _of_class(type_: type, state: Handler) -> Handler:
    """Return the handler of instances of a class that counts with all it is made of, not by its name alone."""
    return lambda value, walk: node(_INSTANCE, (walk.item(type_), state(value, walk)))


_INSTANCE = prefix("instance")


def _by_ancestry(type_: type, table: dict[Any, Handler]) -> Found:
    for base in type_.__mro__:
        found = _by_name(base, table)
        if found is not None:
            return found
    return None


def _by_name(type_: type, table: dict[Any, Handler]) -> Found:
    return table.get(type_) or table.get(type_name(type_))


def _declared(type_: type) -> Found:
    """Return the handler of a class that has a method `value_repr`."""
    method = getattr(type_, "value_repr", None)
    if not callable(method):
        return None
    name = type_name(type_)
    return lambda value, walk: node(_VALUE_REPR, (name, walk.item(value.value_repr())))


_VALUE_REPR = prefix("value_repr")


def _load(family: str) -> None:
    import_module(f"{__package__}.{family}")
