"""Computing recorded results again, to compare them with what is stored."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Literal, TypeAlias, cast

from attrs import evolve, frozen

from provenance import environment
from provenance.calls.composite import Composite
from provenance.calls.draft import Call
from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.hits import changes_since
from provenance.calls.partitions import PartitionedFunction, Parts
from provenance.calls.spec import FunctionSpec
from provenance.catalog.graph import Lineage
from provenance.catalog.trace import lineage
from provenance.config.stores import MemoryRepo
from provenance.effect import run
from provenance.errors import (
    ArtifactNotFoundError,
    BlobNotFoundError,
    ConfigError,
    ProvenanceError,
    StorePermissionError,
    StoreUnavailableError,
    UnreadableFileError,
)
from provenance.escaping import escape_invisible
from provenance.events import CodeChange, ShadowAgreed, ShadowDiffered
from provenance.hashing import hash_value
from provenance.hashing.comparison import ValueDifference, compare_values, equal_within
from provenance.hashing.explain import Difference
from provenance.history.diff import compare_runs, run_of
from provenance.history.programs import Programs, running_program
from provenance.history.repetition import changed_argument, compute, prepare, unrepeatable
from provenance.model.history import ShadowCheck
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact, ArtifactRecord
from provenance.ports.history import PutShadowCheck
from provenance.ports.machine import CurrentRun, Now
from provenance.repository.handles import Repository
from provenance.results.handles import artifact_of
from provenance.streams.stream import CHUNK_FIELDS, StoredItems, Stream, bare_items
from provenance.telemetry import describe_changes, emit, log, muted
from provenance.util.formatting import SHORT, describe_error, safe_repr, type_name
from provenance.util.naming import exported
from provenance.util.validation import is_count


@frozen
class _Result:
    """What came of computing an artifact again."""

    artifact_id: ArtifactId
    name: str


@exported
@frozen
class Same(_Result):
    """The result came out again; *within* a tolerance if that is not None.

    `changes` are those of the code since the result was recorded.

    Example:
        >>> import provenance as p
        >>> from provenance.testing import samples
        >>> [outcome] = p.reproduce(samples.double(2)).outcomes
        >>> isinstance(outcome, p.Same), outcome.changes
        (True, ())
    """

    changes: tuple[CodeChange, ...] = ()
    within: float | None = None

    def __str__(self) -> str:
        equal = "same" if self.within is None else f"equal within {self.within:g}"
        return _line(self, self.changes, equal)


@exported
@frozen
class Differs(_Result):
    """Another result came out. `changes` are those of the code since it was recorded.

    Example:
        >>> import provenance as p
        >>> from provenance.testing import samples
        >>> for outcome in p.reproduce(samples.double(2), "all").outcomes:
        ...     match outcome:
        ...         case p.Differs(differences=differences):
        ...             print(outcome.name, *differences)
        ...         case p.Same():
        ...             print(outcome.name, "came out again")
        provenance.testing.samples.double came out again
    """

    changes: tuple[CodeChange, ...]
    differences: tuple[ValueDifference, ...]

    def __str__(self) -> str:
        return _line(self, self.changes, "differs", *map(str, self.differences))


@exported
@frozen
class NotComparable(_Result):
    """The call could not be repeated, for a *reason*.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> [outcome] = p.reproduce(squares(3)).outcomes
        >>> isinstance(outcome, p.NotComparable), outcome.reason
        (True, "...squares cannot be imported: its module has no 'squares' any more")
    """

    reason: str

    def __str__(self) -> str:
        return _line(self, (), f"not comparable: {self.reason}")


@exported
@frozen
class Failed(_Result):
    """The function raised an *error* this time. `changes` are those of its code.

    Example:
        >>> import provenance as p
        >>> from provenance.testing import samples
        >>> for outcome in p.reproduce(samples.double(2), "all").outcomes:
        ...     if isinstance(outcome, p.Failed):
        ...         print(outcome.name, "raised", outcome.error)
    """

    changes: tuple[CodeChange, ...]
    error: str

    def __str__(self) -> str:
        return _line(self, self.changes, f"failed: {self.error}")


Outcome: TypeAlias = Same | Differs | NotComparable | Failed


def _line(outcome: _Result, changes: tuple[CodeChange, ...], *facts: str) -> str:
    code = f"; its code: {describe_changes(changes)}" if changes else ""
    text = f"{outcome.name} {outcome.artifact_id[:SHORT]} {'; '.join(facts)}{code}"
    return escape_invisible(text)


@exported
@frozen(repr=False)
class Reproduction:
    """What came out when results were computed again, each after its sources.

    Attributes:
        artifact_id: the artifact in question, whose outcome is the last.
        outcomes: an outcome for each result.
        environment: how the recorded run of that artifact differs from this process.

    Example:
        >>> import provenance as p
        >>> from provenance.testing import samples
        >>> found = p.reproduce(samples.double(2))
        >>> found.is_same, len(found.outcomes)
        (True, 1)
    """

    artifact_id: ArtifactId
    outcomes: tuple[Outcome, ...]
    environment: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """True if every result came out again."""
        return all(isinstance(outcome, Same) for outcome in self.outcomes)

    @property
    def first_divergent(self) -> Differs | Failed | None:
        """The first result, sources first, that came out otherwise or failed."""
        return next((one for one in self.outcomes if isinstance(one, Differs | Failed)), None)

    def __repr__(self) -> str:
        lines = [*map(str, self.outcomes)]
        if not self.is_same and self.environment:
            lines += [
                "since it was recorded:",
                *(f"  {escape_invisible(str(change))}" for change in self.environment),
            ]
        return "\n".join(lines)


def reproduce(
    artifact: object,
    depth: int | Literal["all"] = 1,
    *,
    tolerance: float | None = None,
    repo: Repository | str | None = None,
) -> Reproduction:
    """Compute a result again, without the cache and in a repository in memory, and compare.

    Each function gets the recorded inputs, so that the first result that differs is where to look.
    Functions are imported by their recorded names, also from beside the program that computed the
    result; the program of functions of `__main__` is run as a spawned process runs it, without its
    `if __name__ == "__main__":` block.

    Args:
        artifact: The artifact, a result, or the id of one or its first digits.
        depth: 1 computes this result alone, 2 also its direct sources, "all" everything that it was
            made from.
        tolerance: Floats may differ by this much, relative to their size or to 1; by default not at
            all.
        repo: The repository of an id, by default the current one.

    Returns:
        The outcome for each result, and how the process differs from the recorded one.

    Raises:
        ArtifactNotFoundError: if no artifact has this id.
        ConfigError: if *depth* or *tolerance* is invalid.

    Example:
        >>> import provenance as p
        >>> from provenance.testing import samples
        >>> p.reproduce(samples.double(2))
        provenance.testing.samples.double ... same
    """
    if depth != "all" and not is_count(depth, 1):
        problem = f"must be a positive int or 'all', got {safe_repr(depth)}"
        raise ConfigError("reproduce, depth", problem, "pass 1 for the result alone")
    given: object = tolerance
    if given is not None and not (isinstance(given, float) and given >= 0):
        problem = f"must be a non-negative float, got {safe_repr(tolerance)}"
        raise ConfigError("reproduce, tolerance", problem, "pass one such as 1e-9")
    root = environment.artifact_for(artifact, repo)
    place = environment.repository_of(root)
    graph = lineage(root)
    nodes = [graph.artifacts[one] for one in graph.order if one in _near(graph, depth)]
    outcomes = reproduce_each(nodes, place, tolerance)
    changes = compare_runs(run_of(root), place.interpreter(CurrentRun()))
    return Reproduction(root.id, outcomes, changes)


def reproduce_each(
    artifacts: list[Artifact[object]], place: Repository, tolerance: float | None = None
) -> tuple[Outcome, ...]:
    """Compute *artifacts* again in a scratch repository; the code to run must be trusted."""
    programs = Programs.of(place)
    with _using_scratch():
        return tuple(_reproduce_one(one, place, tolerance, programs) for one in artifacts)


def _near(graph: Lineage, depth: int | Literal["all"]) -> set[ArtifactId]:
    if depth == "all":
        return set(graph.artifacts)
    near, front = {graph.root}, [graph.root]
    for _ in range(depth - 1):
        front = [source for one in front for _, source in graph.uses(one) if source not in near]
        near.update(front)
    return near


@contextmanager
def _using_scratch() -> Generator[None]:
    """Let one empty repository in memory take the place of all others, and report no calls."""
    scratch, current = MemoryRepo("scratch"), environment.current()
    alone = evolve(
        current,
        openers=dict.fromkeys(current.openers, lambda: scratch),
        default=scratch,
        use_cache=True,
        read_only=False,
        check_mutations=False,
        on_code_change="ignore",
        shadow=None,
    )
    with environment.using_environment(alone), muted():
        yield


def _reproduce_one(
    artifact: Artifact[object], place: Repository, tolerance: float | None, programs: Programs
) -> Outcome:
    known = artifact.id, artifact.name
    if not place.trusted:
        return NotComparable(*known, f"repository {place.name!r} is configured with trusted: false")
    try:
        with running_program(artifact, programs, place) as trouble:
            found = find_function(artifact, place) if trouble is None else trouble
            if isinstance(found, str):
                return NotComparable(*known, found)
            return _repeat(spec_of(found), artifact, place, tolerance)
    except ProvenanceError as error:  # what is recorded cannot be read
        return NotComparable(*known, str(error))


def check_hit(call: Call, record: ArtifactRecord) -> bool:
    """Compute a hit again from the recorded inputs; report and record whether the same value came out."""
    try:
        with environment.using_environment(call.environment), _using_scratch():
            outcome = _repeat(call.spec, Artifact.of(record, call.repo), call.repo)
    except ProvenanceError:
        return True  # the call cannot be repeated, so nothing is known
    match outcome:
        case Same():
            emit(ShadowAgreed(record.id, record.name))
        case Differs(differences=differences):
            emit(ShadowDiffered(record.id, record.name, tuple(map(str, differences))))
        case Failed(error=problem):
            emit(ShadowDiffered(record.id, record.name, (f"it failed: {problem}",)))
        case NotComparable():
            return True
    agreed, ask = isinstance(outcome, Same), call.repo.interpreter
    if not call.read_only:
        # The hit itself writes nothing, so it does not need a store that can be written.
        try:
            check = ShadowCheck(record.id, ask(Now()), agreed, call.spec.receipt.digest)
            ask(PutShadowCheck(check))
        except (StorePermissionError, StoreUnavailableError) as error:
            log.info("the outcome of comparing %s was not recorded: %s", record.id, error)
    return agreed


def _repeat(
    spec: FunctionSpec,
    artifact: Artifact[object],
    place: Repository,
    tolerance: float | None = None,
) -> Outcome:
    """Compute an artifact again and compare.

    Raises:
        ProvenanceError: if what is recorded cannot be read.
    """
    known = artifact.id, artifact.name
    inputs = artifact.inputs
    problem = unrepeatable(spec, inputs)
    if problem is not None:
        return NotComparable(*known, problem)
    changes = run(changes_since(spec, artifact.code), place.interpreter)
    call: Call | None = None
    try:
        call = prepare(spec, inputs)
        problem = changed_argument(call.plan.input_hashes, artifact)
        if problem is not None:
            return NotComparable(*known, problem)
        again = compute(call)
    except BlobNotFoundError:
        raise  # an argument is gone, which the function cannot help
    except Exception as error:
        if call is None and isinstance(error, UnreadableFileError):
            raise  # an argument, too
        return Failed(*known, changes, describe_error(error))
    part = _part_key(artifact, spec)
    if part is not None:
        parts = cast("Composite", again.value)
        if part not in parts:
            return Failed(*known, changes, f"the result lacks the part {part!r} now")
        again = artifact_of(parts.proxy(part))
    return _compare(artifact, again, changes, place, tolerance)


def find_function(
    artifact: Artifact[object], place: Repository
) -> CachedFunction[..., object] | str:
    """Return the function that computes *artifact* now, or why there is none.

    What a repository that is not trusted names is not imported; what this process has imported is found.
    """
    where = f"{artifact.fn_module}.{artifact.fn_qualname}"
    if "<" in artifact.fn_qualname:
        return f"{where} is defined inside a function, and cannot be imported"
    if not place.trusted and artifact.fn_module not in sys.modules:
        return f"{where} is not imported, and repository {place.name!r} is configured with trusted: false"
    try:
        found: object = import_module(artifact.fn_module)
        for name in artifact.fn_qualname.split("."):
            if not hasattr(found, name):
                gone = f"its module has no {artifact.fn_qualname!r} any more"
                return f"{where} cannot be imported: {gone}"
            found = getattr(found, name)
    except Exception as error:  # noqa: BLE001 - importing runs the module
        return f"{where} cannot be imported ({describe_error(error)})"
    if isinstance(found, PartitionedFunction):
        if artifact.value_type == type_name(Parts[object]({})):
            return "it only holds the results for its members"
        found = cast("PartitionedFunction[..., object, object]", found).each
    if not isinstance(found, CachedFunction):
        return f"{where} is not a decorated function"
    return cast("CachedFunction[..., object]", found)


def _part_key(artifact: Artifact[object], spec: FunctionSpec) -> str | None:
    """Return the key of a part of a composite; None if *artifact* is a whole result."""
    start = f"{spec.cache_key.name}_"
    is_part = spec.options.returns_composite and not artifact.composite
    return artifact.name.removeprefix(start) if is_part else None


def _compare(
    recorded: Artifact[object],
    again: Artifact[object],
    changes: tuple[CodeChange, ...],
    place: Repository,
    tolerance: float | None,
) -> Outcome:
    known = recorded.id, recorded.name
    if again.value_id == recorded.value_id:
        return Same(*known, changes)
    before, after = recorded.value, again.value
    is_chunk = CHUNK_FIELDS.items() <= recorded.custom_fields.items()
    if is_chunk and isinstance(after, Stream):
        before = bare_items(cast("list[object]", before))
        start = _position(recorded, place)
        if start is None:
            return NotComparable(*known, "the stream that it is a chunk of is not stored")
        # Chunks may end at other items this time.
        after = list(cast("Stream[object]", after)[start : start + len(before)])
        if hash_value(before) == hash_value(after):
            return Same(*known, changes)
    if tolerance is not None and equal_within(before, after, tolerance):
        return Same(*known, changes, tolerance)
    return Differs(*known, changes, compare_values(before, after))


def _position(chunk: Artifact[object], place: Repository) -> int | None:
    """Return the position of a chunk's first item in its stream; None if no such stream is stored."""
    facts = cast("Mapping[str, Any]", chunk.custom_fields["chunk"])
    with suppress(ArtifactNotFoundError):
        stream = place.load_value(place.load_record(facts["of"]))
        items = stream.items() if isinstance(stream, Stream) else None
        chunks = items.manifest.chunks if isinstance(items, StoredItems) else ()
        ids = [one.id for one in chunks]
        if chunk.id in ids:
            return sum(one.count for one in chunks[: ids.index(chunk.id)])
    return None
