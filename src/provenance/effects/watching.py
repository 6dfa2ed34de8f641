"""Layers that watch: what was asked, how often, how long it took, how many bytes passed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from attrs import frozen

from provenance.asks import ReadBlob
from provenance.effect import Effect, Interpreter, layered
from provenance.effects.locks import Shared
from provenance.records import Held, Stored

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


@frozen
class Asked:
    """An effect was answered in *seconds*, or failed with *error*."""

    effect: Effect[Any]
    seconds: float
    error: BaseException | None = None


def traced(base: Interpreter[E], log: Callable[[Asked], None]) -> Interpreter[E]:
    """*base*, telling *log* of each effect after it was answered."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        begin = time.perf_counter()
        try:
            answer = inner(effect)
        except BaseException as error:
            log(Asked(effect, time.perf_counter() - begin, error))
            raise
        log(Asked(effect, time.perf_counter() - begin))
        return answer

    return layered(base, layer)


class Counter(Shared):
    """How often each effect was asked, and how many bytes were read and written; several threads may count."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[type[Effect[Any]], int] = {}
        self.bytes_read = 0
        self.bytes_written = 0

    def count(self, effect: Effect[Any], read: int, written: int) -> None:
        """Take one answered effect into account."""
        with self.lock:
            self.asked[type(effect)] = self.asked.get(type(effect), 0) + 1
            self.bytes_read += read
            self.bytes_written += written


def counted(base: Interpreter[E], counter: Counter) -> Interpreter[E]:
    """*base*, counting in *counter* what it answered."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        answer = inner(effect)
        counter.count(
            effect, effect.blob.size if isinstance(effect, ReadBlob) else 0, _written(answer)
        )
        return answer

    return layered(base, layer)


def _written(answer: object) -> int:
    if isinstance(answer, tuple):  # of several blobs
        return sum(map(_written, cast("tuple[object, ...]", answer)))
    return answer.blob.size if isinstance(answer, Stored | Held) else 0
