"""Waiting for one's turn, played by scripts: no store, no clock, no waiting."""

import pytest
from attrs import evolve

from contract.samples import new_id, record
from provenance.errors import CorruptRecordError, StoreUnavailableError
from provenance.ports.leases import AcquireLease, Lease, LeaseHeld, ReleaseLease
from provenance.ports.machine import Sleep
from provenance.ports.records import FindRecord
from provenance.repository.programs import LookupHit
from provenance.singleflight.leases import (
    LONGEST,
    SHORTEST,
    Acquisition,
    SingleFlight,
    acquire,
    release,
)
from provenance.testing import scripted

ID = new_id()
SHARING = SingleFlight(longest_wait=1.0, lease_seconds=10.0)
LEASE = Lease(ID, "me", 3)
RECORD = evolve(record(), id=ID)
CLAIM, LOOK, GONE = (
    AcquireLease(ID, 10.0),
    FindRecord(ID, fresh=True),
    StoreUnavailableError("db", "gone", "wait"),
)


def test_who_is_first_gets_the_lease():
    """And looks again: the artifact may have been recorded since it was looked up."""
    assert Acquisition(LEASE) == scripted(acquire(ID, SHARING), (CLAIM, LEASE), (LOOK, None))


def test_who_comes_just_too_late_gives_the_lease_back():
    """What was recorded meanwhile is a hit."""
    script = (CLAIM, LEASE), (LOOK, RECORD), (ReleaseLease(LEASE), True)
    assert Acquisition(LookupHit(RECORD)) == scripted(acquire(ID, SHARING), *script)


def test_who_waits_finds_the_record():
    """Pauses grow; the seconds that passed are told."""
    script = (
        (CLAIM, LeaseHeld(9.0)),
        (Sleep(SHORTEST), 0.1),
        (LOOK, None),
        (CLAIM, LeaseHeld(8.9)),
        (Sleep(2 * SHORTEST), 0.2),
        (LOOK, RECORD),
    )
    assert Acquisition(LookupHit(RECORD), pytest.approx(0.3)) == scripted(
        acquire(ID, SHARING), *script
    )


def test_who_waits_gets_the_lease_of_one_who_gave_up():
    """It was released, or expired, and nothing was recorded."""
    script = (
        (CLAIM, LeaseHeld(9.0)),
        (Sleep(SHORTEST), 0.1),
        (LOOK, None),
        (CLAIM, LEASE),
        (LOOK, None),
    )
    assert Acquisition(LEASE, 0.1) == scripted(acquire(ID, SHARING), *script)


def test_waiting_ends():
    """After the longest wait there is neither record nor lease; no pause goes beyond it."""
    script = (
        (CLAIM, LeaseHeld(9.0)),
        (Sleep(SHORTEST), 0.998),
        (LOOK, None),
        (CLAIM, LeaseHeld(8.0)),
    )
    last = (Sleep(pytest.approx(0.002)), 0.002), (LOOK, None), (CLAIM, LeaseHeld(8.0))
    assert Acquisition(None, 1.0) == scripted(acquire(ID, SHARING), *script, *last)


def test_pauses_do_not_grow_for_ever():
    """However long it takes, it is soon noticed."""
    pauses = []
    program = acquire(ID, SingleFlight(longest_wait=100.0, lease_seconds=10.0))
    asked = next(program)
    while len(pauses) < 20:
        if isinstance(asked, Sleep):
            pauses.append(asked.seconds)
        asked = program.send(
            asked.seconds
            if isinstance(asked, Sleep)
            else LeaseHeld(9.0)
            if asked == CLAIM
            else None
        )
    program.close()
    assert pauses == sorted(pauses)
    assert (SHORTEST, LONGEST) == (pauses[0], pauses[-1])


@pytest.mark.parametrize("error", [GONE, RuntimeError("broken")])
def test_without_a_lease_the_call_goes_on(error):
    """Whatever a store raises when it is asked for one; how long it was waited until then is told."""
    assert Acquisition(None) == scripted(acquire(ID, SHARING), (CLAIM, error))
    assert Acquisition(None, 0.1) == scripted(
        acquire(ID, SHARING), (CLAIM, LeaseHeld(1.0)), (Sleep(SHORTEST), 0.1), (LOOK, error)
    )


def test_a_record_whose_value_is_lost_is_waited_out():
    """Only one that takes its place is found."""
    newer = evolve(RECORD, compute_duration=RECORD.compute_duration + 1)
    program = acquire(ID, SHARING, RECORD)
    script = (
        (CLAIM, LeaseHeld(9.0)),
        (Sleep(SHORTEST), 0.1),
        (LOOK, RECORD),
        (CLAIM, LeaseHeld(8.9)),
        (Sleep(2 * SHORTEST), 0.2),
    )
    assert Acquisition(LookupHit(newer), pytest.approx(0.3)) == scripted(
        program, *script, (LOOK, newer)
    )
    assert Acquisition(LEASE) == scripted(
        acquire(ID, SHARING, RECORD), (CLAIM, LEASE), (LOOK, RECORD)
    )


def test_a_damaged_record_is_as_good_as_none():
    """It is computed."""
    script = (CLAIM, LEASE), (LOOK, CorruptRecordError(ID, "db", "it was changed"))
    assert Acquisition(LEASE) == scripted(acquire(ID, SHARING), *script)


def test_a_lease_that_cannot_be_given_back_expires():
    """Nobody is told."""
    assert scripted(release(LEASE), (ReleaseLease(LEASE), GONE)) is None
