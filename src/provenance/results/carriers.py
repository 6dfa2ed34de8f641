"""Carriers: builtin and standard values that are themselves and carry their artifact.

A carrier of an `int` is an instance of a subclass of `int`. Code in C, `json`, `match` and database drivers see the type
itself. What operators make of carriers is plain.
"""

from __future__ import annotations

import datetime as dt
import pathlib
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias, cast

from provenance.hashing import register_item
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import Derivation, Origin
from provenance.model.references import SCALARS, ArtifactRef, Known
from provenance.results.handles import (
    Result,
    derivation_for_pickle,
    make_proxy,
    reduced_reference,
    restore_value,
)
from provenance.results.kinds import (
    DICTIONARIES,
    LAZY,
    interface_for,
    is_container,
    is_named_tuple,
    is_scalar,
)
from provenance.results.libraries import (
    ARRAY_FUNCTION,
    ARRAY_UFUNC,
    teach_libraries,
    teach_new_class,
)
from provenance.results.origin import CurrentOrigin, is_current_origin, resolving_origin
from provenance.util.formatting import type_name
from provenance.util.naming import exported

_MUTABLE: Final = frozenset({list, dict, set, *DICTIONARIES})
_WITH_ATTRIBUTES: Final = frozenset({OrderedDict, Counter})
_NUMBERS: Final = frozenset({int, float, complex})
_TIMES: Final = frozenset({dt.datetime, dt.date, dt.time, dt.timedelta})


def _is_fixed(kind: type) -> bool:
    return kind is type(None) or kind is bool or is_scalar(kind)


