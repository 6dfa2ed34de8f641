"""The function that the decorator makes: callable like the original, and pickled by name."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from attrs import evolve

from provenance import environment
from provenance.calls import execute, hits, pickling, straight
from provenance.calls.many import MappedFunction
from provenance.calls.options import OptionArguments, check_options
from provenance.calls.plan import CallPlan, PlannedCall, plan_call
from provenance.calls.signature import (
    WrappedFunction,
    inspect_function,
    listing_options,
    public_attributes,
)
from provenance.calls.spec import (
    DecoratorOptions,
    FunctionSpec,
    cache_key_of,
    make_spec,
    represent_function,
)
from provenance.effect import run
from provenance.events import CodeChange, MissReason
from provenance.hashing import hash_value
from provenance.model.ids import ArtifactId, main_name
from provenance.model.records import Artifact
from provenance.receipts.receipt import LazyReceipt, Receipt
from provenance.repository import programs
from provenance.results.bodies import close_call
from provenance.results.handles import artifact_of
from provenance.util.naming import exported

if TYPE_CHECKING:
    from returns.future import FutureResult
    from returns.io import IOResult

    from provenance.calls.async_streams import AsyncStream
    from provenance.calls.draft import Call
    from provenance.calls.why import Explanation
    from provenance.streams.stream import Stream

P = ParamSpec("P")
Q = ParamSpec("Q")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
X = TypeVar("X")


_register_function: Final[Callable[[object], object] | None] = getattr(
    inspect, "markcoroutinefunction", None
)
"""Marks an object as `async def` for `inspect`, from Python 3.12.

