"""The decorators that `provenance(...)` returns, as the type checkers know them."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

if TYPE_CHECKING:
    from provenance.archives import ArchivedFile
    from provenance.calls.async_streams import AsyncStream
    from provenance.calls.function import CachedFunction
    from provenance.calls.partitions import PartitionedFunction
    from provenance.calls.parts import Parts
    from provenance.streams.manifest import Resumable
    from provenance.streams.stream import Stream

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def listing_options(names: Iterable[str]) -> Callable[[F], F]:
    """Return a decorator that names the options in a signature, for consoles and notebooks that complete them."""
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=...) for name in names
    ]

    def decorate(function: F) -> F:
        known = inspect.signature(function)
        others = [each for each in known.parameters.values() if each.kind != each.VAR_KEYWORD]
        cast("Any", function).__signature__ = known.replace(parameters=[*others, *options])
        return function

    return decorate


class Decorator(Protocol):
    """The decorator that `provenance(...)` with options returns."""

    def __call__(self, function: Callable[P, R], /) -> CachedFunction[P, R]:
        """Decorate *function*; raise `ConfigError` for an invalid option."""
        ...


class FileDecorator(Protocol):
    """The decorator that `provenance(archive_file=True, ...)` returns."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a coroutine is an object too, and meant to go first
        self, function: Callable[P, Coroutine[Any, Any, object]], /
    ) -> CachedFunction[P, Coroutine[Any, Any, ArchivedFile]]: ...
    @overload
    def __call__(self, function: Callable[P, object], /) -> CachedFunction[P, ArchivedFile]: ...
    def __call__(self, function: Callable[..., object], /) -> object:
        """Decorate a function that returns a path; raise `ConfigError` for an invalid option."""
        ...


class StreamDecorator(Protocol):
    """The decorator that `provenance(stream=True, ...)` returns."""

    @overload
    def __call__(
        self, function: Callable[P, AsyncIterable[Resumable[T]]], /
    ) -> CachedFunction[P, AsyncStream[T]]: ...
    @overload
    def __call__(
        self, function: Callable[P, AsyncIterable[T]], /
    ) -> CachedFunction[P, AsyncStream[T]]: ...
    @overload
    def __call__(
        self, function: Callable[P, Iterable[Resumable[T]]], /
    ) -> CachedFunction[P, Stream[T]]: ...
    @overload
    def __call__(self, function: Callable[P, Iterable[T]], /) -> CachedFunction[P, Stream[T]]: ...
    def __call__(self, function: Callable[..., object], /) -> object:
        """Decorate a generator function; raise `ConfigError` for an invalid option."""
        ...


class PartitionDecorator(Protocol):
    """The decorator that `provenance(over=..., ...)` returns."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a coroutine is an object too, and meant to go first
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> PartitionedFunction[P, Coroutine[Any, Any, R], Coroutine[Any, Any, Parts[R]]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> PartitionedFunction[P, R, Parts[R]]: ...
    def __call__(self, function: Callable[..., object], /) -> object:
        """Decorate a function of one member; raise `ConfigError` for an invalid option."""
        ...
