"""Leases: the effects that a lease store answers, its methods, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from attrs import frozen

from provenance.effect import Effect, Interpreter
from provenance.model.ids import ArtifactId


@frozen
class Claimed:
    """A lease: the right to compute an artifact while others wait, until it expires or is released.

    `owner` differs for each claim. `fence` grows when an expired lease passes to another owner, so
    that the earlier owner can be recognized.
    """

    artifact_id: ArtifactId
    owner: str
    fence: int


@frozen
class Taken:
    """Another owner has the lease, which expires in *seconds* unless it is renewed."""

    seconds: float


@frozen
class Claim(Effect[Claimed | Taken]):
    """Acquire the lease of an artifact for *seconds*, unless another owner has a valid one."""

    artifact_id: ArtifactId
    seconds: float


@frozen
class Renew(Effect[bool]):
    """Extend a lease to *seconds* from now.

    Answers False if it has ended or passed to another owner.
    """

    lease: Claimed
    seconds: float


@frozen
class Release(Effect[bool]):
    """Release a lease; answers False if it has ended or passed to another owner."""

    lease: Claimed


@frozen
class Expired:
    """A lease that expired *seconds* ago and was not acquired since."""

    artifact_id: ArtifactId
    seconds: float


@frozen
class FindExpired(Effect[tuple[Expired, ...]]):
    """Up to *limit* leases that expired at least *seconds* ago, by artifact id, after *after*."""

    seconds: float
    after: str = ""
    limit: int = 1000


Leases: TypeAlias = Claim | Renew | Release | FindExpired
"""Effects of a lease store."""

LONGEST_LEASE: Final = 60.0
"""Seconds that a lease may be set to last without being renewed."""
IMPOSSIBLE: Final = 2 * LONGEST_LEASE
"""More seconds than any lease has left, unless the clock was set back since."""

Seconds: TypeAlias = Callable[[], float]


class LeaseStore(Protocol):
    """A store of leases; each method atomically answers the effect of its name in `leasing`.

    A lease with more than `IMPOSSIBLE` seconds left was made before the clock was set back,
    and counts as expired.
    """

    def claim(self, artifact_id: ArtifactId, seconds: float, /) -> Claimed | Taken: ...
    def renew(self, lease: Claimed, seconds: float, /) -> bool: ...
    def release(self, lease: Claimed, /) -> bool: ...
    def find_expired(self, seconds: float, after: str, limit: int, /) -> tuple[Expired, ...]: ...


def lease_effects(store: LeaseStore) -> Interpreter[Leases]:
    """Return an interpreter for *store*."""
    return (
        Claim.on(lambda ask: store.claim(ask.artifact_id, ask.seconds))
        | Renew.on(lambda ask: store.renew(ask.lease, ask.seconds))
        | Release.on(lambda ask: store.release(ask.lease))
        | FindExpired.on(lambda ask: store.find_expired(ask.seconds, ask.after, ask.limit))
    )
