"""Leases: the effects that a lease store answers, its methods, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from attrs import frozen

from provenance.effect import Interpreter
from provenance.model.ids import ArtifactId
from provenance.ports.permissions import StoreEffect
from provenance.util.naming import exported


@frozen
class Lease:
    """A lease: the right to compute an artifact while others wait, until it expires or is released.

    `owner` differs for each claim. `fence` grows when an expired lease passes to another owner, so
    that the earlier owner can be recognized.
    """

    artifact_id: ArtifactId
    owner: str
    fence: int


@frozen
class LeaseHeld:
    """Another *owner* has the lease, which expires in *seconds* unless it is renewed."""

    seconds: float
    owner: str = ""


@frozen(eq=False, repr=False)
class AcquireLease(StoreEffect[Lease | LeaseHeld]):
    """Acquire the lease of an artifact for *seconds*, unless another owner has a valid one."""

    needs, action = "write", "acquiring a lease"
    artifact_id: ArtifactId
    seconds: float


@frozen(eq=False, repr=False)
class RenewLease(StoreEffect[bool]):
    """Extend a lease to *seconds* from now.

    Answers False if it has ended or passed to another owner.
    """

    needs, action = "write", "renewing a lease"
    lease: Lease
    seconds: float


@frozen(eq=False, repr=False)
class ReleaseLease(StoreEffect[bool]):
    """Release a lease; answers False if it has ended or passed to another owner."""

    needs, action = "write", "releasing a lease"
    lease: Lease


@exported
@frozen
class ExpiredLease:
    """A lease that expired and was not acquired since.

    Attributes:
        artifact_id: id of the artifact that was being computed.
        seconds: how long ago it expired.
    """

    artifact_id: ArtifactId
    seconds: float


@frozen(eq=False, repr=False)
class ListExpiredLeases(StoreEffect[tuple[ExpiredLease, ...]]):
    """Up to *limit* leases that expired at least *seconds* ago, by artifact id, after *after*."""

    needs, action = "read", "listing expired leases"
    seconds: float
    after: str = ""
    limit: int = 1000


LeaseEffects: TypeAlias = AcquireLease | RenewLease | ReleaseLease | ListExpiredLeases
"""Effects of a lease store."""

LONGEST_LEASE: Final = 60.0
"""Seconds that a lease may be set to last without being renewed."""
IMPOSSIBLE: Final = 2 * LONGEST_LEASE
"""More seconds than any lease has left, unless the clock was set back since."""

Seconds: TypeAlias = Callable[[], float]


class LeaseStore(Protocol):
    """A store of leases; each method atomically answers the effect of its name.

    `acquire` answers `AcquireLease`, whose docstring says how. The parameters are the attributes of
    the effect.

    A lease with more than `IMPOSSIBLE` seconds left was made before the clock was set back,
    and counts as expired.
    """

    def acquire(self, artifact_id: ArtifactId, seconds: float, /) -> Lease | LeaseHeld: ...
    def renew(self, lease: Lease, seconds: float, /) -> bool: ...
    def release(self, lease: Lease, /) -> bool: ...
    def list_expired(
        self, seconds: float, after: str, limit: int, /
    ) -> tuple[ExpiredLease, ...]: ...


def lease_effects(store: LeaseStore) -> Interpreter[LeaseEffects]:
    """Return an interpreter for *store*."""
    return (
        AcquireLease.on(lambda ask: store.acquire(ask.artifact_id, ask.seconds))
        | RenewLease.on(lambda ask: store.renew(ask.lease, ask.seconds))
        | ReleaseLease.on(lambda ask: store.release(ask.lease))
        | ListExpiredLeases.on(lambda ask: store.list_expired(ask.seconds, ask.after, ask.limit))
    )
