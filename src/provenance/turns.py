"""Whose turn it is to compute an artifact: a program that waits while somebody else does.

A lease never makes a call fail. Where none can be had (the store may not be written to, cannot be reached, or knows no
leases) the call goes on without; at worst the work is done twice, and both get the record that was first.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from attrs import frozen

from provenance.asks import FindRecord, Pause, TakeTurns
from provenance.effect import Program
from provenance.ids import ArtifactId
from provenance.journal import log
from provenance.leasing import Claim, Claimed, Release, Taken
from provenance.programs import Found, lookup
from provenance.records import ArtifactRecord
from provenance.sharing import SingleFlight

SHORTEST: Final = 0.005
LONGEST: Final = 0.25
"""Seconds between two looks at what the other one has done."""


@frozen
class Alone:
    """No lease is to be had, or none was for too long: compute without."""


Turn: TypeAlias = Found | Claimed | Alone


@frozen
class Taking:
    """What came of waiting for one's turn, and for how many seconds it was *waited*."""

    turn: Turn
    waited: float = 0.0


def taken(
    artifact_id: ArtifactId, sharing: SingleFlight, stale: ArtifactRecord | None = None
) -> Program[TakeTurns, Taking]:
    """Wait while somebody else computes the artifact: until it is recorded, or there is a lease to compute it with.

    The record that is *stale* does not count: its value is lost, and another record is to take its place.
    """
    waited, pause = 0.0, SHORTEST
    try:
        while isinstance((claimed := (yield from Claim(artifact_id, sharing.lease_seconds))), Taken):
            if waited >= sharing.longest_wait:
                return Taking(Alone(), waited)
            waited += yield from Pause(min(pause, sharing.longest_wait - waited))
            pause = min(2 * pause, LONGEST)
            found = yield from recorded(artifact_id, stale)
            if found is not None:
                return Taking(found, waited)
        found = yield from recorded(artifact_id, stale)  # it may have been recorded just before
    except Exception as error:  # noqa: BLE001 - whatever a store raises, the call can do without a lease
        log.debug("no lease for %s: %s", artifact_id, error)
        return Taking(Alone(), waited)
    if found is None:
        return Taking(claimed, waited)
    yield from left(claimed)
    return Taking(found, waited)


def recorded(artifact_id: ArtifactId, stale: ArtifactRecord | None) -> Program[FindRecord, Found | None]:
    """What is now recorded, if that is not the record that is *stale*."""
    found = yield from lookup(artifact_id, fresh=True)
    return found if isinstance(found, Found) and found.record != stale else None


def left(lease: Claimed) -> Program[Release, None]:
    """Give a lease back; where that cannot be done it expires by itself."""
    try:
        yield from Release(lease)
    except Exception as error:  # noqa: BLE001 - the call has its outcome already
        log.debug("the lease of %s was not released: %s", lease.artifact_id, error)
