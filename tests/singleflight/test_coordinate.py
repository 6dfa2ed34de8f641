"""Threads and tasks that want one artifact: one computes, the others find what it stored; and calls that must not wait."""

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from attrs import evolve

import provenance as p
from provenance import environment as environment_
from provenance.effect import Interpreter
from provenance.effects import lease_renewal
from provenance.effects.layers import Counter, counted
from provenance.events import Hit, Miss, Waited
from provenance.ports.leases import AcquireLease, LeaseHeld, ReleaseLease
from provenance.ports.machine import Sleep
from provenance.ports.records import FindRecord, PutRecord
from provenance.singleflight import inflight, leases
from provenance.singleflight.leases import SingleFlight
from waiting import PATIENCE, until, until_so

SLOW = 0.05
THREADS = 16


@pytest.fixture(autouse=True)
def _nothing_stays():
    leases._durations.clear()
    yield
    assert {} == inflight._crossings
    until(
        lambda: not lease_renewal._leases.held
    )  # what nobody could release is released behind the scenes


@pytest.fixture(params=["memory_repo", "stored"])
def either(request):
    """The repository in memory, and the one in files."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def asked():
    """Counts what the default repository is asked, from now on."""
    counter = Counter()

    def watch(repo):
        environment_.set_default_repo(evolve(repo, interpreter=counted(repo.interpreter, counter)))
        return counter.asked

    return watch


def sharing_with(**options):
    """The environment of the process, with this setting."""
    environment_.install(
        evolve(environment_.current(), single_flight=SingleFlight(**options) if options else None)
    )


def in_threads(count, work):
    """What *work* answers in so many threads at once, or raises."""
    barrier = threading.Barrier(count)

    def begin(turn):
        barrier.wait()
        try:
            return work(turn)
        except (ValueError, p.ProvenanceError) as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def waiting():
    """How many threads wait for another one."""
    return sum(len(each.bells) for each in list(inflight._crossings.values()))


def take_long():
    """Take a while."""
    time.sleep(SLOW)


def slow_function(runs, work=take_long, **options):
    """A decorated function that notes its runs, and does this *work*."""

    def slow(x):
        runs.append(x)
        work()
        return [x]

    return p.provenance(name="slow", ignore=["runs", "work"], **options)(slow)


def test_one_of_many_threads_computes(either, events):
    """The others wait, are told of as having waited, and each has a value of its own."""
    runs = []
    slow = slow_function(runs, lambda: until(lambda: THREADS - 1 == waiting()))
    results = in_threads(THREADS, lambda _: slow(1))
    assert [[1]] * THREADS == results
    assert [1] == runs
    results[0].append(2)
    assert [1] == results[1]
    kinds = [type(each) for each in events]
    assert (1, THREADS - 1, THREADS - 1) == tuple(kinds.count(each) for each in (Miss, Hit, Waited))


def test_waiting_is_counted(repo):
    """`stats` tells how many calls waited, and for how long."""

    def work():
        until(lambda: 2 == waiting())
        time.sleep(SLOW)

    p.reset_stats()
    slow = slow_function([], work)
    began = time.perf_counter()
    in_threads(3, lambda _: slow(1))
    elapsed = time.perf_counter() - began
    stats = p.stats()
    assert (1, 2, 2) == (stats.misses, stats.hits, stats.waited)
    assert 2 * SLOW <= stats.seconds_waited <= 2 * elapsed


def test_different_calls_do_not_wait(repo):
    """There is no lock for all: what differs is computed beside each other."""
    barrier = threading.Barrier(4)
    meet = p.provenance(name="meet", ignore=["barrier"])(
        lambda x: barrier.wait(PATIENCE) >= 0 and x
    )
    assert [0, 1, 2, 3] == sorted(in_threads(4, meet))


def test_a_quick_function_asks_for_no_lease(either, asked, monkeypatch):
    """The first computation tells how quick it is; from then on a miss costs the store nothing more."""
    monkeypatch.setattr(leases, "_QUICK", PATIENCE)  # a busy machine is not quick
    add = p.provenance(name="add")(lambda x: x + 1)
    counts = asked(either)
    add(0)
    assert (1, 1) == (counts[AcquireLease], counts[ReleaseLease])
    for x in range(1, 20):
        add(x)
    assert (1, 1) == (counts[AcquireLease], counts[ReleaseLease])


def test_a_slow_function_asks_for_a_lease_each_time(either, asked):
    """And still does for a while after it was quick."""
    slow = p.provenance(name="slow")(lambda seconds: time.sleep(seconds))  # noqa: PLW0108 - it has no signature itself
    counts = asked(either)
    for seconds in (0.02, 0.021, 0.001):
        slow(seconds)
    assert (3, 3) == (counts[AcquireLease], counts[ReleaseLease])


def test_a_hit_asks_for_no_lease(either, asked):
    """It is one question, as ever."""
    slow = slow_function([], lazy=True)
    slow(1)
    counts = asked(either)
    slow(1)
    assert {FindRecord: 1} == counts


@pytest.mark.parametrize("options", [{"use_cache": False}, {"read_only": True}])
def test_what_is_not_shared_asks_for_no_lease(either, asked, options):
    """Neither without the cache, nor where nothing is stored, nor when recomputing."""
    counts = asked(either)
    runs = []
    slow = slow_function(runs, **options)
    in_threads(2, lambda _: slow(1))
    slow.recompute(1)
    assert [1] * 3 == runs
    assert AcquireLease not in counts


def test_switched_off_each_computes(either, asked):
    """Without single flight threads compute beside each other, and so do tasks; no lease is asked for."""
    sharing_with()
    counts = asked(either)
    runs, barrier = [], threading.Barrier(2)

    @p.provenance(name="meet", ignore=["runs", "barrier"])
    def meet(x):
        runs.append(barrier.wait(PATIENCE))
        return x

    @p.provenance(name="later", ignore=["runs"])
    async def later(x):
        runs.append(x)
        await until_so(lambda: 4 == len(runs))
        return x

    async def both():
        return await asyncio.gather(later(1), later(1))

    in_threads(2, lambda _: meet(1))
    asyncio.run(both())
    assert 4 == len(runs)
    assert AcquireLease not in counts


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (SingleFlight(), {}),
        (SingleFlight(), {"single_flight": True}),
        (None, {"single_flight": False}),
        (
            SingleFlight(longest_wait=5, lease_seconds=2.5),
            {"single_flight": {"longest_wait": 5, "lease_seconds": 2.5}},
        ),
    ],
)
def test_the_setting_is_configured(expected, given):
    """On unless it is switched off; a mapping gives the seconds."""
    environment = p.from_config({"artifact_repos": {"m": {"type": "memory"}}, **given})
    assert expected == environment.single_flight == environment.config.single_flight


@pytest.mark.parametrize(
    "wrong",
    [
        "yes",
        None,
        1,
        {"wait": 1},
        {"longest_wait": "1"},
        {"longest_wait": True},
        {"lease_seconds": 0},
    ],
)
def test_a_wrong_setting_is_refused(wrong):
    """By a `ConfigError` that names it."""
    with pytest.raises(p.ConfigError, match="single_flight"):
        p.from_config({"artifact_repos": {"m": {"type": "memory"}}, "single_flight": wrong})


def test_after_an_exception_the_next_thread_computes(either):
    """The exception is that of the one who ran the function; the others go on at once, one after the other."""
    runs = []

    @p.provenance(name="failing", ignore=["runs"])
    def failing(x):
        runs.append(x)
        time.sleep(SLOW)
        if len(runs) < 3:
            raise ValueError("early")
        return x

    results = in_threads(6, lambda _: failing(1))
    assert 3 == len(runs)
    assert (2, 4) == (sum(isinstance(each, ValueError) for each in results), results.count(1))


class Stop(BaseException):
    """No `Exception`, as a KeyboardInterrupt is none."""


def _impure(values):
    values.append(1)


def _stopped(values):
    raise Stop


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (_impure, p.ImpureFunctionError),
        (_stopped, Stop),
        (lambda values: 1, p.StoreUnavailableError),
    ],
)
def test_the_lease_is_given_back_whatever_happens(either, asked, function, error):
    """An impure function, an interrupted one, and one whose result the store refuses."""

    def refuse(_):
        raise p.StoreUnavailableError("full", "no space left", "free some space")

    broken = evolve(either, interpreter=either.interpreter | Interpreter({PutRecord: refuse}))
    counts = asked(broken)
    with pytest.raises(error):
        p.provenance(name="f")(function)([])
    assert (1, 1) == (counts[AcquireLease], counts[ReleaseLease])


def test_the_lease_of_a_coroutine_is_given_back_whatever_happens(either, asked):
    """When it fails and when it is cancelled."""
    counts = asked(either)

    begun = []

    @p.provenance(name="failing", ignore=["begun"])
    async def failing(seconds):
        begun.append(seconds)
        await asyncio.sleep(seconds)
        raise ValueError

    async def cancelled():
        task = asyncio.ensure_future(failing(10 * PATIENCE))
        await until_so(lambda: 2 == len(begun))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(ValueError):  # noqa: PT011 - it is the function's own
        asyncio.run(failing.artifact(0))
    asyncio.run(cancelled())
    assert (2, 2) == (counts[AcquireLease], counts[ReleaseLease])


def test_a_lease_that_comes_after_the_coroutine_was_cancelled_is_given_back(either):
    """Nobody waits for the answer any more, which is as good as there when the task is cancelled."""
    held, released = [], threading.Event()

    def claimed(ask):
        held.append(either.interpreter(ask))
        loop.call_soon_threadsafe(task.cancel)
        return held[0]

    def release(ask):
        released.set()
        return either.interpreter(ask)

    answers = Interpreter({AcquireLease: claimed, ReleaseLease: release})
    later = p.provenance(
        name="later", repo=evolve(either, interpreter=either.interpreter | answers)
    )(_much_later)

    async def cancelled():
        nonlocal loop, task
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(later(1))
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(released.wait, 60)

    loop = task = None
    asyncio.run(cancelled())
    assert (True, 1) == (released.is_set(), len(held))


async def _much_later(x):
    await asyncio.sleep(600)


@pytest.mark.parametrize(
    "error", [partial(p.StoreUnavailableError, "x", "gone", "wait"), RuntimeError, TypeError]
)
@pytest.mark.parametrize("kind", [AcquireLease, ReleaseLease])
def test_a_lease_never_makes_a_call_fail(either, kind, error):
    """A store that fails to give or to take back a lease: the call goes on."""

    def fail(_):
        raise error()

    environment_.set_default_repo(
        evolve(either, interpreter=either.interpreter | Interpreter({kind: fail}))
    )
    assert [1] == slow_function([])(1)


def test_a_store_without_leases_is_as_good(either):
    """An interpreter of a user's that knows none."""
    table = {
        kind: answer
        for kind, answer in either.interpreter.table.items()
        if kind not in {AcquireLease, ReleaseLease}
    }
    environment_.set_default_repo(evolve(either, interpreter=Interpreter(table)))
    runs = []
    slow = slow_function(runs)
    assert [[1]] * 4 == in_threads(4, lambda _: slow(1))
    assert [1] == runs


