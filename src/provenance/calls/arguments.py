"""Decorators that check or complete the arguments of functions, with `@provenance` or without.

Above `@provenance` they see each call. Below it they are part of the function, and run only if a
result is computed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter
from types import FunctionType
from typing import Any, Final, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from attrs import frozen

from provenance.calls.signature import (
    WrappedFunction,
    inspect_function,
    merge_call_arguments,
    parameter_without_dictionary,
)
from provenance.errors import ConfigError, ProxyExpectedError
from provenance.model.references import is_proxy
from provenance.model.tracked import proxy_of_tracked
from provenance.util.formatting import safe_repr

P = ParamSpec("P")
R = TypeVar("R")

AnyFunction: TypeAlias = "Callable[..., Any]"
_CHECK: Final = "__provenance_check__"
_SUBJECT: Final = "__provenance_subject__"
"""Attributes of a wrapper; captured variables would count as inputs of the function."""


class ArgumentDecorator(Protocol):
    """The decorator that `ensure_proxies(...)` and `merge_defaults(...)` return.

    Example:
        >>> import provenance as p
        >>> completed: p.ArgumentDecorator = p.merge_defaults("config")
        >>> @completed
        ... def depth(config: dict[str, int] = {"depth": 3, "trees": 10}) -> int:
        ...     return config["depth"] * config["trees"]
        >>> depth({"depth": 5})
        50
    """

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Decorate *function*; raise `ConfigError` for parameters that it does not have."""
        ...


