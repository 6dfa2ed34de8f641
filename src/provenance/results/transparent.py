"""The class of transparent proxies, which pass every operation on to the value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import wrapt

from provenance.hashing import register_item
from provenance.model.ids import ValueId
from provenance.model.records import Origin
from provenance.model.references import MARK, SCALARS, UNREAD, Known
from provenance.results.handles import (
    Result,
    load_value,
    make_proxy,
    reduced_reference,
    restore_value,
)
from provenance.results.kinds import FORMS, ResultOptions, own_copy
from provenance.results.libraries import teach_libraries, teach_new_class
from provenance.results.methods import ARRAY_METHODS, failures, methods_for
from provenance.results.origin import INTERFACE, interface_of, is_current_origin
from provenance.util.formatting import safe_repr, type_name, type_name_of
from provenance.util.locks import ForkSafeLock

_SCALAR_TYPES: Final = frozenset(map(type_name_of, SCALARS - {complex}))
_RAW_MEMORY: Final = "it gives access to raw memory; use np.asarray or p.unwrap"
_DUCK: Final = "a library would keep the proxy in place of the array; use p.unwrap"
_HIDDEN: Final = {
    "__array_struct__": _RAW_MEMORY,
    "__array_interface__": _RAW_MEMORY,
    "__cuda_array_interface__": _RAW_MEMORY,
    "__array_function__": _DUCK,
    "__array_namespace__": _DUCK,
}
"""Protocols that a proxy lacks although its value has them, and why.

NumPy reads raw memory without the value's dtype and without keeping the value alive. `__array__`, `__dlpack__` and
Arrow's protocols give the same data safely.
"""
_publishing: Final = ForkSafeLock()


class _AnyResult(type(wrapt.BaseObjectProxy)):  # type: ignore[misc]  # wrapt's own, in Python or C
    """Makes `isinstance` recognize carriers as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return hasattr(type(instance), MARK)


