"""The registry of handlers: one table, filled by the modules for libraries and by users.

A handler takes a value and the current walk and returns the value's item. Types are found by
`type(value)`, never by `__class__`, which transparent proxies take from the value they stand for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar, cast
from weakref import WeakSet

from provenance.hashing.encoding import SCALARS, Item, node, nodes, prefix
from provenance.model.main_module import is_of_program, namesake, set_source, source_of
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.hashing.walk import Walk

T = TypeVar("T")
_V = TypeVar("_V")
Handler: TypeAlias = "Callable[[Any, Walk], Item]"
Found: TypeAlias = "Handler | None"
Batch: TypeAlias = "Callable[[Sequence[Any], Walk], Sequence[Item] | None]"
"""Returns the items of many values of one type, or None if they must be hashed one by one."""
_Register: TypeAlias = "Callable[[Callable[[T, Walk], Item]], Callable[[T, Walk], Item]]"

_REPRESENTED, _INSTANCE, _VALUE_REPR = map(prefix, ("represented", "instance", "value_repr"))

BY_NAME: Final = ("containers", "stdlib", "functions", "classes", "objects", "libraries")
"""Our modules that import no library; the first lookup of a type loads them."""

FAMILIES: Final = ("numpy", "pandas", "polars", "pyarrow", "pyrsistent", "scipy", "torch")
"""The libraries for whose types we have a module of the same name."""


class _Handlers(dict[type, "Handler"]):
    def __missing__(self, type_: type) -> Handler:
        if len(self) >= _MAX_REMEMBERED:
            forget()
        found = self[type_] = _resolve(type_)
        return found


handlers: Final = _Handlers()
"""Handlers by type, resolved at the first instance of each type."""

batches: Final[dict[type, Batch]] = {}
"""Faster handlers for many values of a type; they return the same items as the type's handler."""

_exact_batches: Final[dict[type | str, Batch]] = {}
_travelled: Final[WeakSet[type]] = WeakSet()
"""Classes of programs that came from other processes with their code."""
_HEAP_TYPE: Final = 1 << 9
_PYTHON_CLASS: Final = _HEAP_TYPE | 1 << 8
"""Flags of classes that are made at run time, and of those that cannot be changed, as classes in C."""
_MAX_REMEMBERED = 20_000
"""Number of resolved types; classes made in a loop must not accumulate."""
_user_hashers: Final[dict[type, Handler]] = {}
_exact: Final[dict[type | str, Handler]] = {}
_inherited: Final[dict[type | str, Handler]] = {}
_structural: Final[list[Callable[[type], Found]]] = []


def type_name(type_: type) -> str:
    """Return the name of a type in nodes.

    >>> type_name(int)
    'builtins:int'
    """
    return f"{source_of(type_)}:{type_.__qualname__}"


def name_of(value: object) -> str:
    """Return the name of the type of *value* in nodes.

    >>> name_of(True)
    'builtins:bool'
    """
    return type_name(type(value))


def is_nameless(type_: type) -> bool:
    """Tell whether the module and the name of a Python class do not lead to it, or nothing names the module.

    >>> is_nameless(type("Row", (), {})), is_nameless(int)
    (True, False)
    """
    if type_.__flags__ & _PYTHON_CLASS != _HEAP_TYPE or type_.__module__ == "builtins":
        return False
    if is_of_program(type_):
        return not source_of(type_) or not _is_named_in_program(type_)
    return not leads_to(type_.__module__, type_.__qualname__, type_)


def _is_named_in_program(type_: type) -> bool:
    found = namesake(type_)
    if found is type_ or type_ in _travelled:
        return True
    return isinstance(found, type) and import_module(f"{__package__}.classes").are_equal(
        type_, found
    )


