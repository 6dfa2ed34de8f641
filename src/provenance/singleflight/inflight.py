"""Work in progress: callers that want the same work wait for it.

Asynchronous work runs in a task of its own, so that its first caller may be cancelled without the others losing it; it is
cancelled when all its callers are. Only tasks of one event loop wait for each other: a loop that waited for another one could
wait for ever, if that is blocked by a thread that waits for the first. Synchronous work runs in the thread that began it, and
other threads wait for it; if it fails, the next of them does it.

No work waits for work that waits for it: a function that awaits its own call recurses, as it would undecorated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Generator, Hashable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

T = TypeVar("T")

Work: TypeAlias = "Callable[[], Coroutine[Any, Any, T]]"
_Key: TypeAlias = "tuple[AbstractEventLoop, Hashable]"
Ticks: TypeAlias = Callable[[], float]
"""Seconds on a clock that only moves forward."""


class _Flight:
    """One piece of work: its task or its thread, what waits for it, and the work that it waits for itself.

    Waiting tasks are counted. Each waiting thread has a locked lock of its own among the *bells*, which is released at the landing.
    """

    __slots__ = ("awaited", "bells", "landed", "task", "thread", "waiters")

    def __init__(self, thread: int = 0) -> None:
        self.task: Task[object] | None = None
        self.thread = thread
        self.landed = False
        self.bells: list[Lock] = []
        self.waiters = 0
        self.awaited: list[_Flight] = []

    def waits_for(self, other: _Flight) -> bool:
        """Return whether *other* must land before this does."""
        met: set[_Flight] = {self}
        waiting: list[_Flight] = [self]
        while waiting:
            one = waiting.pop()
            for flight in tuple(one.awaited):  # threads change the list
                if not (flight.landed or flight in met):
                    waiting.append(flight)
                    met.add(flight)
        return other in met


_flights: Final[dict[_Key, _Flight]] = {}
"""By event loop: each loop adds and removes its own entries, so that threads never share one."""
_current_flight: Final[ContextVar[_Flight | None]] = ContextVar("provenance_flight", default=None)
"""The work that the running code is part of."""


async def run_exclusively(what: Hashable, work: Work[T], patience: float) -> T:
    """Run *work*; where the same *what* is in progress, run it after that.

    An exception of the work in progress is raised in all that wait for it. They wait at most *patience* seconds.
    """
    from asyncio import get_running_loop

    key = (get_running_loop(), what)
    flight, here = _flights.get(key), _current_flight.get()
    if flight is None:
        return cast("T", await _await_flight(key, _begin(key, work)))
    if here is None or not flight.waits_for(here):
        await _await_flight(key, flight, patience)
    return await work()


def _begin(key: _Key, work: Work[object]) -> _Flight:
    flight = _flights[key] = _Flight()

    async def fly() -> object:
        _current_flight.set(flight)
        return await work()

    flight.task = key[0].create_task(fly())
    flight.task.add_done_callback(lambda _: _leave(key, flight))
    return flight


def _leave(key: _Key, flight: _Flight) -> None:
    """Make later callers start the work again."""
    if _flights.get(key) is flight:
        del _flights[key]


async def _await_flight(key: _Key, flight: _Flight, patience: float | None = None) -> object:
    """Wait for *flight*; the last waiter that is cancelled cancels it, and waits until it has stopped.

    Returns its result, or None if *patience* ended before.
    """
    from asyncio import CancelledError, wait

    task = cast("Task[object]", flight.task)
    with _waiting_for(flight):
        try:
            await wait([task], timeout=patience)
            return task.result() if task.done() else None
        except CancelledError:
            if flight.waiters == 1 and not task.done():
                _leave(key, flight)
                task.cancel()
                await wait([task])
            raise


@contextmanager
def _waiting_for(flight: _Flight) -> Generator[None]:
    """Note which work waits for which."""
    here = _current_flight.get()
    flight.waiters += 1
    if here is not None:
        here.awaited.append(flight)
    try:
        yield
    finally:
        flight.waiters -= 1
        if here is not None:
            here.awaited.remove(flight)


# ---------------------------------------------------------------- threads

_crossings: Final[dict[Hashable, _Flight]] = {}
"""The work of threads; a forked child has none of its parent's."""


def run_exclusively_in_threads(
    what: Hashable,
    look: Callable[[float], T | None],
    work: Callable[[float], T],
    patience: float,
    ticks: Ticks,
) -> T:
    """Run *work*; while another thread does the same *what*, wait for it, for at most *patience* seconds in all.

    When that thread has finished, *look* may find its result and return it. Both get the number of seconds waited, as measured by
    *ticks*. An interrupt may come anywhere, so landing is done twice: one of the two completes.
    """
    waited = 0.0
    while True:
        flight = _Flight(get_ident())
        try:
            try:
                other = _crossings.setdefault(what, flight)
                if other is not flight:
                    waited += _wait_for(other, patience - waited, ticks)
                if not other.landed:  # it is this thread's turn, or it has waited long enough
                    return _join_flight(flight, work, waited)
            finally:
                _finish_flight(what, flight)
        finally:
            _finish_flight(what, flight)
        found = look(waited)
        if found is not None:
            return found


def _join_flight(flight: _Flight, work: Callable[[float], T], waited: float) -> T:
    before = _current_flight.get()
    try:
        _current_flight.set(flight)
        return work(waited)
    finally:
        _current_flight.set(before)


def _wait_for(other: _Flight, patience: float, ticks: Ticks) -> float:
    """Wait until *other* has landed, or *patience* has ended; returns the seconds waited. A wait for itself would never end."""
    if other.thread == get_ident():
        return 0.0
    here, began, bell = _current_flight.get(), ticks(), Lock()
    bell.acquire()
    try:
        if here is not None:
            # Before the check, so that of two that begin to wait for each other the second one sees it.
            here.awaited.append(other)
            if other.waits_for(here):
                return 0.0
        other.bells.append(bell)
        if not other.landed:  # a landing from now on rings the bell
            bell.acquire(timeout=max(patience, 0.0))
    finally:
        if here is not None:
            with suppress(ValueError):  # it was interrupted before
                here.awaited.remove(other)
    return ticks() - began


def _finish_flight(what: Hashable, flight: _Flight) -> None:
    """End the work and wake its waiters; a second call changes nothing."""
    if _crossings.get(what) is flight:
        del _crossings[what]
    flight.landed = True
    for bell in tuple(flight.bells):
        with suppress(RuntimeError):  # it was rung before
            bell.release()


def _forget_others() -> None:
    """Forget the work of the parent's threads, which do not exist in a forked child."""
    _crossings.clear()


if hasattr(os, "register_at_fork"):  # not where processes cannot fork
    os.register_at_fork(after_in_child=_forget_others)
