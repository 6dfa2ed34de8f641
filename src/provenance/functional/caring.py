"""Taking care of repositories: checking them, deleting what is left over, letting go of values."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from returns.io import IOResult

from provenance import evicting, sweeping, verifying
from provenance.errors import ProvenanceError
from provenance.findings import Collected, Evicted, Verified
from provenance.outcomes import attempted_outside
from provenance.repository import Repository
from provenance.session import Environment

_DAY: Final = timedelta(days=1)


def verify(repo: Repository, /, sample: int | None = None) -> IOResult[Verified, ProvenanceError]:
    """What is found wrong in *repo*, in all of it or in so many artifacts; see `provenance.verify`."""
    return attempted_outside(ProvenanceError, lambda: verifying.verified(repo, sample))


def collect_garbage(
    environment: Environment, repo: Repository, /, *, dry_run: bool = True, older_than: timedelta = _DAY
) -> IOResult[Collected, ProvenanceError]:
    """Delete what is left over; what a repository of *environment* names stays. See `provenance.collect_garbage`."""
    return attempted_outside(
        ProvenanceError,
        lambda: sweeping.collected(repo, sweeping.sharing(environment, repo), dry_run=dry_run, older_than=older_than),
    )


def evict(
    environment: Environment,
    repo: Repository,
    /,
    *,
    max_bytes: int | None = None,
    older_than: timedelta | None = None,
    keep: evicting.Keep | None = None,
    dry_run: bool = False,
) -> IOResult[Evicted, ProvenanceError]:
    """Let go of values; bytes that another repository of *environment* names stay. See `provenance.evict`."""

    def let_go() -> Evicted:
        wish = evicting.wished(repo, max_bytes, older_than, keep, dry_run=dry_run)
        return evicting.evicted(repo, sweeping.sharing(environment, repo)[1:], wish)

    return attempted_outside(ProvenanceError, let_go)