Before, only asyncio has a mark.
"""


class _OfClass(Protocol[S_contra, Q, R_co]):
    """What takes a class first, as below `@classmethod`."""

    def __call__(self, cls: type[S_contra], /, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...


@exported
class CachedFunction(MappedFunction[P, R_co], Generic[P, R_co]):
    """A decorated function: a call looks the result up, or computes, stores and records it.

    If the function is an `async def`, calls are awaited, as are `artifact` and `recompute`.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> squares.is_cached(3), sum(squares(3)), squares.is_cached(3)
        (False, 5, True)
    """

    __name__: str
    __qualname__: str

    def __init__(
        self, function: Callable[..., object], wrapped: WrappedFunction, options: DecoratorOptions
    ) -> None:
        self._decorate(function, wrapped, options)

    def _decorate(
        self, function: Callable[..., object], wrapped: WrappedFunction, options: DecoratorOptions
    ) -> None:
        functools.update_wrapper(cast("Callable[..., object]", self), function, updated=())
        self.__dict__.update(public_attributes(function, dir(CachedFunction)))
        # Of a bound method it takes `self` too; `stream` and `archive_file` make something else of its result.
        self.__wrapped__: Callable[..., R_co] = cast("Callable[..., R_co]", function)
        self._subject = wrapped
        self._options = options
        self._perform = _performer(wrapped, options)
        if self._is_coroutine_function and _register_function is not None:
            _register_function(self)

    @property
    def _is_coroutine_function(self) -> bool:
        return self._subject.is_async and not self._subject.yields

    @functools.cached_property
    def _recipe(self) -> FunctionSpec:
        """What all calls share; captured values are hashed when the first call is planned."""
        return make_spec(self._subject, self._options, self, self._receipt)

    @functools.cached_property
    def _receipt(self) -> LazyReceipt:
        return LazyReceipt(self._subject.function, self._options.sensitive_to)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Return a proxy of the result, computed once for each combination of inputs.

        Raises:
            ImpureFunctionError: if the function changed its arguments; nothing is recorded.
            UnhashableValueError: if an argument has no content to hash; nothing was run.
            UnserializableValueError: if the result cannot be stored; the error holds it.
            StoreUnavailableError: if a store fails; the error holds the result if it was computed.
        """
        call = execute.prepare(environment.current(), self._recipe, args, kwargs)
        result: R_co = self._perform(call)
        return result

    def recompute(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the function with these arguments again, replace what is stored, and return the result.

        Raises as the call does; what is stored stays if the function fails.
        """
        call = self._prepare(args, kwargs)
        result: R_co = self._perform(evolve(call, reason=MissReason.REQUESTED))
        return result

    def _prepare(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        return execute.prepare(environment.current(), self._recipe, args, kwargs)

    @overload
    def artifact(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
        self: CachedFunction[P, Coroutine[Any, Any, X]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, Artifact[X]]: ...
    @overload
    def artifact(  # type: ignore[overload-overlap]  # as above
        self: CachedFunction[P, AsyncStream[X]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, Artifact[Stream[X]]]: ...
    @overload
    def artifact(self, /, *args: P.args, **kwargs: P.kwargs) -> Artifact[R_co]: ...
    def artifact(self, /, *args: P.args, **kwargs: P.kwargs) -> object:
        """Return the artifact of a call, computing it if it is not stored.

        Raises as the call does.
        """
        call = self._prepare(args, kwargs)
        result: object = self._perform(evolve(call, as_proxy=True))
        if self._subject.is_async:
            return _await_artifact(cast("Awaitable[object]", result))
        return artifact_of(result)

    @overload
    def attempt(  # type: ignore[overload-overlap]  # a coroutine is a result too, and meant to go first
        self: CachedFunction[P, Coroutine[Any, Any, X]], /, *args: P.args, **kwargs: P.kwargs
    ) -> FutureResult[X, Exception]: ...
    @overload
    def attempt(self, /, *args: P.args, **kwargs: P.kwargs) -> IOResult[R_co, Exception]: ...
    def attempt(self, /, *args: P.args, **kwargs: P.kwargs) -> object:
        """Call the function and return an `IOSuccess` or `IOFailure`.

        A failure holds the `Exception` of the function or the library, also a TypeError for
        arguments that do not fit. For an `async def` it is a `FutureResult`, to be awaited.
        """
        from returns.future import future_safe
        from returns.io import impure_safe

        if self._is_coroutine_function:
            call = cast("Callable[..., Coroutine[Any, Any, object]]", self)
            return future_safe(lambda: call(*args, **kwargs))()
        return impure_safe(lambda: self(*args, **kwargs))()

    def plan(self, /, *args: P.args, **kwargs: P.kwargs) -> CallPlan:
        """Return the plan of a call. Nothing is looked up, run or stored.

        Raises:
            TypeError: if the arguments do not fit the function's signature.
            UnhashableValueError: if an argument has no content to hash.
        """
        return plan_call(self._recipe, args, kwargs)

    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> PlannedCall[R_co]:
        """Return the planned call, for `gather`; raises as `plan` does, and runs nothing."""
        given, keywords = close_call(args, kwargs)
        plan = plan_call(self._recipe, given, keywords)
        return PlannedCall(plan, self._recipe, given, keywords, self)

    def artifact_id(self, /, *args: P.args, **kwargs: P.kwargs) -> ArtifactId:
        """Return the id of the artifact that a call computes; raises as `plan` does."""
        return self.plan(*args, **kwargs).artifact_id

    def is_cached(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Tell whether a call is a hit: its result is stored, also under an alias, and is not too old.

        Raises as `plan` does.
        """
        call = self._prepare(args, kwargs)
        found = run(programs.probe_first(call.ids), call.repo.interpreter)
        return found is not None and hits.would_hit(call, found.record)

    def why(self, /, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Explain why a call is a hit or a miss, by the nearest recorded one; raises as `plan` does."""
        from provenance.calls.why import explain_call  # loads much that calls do not need

        return explain_call(self._prepare(args, kwargs))

    def forget(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Delete a call's artifact, and the parts of a composite; return False if there was none.

        What is stored under an alias is deleted too. Raises as `plan` does.
        """
        call, was_there = self._prepare(args, kwargs), False
        for artifact_id in call.ids:
            was_there |= run(programs.forget_with_parts(artifact_id), call.repo.interpreter)
        return was_there

    def accept(self, note: str = "") -> tuple[CodeChange, ...]:
        """Record that the changes of the code so far make no difference to stored results.

        Hits of what earlier code computed are as good as those of the code of now, in every process.
        Returns what has changed.

        Args:
            note: why the changes make no difference; it is recorded with the user's name.
        """
        repo = environment.current().repository(self._options.repo)
        names = self.__provenance_names__()
        hits.accept_differences(self._recipe.cache_key.scope or self._recipe.cache_key.name)
        return run(hits.accept_changes(self._recipe, names, note), repo.interpreter)

    @listing_options(OptionArguments.__annotations__)
    def with_options(self, **choices: Unpack[OptionArguments]) -> Self:
        """Return the same function decorated with other options.

        Args:
            **choices: The options of `provenance`; those that are not passed have their defaults.

        Raises:
            ConfigError: as `provenance` does.
        """
        return self._decorated_with(check_options(self._subject, choices))

    def _decorated_with(self, options: DecoratorOptions) -> Self:
        """Return the same function with other options; if they choose no repository, it belongs where this one does."""
        other = type(self)(self.__wrapped__, self._subject, options)
        vars(other)["_receipt"] = self._receipt.with_libraries(options.sensitive_to)
        home: pickling.Home | None = vars(self).get("_home")
        if home is not None and options.repo == self._options.repo is None:
            other.__provenance_belongs__(home)
        return other

    def value_repr(self) -> object:
        """Return what represents the function in hashes: name, version and captured values.

        A function that captures itself, even through others, is represented by its distance up the
        chain of functions, so that the hash is the same in every process.
        """
        return represent_function(self._subject, self._options, self)

    def __dask_tokenize__(self) -> tuple[str, str, str]:
        """Return what stands for the function in keys of Dask: its identity, and its code."""
        return "provenance.function", hash_value(self.value_repr()), self._recipe.receipt.digest

    def __provenance_names__(self) -> tuple[str, ...]:
        """Return the names of the function's artifacts, that of now and earlier ones."""
        return cache_key_of(self._subject, self._options).name, *self._options.aliases

    def __provenance_merging__(self, chosen: bool | tuple[str, ...]) -> Self:
        """Return the same function with the option `merge_defaults` extended by *chosen*."""
        before = self._options.merge_defaults
        both = True if chosen is True or before is True else (*(before or ()), *(chosen or ()))
        return self._decorated_with(evolve(self._options, merge_defaults=both))

    def __provenance_bound__(self, value: object, artifact: object) -> Self:
        """Return this method bound to the *artifact* of its object, to record it as an input."""
        first, *others = self._subject.args or (None,)
        return self._with_args((artifact, *others)) if first is value else self

    def _with_args(self, args: tuple[object, ...]) -> Self:
        wrapped = evolve(self._subject, args=args)
        bound = type(self).__new__(type(self))
        # Captured values are hashed once for all instances.
        spec = evolve(self._recipe, wrapped=wrapped)
        bound.__dict__.update(self.__dict__, _subject=wrapped, _recipe=spec)
        return bound

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Return the signature without bound arguments, or asyncio's mark of an `async def`.

            Without a signature of its own, `inspect` takes the function for a builtin.
            """
            marks = name == "_is_coroutine" and _register_function is None
            if marks and self._is_coroutine_function:
                return sys.modules["asyncio.coroutines"]._is_coroutine  # noqa: SLF001 - so asyncio marks its own
            if name != "__signature__":
                problem = f"a decorated function has no attribute {name!r}"
                raise AttributeError(problem, name=name, obj=self)
            wrapped = self._subject
            if not wrapped.args:
                return inspect.signature(self.__wrapped__)
            bound = functools.partial(wrapped.function, *wrapped.args, **wrapped.keywords)
            return inspect.signature(bound)

    # Below `@classmethod`, as type checkers see through that.
    @overload
    def __get__(
        self: _OfClass[S, Q, R_co],
        instance: S | None,
        owner: type[S] | None = None,
        /,
    ) -> CachedFunction[Q, R_co]: ...
    @overload
    def __get__(self, instance: None, owner: type[object], /) -> Self: ...
    @overload
    def __get__(
        self: CachedFunction[Concatenate[S, Q], R_co],
        instance: S,
        owner: type[object] | None = None,
        /,
    ) -> CachedFunction[Q, R_co]: ...
    # Below `@staticmethod`, as above.
    @overload
    def __get__(self, instance: object, owner: type[object] | None = None, /) -> Self: ...
    def __get__(self, instance: object, owner: type[object] | None = None, /) -> object:
        bind: Callable[..., object] | None = getattr(type(self.__wrapped__), "__get__", None)
        # Callable objects, and before Python 3.14 partials, are not bound to instances.
        if instance is None or bind is None:
            return self
        if bind(self.__wrapped__, instance, owner) is self.__wrapped__:
            return self
        return self._with_args((instance, *self._subject.args))

    def __reduce__(self) -> str | tuple[object, ...]:
        """Pickle by name if the name leads here, else as the function and its options."""
        if pickling.is_for_pool():
            return pickling.reduce_for_pool(self)
        return self.__provenance_reduce__()

    def __provenance_belongs__(self, home: pickling.Home) -> None:
        """Refuse calls in this process that would use another repository than the sender of the function."""
        self._home = home
        self._perform = self._perform_at_home

    def __provenance_permit__(self, call: Call) -> None:
        """Raise an EngineError if the process that sent the function here would not find the result of *call*."""
        pickling.refuse_elsewhere(call, vars(self).get("_home"))

    def _perform_at_home(self, call: Call) -> Any:  # noqa: ANN401 - as `_perform`
        self.__provenance_permit__(call)
        return _performer(self._subject, self._options)(call)

    def __provenance_reduce__(self) -> str | tuple[object, ...]:
        """Return what pickles say of the function."""
        path, module = str(vars(self).get("__qualname__", "")), str(vars(self).get("__module__"))
        args, found = self._subject.args, pickling.named(module, path)
        each: object = getattr(found, "each", None)
        if isinstance(each, CachedFunction) and each.__wrapped__ is self.__wrapped__:
            # The name is that of a function over a collection, which the option `over` made.
            path, found = f"{path}.each", cast("object", each)
        if found is self:
            # In another process `__main__` may be another module.
            if main_name(module) == "__main__":
                others = args, self._options, self._subject.source, self._receipt_to_send()
                return pickling.reduce_with_code(self, path, self.__wrapped__, others)
            return path if each is not self else (pickling.restore_by_name, (module, path))
        if not isinstance(found, CachedFunction) or found.__wrapped__ is not self.__wrapped__:
            found = None
        elif args and found._options == self._options:  # noqa: SLF001 - it is of this class
            name = ".".join(path.split(".")[-2 if found is each else -1 :])
            return operator.attrgetter(name), (args[0],)  # a bound method
        known = cast("object", found or self.__wrapped__)
        plain = known, args, self._options
        if main_name(module) == "__main__":
            return restore_function, (*plain, self._receipt_to_send())
        return restore_function, plain

    def _receipt_to_send(self) -> Receipt | None:
        """Return the receipt for a process that has no source of the function, or another one."""
        place = environment.chosen()
        return self._receipt.to_send(with_sources=place is None or place.record_sources)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        function, args, options, source, receipt = cast(
            "tuple[Callable[..., object], tuple[object, ...], DecoratorOptions, str, Receipt | None]",
            state,
        )
        wrapped = evolve(inspect_function(function), args=args, source=source)
        self._decorate(function, wrapped, options)
        self._receipt = LazyReceipt(function, options.sensitive_to, receipt)

    def __repr__(self) -> str:
        return f"<provenance of {self._subject.label}>"


@exported
def restore_function(
    function: Callable[..., object],
    args: tuple[object, ...],
    options: DecoratorOptions,
    receipt: Receipt | None = None,
) -> CachedFunction[..., object]:
    """Unpickle a decorated function that no name leads to, but perhaps to one with other options. Pickles name this function."""
    if isinstance(function, CachedFunction):
        function = function.__wrapped__
    made: CachedFunction[..., object]
    made = CachedFunction(function, evolve(inspect_function(function), args=args), options)
    vars(made)["_receipt"] = LazyReceipt(function, options.sensitive_to, receipt)
    return made


async def _await_artifact(result: Awaitable[object]) -> Artifact[object]:
    return artifact_of(await result)


def spec_of(function: CachedFunction[..., object]) -> FunctionSpec:
    """Return what all calls of a decorated function share; raise TypeError for anything else."""
    if not isinstance(cast("object", function), CachedFunction):
        advice = "decorate it with @provenance"
        raise TypeError(f"expected a decorated function, got {function!r}; {advice}")
    return function._recipe  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it is of this module


def is_async(function: CachedFunction[..., object]) -> bool:
    """Tell whether *function* is a decorated `async def`."""
    return isinstance(cast("object", function), CachedFunction) and function._subject.is_async  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it is of this module


def _performer(wrapped: WrappedFunction, options: DecoratorOptions) -> Callable[[Call], Any]:
    """Return what carries out the calls of a function."""
    if options.streaming is None:
        if wrapped.is_async:
            return execute.execute_async
        return functools.partial(execute.execute, compute=straight.compute_for(options))
    if wrapped.is_async:
        from provenance.calls.async_streams import AsyncStream

        return AsyncStream
    from provenance.calls.production import start_stream

    return functools.partial(execute.execute, compute=start_stream)
