"""What the type checkers know of streaming functions."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from provenance.calls.async_streams import AsyncStream
    from provenance.calls.function import CachedFunction
    from provenance.streams.manifest import Resumable
    from provenance.streams.stream import Stream

P = ParamSpec("P")
T = TypeVar("T")


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
