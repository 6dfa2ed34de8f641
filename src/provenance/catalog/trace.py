"""Programs and public functions that trace lineage through the stores."""

from __future__ import annotations

from pyrsistent import pmap

from provenance import environment
from provenance.catalog.graph import (
    Arguments,
    Lineage,
    Uses,
    describe_inputs,
    inputs_as_recorded,
    label_parts,
)
from provenance.effect import Program, run
from provenance.errors import (
    ArtifactNotFoundError,
    BlobNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    UntrustedStoreError,
)
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact, ArtifactRecord, Inputs, Origin
from provenance.ports.blobs import ReadBlob
from provenance.ports.capabilities import Trace
from provenance.ports.records import FindInputs, FindRecord, ListDependents
from provenance.repository.programs import read_inputs
from provenance.repository.transfer import sources_first
from provenance.results.handles import InMemoryOrigin
from provenance.telemetry import report_skipped


def trace(
    root: Artifact[object],
    origin: Origin,
    repo: str,
    inputs: Inputs | None = None,
    depth: int | None = None,
) -> Program[FindRecord | FindInputs | ReadBlob, Lineage]:
    """Collect the lineage of *root*, reading each record once and no value.

    Args:
        root: The artifact.
        origin: The repository that the artifacts of the lineage belong to.
        repo: Its name.
        inputs: The inputs of *root*, if they are in no store.
        depth: The number of steps to go back; None for all.
    """
    found: dict[ArtifactId, Artifact[object]] = {root.id: root}
    uses: dict[ArtifactId, Uses] = {}
    arguments: dict[ArtifactId, Arguments] = {}
    met, front, steps = {root.id}, [root.id], 0
    while front and (depth is None or steps <= depth):
        behind: list[ArtifactId] = []
        for artifact_id in front:
            record = found.get(artifact_id) or (yield from _find_sound(artifact_id))
            if record is None:
                continue
            known = inputs if artifact_id == root.id else None
            if known is None:
                known = yield from readable_inputs(record, repo)
            found.setdefault(artifact_id, Artifact.of(record, origin))
            uses[artifact_id], arguments[artifact_id] = describe_inputs(record, known)
            fresh = record.source_ids - met
            met |= fresh
            behind += fresh
        front, steps = behind, steps + 1
    if front:
        uses = {key: _without(edges, frozenset(front)) for key, edges in uses.items()}
    edges = {
        artifact_id: label_parts(found[artifact_id], edge, found)
        if found[artifact_id].composite
        else edge
        for artifact_id, edge in uses.items()
    }
    return Lineage(root.id, pmap(found), pmap(edges), pmap(arguments))


def _without(uses: Uses, sources: frozenset[ArtifactId]) -> Uses:
    return pmap({place: source for place, source in uses.items() if source not in sources})


def readable_inputs(
    record: ArtifactRecord, repo: str
) -> Program[FindInputs | ReadBlob, Inputs | None]:
    """Return the recorded inputs, with unread artifacts; None if they are lost or damaged.

    Where reading them could execute code, they are what the record says of them in JSON.
    """
    try:
        return (yield from read_inputs(record, repo))
    except UntrustedStoreError:
        text = yield from FindInputs(record.id)
        return None if text is None else inputs_as_recorded(record, text)
    except (ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError, CorruptRecordError):
        return None


def _find_sound(artifact_id: ArtifactId) -> Program[FindRecord, ArtifactRecord | None]:
    """Return the record; None if there is none, and with a warning if it is damaged."""
    try:
        return (yield from FindRecord(artifact_id))
    except CorruptRecordError as error:
        report_skipped([error])
        return None


def lineage(of: object, *, depth: int | None = None) -> Lineage:
    """Return where *of* came from: an artifact, a proxy, or an id (or its first digits).

    Only records are read, so this is quick however large the values are. Ids are looked up in the
    current repository.

    Args:
        of: The artifact.
        depth: The number of steps to go back, by default all; what is farther is left out.

    Raises:
        TypeError: if *of* is anything else.
        ArtifactNotFoundError: if no artifact has this id.
    """
    root = environment.artifact_for(of)
    repo = environment.repository_of(root)
    inputs = root.origin.inputs if isinstance(root.origin, InMemoryOrigin) else None
    return run(trace(root, repo, repo.name, inputs, depth), repo.interpreter)


def dependencies(of: object) -> tuple[Artifact[object], ...]:
    """Return the artifacts that *of* was made from, directly or indirectly, and *of* as the last.

    Each comes after its own sources. Raises as `lineage` does.
    """
    graph = lineage(of)
    return tuple(graph.artifacts[artifact_id] for artifact_id in graph.order)


def descendants(of: object) -> tuple[Artifact[object], ...]:
    """Return the artifacts that were made from *of*, or hold it, directly or indirectly.

    Each comes after its own sources. Raises as `lineage` does.
    """
    root = environment.artifact_for(of)
    repo = environment.repository_of(root)
    records = run(collect_descendants(root.id), repo.interpreter)
    return tuple(Artifact.of(record, repo) for record in records)


def collect_descendants(root: ArtifactId) -> Program[Trace, tuple[ArtifactRecord, ...]]:
    """Collect the descendants of *root*, reading each record once."""
    found: dict[ArtifactId, ArtifactRecord] = {}
    met, waiting = {root}, [root]
    while waiting:
        for artifact_id in (yield from ListDependents(waiting.pop())):
            record = None if artifact_id in met else (yield from _find_sound(artifact_id))
            met.add(artifact_id)
            if record is not None:
                found[artifact_id] = record
                waiting.append(artifact_id)
    return sources_first(found)
