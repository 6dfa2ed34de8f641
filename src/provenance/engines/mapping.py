"""`map`, `amap` and `gather`: hits are looked up together by the caller, misses run on an engine.

A map reads calls in advance, as many as its window has room for. It plans them, looks them up in
bulk, and ships what is missing in batches. Equal calls are shipped once: the others are looked up
again when the first has landed.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sized,
)
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal, TypeVar, cast, overload

from returns.pipeline import is_successful
from returns.result import Failure as Failed
from returns.result import Result, Success

from provenance import environment as environments
from provenance.calls import execute
from provenance.calls.function import CachedFunction, is_async, spec_of
from provenance.calls.plain import PlainCalls
from provenance.calls.plan import PlannedCall
from provenance.calls.spec import FunctionSpec
from provenance.engines import tasks
from provenance.engines.dispatch import Dispatch, Entry, Settings, Source
from provenance.engines.outcomes import Failure, Progress, raise_failure
from provenance.engines.pools import Engine, EngineName, engine_of
from provenance.engines.progress import show
from provenance.environment import Environment
from provenance.errors import ConfigError
from provenance.util.formatting import safe_repr
from provenance.util.validation import is_count

R = TypeVar("R")
X = TypeVar("X")

_engine: ContextVar[Engine | str] = ContextVar("provenance_engine", default="serial")
MOST_AHEAD: Final = 10_000
"""Calls that a map reads in advance, at most."""
_DEFAULT_AHEAD: Final = 1_000
_AT_ONCE: Final = 10
"""Coroutines that `amap` runs at the same time by default."""


@contextmanager
def using_engine(engine: Engine | EngineName) -> Generator[None]:
    """Make *engine* the default of `map` and `gather` in this block, for this thread or task alone.

    Args:
        engine: An engine, or the name `"serial"`, `"threads"` or `"processes"`.

    Returns:
        A context manager.

    Raises:
        ConfigError: if there is no engine of this name.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.using_engine("threads"):
        ...     [sum(result) for result in squares.map([2, 3])]
        [1, 5]
    """
    token = _engine.set(engine_of(engine, "using_engine"))
    try:
        yield
    finally:
        _engine.reset(token)


def map_calls(
    function: CachedFunction[..., object],
    iterables: tuple[Iterable[object], ...],
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["raise", "return"] = "raise",
    ordered: bool = True,
    batch: int | None = None,
    ahead: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Iterator[Any]:
    """Return the results of the calls with the items of *iterables*; see `CachedFunction.map`."""
    if not iterables:
        raise TypeError("map expects at least one iterable of arguments")
    settings = _settings("map", engine, errors, batch, ahead, ordered=ordered)
    environment = environments.current()
    arguments = zip(*map(iter, iterables), strict=False)

    spec = spec_of(function)
    _refuse_stream(spec, "map")

    def plan(args: tuple[object, ...]) -> Entry:
        return Entry(function, execute.prepare(environment, spec, args, {}))

    source = Source(arguments, plan, PlainCalls.of(environment, spec), _total(iterables))
    return _run(source, environment, settings, progress)


@overload
def gather(
    calls: Iterable[PlannedCall[Coroutine[Any, Any, X]]],
    /,
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["raise"] = "raise",
    batch: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> list[X]: ...
@overload
def gather(
    calls: Iterable[PlannedCall[Coroutine[Any, Any, X]]],
    /,
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["return"],
    batch: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> list[Result[X, Failure]]: ...
@overload
def gather(
    calls: Iterable[PlannedCall[R]],
    /,
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["raise"] = "raise",
    batch: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> list[R]: ...
@overload
def gather(
    calls: Iterable[PlannedCall[R]],
    /,
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["return"],
    batch: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> list[Result[R, Failure]]: ...
def gather(
    calls: Iterable[PlannedCall[Any]],
    /,
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["raise", "return"] = "raise",
    batch: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> list[Any]:
    """Return the results of planned calls, which may be of different functions, in their order.

    Args:
        calls: What `fn.later(...)` returns.
        engine: As for `fn.map`, as are the other options.
        errors: "raise" raises the first error; "return" returns a `Success` or a
            `returns.result.Failure` for each call.
        batch: Number of calls of one function that travel together.
        progress: True shows the progress; a function is called with a `Progress` instead.

    Returns:
        The results.

    Raises:
        EngineError: if a worker cannot be used; the message says why.
        ConfigError: if an option is invalid.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> [sum(result) for result in p.gather([squares.later(2), squares.later(3)])]
        [1, 5]
    """
    settings = _settings("gather", engine, errors, batch, None, ordered=True)
    environment = environments.current()

    def plan(planned: object) -> Entry:
        if not isinstance(planned, PlannedCall):
            raise TypeError(f"expected planned calls, got {safe_repr(planned)}; use fn.later(...)")
        known = cast("PlannedCall[object]", planned)
        _refuse_stream(known.spec, "gather")
        call = execute.prepare_planned(
            environment, known.spec, known.plan, known.args, known.kwargs, 0.0
        )
        function = cast("CachedFunction[..., object]", known.function)
        return Entry(function, call)

    source = Source(iter(calls), plan, total=_total((calls,)))
    return list(_run(source, environment, settings, progress))


async def map_calls_async(
    function: CachedFunction[..., object],
    iterables: tuple[Iterable[object] | AsyncIterable[object], ...],
    *,
    engine: Engine | EngineName | None = None,
    errors: Literal["raise", "return"] = "raise",
    ordered: bool = True,
    ahead: int | None = None,
    progress: bool | Callable[[Progress], None] = False,
) -> AsyncIterator[Any]:
    """Yield the results of the calls; see `CachedFunction.amap`."""
    if is_async(function) and engine is None:
        _settings("amap", None, errors, None, ahead, ordered=ordered)
        arguments = tasks.zip_async(iterables)
        results = tasks.run_tasks(
            function, arguments, ahead or _AT_ONCE, ordered=ordered, progress=progress
        )
    else:
        given = [await tasks.collected(items) for items in iterables]
        results = tasks.iterate_in_thread(
            map_calls(
                function,
                tuple(given),
                engine=engine,
                errors="return",
                ordered=ordered,
                ahead=ahead,
                progress=progress,
            )
        )
    finished = 0
    async for result in results:
        if errors == "raise" and not is_successful(result):
            raise_failure(result.failure(), finished)
        finished += 1
        yield result if errors == "return" else result.unwrap()


def _run(
    source: Source,
    environment: Environment,
    settings: Settings,
    progress: bool | Callable[[Progress], None],
) -> Iterator[Any]:
    """Yield what becomes of the calls, as *settings* choose."""
    with settings.engine.open() as pool, show(progress) as report:
        dispatch = Dispatch(source, environment, settings, pool, report)
        raises = settings.errors == "raise"
        try:
            for outcome in dispatch.outcomes():
                if not isinstance(outcome, Failure):
                    yield outcome[0] if raises else Success(outcome[0])
                elif raises:
                    raise_failure(outcome, dispatch.finished - 1)
                else:
                    yield Failed(outcome)
        finally:
            pool.recall()


def _settings(
    where: str,
    engine: Engine | str | None,
    errors: str,
    batch: int | None,
    ahead: int | None,
    *,
    ordered: bool,
) -> Settings:
    """Return the options of a map, checked."""
    if errors not in ("raise", "return"):
        problem = f"must be 'raise' or 'return', got {safe_repr(errors)}"
        raise ConfigError(f"{where}, errors", problem, "pass one of them")
    for name, given, most in (("batch", batch, 10_000), ("ahead", ahead, MOST_AHEAD)):
        if given is not None and not (is_count(given, 1) and given <= most):
            problem = f"must be a number of calls from 1 to {most}, got {safe_repr(given)}"
            raise ConfigError(f"{where}, {name}", problem, "pass an integer")
    chosen = engine_of(_engine.get() if engine is None else engine, where)
    return Settings(chosen, errors, ordered, batch, ahead or _DEFAULT_AHEAD)


def _refuse_stream(spec: FunctionSpec, where: str) -> None:
    if spec.options.streaming is not None:
        problem = f"{spec.wrapped.label} yields a stream, which is read while it is computed"
        raise ConfigError(where, problem, "call the function itself for each stream")


def _total(iterables: tuple[object, ...]) -> int | None:
    """Return the number of calls, if all iterables know their lengths."""
    sized = [items for items in iterables if isinstance(items, Sized)]
    return min(map(len, sized)) if len(sized) == len(iterables) else None
