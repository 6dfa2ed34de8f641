"""The special methods of proxies: each passes an operation on to the value."""

from __future__ import annotations

import operator
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, cast

from provenance.model.references import SCALARS, unwrap
from provenance.results.libraries import ARRAY_FUNCTION, ARRAY_UFUNC, plain
from provenance.results.origin import INTERFACE
from provenance.util.formatting import type_name


class Failures(threading.local):
    """The last `AttributeError` of a proxy in this thread, and how often Python is about to ask for it again.

    Python and wrapt each take an `AttributeError` for "no such attribute here" and fall back to `__getattr__`. Without this
    note, a read that fails would be tried up to three times.
    """

    proxy: object = None
    name = ""
    error: AttributeError | None = None
    again = 0

    def note(self, proxy: object, name: str, error: AttributeError, again: int) -> None:
        """Remember *error*, which the next *again* lookups of the attribute are to raise."""
        self.proxy, self.name, self.error, self.again = proxy, name, error, again

    def take(self, proxy: object, name: str) -> AttributeError | None:
        """Return the error that this lookup is to raise, if it repeats the last one."""
        if self.proxy is not proxy or self.name != name:
            return None
        error = self.error
        self.again -= 1
        if self.again <= 0:
            self.proxy = self.error = None
        return error


failures: Final = Failures()


def _call(self: Any, /, *args: object, **kwargs: object) -> object:
    return self.__wrapped__(*args, **kwargs)


def _getitem(self: Any, key: object) -> object:
    """Return an item. C code takes an object for a sequence if its class has this method in Python; pandas does."""
    return self.__wrapped__[key]


def _on_value(operate: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return the special method that does to the value what *operate* does to an object."""

    def method(self: Any) -> object:
        return operate(self.__wrapped__)

    return method


def _method_of_value(name: str) -> Callable[..., object]:
    """Return the special method that calls the value's own."""

    def method(self: Any, /, *args: object) -> object:
        return getattr(self.__wrapped__, name)(*args)

    return method


def _array(self: Any, dtype: Any = None, *, copy: bool | None = None) -> object:
    import numpy as np

    library, value = cast("Any", np), self.__wrapped__
    if isinstance(value, library.ndarray) and (dtype is None or dtype == value.dtype) and not copy:
        # NumPy itself makes a plain array of a masked one where it needs one.
        return cast("object", value)
    return library.array(value, dtype, copy=copy, subok=True)


def _arrow_array(self: Any, type: object = None) -> object:  # noqa: A002 - pyarrow passes it by this name
    return sys.modules["pyarrow"].array(self.__wrapped__, type=type)


class _Forwarded:
    """A special method of all proxies that is looked up on the value: only some values have it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, proxy: Any, _: object = None) -> object:
        if proxy is None:
            return self
        try:
            value: object = proxy.__wrapped__
        except AttributeError as error:
            failures.note(proxy, self._name, error, again=1)
            raise
        if not hasattr(type(value), self._name):
            raise _MissingMethodError(f"{type_name(value)!r} object has no {self._name}")
        return getattr(value, self._name)


class _MissingMethodError(AttributeError, TypeError):
    """The value lacks a special method: `hasattr` expects the one error, operations such as `len` the other."""


def _torch_function(
    _: type,
    function: Any,
    __: object,
    args: tuple[object, ...] = (),
    kwargs: dict[str, object] | None = None,
) -> object:
    return function(*plain(args), **plain(kwargs or {}))


def _in_place(operate: Callable[[Any, Any], object]) -> Callable[[Any, object], object]:
    """Return the method of `x += …`: the proxy stays if its value was changed in place, else the new value is a plain one."""

    def method(self: Any, other: object) -> object:
        value = self.__wrapped__
        result = operate(value, other)
        return self if result is value else result

    return method


def _compare(operate: Callable[[Any, Any], object]) -> Callable[[Any, object], object]:
    """Return the method of a comparison, in which both sides are values: some classes compare their types."""

    def method(self: Any, other: object) -> object:
        return operate(self.__wrapped__, other if type(other) in SCALARS else unwrap(other))

    return method


_COMPARISONS: Final = {
    f"__{name}__": _compare(getattr(operator, name))
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
}
_ARITHMETIC: Final = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow")
_BITWISE: Final = ("lshift", "rshift", "and", "xor", "or")
_IN_PLACE: Final = {
    f"__i{name}__": _in_place(getattr(operator, f"__i{name}__"))
    for name in (*_ARITHMETIC, *_BITWISE)
}
"""wrapt's own methods would put what is no longer the artifact's value behind a proxy."""
_METHODS: Final[dict[str, object]] = {
    "__array__": _array,
    "__arrow_array__": _arrow_array,
    "__dataclass_fields__": property(lambda self: self.__wrapped__.__dataclass_fields__),
    "__call__": _call,
    "__getitem__": _getitem,
    "__iter__": _on_value(iter),
    "__next__": _on_value(next),
    "__aiter__": _on_value(aiter),
    "__anext__": _on_value(anext),
    "__length_hint__": _on_value(operator.length_hint),
    "__fspath__": _on_value(os.fspath),
    **{name: _method_of_value(name) for name in ("__await__", "__get__", "__set__", "__delete__")},
}
_TENSOR_METHODS: Final[dict[str, object]] = {
    "__class__": property(type),
    "__torch_function__": classmethod(_torch_function),
}
"""What the proxy of a tensor has: its own class, too.

Torch reads the memory of whatever says that its class is `Tensor`, which a proxy must not say therefore: torch crashes. The
price is that `isinstance(proxy, torch.Tensor)` is False.
"""
_ALWAYS: Final = {
    **_IN_PLACE,
    **_COMPARISONS,
    "__hash__": _on_value(hash),  # a class that has __eq__ would have none
    "__array_function__": ARRAY_FUNCTION,
}
_FORWARDED: Final = INTERFACE[INTERFACE.index("__len__") :]
"""What every proxy inherits from wrapt, although only some values have it."""
_ARRAY_LIKE: Final = ("bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "range")
ARRAY_METHODS: Final = {
    "numpy:ndarray": ("__arrow_array__",),
    **{f"builtins:{name}": ("__array__",) for name in _ARRAY_LIKE},
}
"""NumPy recognizes these types in C, so their proxies need `__array__`. So does pyarrow NumPy's arrays."""


def methods_for(interface: tuple[str, ...]) -> dict[str, object]:
    """Return the special methods of proxies of values that have those of *interface*."""
    methods = {name: _METHODS[name] for name in interface if name in _METHODS}
    methods |= {name: _Forwarded(name) for name in _FORWARDED if name not in interface}
    if "__array_ufunc__" in interface or "__array_priority__" not in interface:
        # Else NumPy leaves operators to the value, such as a sparse matrix.
        methods["__array_ufunc__"] = ARRAY_UFUNC
    if "__torch_function__" in interface:
        methods |= _TENSOR_METHODS
        # Torch would take a tensor of indices for a sequence of them.
        methods.pop("__getitem__", None)
    return _ALWAYS | methods
