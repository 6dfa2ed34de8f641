"""The threads in which stores are asked for coroutines: apart from the loop's, not too many, and gone when they are idle."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

import provenance as p
from provenance.effects.system import threads
from provenance.effects.system.threads import Workers
from waiting import PATIENCE, until

MARK = ContextVar("mark", default="")


@pytest.fixture
def pool(monkeypatch):
    """At most two threads, which do not stay."""
    monkeypatch.setattr(threads, "_LINGER", 0.01)
    made = Workers(2)
    yield made
    until(lambda: not made.threads)


def test_calls_that_wait_in_the_threads_of_the_loop_do_not_hold_up_what_they_wait_for(
    provenance_memory,
):
    """The loop has one thread, and a call waits in it for a coroutine, which must ask its store."""
    loops = []

    @p.provenance(name="inner")
    async def inner(x):
        await asyncio.sleep(0)
        return x + 1

    @p.provenance(name="outer", ignore=["inner", "loops"])
    def outer(x):
        return p.unwrap(
            asyncio.run_coroutine_threadsafe(inner.artifact(x), loops[0]).result(PATIENCE / 6).value
        )

    async def main():
        loop = asyncio.get_running_loop()
        loops.append(loop)
        loop.set_default_executor(ThreadPoolExecutor(1))
        return await asyncio.gather(*[asyncio.to_thread(outer, x) for x in range(3)])

    assert [1, 2, 3] == asyncio.run(main())


def test_an_answer_comes_in_the_context_of_who_asks(pool):
    """What is set there does not come out; the thread is named, and does not hold up the exit."""

    def answer(effect):
        seen = MARK.get()
        MARK.set("inside")
        here = threading.current_thread()
        return effect, seen, here.name, here.daemon

    async def ask():
        MARK.set("outside")
        return await pool.run_in_thread(answer, 1), MARK.get()

    assert ((1, "outside", "provenance-store", True), "outside") == asyncio.run(ask())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_is_that_of_who_asked(pool, error):
    """Whatever it is; the thread goes on, and keeps nothing of it."""
    raised = error("mine")

    def fail():
        raise raised

    with pytest.raises(error, match="mine") as caught:
        pool.submit(fail).result(PATIENCE)
    assert raised is caught.value
    assert 1 == pool.submit(lambda: 1).result(PATIENCE)


def test_there_are_no_more_threads_than_were_allowed(pool):
    """What comes when all are at work waits."""
    end, at_work = threading.Event(), []
    futures = [
        pool.submit(lambda: at_work.append(threading.get_ident()) or end.wait(PATIENCE))
        for _ in range(5)
    ]
    until(lambda: len(at_work) == 2)
    assert 2 == len(pool.threads)
    end.set()
    assert [True] * 5 == [each.result(PATIENCE) for each in futures]
    assert 2 == len(set(at_work))


def test_one_thread_does_what_comes_one_after_another(pool):
    """A thread that has told what it did is free for the next."""
    for turn in range(50):
        assert turn == pool.submit(lambda turn=turn: turn).result(PATIENCE)
        assert len(pool.threads) <= 1


def test_what_is_asked_amid_an_answer_does_not_wait_for_a_thread(pool):
    """Each of the threads waits for what must be done in one, to any depth; also by way of a loop."""
    ready = threading.Barrier(2)

    def nested(depth):
        if depth == 3:
            ready.wait(PATIENCE)
        return 1 + pool.submit(lambda: nested(depth - 1)).result(PATIENCE) if depth else 0

    futures = [pool.submit(lambda: nested(3)) for _ in range(2)]
    assert [3, 3] == [each.result(PATIENCE / 6) for each in futures]


def test_what_nobody_waits_for_any_more_is_not_done(pool):
    """A task that is cancelled before its turn has asked nothing."""
    end, asked = threading.Event(), []

    async def main():
        blocked = [
            asyncio.ensure_future(_awaited(pool.run_in_thread(end.wait, PATIENCE)))
            for _ in range(2)
        ]
        late = asyncio.ensure_future(_awaited(pool.run_in_thread(asked.append, 1)))
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        end.set()
        await asyncio.gather(*blocked)
        return await pool.run_in_thread(asked.append, 2)

    asyncio.run(main())
    assert [2] == asked


async def _awaited(future):
    return await future


@pytest.mark.parametrize("work", [lambda effect: None, lambda effect: 1 / 0])
def test_nothing_of_an_answer_stays(pool, work):
    """Neither with the thread that gave it, nor in a circle, when it was an error."""

    def asked():
        effect = Work(work)
        pool.submit(effect).exception(PATIENCE)
        return weakref.ref(effect)

    gc.disable()
    try:
        kept = asked()
        until(lambda: kept() is None)
    finally:
        gc.enable()


class Work:
    """What is to be done, and can be watched."""

    def __init__(self, work):
        self.work = work

    def __call__(self):
        return self.work(self)


def test_without_a_thread_the_caller_does_it_himself(pool, monkeypatch):
    """At the exit of the process none can be made any more."""

    def refuse(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert threading.get_ident() == pool.submit(threading.get_ident).result(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(provenance_memory):
    """Those of the parent are not there, and what they were doing is not the child's."""
    work = p.provenance(name="work")(_plus_one)
    end = threading.Event()
    blocked = [
        threads._workers.submit(lambda: end.wait(PATIENCE)) for _ in range(threads.MAX_THREADS)
    ]
    child = os.fork()
    if not child:
        value = asyncio.run(work.artifact(1)).value
        os._exit(0 if value == 2 else 1)
    _, status = os.waitpid(child, 0)
    end.set()
    assert 0 == os.waitstatus_to_exitcode(status)
    assert [True] * threads.MAX_THREADS == [each.result(PATIENCE) for each in blocked]


async def _plus_one(x):
    return x + 1


HANGING = """
import asyncio, threading
from provenance.effects.system.threads import run_in_thread
begun = threading.Event()

async def main():
    asking = asyncio.ensure_future(run_in_thread(lambda _: begun.set() or threading.Event().wait(), None))
    await asyncio.to_thread(begun.wait)
    asking.cancel()

asyncio.run(main())
print("done")
"""


def test_a_store_that_hangs_does_not_hold_up_the_exit():
    """Of the loop, nor of the process."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HANGING],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ("done\n", "") == (done.stdout, done.stderr)
