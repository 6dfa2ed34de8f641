"""Environments, repositories and stored artifacts, with failures as values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from attrs import evolve, field, frozen
from returns.future import FutureResult, future_safe
from returns.io import IOResult, impure_safe
from returns.maybe import Maybe
from returns.result import safe

from provenance import environment as provenance_environment
from provenance import hashing
from provenance.calls import execute as calls_execute
from provenance.calls import flow
from provenance.calls.draft import Call, PendingArtifact, bind_parts
from provenance.calls.function import CachedFunction, is_async, spec_of
from provenance.calls.plan import PlannedCall
from provenance.calls.spec import alias_ids
from provenance.catalog import promotion, trace
from provenance.catalog.graph import Lineage
from provenance.config.api import from_config
from provenance.effect import run
from provenance.environment import Environment
from provenance.errors import ConfigError, ProvenanceError, UnhashableValueError
from provenance.maintenance import eviction, garbage, verification
from provenance.maintenance.reports import EvictionReport, GarbageReport, VerificationReport
from provenance.model import references
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import Artifact, ArtifactRecord, Inputs
from provenance.model.references import InputRef
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.results import handles
from provenance.util.formatting import describe_error

__all__ = [
    "ComputedCall",
    "PlannedCall",
    "artifact",
    "call",
    "collect_garbage",
    "commit",
    "compute",
    "environment",
    "evict",
    "find",
    "forget",
    "hash_value",
    "lineage",
    "load",
    "load_inputs",
    "load_value",
    "lookup",
    "perform",
    "plan",
    "promote",
    "read",
    "repository",
    "verify",
    "within",
]


P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen(eq=False)
class ComputedCall(Generic[T_co]):
    """The result of a planned call, not stored yet."""

    value: T_co
    call: Call = field(repr=False)
    draft: PendingArtifact = field(repr=False)


@safe(exceptions=(UnhashableValueError,))
def hash_value(value: object) -> ValueId:
    """Return the hash of *value*, as `provenance.hash` does."""
    try:
        return hashing.hash_value(value)
    except UnhashableValueError:
        raise
    # The value's own methods may raise anything.
    except Exception as error:
        raise UnhashableValueError("value", describe_error(error)) from error


@safe
def plan(function: CachedFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> PlannedCall[T]:
    """Plan a call of *function*, a decorated one: bind and hash its arguments. Nothing is looked up, run or stored."""
    spec_of(function)
    return function.later(*args, **kwargs)


X = TypeVar("X")


@overload
def call(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment,
    function: CachedFunction[P, Coroutine[Any, Any, X]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> FutureResult[X, Exception]: ...
@overload
def call(
    environment: Environment, function: CachedFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> IOResult[T, Exception]: ...
def call(
    environment: Environment,
    function: CachedFunction[P, object],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> object:
    """Call the decorated *function* in *environment*, as well as all decorated functions that it calls.

    The result is looked up, or else computed, stored and recorded. For an `async def`, that happens
    when the future is awaited.
    """

    def begin() -> Call:
        return calls_execute.prepare(environment, spec_of(function), args, kwargs)

    return _outcome(environment, is_async(function), begin)


@overload
def within(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, function: CachedFunction[P, Coroutine[Any, Any, X]], /
) -> Callable[P, FutureResult[X, Exception]]: ...
@overload
def within(
    environment: Environment, function: CachedFunction[P, T], /
) -> Callable[P, IOResult[T, Exception]]: ...
def within(environment: Environment, function: CachedFunction[P, object], /) -> object:
    """Return *function* in *environment*, for pipelines: `within(environment, f)(x)` is `call(environment, f, x)`."""
    return partial(cast("Callable[..., object]", call), environment, function)


@overload
def perform(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: PlannedCall[Coroutine[Any, Any, X]], /
) -> FutureResult[X, Exception]: ...
@overload
def perform(environment: Environment, planned: PlannedCall[T], /) -> IOResult[T, Exception]: ...
def perform(environment: Environment, planned: PlannedCall[object], /) -> object:
    """Execute *planned*, what `plan` or `fn.later` returned, in *environment*, as `call` does."""
    begin = partial(_begin, environment, planned)
    return _outcome(environment, planned.spec.wrapped.is_async, begin)


@overload
def compute(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: PlannedCall[Coroutine[Any, Any, X]], /
) -> FutureResult[ComputedCall[X], Exception]: ...
@overload
def compute(
    environment: Environment, planned: PlannedCall[T], /
) -> IOResult[ComputedCall[T], Exception]: ...
def compute(environment: Environment, planned: PlannedCall[object], /) -> object:
    """Run the function of *planned* in *environment*, even if its result is stored. Nothing is stored."""
    begin = partial(_begin, environment, planned)

    def evaluate(call: Call) -> ComputedCall[object]:
        draft = flow.drive(call, calls_execute.evaluation_flow(call))
        return ComputedCall(draft.computation.value, call, draft)

    async def evaluate_async(call: Call) -> ComputedCall[object]:
        draft = await flow.drive_async(call, calls_execute.evaluation_flow(call))
        return ComputedCall(draft.computation.value, call, draft)

    return _outcome(environment, planned.spec.wrapped.is_async, begin, evaluate, evaluate_async)


def _begin(environment: Environment, planned: PlannedCall[object]) -> Call:
    return calls_execute.prepare_planned(
        environment, planned.spec, planned.plan, planned.args, planned.kwargs, 0.0
    )


def _outcome(
    environment: Environment,
    is_async: bool,
    begin: Callable[[], Call],
    now: Callable[[Call], object] = calls_execute.execute,
    later: Callable[[Call], Awaitable[object]] = calls_execute.execute_async,
) -> object:
    """Begin and execute a call in *environment*, by default as the decorator does.

    Of an asynchronous function, when it is awaited.
    """

    @future_safe
    async def execute_async() -> object:
        with provenance_environment.using_environment(environment):
            return await later(begin())

    @impure_safe
    def execute() -> object:
        with provenance_environment.using_environment(environment):
            return now(begin())

    return execute_async() if is_async else execute()


@impure_safe(exceptions=(ProvenanceError,))
def commit(repo: Repository, computed: ComputedCall[T], /) -> Artifact[T]:
    """Store and record in *repo* what `compute` returned (*computed*); an artifact that exists already stays, and is returned."""
    draft = bind_parts(repo, computed.draft)
    record = flow.store_draft(repo, draft)
    stored = calls_execute.make_result_proxy(evolve(computed.call, repo=repo), draft, record)
    return handles.artifact_of(cast("T", stored))


@impure_safe(exceptions=(ProvenanceError,))
def verify(
    repo: Repository, /, sample: int | None = None, *, recompute: int | None = None
) -> VerificationReport:
    """Verify *repo*, or *sample* of its artifacts; *recompute* and the rest are those of `provenance.verify`."""
    return verification.verify(repo, sample, recompute=recompute)


@impure_safe(exceptions=(ProvenanceError,))
def collect_garbage(
    environment: Environment,
    repo: Repository,
    /,
    *,
    dry_run: bool = True,
    older_than: timedelta = timedelta(days=1),
) -> GarbageReport:
    """Delete what is in *repo* and no repository of *environment* refers to.

    *dry_run* and *older_than* are those of `provenance.collect_garbage`.
    """
    with provenance_environment.using_environment(environment):
        return garbage.collect_garbage(repo, dry_run=dry_run, older_than=older_than)


@impure_safe(exceptions=(ProvenanceError,))
def evict(
    environment: Environment,
    repo: Repository,
    /,
    *,
    max_bytes: int | None = None,
    older_than: timedelta | None = None,
    keep: eviction.Keep | None = None,
    dry_run: bool = True,
) -> EvictionReport:
    """Evict values of *repo*, but not blobs that another repository of *environment* needs.

    *max_bytes*, *older_than*, *keep* and *dry_run* are those of `provenance.evict`.
    """
    with provenance_environment.using_environment(environment):
        return eviction.evict(
            repo, max_bytes=max_bytes, older_than=older_than, keep=keep, dry_run=dry_run
        )


@impure_safe(exceptions=(ConfigError,))
def environment(config: Mapping[str, object], base: str | Path = ".") -> Environment:
    """Return the environment that *config* describes, without installing it or opening a store.

    Relative paths in it begin at the folder *base*.
    """
    return from_config(config, base)


@impure_safe(exceptions=(ProvenanceError,))
def repository(environment: Environment, name: str | None = None) -> Repository:
    """Open the repository of *environment* that has this *name*, by default the default one."""
    return environment.repository(name)


@overload
def lookup(
    repo: Repository, planned: PlannedCall[Coroutine[Any, Any, X]], /
) -> IOResult[Maybe[Artifact[X]], ProvenanceError]: ...
@overload
def lookup(
    repo: Repository, planned: PlannedCall[T], /
) -> IOResult[Maybe[Artifact[T]], ProvenanceError]: ...
@impure_safe(exceptions=(ProvenanceError,))
def lookup(repo: Repository, planned: PlannedCall[object], /) -> Maybe[Artifact[Any]]:
    """Return the artifact of *planned*, a planned call, if it is stored in *repo* with its value."""
    earlier = alias_ids(planned.spec.options, planned.plan.input_hashes)
    ids = (planned.artifact_id, *earlier)
    found = run(programs.probe_first(ids), repo.interpreter)
    return _maybe(repo, None if found is None else found.record)


@impure_safe(exceptions=(ProvenanceError,))
def promote(source: Repository, artifact_id: object, target: Repository, /) -> Artifact[object]:
    """Copy an artifact, and all that it was computed from or holds, from *source* to *target*.

    Args:
        source: repository with the artifact.
        artifact_id: id, prefix of an id, artifact or proxy.
        target: repository to copy to.
    """
    return promotion.copy_with_sources(source, source.get_by_id(artifact_id).id, target)


@impure_safe(exceptions=(ProvenanceError,))
def find(repo: Repository, artifact_id: object, /) -> Maybe[Artifact[object]]:
    """Return the artifact of *artifact_id* if *repo* has it, else Nothing.

    *artifact_id* is an id, a prefix of at least 6 digits, an artifact or a proxy. An ambiguous
    prefix is a failure.
    """
    wanted = handles.id_or_prefix_of(artifact_id)
    return _maybe(repo, run(programs.find_optional(wanted), repo.interpreter))


@impure_safe(exceptions=(ProvenanceError,))
def load(repo: Repository, artifact_id: object, /) -> Artifact[object]:
    """Return the artifact of *artifact_id* in *repo*, as `find`; fail with `ArtifactNotFoundError` if there is none."""
    return repo.get_by_id(artifact_id)


@impure_safe(exceptions=(ProvenanceError,))
def artifact(repo: Repository, value: T, /) -> Maybe[Artifact[T]]:
    """Return the artifact of *value*, a proxy, if *repo* has it.

    Nothing for a plain value, or if it is not there.
    """
    sight: Callable[[object], InputRef | None] | None = getattr(type(value), references.MARK, None)
    seen = None if sight is None else sight(value)
    record = None
    if seen is not None:
        record = run(programs.find_optional(seen.artifact_id), repo.interpreter)
    return cast("Maybe[Artifact[T]]", _maybe(repo, record))


def _maybe(repo: Repository, record: ArtifactRecord | None) -> Maybe[Artifact[object]]:
    return Maybe.from_optional(None if record is None else Artifact.of(record, repo))


def _check(given: object) -> None:
    """Raise TypeError for anything but an artifact, as that is not a failure of a store."""
    if references.is_proxy(given) or not isinstance(given, ArtifactRecord):
        raise TypeError(
            f"expected an artifact, got {given!r}; pass a result of `find` or `load`, or "
            "`provenance.artifact_of(result)`"
        )


@impure_safe(exceptions=(ProvenanceError,))
def load_value(repo: Repository, artifact: Artifact[T], /) -> T:
    """Read the value of *artifact* from *repo*."""
    _check(artifact)
    return cast("T", repo.load_value(artifact))


@impure_safe(exceptions=(ProvenanceError,))
def load_inputs(repo: Repository, artifact: Artifact[object], /) -> Inputs:
    """Read the inputs of *artifact* from *repo*; artifacts among them are unread proxies."""
    _check(artifact)
    return repo.load_inputs(artifact)


@impure_safe
def read(value: T, /) -> T:
    """Read the value behind *value*, a proxy; it is recomputed if the store has lost it."""
    return references.unwrap(value)


@impure_safe(exceptions=(ProvenanceError,))
def lineage(repo: Repository, artifact: Artifact[object], /) -> Lineage:
    """Return the lineage of *artifact*, as far as *repo* has it."""
    _check(artifact)
    return run(trace.trace(artifact, repo), repo.interpreter)


@impure_safe(exceptions=(ProvenanceError,))
def forget(repo: Repository, artifact_id: ArtifactId, /) -> bool:
    """Delete the artifact of *artifact_id*, a whole id, from *repo*, and its value unless another one shares it.

    Return False if there is none.
    """
    return run(programs.forget(artifact_id), repo.interpreter)