def test_a_repository_that_may_not_be_written_to_gives_no_lease(tmp_path):
    """The call computes, and its own outcome is what it is without leases."""
    config = {
        "artifact_repos": {"r": {"type": "sqlite", "db": str(tmp_path / "db"), "write": False}}
    }
    with (
        environment_.replacing_environment(p.from_config(config)),
        pytest.raises(p.StorePermissionError) as raised,
    ):
        slow_function([])(1)
    assert [1] == raised.value.value


def test_the_wait_has_a_limit(either):
    """Who has waited so long computes, and gets the artifact that is there first."""
    sharing_with(longest_wait=SLOW)
    runs = []
    slow = slow_function(runs, lambda: until(lambda: 2 == len(runs)))
    results = in_threads(2, lambda _: slow(1))
    assert [1, 1] == runs
    assert 1 == len({p.artifact_of(each).id for each in results})


def test_who_has_waited_for_a_thread_does_not_wait_for_its_lease_too(repo, events):
    """The lease is somebody else's all the while: whoever has waited for `longest_wait` computes at once, and it is told."""
    sharing_with(longest_wait=SLOW)
    pauses = []

    def paused(ask):
        pauses.append((threading.get_ident(), ask.seconds))
        return ask.seconds

    answers = repo.interpreter | AcquireLease.on(lambda _: LeaseHeld(10.0)) | Sleep.on(paused)
    environment_.set_default_repo(evolve(repo, interpreter=answers))
    begun, others = threading.Event(), []

    @p.provenance(name="meet", ignore=["begun", "others"])
    def meet(x):
        if begun.is_set():  # another thread, while the first one is at work
            others.append(threading.get_ident())
        else:
            begun.set()
            until(lambda: others)
        return x

    first = threading.Thread(target=meet, args=(1,))
    first.start()
    begun.wait(PATIENCE)
    meet(1)
    first.join(PATIENCE)
    assert [threading.get_ident()] == others
    assert {first.ident} == {ident for ident, _ in pauses}
    assert 2 == len(
        [each for each in events if isinstance(each, Waited) and each.seconds >= SLOW * 0.99]
    )


