"""The contract of lease stores: one owner at a time, whatever the clock does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, cast

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
from provenance.testing.contracts.base import FEW
from provenance.testing.contracts.stateful import run_in_threads

_START: Final = 1_000_000.0
_ANY: Final = st.integers(0, 99)
_IDS: Final = [ArtifactId(digit * 40) for digit in "01"]


class LeasesUnderTest:
    """A store of leases, whose clock stands still until `time`, in seconds, is changed."""

    def __init__(self, make: Callable[[Callable[[], float]], Interpreter[LeaseEffects]]) -> None:
        self.time = _START
        self.ask = make(lambda: self.time)

    def claim(self, artifact_id: ArtifactId, seconds: float = 10) -> Lease | LeaseHeld:
        """Claim the lease of an artifact."""
        return self.ask(AcquireLease(artifact_id, seconds))

    def acquire(self, artifact_id: ArtifactId, seconds: float = 10) -> Lease:
        """Claim a lease, and check that the claim succeeds."""
        lease = self.claim(artifact_id, seconds)
        assert isinstance(lease, Lease)
        assert artifact_id == lease.artifact_id
        return lease

    def renew(self, lease: Lease, seconds: float = 10) -> bool:
        """Renew a lease."""
        return self.ask(RenewLease(lease, seconds))

    def release(self, lease: Lease) -> bool:
        """Release a lease."""
        return self.ask(ReleaseLease(lease))


class LeaseContract:
    """Tests of a lease store that a subclass makes."""

    def make(self, folder: Path, clock: Callable[[], float], /) -> Interpreter[LeaseEffects]:
        """Return an empty store that uses *clock*; *folder* is empty and for its files."""
        raise NotImplementedError(f"{type(self).__name__} needs a method make(self, folder, clock)")

    @pytest.fixture
    def leases(self, tmp_path: Path) -> LeasesUnderTest:
        """Return an empty store, and its clock."""
        return LeasesUnderTest(partial(self.make, tmp_path))

    def test_one_owner_at_a_time(self, leases: LeasesUnderTest) -> None:
        """While a lease lasts, other claims fail and report the time left."""
        lease = leases.acquire(_IDS[0])
        leases.time += 4
        taken = leases.claim(_IDS[0])
        assert isinstance(taken, LeaseHeld)
        assert pytest.approx(6, abs=0.1) == taken.seconds
        leases.acquire(_IDS[1])
        assert leases.release(lease)
        leases.acquire(_IDS[0])

    def test_expired_leases_are_listed(self, leases: LeasesUnderTest) -> None:
        """Leases that expired long enough ago are listed, unless they were claimed again."""
        for artifact_id in _IDS:
            leases.acquire(artifact_id)
        leases.time += 15

        def expired(seconds: float, after: str = "", limit: int = 100) -> list[ArtifactId]:
            return [
                lease.artifact_id for lease in leases.ask(ListExpiredLeases(seconds, after, limit))
            ]

        assert () == leases.ask(ListExpiredLeases(6))
        assert _IDS == expired(4)
        assert pytest.approx(5, abs=0.1) == leases.ask(ListExpiredLeases(4))[0].seconds
        assert [_IDS[0]] == expired(4, limit=1)
        assert [_IDS[1]] == expired(4, _IDS[0])
        leases.acquire(_IDS[0])
        assert [_IDS[1]] == expired(0)

    def test_a_lease_that_expires_passes_to_another(self, leases: LeasesUnderTest) -> None:
        """The new owner gets a higher fence; the old one cannot renew or release the lease."""
        early = leases.acquire(_IDS[0])
        leases.time += 11
        late = leases.acquire(_IDS[0])
        assert late.fence > early.fence
        assert (False, False) == (leases.renew(early), leases.release(early))
        assert isinstance(leases.claim(_IDS[0]), LeaseHeld)
        assert (True, True, False) == (
            leases.renew(late),
            leases.release(late),
            leases.release(late),
        )

    def test_a_renewed_lease_lasts(self, leases: LeasesUnderTest) -> None:
        """A renewed lease lasts for the given seconds from the renewal."""
        lease = leases.acquire(_IDS[0])
        for _ in range(3):
            leases.time += 8
            assert leases.renew(lease)
        leases.time += 9
        assert isinstance(leases.claim(_IDS[0]), LeaseHeld)
        leases.time += 2
        leases.acquire(_IDS[0])

    def test_a_released_lease_is_not_renewed(self, leases: LeasesUnderTest) -> None:
        """A released lease cannot be renewed, before or after the next claim."""
        first = leases.acquire(_IDS[0])
        assert leases.release(first)
        assert not leases.renew(first)
        leases.acquire(_IDS[0])
        assert (False, False) == (leases.renew(first), leases.release(first))

    def test_a_clock_that_is_set_back_blocks_no_claim(self, leases: LeasesUnderTest) -> None:
        """A lease that lasts longer than is possible counts as expired."""
        lease = leases.acquire(_IDS[0], LONGEST_LEASE)
        leases.time -= 10_000
        leases.acquire(_IDS[0])
        assert not leases.renew(lease)

    def test_a_clock_that_is_set_back_a_little_changes_nothing(
        self, leases: LeasesUnderTest
    ) -> None:
        """A lease still holds after a small correction of the clock."""
        leases.acquire(_IDS[0], LONGEST_LEASE)
        leases.time -= 30
        assert isinstance(leases.claim(_IDS[0]), LeaseHeld)

    def test_one_of_many_threads_gets_it(self, leases: LeasesUnderTest) -> None:
        """If threads claim at the same time, one of them gets the lease."""

        def claim(artifact_id: ArtifactId, _: int) -> Lease | LeaseHeld:
            return leases.claim(artifact_id)

        for artifact_id in _IDS * 2:
            answers = run_in_threads(partial(claim, artifact_id))
            assert 1 == sum(isinstance(answer, Lease) for answer in answers)
            leases.time += 11

    def test_leases_are_as_in_a_dictionary(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """The store agrees with a dictionary while leases change, time passes and clocks jump."""

        def model() -> LeaseModel:
            folder = tmp_path_factory.mktemp("leases")
            return LeaseModel(LeasesUnderTest(partial(self.make, folder)))

        # A function that makes the machine will do.
        machine = cast("type[LeaseModel]", model)
        run_state_machine_as_test(machine, settings=settings(FEW, stateful_step_count=30))


class LeaseModel(RuleBasedStateMachine):
    """A store compared with a dictionary: by artifact, the latest lease and its end."""

    def __init__(self, leases: LeasesUnderTest) -> None:
        super().__init__()
        self.leases = leases
        self.held: dict[ArtifactId, tuple[Lease, float]] = {}
        self.given: list[Lease] = []

    @rule(artifact=st.sampled_from(_IDS), seconds=st.sampled_from([1.0, 10.0, LONGEST_LEASE]))
    def acquire(self, artifact: ArtifactId, seconds: float) -> None:
        """Claim a lease, which succeeds unless one lasts; owners are new, and fences grow."""
        known = self.held.get(artifact)
        answer = self.leases.claim(artifact, seconds)
        if known is not None and 0 < known[1] - self.leases.time <= IMPOSSIBLE:
            assert isinstance(answer, LeaseHeld)
            return
        assert isinstance(answer, Lease)
        assert answer.owner not in {lease.owner for lease in self.given}
        assert known is None or answer.fence > known[0].fence
        self.held[artifact] = answer, self.leases.time + seconds
        self.given.append(answer)

    @precondition(lambda self: bool(self.given))
    @rule(which=_ANY, seconds=st.sampled_from([1.0, 10.0, LONGEST_LEASE]))
    def renew(self, which: int, seconds: float) -> None:
        """Renew a lease, which the latest owner can, even after the end."""
        lease = self.given[which % len(self.given)]
        is_held = self._is_held(lease)
        assert is_held == self.leases.renew(lease, seconds)
        if is_held:
            self.held[lease.artifact_id] = lease, self.leases.time + seconds

    @precondition(lambda self: bool(self.given))
    @rule(which=_ANY)
    def release(self, which: int) -> None:
        """Release a lease, which the latest owner can, once."""
        lease = self.given[which % len(self.given)]
        is_held = self._is_held(lease)
        assert is_held == self.leases.release(lease)
        if is_held:
            del self.held[lease.artifact_id]

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.5, 30.0, 61.0, -20.0, -500.0, 100_000.0]))
    def set_clock(self, seconds: float) -> None:
        """Let time pass, or set the clock."""
        self.leases.time += seconds

    def _is_held(self, lease: Lease) -> bool:
        return lease.artifact_id in self.held and self.held[lease.artifact_id][0] == lease
