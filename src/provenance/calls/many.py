"""Many calls of one decorated function: `map` and `amap`, which the engines carry out.

The engines are of a layer above: the package gives a function that loads them.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, ParamSpec, TypeVar, cast, overload

if TYPE_CHECKING:
    from returns.result import Result

    from provenance.engines.outcomes import Failure, Progress
    from provenance.engines.pools import Engine, EngineName

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
X = TypeVar("X")

_loaders: Final[list[Callable[[], Any]]] = []


def set_engines(load: Callable[[], Any]) -> None:
    """Set the function that imports `provenance.engines.mapping`."""
    _loaders[:] = [load]


class MappedFunction(Generic[P, R_co]):
    """What a decorated function offers for many calls at once."""

    @overload
    def map(
        self: MappedFunction[..., Coroutine[Any, Any, X]],
        /,
        *iterables: Iterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["raise"] = "raise",
        ordered: bool = True,
        batch: int | None = None,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> Iterator[X]: ...
    @overload
    def map(
        self: MappedFunction[..., Coroutine[Any, Any, X]],
        /,
        *iterables: Iterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["return"],
        ordered: bool = True,
        batch: int | None = None,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> Iterator[Result[X, Failure]]: ...
    @overload
    def map(
        self,
        /,
        *iterables: Iterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["raise"] = "raise",
        ordered: bool = True,
        batch: int | None = None,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> Iterator[R_co]: ...
    @overload
    def map(
        self,
        /,
        *iterables: Iterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["return"],
        ordered: bool = True,
        batch: int | None = None,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> Iterator[Result[R_co, Failure]]: ...
    def map(self, /, *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        """Call the function for each item, as `map` does; hits are looked up together, misses run on an engine.

        The iterator is lazy: it reads a bounded number of items in advance, of iterables of any
        length. Equal calls are computed once.

        Args:
            *iterables: Arguments; the n-th call gets the n-th item of each. The shortest ends the
                map.
            **options: By keyword, and not passed to the function:

                - `engine`: Engine, or the name "serial", "threads" or "processes"; by default that
                  of `using_engine`, else "serial".
                - `errors`: "raise" raises the first error, and cancels what has not begun; "return"
                  yields a `Success` or a `returns.result.Failure` for each call, the latter with a
                  `provenance.engines.Failure`.
                - `ordered`: False yields results as soon as they are there.
                - `batch`: Number of calls that travel together; by default as many as take about
                  half a second.
                - `ahead`: Number of calls that are read in advance, at most 10,000.
                - `progress`: True shows the progress; a function is called with a `Progress`
                  instead.

        Raises:
            EngineError: if a worker cannot be used; the message says why.
            ConfigError: if an option is invalid.
        """
        found: Iterator[Any] = _loaders[0]().map_calls(self, iterables, **options)
        return found

    @overload
    def amap(
        self: MappedFunction[..., Coroutine[Any, Any, X]],
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["raise"] = "raise",
        ordered: bool = True,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> AsyncIterator[X]: ...
    @overload
    def amap(
        self: MappedFunction[..., Coroutine[Any, Any, X]],
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["return"],
        ordered: bool = True,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> AsyncIterator[Result[X, Failure]]: ...
    @overload
    def amap(
        self,
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["raise"] = "raise",
        ordered: bool = True,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> AsyncIterator[R_co]: ...
    @overload
    def amap(
        self,
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        engine: Engine | EngineName | None = None,
        errors: Literal["return"],
        ordered: bool = True,
        ahead: int | None = None,
        progress: bool | Callable[[Progress], None] = False,
    ) -> AsyncIterator[Result[R_co, Failure]]: ...
    def amap(
        self, /, *iterables: Iterable[Any] | AsyncIterable[Any], **options: Any
    ) -> AsyncIterator[Any]:
        """As `map`, for `async for`; calls of an `async def` run in this event loop, `ahead` at a time.

        With an engine, or of a plain function, the calls run there, and the event loop goes on.
        Raises as `map` does.

        Args:
            *iterables: As of `map`; they may be asynchronous too.
            **options: As of `map`, without `batch`. For an `async def`, `ahead` is 10 by default.
        """
        found = _loaders[0]().map_calls_async(self, iterables, **options)
        return cast("AsyncIterator[Any]", found)
