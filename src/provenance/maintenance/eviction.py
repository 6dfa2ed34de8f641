"""Eviction: deleting values that can be recomputed, so that a repository takes less space."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

from attrs import define

from provenance import environment as environment_
from provenance.effect import Program, run
from provenance.environment import RepositoryOrName
from provenance.errors import ConfigError, CorruptRecordError
from provenance.maintenance.garbage import repositories_sharing_blobs
from provenance.maintenance.reports import EvictedValue, EvictionReport, Progress
from provenance.maintenance.verification import all_ids, all_set_ids, read_pages
from provenance.model.ids import ArtifactId, BlobId
from provenance.model.records import Artifact, ArtifactRecord, Blob
from provenance.model.references import is_proxy
from provenance.ports import records
from provenance.ports.blobs import MARGIN, BlobArea, DeleteIfOlder, HasBlob
from provenance.ports.machine import Now
from provenance.repository.handles import Repository
from provenance.repository.sets import id_of
from provenance.results.handles import as_result
from provenance.util.formatting import safe_repr
from provenance.util.validation import is_count, require_duration, require_iterable

_ARCHIVED: Final = frozenset({"file", "folder"})
"""Serializers of files and folders, whose sources may no longer exist."""

Keep: TypeAlias = Callable[[Artifact[object]], bool] | Iterable[object]
"""The artifacts to keep: a predicate, or artifacts, proxies, ids, or what `search` returned."""


def evict(
    repo: RepositoryOrName | None = None,
    *,
    max_bytes: int | None = None,
    older_than: timedelta | None = None,
    keep: Keep | None = None,
    dry_run: bool = True,
    progress: Progress | None = None,
) -> EvictionReport:
    """Delete the bytes of values, beginning with those that are cheapest to recompute per byte.

    Records and lineage stay, and the next call of the function recomputes the value. Never evicted
    are members of a set, and the artifacts that their values hold; archived files and folders; and
    bytes that a repository in the same place names. Inputs are kept, too, and are not counted.

    Args:
        repo: A repository or the name of one, by default the default one.
        max_bytes: Evict until the values take no more than this; without it, as many as possible.
        older_than: Evict only what was recorded longer ago than this; without it, than a minute. One of
            the two is needed.
        keep: What stays: a predicate of an artifact, or artifacts, proxies, whole ids, or what
            `search` returned.
        dry_run: Delete nothing, and report what would be deleted.
        progress: Called after each artifact that was examined, then after each value evicted.

    Returns:
        What was evicted or, of a dry run, what would be, and the seconds that recomputing it takes.

    Raises:
        ConfigError: if neither *max_bytes* nor *older_than* is given, or one is negative or of
            another type.
        TypeError: for something in *keep* that is not an artifact.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not be read or
            changed; what was deleted until then stays deleted.

    Example:
        >>> import provenance as p
        >>> p.evict(max_bytes=0).values
        ()
    """
    environment = environment_.current()
    place = environment.repository(repo)
    _check_limits(max_bytes, older_than)
    keeps = _keeping(keep, place)
    others = repositories_sharing_blobs(environment, place)[1:]
    now = place.interpreter(Now())
    before = now - (MARGIN if older_than is None else older_than)
    values = _values(place, keeps, before, progress)
    total = sum(value.blob.size for value in values)
    excess = total if max_bytes is None else total - max_bytes
    gone: list[EvictedValue] = []
    candidates = [value for value in values if value.may_go]
    candidates.sort(key=lambda value: value.seconds / value.blob.size)
    for done, value in enumerate(candidates, 1):
        if excess <= 0:
            break
        named = records.FindReferencedBlobs((value.blob,))
        if not any(other.interpreter(named) for other in others) and run(
            _evict(value, None if dry_run else (now, before)), place.interpreter
        ):
            gone.append(EvictedValue(value.ids, value.blob, value.seconds))
            excess -= value.blob.size
        if progress is not None:
            progress(done, len(candidates))
    return EvictionReport(place.name, dry_run, tuple(gone), total)


def _check_limits(max_bytes: int | None, older_than: timedelta | None) -> None:
    if max_bytes is None and older_than is None:
        advice = "pass max_bytes=10**9, older_than=timedelta(days=30), or both"
        raise ConfigError("evict", "no limit is given", advice)
    if max_bytes is not None and not _is_size(max_bytes):
        problem = f"must be a size in bytes, got {safe_repr(max_bytes)}"
        raise ConfigError("evict, max_bytes", problem, "pass 0 or more")
    if older_than is not None:
        require_duration(older_than, "evict, older_than")


def _is_size(value: object) -> bool:
    return is_count(value, 0) or (isinstance(value, float) and value >= 0)


def _keeping(keep: Keep | None, repo: Repository) -> Callable[[ArtifactRecord], bool]:
    """Return a predicate of records from the argument *keep*."""
    if keep is None:
        return lambda _: False
    keep = cast("Keep", as_result(keep))
    if callable(keep) and not is_proxy(keep):
        return lambda record: keep(Artifact.of(record, repo))
    is_one = is_proxy(keep) or isinstance(keep, str)
    members = [keep] if is_one else require_iterable(keep, "evict, keep")
    ids = frozenset(map(id_of, members))
    return lambda record: record.id in ids


@define
class _Value:
    """A stored value, the artifacts that have it, and whether it may be evicted."""

    blob: Blob
    ids: tuple[ArtifactId, ...] = ()
    seconds: float = 0.0
    may_go: bool = True


def _values(
    repo: Repository,
    keeps: Callable[[ArtifactRecord], bool],
    before: datetime,
    progress: Progress | None,
) -> list[_Value]:
    """Return all stored values."""
    pinned = _pinned(repo)
    found: dict[BlobId, _Value] = {}
    held: set[Blob] = set()
    for done, (artifact_id, stored) in enumerate(read_pages(all_ids(repo), repo), 1):
        if stored is None:
            record = _readable(artifact_id, repo)
        else:
            record = stored.record
            held |= stored.held
        if record is not None and record.value_blob.size:
            value = found.setdefault(record.value_blob.id, _Value(record.value_blob))
            value.ids += (record.id,)
            value.seconds += record.compute_duration
            # A file may be impossible to recompute.
            is_lasting = record.added_at >= before or record.serializer in _ARCHIVED
            if is_lasting or record.id in pinned or (value.may_go and keeps(record)):
                value.may_go = False
        if progress is not None:
            progress(done, None)
    return [
        value
        for value in found.values()
        if value.blob in held or repo.interpreter(HasBlob(value.blob))
    ]


def _readable(artifact_id: ArtifactId, repo: Repository) -> ArtifactRecord | None:
    """Return the record; None if it is missing or damaged."""
    with suppress(CorruptRecordError):
        return repo.interpreter(records.ReadStoredRecord(artifact_id))
    return None


def _pinned(repo: Repository) -> set[ArtifactId]:
    """Return the members of all sets, and what their values hold at any depth."""
    found: set[ArtifactId] = set()
    for set_id in all_set_ids(repo):
        known = repo.interpreter(records.FindSet(set_id))
        waiting = [] if known is None else sorted(known.artifact_ids - found)
        while waiting:
            member = waiting.pop()
            found.add(member)
            record = _readable(member, repo)
            waiting += () if record is None else sorted(record.value_artifact_ids - found)
    return found


def _evict(
    value: _Value, times: tuple[datetime, datetime] | None
) -> Program[records.FindSetsContaining | records.MarkEvicted | DeleteIfOlder | HasBlob, bool]:
    """Evict a value and return whether its bytes are gone.

    *times* are the present, and the time before which the bytes must have been stored. Without
    them, only return whether the value may be evicted.
    """
    for artifact_id in value.ids:
        if (yield from records.FindSetsContaining(artifact_id)):  # it was added to a set since
            return False
    if times is None:
        return True
    now, before = times
    is_free = False
    for artifact_id in value.ids:
        is_free |= bool((yield from records.MarkEvicted(artifact_id, value.blob, now)))
    if is_free:  # no record needs it any longer
        yield from DeleteIfOlder(BlobArea.STORED, value.blob.id, before)
    return not (yield from HasBlob(value.blob))
