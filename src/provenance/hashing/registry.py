"""The registry of handlers: one table, filled by the modules for libraries and by users.

A handler takes a value and the current walk and returns the value's item. Types are found by
`type(value)`, never by `__class__`, which transparent proxies take from the value they stand for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from provenance.hashing.encoding import SCALARS, Item, node, prefix
from provenance.model.ids import main_name

if TYPE_CHECKING:
    from provenance.hashing.walk import Walk

T = TypeVar("T")
Handler: TypeAlias = "Callable[[Any, Walk], Item]"
Found: TypeAlias = "Handler | None"
Batch: TypeAlias = "Callable[[Sequence[Any], Walk], Sequence[Item] | None]"
"""Returns the items of many values of one type, or None if they must be hashed one by one."""
_Register: TypeAlias = "Callable[[Callable[[T, Walk], Item]], Callable[[T, Walk], Item]]"

_REPRESENTED, _INSTANCE, _VALUE_REPR = map(prefix, ("represented", "instance", "value_repr"))

BUILTIN: Final = ("containers", "stdlib", "functions", "classes", "objects")
"""Our modules for types that come with Python; the first lookup of a type loads them."""

FAMILIES: Final = {
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "polars": "polars",
    "torch": "torch",
    "pyrsistent": "pyrsistent",
    "pvectorc": "pyrsistent",
    "scipy": "scipy",
    "sklearn": "sklearn",
    "astropy": "astropy",
    "networkx": "networkx",
    "sympy": "sympy",
    "dask": "dask",
    "lightgbm": "lightgbm",
    "PIL": "pillow",
    "pydantic": "pydantic",
    "xarray": "xarray",
}
"""Our module for the types of each library, by the library's top-level name."""


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

_fixed: Final[dict[type, Batch]] = {}
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
    return f"{_module_of(type_)}:{type_.__qualname__}"


def _module_of(type_: type) -> str:
    """Return the name of the module of a type; empty if `__module__` is not a string."""
    module = cast("object", type_.__module__)
    return main_name(module) if isinstance(module, str) else ""


def name_of(value: object) -> str:
    """Return the name of the type of *value* in nodes.

    >>> name_of(True)
    'builtins:bool'
    """
    return type_name(type(value))


def is_nameless(type_: type) -> bool:
    """Tell whether the module and the name of a Python class do not lead to it.

    >>> is_nameless(type("Row", (), {})), is_nameless(int)
    (True, False)
    """
    if type_.__flags__ & _PYTHON_CLASS != _HEAP_TYPE or _module_of(type_) == "builtins":
        return False
    return not leads_to(type_.__module__, type_.__qualname__, type_)


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


def package_of(known: Any) -> str:
    """Return the top-level package of a function or class."""
    return str(known.__module__).partition(".")[0]


def exact(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for exactly these types, or names like `module:qualname`."""
    return _registering(_exact, types)


def inherited(*types: type[T] | str) -> _Register[T]:
    """Register the decorated handler for these types and their subclasses."""
    return _registering(_inherited, types)


def _registering(
    table: dict[type | str, Handler], types: tuple[type[T] | str, ...]
) -> _Register[T]:
    def register(handler: Callable[[T, Walk], Item]) -> Callable[[T, Walk], Item]:
        table.update(dict.fromkeys(types, handler))
        return handler

    return register


def structural(rule: Callable[[type], Found]) -> Callable[[type], Found]:
    """Register *rule*, which returns the handler of a type, or None; the first handler counts."""
    _structural.append(rule)
    return rule


def batch(type_: type) -> Callable[[Batch], Batch]:
    """Register the decorated function for many instances of exactly this builtin type."""

    def register(many: Batch) -> Batch:
        _fixed[type_] = batches[type_] = many
        return many

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
    batches.update(_fixed)


def _resolve(type_: type) -> Handler:
    """Return the handler of *type_*, loading our modules for the libraries of its base classes."""
    tops = [_module_of(base).partition(".")[0] for base in type_.__mro__]
    libraries = [FAMILIES[top] for top in tops if top in FAMILIES and top in sys.modules]
    for module in (*BUILTIN, *libraries):
        import_module(f"{__package__}.{module}")
    fixed = _by_ancestry(type_, _user_hashers) or _by_name(type_, _exact) or _declared_hasher(type_)
    if fixed is not None:
        return fixed
    found = _by_ancestry(type_, _inherited)
    if found is None:
        found = next(handler for rule in _structural if (handler := rule(type_)) is not None)
    if not is_nameless(type_) or is_plain_namedtuple(type_):
        return found
    # The name does not identify the class: its content counts too.
    state = found
    return lambda value, walk: node(_INSTANCE, (walk.item(type_), state(value, walk)))


def _by_ancestry(type_: type, table: dict[Any, Handler]) -> Found:
    return next((handler for base in type_.__mro__ if (handler := _by_name(base, table))), None)


def _by_name(type_: type, table: dict[Any, Handler]) -> Found:
    return table.get(type_) or table.get(type_name(type_))


def _declared_hasher(type_: type) -> Found:
    """Return the handler of a class that has a method `value_repr`."""
    if not callable(getattr(type_, "value_repr", None)):
        return None
    name = type_name(type_)
    return lambda value, walk: node(_VALUE_REPR, (name, walk.item(value.value_repr())))
