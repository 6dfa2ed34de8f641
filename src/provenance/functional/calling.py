"""Calls in an environment: looked up or computed, or step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast, overload

from attrs import evolve
from returns.future import FutureResult
from returns.io import IOResult

from provenance import calls, proxy, session
from provenance.decorator import Cached, is_async, recipe_behind
from provenance.drafting import Call, bound_for
from provenance.errors import ProvenanceError
from provenance.functional.planning import Computed, Planned
from provenance.outcomes import attempted_later, attempted_outside
from provenance.records import Artifact
from provenance.repository import Repository
from provenance.session import Environment

P = ParamSpec("P")
T = TypeVar("T")
X = TypeVar("X")


@overload
def call(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, function: Cached[P, Coroutine[Any, Any, X]], /, *args: P.args, **kwargs: P.kwargs
) -> FutureResult[X, Exception]: ...
@overload
def call(
    environment: Environment, function: Cached[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> IOResult[T, Exception]: ...
def call(environment: Environment, function: Cached[P, object], /, *args: P.args, **kwargs: P.kwargs) -> object:
    """Call a decorated function in *environment*, and with it all decorated functions that it calls.

    The result is looked up, or else computed, stored and recorded; of an `async def` when the future is awaited.
    """

    def begin() -> Call:
        return calls.begin(environment, recipe_behind(function), args, kwargs)

    return _outcome(environment, is_async(function), begin, calls.execute, calls.execute_async)


@overload
def within(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, function: Cached[P, Coroutine[Any, Any, X]], /
) -> Callable[P, FutureResult[X, Exception]]: ...
@overload
def within(environment: Environment, function: Cached[P, T], /) -> Callable[P, IOResult[T, Exception]]: ...
def within(environment: Environment, function: Cached[P, object], /) -> object:
    """A decorated function for pipelines: `within(environment, f)(x)` is `call(environment, f, x)`."""
    return partial(cast("Callable[..., object]", call), environment, function)


@overload
def perform(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: Planned[Coroutine[Any, Any, X]], /
) -> FutureResult[X, Exception]: ...
@overload
def perform(environment: Environment, planned: Planned[T], /) -> IOResult[T, Exception]: ...
def perform(environment: Environment, planned: Planned[object], /) -> object:
    """As `call`, of a call that was planned before."""
    begin, later = partial(_begun, environment, planned), planned.recipe.subject.is_async
    return _outcome(environment, later, begin, calls.execute, calls.execute_async)


@overload
def compute(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: Planned[Coroutine[Any, Any, X]], /
) -> FutureResult[Computed[X], Exception]: ...
@overload
def compute(environment: Environment, planned: Planned[T], /) -> IOResult[Computed[T], Exception]: ...
def compute(environment: Environment, planned: Planned[object], /) -> object:
    """Run the function of a planned call, whether its result is stored or not. Nothing is stored."""
    begin, later = partial(_begun, environment, planned), planned.recipe.subject.is_async
    return _outcome(environment, later, begin, _evaluated, _evaluated_later)


def _begun(environment: Environment, planned: Planned[object]) -> Call:
    return calls.planned(environment, planned.recipe, planned.plan, planned.args, planned.kwargs, 0.0)


def _evaluated(call: Call) -> Computed[object]:
    draft = calls.drive(call, calls.evaluation_flow(call))
    return Computed(draft.computation.value, call, draft)


async def _evaluated_later(call: Call) -> Computed[object]:
    draft = await calls.drive_async(call, calls.evaluation_flow(call))
    return Computed(draft.computation.value, call, draft)


def _outcome(
    environment: Environment,
    awaits: bool,
    begin: Callable[[], Call],
    now: Callable[[Call], object],
    later: Callable[[Call], Awaitable[object]],
) -> object:
    """What the begun call answers, in *environment*: now, or of an asynchronous function later."""

    async def awaited() -> object:
        with session.using_environment(environment):
            return await later(begin())

    def done() -> object:
        with session.using_environment(environment):
            return now(begin())

    return attempted_later(Exception, awaited) if awaits else attempted_outside(Exception, done)


def commit(repo: Repository, computed: Computed[T], /) -> IOResult[Artifact[T], ProvenanceError]:
    """Store and record what was computed; where the artifact is there already, that one stays and is the answer."""

    def committed() -> Artifact[T]:
        draft = bound_for(repo, computed.draft)
        record = calls.store(repo, draft)
        stored = calls.committed(evolve(computed.call, repo=repo), draft, record)
        return proxy.artifact_of(cast("T", stored))

    return attempted_outside(ProvenanceError, committed)
