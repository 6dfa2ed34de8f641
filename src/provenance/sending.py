"""Decorated functions of `__main__`, sent to processes whose `__main__` may be another module.

Pickle sends a function by its name. Workers of joblib and of clusters have no such name, as they did not begin with the same
script; so the code goes along, as cloudpickle writes it, and is used where the name leads to no function of that code.
"""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Protocol, cast

from provenance.records import NO_OPTIONS

_leaving: ContextVar[tuple[object, ...]] = ContextVar("provenance_leaving", default=())
"""Functions whose code is being pickled."""
_arriving: ContextVar[Mapping[str, object]] = ContextVar("provenance_arriving", default=NO_OPTIONS)
"""Functions whose code is being unpickled, by their path."""


class Wrapping(Protocol):
    """An object around a function, which is made empty and then given its state."""

    __wrapped__: Callable[..., object]

    def __setstate__(self, state: tuple[object, ...], /) -> None: ...


def with_code(
    wrapper: Wrapping, path: str, function: Callable[..., object], others: tuple[object, ...]
) -> tuple[object, ...]:
    """How to pickle *wrapper*, which `__main__` has at *path*: its state is *function* and the *others*."""
    import cloudpickle

    instructions = _instructions_of(function)
    if wrapper in _leaving.get():
        return restore_main_function, (type(wrapper), path, instructions, None)
    token = _leaving.set((*_leaving.get(), wrapper))
    try:
        code = cloudpickle.dumps((function, *others))
    finally:
        _leaving.reset(token)
    return restore_main_function, (type(wrapper), path, instructions, code)


def restore_main_function(kind: type[Wrapping], path: str, instructions: bytes, code: bytes | None) -> object:
    """The function that was sent: the one of this process's `__main__` if it is the same. Pickles name this function."""
    arriving = _arriving.get()
    found = arriving.get(path) or named("__main__", path)
    if code is None or (isinstance(found, kind) and _instructions_of(found.__wrapped__) == instructions):
        return found
    return (_made if arriving else _made_once)(kind, path, code)


def _made(kind: type[Wrapping], path: str, code: bytes) -> object:
    """The function of *code*, which may refer to itself by *path*."""
    made = kind.__new__(kind)
    token = _arriving.set({**_arriving.get(), path: made})
    try:
        made.__setstate__(cast("tuple[object, ...]", pickle.loads(code)))
    finally:
        _arriving.reset(token)
    return made


_made_once = functools.lru_cache(maxsize=256)(_made)
"""The same, made once though it comes with each task; not one inside another, which may refer to that one by path."""


def named(module: str, path: str) -> object:
    """What *path* names in *module*; None where that is nothing."""
    found: object = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _instructions_of(function: object) -> bytes:
    """What tells functions of one name in two scripts from each other."""
    return cast("bytes", getattr(getattr(function, "__code__", None), "co_code", b""))
