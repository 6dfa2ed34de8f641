"""Functions that are called with a collection and computed for each of its members, whose results are artifacts of their own."""

from __future__ import annotations

import functools
from asyncio import gather
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from inspect import BoundArguments, signature
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

from attrs import evolve

from provenance import environment
from provenance.calls import execute
from provenance.calls.composite import part_cache_key
from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.options import option_error
from provenance.calls.parts import Parts
from provenance.calls.signature import WrappedFunction, inspect_function
from provenance.calls.spec import NO_PARTS, DecoratorOptions, FunctionSpec
from provenance.model.records import NO_OPTIONS
from provenance.results.handles import make_proxy
from provenance.util.formatting import safe_repr, with_article
from provenance.util.naming import exported

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
C_co = TypeVar("C_co", covariant=True)


@exported
class PartitionedFunction(Generic[P, R_co, C_co]):
    """A decorated function that is called with a collection, and runs once for each new member of it.

    `each` is the decorated function of one member: partitions that it computed are hits here, and the other way round.

    Example:
        >>> import provenance as p
        >>> @p.provenance(over="day")
        ... def sold(day: int) -> int:
        ...     return 10 * day
        >>> sum(sold([1, 2]).values()), sold.missing([1, 2, 3])
        (30, (3,))
        >>> sold.each.is_cached(1)
        True
    """

    def __init__(self, each: CachedFunction[P, R_co], over: str) -> None:
        functools.update_wrapper(cast("Callable[..., object]", self), each, updated=())
        self.each = each
        self._over = over

    def __call__(self, /, *args: object, **kwargs: object) -> C_co:
        """Return the `Parts`: the result for each member of the collection, computing those that are not stored.

        Raises:
            TypeError: if the arguments do not fit the signature, or the parameter got no collection of hashable members.
        """
        members, bound = self._split(args, kwargs)
        results = [self.each.__call__(*call.args, **call.kwargs) for call in bound]
        spec = spec_of(self.each)
        if spec.wrapped.is_async:
            return cast("C_co", _collect_async(spec, members, cast("list[Any]", results)))
        return cast("C_co", collect(spec, Parts(dict(zip(members, results, strict=True)))))

    def missing(self, /, *args: object, **kwargs: object) -> tuple[object, ...]:
        """Return the members of the collection that a call would compute."""
        members, bound = self._split(args, kwargs)
        return tuple(
            member
            for member, call in zip(members, bound, strict=True)
            if not self.each.is_cached(*call.args, **call.kwargs)
        )

    def with_options(self, **choices: Any) -> Self:  # noqa: ANN401 - those of `provenance`
        """Return the same function decorated with other options; options not passed have their defaults."""
        return type(self)(self.each.with_options(**choices), self._over)

    def __get__(self, instance: object, owner: type[object] | None = None, /) -> Self:
        bound = self.each.__get__(cast("Any", instance), cast("Any", owner))
        return self if bound is self.each else type(self)(cast("Any", bound), self._over)

    def _split(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[list[object], list[BoundArguments]]:
        """Return the members, each once, and the arguments of the call for each."""
        bound = signature(self.each).bind(*args, **kwargs)
        bound.apply_defaults()
        given: object = bound.arguments[self._over]
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise TypeError(
                f"{self!r} is called with a collection for {self._over!r}, got {with_article(given)}; "
                "pass a list, or call .each(…) for one member"
            )
        members = list(dict.fromkeys(cast("Iterable[object]", given)))
        calls: list[BoundArguments] = []
        for member in members:
            one = bound.signature.bind(*bound.args, **bound.kwargs)
            one.arguments[self._over] = member
            calls.append(one)
        return members, calls

    def __repr__(self) -> str:
        return f"{self.each!r} over {self._over!r}"


async def _collect_async(
    each: FunctionSpec, members: list[object], results: list[Coroutine[Any, Any, object]]
) -> object:
    done = await gather(*results)
    parts: Parts[object] = Parts(dict(zip(members, done, strict=True)))
    return await environment.current().run_in_thread(partial(collect, each), cast("Any", parts))


def collect(each: FunctionSpec, parts: Parts[Any]) -> object:
    """Store *parts* as the artifact that stands for all members; returns its result."""
    options = evolve(
        each.options,
        serializer=None,
        load_kwargs=NO_OPTIONS,
        dump_kwargs=NO_OPTIONS,
        use_cache=True,
    )
    function = inspect_function(_as_it_is)
    wrapped = evolve(
        function,
        module=each.wrapped.module,
        source=each.wrapped.source,
        qualname=each.wrapped.qualname,
    )
    spec = FunctionSpec(wrapped, _plain(options), part_cache_key(each.cache_key, "parts"), {}, {})
    call = execute.prepare(environment.current(), spec, (parts,), {})
    result = cast("Any", execute.execute(evolve(call, as_proxy=True)))
    if call.read_only:
        return cast("object", result)
    # The results at hand can be computed again if they are lost; those of a stored manifest cannot.
    known, origin = result.__provenance_reference__(), result.__provenance_origin__()
    return make_proxy(known, origin, parts, options=call.results)


def _plain(options: DecoratorOptions) -> DecoratorOptions:
    """Return the options that concern parameters of the function without their effect."""
    return evolve(
        options,
        aliases=(),
        merge_defaults=False,
        ignore=frozenset(),
        remove=frozenset(),
        input_hash_fn=None,
        input_process_fn=None,
        archive=None,
        returns_composite=False,
        part_serialization=NO_PARTS,
    )


def _as_it_is(parts: object) -> object:
    return parts


def partition(
    function: CachedFunction[..., Any], wrapped: WrappedFunction, over: object
) -> PartitionedFunction[..., Any, Any]:
    """Return *function* as one that is called with a collection for its parameter *over*.

    Raises:
        ConfigError: if it has no such parameter, or yields.
    """
    refuse = option_error(wrapped)
    if (
        not isinstance(over, str)
        or over not in wrapped.names
        or over in (wrapped.rest, wrapped.extra)
    ):
        known = ", ".join(wrapped.names)
        problem = f"must be the name of a parameter, got {safe_repr(over)}"
        raise refuse("over", problem, f"its parameters are {known}")
    if wrapped.yields:
        raise refuse("over", "cannot be combined with stream", "leave one of them out")
    return PartitionedFunction(function, over)
