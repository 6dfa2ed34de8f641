"""A layer that fails: it shows what a program leaves behind when it is stopped at an effect."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from provenance.effect import Effect, Interpreter, layered

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


def faulty(
    base: Interpreter[E], fails_on: int, error: BaseException, *, after: bool = False
) -> Interpreter[E]:
    """Return *base*, raising *error* once, at the effect number *fails_on*.

    Args:
        base: The interpreter, which answers all other effects, those of a cleanup among them.
        fails_on: The number of the effect, from 1, counted over all threads; 0 never fails.
        error: What to raise.
        after: Carry the effect out and lose only its answer.
    """
    numbers = itertools.count(1)

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        if next(numbers) != fails_on:
            return inner(effect)
        if after:
            inner(effect)
        raise error

    return layered(base, layer)