@overload
def ensure_proxies(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def ensure_proxies(*parameters: str) -> ArgumentDecorator: ...
def ensure_proxies(*parameters: object) -> object:
    """Decorate a function so that the named parameters accept only proxies of artifacts.

    That keeps lineage complete: all arguments were computed by decorated functions. A list, tuple,
    set or dictionary is accepted if all its members (of a dictionary, its values) are, at any
    depth. Defaults are not checked.

    Args:
        *parameters: names of parameters; `*args` and `**kwargs` are named like others, and mean
            each argument in them. Without names, all parameters but `self` and `cls` are checked.

    Returns:
        The decorator.

    Raises:
        ConfigError: when decorating, if the function has no such parameter.
        ProxyExpectedError: at the call, for plain values; a TypeError that names them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... @p.ensure_proxies("data")
        ... def total(data: list[int]) -> int:
        ...     return sum(data)
        >>> total([1, 2])
        Traceback (most recent call last):
        ...
        provenance.errors.ProxyExpectedError: ...
    """
    return _with_parameters("ensure_proxies", _ensuring, parameters)


@overload
def merge_defaults(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def merge_defaults(*parameters: str) -> ArgumentDecorator: ...
def merge_defaults(*parameters: object) -> object:
    """Decorate a function so that dictionaries passed to it are completed from the default ones.

    Neither the default nor the argument is changed. It is the option `merge_defaults` of
    `@provenance` as a decorator: above `@provenance`, the completed dictionaries determine the
    artifact's id, as with the option.

    Args:
        *parameters: names of parameters, by default all with a dictionary as their default.

    Returns:
        The decorator.

    Raises:
        ConfigError: when decorating, if the default of a named parameter is not a dictionary.

    Example:
        >>> import provenance as p
        >>> @p.merge_defaults()
        ... def train(config: dict[str, float] = {"rate": 0.1, "depth": 3}) -> dict[str, float]:
        ...     return config
        >>> train({"depth": 5})
        {'rate': 0.1, 'depth': 5}
    """
    return _with_parameters("merge_defaults", _merging, parameters)


_Make: TypeAlias = "Callable[[AnyFunction, tuple[str, ...]], AnyFunction]"


def _with_parameters(name: str, make: _Make, parameters: tuple[object, ...]) -> object:
    """Return the decorator, or the decorated function if it is used without parentheses."""
    if len(parameters) == 1 and (callable(parameters[0]) or hasattr(parameters[0], "__func__")):
        return _decorate(make, (), parameters[0])
    names = tuple(parameter for parameter in parameters if isinstance(parameter, str))
    if len(names) < len(parameters):
        problem = f"parameters must be strings, got {safe_repr(parameters)}"
        raise ConfigError(f"@{name}", problem, "pass the names of parameters")
    return functools.partial(_decorate, make, names)


def _decorate(make: _Make, parameters: tuple[str, ...], function: object) -> object:
    if isinstance(function, classmethod | staticmethod):
        inner = cast("Any", function).__func__
        kind = cast("Callable[[object], object]", type(cast("object", function)))
        return kind(_decorate(make, parameters, inner))
    return make(cast("AnyFunction", function), parameters)


def _awaits(function: AnyFunction) -> bool:
    return isinstance(function, FunctionType) and inspect.iscoroutinefunction(function)


# ---------------------------------------------------------------- proxies


@frozen
class _Check:
    """A check that arguments are proxies: those of *names*, or all but *exempt* ones."""

    label: str
    names: tuple[str, ...]
    exempt: tuple[str, ...]
    positional: tuple[str, ...]
    named: frozenset[str]
    rest: str | None
    extra: str | None

    def __call__(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Raise `ProxyExpectedError` for plain values."""

        def is_checked(parameter: str | None) -> bool:
            return parameter in self.names if self.names else parameter not in {None, *self.exempt}

        plain = [
            label
            for parameter, label, value in self._arguments(args, kwargs)
            if is_checked(parameter) and _is_plain(value)
        ]
        if plain:
            raise ProxyExpectedError(self.label, plain)

    def _arguments(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Iterator[tuple[str | None, str, object]]:
        """Yield parameter, label and value of each argument.

        The call itself refuses what does not fit.
        """
        for name, value in zip(self.positional, args, strict=False):
            yield name, name, value
        if self.rest is not None:
            for i, value in enumerate(args[len(self.positional) :]):
                yield self.rest, f"{self.rest}[{i}]", value
        for name, value in kwargs.items():
            yield name if name in self.named or name in self.names else self.extra, name, value


def _check_of(function: AnyFunction, names: tuple[str, ...]) -> _Check:
    label = inspect_function(function).label
    parameters = inspect.signature(function).parameters
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    positional = tuple(name for name, kind in kinds.items() if kind <= kind.POSITIONAL_OR_KEYWORD)
    by_keyword = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
    named = frozenset(name for name, kind in kinds.items() if kind in by_keyword)
    rest = next((name for name, kind in kinds.items() if kind is kind.VAR_POSITIONAL), None)
    extra = next((name for name, kind in kinds.items() if kind is kind.VAR_KEYWORD), None)
    unknown = sorted({*names} - kinds.keys())
    if unknown and extra is None:
        problem = f"function has no parameter {unknown[0]!r}"
        advice = f"its parameters are {', '.join(kinds) or 'none'}"
        raise ConfigError(f"@ensure_proxies on {label}", problem, advice)
    exempt = tuple(name for name in positional[:1] if name in {"self", "cls"})
    return _Check(label, names, exempt, positional, named, rest, extra)


def _is_plain(value: object) -> bool:
    if is_proxy(value) or proxy_of_tracked(value) is not None:
        return False
    if isinstance(value, Mapping):
        return any(map(_is_plain, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_is_plain, cast("list[object]", value)))
    return True


def _ensuring(function: AnyFunction, names: tuple[str, ...]) -> AnyFunction:
    wrapper = (_check_call_async if _awaits(function) else _check_call)(function)
    vars(wrapper)[_CHECK] = _check_of(function, names)
    return wrapper


# The wrappers are made by functions of their own, as what they capture counts as an input.
def _check_call(function: AnyFunction) -> AnyFunction:
    @functools.wraps(function)
    def checked(*args: object, **kwargs: object) -> object:
        vars(checked)[_CHECK](args, kwargs)
        return function(*args, **kwargs)

    return checked


def _check_call_async(function: AnyFunction) -> AnyFunction:
    @functools.wraps(function)
    async def checked(*args: object, **kwargs: object) -> object:
        vars(checked)[_CHECK](args, kwargs)
        return await function(*args, **kwargs)

    return checked


# ---------------------------------------------------------------- dictionaries


def _merging(function: AnyFunction, names: tuple[str, ...]) -> AnyFunction:
    wrapped = inspect_function(function)
    if (name := parameter_without_dictionary(wrapped, names)) is not None:
        path = f"@merge_defaults on {wrapped.label}"
        raise ConfigError(path, f"the default of {name!r} is not a dictionary", "leave it out")
    # A function decorated by `@provenance` merges with regard to artifacts.
    option: Callable[[bool | tuple[str, ...]], AnyFunction] | None = getattr(
        function, "__provenance_merging__", None
    )
    if option is not None:
        return option(names or True)
    chosen = {name: wrapped.defaults[name] for name in names or wrapped.defaults}
    defaults: dict[str, object] = {
        name: default for name, default in chosen.items() if isinstance(default, dict)
    }
    wrapper = (_merge_call_async if _awaits(function) else _merge_call)(function, defaults)
    vars(wrapper)[_SUBJECT] = wrapped
    return wrapper


def _merge_call(function: AnyFunction, defaults: Mapping[str, object]) -> AnyFunction:
    """Return a wrapper that completes dictionaries.

    It captures *defaults*, which makes them inputs of the function.
    """

    @functools.wraps(function)
    def merged(*args: object, **kwargs: object) -> object:
        wrapped: WrappedFunction = vars(merged)[_SUBJECT]
        args, kwargs = merge_call_arguments(wrapped, defaults, args, kwargs)
        return cast("object", wrapped.function(*args, **kwargs))

    return merged


def _merge_call_async(function: AnyFunction, defaults: Mapping[str, object]) -> AnyFunction:
    @functools.wraps(function)
    async def merged(*args: object, **kwargs: object) -> object:
        wrapped: WrappedFunction = vars(merged)[_SUBJECT]
        args, kwargs = merge_call_arguments(wrapped, defaults, args, kwargs)
        return cast("object", await wrapped.function(*args, **kwargs))

    return merged
