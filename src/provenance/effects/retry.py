"""Trying again what failed for a moment, with growing pauses, until a deadline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from provenance.effect import Effect, Interpreter, with_layer

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])

_LONGEST: Final = 10.0


def backoff(failures: int, first: float = 0.05) -> None:
    """Sleep about *first* seconds after the first failure (number 0), and twice as long each time.

    The exact time is random, so that clients that failed together do not retry together.
    """
    from random import uniform

    factor = uniform(0.5, 1.5)  # noqa: S311 - not a secret
    time.sleep(min(first * 2**failures, _LONGEST) * factor)


def call_with_retries(
    ask: Callable[[float], A],
    attempts: int,
    retry_on: Callable[[Exception], bool],
    pause: Callable[[int], None] = backoff,
    deadline: float = math.inf,
) -> A:
    """Return the answer of *ask*, which is called with the seconds left, after up to *attempts*.

    Args:
        ask: What to do. It gets the time that is left, to limit its own requests.
        attempts: The maximum number of calls.
        retry_on: Returns whether to try again after this exception.
        pause: Called after each failure with the number of failures before it.
        deadline: Seconds after which a failure is the last one.
    """
    end = time.monotonic() + deadline
    for failures in range(attempts - 1):
        try:
            return ask(end - time.monotonic())
        except Exception as error:
            if not retry_on(error):
                raise
            pause(failures)
            if time.monotonic() >= end:
                raise
    return ask(end - time.monotonic())


def retrying(
    base: Interpreter[E],
    attempts: int,
    retry_on: Callable[[Exception], bool],
    pause: Callable[[int], None] = backoff,
    deadline: float = math.inf,
) -> Interpreter[E]:
    """Return *base* with up to *attempts* per effect.

    Every effect may be repeated: writing the same bytes or record twice is writing them once.

    Args:
        base: The interpreter.
        attempts: The maximum number of times that one effect is asked.
        retry_on: Returns whether to try again after this exception.
        pause: Called after each failure with the number of failures before it; it waits.
        deadline: Seconds after which a failure is the last one.
    """

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        return call_with_retries(lambda _: inner(effect), attempts, retry_on, pause, deadline)

    return with_layer(base, layer)