def reduce_named(kind: type, reduction: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the *reduction* of a class to its code, with its source if it is of the main program.

    Only if its name leads to it there: what else is of this name is another class.
    """
    if not is_of_program(kind) or is_nameless(kind):
        return reduction
    make, arguments, *rest = reduction
    return restore_named, (source_of(kind), make, *arguments), *rest


@exported
def restore_named(source: str, make: Callable[..., type], *arguments: object) -> type:
    """Unpickle a class to which its name led in the program *source*. Pickles name this function."""
    made = make(*arguments)
    if made not in _travelled:
        set_source(made, source)
        _travelled.add(made)
        forget()
    return made


def leads_to(module: object, qualname: str, value: object) -> bool:
    """Tell whether a module, if it is imported, has *value* under this name."""
    found: object = sys.modules.get(module) if isinstance(module, str) else None
    for name in qualname.split("."):
        # Not `getattr`: a module or a class may compute attributes that it does not have.
        found = getattr(found, "__dict__", {}).get(name)
    return found is value


class _FieldsOnly(NamedTuple):
    pass


def is_plain_namedtuple(type_: type) -> bool:
    """Tell whether a class is what `namedtuple` returns: its name and its fields say all of it."""
    members, generated = vars(type_), vars(_FieldsOnly)
    # Defaults of fields differ without a trace in the instances.
    if type_.__bases__ != (tuple,) or "_fields" not in members or members.get("_field_defaults"):
        return False
    extra = members.keys() - generated.keys() - {*members["_fields"], "__annotations__"}
    shared = ("__repr__", "_asdict", "__getnewargs__")
    codes = [getattr(members.get(name), "__code__", None) for name in shared]
    return not extra and codes == [generated[name].__code__ for name in shared]


def is_foreign(function: object, user: object) -> bool:
    """Tell whether a function is of another package than the function or class that uses it."""
    package = source_of(function).partition(".")[0]
    return package not in {"", source_of(user).partition(".")[0]}


def exact(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for exactly these types, or names like `module:qualname`."""
    return _registering(_exact, types)


def inherited(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for these types and their subclasses."""
    return _registering(_inherited, types)


def _registering(table: dict[type | str, _V], types: Iterable[type | str]) -> Callable[[_V], _V]:
    def register(handler: _V) -> _V:
        table.update(dict.fromkeys(types, handler))
        return handler

    return register


def structural(rule: Callable[[type], Found]) -> Callable[[type], Found]:
    """Register *rule*, which returns the handler of a type, or None; the first handler counts."""
    _structural.append(rule)
    return rule


def batch(*types: type | str) -> Callable[[Batch], Batch]:
    """Register the decorated function for many instances of exactly one of these types."""
    return _registering(_exact_batches, types)


def as_node(
    tag: str, *types: type[T] | str
) -> Callable[[Callable[[T, Walk], Sequence[Item]]], Callable[[T, Walk], Sequence[Item]]]:
    """Register the decorated function for exactly these types: it returns the items of a value's node.

    For values that hold few others: those of many values are not hashed together.
    """
    start = prefix(tag)

    def register(items: Callable[[T, Walk], Sequence[Item]]) -> Callable[..., Sequence[Item]]:
        exact(*types)(lambda value, walk: node(start, items(value, walk)))
        batch(*types)(lambda values, walk: nodes(start, [items(value, walk) for value in values]))
        return items

    return register


def register_item(type_: type, item: Callable[[Any, Walk], Item]) -> None:
    """Hash instances of *type_* and of its subclasses as the item that *item* returns.

    Raises:
        TypeError: if the form of *type_* is fixed: scalars, list, tuple, dict, set, frozenset.
    """
    if type_ in SCALARS or type_ in {list, tuple, dict, set, frozenset, object}:
        raise TypeError(f"the hash of {type_.__qualname__} is fixed; register a class of your own")
    _user_hashers[type_] = item
    forget()


def register_hasher(type_: type[T], represent: Callable[[T], object]) -> None:
    """Hash instances of *type_* and of its subclasses as their type and what *represent* returns.

    Args:
        type_: The class.
        represent: Returns what counts of an instance, made of values that can be hashed.

    Raises:
        TypeError: if the form of *type_* is fixed (scalars, list, tuple, dict, set, frozenset), if
            *type_* is not a class, or if *represent* is not callable.

    Example:
        >>> import provenance as p
        >>> class Angle:
        ...     def __init__(self, degrees: float) -> None:
        ...         self.degrees = degrees
        >>> p.register_hasher(Angle, lambda angle: angle.degrees % 360)
        >>> p.hash(Angle(10)) == p.hash(Angle(370))
        True
    """
    if not isinstance(cast("object", type_), type):
        raise TypeError(f"register_hasher: type_ must be a class, got {type_!r}")
    if not callable(cast("object", represent)):
        raise TypeError(
            f"register_hasher: represent must be callable, got {represent!r};"
            f" pass a function of one {type_.__qualname__}"
        )

    def item(value: T, walk: Walk) -> Item:
        return node(_REPRESENTED, (name_of(value), walk.item(represent(value))))

    register_item(type_, item)


def forget() -> None:
    """Clear the resolved handlers after a table has changed."""
    handlers.clear()
    batches.clear()


def _resolve(type_: type) -> Handler:
    """Return the handler of *type_*, loading our modules for the libraries of its base classes."""
    tops = {source_of(base).partition(".")[0] for base in type_.__mro__}
    if "pvectorc" in tops:
        # The vectors of pyrsistent in C.
        tops.add("pyrsistent")
    libraries = [library for library in FAMILIES if library in tops and library in sys.modules]
    for module in (*BY_NAME, *libraries):
        import_module(f"{__package__}.{module}")
    registered, fixed = _by_ancestry(type_, _user_hashers), _by_name(type_, _exact)
    if registered is None and fixed is not None:
        many = _by_name(type_, _exact_batches)
        if many is not None:
            batches[type_] = many
        return fixed
    registered = registered or _declared_hasher(type_)
    if registered is not None:
        return registered
    state = _by_ancestry(type_, _inherited) or next(
        handler for rule in _structural if (handler := rule(type_)) is not None
    )
    if not is_nameless(type_) or is_plain_namedtuple(type_):
        return state
    # The name does not identify the class: its content counts too.
    return lambda value, walk: node(_INSTANCE, (walk.item(type_), state(value, walk)))


def is_represented(type_: type) -> bool:
    """Tell whether users say what counts of instances: by a registered hasher or a method `value_repr`."""
    return (_by_ancestry(type_, _user_hashers) or _declared_hasher(type_)) is not None


def _by_ancestry(type_: type, table: dict[Any, Handler]) -> Found:
    return next((handler for base in type_.__mro__ if (handler := _by_name(base, table))), None)


def _by_name(type_: type, table: Mapping[type | str, _V]) -> _V | None:
    return table.get(type_) or table.get(type_name(type_))


def _declared_hasher(type_: type) -> Found:
    """Return the handler of a class that has a method `value_repr`."""
    if not callable(getattr(type_, "value_repr", None)):
        return None
    name = type_name(type_)
    return lambda value, walk: node(_VALUE_REPR, (name, walk.item(value.value_repr())))
