"""The contract of lease stores: one owner at a time, whatever the clock does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from provenance.effect import Interpreter
from provenance.model.ids import ArtifactId
from provenance.ports.leases import (
    IMPOSSIBLE,
    LONGEST_LEASE,
    AcquireLease,
    Lease,
    LeaseEffects,
    LeaseHeld,
    ListExpiredLeases,
    ReleaseLease,
    RenewLease,
)
from provenance.testing.contracts.base import LAW
from provenance.testing.contracts.stateful import run_in_threads
from provenance.testing.harness import new_id

_START: Final = 1_000_000.0
_ANY: Final = st.integers(0, 99)
_IDS: Final = [ArtifactId(digit * 40) for digit in "01"]


class SettableClock:
    """A clock that stands still until its `time`, in seconds, is changed."""

    def __init__(self) -> None:
        self.time = _START

    def __call__(self) -> float:
        """Return the time."""
        return self.time


class LeaseContract:
    """Tests of a lease store that a subclass makes."""

    def make(self, folder: Path, clock: Callable[[], float], /) -> Interpreter[LeaseEffects]:
        """Return an empty store that uses *clock*; *folder* is empty and for its files."""
        raise NotImplementedError(f"{type(self).__name__} needs a method make(self, folder, clock)")

    @pytest.fixture
    def clock(self) -> SettableClock:
        """Return the clock of the store."""
        return SettableClock()

    @pytest.fixture
    def ask(self, tmp_path: Path, clock: SettableClock) -> Interpreter[LeaseEffects]:
        """Return an empty store."""
        return self.make(tmp_path, clock)

    def test_one_owner_at_a_time(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """While a lease lasts, other claims fail and report the time left."""
        lease = _acquired(ask, _IDS[0])
        clock.time += 4
        taken = ask(AcquireLease(_IDS[0], 10))
        assert isinstance(taken, LeaseHeld)
        assert pytest.approx(6, abs=0.1) == taken.seconds
        _acquired(ask, _IDS[1])
        assert ask(ReleaseLease(lease))
        _acquired(ask, _IDS[0])

    def test_expired_leases_are_listed(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """Leases that expired long enough ago are listed, unless they were claimed again."""
        for artifact_id in _IDS:
            _acquired(ask, artifact_id, 10)
        clock.time += 15

        def expired(seconds: float, after: str = "", limit: int = 100) -> list[ArtifactId]:
            return [lease.artifact_id for lease in ask(ListExpiredLeases(seconds, after, limit))]

        assert () == ask(ListExpiredLeases(6))
        assert _IDS == expired(4)
        assert pytest.approx(5, abs=0.1) == ask(ListExpiredLeases(4))[0].seconds
        assert [_IDS[0]] == expired(4, limit=1)
        assert [_IDS[1]] == expired(4, _IDS[0])
        _acquired(ask, _IDS[0], 10)
        assert [_IDS[1]] == expired(0)

    def test_a_lease_that_expires_passes_to_another(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """The new owner gets a higher fence; the old one cannot renew or release the lease."""
        early = _acquired(ask, _IDS[0])
        clock.time += 11
        late = _acquired(ask, _IDS[0])
        assert late.fence > early.fence
        assert (False, False) == (ask(RenewLease(early, 10)), ask(ReleaseLease(early)))
        assert isinstance(ask(AcquireLease(_IDS[0], 10)), LeaseHeld)
        assert (True, True, False) == (
            ask(RenewLease(late, 10)),
            ask(ReleaseLease(late)),
            ask(ReleaseLease(late)),
        )

    def test_a_renewed_lease_lasts(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """A renewed lease lasts for the given seconds from the renewal."""
        lease = _acquired(ask, _IDS[0])
        for _ in range(3):
            clock.time += 8
            assert ask(RenewLease(lease, 10))
        clock.time += 9
        assert isinstance(ask(AcquireLease(_IDS[0], 10)), LeaseHeld)
        clock.time += 2
        _acquired(ask, _IDS[0])

    def test_a_released_lease_is_not_renewed(self, ask: Interpreter[LeaseEffects]) -> None:
        """A released lease cannot be renewed, before or after the next claim."""
        first = _acquired(ask, _IDS[0])
        assert ask(ReleaseLease(first))
        assert not ask(RenewLease(first, 10))
        _acquired(ask, _IDS[0])
        assert (False, False) == (ask(RenewLease(first, 10)), ask(ReleaseLease(first)))

    def test_a_clock_that_is_set_back_blocks_no_claim(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """A lease that lasts longer than is possible counts as expired."""
        lease = _acquired(ask, _IDS[0], LONGEST_LEASE)
        clock.time -= 10_000
        _acquired(ask, _IDS[0])
        assert not ask(RenewLease(lease, 10))

    def test_a_clock_that_is_set_back_a_little_changes_nothing(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """A lease still holds after a small correction of the clock."""
        _acquired(ask, _IDS[0], LONGEST_LEASE)
        clock.time -= 30
        assert isinstance(ask(AcquireLease(_IDS[0], 10)), LeaseHeld)

    def test_one_of_many_threads_gets_it(
        self, ask: Interpreter[LeaseEffects], clock: SettableClock
    ) -> None:
        """If threads claim at the same time, one of them gets the lease."""
        for artifact in (new_id(), new_id()):
            for _ in range(2):
                answers = run_in_threads(partial(_acquire, ask, artifact))
                assert 1 == sum(isinstance(answer, Lease) for answer in answers)
                clock.time += 11

    def test_leases_are_as_in_a_dictionary(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """The store agrees with a dictionary while leases change, time passes and clocks jump."""

        def make(clock: Callable[[], float]) -> Interpreter[LeaseEffects]:
            return self.make(tmp_path_factory.mktemp("leases"), clock)

        machine = type("Leases", (LeaseModel,), {"make": staticmethod(make)})
        run_state_machine_as_test(
            machine, settings=settings(LAW, max_examples=25, stateful_step_count=30)
        )


def _acquire(ask: Interpreter[LeaseEffects], artifact_id: ArtifactId, _: int) -> Lease | LeaseHeld:
    return ask(AcquireLease(artifact_id, 10))


def _acquired(
    ask: Interpreter[LeaseEffects], artifact_id: ArtifactId, seconds: float = 10
) -> Lease:
    lease = ask(AcquireLease(artifact_id, seconds))
    assert isinstance(lease, Lease)
    assert artifact_id == lease.artifact_id
    return lease


class LeaseModel(RuleBasedStateMachine):
    """A store compared with a dictionary: by artifact, the latest lease and its end."""

    @staticmethod
    def make(clock: Callable[[], float], /) -> Interpreter[LeaseEffects]:
        """Return an empty store that uses *clock*."""
        raise NotImplementedError("define make(clock) -> Interpreter[Leases]")

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.ask = self.make(self.clock)
        self.held: dict[ArtifactId, tuple[Lease, float]] = {}
        self.given: list[Lease] = []

    @rule(artifact=st.sampled_from(_IDS), seconds=st.sampled_from([1.0, 10.0, LONGEST_LEASE]))
    def acquire(self, artifact: ArtifactId, seconds: float) -> None:
        """Claim a lease, which succeeds unless one lasts; owners are new, and fences grow."""
        known = self.held.get(artifact)
        answer = self.ask(AcquireLease(artifact, seconds))
        if known is not None and 0 < known[1] - self.clock.time <= IMPOSSIBLE:
            assert isinstance(answer, LeaseHeld)
            return
        assert isinstance(answer, Lease)
        assert answer.owner not in {lease.owner for lease in self.given}
        assert known is None or answer.fence > known[0].fence
        self.held[artifact] = answer, self.clock.time + seconds
        self.given.append(answer)

    @precondition(lambda self: bool(self.given))
    @rule(which=_ANY, seconds=st.sampled_from([1.0, 10.0, LONGEST_LEASE]))
    def renew(self, which: int, seconds: float) -> None:
        """Renew a lease, which the latest owner can, even after the end."""
        lease = self.given[which % len(self.given)]
        is_held = self._is_held(lease)
        assert is_held == self.ask(RenewLease(lease, seconds))
        if is_held:
            self.held[lease.artifact_id] = lease, self.clock.time + seconds

    @precondition(lambda self: bool(self.given))
    @rule(which=_ANY)
    def release(self, which: int) -> None:
        """Release a lease, which the latest owner can, once."""
        lease = self.given[which % len(self.given)]
        is_held = self._is_held(lease)
        assert is_held == self.ask(ReleaseLease(lease))
        if is_held:
            del self.held[lease.artifact_id]

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.5, 30.0, 61.0, -20.0, -500.0, 100_000.0]))
    def set_clock(self, seconds: float) -> None:
        """Let time pass, or set the clock."""
        self.clock.time += seconds

    def _is_held(self, lease: Lease) -> bool:
        return lease.artifact_id in self.held and self.held[lease.artifact_id][0] == lease
