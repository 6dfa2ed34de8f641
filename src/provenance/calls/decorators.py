"""The decorator `provenance`, and the decorators that it returns for its options."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from provenance.calls.function import CachedFunction
from provenance.calls.options import CommonOptionArguments, OptionArguments, check_options
from provenance.calls.signature import inspect_function, listing_options

if TYPE_CHECKING:
    from provenance.archives import ArchivedFile
    from provenance.calls.async_streams import AsyncStream
    from provenance.calls.partitions import PartitionedFunction, Parts
    from provenance.streams.stream import Resumable, Stream, Streaming

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Decorator(Protocol):
    """The decorator that `provenance(...)` with options returns.

    Example:
        >>> import provenance as p
        >>> tracked: p.Decorator = p.provenance(tags=["demo"])
        >>> @tracked
        ... def double(n: int) -> int:
        ...     return 2 * n
        >>> double.artifact(2).tags
        ('demo',)
    """

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


@overload
def provenance(function: Callable[P, R], /) -> CachedFunction[P, R]: ...
@overload
def provenance(
    *, archive_file: Literal[True], **choices: Unpack[CommonOptionArguments]
) -> FileDecorator: ...
@overload
def provenance(
    *, stream: Literal[True] | Streaming, **choices: Unpack[CommonOptionArguments]
) -> StreamDecorator: ...
@overload
def provenance(*, over: str, **choices: Unpack[CommonOptionArguments]) -> PartitionDecorator: ...
@overload
def provenance(
    *,
    archive_file: Literal[False] = False,
    stream: Literal[False] = False,
    **choices: Unpack[CommonOptionArguments],
) -> Decorator: ...
@listing_options(OptionArguments.__annotations__)
def provenance(
    function: Callable[..., object] | None = None, /, **choices: Unpack[OptionArguments]
) -> object:
    """Decorate a pure function, so that each result is computed once and traced to its inputs.

    Args:
        function: The function, if the decorator is used without parentheses.
        **choices: The options, all by keyword:

            - `version`: Non-negative integer, default 0; increase it when the function's results
              change.
            - `repo`: Repository or its name; by default that of the environment.
            - `name`: Name of the artifacts; by default module and qualified name. Functions with the
              same chosen name share their artifacts.
            - `aliases`: Names that the function had before, chosen or `module.name`: what was recorded
              under them is found, so that a rename loses nothing.
            - `merge_defaults`: True, or names of parameters: dictionaries passed to them are completed
              from their default dictionaries.
            - `ignore`: Parameters or captured variables that are recorded but do not affect the id.
            - `remove`: Parameters or captured variables that are neither hashed nor recorded.
            - `files`: Parameters that name files or folders, whose contents affect the id.
            - `input_hash_fn`: Maps `{'kargs': {name: hash}, 'varargs': (hash, …)}` to what the id is
              derived from.
            - `input_process_fn`: Maps `{'kargs': {name: value}, 'varargs': (value, …)}` to what is
              hashed and recorded.
            - `archive_file`: True if the function returns the path of a file: its bytes are stored, and
              the result is an `ArchivedFile`.
            - `delete_original_file`: True deletes the returned file once it is stored.
            - `preserve_file_ext`: True makes the file's extension part of its value.
            - `custom_fields`: JSON to search by.
            - `tags`: Strings to search by; they are added to `custom_fields` under `tags`.
            - `serializer`: Name of the serializer of the result; by default its type decides.
            - `load_kwargs`: Keyword arguments of the serializer's load function.
            - `dump_kwargs`: Keyword arguments of the serializer's dump function.
            - `use_cache`: False computes and records each time; None defers to the environment.
            - `read_only`: True looks up but stores nothing; None defers to the environment.
            - `results`: "values" returns every result read and without a proxy; "proxies" is the
              default.
            - `arguments`: "proxies" passes results to the function unread; "values" is the default.
            - `singletons`: "proxy" returns proxies of `None`, `True`, classes and the like; "values",
              the default, returns them as they are, without an artifact.
            - `stream`: True, or a `Streaming`, for a generator function: the items that it yields are
              stored in chunks, and the result is a `Stream` (of an `async def`, an `AsyncStream`).
            - `over`: Name of a parameter that gets a collection: the function runs once for each new
              member, and the result is a `Parts`.
            - `lazy`: True returns a lazy proxy of any result, which is read on first use.
            - `on_code_change`: What a hit does if the code behind it has changed: "warn", "ignore",
              "raise" or "recompute"; None defers to the environment.
            - `sensitive_to`: Distributions whose version counts as code, such as "numpy:minor".
            - `shadow`: Share of hits that are computed again beside the call, or a `Shadow`.
            - `expires_after`: A timedelta: a result that is older is computed again.
            - `valid_if`: A function of the stored artifact: if it is false, as above.
            - `pure`: "caches" accepts a function that adds attributes to its arguments, as what
              computes once and keeps does; "strict", the default, refuses every change.
            - `returns_composite`: True if the function returns a mapping, each of whose values becomes
              an artifact of its own, named `name_key`. All are stored together, and each is read
              when it is used. `serializer` may then be a mapping from key to name, and
              `load_kwargs` and `dump_kwargs` mappings from key to keyword arguments.

    Returns:
        A `CachedFunction`, with the function's name, docstring and signature.

    Raises:
        ConfigError: if an option is invalid, or the function yields and `stream` is not set.

    Example:
        >>> import provenance as p
        >>> @p.provenance(version=1, tags=["demo"])
        ... def squares(n: int) -> list[int]:
        ...     print("computing")
        ...     return [i * i for i in range(n)]
        >>> sum(squares(3))
        computing
        5
        >>> sum(squares(3))
        5
    """
    if function is None:
        return functools.partial(_decorate, choices)
    return _decorate(choices, function)


def _decorate(choices: OptionArguments, function: object) -> object:
    if isinstance(function, classmethod | staticmethod):
        kind = cast("Callable[[object], object]", type(cast("object", function)))
        return kind(_decorate(choices, cast("Any", function).__func__))
    wrapped = cast("Callable[..., object]", function)
    subject = inspect_function(wrapped)
    options = choices.copy()
    over = options.pop("over", None)
    decorated: CachedFunction[..., object]
    decorated = CachedFunction(wrapped, subject, check_options(subject, options))
    if over is None:
        return decorated
    from provenance.calls.partitions import partition

    return partition(decorated, subject, over)
