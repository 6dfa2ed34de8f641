"""One computation at a time of each artifact: other callers wait, and find what was stored.

Threads and tasks of a process wait for each other first. A function that is not quick then also wants the artifact's lease,
for which other processes wait; it is released whatever becomes of the call.

The rest of a call is a function that is handed down here, and not the body of a `with` block: an interrupt may come between
any two steps of `__enter__` and `__exit__`, and the others would wait for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import evolve, frozen

from provenance.effect import AsyncInterpreter, ThreadRunner, in_threads, run, run_async
from provenance.events import Waited
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.capabilities import Coordinate
from provenance.ports.leases import AcquireLease, Lease, LeaseHeld
from provenance.ports.machine import Sleep
from provenance.repository.handles import Repository
from provenance.repository.programs import BlobLost, LookupHit, LookupMiss, LookupResult
from provenance.singleflight import inflight, leases
from provenance.telemetry import emit

if TYPE_CHECKING:
    from asyncio import Future

T = TypeVar("T")


@frozen(eq=False)
class Work:
    """A computation that others may want at the same time; a *stale* record, whose value is lost, does not end the wait."""

    artifact_id: ArtifactId
    name: str
    speed_key: str
    repo: Repository
    sharing: leases.SingleFlight
    monotonic: inflight.Ticks
    run_in_thread: ThreadRunner
    stale: ArtifactRecord | None = None


def in_turn(work: Work, rest: Callable[[LookupResult], T]) -> T:
    """Wait until no thread or process does the same *work*, then run *rest* with what is recorded by then.

    That is `LookupHit` where another one has stored the artifact, else `LookupMiss`: compute it. Raises what *rest* raises.
    """
    nothing = LookupMiss(work.artifact_id)

    def look(waited: float) -> T | None:
        found = run(leases.newer_record(work.artifact_id, work.stale), work.repo.interpreter)
        if found is None:
            return None
        _report_waiting(work, waited)
        return rest(found)

    def take_turn(waited: float) -> T:
        taking = leases.Acquisition(None)
        if not leases.is_quick(work.speed_key):
            left = evolve(work.sharing, longest_wait=max(work.sharing.longest_wait - waited, 0.0))
            taking = run(leases.acquire(work.artifact_id, left, work.stale), work.repo.interpreter)
        _report_waiting(work, waited + taking.waited)
        if not isinstance(taking.turn, Lease):
            return rest(taking.turn or nothing)
        try:
            return rest(nothing)
        finally:
            run(leases.release(taking.turn), work.repo.interpreter)

    key = work.repo, work.artifact_id
    return inflight.run_exclusively_in_threads(
        key, look, take_turn, work.sharing.longest_wait, work.monotonic
    )


def _report_waiting(work: Work, seconds: float) -> None:
    if seconds:
        emit(Waited(work.artifact_id, work.name, seconds))


async def in_turn_async(
    work: Work,
    probe: Callable[[], Awaitable[LookupResult]],
    rest: Callable[[LookupResult], Awaitable[T]],
) -> T:
    """As `in_turn`, for tasks of one event loop, which is not blocked; *rest* gets what *probe* answers in its turn.

    A thread is needed only for the moments in which the store is asked.
    """

    async def take_turn() -> T:
        found = await probe()
        if isinstance(found, LookupHit):
            return await rest(found)
        stale = found.record if isinstance(found, BlobLost) else None
        taking = leases.Acquisition(None)
        if not leases.is_quick(work.speed_key):
            taking = await acquire_async(evolve(work, stale=stale))
        _report_waiting(work, taking.waited)

        async def finish() -> T:
            # another process may have stored or replaced it
            look_again = isinstance(taking.turn, LookupHit) or not isinstance(found, LookupMiss)
            return await rest(await probe() if look_again else found)

        if isinstance(taking.turn, Lease):
            return await _release_after(work, taking.turn, finish())
        return await finish()

    return await inflight.run_exclusively(
        (work.repo, work.artifact_id), take_turn, work.sharing.longest_wait
    )


def _in_threads(work: Work) -> AsyncInterpreter[Coordinate]:
    return in_threads(work.repo.interpreter, work.run_in_thread)


async def acquire_async(work: Work) -> leases.Acquisition:
    """As `leases.acquire`, without blocking the event loop; what a cancelled caller would get is given back."""
    from asyncio import CancelledError, ensure_future, shield, sleep

    async def pause(ask: Sleep) -> float:
        began = work.monotonic()
        await sleep(ask.seconds)
        return work.monotonic() - began

    async def claim(ask: AcquireLease) -> Lease | LeaseHeld:
        answered = ensure_future(work.run_in_thread(work.repo.interpreter, ask))
        try:
            return await shield(answered)
        except CancelledError:  # the store may have answered, or will
            answered.add_done_callback(partial(_give_back, work))
            raise

    answers = _in_threads(work) | Sleep.on_async(pause) | AcquireLease.on_async(claim)
    return await run_async(leases.acquire(work.artifact_id, work.sharing, work.stale), answers)


def _give_back(work: Work, answered: Future[Lease | LeaseHeld]) -> None:
    """Release a lease whose taker was cancelled."""
    from asyncio import ensure_future

    turn = None if answered.cancelled() or answered.exception() else answered.result()
    if isinstance(turn, Lease):
        leaving = ensure_future(run_async(leases.release(turn), _in_threads(work)))
        _releases.add(leaving)
        leaving.add_done_callback(_releases.discard)


_releases: Final[set[Future[None]]] = set()
"""Leases that are being released: the event loop itself keeps no reference to a task."""


async def _release_after(work: Work, lease: Lease, computing: Awaitable[T]) -> T:
    """Await *computing*, then release the lease; a coroutine that is closed must not await, and leaves it to expire."""
    from asyncio import CancelledError

    try:
        result = await computing
    except (Exception, CancelledError):
        await run_async(leases.release(lease), _in_threads(work))
        raise
    await run_async(leases.release(lease), _in_threads(work))
    return result
