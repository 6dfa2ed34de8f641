"""How results come back: as themselves with their artifact, as themselves alone, or behind a lazy proxy.

What a value holds decides, so that code that works on a small sample works on all data. The record notes the decision.
"""

from __future__ import annotations

import copy
import enum
import sys
import types
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast, get_args

from attrs import frozen

from provenance.model.references import CONTAINERS, MARK
from provenance.results.origin import interface_of

VALUE: Final = "=value"
"""In front of a record's interface: the result is an instance of a subclass that carries the artifact."""
SINGLETON: Final = "=singleton"
"""In front of a record's interface: the result is the value itself, which no subclass can stand for."""

FORMS: Final = frozenset({VALUE, SINGLETON})

ResultStyle: TypeAlias = Literal["proxies", "values"]
ArgumentStyle: TypeAlias = Literal["values", "proxies"]
SingletonStyle: TypeAlias = Literal["values", "proxy"]
STYLES: Final = {
    "results": get_args(ResultStyle),
    "arguments": get_args(ArgumentStyle),
    "singletons": get_args(SingletonStyle),
}

T = TypeVar("T")

EAGER_LIMIT: Final = 16_000_000


@frozen(kw_only=True)
class ResultOptions:
    """How calls hand values over.

    Attributes:
        results: "values" reads every result at once and returns it without a proxy.
        arguments: "proxies" passes results to functions unread.
        singletons: "proxy" returns proxies of `None`, `True`, enum members and the like.
        lazy: return a lazy proxy of any result.
        eager_limit: stored size in bytes up to which builtin values are read at the hit.
    """

    __module__ = "provenance"

    results: ResultStyle = "proxies"
    arguments: ArgumentStyle = "values"
    singletons: SingletonStyle = "values"
    lazy: bool = False
    eager_limit: int = EAGER_LIMIT


DEFAULT_OPTIONS: Final = ResultOptions()
LAZY: Final = ResultOptions(lazy=True)
"""Options for what is handed on unread: the members of recorded inputs, `Artifact.proxy()`."""