class ArtifactProxy(Result, wrapt.BaseObjectProxy[Any], metaclass=_AnyResult):
    """Stands for the value of an artifact.

    `_self_known` is what is known of the artifact, `_self_origin` where the rest is; `_self_load` reads the value and
    is None once it was read; `_self_tracked` is false for what is in no store, and `_self_as_recorded` true for
    another representation of the value, whose identity stays that of the artifact.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> numbers = squares(3)
        >>> sum(numbers), len(numbers), isinstance(numbers, list)
        (5, 3, True)
        >>> type(numbers) is list, p.is_proxy(numbers), p.unwrap(numbers)
        (False, True, [0, 1, 4])
    """

    __module__ = "provenance"

    __slots__ = ("_self_as_recorded", "_self_known", "_self_load", "_self_origin", "_self_tracked")

    def __init__(
        self,
        known: Known,
        origin: Origin,
        load: Callable[[], object] | None,
        *,
        tracked: bool,
        value: object = None,
    ) -> None:
        self._self_known = known
        self._self_origin = origin
        self._self_tracked = tracked
        self._self_as_recorded = False
        self._self_load = load
        super().__init__(value)
        if load is None and value is None:
            self.__wrapped__ = None  # which wrapt takes for nothing

    def __wrapped_factory__(self) -> object:
        """Make wrapt ask `__wrapped_get__` for the value: that this method is there is enough."""
        return self.__wrapped__

    def __wrapped_get__(self) -> object:
        """Read the value, once: if two threads read it at the same time, both get the one that was first."""
        load = self._self_load
        try:
            value = self.__wrapped__ if load is None else load()
        except AttributeError as error:
            failures.note(self, "__wrapped__", error, again=2)
            raise
        with _publishing.lock:
            if self._self_load is not None:
                super().__init__(value)  # as setting `__wrapped__` does, in a third of its time
                if value is None:
                    self.__wrapped__ = None  # which wrapt takes for nothing
                self._self_load = None
        return self.__wrapped__

    def __wrapped_setattr_fixups__(self) -> None:
        """Keep wrapt from looking up this hook on the value, which may have an answer for any name."""

    def __getattr__(self, name: str) -> Any:
        """Return the value's attribute; a decorated method of it has this artifact for its `self`."""
        if name in _HIDDEN:
            raise AttributeError(f"{name} is hidden, because {_HIDDEN[name]}")
        unread = self._self_load is not None
        kind = self._self_unread_class if unread else None
        if kind is not None and _never_has(kind, name):
            module = "" if kind.__flags__ & _HEAP else f"{kind.__module__}."
            problem = f"'{module}{kind.__name__}' object has no attribute {name!r}"
            raise AttributeError(problem, name=name, obj=self)
        if failures.proxy is not None:
            repeated = failures.take(self, name)
            if repeated is not None:
                raise repeated
        try:
            found: object = getattr(self.__wrapped_get__() if unread else self.__wrapped__, name)
        except AttributeError as error:
            failures.note(self, name, error, again=1)
            raise
        bound: Callable[[object, object, object], object] | None = getattr(
            type(found), "__provenance_bound__", None
        )
        return found if bound is None else bound(found, self.__wrapped__, self)

    def transform_value(self, change: Callable[[Any], object]) -> object:
        """Return the same artifact in another representation: a proxy of what *change* makes of the value, which is read."""
        value = change(self.__wrapped__)
        known, origin, tracked = self._self_known, self._self_origin, self._self_tracked
        kind = _kind(interface_of(type(value)), type_name(value))
        made = kind(known, origin, None, tracked=tracked, value=value)
        made._self_as_recorded = True  # noqa: SLF001 - one of our own
        return made

    def value_repr(self) -> object:
        """Return the value by which the artifact is identified: the recorded one, whatever the representation."""
        if self._self_as_recorded:
            return self._self_origin.load_value(self.__provenance_record__())
        return self.__wrapped__

    @property
    def _self_unread_class(self) -> type | None:
        """The class of a value that is not read yet, if it is loaded."""
        return None if self._self_load is None else _loaded_class(self._self_known.value_type)

    @property
    def __class__(self) -> Any:
        """The class of the value; an unread value is not read for it if its class is loaded."""
        kind = None if self._self_load is None else self._self_unread_class
        return self.__wrapped__.__class__ if kind is None else kind

    @__class__.setter
    def __class__(self, kind: type) -> None:
        self.__wrapped__.__class__ = kind

    def __provenance_known__(self) -> ValueId | None:
        """Return the value's id, if the value cannot have changed since it was recorded."""
        unchanged = self._self_load is not None or self._self_as_recorded
        return self._self_known.value_id if unchanged else None

    def __provenance_reference__(self) -> Known:
        """Return what is known of the artifact without a look-up."""
        return self._self_known

    def __provenance_origin__(self) -> Origin:
        """Return where the rest of the artifact is."""
        return self._self_origin

    def __provenance_is_tracked__(self) -> bool:
        """Return whether the artifact is in a store."""
        return self._self_tracked

    def __provenance_is_node__(self) -> bool:
        """Return whether the value is hashed by itself."""
        return self._self_known.value_type not in _SCALAR_TYPES

    def __provenance_copy__(self, change: Callable[[Any], object]) -> ArtifactProxy:
        """Proxy of the same artifact over what *change* makes of the value; an unread one is read by it for itself."""
        known, origin, load = self._self_known, self._self_origin, self._self_load
        if load is None:
            value, later = change(self.__wrapped__), None
        else:
            value, later = UNREAD, lambda: change(load())
        made = stand_in(known, origin, value, later, tracked=self._self_tracked)
        made._self_as_recorded = self._self_as_recorded  # noqa: SLF001 - one of our own
        return made

    def __provenance_result__(self, options: ResultOptions) -> object:
        """Return the result in the form that its record notes and *options* choose; a builtin value is read."""
        known, origin, tracked = self._self_known, self._self_origin, self._self_tracked
        stays = FORMS.isdisjoint(known.interface) and options.results == "proxies"
        if stays or options.lazy:
            return self
        value = own_copy(self.__wrapped__)
        return make_proxy(known, origin, value, tracked=tracked, options=options)

    def __reduce_ex__(self, _: object) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Pickle a reference, which is a lazy proxy again when it is read; what was changed as the value."""
        known = self._self_known
        if (
            self._self_tracked
            and is_current_origin(self._self_origin)
            and self.__provenance_is_recorded__()
        ):
            methods = tuple([name for name in known.interface if name not in FORMS])
            return reduced_reference(known, methods, self._self_origin)
        return restore_value, (self.__wrapped__,)


def _loaded_class(value_type: str) -> type | None:
    """Return the class of this name, if it is certain that a value read now would have it."""
    found = _class_of_name(value_type)
    if found is None or type_name_of(found) != value_type or value_type.startswith("__main__:"):
        return None  # a class of `__main__` may be made again when a value of it is read
    answers = any("__class__" in vars(base) for base in found.__mro__[:-1])
    return None if answers else found


def _class_of_name(value_type: str) -> type | None:
    module, _, path = value_type.partition(":")
    found: object = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found if isinstance(found, type) else None


_HEAP: Final = 1 << 9
"""Flag of classes that are not written in C: errors name others with their modules."""


def _never_has(kind: type, name: str) -> bool:
    """Tell whether no instance of *kind* can have an attribute, so that nothing is read to find out."""
    finds: object = kind.__getattribute__
    own_way = hasattr(kind, "__getattr__") or finds is not object.__getattribute__
    return not (kind.__dictoffset__ or own_way or hasattr(kind, name))


@lru_cache(maxsize=4_096)
def _kind(interface: tuple[str, ...], value_type: str) -> type[ArtifactProxy]:
    """Return the class of proxies for values of a type with these special methods."""
    # A record may name anything: other names are left out, so that they make no more classes.
    known = dict.fromkeys(name for name in interface if name in INTERFACE)
    return class_for((*known, *ARRAY_METHODS.get(value_type, ())), value_type)


def stand_in(
    known: Known, origin: Origin, value: object, load: Callable[[], object] | None, *, tracked: bool
) -> ArtifactProxy:
    """Return a proxy of the class that offers just the special methods of the value's type."""
    kind = _kind(known.interface, known.value_type)
    if value is not UNREAD:
        return kind(known, origin, None, tracked=tracked, value=value)
    return kind(known, origin, load or (lambda: load_value(known, origin)), tracked=tracked)


