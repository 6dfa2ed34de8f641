"""The leases of this process: renewed while somebody here holds them, by a thread that is there as long as it must."""

import gc
import threading
from collections import Counter as Tally

import pytest

from contract.processes import in_process
from contract.samples import new_id
from processes import started
from provenance.effect import Interpreter
from provenance.effects import lease_renewal
from provenance.effects.layers import Counter, counted
from provenance.effects.lease_renewal import renewing_leases
from provenance.effects.memory import MemoryLeases
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlLeases
from provenance.model.ids import ArtifactId
from provenance.ports.leases import (
    AcquireLease,
    Lease,
    LeaseHeld,
    ReleaseLease,
    RenewLease,
    lease_effects,
)
from provenance.testing.environments import folder_environment
from waiting import PATIENCE, until

LEASE = 30.0
BEATS = 3000
"""So many renewals in the time of a lease: each comes after some milliseconds, and none can come too late."""


class Clock:
    """The time by which leases expire; it stands still unless it is moved on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """The store's clock."""
    return Clock()


@pytest.fixture
def renewed():
    """How often each lease was renewed."""
    return Tally()


@pytest.fixture
def until_renewed(renewed):
    """A function that waits until renewing these leases has begun and ended."""

    def wait(*leases):
        wanted = {each.artifact_id: renewed[each.artifact_id] + 2 for each in leases}
        until(lambda: all(renewed[key] >= count for key, count in wanted.items()))

    return wait


@pytest.fixture
def counter():
    """What the store is asked."""
    return Counter()


@pytest.fixture
def store(counter, clock, renewed):
    """A store of leases."""
    leases = lease_effects(MemoryLeases(clock))

    def renew(effect):
        answer = leases(effect)
        renewed[effect.lease.artifact_id] += 1
        return answer

    return counted(leases | Interpreter({RenewLease: renew}), counter)


@pytest.fixture(autouse=True)
def _lively(monkeypatch):
    """Leases are renewed early, and the thread does not linger."""
    monkeypatch.setattr(lease_renewal, "_BEATS", BEATS)
    monkeypatch.setattr(lease_renewal, "_LINGER", 0.05)
    yield
    lease_renewal._leases.held.clear()
    until(lambda: not beating())


@pytest.fixture
def ask(store):
    """The store, its leases kept up."""
    return renewing_leases(store)


def beating():
    """Whether the thread is there."""
    return any(each.name == "provenance-leases" for each in threading.enumerate())


def test_a_lease_is_renewed_until_it_is_released(ask, store, clock, until_renewed):
    """It lasts many times as long as it would by itself, and nobody else gets it; then it is free, and the thread ends."""
    lease = ask(AcquireLease(new_id(), LEASE))
    for _ in range(10):
        clock.now += 0.6 * LEASE
        assert isinstance(store(AcquireLease(lease.artifact_id, LEASE)), LeaseHeld)
        until_renewed(lease)
    assert ask(ReleaseLease(lease))
    assert isinstance(store(AcquireLease(lease.artifact_id, LEASE)), Lease)
    until(lambda: not beating())


def test_one_thread_renews_all(ask, store, clock, until_renewed):
    """However many leases are held, for however long each."""
    leases = [ask(AcquireLease(new_id(), LEASE * times)) for times in (4, 1, 2, 4, 1)]
    for _ in range(8):
        clock.now += 0.6 * LEASE
        until_renewed(*leases)
    assert [LeaseHeld] * 5 == [
        type(store(AcquireLease(each.artifact_id, LEASE))) for each in leases
    ]
    assert 1 == sum(each.name == "provenance-leases" for each in threading.enumerate())
    assert [True] * 5 == [ask(ReleaseLease(each)) for each in leases]


def test_a_process_does_not_wait_for_itself(ask, store, counter):
    """Who claims what is held here holds it too; the last one gives it back."""
    artifact = new_id()
    one, other = ask(AcquireLease(artifact, 10)), ask(AcquireLease(artifact, 10))
    assert one == other
    assert 1 == counter.asked[AcquireLease]
    ask(ReleaseLease(one))
    ask(ReleaseLease(one))
    assert isinstance(store(AcquireLease(artifact, 10)), LeaseHeld)
    assert ask(ReleaseLease(other))
    assert isinstance(store(AcquireLease(artifact, 10)), Lease)