@contextmanager
def own_environment(folder, counter, **options):
    """An environment as another process has it, over the one file in this folder; what it asks is counted."""
    repo = {"type": "sqlite", "db": str(folder / "db")}
    with environment_.using_environment(
        p.from_config({"artifact_repos": {"r": repo}, "single_flight": options})
    ):
        mine = p.get_default_repo()
        with p.using_repo(evolve(mine, interpreter=counted(mine.interpreter, counter))):
            yield


def test_another_environment_waits_for_the_lease(tmp_path, monkeypatch):
    """Two environments over one file, as two processes have: threads of the one wait for the other's lease, and its limit."""
    monkeypatch.setattr(leases, "_QUICK", 0.0)  # the first computation may be
    for limit, expected in ((10 * PATIENCE, [1]), (SLOW, [2, 2])):
        runs, counter = [], Counter()

        def is_known(runs=runs, counter=counter, expected=expected):
            return (
                expected == runs and counter.asked.get(AcquireLease, 0) >= 3
            )  # one of them has come back for the lease

        slow = slow_function(runs, partial(until, is_known))

        def ask(_, slow=slow, limit=limit, expected=expected, counter=counter):
            with own_environment(tmp_path, counter, longest_wait=limit):
                return slow(expected[0])

        assert [expected[:1]] * 2 == in_threads(2, ask)
        assert expected == runs


