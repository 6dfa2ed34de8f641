"""Maintenance: verification, garbage collection and eviction, with failures as values."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from returns.io import impure_safe

from provenance import evicting, sweeping, verifying
from provenance.errors import ProvenanceError
from provenance.findings import Collected, Evicted, Verified
from provenance.repository import Repository
from provenance.session import Environment

_DAY: Final = timedelta(days=1)


@impure_safe(exceptions=(ProvenanceError,))
def verify(repo: Repository, /, sample: int | None = None) -> Verified:
    """Verify *repo*, or *sample* of its artifacts; see `provenance.verify`."""
    return verifying.verified(repo, sample)


@impure_safe(exceptions=(ProvenanceError,))
def collect_garbage(
    environment: Environment,
    repo: Repository,
    /,
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
) -> Collected:
    """Delete what no repository of *environment* refers to; see `provenance.collect_garbage`."""
    sharing = sweeping.sharing(environment, repo)
    return sweeping.collected(repo, sharing, dry_run=dry_run, older_than=older_than)


@impure_safe(exceptions=(ProvenanceError,))
def evict(
    environment: Environment,
    repo: Repository,
    /,
    *,
    max_bytes: int | None = None,
    older_than: timedelta | None = None,
    keep: evicting.Keep | None = None,
    dry_run: bool = False,
) -> Evicted:
    """Evict values, but not blobs that another repository of *environment* needs.

    See `provenance.evict`.
    """
    wish = evicting.wished(repo, max_bytes, older_than, keep, dry_run=dry_run)
    return evicting.evicted(repo, sweeping.sharing(environment, repo)[1:], wish)
