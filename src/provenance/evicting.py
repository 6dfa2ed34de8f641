"""Letting go of values that can be computed anew, so that a repository takes less space."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import define, frozen

from provenance import session
from provenance.asks import FindSet, FindSetIds, HasBlob, Now
from provenance.checks import age, is_count, several
from provenance.chores import MARGIN, Discard, Evict, FindNamed, FindPins, InspectRecord, Shelf
from provenance.effect import Program, run
from provenance.errors import ConfigError, CorruptRecordError
from provenance.findings import Evicted, LetGo
from provenance.ids import ArtifactId, BlobId
from provenance.proxy import is_proxy
from provenance.records import Artifact, ArtifactRecord, Blob
from provenance.repository import Repository
from provenance.session import RepositoryOrName
from provenance.sets import id_of
from provenance.showing import shown
from provenance.sweeping import sharing
from provenance.verifying import all_ids

_PAGE: Final = 1000
_ARCHIVED: Final = frozenset({"file", "folder"})
"""Serializers of files and folders, whose originals may be gone."""

Keep: TypeAlias = Callable[[Artifact[object]], bool] | Iterable[object]
"""Tells which artifacts stay: a function of an artifact, or artifacts, proxies, ids, or what `search` found."""
Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each artifact that was looked at, and each value that was let go; how many there are, if that is known."""


