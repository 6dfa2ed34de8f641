"""Pickling of functions of `__main__`, which is another module in a worker process: they travel with their code."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from io import BytesIO
from typing import Protocol, cast

from provenance.model.records import NO_OPTIONS
from provenance.util.naming import exported

_leaving: ContextVar[tuple[object, ...]] = ContextVar("provenance_leaving", default=())
"""Functions whose code is being pickled."""
_arriving: ContextVar[Mapping[str, object]] = ContextVar("provenance_arriving", default=NO_OPTIONS)
"""Functions whose code is being unpickled, by path."""


class Wrapping(Protocol):
    """An object around a function, which is created empty and then gets its state."""

    __wrapped__: Callable[..., object]

    def __setstate__(self, state: tuple[object, ...], /) -> None: ...


def reduce_with_code(
    wrapper: Wrapping, path: str, function: Callable[..., object], others: tuple[object, ...]
) -> tuple[object, ...]:
    """Return the reduction of *wrapper*, which `__main__` has at *path*.

    Its state is *function* and *others*.
    """
    from provenance.codecs.pickling import dump_cloudpickle

    instructions = _instructions_of(function)
    if wrapper in _leaving.get():
        return restore_main_function, (type(wrapper), path, instructions, None)
    token = _leaving.set((*_leaving.get(), wrapper))
    try:
        file = BytesIO()
        dump_cloudpickle((function, *others), file)
    finally:
        _leaving.reset(token)
    return restore_main_function, (type(wrapper), path, instructions, file.getvalue())


@exported
def restore_main_function(
    kind: type[Wrapping], path: str, instructions: bytes, code: bytes | None
) -> object:
    """Unpickle a function: that of this `__main__` if its code is the same, else a copy.

    Pickles refer to this function.
    """
    arriving = _arriving.get()
    found = arriving.get(path) or named("__main__", path)
    if code is None or (
        isinstance(found, kind) and _instructions_of(found.__wrapped__) == instructions
    ):
        return found
    return (_made if arriving else _built)(kind, path, code)


def _made(kind: type[Wrapping], path: str, code: bytes) -> object:
    """Return the function of *code*, which may refer to itself by *path*."""
    made = kind.__new__(kind)
    token = _arriving.set({**_arriving.get(), path: made})
    try:
        made.__setstate__(cast("tuple[object, ...]", pickle.loads(code)))
    finally:
        _arriving.reset(token)
    return made


_built = functools.lru_cache(maxsize=256)(_made)
"""The same, cached, as each task brings the code.

Not for nested functions, which may refer to outer ones by path.
"""


def named(module: str, path: str) -> object:
    """Return what *path* refers to in *module*, None if nothing."""
    found: object = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _instructions_of(function: object) -> bytes:
    """Return the bytecode, which distinguishes functions of the same name in two scripts."""
    return cast("bytes", getattr(getattr(function, "__code__", None), "co_code", b""))