class Carrier(Result):
    """What all classes of carriers have.

    `_provenance` holds what is known of the artifact, the origin of the rest, and whether the artifact is in a store.
    """

    __slots__ = ()
    # No annotations, because carriers would show them as their own.
    __provenance_kind__ = cast("Any", None)
    _provenance = cast("tuple[Known, Origin, bool]", None)

    @property
    def __wrapped__(self) -> object:
        """The value as an instance of its very type."""
        kind = self.__provenance_kind__
        return _maker(kind)(kind, self)

    def transform_value(self, change: Callable[[Any], object]) -> object:
        """Return the same artifact in another representation: a proxy of what *change* makes of the value."""
        known, origin, tracked = self._provenance
        whole: Any = make_proxy(known, origin, self.__wrapped__, tracked=tracked, options=LAZY)
        return cast("object", whole.transform_value(change))

    def value_repr(self) -> object:
        """Return the value by which the artifact is identified."""
        return self.__wrapped__

    def __provenance_known__(self) -> ValueId | None:
        """Return the value's id, if the value cannot have changed since it was recorded."""
        kind = self.__provenance_kind__
        if is_container(kind) and (
            kind in _MUTABLE or not all(map(_is_fixed, set(map(type, cast("Any", self)))))
        ):
            return None
        return self._provenance[0].value_id

    def __provenance_reference__(self) -> Known:
        """Return what is known of the artifact without a look-up."""
        return self._provenance[0]

    def __provenance_origin__(self) -> Origin:
        """Return where the rest of the artifact is."""
        return self._provenance[1]

    def __provenance_is_tracked__(self) -> bool:
        """Return whether the artifact is in a store."""
        return self._provenance[2]

    def __provenance_is_node__(self) -> bool:
        """Return whether the value is hashed by itself."""
        return is_container(self.__provenance_kind__)

    def __provenance_copy__(self, change: Callable[[Any], object]) -> object:
        """Return a carrier of the same artifact over what *change* makes of the value."""
        known, origin, tracked = self._provenance
        return carry(known, origin, change(self.__wrapped__), tracked=tracked)

    def __reduce_ex__(self, _: object) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Pickle scalars as reference and value, containers as references, what was changed as the value."""
        known, origin, tracked = self._provenance
        if tracked and is_current_origin(origin) and self.__provenance_is_recorded__():
            if is_container(self.__provenance_kind__):
                return reduced_reference(known, known.interface, origin)
            derivation = derivation_for_pickle(known)
            facts = (known.id, known.value_id, self.__wrapped__)
            return restore_scalar, facts if derivation is None else (*facts, derivation)
        return restore_value, (self.__wrapped__,)


@exported
def restore_scalar(
    id_: ArtifactId, value_id: ValueId, value: object, derivation: Derivation | None = None
) -> object:
    """Unpickle a carrier of a scalar, which nothing is read for. Pickles name this function."""
    known = ArtifactRef(id_, value_id, type_name(value), interface_for(value), derivation)
    return carry(known, resolving_origin() or CurrentOrigin(), value)


# ---------------------------------------------------------------- to the plain type and back


_Make: TypeAlias = "Callable[[Any, Any], object]"
"""Makes an instance of a class, a type or a subclass that stands for it, of a value of the type."""


_new: Final[Any] = object.__new__
_new_tuple: Final[_Make] = cast("Any", tuple).__new__


@cache
def _maker(kind: Any) -> _Make:
    """Return what makes plain values of carriers of *kind*, and carriers of plain values."""
    if is_named_tuple(kind):
        return _new_tuple
    if issubclass(kind, pathlib.PurePath):
        return _make_path
    if kind in _TIMES:
        return _rebuilding(kind)
    if kind in _MUTABLE:
        return _filling(kind)
    make: _Make = _MAKE_BY_NAME.get(kind.__name__) or kind.__new__
    return make


def _filling(container: type) -> _Make:
    """Return a maker for a mutable container, which takes its members in `__init__`."""
    kind: Any = container

    def make(cls: type, value: Any) -> object:
        made = kind.__new__(cls)
        arguments = (value.default_factory, value) if container is defaultdict else (value,)
        kind.__init__(made, *arguments)
        if kind in _WITH_ATTRIBUTES:
            made.__dict__.update(value.__dict__)
        return made

    return make


def _rebuilding(time: type) -> _Make:
    """Return a maker for a type of times, which takes what a pickle has of one."""
    kind: Any = time

    def make(cls: type, value: object) -> object:
        _, state = kind.__reduce_ex__(value, 4)
        return kind.__new__(cls, *state)

    return make


def _copying(*names: str) -> _Make:
    """Return a maker for a type whose instances have these attributes."""

    def make(cls: type, value: object) -> object:
        made: object = _new(cls)
        for name in names:
            object.__setattr__(made, name, getattr(value, name))
        return made

    return make


def _make_path(cls: type, value: Any) -> object:
    made: Any = _new(cls)
    if sys.version_info >= (3, 12):
        pathlib.PurePath.__init__(made, value)
    else:
        made._drv, made._root, made._parts = value._drv, value._root, list(value._parts)  # noqa: SLF001 - as pathlib does
    return made


_MAKE_BY_NAME: Final = {
    "UUID": _copying("int", "is_safe"),
    "Fraction": _copying("_numerator", "_denominator"),
}
"""For types of modules that are not imported for this."""

# ---------------------------------------------------------------- classes


def _make_plain(kind: Any) -> Callable[..., object]:
    """Return `__new__` of a carrier's class: what operators make by `type(self)(…)` is plain."""

    def new(_: object, *args: object, **kwargs: object) -> object:
        return kind(*args, **kwargs)

    return new


def _dir(carrier: Any) -> list[str]:
    return dir(carrier.__wrapped__)


@cache
def _carrier_class(kind: Any, *, plain_repr: bool = False) -> tuple[type, _Make] | None:
    """Return the class of carriers of *kind*, and what makes an instance of it; None if a subclass cannot stand for the type.

    NumPy's scalars need *kind* as the first base. So the methods are copied, that they come before those of *kind*.
    """
    if not is_container(kind) and not is_scalar(kind):
        return None
    inherited = {**vars(Result), **vars(Carrier)}
    members: dict[str, object] = {
        **{name: member for name, member in inherited.items() if name not in _OWN_NAMES},
        "__doc__": cast("Any", vars(kind)).get("__doc__"),
        "__module__": "provenance",
        "__qualname__": "ArtifactProxy",
        "__class__": property(lambda _: kind),
        "__dict__": property(lambda carrier: carrier.__wrapped__.__dict__),
        "__dir__": _dir,
        "__provenance_kind__": kind,
        "__new__": _make_plain(kind),
        "__str__": _plain_repr(kind) if kind.__str__ is object.__str__ else kind.__str__,
        **_special_members(kind),
    }
    if kind in _WITH_ATTRIBUTES:
        # Their `__dict__` is that of the user.
        del members["__dict__"]
        members["__slots__"] = ("_provenance",)
    elif kind.__setattr__ is object.__setattr__ and not issubclass(kind, pathlib.PurePath):
        members["__setattr__"] = _set_attribute
    if plain_repr:
        members["__repr__"] = _plain_repr(kind)
    cls = type("ArtifactProxy", (kind, Carrier), members)
    register_item(cls, Carrier.__provenance_item__)
    teach_new_class(cls)
    return cls, _maker(kind)


