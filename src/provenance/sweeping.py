"""Deleting what is left over in stores: blobs that no record names, what killed writers left, what was put aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

from provenance import session
from provenance.asks import Now
from provenance.checks import age
from provenance.chores import (
    Discard,
    FindHomes,
    FindNamed,
    FindPlaces,
    Holding,
    ListHoldings,
    Shelf,
)
from provenance.effect import UnhandledEffectError
from provenance.findings import Collected, Garbage, Reason
from provenance.ids import BlobId
from provenance.leasing import Claim, Claimed, Expired, FindExpired, Release
from provenance.records import Blob
from provenance.repository import Repository
from provenance.session import Environment, RepositoryOrName
from provenance.settings import ChainedSettings, Config

_PAGE: Final = 1000
_DAY: Final = timedelta(days=1)
_MOMENT: Final = 5.0
"""Seconds that a lease is held while it is taken away."""
_REASONS: Final = {
    Shelf.STORED: Reason.UNREFERENCED,
    Shelf.TEMPORARY: Reason.TEMPORARY,
    Shelf.QUARANTINED: Reason.QUARANTINED,
}
Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each page: how much was looked at, and how much there is, if that is known."""


def collect_garbage(
    repo: RepositoryOrName | None = None,
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> Collected:
    """Delete what is of no use to anybody: unreferenced blobs, stale temporary files, quarantined bytes, expired leases.

    What a record names stays, of this repository and of every configured one whose blobs are in the same place. Others
    may read and write meanwhile: what is younger than *older_than* stays, and right before something is deleted its age is looked
    at again, and whether a record names it by now.

    Args:
        repo: A repository or the name of one, by default the default one.
        dry_run: Delete nothing, and report what would be.
        older_than: The age from which on something may go; it must be longer than storing one result takes.
        progress: Told how many things were looked at.

    Raises:
        ConfigError: for an age that is negative or no `timedelta`.
        StoreUnavailableError, StorePermissionError: if a store, or a repository that shares it, cannot or may not be asked.
    """
    environment = session.current()
    chosen = environment.repository(repo)
    return collected(
        chosen,
        sharing(environment, chosen),
        dry_run=dry_run,
        older_than=older_than,
        progress=progress,
    )


def sharing(environment: Environment, repo: Repository) -> tuple[Repository, ...]:
    """*repo*, and every other one of *environment* that has blobs in the same place: what they name must stay.

    Chained ones are passed over, since what they name is named by what they are chained of, and so are those whose records are in the
    same database.
    """
    places, homes = _places(repo), repo.interpreter(FindHomes())
    settings = cast("Config | None", environment.config)
    chains = set[str]() if settings is None else _chains(settings)
    others = (environment.repository(name) for name in sorted(environment.openers.keys() - chains))
    return (
        repo,
        *(
            each
            for each in others
            if places & _places(each) and not each.interpreter(FindHomes()) <= homes
        ),
    )


def _places(repo: Repository) -> frozenset[str]:
    return repo.interpreter(FindPlaces())


def _chains(settings: Config) -> set[str]:
    return {
        name for name, each in settings.artifact_repos.items() if isinstance(each, ChainedSettings)
    }


def collected(
    repo: Repository,
    roots: tuple[Repository, ...],
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> Collected:
    """As `collect_garbage`, where what the records of *roots* name stays."""
    age(older_than, "collect_garbage, older_than")
    before = repo.interpreter(Now()) - older_than
    garbage: list[Garbage] = []
    seen = young = 0
    for shelf in Shelf:
        for page in _pages(repo, shelf):
            old = [each for each in page if each.since < before]
            seen, young = seen + len(page), young + len(page) - len(old)
            garbage += _swept(
                repo, shelf, list(_unnamed(roots, shelf, old)), roots, None if dry_run else before
            )
            if progress is not None:
                progress(seen, None)
    garbage += _expired(repo, older_than, dry_run=dry_run)
    return Collected(repo.name, tuple(each.name for each in roots), dry_run, tuple(garbage), young)


def _expired(repo: Repository, older_than: timedelta, *, dry_run: bool) -> Iterator[Garbage]:
    """Leases whose owners have been gone for so long; taken over and given back, they are no more."""
    now = repo.interpreter(Now())
    after = ""
    with suppress(UnhandledEffectError):  # not every repository has leases
        while page := repo.interpreter(FindExpired(older_than.total_seconds(), after, _PAGE)):
            for each in page:
                if dry_run or _ended(repo, each):
                    yield Garbage(
                        Reason.LEASE, each.artifact_id, 0, now - timedelta(seconds=each.seconds)
                    )
            after = page[-1].artifact_id


def _ended(repo: Repository, expired: Expired) -> bool:
    lease = repo.interpreter(Claim(expired.artifact_id, _MOMENT))
    return isinstance(lease, Claimed) and repo.interpreter(Release(lease))


def _pages(repo: Repository, shelf: Shelf) -> Iterator[tuple[Holding, ...]]:
    after = ""
    while page := repo.interpreter(ListHoldings(shelf, after, _PAGE)):
        yield page
        after = page[-1].key


def _unnamed(roots: Iterable[Repository], shelf: Shelf, old: list[Holding]) -> Iterator[Holding]:
    """Those of *old* that no record of *roots* names."""
    if shelf is Shelf.STORED:
        asked = tuple(_blob(each) for each in old)
        named = {blob.id for each in roots for blob in each.interpreter(FindNamed(asked))}
        old = [each for each in old if each.key not in named]
    yield from old


def _swept(
    repo: Repository,
    shelf: Shelf,
    unnamed: list[Holding],
    roots: tuple[Repository, ...],
    before: datetime | None,
) -> Iterator[Garbage]:
    """What of *unnamed* was deleted because it was there before then; all of it, and nothing is deleted, if None."""
    for each in unnamed:
        if before is None or (
            any(_unnamed(roots, shelf, [each]))
            and repo.interpreter(Discard(shelf, each.key, before))
        ):
            yield Garbage(_REASONS[shelf], each.key, each.size, each.since)


def _blob(holding: Holding) -> Blob:
    return Blob(BlobId(holding.key), holding.size)
