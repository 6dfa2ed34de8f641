"""Programs and public functions that trace lineage through the stores."""

from __future__ import annotations

from collections.abc import Mapping

from pyrsistent import pmap

from provenance import environment
from provenance.catalog.graph import (
    Arguments,
    Lineage,
    Uses,
    derived_uses,
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
from provenance.model.ids import ArtifactId, DerivationId
from provenance.model.records import (
    RECORDED,
    Artifact,
    ArtifactRecord,
    Derivation,
    DerivedInput,
    Inputs,
)
from provenance.ports.blobs import ReadBlob
from provenance.ports.capabilities import Trace
from provenance.ports.history import FindDerivations
from provenance.ports.records import FindInputs, FindRecord, ListDependents
from provenance.repository.handles import Repository
from provenance.repository.programs import read_inputs
from provenance.repository.transfer import sources_first
from provenance.results.handles import InMemoryOrigin
from provenance.telemetry import report_skipped
from provenance.util.formatting import SHORT


def trace(
    root: Artifact[object],
    repo: Repository,
    inputs: Inputs | None = None,
    depth: int | None = None,
    most: int | None = None,
) -> Program[FindRecord | FindInputs | FindDerivations | ReadBlob, Lineage]:
    """Collect the lineage of *root*, reading each record once and no value.

    Args:
        root: The artifact.
        repo: The repository that the artifacts of the lineage belong to.
        inputs: The inputs of *root*, if they are in no store.
        depth: The number of steps to go back; None for all.
        most: The number of artifacts to find; None for all.
    """
    found: dict[ArtifactId, Artifact[object]] = {root.id: root}
    uses: dict[ArtifactId, Uses] = {}
    arguments: dict[ArtifactId, Arguments] = {}
    derivations: dict[ArtifactId, list[Derivation | None]] = {}
    start = (root.id, root.derivation_id)
    met, front, steps = {start}, [start], 0
    far: set[ArtifactId] = set()
    while front and (depth is None or steps <= depth):
        behind: list[DerivedInput] = []
        for artifact_id, derivation_id in front:
            if most is not None and len(uses) >= most and artifact_id not in uses:
                far.add(artifact_id)
                continue
            record = found.get(artifact_id) or (yield from _find_sound(artifact_id))
            if record is None:
                continue
            used = yield from _derivation(record, derivation_id)
            if artifact_id not in uses:
                known = inputs if artifact_id == root.id else None
                if known is None:
                    known = yield from readable_inputs(record, repo.name)
                found.setdefault(artifact_id, Artifact.of(record, repo))
                uses[artifact_id], arguments[artifact_id] = describe_inputs(record, known)
            derivations.setdefault(artifact_id, []).append(used)
            edges = record.edges if used is None else used.edges
            held = record.value_artifact_ids - dict(edges).keys()
            fresh = edges | {(part, RECORDED) for part in held}
            behind += sorted(fresh - met)
            met |= fresh
        front, steps = behind, steps + 1
    uses |= yield from _derived(found, uses, derivations)
    far = (far | {artifact_id for artifact_id, _ in front}) - found.keys()
    beyond: dict[ArtifactId, int] = {}
    if far:
        beyond = {key: len(far.intersection(edges.values())) for key, edges in uses.items()}
        uses = {key: _without(edges, frozenset(far)) for key, edges in uses.items()}
    labeled = {key: label_parts(found[key], edges, found) for key, edges in uses.items()}
    cut = pmap({key: number for key, number in beyond.items() if number})
    return Lineage(root.id, pmap(found), pmap(labeled), pmap(arguments), cut)


def _derived(
    found: Mapping[ArtifactId, ArtifactRecord],
    uses: Mapping[ArtifactId, Uses],
    derivations: Mapping[ArtifactId, list[Derivation | None]],
) -> Program[FindRecord, dict[ArtifactId, Uses]]:
    """Return the edges of artifacts that were used by other derivations than the recorded one, which is None."""
    values = {key: record.value_id for key, record in found.items()}
    changed: dict[ArtifactId, Uses] = {}
    for artifact_id, used in derivations.items():
        record, others = found[artifact_id], [one for one in used if one is not None]
        if not others:
            continue
        for source in sorted(record.input_artifact_ids - values.keys()):
            unused = yield from _find_sound(source)
            if unused is not None:
                values[source] = unused.value_id
        known = uses[artifact_id]
        is_recorded = None in used
        changed[artifact_id] = derived_uses(record, known, others, values, is_recorded=is_recorded)
    return changed


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


def _derivation(
    record: ArtifactRecord, derivation_id: DerivationId
) -> Program[FindDerivations, Derivation | None]:
    """Return a derivation of the artifact; None for the recorded inputs, or if it is not recorded."""
    known = record.derivation
    if not derivation_id or (known is not None and known.id == derivation_id):
        return known if derivation_id else None
    found = yield from FindDerivations(record.id)
    return next((derivation for derivation in found if derivation.id == derivation_id), None)


def _find_sound(artifact_id: ArtifactId) -> Program[FindRecord, ArtifactRecord | None]:
    """Return the record; None if there is none, and with a warning if it is damaged."""
    try:
        return (yield from FindRecord(artifact_id))
    except CorruptRecordError as error:
        report_skipped([error])
        return None


def lineage(
    of: object, *, depth: int | None = None, most: int | None = None, down: bool = False
) -> Lineage:
    """Return where *of* came from: an artifact, a proxy, or an id (or its first digits).

    Only records are read, so this is quick however large the values are. Ids are looked up in the
    current repository.

    Args:
        of: The artifact.
        depth: The number of steps to go back, by default all; what is farther is left out.
        most: The number of artifacts, by default all; the nearest are found.
        down: Return what was made from *of*, or holds it, instead.

    Returns:
        The graph of artifacts; printed, it is a tree.

    Raises:
        TypeError: if *of* is anything else.
        ArtifactNotFoundError: if no artifact has this id.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def read() -> list[int]:
        ...     return [3, 1, 2]
        >>> @p.provenance()
        ... def ordered(numbers: list[int]) -> list[int]:
        ...     return sorted(numbers)
        >>> result = ordered(read())
        >>> sorted(artifact.fn_name for artifact in p.lineage(result).artifacts.values())
        ['ordered', 'read']
    """
    root = environment.artifact_for(of)
    repo = environment.repository_of(root)
    if down:
        return run(trace_descendants(root, repo, depth, most), repo.interpreter)
    inputs = root.origin.inputs if isinstance(root.origin, InMemoryOrigin) else None
    return run(trace(root, repo, inputs, depth, most), repo.interpreter)


def dependencies(of: object) -> tuple[Artifact[object], ...]:
    """Return the artifacts that *of* was made from, directly or indirectly, and *of* as the last.

    Each comes after its own sources.

    Args:
        of: An artifact, a result, or an id or its first digits.

    Raises:
        TypeError: if *of* is anything else.
        ArtifactNotFoundError: if no artifact has this id.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def read() -> list[int]:
        ...     return [3, 1, 2]
        >>> @p.provenance()
        ... def ordered(numbers: list[int]) -> list[int]:
        ...     return sorted(numbers)
        >>> result = ordered(read())
        >>> [artifact.fn_name for artifact in p.dependencies(result)]
        ['read', 'ordered']
    """
    graph = lineage(of)
    return tuple(graph.artifacts[artifact_id] for artifact_id in graph.order)


def descendants(of: object) -> tuple[Artifact[object], ...]:
    """Return the artifacts that were made from *of*, or hold it, directly or indirectly.

    Each comes after its own sources.

    Args:
        of: An artifact, a result, or an id or its first digits.

    Raises:
        TypeError: if *of* is anything else.
        ArtifactNotFoundError: if no artifact has this id.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def read() -> list[int]:
        ...     return [3, 1, 2]
        >>> @p.provenance()
        ... def ordered(numbers: list[int]) -> list[int]:
        ...     return sorted(numbers)
        >>> result = ordered(read())
        >>> [artifact.fn_name for artifact in p.descendants(read())]
        ['ordered']
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


def trace_descendants(
    root: Artifact[object], repo: Repository, depth: int | None, most: int | None
) -> Program[Trace | FindInputs | ReadBlob, Lineage]:
    """Collect what was made from *root*, reading each record once and no value; for arguments, see `trace`."""
    found: dict[ArtifactId, Artifact[object]] = {root.id: root}
    used: dict[ArtifactId, set[ArtifactId]] = {root.id: set()}
    beyond: dict[ArtifactId, int] = {}
    front, steps = [root.id], 0
    while front:
        behind: list[ArtifactId] = []
        for source in front:
            for user in (yield from ListDependents(source)):
                if user not in found:
                    is_far = depth is not None and steps >= depth
                    if is_far or (most is not None and len(found) >= most):
                        beyond[source] = beyond.get(source, 0) + 1
                        continue
                    record = yield from _find_sound(user)
                    if record is None:
                        continue
                    found[user], used[user] = Artifact.of(record, repo), set()
                    behind.append(user)
                used[user].add(source)
        front, steps = behind, steps + 1
    edges: dict[ArtifactId, Uses] = {}
    arguments: dict[ArtifactId, Arguments] = {}
    for user, artifact in found.items():
        known = yield from readable_inputs(artifact, repo.name)
        uses, arguments[user] = describe_inputs(artifact, known)
        named = {place: source for place, source in uses.items() if source in used[user]}
        # A later call may have used it in place of an equal value.
        others = sorted(used[user] - set(named.values()))
        named |= {f"some input ({source[:SHORT]})": source for source in others}
        edges[user] = label_parts(artifact, pmap(named), found)
    return Lineage(root.id, pmap(found), pmap(edges), pmap(arguments), pmap(beyond), down=True)
