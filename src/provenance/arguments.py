"""Decorators for the arguments of functions, decorated by `provenance` or not: checked, or completed.

Above `@provenance` they see each call; below it they are part of the function, and see only what is computed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, Final, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from attrs import frozen

from provenance.binding import Subject, completed_call, subject_of, without_dictionary
from provenance.errors import ConfigError, ProxyExpectedError
from provenance.proxy import is_proxy
from provenance.showing import shown

P = ParamSpec("P")
R = TypeVar("R")

AnyFunction: TypeAlias = "Callable[..., Any]"
_CHECK: Final = "__provenance_check__"
_SUBJECT: Final = "__provenance_subject__"
"""Attributes of a wrapper, as what it captures would count as an input of the function."""


class ArgumentDecorator(Protocol):
    """What `ensure_proxies(...)` and `merge_defaults(...)` with parameters return."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Decorate *function*; raises `ConfigError` for parameters that it does not have."""
        ...


@overload
def ensure_proxies(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def ensure_proxies(*parameters: str) -> ArgumentDecorator: ...
def ensure_proxies(*parameters: object) -> object:
    """Decorate a function so that the named parameters (all if none are) take proxies of artifacts only.

    That keeps lineage whole: what is passed was made by a decorated function. `*args` and `**kwargs` are named like other
    parameters, and mean each argument in them. A list, tuple, set or dictionary will do if all its members (a dictionary's
    values) do, at any depth. Defaults are the function's own and are not checked; `self` and `cls` only if named.

    Raises:
        ConfigError: where it decorates, if there is no such parameter.
        ProxyExpectedError: at the call, for plain values; it is a TypeError, and names them.
    """
    return _with_parameters("ensure_proxies", _ensuring, parameters)


@overload
def merge_defaults(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def merge_defaults(*parameters: str) -> ArgumentDecorator: ...
def merge_defaults(*parameters: object) -> object:
    """Decorate a function so that dictionaries passed for the named parameters are completed from their default ones.

    If none are named, that holds for all parameters with a dictionary as their default. Neither the default nor what is
    passed is changed. It is the option `merge_defaults` of `@provenance` as a decorator: above `@provenance` calls are
    told apart by the completed dictionaries, as with the option.

    Raises:
        ConfigError: where it decorates, if a named parameter has no dictionary as its default.
    """
    return _with_parameters("merge_defaults", _merging, parameters)


_Make: TypeAlias = "Callable[[AnyFunction, tuple[str, ...]], AnyFunction]"


def _with_parameters(name: str, make: _Make, parameters: tuple[object, ...]) -> object:
    """The decorated function where the decorator is used without parentheses, else the decorator."""
    if len(parameters) == 1 and (callable(parameters[0]) or hasattr(parameters[0], "__func__")):
        return _decorated(make, (), parameters[0])
    names = tuple(each for each in parameters if isinstance(each, str))
    if len(names) < len(parameters):
        raise ConfigError(f"@{name}", f"{shown(parameters)} are not all strings", "name parameters by strings")
    return functools.partial(_decorated, make, names)


def _decorated(make: _Make, parameters: tuple[str, ...], function: object) -> object:
    if isinstance(function, classmethod | staticmethod):
        inner = cast("Any", function).__func__
        kind = cast("Callable[[object], object]", type(cast("object", function)))
        return kind(_decorated(make, parameters, inner))
    return make(cast("AnyFunction", function), parameters)


def _awaits(function: AnyFunction) -> bool:
    return isinstance(function, FunctionType) and inspect.iscoroutinefunction(function)


# ---------------------------------------------------------------- proxies


@frozen
class _Check:
    """Which arguments of the function called *label* must be proxies: those of *names*, or any but *exempt* ones."""

    label: str
    names: tuple[str, ...]
    exempt: tuple[str, ...]
    positional: tuple[str, ...]
    named: frozenset[str]
    rest: str | None
    extra: str | None

    def __call__(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Raise `ProxyExpectedError` for plain values."""
        plain = [label for name, label, value in self._placed(args, kwargs) if self._wants(name) and _is_plain(value)]
        if plain:
            raise ProxyExpectedError(self.label, plain)

    def _wants(self, parameter: str | None) -> bool:
        return parameter in self.names if self.names else parameter not in {None, *self.exempt}

    def _placed(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Iterator[tuple[str | None, str, object]]:
        """Each argument with its parameter and how messages call it; what fits no parameter is Python's to refuse."""
        for name, value in zip(self.positional, args, strict=False):
            yield name, name, value
        if self.rest is not None:
            for i, value in enumerate(args[len(self.positional) :]):
                yield self.rest, f"{self.rest}[{i}]", value
        for name, value in kwargs.items():
            yield name if name in self.named or name in self.names else self.extra, name, value


def _check_of(function: AnyFunction, names: tuple[str, ...]) -> _Check:
    label = subject_of(function).label
    parameters = inspect.signature(function).parameters.values()
    positional = tuple(each.name for each in parameters if each.kind <= each.POSITIONAL_OR_KEYWORD)
    named = frozenset(each.name for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY})
    rest = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None)
    extra = next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), None)
    check = _Check(label, names, _itself(positional), positional, named, rest, extra)
    unknown = sorted({*names} - {each.name for each in parameters})
    if unknown and extra is None:
        has = ", ".join(each.name for each in parameters) or "none"
        path = f"@ensure_proxies on {label}"
        raise ConfigError(path, f"there is no parameter {unknown[0]!r}", f"its parameters are {has}")
    return check


