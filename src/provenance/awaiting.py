"""A call of an asynchronous function from beginning to end: as in `calls`, but awaited."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import cast

from provenance import filing, inflight, programs, together
from provenance.calls import committed, ephemeral, hit, in_hand, replacing
from provenance.draft import Draft
from provenance.drafting import Call, Timing, drafted
from provenance.effect import in_threads, run_async
from provenance.events import Why
from provenance.programs import Absent, Found, Gone, LookedUp, Unsound
from provenance.proxy import resolved_in, unwrap
from provenance.sharing import SingleFlight


async def perform(call: Call) -> object:
    """As `calls.perform`, for an asynchronous function: awaits it and does not block the event loop meanwhile.

    A hit makes sure that the value is there, because a lazy read could not await its recomputation. Calls that come
    while the same one is under way wait until that is stored, and then find it.
    """
    found = await _probed(call)
    if isinstance(found, Found):
        return hit(call, found.record)
    sharing = call.environment.single_flight
    if sharing is None or call.why is not Why.ABSENT or call.read_only:
        return await _compute(call, found)
    what = call.repo, call.plan.artifact_id
    return await inflight.one_at_a_time(what, lambda: _perform_alone(call, sharing), sharing.longest_wait)


async def _perform_alone(call: Call, sharing: SingleFlight) -> object:
    found = await _probed(call)
    if isinstance(found, Found):
        return hit(call, found.record)
    compute = partial(_compute, found=found) if isinstance(found, Absent) else _looked_again
    stale = found.record if isinstance(found, Gone) else None
    return await together.once_awaited(call, sharing, _looked_again, compute, stale)


async def _looked_again(call: Call) -> object:
    """What another one has stored, if its bytes are there; else it is computed, and takes the place of what is not."""
    found = await _probed(call)
    return hit(call, found.record) if isinstance(found, Found) else await _compute(call, found)


async def _probed(call: Call) -> LookedUp:
    if call.why is not Why.ABSENT:
        return Absent(call.plan.artifact_id)
    return await run_async(
        programs.probe(call.plan.artifact_id), in_threads(call.repo.interpreter, call.environment.beside)
    )


async def _compute(call: Call, found: Absent | Gone | Unsound) -> object:
    call = replacing(call, found)
    draft = await evaluate(call)
    if call.read_only:
        return ephemeral(call, draft)
    try:
        with resolved_in(call.repo):
            record = await run_async(filing.commit(draft), in_threads(call.repo.interpreter, call.environment.beside))
    except Exception as error:
        in_hand(error, draft)
        raise
    return committed(call, draft, record)


async def evaluate(call: Call) -> Draft:
    """As `calls.evaluate`, for an asynchronous function."""
    clock = call.environment.clock
    at, began = clock.now(), clock.ticks()
    value = await cast("Awaitable[object]", call.invoke())
    timing, archiving = Timing(at, began, clock.ticks()), call.recipe.options.archive
    if archiving is not None:
        taking = filing.taken(unwrap(value), archiving, call.recipe.subject.label)
        value = await run_async(taking, in_threads(call.repo.interpreter, call.environment.beside))
    return drafted(call, value, timing)
