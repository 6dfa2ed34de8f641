"""A layer that fails: what a program leaves behind when it is stopped at one of its questions."""

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
    """*base*, raising *error* at the effect number *fails_on*, once: the first one is 1, and 0 never comes.

    The effect is not carried out; with *after* it is, and only the answer is lost. All other effects are answered as
    ever, those that a program asks in order to clean up among them. Effects are counted for each layer that is made,
    over all threads that ask it.
    """
    turns = itertools.count(1)

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        if next(turns) != fails_on:
            return inner(effect)
        if after:
            inner(effect)
        raise error

    return layered(base, layer)
