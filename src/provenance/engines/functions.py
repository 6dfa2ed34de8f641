"""Decorated functions for other people's schedulers: as plain functions, and with their context."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Generic, ParamSpec, TypeVar, cast

from provenance.calls.function import CachedFunction, is_async

P = ParamSpec("P")
R = TypeVar("R")


def as_function(function: CachedFunction[P, R]) -> Callable[P, R]:
    """Return a plain function that calls a decorated one, for libraries that accept nothing else.

    `ray.remote` and Spark's `applyInPandas` are such libraries.

    Raises:
        TypeError: if *function* is not decorated.
    """
    if not isinstance(cast("object", function), CachedFunction):
        raise TypeError(f"expected a decorated function, got {function!r}")
    if is_async(function):
        awaited = cast("CachedFunction[P, Coroutine[object, object, object]]", function)

        @functools.wraps(function.__wrapped__)
        async def plain_async(*args: P.args, **kwargs: P.kwargs) -> object:
            return await awaited(*args, **kwargs)

        return cast("Callable[P, R]", plain_async)

    @functools.wraps(function.__wrapped__)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return plain


class _InContext(Generic[P, R]):
    """Calls a function in a copy of the context in which this was made."""

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(cast("Callable[..., object]", self), function, updated=())
        self._function = function
        self._context = copy_context()

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time.
        return self._context.copy().run(self._function, *args, **kwargs)


def in_context(function: Callable[P, R]) -> Callable[P, R]:
    """Return *function*, which runs in the context of this call wherever a thread calls it.

    So `using_repo`, `using_results` and `capture_set` reach the threads of an executor:
    `executor.map(p.in_context(fn), items)`.
    """
    return _InContext(function)
