"""Asking the stores where an artifact came from."""

from __future__ import annotations

from typing import TypeAlias, cast

from pyrsistent import pmap

from provenance import session
from provenance.asks import FindInputs, FindProgeny, FindRecord, ReadBlob
from provenance.circles import circles
from provenance.effect import Program, run
from provenance.errors import ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError
from provenance.ids import ArtifactId
from provenance.lineage import Arguments, Lineage, Uses, described, with_part_keys
from provenance.programs import read_inputs
from provenance.proxy import Ephemeral, artifact_of, is_proxy
from provenance.records import Artifact, ArtifactRecord, Inputs, Origin

_Described: TypeAlias = "tuple[Uses, Arguments]"


def trace(
    root: Artifact[object], origin: Origin, repo: str, inputs: Inputs | None = None
) -> Program[FindRecord | FindInputs | ReadBlob, Lineage]:
    """Gather the lineage of *root*: each record on the way is asked for once, and no value.

    Artifacts of the lineage come from *origin*, the repository named *repo*. The *inputs* of *root* are given where
    they are in no store.
    """
    found: dict[ArtifactId, Artifact[object]] = {root.id: root}
    told: dict[ArtifactId, _Described] = {}
    met, waiting = {root.id}, [root.id]
    while waiting:
        artifact_id = waiting.pop()
        record = found.get(artifact_id) or (yield from FindRecord(artifact_id))
        if record is None:
            continue
        given = (
            inputs
            if artifact_id == root.id and inputs is not None
            else (yield from known_inputs(record, repo))
        )
        found.setdefault(artifact_id, Artifact.of(record, origin))
        told[artifact_id] = described(record, given)
        fresh = record.source_ids - met
        met |= fresh
        waiting += fresh
    edges = pmap(
        {
            each: with_part_keys(found[each], uses, found) if found[each].composite else uses
            for each, (uses, _) in told.items()
        }
    )
    return Lineage(
        root.id,
        pmap(found),
        edges,
        pmap({each: arguments for each, (_, arguments) in told.items()}),
    )


def known_inputs(
    record: ArtifactRecord, repo: str
) -> Program[FindInputs | ReadBlob, Inputs | None]:
    """The recorded inputs, in which artifacts are unread references; None where they are lost or damaged."""
    try:
        return (yield from read_inputs(record, repo))
    except (ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError):
        return None


def lineage(of: object) -> Lineage:
    """Where *of* came from: an artifact, a proxy, or an id (or its first digits) in the current repository.

    Only records are read, so this is quick however large the values are.

    Raises:
        TypeError: if *of* is none of these.
        ArtifactNotFoundError: if there is no artifact of this id.
    """
    root = _artifact(of)
    repo = session.repository_of(root)
    inputs = root.origin.inputs if isinstance(root.origin, Ephemeral) else None
    return run(trace(root, repo, repo.name, inputs), repo.interpreter)


def dependencies(of: object) -> tuple[Artifact[object], ...]:
    """The artifacts that *of* was made from at any remove, each after its own sources; *of* itself is the last.

    Raises as `lineage` does.
    """
    graph = lineage(of)
    return tuple(graph.artifacts[each] for each in graph.order)


def progeny(of: object) -> tuple[Artifact[object], ...]:
    """The artifacts that were made from *of*, or hold it, at any remove, each after its own sources.

    Raises as `lineage` does.
    """
    root = _artifact(of)
    repo = session.repository_of(root)
    records = run(descend(root.id), repo.interpreter)
    return tuple(Artifact.of(each, repo) for each in records)


def descend(root: ArtifactId) -> Program[FindProgeny | FindRecord, tuple[ArtifactRecord, ...]]:
    """Gather what was made from *root* at any remove: each record is asked for once."""
    found: dict[ArtifactId, ArtifactRecord] = {}
    met, waiting = {root}, [root]
    while waiting:
        for artifact_id in (yield from FindProgeny(waiting.pop())):
            record = None if artifact_id in met else (yield from FindRecord(artifact_id))
            met.add(artifact_id)
            if record is not None:
                found[artifact_id] = record
                waiting.append(artifact_id)
    groups = circles({each.id: sorted(each.source_ids & found.keys()) for each in found.values()})
    return tuple(found[each] for group in groups for each in sorted(group))


def _artifact(of: object) -> Artifact[object]:
    if is_proxy(of):
        return artifact_of(of)
    if isinstance(of, Artifact):
        return cast("Artifact[object]", of)
    if isinstance(of, str):
        return session.get_default_repo().get_by_id(of)
    raise TypeError(
        f"a plain {type(of).__qualname__} has no lineage; pass a decorated function's result, or an id"
    )