def test_stores_are_told_apart(ask, counter):
    """The same artifact in another store is another lease."""
    other = renewing_leases(lease_effects(MemoryLeases()))
    artifact = new_id()
    one, two = ask(AcquireLease(artifact, 10)), other(AcquireLease(artifact, 10))
    assert one.owner != two.owner
    assert (False, True, True) == (
        ask(ReleaseLease(two)),
        ask(ReleaseLease(one)),
        other(ReleaseLease(two)),
    )


def test_what_is_dropped_without_a_word_is_released(ask, store):
    """An interrupt between two steps may lose a lease: it is given back as soon as nobody has it any more."""
    lease = ask(AcquireLease(new_id(), 30.0))
    artifact = lease.artifact_id
    del lease
    gc.collect()
    until(lambda: isinstance(store(AcquireLease(artifact, 30.0)), Lease))


def test_a_lease_that_was_lost_is_let_go(ask, store, counter):
    """It passed to another: it is neither renewed nor released any more, and claimed anew when it is wanted."""
    lease = ask(AcquireLease(new_id(), LEASE))
    store(ReleaseLease(lease))
    theirs = store(AcquireLease(lease.artifact_id, 30.0))
    until(lambda: not lease_renewal._leases.held)
    assert not ask(ReleaseLease(lease))
    assert isinstance(ask(AcquireLease(lease.artifact_id, LEASE)), LeaseHeld)
    assert store(ReleaseLease(theirs))


def test_a_store_that_fails_for_a_while_is_asked_again(store, until_renewed):
    """Renewing goes on when it can."""
    failing, tries = True, []

    def renew(effect):
        tries.append(effect)
        if failing:
            raise ConnectionResetError
        return store(effect)

    ask = renewing_leases(store | Interpreter({RenewLease: renew}))
    lease = ask(AcquireLease(new_id(), LEASE))
    until(lambda: len(tries) >= 3)
    failing = False
    until_renewed(lease)
    assert isinstance(store(AcquireLease(lease.artifact_id, LEASE)), LeaseHeld)
    assert ask(ReleaseLease(lease))


def test_a_store_that_hangs_while_the_process_forks_ends_nothing(store, monkeypatch, until_renewed):
    """A fork does not wait for it long, and renewing goes on afterwards."""
    monkeypatch.setattr(lease_renewal, "_AT_FORK", 0.01)
    reached, go = threading.Event(), threading.Event()

    def renew(effect):
        reached.set()
        assert go.wait(PATIENCE)
        return store(effect)

    ask = renewing_leases(store | Interpreter({RenewLease: renew}))
    lease = ask(AcquireLease(new_id(), LEASE))
    assert reached.wait(PATIENCE)
    lease_renewal._leases.end()
    lease_renewal._leases.begin()
    go.set()
    until_renewed(lease)
    assert isinstance(store(AcquireLease(lease.artifact_id, LEASE)), LeaseHeld)
    assert ask(ReleaseLease(lease))


def test_many_threads_claim_and_release(ask, store):
    """Leases are given out and given back as often as they are claimed."""
    artifacts = [new_id() for _ in range(3)]
    answers = []

    def work(turn):
        for each in range(200):
            answer = ask(AcquireLease(artifacts[(each + turn) % 3], 10))
            answers.append(type(answer))
            if isinstance(answer, Lease):
                ask(ReleaseLease(answer))

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert 1600 == len(answers)
    assert [Lease] * 3 == [type(store(AcquireLease(each, 10))) for each in artifacts]


def test_a_forked_child_owns_nothing_of_its_parents(tmp_path):
    """It neither renews nor releases its parent's leases, claims its own, and does not wait for the parent's threads."""
    in_process("effects.forked_leases", "inherited", tmp_path)


def test_the_lease_of_a_process_that_was_killed_is_free_at_once(tmp_path):
    """Nobody waits for a process of this host that has ended, not even for a lease of a minute."""
    program = """
import os, sys
from provenance.ports.leases import AcquireLease
from provenance.testing.environments import folder_environment
from pathlib import Path
repo = folder_environment(Path(sys.argv[1])).repository()
repo.interpreter(AcquireLease("a" * 40, 60.0))
os._exit(9)
"""
    process = started(program, str(tmp_path))
    process.communicate()
    ask = folder_environment(tmp_path).repository().interpreter
    lease = ask(AcquireLease(ArtifactId("a" * 40), 60.0))
    assert isinstance(lease, Lease)
    assert lease.fence >= 1
    assert isinstance(
        SqlLeases(SqliteDatabase(tmp_path / "provenance.db")).acquire(lease.artifact_id, 1.0),
        LeaseHeld,
    )
