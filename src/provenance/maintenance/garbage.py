"""Garbage collection: unreferenced blobs, abandoned files, quarantine and expired leases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from provenance import environment as environment_
from provenance.effect import UnhandledEffectError
from provenance.environment import Environment, RepositoryOrName
from provenance.maintenance.reports import Collected, Garbage, Reason
from provenance.model.ids import BlobId
from provenance.model.records import Blob
from provenance.ports.blobs import Discard, FindPlaces, Holding, ListHoldings, Shelf
from provenance.ports.leases import Claim, Claimed, FindExpired, Release
from provenance.ports.machine import Now
from provenance.ports.records import FindHomes, FindNamed
from provenance.repository.handles import Repository
from provenance.util.validation import age

if TYPE_CHECKING:
    from provenance.config.schema import Config

_PAGE: Final = 1000
_DAY: Final = timedelta(days=1)
_MOMENT: Final = 5.0
"""Duration in seconds of the lease that replaces an expired one until it is released."""
_REASONS: Final = {
    Shelf.STORED: Reason.UNREFERENCED,
    Shelf.TEMPORARY: Reason.TEMPORARY,
    Shelf.QUARANTINED: Reason.QUARANTINED,
}
Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each page with the number of entries so far, and the total if it is known."""


def collect_garbage(
    repo: RepositoryOrName | None = None,
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> Collected:
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
    roots = sharing(environment, chosen)
    return collected(chosen, roots, dry_run=dry_run, older_than=older_than, progress=progress)


def sharing(environment: Environment, repo: Repository) -> tuple[Repository, ...]:
    """Return *repo* and all repositories of *environment* with blobs in the same place.

    What they name must stay. Chained repositories are left out, since their members name the same
    blobs, and so are repositories with their records in the same database.
    """
    places, homes = _places(repo), repo.interpreter(FindHomes())
    settings = cast("Config | None", environment.config)
    repos = () if settings is None else settings.artifact_repos.items()
    chains = {name for name, chosen in repos if hasattr(chosen, "stores")}
    others = (environment.repository(name) for name in sorted(environment.openers.keys() - chains))
    return (
        repo,
        *(
            other
            for other in others
            if places & _places(other) and not other.interpreter(FindHomes()) <= homes
        ),
    )


def _places(repo: Repository) -> frozenset[str]:
    return repo.interpreter(FindPlaces())


def collected(
    repo: Repository,
    roots: tuple[Repository, ...],
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> Collected:
    """Delete what no record of *roots* names; see `collect_garbage`."""
    age(older_than, "collect_garbage, older_than")
    before = repo.interpreter(Now()) - older_than
    garbage: list[Garbage] = []
    seen = young = 0
    for shelf in Shelf:
        after = ""
        while page := repo.interpreter(ListHoldings(shelf, after, _PAGE)):
            old = [holding for holding in page if holding.since < before]
            seen += len(page)
            young += len(page) - len(old)
            for holding in _unnamed(roots, shelf, old):
                if dry_run or _discard(repo, roots, shelf, holding, before):
                    reason = _REASONS[shelf]
                    garbage.append(Garbage(reason, holding.key, holding.size, holding.since))
            if progress is not None:
                progress(seen, None)
            after = page[-1].key
    garbage += _expired(repo, older_than, dry_run=dry_run)
    names = tuple(root.name for root in roots)
    return Collected(repo.name, names, dry_run, tuple(garbage), young)


def _unnamed(roots: tuple[Repository, ...], shelf: Shelf, holdings: list[Holding]) -> list[Holding]:
    """Return those of *holdings* that no record of *roots* names."""
    if shelf is not Shelf.STORED:
        return holdings
    blobs = tuple(Blob(BlobId(holding.key), holding.size) for holding in holdings)
    named = {blob.id for root in roots for blob in root.interpreter(FindNamed(blobs))}
    return [holding for holding in holdings if holding.key not in named]


def _discard(
    repo: Repository,
    roots: tuple[Repository, ...],
    shelf: Shelf,
    holding: Holding,
    before: datetime,
) -> bool:
    """Delete an entry unless a record names it by now, or it is younger now."""
    if not _unnamed(roots, shelf, [holding]):
        return False
    return repo.interpreter(Discard(shelf, holding.key, before))


def _expired(repo: Repository, older_than: timedelta, *, dry_run: bool) -> Iterator[Garbage]:
    """Delete abandoned leases, each by acquiring and releasing it."""
    now = repo.interpreter(Now())
    after = ""
    with suppress(UnhandledEffectError):  # not every repository has leases
        while page := repo.interpreter(FindExpired(older_than.total_seconds(), after, _PAGE)):
            for expired in page:
                if not dry_run:
                    lease = repo.interpreter(Claim(expired.artifact_id, _MOMENT))
                    if not (isinstance(lease, Claimed) and repo.interpreter(Release(lease))):
                        continue
                since = now - timedelta(seconds=expired.seconds)
                yield Garbage(Reason.LEASE, expired.artifact_id, 0, since)
            after = page[-1].artifact_id
