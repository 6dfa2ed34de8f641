"""Layers that observe effects: how often, for how long, and with how many bytes."""

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
    """An effect that was answered in *seconds*, or failed with *error*."""

    effect: Effect[Any]
    seconds: float
    error: BaseException | None = None


def traced(base: Interpreter[E], log: Callable[[Asked], None]) -> Interpreter[E]:
    """Return *base*, calling *log* after each effect."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        began = time.perf_counter()
        try:
            answer = inner(effect)
        except BaseException as error:
            log(Asked(effect, time.perf_counter() - began, error))
            raise
        log(Asked(effect, time.perf_counter() - began))
        return answer

    return layered(base, layer)


class Counter(Shared):
    """The number of answers by effect, and of bytes read and written; threads may share it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[type[Effect[Any]], int] = {}
        self.bytes_read = 0
        self.bytes_written = 0

    def count(self, effect: Effect[Any], read: int, written: int) -> None:
        """Count one answered effect."""
        with self.lock:
            self.asked[type(effect)] = self.asked.get(type(effect), 0) + 1
            self.bytes_read += read
            self.bytes_written += written


def counted(base: Interpreter[E], counter: Counter) -> Interpreter[E]:
    """Return *base*, counting its answers in *counter*."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        answer = inner(effect)
        read = effect.blob.size if isinstance(effect, ReadBlob) else 0
        counter.count(effect, read, _bytes_written(answer))
        return answer

    return layered(base, layer)


def _bytes_written(answer: object) -> int:
    if isinstance(answer, tuple):  # the answer of WriteBlobs
        return sum(map(_bytes_written, cast("tuple[object, ...]", answer)))
    return answer.blob.size if isinstance(answer, Stored | Held) else 0
