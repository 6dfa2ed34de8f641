"""Values that are lost while several use them: one computes, the others wait and have what it stored."""

import asyncio
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from provenance import environment as environment_
from provenance.effect import Interpreter
from provenance.effects import layers, lease_renewal
from provenance.events import Hit, MissReason, Recovered, Waited
from provenance.ports.blobs import HasBlob, Quarantine, ReadBlob
from provenance.ports.leases import AcquireLease, LeaseHeld
from provenance.ports.machine import Sleep
from provenance.ports.records import FindRecord
from provenance.singleflight import inflight, leases
from waiting import PATIENCE, until

THREADS = 8
VALUE = b"\x01" * 5000
CONFIG = {
    "blobstores": {"disk": {"type": "disk", "cachedir": "blobs", "delete": True}},
    "artifact_repos": {
        "local": {
            "type": "sqlite",
            "db": "records.db",
            "store": "disk",
            "delete": True,
            "inline_limit": 1000,
        }
    },
}


@pytest.fixture(autouse=True)
def _nothing_stays():
    leases._durations.clear()
    yield
    assert {} == inflight._crossings
    until(lambda: not lease_renewal._leases.held)


def evicted():
    """All values are let go."""
    p.evict(older_than=timedelta(0), dry_run=False)


def lost():
    """The files are gone."""
    for each in files():
        each.unlink()


def damaged():
    """The files are cut short."""
    for each in files():
        each.write_bytes(each.read_bytes()[:-1])


def unsound():
    """The records are not what was put."""
    connection = sqlite3.connect("records.db")
    connection.execute("UPDATE artifacts SET compute_duration = 7.0")
    connection.commit()
    connection.close()


def files():
    """The files of the values that are stored."""
    return [
        each
        for each in Path("blobs").rglob("*")
        if each.is_file() and not each.parent.name.startswith(".")
    ]


@contextmanager
def elsewhere(polls):
    """An environment of one's own, as another process has; notes when a lease is somebody else's."""
    environment = p.from_config(CONFIG)
    repo = environment.repository()

    def claim(ask):
        answer = repo.interpreter(ask)
        if isinstance(answer, LeaseHeld):
            polls.append(answer)
        return answer

    watched = evolve(repo, interpreter=repo.interpreter | AcquireLease.on(claim))
    with environment_.using_environment(environment), p.using_repo(watched):
        yield


LOSSES = {
    evicted: MissReason.EVICTED,
    lost: MissReason.BLOB_MISSING,
    damaged: MissReason.BLOB_CORRUPT,
    unsound: MissReason.RECORD_CORRUPT,
}


def crowd():
    """How many threads wait in this process."""
    return max([len(each.bells) for each in tuple(inflight._crossings.values())], default=0)


def in_threads(count, work):
    """What *work* answers in so many threads."""
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(work()), daemon=True) for _ in range(count)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    return results


def slow_function(runs, enough, **options):
    """A function that notes its runs; from the second on it waits until there was *enough*, or another run."""

    def compute():
        runs.append(1)
        count = len(runs)
        until(lambda: count == 1 or len(runs) > 2 or enough())
        return VALUE

    if options:
        return p.provenance(name="f", ignore=["compute"], **options)(lambda: {"one": compute()})
    return p.provenance(name="f", ignore=["runs", "enough"])(compute)


def reset(**changes):
    """Another process, as it were: nothing is remembered."""
    leases._durations.clear()
    environment = evolve(p.from_config(CONFIG), **changes)
    environment_.install(environment)
    return environment


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("composite", [False, True])
def test_one_of_many_threads_computes_what_is_lost(stored, events, loss, composite):
    """Those who use hits of it wait, and read what is stored then."""
    runs = []
    options = {"returns_composite": True} if composite else {}
    f = slow_function(runs, lambda: crowd() == THREADS - 1, **options)
    f()
    loss()
    reset()
    del events[:]
    value = (lambda: bytes(f()["one"])) if composite else (lambda: bytes(f()))
    assert [VALUE] * THREADS == in_threads(THREADS, value)
    assert 2 == len(runs)
    counts = Counter(map(type, events))
    assert (1, THREADS - 1) == (counts[Recovered], counts[Waited])
    assert [LOSSES[loss]] == [each.reason for each in events if isinstance(each, Recovered)]
    assert VALUE == value()
    assert 2 == len(runs)


def test_what_was_stored_meanwhile_is_not_computed_again(stored, events):
    """Who finds the bytes missing just before another one stores them looks again, and does not put those aside."""
    runs = []
    f = slow_function(runs, lambda: True)
    artifact = f.artifact()
    damaged()
    environment = reset()
    repo, late = environment.repository(), []

    def read(ask):
        try:
            return repo.interpreter(ask)
        except p.CorruptBlobError:
            if not late:
                late.append(True)
                in_threads(1, lambda: p.unwrap(f()))
            raise

    slow = evolve(repo, interpreter=repo.interpreter | ReadBlob.on(read))
    with p.using_repo(slow):
        assert VALUE == f()
    assert 2 == len(runs)
    assert repo.interpreter(HasBlob(repo[artifact.id].value_blob))
    assert [Recovered] == [type(each) for each in events if isinstance(each, Recovered)]