def _set_attribute(self: object, name: str, value: object) -> None:
    """Refuse new attributes, as the plain value does; a `defaultdict` has one that can be set."""
    if name != "default_factory" or self.__class__ is not defaultdict:
        raise AttributeError(f"{self.__class__.__name__!r} object has no attribute {name!r}")
    object.__setattr__(self, name, value)


def _plain_repr(kind: Any) -> Callable[[Any], str]:
    """Return what represents carriers as plain values; most types name the class, which is another one here."""
    names_class = kind.__module__ != "builtins" or kind in (set, frozenset)
    shown: Callable[[Any], str] = _repr_of_plain if names_class else getattr(kind, "__repr__")  # noqa: B009 - typed
    return shown


def _repr_of_plain(carrier: Any) -> str:
    return repr(carrier.__wrapped__)


_OWN_NAMES: Final = frozenset(
    {"__slots__", "__module__", "__doc__", "__qualname__", "_provenance", "__dict__"}
)


def _special_members(kind: Any) -> dict[str, object]:
    """Return what only carriers of this kind have."""
    if issubclass(kind, pathlib.PurePath):  # it sets attributes of its own
        if sys.version_info >= (3, 12):
            return {"with_segments": _make_plain(kind)}
        names = ("_from_parsed_parts", "_from_parts")
        return {name: classmethod(_make_plain(getattr(kind, name, kind))) for name in names}
    if is_named_tuple(kind):
        return {"_make": classmethod(_make_plain(kind._make))}
    if kind in _NUMBERS:
        return {"__array_ufunc__": ARRAY_UFUNC, "__array_function__": ARRAY_FUNCTION}
    if kind in (dt.date, dt.time, dt.datetime):
        # `replace` would make an instance of the carrier's class without calling it.
        dates = {"__conform__": _conform} if kind is not dt.time else {}
        return {"replace": _replace, **dates}
    return {}


def _replace(self: Any, *args: object, **kwargs: object) -> object:
    return self.__wrapped__.replace(*args, **kwargs)


def _conform(self: Any, _: object) -> object:
    """Answer `sqlite3`, which knows an adapter for the plain type only."""
    return sys.modules["sqlite3"].adapt(self.__wrapped__)


_frequent: Final[dict[type, tuple[type, _Make]]] = {}
"""What `_carrier_class` returns for builtin scalars."""


def carry(
    known: Known, origin: Origin, value: object, *, tracked: bool = True, plain_repr: bool = False
) -> object:
    """Return *value* as an instance of its type that carries its artifact; a proxy if no subclass can do so."""
    kind = type(value)
    made_by = None if plain_repr else _frequent.get(kind)
    if made_by is None:
        if hasattr(kind, "__provenance_kind__"):
            value = cast("Any", value).__wrapped__
            kind = type(value)
        made_by = _carrier_class(cast("Any", kind), plain_repr=plain_repr)
        if made_by is not None and not plain_repr and kind in SCALARS:
            _frequent[kind] = made_by
    if made_by is None:
        return make_proxy(known, origin, value, tracked=tracked, options=LAZY)
    cls, make = made_by
    made = make(cls, value)
    object.__setattr__(made, "_provenance", (known, origin, tracked))
    return made


register_item(Carrier, Carrier.__provenance_item__)
teach_libraries(Carrier)
