"""Leases of artifacts: a program that waits while another process computes the same artifact.

A lease never makes a call fail. Where none is available (the store is read-only, unreachable, or has no leases) the call
goes on without; at worst the work is done twice, and both get the record that was first.
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
"""Seconds between two look-ups while waiting."""


@frozen
class Alone:
    """No lease is available, or none was for too long: compute without."""


Turn: TypeAlias = Found | Claimed | Alone


@frozen
class Taking:
    """The outcome of waiting for a lease, and the number of seconds *waited*."""

    turn: Turn
    waited: float = 0.0


def taken(
    artifact_id: ArtifactId, sharing: SingleFlight, stale: ArtifactRecord | None = None
) -> Program[TakeTurns, Taking]:
    """Wait while another process computes the artifact: until it is recorded, or a lease is available.

    The *stale* record does not count: its value is lost, and another record is to replace it.
    """
    waited, pause = 0.0, SHORTEST
    try:
        while isinstance(
            (claimed := (yield from Claim(artifact_id, sharing.lease_seconds))), Taken
        ):
            if waited >= sharing.longest_wait:
                return Taking(Alone(), waited)
            waited += yield from Pause(min(pause, sharing.longest_wait - waited))
            pause = min(2 * pause, LONGEST)
            found = yield from recorded(artifact_id, stale)
            if found is not None:
                return Taking(found, waited)
        found = yield from recorded(artifact_id, stale)  # it may have been recorded just before
    except Exception as error:  # noqa: BLE001 - the call goes on without a lease
        log.debug("no lease for %s: %s", artifact_id, error)
        return Taking(Alone(), waited)
    if found is None:
        return Taking(claimed, waited)
    yield from left(claimed)
    return Taking(found, waited)


def recorded(
    artifact_id: ArtifactId, stale: ArtifactRecord | None
) -> Program[FindRecord, Found | None]:
    """Return what is recorded now, unless it is the *stale* record."""
    found = yield from lookup(artifact_id, fresh=True)
    return found if isinstance(found, Found) and found.record != stale else None


def left(lease: Claimed) -> Program[Release, None]:
    """Release a lease; if that fails, it expires by itself."""
    try:
        yield from Release(lease)
    except Exception as error:  # noqa: BLE001 - the call has its outcome already
        log.debug("the lease of %s was not released: %s", lease.artifact_id, error)
