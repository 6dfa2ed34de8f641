"""The effects of leases, by which one process computes an artifact while others wait."""

from __future__ import annotations

from attrs import frozen

from provenance.effect import Effect
from provenance.ids import ArtifactId


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
