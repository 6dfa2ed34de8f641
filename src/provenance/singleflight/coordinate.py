"""One computation at a time of each artifact: other callers wait, and find what was stored.

Threads and tasks of a process wait for each other first. A function that is not quick then also wants the artifact's lease,
for which other processes wait; it is released whatever becomes of the call.

The rest of a call is a function that is handed down here, and not the body of a `with` block: an interrupt may come between
any two steps of `__enter__` and `__exit__`, and the others would wait for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, assert_never

from attrs import evolve, frozen

from provenance.effect import AsyncInterpreter, Beside, Interpreter, in_threads, run, run_async
from provenance.events import Waited
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.capabilities import TakeTurns
from provenance.ports.leases import Claim, Claimed, Taken
from provenance.ports.machine import Pause
from provenance.repository.programs import Absent, Found, Gone, LookedUp
from provenance.singleflight import inflight, leases
from provenance.singleflight.inflight import Ticks
from provenance.singleflight.leases import Alone, SingleFlight, Taking, is_quick
from provenance.telemetry import tell

if TYPE_CHECKING:
    from asyncio import Future

T = TypeVar("T")


@frozen(eq=False)
class Work:
    """A computation that others may want at the same time; a *stale* record, whose value is lost, does not end the wait."""

    artifact_id: ArtifactId
    name: str
    speed_key: str
    store: Hashable
    interpreter: Interpreter[TakeTurns]
    sharing: SingleFlight
    ticks: Ticks
    beside: Beside
    stale: ArtifactRecord | None = None


def in_turn(work: Work, rest: Callable[[LookedUp], T]) -> T:
    """Wait until no thread or process does the same *work*, then run *rest* with what is recorded by then.

    That is `Found` where another one has stored the artifact, else `Absent`: compute it. Raises what *rest* raises.
    """
    nothing = Absent(work.artifact_id)

    def look(waited: float) -> T | None:
        found = run(leases.recorded(work.artifact_id, work.stale), work.interpreter)
        if found is None:
            return None
        _report_waiting(work, waited)
        return rest(found)

    def take_turn(waited: float) -> T:
        if is_quick(work.speed_key):
            _report_waiting(work, waited)
            return rest(nothing)
        left = evolve(work.sharing, longest_wait=max(work.sharing.longest_wait - waited, 0.0))
        taking = run(leases.taken(work.artifact_id, left, work.stale), work.interpreter)
        _report_waiting(work, waited + taking.waited)
        match taking.turn:
            case Found() as found:
                return rest(found)
            case Alone():
                return rest(nothing)
            case Claimed() as lease:
                try:
                    return rest(nothing)
                finally:
                    run(leases.left(lease), work.interpreter)
            case _:
                assert_never(taking.turn)

    key = work.store, work.artifact_id
    return inflight.one_thread_at_a_time(
        key, look, take_turn, work.sharing.longest_wait, work.ticks
    )


def _report_waiting(work: Work, seconds: float) -> None:
    if seconds:
        tell(Waited(work.artifact_id, work.name, seconds))


async def in_turn_async(
    work: Work, probe: Callable[[], Awaitable[LookedUp]], rest: Callable[[LookedUp], Awaitable[T]]
) -> T:
    """As `in_turn`, for tasks of one event loop, which is not blocked; *rest* gets what *probe* answers in its turn.

    A thread is needed only for the moments in which the store is asked.
    """

    async def take_turn() -> T:
        found = await probe()
        if isinstance(found, Found):
            return await rest(found)
        stale = found.record if isinstance(found, Gone) else None
        taking = (
            Taking(Alone())
            if is_quick(work.speed_key)
            else await _taken_async(evolve(work, stale=stale))
        )
        _report_waiting(work, taking.waited)

        async def finish() -> T:
            # another process may have stored or replaced it
            look_again = isinstance(taking.turn, Found) or not isinstance(found, Absent)
            return await rest(await probe() if look_again else found)

        return await (
            _released(work, taking.turn, finish()) if isinstance(taking.turn, Claimed) else finish()
        )

    return await inflight.one_at_a_time(
        (work.store, work.artifact_id), take_turn, work.sharing.longest_wait
    )


def _in_threads(work: Work) -> AsyncInterpreter[TakeTurns]:
    return in_threads(work.interpreter, work.beside)


async def _taken_async(work: Work) -> Taking:
    from asyncio import CancelledError, ensure_future, shield, sleep

    async def pause(ask: Pause) -> float:
        began = work.ticks()
        await sleep(ask.seconds)
        return work.ticks() - began

    async def claim(ask: Claim) -> Claimed | Taken:
        answered = ensure_future(work.beside(work.interpreter, ask))
        try:
            return await shield(answered)
        except CancelledError:  # the store may have answered, or will
            answered.add_done_callback(partial(_give_back, work))
            raise

    answers = _in_threads(work) | Pause.on_async(pause) | Claim.on_async(claim)
    return await run_async(leases.taken(work.artifact_id, work.sharing, work.stale), answers)


def _give_back(work: Work, answered: Future[Claimed | Taken]) -> None:
    """Release a lease whose taker was cancelled."""
    from asyncio import ensure_future

    turn = Alone() if answered.cancelled() or answered.exception() else answered.result()
    if isinstance(turn, Claimed):
        leaving = ensure_future(run_async(leases.left(turn), _in_threads(work)))
        _leaving.add(leaving)
        leaving.add_done_callback(_leaving.discard)


_leaving: Final[set[Future[None]]] = set()
"""Leases that are being released: the event loop itself keeps no reference to a task."""


async def _released(work: Work, lease: Claimed, computing: Awaitable[T]) -> T:
    """Await *computing*, then release the lease; a coroutine that is closed must not await, and leaves it to expire."""
    from asyncio import CancelledError

    try:
        result = await computing
    except (Exception, CancelledError):
        await run_async(leases.left(lease), _in_threads(work))
        raise
    await run_async(leases.left(lease), _in_threads(work))
    return result
