"""Decorated coroutine functions: awaited like the function itself, and served from the store."""

import asyncio
import inspect
import threading
from functools import partial

import pytest

import provenance as p
from provenance.events import Hit, Miss, MissReason, Recomputed, Recovered
from provenance.extending import with_layer
from provenance.ports.blobs import ReadBlob
from waiting import PATIENCE, until_so


@p.provenance()
async def later(x: int, wait: float = 0.0) -> list[int]:
    """Wait, then answer."""
    await asyncio.sleep(wait)
    return [x]


def test_an_async_function_stays_one():
    """Face and kind of the function are kept."""
    assert ("later", "Wait, then answer.") == (later.__name__, later.__doc__)
    assert isinstance(later, p.CachedFunction)
    assert "(x: int, wait: float = 0.0) -> list[int]" == str(inspect.signature(later))
    assert inspect.iscoroutinefunction(later.__wrapped__)


def test_a_call_is_computed_once(repo, events):
    """Awaited twice, computed once."""

    async def twice():
        first = await later(1)
        return first, await later(x=1)

    first, second = asyncio.run(twice())
    assert [1] == first == second
    assert [Miss, Hit] == [type(each) for each in events]
    assert later.artifact_id(1) == p.artifact_of(second).id


def test_arguments_are_checked_when_it_is_called(repo):
    """What does not fit, or has no content, is an error before anything is awaited."""
    with pytest.raises(TypeError):
        later()
    with pytest.raises(p.UnhashableValueError):
        later(threading.Lock())


def test_tasks_run_beside_each_other(repo, events):
    """Many calls at once wait together; each gets its own result."""
    inside = []

    @p.provenance(name="meeting", ignore=["inside"])
    async def meeting(x):
        inside.append(x)
        await until_so(lambda: 20 == len(inside))
        return [x]

    async def many():
        return await asyncio.gather(*[meeting(i) for i in range(20)])

    assert [[i] for i in range(20)] == asyncio.run(many())
    assert 20 == len([each for each in events if isinstance(each, Miss)])


def test_tasks_with_the_same_call_agree(stored):
    """Two tasks that compute one call at once get one artifact, and nobody's work is lost."""

    async def both():
        return await asyncio.gather(*[later(1, 0.01) for _ in range(5)])

    results = asyncio.run(both())
    assert [[1]] * 5 == results
    assert 1 == len({p.artifact_of(each).id for each in results})


def test_an_exception_reaches_the_one_who_awaits(repo):
    """Untouched; nothing is recorded."""
    error = ValueError("mine")

    @p.provenance(ignore=["error"])
    async def fail(x):
        await asyncio.sleep(0)
        raise error

    with pytest.raises(ValueError, match="mine") as raised:
        asyncio.run(_await(fail(1)))
    assert error is raised.value
    assert not fail.is_cached(1)


def test_cancelling_records_nothing(repo):
    """A call that is cancelled is as if it had not been."""
    begun = []

    @p.provenance(name="endless", ignore=["begun"])
    async def endless(x):
        begun.append(x)
        await asyncio.sleep(10 * PATIENCE)

    async def cancelled():
        task = asyncio.ensure_future(endless(1))
        await until_so(lambda: begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not endless.is_cached(1)


async def _await(awaitable):
    return await awaitable


def test_impurity_is_found(repo):
    """A coroutine function that changes its argument is refused as a function is."""

    @p.provenance()
    async def impure(values):
        values.append(1)

    with pytest.raises(p.ImpureFunctionError, match="values"):
        asyncio.run(_await(impure([])))
    assert not impure.is_cached([])


def test_artifact_recompute_and_forget(repo, events):
    """What a decorated function offers, awaited where it computes."""

    async def all_of_it():
        artifact = await later.artifact(1)
        assert [1] == artifact.value
        assert [1] == await later.recompute(1)
        assert later.is_cached(1)
        assert later.forget(1)

    asyncio.run(all_of_it())
    assert [Miss, Recomputed] == [type(each) for each in events]


def test_using_repo_holds_for_its_task_only(repo):
    """Tasks beside one that uses another repository do not notice."""
    other = p.from_config({"artifact_repos": {"other": {"type": "memory"}}}).repository()

    async def elsewhere():
        with p.using_repo(other):
            await asyncio.sleep(0.02)
            return await later.artifact(1)

    async def here():
        await asyncio.sleep(0.01)
        return await later.artifact(2)

    async def both():
        return await asyncio.gather(elsewhere(), here())

    one, two = asyncio.run(both())
    assert [True, False, False, True] == [
        one.id in other,
        one.id in repo,
        two.id in other,
        two.id in repo,
    ]


def test_a_hit_whose_value_is_gone_is_computed_anew(stored, events, tmp_path):
    """A lazy read could not await, so an async hit makes sure that its value is there."""

    @p.provenance()
    async def big(x):
        return bytes(5000)

    blob = asyncio.run(_await(big.artifact(1))).value_blob
    for file in (tmp_path / "blobs").rglob(f"*{blob.id[4:]}*"):
        file.unlink()
    assert bytes(5000) == asyncio.run(_await(big(1)))
    assert isinstance(events[-1], Recovered)
    assert MissReason.BLOB_MISSING is events[-1].reason
    assert bytes(5000) == asyncio.run(_await(big.artifact(1))).value


def test_async_results_flow_into_other_functions(repo):
    """They are proxies like any other."""
    take = p.provenance(name="take")(lambda values: sum(values))  # noqa: PLW0108 - a function of the user's, whose parameter has a name
    result = asyncio.run(_await(later(3)))
    assert 3 == take(result)
    assert {later.artifact_id(3)} == take.artifact(result).input_artifact_ids


def test_the_event_loop_is_not_blocked_by_the_store(stored):
    """Reading and writing the store happens beside the loop: other tasks go on."""

    async def beside():
        ticks, done = 0, asyncio.Event()

        async def tick():
            nonlocal ticks
            while not done.is_set():
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.ensure_future(tick())
        await asyncio.sleep(0)
        before = ticks
        await later(1)
        done.set()
        await ticker
        return ticks - before

    assert asyncio.run(beside()) > 3


def test_the_event_loop_goes_on_while_a_large_hit_is_read(stored):
    """A builtin value is read at the hit, however long the store takes."""

    @p.provenance()
    async def many(n):
        return [str(number) for number in range(n)]

    blocked = []

    def slowly(effect, answer):
        if isinstance(effect, ReadBlob):
            blocked.append(not ticking.wait(10))
        return answer(effect)

    ticking = threading.Event()

    async def hit():
        async def tick():
            await asyncio.sleep(0.05)
            ticking.set()

        ticker = asyncio.ensure_future(tick())
        with p.using_repo(stored.with_layer(partial(with_layer, layer=slowly))):
            result = await many(50_000)
        await ticker
        return result

    asyncio.run(many(50_000))
    assert "49999" == asyncio.run(hit())[-1]
    assert [False] == blocked


@pytest.mark.filterwarnings("ignore:.*iscoroutinefunction:DeprecationWarning")
def test_it_stays_an_async_function():
    """To asyncio, and to `inspect` where Python lets objects be marked; others are none."""
    assert asyncio.iscoroutinefunction(later)
    assert not asyncio.iscoroutinefunction(p.provenance(abs))
    assert inspect.iscoroutinefunction(later) is hasattr(inspect, "markcoroutinefunction")
