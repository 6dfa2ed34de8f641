"""Failures as values: what raises, seen as the containers of `returns`.

Imported when the first one is wanted, as `returns` takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from returns.future import FutureResult
from returns.io import IOResult
from returns.result import Failure, Result, Success

R = TypeVar("R")
X = TypeVar("X", bound=Exception)


def attempted(kind: type[X], work: Callable[[], R]) -> Result[R, X]:
    """What *work* answers, or the error of this *kind* that it raises.

    >>> attempted(ZeroDivisionError, lambda: 6 / 2)
    <Success: 3.0>
    """
    try:
        return Success(work())
    except kind as error:
        return Failure(error)


def attempted_outside(kind: type[X], work: Callable[[], R]) -> IOResult[R, X]:
    """As `attempted`, for work that touches the world."""
    return IOResult.from_result(attempted(kind, work))


def attempted_later(kind: type[X], work: Callable[[], Coroutine[Any, Any, R]]) -> FutureResult[R, X]:
    """As `attempted_outside`, for work that is awaited; it begins when the future is."""

    async def result() -> Result[R, X]:
        try:
            return Success(await work())
        except kind as error:
            return Failure(error)

    return FutureResult(result())
