"""Environments, repositories and stored artifacts, with failures as values."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, overload

from returns.io import IOResult, impure_safe
from returns.maybe import Maybe

from provenance import programs, promotion, proxy, tracing
from provenance.config import from_config
from provenance.effect import run
from provenance.errors import ConfigError, ProvenanceError
from provenance.functional.planning import Planned
from provenance.ids import ArtifactId
from provenance.lineage import Lineage
from provenance.recipe import Sighting
from provenance.records import Artifact, ArtifactRecord, Inputs
from provenance.repository import Repository
from provenance.session import Environment

T = TypeVar("T")
X = TypeVar("X")


@impure_safe(exceptions=(ConfigError,))
def environment(config: Mapping[str, object], base: str | Path = ".") -> Environment:
    """Return the environment that *config* describes, without installing it or opening a store."""
    return from_config(config, base)


@impure_safe(exceptions=(ProvenanceError,))
def repository(environment: Environment, name: str | None = None) -> Repository:
    """Open the repository of this name, by default the default repository."""
    return environment.repository(name)


@overload
def lookup(
    repo: Repository, planned: Planned[Coroutine[Any, Any, X]], /
) -> IOResult[Maybe[Artifact[X]], ProvenanceError]: ...
@overload
def lookup(
    repo: Repository, planned: Planned[T], /
) -> IOResult[Maybe[Artifact[T]], ProvenanceError]: ...
@impure_safe(exceptions=(ProvenanceError,))
def lookup(repo: Repository, planned: Planned[object], /) -> Maybe[Artifact[Any]]:
    """Return the artifact of a planned call, if it is stored with its value."""
    found = run(programs.probe(planned.artifact_id), repo.interpreter)
    return _maybe(repo, found.record if isinstance(found, programs.Found) else None)


@impure_safe(exceptions=(ProvenanceError,))
def promote(source: Repository, artifact_id: object, target: Repository, /) -> Artifact[object]:
    """Copy an artifact, and all that it was computed from or holds, from *source* to *target*.

    Args:
        source: repository with the artifact.
        artifact_id: id, prefix of an id, artifact or proxy.
        target: repository to copy to.
    """
    return promotion.copied(source, source.get_by_id(artifact_id).id, target)


@impure_safe(exceptions=(ProvenanceError,))
def find(repo: Repository, artifact_id: object, /) -> Maybe[Artifact[object]]:
    """Return the artifact of an id, a prefix (6 digits), an artifact or a proxy, if it exists.

    An ambiguous prefix is a failure.
    """
    wanted = proxy.id_or_prefix(artifact_id)
    return _maybe(repo, run(programs.find_optional(wanted), repo.interpreter))


@impure_safe(exceptions=(ProvenanceError,))
def load(repo: Repository, artifact_id: object, /) -> Artifact[object]:
    """Return an artifact as `find` does; fail with `ArtifactNotFoundError` if there is none."""
    return repo.get_by_id(artifact_id)


@impure_safe(exceptions=(ProvenanceError,))
def artifact(repo: Repository, value: T, /) -> Maybe[Artifact[T]]:
    """Return the artifact in *repo* of a proxy.

    Nothing for a plain value, or if it is not there.
    """
    sight: Callable[[object], Sighting | None] | None = getattr(type(value), proxy.MARK, None)
    seen = None if sight is None else sight(value)
    record = None
    if seen is not None:
        record = run(programs.find_optional(seen.artifact_id), repo.interpreter)
    return cast("Maybe[Artifact[T]]", _maybe(repo, record))


def _maybe(repo: Repository, record: ArtifactRecord | None) -> Maybe[Artifact[object]]:
    return Maybe.from_optional(None if record is None else Artifact.of(record, repo))


def _check(given: object) -> None:
    """Raise TypeError for anything but an artifact, as that is not a failure of a store."""
    if proxy.is_proxy(given) or not isinstance(given, ArtifactRecord):
        raise TypeError(
            f"expected an artifact, got {given!r}; pass a result of `find` or `load`, or "
            "`provenance.artifact_of(result)`"
        )


@impure_safe(exceptions=(ProvenanceError,))
def load_value(repo: Repository, artifact: Artifact[T], /) -> T:
    """Read the value of an artifact from *repo*."""
    _check(artifact)
    return cast("T", repo.load_value(artifact))


@impure_safe(exceptions=(ProvenanceError,))
def load_inputs(repo: Repository, artifact: Artifact[object], /) -> Inputs:
    """Read the inputs of an artifact from *repo*; artifacts among them are unread proxies."""
    _check(artifact)
    return repo.load_inputs(artifact)


@impure_safe
def read(value: T, /) -> T:
    """Read the value behind a proxy; it is recomputed if the store has lost it."""
    return proxy.unwrap(value)


@impure_safe(exceptions=(ProvenanceError,))
def lineage(repo: Repository, artifact: Artifact[object], /) -> Lineage:
    """Return the lineage of an artifact, as far as *repo* has it."""
    _check(artifact)
    return run(tracing.trace(artifact, repo, repo.name), repo.interpreter)


@impure_safe(exceptions=(ProvenanceError,))
def forget(repo: Repository, artifact_id: ArtifactId, /) -> bool:
    """Delete an artifact, and its value unless another one shares it.

    Return False if there is none.
    """
    return run(programs.forget(artifact_id), repo.interpreter)
