"""Copying artifacts, with all that they were made from, from one repository to another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Any, Final, cast, overload

from toolz import partition_all

from provenance import environment
from provenance.effect import run
from provenance.environment import RepositoryOrName
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact
from provenance.model.references import is_proxy
from provenance.repository import transfer
from provenance.repository.handles import Repository
from provenance.repository.sets import ArtifactSet
from provenance.telemetry import log

_AT_ONCE: Final = 8
"""Artifacts whose bytes are copied together."""

Progress = Callable[[int, int, Artifact[object]], None]
"""Called after each artifact: how many are done, how many there are, and the one that was done last."""


@overload
def promote(  # type: ignore[overload-overlap]  # anything else is one artifact
    artifact_or_id: ArtifactSet,
    to_repo: RepositoryOrName,
    from_repo: RepositoryOrName | None = None,
    *,
    progress: Progress | None = None,
) -> ArtifactSet: ...
@overload
def promote(  # type: ignore[overload-overlap]  # anything else is one artifact
    artifact_or_id: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any],
    to_repo: RepositoryOrName,
    from_repo: RepositoryOrName | None = None,
    *,
    progress: Progress | None = None,
) -> Artifact[object] | tuple[Artifact[object], ...]: ...
@overload
def promote(
    artifact_or_id: object,
    to_repo: RepositoryOrName,
    from_repo: RepositoryOrName | None = None,
    *,
    progress: Progress | None = None,
) -> Artifact[object]: ...
def promote(
    artifact_or_id: object,
    to_repo: RepositoryOrName,
    from_repo: RepositoryOrName | None = None,
    *,
    progress: Progress | None = None,
) -> Artifact[object] | ArtifactSet | tuple[Artifact[object], ...]:
    """Copy an artifact, and all that it was made from or holds, into another repository; sources come first.

    Artifacts that are there already are skipped, so an interrupted promotion can be run again. Sources that have been deleted
    are left out. Sources whose values were evicted are copied without them, unless the value of the artifact holds them.

    Args:
        artifact_or_id: An artifact, the result of a decorated function, or an id or unambiguous prefix; also a list,
            tuple or set of these, or an `ArtifactSet`, which is stored there under its labels.
        to_repo: The repository to copy to, or its name.
        from_repo: The repository to copy from; by default that of the artifact, for an id the default one.
        progress: Called after each artifact with the number done, the number in all, and the artifact; of several, for
            each of them.

    Returns:
        The artifact in *to_repo*; a tuple of them for a collection; the set there for an `ArtifactSet`.

    Raises:
        TypeError: if it is anything else.
        ArtifactNotFoundError, AmbiguousIdError: if an id does not name one artifact.
        BlobNotFoundError, CorruptBlobError: if bytes are missing or damaged; what was copied before stays.
        StoreUnavailableError, StorePermissionError: if *to_repo* fails, or may not be written to.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> shared = p.MemoryRepo("shared")
        >>> p.promote(squares(3), shared).value
        [0, 1, 4]
    """
    members: Iterable[object] = (artifact_or_id,)
    is_one = is_proxy(artifact_or_id)
    if not is_one and isinstance(artifact_or_id, ArtifactSet):
        members = artifact_or_id if from_repo is not None else artifact_or_id.artifacts
    elif not is_one and isinstance(artifact_or_id, list | tuple | set | frozenset):
        members = cast("Collection[object]", artifact_or_id)
    else:
        is_one = True
    wanted = [_source(member, from_repo) for member in members]
    target = environment.current().repository(to_repo)
    copied = tuple(copy_with_sources(*found, target, progress) for found in wanted)
    if not is_one and isinstance(artifact_or_id, ArtifactSet):
        return artifact_or_id.put(target)
    return copied[0] if is_one else copied


def copy_with_sources(
    source: Repository, root: ArtifactId, target: Repository, progress: Progress | None = None
) -> Artifact[object]:
    """Copy the artifact *root* with its sources from *source* to *target*; see `promote`."""
    records = run(transfer.required_records(root, source.name), source.interpreter)
    needed = transfer.values_needed(root, records)
    batches = partition_all(_AT_ONCE, records)
    artifacts = chain.from_iterable(target.copy_several(batch, source, needed) for batch in batches)
    for done, copied in enumerate(artifacts, 1):
        where = target.name, done, len(records)
        log.debug("promoted %s (%s) to %s, %s of %s", copied.name, copied.id, *where)
        if progress is not None:
            progress(done, len(records), copied)
    return target.get_by_id(root)


def _source(wanted: object, from_repo: RepositoryOrName | None) -> tuple[Repository, ArtifactId]:
    """Return the repository to copy from, and the id there."""
    artifact = environment.artifact_for(wanted, from_repo)
    named = None if from_repo is None else environment.current().repository(from_repo)
    return named or environment.repository_of(artifact), artifact.id
