"""Concurrent awaits of one asynchronous call: the function runs once, and every one who awaits gets an own result."""

import asyncio
import gc
import threading

import pytest
from attrs import evolve

import provenance as p
from provenance import environment
from provenance.events import Hit, Miss, Recomputed
from provenance.singleflight import inflight
from provenance.singleflight.leases import SingleFlight
from waiting import PATIENCE, until_so

_runs: list[int] = []
_begun: list[int] = []
_go = threading.Event()


@pytest.fixture(autouse=True)
def _counted():
    _runs.clear()
    _begun.clear()
    _go.clear()
    yield
    assert {} == inflight._flights, "nothing stays behind"


@p.provenance()
async def slow(x: int, wait: float = 0.02) -> list[int]:
    """Take its time."""
    _runs.append(x)
    await asyncio.sleep(wait)
    return [x]


@p.provenance()
async def held(x: int) -> list[int]:
    """Take until it may go on."""
    _runs.append(x)
    await until_so(_go.is_set)
    return [x]


@p.provenance()
async def failing(x: int) -> int:
    """Fail, when three wait for it."""
    _runs.append(x)
    await _awaited_by(3)
    raise _mine


@p.provenance()
async def stubborn(x: int) -> int:
    """Clean up when it is cancelled."""
    _begun.append(x)
    try:
        await asyncio.sleep(10 * PATIENCE)
    finally:
        await asyncio.sleep(0.01)
        _runs.append(x)
    return x


_mine = ValueError("mine")


async def _awaited_by(count: int) -> None:
    """Wait until so many wait for work that is under way."""
    await until_so(lambda: count == sum(each.waiters for each in inflight._flights.values()))


@pytest.mark.parametrize("store", ["repo", "stored"])
def test_the_function_runs_once(store, request, events):
    """One computes, the others find what it stored."""
    request.getfixturevalue(store)

    async def together():
        return await asyncio.gather(*[slow(1) for _ in range(10)], slow(2))

    assert [[1]] * 10 + [[2]] == asyncio.run(together())
    assert [1, 2] == sorted(_runs)
    assert (2, 9) == tuple(
        len([each for each in events if isinstance(each, kind)]) for kind in (Miss, Hit)
    )


def test_who_changes_his_result_changes_nobody_elses(repo):
    """The results are equal, and not one object."""

    async def together():
        first, second = await asyncio.gather(slow(1), slow(1))
        first.append(99)
        return second

    assert [1] == asyncio.run(together())


def test_a_late_comer_waits_too(repo):
    """Whoever asks while the work is under way does not begin it again."""

    async def one_after_another():
        early = asyncio.ensure_future(held(1))
        await until_so(lambda: _runs)
        late = asyncio.ensure_future(held(1))
        await _awaited_by(2)
        _go.set()
        return await asyncio.gather(early, late)

    assert [[1], [1]] == asyncio.run(one_after_another())
    assert [1] == _runs


def test_different_repositories_compute_apart(repo):
    """The same call in another repository is other work."""
    other = p.MemoryRepo("other")

    async def elsewhere():
        with p.using_repo(other):
            return await slow(1)

    async def together():
        return await asyncio.gather(slow(1), elsewhere())

    asyncio.run(together())
    assert [1, 1] == _runs
    assert slow.artifact_id(1) in other
    assert slow.artifact_id(1) in repo


def test_who_has_waited_for_the_longest_wait_computes(repo):
    """Else it would be for ever: who is awaited wants a lock that is held by who awaits it."""
    environment.install(
        evolve(environment.current(), single_flight=SingleFlight(longest_wait=0.01))
    )

    @p.provenance(name="locked", ignore=["lock"])
    async def locked(x):
        _runs.append(x)
        if len(_runs) == 1:
            async with lock:
                return [x]
        return [x]

    async def holding():
        async with lock:
            first = asyncio.ensure_future(locked(1))
            await until_so(lambda: _runs)
            return await locked(1), first

    async def main():
        async with asyncio.timeout(PATIENCE):
            second, first = await holding()
            return second, await first

    lock = asyncio.Lock()
    assert ([1], [1]) == asyncio.run(main())
    assert [1, 1] == _runs


def test_an_exception_reaches_all_who_wait(repo):
    """The function ran once, its very exception is raised for each, and the next call runs it again."""

    async def together():
        return await asyncio.gather(*[failing(1) for _ in range(3)], return_exceptions=True)

    assert [_mine] * 3 == asyncio.run(together())
    assert [1] == _runs
    assert [_mine] * 3 == asyncio.run(together())
    assert [1, 1] == _runs


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_cancelling_one_leaves_the_others_theirs(repo, leaver):
    """Whether it began the work or joined it: the work goes on and the others get it."""

    async def together():
        tasks = [asyncio.ensure_future(held(1)) for _ in range(3)]
        await until_so(lambda: _runs)
        await _awaited_by(3)
        tasks[leaver].cancel()
        await _awaited_by(2)
        _go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(together())
    assert isinstance(results.pop(leaver), asyncio.CancelledError)
    assert [[1], [1]] == results
    assert [1] == _runs


