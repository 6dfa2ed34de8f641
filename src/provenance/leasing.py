"""Who computes an artifact: what is asked of a store so that others wait, and what it answers."""

from __future__ import annotations

from attrs import frozen

from provenance.effect import Effect
from provenance.ids import ArtifactId


@frozen
class Claimed:
    """A lease: the right to compute an artifact while others wait, until it expires or is released.

    Each claim has another `owner`, and `fence` grows when a lease that has expired passes to the next one: by these an
    earlier owner is known.
    """

    artifact_id: ArtifactId
    owner: str
    fence: int


@frozen
class Taken:
    """Somebody else computes the artifact; the lease expires in so many *seconds* unless it is renewed."""

    seconds: float


@frozen
class Claim(Effect[Claimed | Taken]):
    """Take the lease of an artifact for so many *seconds*, if nobody has one that has not expired."""

    artifact_id: ArtifactId
    seconds: float


@frozen
class Renew(Effect[bool]):
    """Let the lease last so many *seconds* from now; False, and nothing done, if it has passed to another or ended."""

    lease: Claimed
    seconds: float


@frozen
class Release(Effect[bool]):
    """Give the lease back; False, and nothing done, if it has passed to another or ended."""

    lease: Claimed


@frozen
class Expired:
    """A lease that expired so many *seconds* ago, and that nobody has claimed since."""

    artifact_id: ArtifactId
    seconds: float


@frozen
class FindExpired(Effect[tuple[Expired, ...]]):
    """Leases that expired so many *seconds* ago or earlier: their owners are gone.

    They are in order of their artifacts' ids, those after *after*, at most *limit* of them.
    """

    seconds: float
    after: str = ""
    limit: int = 1000