_STANDARD: Final = {
    "builtins": {"int", "float", "complex", "str", "bytes"},
    "datetime": {"datetime", "date", "time", "timedelta"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "pathlib": {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"},
    "uuid": {"UUID"},
}
"""Types of values that cannot change, by module: none of these is imported for a check."""
_COMMON: Final = frozenset({int, float, complex, str, bytes, type(None), bool})
_SINGLETONS: Final = (
    type(None),
    bool,
    type(Ellipsis),
    slice,
    range,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    enum.Enum,
)
_LEAVES: Final = (type(None), bool, type(Ellipsis), slice, range, enum.Enum)
_BARE_NUMPY: Final = frozenset({"bool", "bool_", "datetime64", "timedelta64"})
_BARE_PANDAS: Final = frozenset(
    {"Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType"}
)
"""Scalars whose memory pandas reads, and singletons."""
_BARE_BASES: Final = frozenset(
    {
        "numpy.dtype",
        "pandas.api.extensions.ExtensionDtype",
        "polars.datatypes.classes.DataType",
        "pyarrow.lib.DataType",
        "pyarrow.lib.Field",
        "pyarrow.lib.Schema",
        "sympy.core.basic.Basic",
    }
)
"""Types of immutable values that their library tells by their very type: SymPy computes wrong answers with a proxy."""
_OTHER_NUMPY: Final = frozenset({"void", "object_"})


DICTIONARIES: Final = frozenset({OrderedDict, defaultdict, Counter})


def is_container(kind: type) -> bool:
    """Tell whether *kind* is a builtin type of containers, a dictionary of `collections`, or a type of named tuples.

    >>> is_container(list), is_container(str)
    (True, False)
    """
    return kind in CONTAINERS or kind in DICTIONARIES or is_named_tuple(kind)


@lru_cache(maxsize=4_096)
def is_named_tuple(kind: Any) -> bool:
    """Tell whether *kind* is a type of named tuples whose instances have nothing beside their fields."""
    return (
        isinstance(getattr(kind, "_fields", None), tuple)
        and tuple in kind.__mro__
        and not kind.__dictoffset__
        and not hasattr(kind, MARK)
    )


def is_scalar(kind: type) -> bool:
    """Tell whether *kind* is a builtin, standard or NumPy type of scalars that a subclass can stand for.

    >>> is_scalar(int), is_scalar(bool), is_scalar(list)
    (True, False, False)
    """
    return _is_scalar(cast("Any", kind))


@lru_cache(maxsize=4_096)
def _is_scalar(kind: type) -> bool:
    # Classes that libraries make at run time may have no module.
    module = str(cast("object", kind.__module__)).partition(".")[0]
    if kind.__name__ in _STANDARD.get(module, ()):
        return getattr(sys.modules[module], kind.__name__, None) is kind
    return _is_numpy(kind) and kind.__name__ not in _BARE_NUMPY | _OTHER_NUMPY


def _is_numpy(kind: type) -> bool:
    numpy: Any = sys.modules.get("numpy")
    return (
        numpy is not None
        and getattr(kind, "__module__", "") == "numpy"
        and issubclass(kind, numpy.generic)
    )


def is_singleton(value: object) -> bool:
    """Tell whether no subclass can stand for *value*: `None`, `True`, an enum member, a class, a function, a module.

    >>> is_singleton(None), is_singleton(len), is_singleton(1)
    (True, True, False)
    """
    kind = type(value)
    if hasattr(kind, MARK):
        return False
    return issubclass(kind, _SINGLETONS) or _is_bare(cast("Any", kind))


@lru_cache(maxsize=4_096)
def _is_bare(kind: type) -> bool:
    if kind.__name__ in _BARE_NUMPY:
        return _is_numpy(kind)
    if kind.__name__ in _BARE_PANDAS:
        return kind.__module__.partition(".")[0] == "pandas"
    return not _BARE_BASES.isdisjoint(f"{base.__module__}.{base.__name__}" for base in kind.__mro__)


def is_carriable(value: object) -> bool:
    """Tell whether *value* is a builtin or standard scalar, or a builtin container of such values only.

    >>> is_carriable({"rows": [1, 2.5, None]}), is_carriable([object()])
    (True, False)
    """
    kind = type(value)
    if not is_container(kind):
        return is_scalar(kind)
    seen: set[int] = set()
    waiting: list[object] = [value]
    while waiting:
        container = waiting.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        if type(container) in DICTIONARIES and getattr(container, "__dict__", None):
            return False  # attributes of its own
        for members in _members(container):
            kinds = set(map(type, members))
            if kinds <= _COMMON:
                continue
            inner = set(filter(is_container, kinds))
            if not all(map(_is_leaf, kinds - inner)):
                return False
            if inner:
                waiting += [member for member in members if type(member) in inner]
    return True


def _members(container: object) -> tuple[Iterable[object], ...]:
    if isinstance(container, dict):
        entries = cast("dict[object, object]", container)
        return entries.keys(), entries.values()
    return (cast("Iterable[object]", container),)


def _is_leaf(kind: type) -> bool:
    return (
        is_scalar(kind)
        or getattr(kind, "__provenance_kind__", None) is not None
        or (_is_numpy(kind) and kind.__name__ not in _OTHER_NUMPY)
        or _is_bare(kind)
        or issubclass(kind, _LEAVES)
    )


def interface_for(value: object) -> tuple[str, ...]:
    """Return what a record notes of *value*: how it comes back, and the special methods that a proxy of it must have.

    >>> interface_for([1]), interface_for(None)
    (('=value', '__iter__', '__getitem__', '__len__'), ('=singleton',))
    """
    kind = cast("Any", type(value))
    if kind in _COMMON:
        return _interface_of_common(kind)
    methods = interface_of(kind)
    if is_carriable(value):
        return (VALUE, *methods)
    return (SINGLETON, *methods) if is_singleton(value) else methods


@cache
def _interface_of_common(kind: type) -> tuple[str, ...]:
    """Return what a record notes of builtin scalars of a type: all are treated alike."""
    form = VALUE if is_scalar(kind) else SINGLETON
    return (form, *interface_of(kind))


def own_copy(value: T) -> T:
    """Return *value* with copies of its builtin containers, so that changes of the copy stay in the copy."""
    return cast("T", _copied(value, {}))


def _copied(given: object, memo: dict[int, object]) -> object:
    value, kind, make = cast("Any", given), type(given), cast("Any", type(given))
    if not is_container(kind):
        if is_container(getattr(kind, "__provenance_kind__", object)):
            return cast("object", value.__provenance_copy__(own_copy))
        return given
    if id(value) in memo:
        return memo[id(value)]
    made: Any
    if kind is dict:
        made = {key: _copied(member, memo) for key, member in value.items()}
    elif kind in DICTIONARIES:
        made = copy.copy(value)
        for key, member in value.items():
            made[key] = _copied(member, memo)
        if kind is Counter:  # whose copy has no attributes
            made.__dict__.update(value.__dict__)
    elif kind in (set, frozenset):
        made = make(value)
    else:
        members = [_copied(member, memo) for member in value]
        made = make(members) if kind in CONTAINERS else make._make(members)
    memo[id(value)] = made
    return made