@lru_cache(maxsize=4_096)
def class_for(
    interface: tuple[str, ...], value_type: str, base: type[ArtifactProxy] = ArtifactProxy
) -> type[ArtifactProxy]:
    """Return the class of proxies for values with these special methods, of those that not every type has.

    It names the type of the value: polars looks for the name of a library in that of a class before it asks for the type.
    """
    made = type(
        "ArtifactProxy",
        (base,),
        {
            "__slots__": (),
            "__module__": "provenance",
            "__qualname__": f"ArtifactProxy[{value_type.replace(':', '.')}]",
            **methods_for(interface),
        },
    )
    for flag, abstract in _MATCHED.items():
        if getattr(_class_of_name(value_type), "__flags__", 0) & flag:
            abstract.register(made)
    teach_new_class(made)
    return made


_MATCHED: Final[dict[int, Any]] = {1 << 5: Sequence, 1 << 6: Mapping}
"""Flags of classes by which `match` knows sequences and mappings. `register` sets them."""
register_item(ArtifactProxy, ArtifactProxy.__provenance_item__)
teach_libraries(ArtifactProxy)


# ---------------------------------------------------------------- results that are being computed


class PendingProxy(ArtifactProxy):
    """Stands for a value that is being computed: its artifact is known when it is complete."""

    __slots__ = ("_self_complete",)

    @property
    def _self_known(self) -> Known:
        """What is known of the artifact; the computation is completed for this."""
        return self._self_complete()

    @_self_known.setter
    def _self_known(self, known: Known) -> None:
        self._self_complete = cast("Callable[[], Known]", known)

    def __repr__(self) -> str:
        return f"<provenance.ArtifactProxy {safe_repr(self.__wrapped__)} >"


def pending(
    complete: Callable[[], Known], origin: Origin, value: object, *, tracked: bool
) -> ArtifactProxy:
    """Return a proxy of a *value* that is being computed; *complete* waits for its end and returns its artifact."""
    kind = class_for(interface_of(type(value)), type_name(value), PendingProxy)
    known = cast("Known", complete)
    return kind(known, origin, None, tracked=tracked, value=value)
