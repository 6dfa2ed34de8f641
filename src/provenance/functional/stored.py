"""Environments, repositories, and what is stored in these."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, overload

from returns.io import IOResult
from returns.maybe import Maybe

from provenance import programs, promotion, proxy, tracing
from provenance.config import from_config
from provenance.effect import run
from provenance.errors import ConfigError, ProvenanceError
from provenance.functional.planning import Planned
from provenance.ids import ArtifactId
from provenance.lineage import Lineage
from provenance.outcomes import attempted_outside
from provenance.recipe import Sighting
from provenance.records import Artifact, ArtifactRecord, Inputs
from provenance.repository import Repository
from provenance.session import Environment

T = TypeVar("T")
X = TypeVar("X")


def environment(config: Mapping[str, object], base: str | Path = ".") -> IOResult[Environment, ConfigError]:
    """The environment that *config* describes; nothing is installed, and no store is opened yet."""
    return attempted_outside(ConfigError, lambda: from_config(config, base))


def repository(environment: Environment, name: str | None = None) -> IOResult[Repository, ProvenanceError]:
    """The repository of this name (the default one if None), opened."""
    return attempted_outside(ProvenanceError, lambda: environment.repository(name))


@overload
def lookup(
    repo: Repository, planned: Planned[Coroutine[Any, Any, X]], /
) -> IOResult[Maybe[Artifact[X]], ProvenanceError]: ...
@overload
def lookup(repo: Repository, planned: Planned[T], /) -> IOResult[Maybe[Artifact[T]], ProvenanceError]: ...
def lookup(repo: Repository, planned: Planned[object], /) -> IOResult[Maybe[Artifact[Any]], ProvenanceError]:
    """The artifact of a planned call, if it is stored with its value."""

    def looked_up() -> Maybe[Artifact[Any]]:
        found = run(programs.probe(planned.artifact_id), repo.interpreter)
        return _maybe(repo, found.record if isinstance(found, programs.Found) else None)

    return attempted_outside(ProvenanceError, looked_up)


def promote(
    source: Repository, artifact_id: object, target: Repository, /
) -> IOResult[Artifact[object], ProvenanceError]:
    """Copy an artifact of *source*, by id, prefix, artifact or proxy, with all that it was made from or holds; the artifact in *target*."""
    return attempted_outside(
        ProvenanceError, lambda: promotion.copied(source, source.get_by_id(artifact_id).id, target)
    )


def find(repo: Repository, artifact_id: object, /) -> IOResult[Maybe[Artifact[object]], ProvenanceError]:
    """The artifact of this id, of a prefix of at least 6 digits, or of an artifact's or proxy's id, if there is one.

    An ambiguous prefix is a failure.
    """
    return attempted_outside(
        ProvenanceError,
        lambda: _maybe(repo, run(programs.find_optional(proxy.id_or_prefix(artifact_id)), repo.interpreter)),
    )


def load(repo: Repository, artifact_id: object, /) -> IOResult[Artifact[object], ProvenanceError]:
    """As `find`, where there must be one: else it is an `ArtifactNotFoundError`."""
    return attempted_outside(ProvenanceError, lambda: repo.get_by_id(artifact_id))


def artifact(repo: Repository, value: T, /) -> IOResult[Maybe[Artifact[T]], ProvenanceError]:
    """The artifact in *repo* that a proxy stands for; nothing for a plain value, or if it is not in there."""

    def recorded() -> Maybe[Artifact[T]]:
        sight: Callable[[object], Sighting | None] | None = getattr(type(value), proxy.MARK, None)
        seen = None if sight is None else sight(value)
        record = None if seen is None else run(programs.find_optional(seen.artifact_id), repo.interpreter)
        return cast("Maybe[Artifact[T]]", _maybe(repo, record))

    return attempted_outside(ProvenanceError, recorded)


def _maybe(repo: Repository, record: ArtifactRecord | None) -> Maybe[Artifact[object]]:
    return Maybe.from_optional(None if record is None else Artifact.of(record, repo))


def _check(given: object) -> None:
    """Refuse what is no artifact: raises TypeError, as it is no failure of a store."""
    if proxy.is_proxy(given) or not isinstance(given, ArtifactRecord):
        raise TypeError(
            f"{given!r} is no artifact; pass what `find` or `load` answers, or `provenance.artifact_of(result)`"
        )


def load_value(repo: Repository, artifact: Artifact[T], /) -> IOResult[T, ProvenanceError]:
    """The value of an artifact, read anew from *repo*."""
    _check(artifact)
    return attempted_outside(ProvenanceError, lambda: cast("T", repo.load_value(artifact)))


def load_inputs(repo: Repository, artifact: Artifact[object], /) -> IOResult[Inputs, ProvenanceError]:
    """The inputs of an artifact, read from *repo*; artifacts among them are unread proxies."""
    _check(artifact)
    return attempted_outside(ProvenanceError, lambda: repo.load_inputs(artifact))


def read(value: T, /) -> IOResult[T, Exception]:
    """The bare value behind a proxy, read now; it may be computed anew, should the store have lost it."""
    return attempted_outside(Exception, lambda: proxy.unwrap(value))


def lineage(repo: Repository, artifact: Artifact[object], /) -> IOResult[Lineage, ProvenanceError]:
    """Where an artifact came from, as far as *repo* knows."""
    _check(artifact)
    return attempted_outside(ProvenanceError, lambda: run(tracing.trace(artifact, repo, repo.name), repo.interpreter))


def forget(repo: Repository, artifact_id: ArtifactId, /) -> IOResult[bool, ProvenanceError]:
    """Delete an artifact, and its value unless another one shares it; False if there is none."""
    return attempted_outside(ProvenanceError, lambda: run(programs.forget(artifact_id), repo.interpreter))
