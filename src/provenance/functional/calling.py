"""Calls in an environment, as a whole or step by step, with failures as values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast, overload

from attrs import evolve
from returns.future import FutureResult, future_safe
from returns.io import IOResult, impure_safe

from provenance import calls, proxy, session
from provenance.decorator import Cached, is_async, recipe_behind
from provenance.drafting import Call, bound_for
from provenance.errors import ProvenanceError
from provenance.functional.planning import Computed, Planned
from provenance.records import Artifact
from provenance.repository import Repository
from provenance.session import Environment

P = ParamSpec("P")
T = TypeVar("T")
X = TypeVar("X")


@overload
def call(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment,
    function: Cached[P, Coroutine[Any, Any, X]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> FutureResult[X, Exception]: ...
@overload
def call(
    environment: Environment, function: Cached[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> IOResult[T, Exception]: ...
def call(
    environment: Environment, function: Cached[P, object], /, *args: P.args, **kwargs: P.kwargs
) -> object:
    """Call a decorated function in *environment*, as well as all decorated functions that it calls.

    The result is looked up, or else computed, stored and recorded. For an `async def`, that happens
    when the future is awaited.
    """

    def begin() -> Call:
        return calls.begin(environment, recipe_behind(function), args, kwargs)

    return _outcome(environment, is_async(function), begin, calls.execute, calls.execute_async)


@overload
def within(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, function: Cached[P, Coroutine[Any, Any, X]], /
) -> Callable[P, FutureResult[X, Exception]]: ...
@overload
def within(
    environment: Environment, function: Cached[P, T], /
) -> Callable[P, IOResult[T, Exception]]: ...
def within(environment: Environment, function: Cached[P, object], /) -> object:
    """Return a function for pipelines: `within(environment, f)(x)` is `call(environment, f, x)`."""
    return partial(cast("Callable[..., object]", call), environment, function)


@overload
def perform(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: Planned[Coroutine[Any, Any, X]], /
) -> FutureResult[X, Exception]: ...
@overload
def perform(environment: Environment, planned: Planned[T], /) -> IOResult[T, Exception]: ...
def perform(environment: Environment, planned: Planned[object], /) -> object:
    """Execute a planned call, as `call` does."""
    begin = partial(_begun, environment, planned)
    is_async = planned.recipe.subject.is_async
    return _outcome(environment, is_async, begin, calls.execute, calls.execute_async)


@overload
def compute(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
    environment: Environment, planned: Planned[Coroutine[Any, Any, X]], /
) -> FutureResult[Computed[X], Exception]: ...
@overload
def compute(
    environment: Environment, planned: Planned[T], /
) -> IOResult[Computed[T], Exception]: ...
def compute(environment: Environment, planned: Planned[object], /) -> object:
    """Run the function of a planned call, even if its result is stored. Nothing is stored."""
    begin = partial(_begun, environment, planned)

    def evaluate(call: Call) -> Computed[object]:
        draft = calls.drive(call, calls.evaluation_flow(call))
        return Computed(draft.computation.value, call, draft)

    async def evaluate_async(call: Call) -> Computed[object]:
        draft = await calls.drive_async(call, calls.evaluation_flow(call))
        return Computed(draft.computation.value, call, draft)

    is_async = planned.recipe.subject.is_async
    return _outcome(environment, is_async, begin, evaluate, evaluate_async)


def _begun(environment: Environment, planned: Planned[object]) -> Call:
    return calls.planned(
        environment, planned.recipe, planned.plan, planned.args, planned.kwargs, 0.0
    )


def _outcome(
    environment: Environment,
    is_async: bool,
    begin: Callable[[], Call],
    now: Callable[[Call], object],
    later: Callable[[Call], Awaitable[object]],
) -> object:
    """Begin and execute a call in *environment*.

    Of an asynchronous function, when it is awaited.
    """

    @future_safe
    async def execute_async() -> object:
        with session.using_environment(environment):
            return await later(begin())

    @impure_safe
    def execute() -> object:
        with session.using_environment(environment):
            return now(begin())

    return execute_async() if is_async else execute()


@impure_safe(exceptions=(ProvenanceError,))
def commit(repo: Repository, computed: Computed[T], /) -> Artifact[T]:
    """Store and record a result; if the artifact exists already, it stays and is returned."""
    draft = bound_for(repo, computed.draft)
    record = calls.store(repo, draft)
    stored = calls.committed(evolve(computed.call, repo=repo), draft, record)
    return proxy.artifact_of(cast("T", stored))
