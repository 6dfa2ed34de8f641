"""Garbage collection: unreferenced blobs, abandoned files and streams, quarantine and expired leases."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, cast

from provenance import environment as environment_
from provenance.catalog.find import SearchResult
from provenance.effect import Program, UnhandledEffectError, run
from provenance.environment import Environment, RepositoryOrName
from provenance.maintenance.reports import Garbage, GarbageReason, GarbageReport, Progress
from provenance.model.ids import ArtifactId, BlobId
from provenance.model.queries import Query
from provenance.model.records import Blob
from provenance.ports.blobs import (
    BlobArea,
    BlobEntry,
    DeleteIfOlder,
    GetBlobLocations,
    ListBlobEntries,
)
from provenance.ports.leases import (
    AcquireLease,
    ExpiredLease,
    Lease,
    LeaseHeld,
    ListExpiredLeases,
    ReleaseLease,
)
from provenance.ports.machine import Now
from provenance.ports.records import FindReferencedBlobs, GetDatabaseIds, ListDependents
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.repository.programs import pages
from provenance.streams.stream import CHUNK_FIELDS
from provenance.util.validation import require_duration

_PAGE: Final = 1000
_DAY: Final = timedelta(days=1)
_MOMENT: Final = 5.0
"""Duration in seconds of the lease that replaces an expired one until it is released."""
_REASONS: Final = {
    BlobArea.STORED: GarbageReason.UNREFERENCED,
    BlobArea.TEMPORARY: GarbageReason.TEMPORARY,
    BlobArea.QUARANTINED: GarbageReason.QUARANTINED,
}


def collect_garbage(
    repo: RepositoryOrName | None = None,
    *,
    dry_run: bool = True,
    older_than: timedelta = _DAY,
    progress: Progress | None = None,
) -> GarbageReport:
    """Delete unreferenced blobs, abandoned files and streams, quarantined bytes and expired leases.

    What a record names stays, whether of this repository or of another configured one whose blobs
    are in the same place. Others may read and write meanwhile: what is younger than *older_than*
    stays; references are checked again before the entries of a page are deleted, and the age of
    each right before its deletion.

    Args:
        repo: A repository or the name of one, by default the default one.
        dry_run: Delete nothing, and report what would be deleted.
        older_than: The minimum age; it must be longer than storing one result takes.
        progress: Called with the number of entries that were examined.

    Returns:
        What was deleted or, of a dry run, what would be.

    Raises:
        ConfigError: if *older_than* is negative or not a `timedelta`.
        StoreUnavailableError, StorePermissionError: if a store, or a repository that shares it,
            cannot or may not be read or changed.

    Example:
        >>> import provenance as p
        >>> p.collect_garbage().garbage
        ()
    """
    environment = environment_.current()
    place = environment.repository(repo)
    roots = repositories_sharing_blobs(environment, place)
    require_duration(older_than, "collect_garbage, older_than")
    ask = place.interpreter
    before = ask(Now()) - older_than
    garbage = collect_partial_streams(place, before, dry_run=dry_run)
    seen = young = 0
    for shelf in BlobArea:
        for page in pages(ListBlobEntries(shelf, limit=_PAGE), ask, attrgetter("key")):
            old = [entry for entry in page if entry.since < before]
            seen += len(page)
            young += len(page) - len(old)
            unused = _unreferenced(roots, shelf, old)
            if not dry_run:  # look again right before the deletion
                unused = _unreferenced(roots, shelf, unused)
                unused = [entry for entry in unused if ask(DeleteIfOlder(shelf, entry.key, before))]
            reason = _REASONS[shelf]
            garbage += [Garbage(reason, one.key, one.size, one.since) for one in unused]
            if progress is not None:
                progress(seen, None)
    with suppress(UnhandledEffectError):  # not every repository has leases
        listing = ListExpiredLeases(older_than.total_seconds())
        for expired in pages(listing, ask, attrgetter("artifact_id")):
            garbage += run(release_leases(expired, dry_run=dry_run), ask)
    names = tuple(root.name for root in roots)
    return GarbageReport(place.name, names, dry_run, tuple(garbage), young)


def repositories_sharing_blobs(
    environment: Environment, repo: Repository
) -> tuple[Repository, ...]:
    """Return *repo* and all repositories of *environment* with blobs in the same place.

    What they name must stay. Chained repositories are left out, since their members name the same
    blobs, and so are repositories with their records in the same database.
    """
    places, homes = _places(repo), repo.interpreter(GetDatabaseIds())
    sharing = [repo]
    for name in sorted(environment.openers):
        other = environment.repository(name)
        is_beside = not other.tiers and places & _places(other)
        if is_beside and not other.interpreter(GetDatabaseIds()) <= homes:
            sharing.append(other)
    return tuple(sharing)


def _places(repo: Repository) -> frozenset[str]:
    return repo.interpreter(GetBlobLocations())


def collect_partial_streams(repo: Repository, before: datetime, *, dry_run: bool) -> list[Garbage]:
    """Delete chunks that belong to no manifest, of streams of which nothing was stored since *before*."""
    streams: dict[ArtifactId, list[Garbage]] = {}
    for record in SearchResult(Query(custom_fields=CHUNK_FIELDS), repo):
        facts = cast("dict[str, Any]", record.custom_fields.get("chunk", {}))
        chunk = Garbage(GarbageReason.PARTIAL, record.id, record.value_blob.size, record.added_at)
        if not repo.interpreter(ListDependents(record.id)):
            streams.setdefault(ArtifactId(str(facts.get("of"))), []).append(chunk)
    garbage: list[Garbage] = []
    for call_id, chunks in streams.items():
        if max(chunk.since for chunk in chunks) < before:
            garbage += chunks if dry_run else run(delete_chunks(call_id, chunks), repo.interpreter)
    return garbage


def delete_chunks(call_id: ArtifactId, chunks: list[Garbage]) -> Program[Any, list[Garbage]]:
    """Delete *chunks* unless their stream is being computed; returns the deleted ones."""
    try:
        lease = yield from AcquireLease(call_id, _MOMENT)
    except UnhandledEffectError:  # not every repository has leases
        lease = None
    # Where this process computes the stream, it holds the lease still after a release.
    if isinstance(lease, LeaseHeld) or (lease is not None and not (yield from ReleaseLease(lease))):
        return []
    deleted: list[Garbage] = []
    for chunk in chunks:
        if not (yield from ListDependents(ArtifactId(chunk.key))):
            yield from programs.forget(ArtifactId(chunk.key))
            deleted.append(chunk)
    return deleted


def _unreferenced(
    roots: tuple[Repository, ...], shelf: BlobArea, entries: list[BlobEntry]
) -> list[BlobEntry]:
    """Return those of *entries* that no record of *roots* names."""
    for root in roots if shelf is BlobArea.STORED else ():
        blobs = tuple(Blob(BlobId(entry.key), entry.size) for entry in entries)
        named = {blob.id for blob in root.interpreter(FindReferencedBlobs(blobs))}
        entries = [entry for entry in entries if entry.key not in named]
    return entries


def expired_leases(repo: RepositoryOrName | None = None) -> tuple[ExpiredLease, ...]:
    """Return the leases of processes that ended without releasing them, at most 1,000, by artifact id.

    They hold up nobody; `collect_garbage` deletes them.

    Args:
        repo: A repository or the name of one, by default the default one.

    Raises:
        StoreUnavailableError, StorePermissionError: if the repository cannot, or may not, be read.

    Example:
        >>> import provenance as p
        >>> p.expired_leases()
        ()
    """
    place = environment_.current().repository(repo)
    with suppress(UnhandledEffectError):  # not every repository has leases
        return place.interpreter(ListExpiredLeases(0.0))
    return ()


def release_leases(
    leases: tuple[ExpiredLease, ...], *, dry_run: bool
) -> Program[Now | AcquireLease | ReleaseLease, list[Garbage]]:
    """Delete expired leases, each by acquiring and releasing it; returns the deleted ones."""
    now = yield from Now()
    garbage: list[Garbage] = []
    for expired in leases:
        if not dry_run:
            lease = yield from AcquireLease(expired.artifact_id, _MOMENT)
            if not (isinstance(lease, Lease) and (yield from ReleaseLease(lease))):
                continue
        since = now - timedelta(seconds=expired.seconds)
        garbage.append(Garbage(GarbageReason.LEASE, expired.artifact_id, 0, since))
    return garbage