def test_a_coroutine_waits_for_the_lease_of_another_environment(tmp_path):
    """It polls beside the loop, which goes on meanwhile."""
    runs, counter = [], Counter()

    @p.provenance(name="later", ignore=["runs", "counter"])
    async def later(x):
        runs.append(x)
        await until_so(
            lambda: counter.asked.get(AcquireLease, 0) >= 4
        )  # the other one has come back for the lease, twice
        return [x]

    async def ask():
        with own_environment(tmp_path, counter):
            return await later(1)

    async def both():
        return await asyncio.gather(ask(), ask())

    with p.subscribe((events := []).append):
        assert [[1], [1]] == asyncio.run(both())
    assert [1] == runs
    kinds = [type(each) for each in events]
    assert [Miss] == [each for each in kinds if each is Miss]
    assert [Waited, Hit] == [each for each in kinds if each is not Miss]
    assert Sleep not in counter.asked


@pytest.mark.long
def test_ten_thousand_tasks_over_a_hundred_keys(repo):
    """A hundred computations, and every task has its value."""
    runs = []

    @p.provenance(name="later", ignore=["runs"])
    async def later(x):
        runs.append(x)
        await asyncio.sleep(SLOW)
        return x

    async def many():
        return await asyncio.gather(*[later(each % 100) for each in range(10_000)])

    results = asyncio.run(many())
    assert list(range(100)) == sorted(runs)
    assert [each % 100 for each in range(10_000)] == results


def test_a_function_that_calls_itself_does_not_wait_for_itself(either):
    """With the same arguments it recurses, as without us."""

    @p.provenance(name="endless")
    def endless(x):
        return endless(x)

    # What other tests left behind would be finalized where no frame is left for it.
    gc.collect()
    with pytest.raises(RecursionError):
        endless(1)


def test_threads_that_wait_for_each_other_end(either):
    """A computes one and asks for two, B computes two and asks for one: one of them notices, and computes itself."""
    barrier, depth = threading.Barrier(2), threading.local()

    def guarded(other, x):
        if getattr(depth, "deep", False):
            return [x]
        depth.deep = True
        barrier.wait(PATIENCE)
        return [*p.unwrap(other(x)), x]

    @p.provenance(name="one", ignore=["guarded", "two"])
    def one(x):
        return guarded(two, x)

    @p.provenance(name="two", ignore=["guarded", "one"])
    def two(x):
        return guarded(one, x)

    began = time.perf_counter()
    results = in_threads(2, lambda turn: (one, two)[turn](1))
    assert [1] == sorted({len(set(each)) for each in results})
    assert time.perf_counter() - began < PATIENCE


def test_a_thread_does_not_wait_for_itself_in_another_context(either):
    """A computation that asks for its own call from a context of its own is known by its thread."""
    from contextvars import Context

    runs = []

    @p.provenance(name="inner", ignore=["runs"])
    def nested(x):
        runs.append(x)
        return (
            [x]
            if len(runs) > 1
            else Context().run(in_environment, environment_.current(), lambda: p.unwrap(nested(x)))
        )

    assert [1] == nested(1)
    assert [1, 1] == runs


def in_environment(environment, work):
    """*work* in an environment, whatever context it runs in."""
    with environment_.using_environment(environment):
        return work()
