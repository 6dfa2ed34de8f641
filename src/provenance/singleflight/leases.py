"""Sharing work between processes: the setting, the lease, and which functions are too quick for it.

A lease never makes a call fail. Where none can be had (the store may not be written to, cannot be reached, or has no
leases) the call goes on without; at worst the work is done twice, and both get the record that was first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from provenance.effect import Program
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.capabilities import Coordinate
from provenance.ports.leases import LONGEST_LEASE, AcquireLease, Lease, LeaseHeld, ReleaseLease
from provenance.ports.machine import Sleep
from provenance.ports.records import FindRecord
from provenance.repository.programs import LookupHit, lookup
from provenance.telemetry import log
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

_LONGEST_WAIT: Final = 1e7
_QUICK: Final = 0.01
"""Seconds that a quick computation takes at most."""
_MANY: Final = 10_000


def _between(low: float, high: float) -> Callable[[object, object, object], None]:
    """Return a validator of numbers, bool excluded."""

    def check(_: object, _attribute: object, value: object) -> None:
        if isinstance(value, bool) or not (isinstance(value, int | float) and low <= value <= high):
            problem = f"must be a number of seconds from {low:g} to {high:g}"
            raise ValueError(f"{problem}, got {safe_repr(value)}")

    return check


@exported
@frozen(kw_only=True)
class SingleFlight:
    """How long a call waits for another process that computes the same, and when that process counts as dead.

    After *longest_wait* seconds the call computes by itself. A process that has not renewed its lease for *lease_seconds*
    seconds counts as dead.
    """

    longest_wait: float = field(default=3_600.0, validator=_between(0.0, _LONGEST_WAIT))
    lease_seconds: float = field(default=15.0, validator=_between(0.1, LONGEST_LEASE))


DEFAULT_SINGLE_FLIGHT: Final = SingleFlight()
"""The default."""


_durations: Final[dict[str, float]] = {}


def record_duration(key: str, seconds: float) -> None:
    """Note that computing the function of this *key* took *seconds*; once slow, it counts as slow for some more calls."""
    if len(_durations) >= _MANY:
        _durations.clear()
    _durations[key] = max(seconds, _durations.get(key, 0.0) / 2)


def is_quick(key: str) -> bool:
    """Tell whether the function of this *key* was lately too quick to share; one never computed here is not quick."""
    return _durations.get(key, _LONGEST_WAIT) < _QUICK


SHORTEST: Final = 0.005
LONGEST: Final = 0.25
"""Seconds between two look-ups while waiting."""


@frozen
class Acquisition:
    """The outcome of waiting for a lease, and the number of seconds *waited*.

    The turn is None if no lease is available, or none was for too long: compute without.
    """

    turn: LookupHit | Lease | None
    waited: float = 0.0


def acquire(
    artifact_id: ArtifactId, sharing: SingleFlight, stale: ArtifactRecord | None = None
) -> Program[Coordinate, Acquisition]:
    """Wait while another process computes the artifact: until it is recorded, or a lease is available.

    The *stale* record does not count: its value is lost, and another record is to replace it.
    """
    waited, pause = 0.0, SHORTEST
    try:
        while isinstance(
            (claimed := (yield from AcquireLease(artifact_id, sharing.lease_seconds))), LeaseHeld
        ):
            if waited >= sharing.longest_wait:
                return Acquisition(None, waited)
            if not waited:
                host = claimed.owner.partition("@")[0] or "another host"
                line = "waiting for %s, which a process on %s computes; its lease has %.0f s left"
                log.info(line, artifact_id, host, claimed.seconds)
            waited += yield from Sleep(min(pause, sharing.longest_wait - waited))
            pause = min(2 * pause, LONGEST)
            found = yield from newer_record(artifact_id, stale)
            if found is not None:
                return Acquisition(found, waited)
        found = yield from newer_record(artifact_id, stale)  # it may have been recorded just before
    except Exception as error:  # noqa: BLE001 - the call goes on without a lease
        log.debug("no lease for %s: %s", artifact_id, error)
        return Acquisition(None, waited)
    if found is None:
        return Acquisition(claimed, waited)
    yield from release(claimed)
    return Acquisition(found, waited)


def newer_record(
    artifact_id: ArtifactId, stale: ArtifactRecord | None
) -> Program[FindRecord, LookupHit | None]:
    """Return what is recorded now, unless it is the *stale* record."""
    found = yield from lookup(artifact_id, fresh=True)
    return found if isinstance(found, LookupHit) and found.record != stale else None


def release(lease: Lease) -> Program[ReleaseLease, None]:
    """Release a lease; if that fails, it expires by itself."""
    try:
        yield from ReleaseLease(lease)
    except Exception as error:  # noqa: BLE001 - the call has its outcome already
        log.debug("the lease of %s was not released: %s", lease.artifact_id, error)
