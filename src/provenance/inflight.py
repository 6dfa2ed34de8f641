"""Asynchronous work that is under way: who asks for the same in the meantime waits for it.

Work runs in a task of its own, so that whoever began it may be cancelled without the others losing it; when all who
wait are cancelled, the work is. Only what runs in one event loop waits for each other: a loop that waited for another
one could wait for ever, if that is blocked by a thread that waits for the first. Neither does work wait for what waits
for it: a function that awaits its own call recurses, as it would without us.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

T = TypeVar("T")

Work: TypeAlias = "Callable[[], Coroutine[Any, Any, T]]"


class _Flight:
    """One piece of work: its task, how many wait for it, and the work that it waits for itself."""

    def __init__(self) -> None:
        self.task: Task[object] | None = None
        self.waiters = 0
        self.awaited: list[_Flight] = []

    def waits_for(self, other: _Flight) -> bool:
        """Whether *other* must land before this does."""
        met: set[_Flight] = {self}
        waiting: list[_Flight] = [self]
        while waiting:
            one = waiting.pop()
            waiting += [each for each in one.awaited if each not in met]
            met.update(one.awaited)
        return other in met


_flights: Final[dict[tuple[AbstractEventLoop, Hashable], _Flight]] = {}
"""By event loop: each loop adds and takes away its own, so that threads never meet in an entry."""
_inside: Final[ContextVar[_Flight | None]] = ContextVar("provenance_flight", default=None)
"""The work that the running code is part of."""


async def one_at_a_time(what: Hashable, work: Work[T]) -> T:
    """The result of *work*, which does nothing twice; where the same *what* is under way, it runs after that.

    An exception of the work that is under way is raised for all who wait for it.
    """
    from asyncio import get_running_loop

    key = (get_running_loop(), what)
    flight, here = _flights.get(key), _inside.get()
    if flight is None:
        return cast("T", await _landed(key, _begun(key, work), here))
    if here is None or not flight.waits_for(here):
        await _landed(key, flight, here)
    return await work()


def _begun(key: tuple[AbstractEventLoop, Hashable], work: Work[object]) -> _Flight:
    flight = _flights[key] = _Flight()

    async def fly() -> object:
        _inside.set(flight)
        return await work()

    flight.task = key[0].create_task(fly())
    flight.task.add_done_callback(lambda _: _leave(key, flight))
    return flight


def _leave(key: tuple[AbstractEventLoop, Hashable], flight: _Flight) -> None:
    """Let whoever comes from now on begin anew."""
    if _flights.get(key) is flight:
        del _flights[key]


async def _landed(key: tuple[AbstractEventLoop, Hashable], flight: _Flight, here: _Flight | None) -> object:
    """Wait for *flight*; the last one that is cancelled while waiting cancels it, and waits until it has stopped."""
    from asyncio import CancelledError, shield, wait

    task = cast("Task[object]", flight.task)
    with _waiting(flight, here):
        try:
            return await shield(task)
        except CancelledError:
            if flight.waiters == 1 and not task.done():
                _leave(key, flight)
                task.cancel()
                await wait([task])
            raise


@contextmanager
def _waiting(flight: _Flight, here: _Flight | None) -> Generator[None]:
    """Note who waits for whom."""
    flight.waiters += 1
    if here is not None:
        here.awaited.append(flight)
    try:
        yield
    finally:
        flight.waiters -= 1
        if here is not None:
            here.awaited.remove(flight)
