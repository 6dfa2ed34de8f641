"""Sharing work between processes: the setting, the lease, and which functions are too quick for it.

A lease never makes a call fail. Where none can be had (the store may not be written to, cannot be reached, or has no
leases) the call goes on without; at worst the work is done twice, and both get the record that was first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import field, frozen

from provenance.effect import Program
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.capabilities import TakeTurns
from provenance.ports.leases import LONGEST_LEASE, Claim, Claimed, Release, Taken
from provenance.ports.machine import Pause
from provenance.ports.records import FindRecord
from provenance.repository.programs import Found, lookup
from provenance.telemetry import log
from provenance.util.formatting import shown

_LONGEST_WAIT: Final = 1e7
_QUICK: Final = 0.01
"""Seconds that a quick computation takes at most."""
_MANY: Final = 10_000


def _between(low: float, high: float) -> Callable[[object, object, object], None]:
    """Return a validator of numbers, bool excluded."""

    def check(_: object, _attribute: object, value: object) -> None:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ValueError(
                f"must be a number of seconds from {low:g} to {high:g}, got {shown(value)}"
            )

    return check


@frozen(kw_only=True)
class SingleFlight:
    """How long a call waits for another process that computes the same, and when that process counts as dead.

    After *longest_wait* seconds the call computes by itself. A process that has not renewed its lease for *lease_seconds*
    seconds counts as dead.
    """

    __module__ = "provenance"

    longest_wait: float = field(default=3_600.0, validator=_between(0.0, _LONGEST_WAIT))
    lease_seconds: float = field(default=15.0, validator=_between(0.1, LONGEST_LEASE))


SHARED: Final = SingleFlight()
"""The default."""


_paces: Final[dict[str, float]] = {}


def note_pace(key: str, seconds: float) -> None:
    """Note that computing the function of this *key* took *seconds*; once slow, it counts as slow for some more calls."""
    if len(_paces) >= _MANY:
        _paces.clear()
    _paces[key] = max(seconds, _paces.get(key, 0.0) / 2)


def is_quick(key: str) -> bool:
    """Tell whether the function of this *key* was lately too quick to share; one never computed here is not quick."""
    return _paces.get(key, _LONGEST_WAIT) < _QUICK


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