@pytest.mark.parametrize("loss", LOSSES)
def test_another_environment_waits_for_the_lease_of_who_heals(stored, loss, events):
    """As another process does: it polls, and then reads what was stored."""
    runs, polls = [], []
    f = slow_function(runs, lambda: polls)
    f()
    loss()
    leases._durations.clear()
    del events[:]

    def use():
        with elsewhere(polls):
            return bytes(f())

    assert [VALUE] * 2 == in_threads(2, use)
    assert 2 == len(runs)
    counts = Counter(map(type, events))
    assert (1, 1) == (counts[Recovered], counts[Waited])


@pytest.mark.parametrize("loss", [evicted, lost, unsound])
def test_coroutines_wait_for_the_lease_of_who_heals(stored, loss, events):
    """One of two environments computes; the other one finds its bytes."""
    runs, polls = [], []

    @p.provenance(name="later", ignore=["runs", "polls"])
    async def later(x):
        runs.append(x)
        while not polls and len(runs) == 2:  # noqa: ASYNC110 - it is a store that tells
            await asyncio.sleep(0.001)
        return VALUE

    asyncio.run(later.artifact(1))
    loss()
    leases._durations.clear()
    del events[:]

    async def use():
        with elsewhere(polls):
            return bytes(await later(1))

    async def both():
        return await asyncio.gather(use(), use())

    assert [VALUE] * 2 == asyncio.run(both())
    assert [1, 1] == runs
    assert {Recovered: 1, Waited: 1, Hit: 1} == Counter(map(type, events))


def test_a_hit_asks_for_no_lease_and_is_read_once(stored):
    """Nothing of this costs who finds the value."""
    f = p.provenance(name="f")(lambda: VALUE)
    f()
    counter = layers.Counter()
    repo = reset().repository()
    with p.using_repo(evolve(repo, interpreter=layers.counted(repo.interpreter, counter))):
        bytes(f())
    assert {FindRecord: 1, ReadBlob: 1} == counter.asked


@pytest.mark.parametrize("way", ["off", "read_only", "forbidden"])
def test_where_nothing_is_shared_each_computes(stored, way):
    """With single flight off, or where nothing may be stored, nobody waits: they are at work at once."""
    meeting = threading.Barrier(2)
    runs = []

    def meet():
        runs.append(1)
        if len(runs) > 1:
            meeting.wait(PATIENCE)
        return VALUE

    f = p.provenance(name="f", ignore=["meeting", "runs"])(meet)
    f()
    lost()
    environment = reset(
        **{"off": {"single_flight": None}, "read_only": {"read_only": True}}.get(way, {})
    )

    def forbid(ask):
        raise p.StorePermissionError("putting aside", "disk", "write")

    repo = environment.repository()
    if way == "forbidden":
        environment_.set_default_repo(
            evolve(repo, interpreter=repo.interpreter | Interpreter({Quarantine: forbid}))
        )
    assert [VALUE] * 2 == in_threads(2, lambda: bytes(f()))
    assert 3 == len(runs)


def test_healing_amid_its_own_computation_waits_for_nobody(stored):
    """A function that uses its own lost value while it is computed anew: by itself and by another thread of its own."""
    used, runs = [], []

    @p.provenance(name="f", ignore=["used", "runs"], lazy=True)
    def f():
        runs.append(1)
        if used and len(runs) == 2:
            hits = used.pop()
            bytes(hits[0])
            in_threads(1, partial(copy_context().run, bytes, hits[1]))
        return VALUE

    f()
    lost()
    reset()
    used.append((f(), f()))
    assert VALUE == f()
    assert 3 == len(runs)


def test_after_a_failure_the_next_one_heals(stored):
    """The exception is that of who computed; of those who waited, the next one computes."""
    runs = []

    @p.provenance(name="f", ignore=["runs"])
    def f():
        runs.append(1)
        if len(runs) == 2:
            until(lambda: crowd() == 2)
            raise ValueError("mine")
        return VALUE

    f()
    lost()
    reset()

    def use():
        try:
            return bytes(f())
        except ValueError as error:
            return str(error)

    assert sorted(["mine", *[str(VALUE)] * 2]) == sorted(map(str, in_threads(3, use)))
    assert 3 == len(runs)


def test_what_is_lost_is_waited_for_no_longer_than_the_longest_wait(stored):
    """Somebody else holds the lease all the while: then it is computed all the same."""
    f = p.provenance(name="f")(lambda: VALUE)
    f()
    lost()
    repo, pauses = reset(single_flight=leases.SingleFlight(longest_wait=1.0)).repository(), []

    def paused(ask):
        pauses.append(ask.seconds)
        return ask.seconds

    answers = repo.interpreter | AcquireLease.on(lambda _: LeaseHeld(10.0)) | Sleep.on(paused)
    with p.using_repo(evolve(repo, interpreter=answers)), p.subscribe((events := []).append):
        assert VALUE == f()
    assert pytest.approx(1.0) == sum(pauses)
    assert [Hit, Waited, Recovered] == [type(each) for each in events]