def test_cancelling_all_cancels_the_work(repo):
    """It is stopped, not left behind; the last one who waited waits until it has cleaned up. A new call begins anew."""

    async def together():
        tasks = [asyncio.ensure_future(stubborn(1)) for _ in range(2)]
        await until_so(lambda: _begun)
        await _awaited_by(2)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [1] == _runs, "its `finally` was played to the end"
        return [each.cancelled() for each in tasks], len(asyncio.all_tasks())

    assert ([True, True], 1) == asyncio.run(together())
    assert not stubborn.is_cached(1)


def test_a_timeout_stops_the_work(repo):
    """`asyncio.timeout` around a call works as without us."""

    async def expire(limit):
        await until_so(lambda: _begun)
        limit.reschedule(asyncio.get_running_loop().time())

    async def impatient():
        async with asyncio.timeout(None) as limit:
            expiring = asyncio.ensure_future(expire(limit))
            await stubborn(1)
        await expiring

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    assert [1] == _runs


def test_work_that_is_cancelled_from_outside_does_not_stay(repo):
    """Who cancels all tasks of a loop, even before they began, leaves nothing that later calls would wait for."""

    async def swept():
        task = asyncio.ensure_future(slow(1))
        while not inflight._flights:  # noqa: ASYNC110 - it is the very moment that is wanted
            await asyncio.sleep(0)
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await slow(1)

    assert [1] == asyncio.run(swept())


def test_event_loops_in_threads_do_not_wait_for_each_other(repo):
    """A thread that blocks one loop until another loop has the same call is no deadlock: both compute."""

    async def blocking():
        under_way = asyncio.ensure_future(slow(1))
        await until_so(lambda: _runs)
        thread = threading.Thread(target=lambda: asyncio.run(slow.artifact(1)))
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        return await under_way

    assert [1] == asyncio.run(blocking())
    assert [1, 1] == _runs


def test_many_loops_at_once(stored):
    """Loops in several threads: nobody waits for ever, all agree."""
    found = []

    async def together():
        return await asyncio.gather(*[slow.artifact(each % 3) for each in range(9)])

    threads = [
        threading.Thread(target=lambda: found.extend(asyncio.run(together()))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert 36 == len(found)
    assert 3 == len({each.id for each in found})


def test_a_call_that_awaits_itself_recurses(repo):
    """It does not wait for itself: Python's own limit tells, as without us."""

    @p.provenance()
    async def own_tail(x):
        return await own_tail(x)

    gc.collect()  # what other tests have left would be finalised at the limit, and complain
    with pytest.raises(RecursionError):
        asyncio.run(own_tail.artifact(1))


def test_two_calls_that_await_each_other_end_when_they_would(repo):
    """Work does not wait for what waits for it, so a circle that breaks off comes to its end."""
    seen = []

    @p.provenance()
    async def one(x):
        await asyncio.sleep(0.01)
        return [await other(x)]

    @p.provenance(ignore=["seen", "one"])
    async def other(x):
        seen.append(x)
        await asyncio.sleep(0.01)
        return [await one(x)] if len(seen) < 3 else ["end"]

    async def together():
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(one(1), other(1), return_exceptions=True)

    asyncio.run(together())
    assert len(seen) >= 3


def test_recomputing_is_never_shared(repo, events):
    """Who asks for a computation gets one; so does who looks nothing up, or stores nothing."""

    async def recomputing():
        await asyncio.gather(slow.recompute(1), slow.recompute(1))

    asyncio.run(recomputing())
    assert [Recomputed, Recomputed] == [type(each) for each in events]
    uncached, unstored = slow.with_options(use_cache=False), slow.with_options(read_only=True)

    async def others():
        return await asyncio.gather(uncached(3), uncached(3), unstored(4), unstored(4))

    assert [[3], [3], [4], [4]] == asyncio.run(others())
    assert [1, 1, 3, 3, 4, 4] == sorted(_runs)


def test_methods_share_by_value(repo):
    """Equal objects, equal calls."""

    class Model:
        def __init__(self, rate):
            self.rate = rate

        @p.provenance()
        async def fit(self, x):
            _runs.append(x)
            await asyncio.sleep(0.01)
            return [self.rate * x]

    async def together():
        return await asyncio.gather(Model(2).fit(3), Model(2).fit(3), Model(3).fit(3))

    assert [[6], [6], [9]] == asyncio.run(together())
    assert [3, 3] == _runs