def evict(
    repo: RepositoryOrName | None = None,
    *,
    max_bytes: int | None = None,
    older_than: timedelta | None = None,
    keep: Keep | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Evicted:
    """Delete the bytes of values, those first that are the quickest to compute anew for each byte.

    Records stay, and with them the lineage: the next call of the function computes the value anew. Never let go are
    artifacts of a set, and what their values hold; archived files and folders; bytes that a repository in the same place
    names. Inputs are kept, too, and are not counted.

    Args:
        repo: A repository or the name of one, by default the default one.
        max_bytes: Let go until the values take no more than this; without it, of all that may go.
        older_than: Let go only of what was recorded longer ago than this; by default a minute.
        keep: What stays: a function of an artifact, or artifacts, proxies, whole ids, or what `search` found.
        dry_run: Delete nothing, and report what would be.
        progress: Told how many artifacts were looked at, and then how many values of how many were let go.

    Raises:
        ConfigError: if neither *max_bytes* nor *older_than* is given, or one is negative or of another type.
        TypeError: for something in *keep* that is no artifact.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not be asked; what is deleted stays so.
    """
    environment = session.current()
    chosen = environment.repository(repo)
    wish = wished(chosen, max_bytes, older_than, keep, dry_run=dry_run)
    return evicted(chosen, sharing(environment, chosen)[1:], wish, progress)


@frozen
class Wish:
    """What is to be let go: see `evict`."""

    max_bytes: int | None
    older_than: timedelta | None
    keeps: Callable[[ArtifactRecord], bool]
    dry_run: bool


def wished(
    repo: Repository,
    max_bytes: int | None,
    older_than: timedelta | None,
    keep: Keep | None,
    *,
    dry_run: bool,
) -> Wish:
    """What is to be let go; raises ConfigError and TypeError as `evict` does."""
    if max_bytes is None and older_than is None:
        raise ConfigError(
            "evict", "it is not said how much is to go", "give max_bytes or older_than"
        )
    if max_bytes is not None and not _is_size(max_bytes):
        raise ConfigError(
            "evict, max_bytes", f"{shown(max_bytes)} is no number of bytes", "give 0 or more"
        )
    if older_than is not None:
        age(older_than, "evict, older_than")
    return Wish(max_bytes, older_than, _keeping(keep, repo), dry_run)


def _is_size(value: object) -> bool:
    return is_count(value, 0) or (isinstance(value, float) and value >= 0)


def _keeping(keep: Keep | None, repo: Repository) -> Callable[[ArtifactRecord], bool]:
    """Whether *keep* names the artifact of a record."""
    if keep is None:
        return lambda _: False
    if callable(keep) and not is_proxy(keep):
        return lambda record: keep(Artifact.of(record, repo))
    members = [keep] if isinstance(keep, str) or is_proxy(keep) else several(keep, "evict, keep")
    ids = frozenset(map(id_of, members))
    return lambda record: record.id in ids


@define
class _Value:
    """A stored value, the artifacts that have it, and whether it may go."""

    blob: Blob
    ids: tuple[ArtifactId, ...] = ()
    seconds: float = 0.0
    may_go: bool = True

    @property
    def seconds_by_byte(self) -> float:
        """What a byte of it costs to compute."""
        return self.seconds / self.blob.size


def evicted(
    repo: Repository, others: tuple[Repository, ...], wish: Wish, progress: Progress | None = None
) -> Evicted:
    """As `evict`; what *others* name stays."""
    now = repo.interpreter(Now())
    before = now - (MARGIN if wish.older_than is None else wish.older_than)
    values = _values(repo, wish, before, progress)
    total = sum(each.blob.size for each in values)
    excess = total if wish.max_bytes is None else total - wish.max_bytes
    gone: list[LetGo] = []
    candidates = sorted(
        (each for each in values if each.may_go), key=lambda each: each.seconds_by_byte
    )
    for done, value in enumerate(candidates, 1):
        if excess <= 0:
            break
        if _let_go(repo, others, value, None if wish.dry_run else (now, before)):
            gone.append(LetGo(value.ids, value.blob, value.seconds))
            excess -= value.blob.size
        if progress is not None:
            progress(done, len(candidates))
    return Evicted(repo.name, wish.dry_run, tuple(gone), total)


def _values(
    repo: Repository, wish: Wish, before: datetime, progress: Progress | None
) -> list[_Value]:
    """All values that are stored, each once, and which of them may go."""
    pinned = run(pinned_by_sets(), repo.interpreter)
    found: dict[BlobId, _Value] = {}
    for done, artifact_id in enumerate(all_ids(repo), 1):
        record = run(_known(artifact_id), repo.interpreter)
        if record is not None and record.value_blob.size:
            value = found.setdefault(record.value_blob.id, _Value(record.value_blob))
            value.ids += (record.id,)
            value.seconds += record.compute_duration
            value.may_go = value.may_go and not (
                record.id in pinned or _is_lasting(record, before) or wish.keeps(record)
            )
        if progress is not None:
            progress(done, None)
    return [each for each in found.values() if repo.interpreter(HasBlob(each.blob))]


def _is_lasting(record: ArtifactRecord, before: datetime) -> bool:
    """Whether it is too young to go, or may be impossible to compute anew."""
    return record.added_at >= before or record.serializer in _ARCHIVED


def _known(artifact_id: ArtifactId) -> Program[InspectRecord, ArtifactRecord | None]:
    """The record, if there is one that can be read."""
    try:
        return (yield from InspectRecord(artifact_id))
    except CorruptRecordError:
        return None


def pinned_by_sets() -> Program[FindSetIds | FindSet | InspectRecord, frozenset[ArtifactId]]:
    """The artifacts of all sets, and those that their values hold, at any depth: without them, they are not whole."""
    pinned: set[ArtifactId] = set()
    after = ""
    while page := (yield from FindSetIds("", _PAGE, after)):
        for set_id in page:
            known = yield from FindSet(set_id)
            waiting = [] if known is None else sorted(known.artifact_ids - pinned)
            while waiting:
                member = waiting.pop()
                pinned.add(member)
                record = yield from _known(member)
                waiting += () if record is None else sorted(record.value_artifact_ids - pinned)
        after = page[-1]
    return frozenset(pinned)


def _let_go(
    repo: Repository,
    others: tuple[Repository, ...],
    value: _Value,
    when: tuple[datetime, datetime] | None,
) -> bool:
    """Whether the bytes went, or may go if there is no *when*: now, and before when they were stored."""
    if any(each.interpreter(FindNamed((value.blob,))) for each in others):
        return False
    if any(repo.interpreter(FindPins(each)) for each in value.ids):
        return False  # it was put into a set since
    if when is None:
        return True
    now, before = when
    answers = [repo.interpreter(Evict(each, value.blob, now)) for each in value.ids]
    if any(answers):  # no record needs it any more
        repo.interpreter(Discard(Shelf.STORED, value.blob.id, before))
    return not repo.interpreter(HasBlob(value.blob))