def _itself(positional: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in positional[:1] if name in {"self", "cls"})


def _is_plain(value: object) -> bool:
    if is_proxy(value):
        return False
    if isinstance(value, Mapping):
        return any(map(_is_plain, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_is_plain, cast("list[object]", value)))
    return True


def _ensuring(function: AnyFunction, names: tuple[str, ...]) -> AnyFunction:
    check = _check_of(function, names)
    checked = (_checked_later if _awaits(function) else _checked)(function)
    vars(checked)[_CHECK] = check
    return checked


def _checked(function: AnyFunction) -> AnyFunction:
    @functools.wraps(function)
    def checked(*args: object, **kwargs: object) -> object:
        vars(checked)[_CHECK](args, kwargs)
        return function(*args, **kwargs)

    return checked


def _checked_later(function: AnyFunction) -> AnyFunction:
    @functools.wraps(function)
    async def checked(*args: object, **kwargs: object) -> object:
        vars(checked)[_CHECK](args, kwargs)
        return await function(*args, **kwargs)

    return checked


# ---------------------------------------------------------------- dictionaries


def _merging(function: AnyFunction, names: tuple[str, ...]) -> AnyFunction:
    subject = subject_of(function)
    if (name := without_dictionary(subject, names)) is not None:
        path = f"@merge_defaults on {subject.label}"
        raise ConfigError(path, f"{name!r} has no dictionary as its default", "leave it out")
    option: Callable[[bool | tuple[str, ...]], AnyFunction] | None = getattr(function, "__provenance_merging__", None)
    if option is not None:  # which knows of the artifacts that are merged
        return option(names or True)
    chosen = names or subject.defaults
    defaults = {each: subject.defaults[each] for each in chosen if isinstance(subject.defaults[each], dict)}
    merged = (_merged_later if _awaits(function) else _merged)(function, defaults)
    vars(merged)[_SUBJECT] = subject
    return merged


_Defaults: TypeAlias = "Mapping[str, object]"


def _merged(function: AnyFunction, defaults: _Defaults) -> AnyFunction:
    """*function*, its dictionaries completed; that the wrapper captures the defaults makes them inputs of a function."""

    @functools.wraps(function)
    def merged(*args: object, **kwargs: object) -> object:
        subject: Subject = vars(merged)[_SUBJECT]
        args, kwargs = completed_call(subject, defaults, args, kwargs)
        return cast("object", subject.function(*args, **kwargs))

    return merged


def _merged_later(function: AnyFunction, defaults: _Defaults) -> AnyFunction:
    @functools.wraps(function)
    async def merged(*args: object, **kwargs: object) -> object:
        subject: Subject = vars(merged)[_SUBJECT]
        args, kwargs = completed_call(subject, defaults, args, kwargs)
        return cast("object", await subject.function(*args, **kwargs))

    return merged
