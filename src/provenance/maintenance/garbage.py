"""Garbage collection: unreferenced blobs, abandoned files, quarantine and expired leases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from provenance import environment as environment_
from provenance.effect import UnhandledEffectError
from provenance.environment import Environment, RepositoryOrName
from provenance.maintenance.reports import Garbage, GarbageReason, GarbageReport
from provenance.model.ids import BlobId
from provenance.model.records import Blob
from provenance.ports.blobs import (
    BlobArea,
    BlobEntry,
    DeleteIfOlder,
    GetBlobLocations,
    ListBlobEntries,
)
from provenance.ports.leases import AcquireLease, Lease, ListExpiredLeases, ReleaseLease
from provenance.ports.machine import Now
from provenance.ports.records import FindReferencedBlobs, GetDatabaseIds
from provenance.repository.handles import Repository
from provenance.util.validation import require_duration

if TYPE_CHECKING:
    from provenance.config.schema import Config

_PAGE: Final = 1000
_DAY: Final = timedelta(days=1)
_MOMENT: Final = 5.0
"""Duration in seconds of the lease that replaces an expired one until it is released."""
_REASONS: Final = {
    BlobArea.STORED: GarbageReason.UNREFERENCED,
    BlobArea.TEMPORARY: GarbageReason.TEMPORARY,
    BlobArea.QUARANTINED: GarbageReason.QUARANTINED,
}
Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each page with the number of entries so far, and the total if it is known."""


def collect_garbage(
    repo: RepositoryOrName | None = None,
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> GarbageReport:
    """Delete unreferenced blobs, abandoned temporary files, quarantined bytes and expired leases.

    What a record names stays, whether of this repository or of another configured one whose blobs
    are in the same place. Others may read and write meanwhile: what is younger than *older_than*
    stays, and age and references are checked again right before each deletion.

    Args:
        repo: A repository or the name of one, by default the default one.
        dry_run: Delete nothing, and report what would be deleted.
        older_than: The minimum age; it must be longer than storing one result takes.
        progress: Called with the number of entries that were examined.

    Raises:
        ConfigError: if *older_than* is negative or not a `timedelta`.
        StoreUnavailableError, StorePermissionError: if a store, or a repository that shares it,
            cannot or may not be read or changed.
    """
    environment = environment_.current()
    chosen = environment.repository(repo)
    roots = repositories_sharing_blobs(environment, chosen)
    return collect(chosen, roots, dry_run=dry_run, older_than=older_than, progress=progress)


def repositories_sharing_blobs(
    environment: Environment, repo: Repository
) -> tuple[Repository, ...]:
    """Return *repo* and all repositories of *environment* with blobs in the same place.

    What they name must stay. Chained repositories are left out, since their members name the same
    blobs, and so are repositories with their records in the same database.
    """
    places, homes = _places(repo), repo.interpreter(GetDatabaseIds())
    settings = cast("Config | None", environment.config)
    repos = () if settings is None else settings.artifact_repos.items()
    chains = {name for name, chosen in repos if hasattr(chosen, "stores")}
    others = (environment.repository(name) for name in sorted(environment.openers.keys() - chains))
    return (
        repo,
        *(
            other
            for other in others
            if places & _places(other) and not other.interpreter(GetDatabaseIds()) <= homes
        ),
    )


def _places(repo: Repository) -> frozenset[str]:
    return repo.interpreter(GetBlobLocations())


def collect(
    repo: Repository,
    roots: tuple[Repository, ...],
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> GarbageReport:
    """Delete what no record of *roots* names; see `collect_garbage`."""
    require_duration(older_than, "collect_garbage, older_than")
    before = repo.interpreter(Now()) - older_than
    garbage: list[Garbage] = []
    seen = young = 0
    for shelf in BlobArea:
        after = ""
        while page := repo.interpreter(ListBlobEntries(shelf, after, _PAGE)):
            old = [holding for holding in page if holding.since < before]
            seen += len(page)
            young += len(page) - len(old)
            for holding in _unreferenced(roots, shelf, old):
                if dry_run or _discard(repo, roots, shelf, holding, before):
                    reason = _REASONS[shelf]
                    garbage.append(Garbage(reason, holding.key, holding.size, holding.since))
            if progress is not None:
                progress(seen, None)
            after = page[-1].key
    garbage += _expired_leases(repo, older_than, dry_run=dry_run)
    names = tuple(root.name for root in roots)
    return GarbageReport(repo.name, names, dry_run, tuple(garbage), young)


def _unreferenced(
    roots: tuple[Repository, ...], shelf: BlobArea, holdings: list[BlobEntry]
) -> list[BlobEntry]:
    """Return those of *holdings* that no record of *roots* names."""
    if shelf is not BlobArea.STORED:
        return holdings
    blobs = tuple(Blob(BlobId(holding.key), holding.size) for holding in holdings)
    named = {blob.id for root in roots for blob in root.interpreter(FindReferencedBlobs(blobs))}
    return [holding for holding in holdings if holding.key not in named]


def _discard(
    repo: Repository,
    roots: tuple[Repository, ...],
    shelf: BlobArea,
    holding: BlobEntry,
    before: datetime,
) -> bool:
    """Delete an entry unless a record names it by now, or it is younger now."""
    if not _unreferenced(roots, shelf, [holding]):
        return False
    return repo.interpreter(DeleteIfOlder(shelf, holding.key, before))


def _expired_leases(repo: Repository, older_than: timedelta, *, dry_run: bool) -> Iterator[Garbage]:
    """Delete abandoned leases, each by acquiring and releasing it."""
    now = repo.interpreter(Now())
    after = ""
    with suppress(UnhandledEffectError):  # not every repository has leases
        while page := repo.interpreter(ListExpiredLeases(older_than.total_seconds(), after, _PAGE)):
            for expired in page:
                if not dry_run:
                    lease = repo.interpreter(AcquireLease(expired.artifact_id, _MOMENT))
                    if not (isinstance(lease, Lease) and repo.interpreter(ReleaseLease(lease))):
                        continue
                since = now - timedelta(seconds=expired.seconds)
                yield Garbage(GarbageReason.LEASE, expired.artifact_id, 0, since)
            after = page[-1].artifact_id
