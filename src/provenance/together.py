"""Calls of one artifact at one time: one of them computes, and the others wait and find what it stored.

Threads of a process wait for each other first. A function that is not quick then also wants the artifact's lease, which
other processes wait for; it is given back whatever became of the call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from attrs import evolve

from provenance import inflight, turns
from provenance.asks import Pause
from provenance.drafting import Call
from provenance.effect import in_threads, run, run_async
from provenance.events import Waited
from provenance.journal import tell
from provenance.leasing import Claimed
from provenance.programs import Found
from provenance.records import ArtifactRecord
from provenance.sharing import SingleFlight, is_quick
from provenance.turns import Alone, Taking, Turn

Hit: TypeAlias = Callable[[Call, ArtifactRecord], object]
Compute: TypeAlias = Callable[[Call], object]
Awaited: TypeAlias = Callable[[Call], Awaitable[object]]


def once(call: Call, sharing: SingleFlight, hit: Hit, compute: Compute, stale: ArtifactRecord | None = None) -> object:
    """What *compute* answers, or *hit* if the same is computed elsewhere in the meantime. Raises as they do.

    The record that is *stale*, because its value is lost, is no hit.
    """
    artifact_id, repo = call.plan.artifact_id, call.repo

    def look(waited: float) -> object | None:
        found = run(turns.recorded(artifact_id, stale), repo.interpreter)
        if found is None:
            return None
        _tell_of_waiting(call, waited)
        return hit(call, found.record)

    def work(waited: float) -> object:
        if is_quick(call.recipe.identity):
            _tell_of_waiting(call, waited)
            return compute(call)
        left = evolve(sharing, longest_wait=max(sharing.longest_wait - waited, 0.0))
        taking = run(turns.taken(artifact_id, left, stale), repo.interpreter)
        _tell_of_waiting(call, waited + taking.waited)
        return _in_turn(call, taking.turn, hit, compute)

    key = repo, artifact_id
    return inflight.one_thread_at_a_time(key, look, work, sharing.longest_wait, call.environment.clock.ticks)


def _tell_of_waiting(call: Call, seconds: float) -> None:
    """Tell that *call* waited, if it did."""
    if seconds:
        tell(Waited(call.plan.artifact_id, call.plan.identity.name, seconds))


def _in_turn(call: Call, turn: Turn, hit: Hit, compute: Compute) -> object:
    match turn:
        case Found() as found:
            return hit(call, found.record)
        case Alone():
            return compute(call)
        case Claimed() as lease:
            try:
                return compute(call)
            finally:
                run(turns.left(lease), call.repo.interpreter)
        case _:
            assert_never(turn)


async def once_awaited(
    call: Call, sharing: SingleFlight, hit: Awaited, compute: Awaited, stale: ArtifactRecord | None = None
) -> object:
    """As `once`, for an asynchronous function, of which no other task of its loop computes the same.

    It does not block the event loop, and needs a thread only for the moments in which the store is asked.
    """
    taking = Taking(Alone()) if is_quick(call.recipe.identity) else await _taken(call, sharing, stale)
    _tell_of_waiting(call, taking.waited)
    match taking.turn:
        case Found():
            return await hit(call)
        case Alone():
            return await compute(call)
        case Claimed() as lease:
            return await _released(call, lease, compute)
        case _:
            assert_never(taking.turn)


async def _taken(call: Call, sharing: SingleFlight, stale: ArtifactRecord | None) -> Taking:
    from asyncio import sleep

    ticks = call.environment.clock.ticks

    async def pause(ask: Pause) -> float:
        began = ticks()
        await sleep(ask.seconds)
        return ticks() - began

    answers = in_threads(call.repo.interpreter, call.environment.beside) | Pause.on_async(pause)
    return await run_async(turns.taken(call.plan.artifact_id, sharing, stale), answers)


async def _released(call: Call, lease: Claimed, compute: Awaited) -> object:
    """What *compute* answers; the lease is given back, but not by a coroutine that is thrown away: that must not await."""
    from asyncio import CancelledError

    answers = in_threads(call.repo.interpreter, call.environment.beside)
    try:
        result = await compute(call)
    except (Exception, CancelledError):
        await run_async(turns.left(lease), answers)
        raise
    await run_async(turns.left(lease), answers)
    return result
