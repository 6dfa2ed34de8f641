"""Signatures of decorated functions, and binding of a call's arguments to parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from inspect import Parameter
from types import FunctionType, MethodType
from typing import Any, TypeAlias, cast

from attrs import Factory, field, frozen

from provenance.ids import main_name

_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
AnyFunction: TypeAlias = Callable[..., Any]


@frozen
class Subject:
    """A callable and its signature.

    `function` is what runs, called with the arguments that partials and methods have bound. `rest`
    and `extra` are the names of `*args` and `**kwargs`, if it has them.
    """

    function: AnyFunction
    args: tuple[object, ...]
    keywords: Mapping[str, object]
    module: str
    qualname: str
    signature: inspect.Signature
    simple: bool
    names: tuple[str, ...]
    defaults: Mapping[str, object]
    positional: int
    rest: str | None
    extra: str | None
    is_async: bool
    label: str = field(
        init=False, default=Factory(lambda self: f"{self.module}.{self.qualname}", takes_self=True)
    )
    """Name of the function in messages."""

    def covers(self, names: frozenset[str], argument: str) -> bool:
        """Tell whether *names* has the argument, or the `**kwargs` that it is part of."""
        return argument in names or (self.extra in names and argument not in self.names)


Bound: TypeAlias = tuple[dict[str, object], tuple[object, ...]]
"""Arguments by parameter, with defaults and `**kwargs` merged in, and those of `*args`."""


def subject_of(function: AnyFunction) -> Subject:
    """Return the function that runs and the arguments that partials and bound methods have bound.

    Raises:
        TypeError: if *function* has no signature.
    """
    if not callable(cast("object", function)):
        raise TypeError(
            f"provenance decorates functions, got {function!r}; pass options by keyword"
        )
    args: tuple[object, ...] = ()
    keywords: dict[str, object] = {}
    while (inner := inner_of(function)) is not None:
        function, more, named = inner
        args, keywords = (*more, *args), {**named, **keywords}
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise TypeError(f"{error}: wrap it in a function of your own, and decorate that") from None
    parameters = signature.parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    by_kind = {parameter.kind: parameter.name for parameter in parameters}
    return Subject(
        function=function,
        args=args,
        keywords=keywords,
        module=main_name(getattr(function, "__module__", None) or type(function).__module__),
        qualname=getattr(function, "__qualname__", None) or type(function).__qualname__,
        signature=signature,
        simple={*kinds} <= {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY},
        names=tuple(signature.parameters),
        defaults={p.name: p.default for p in parameters if p.default is not Parameter.empty},
        positional=kinds.count(Parameter.POSITIONAL_OR_KEYWORD),
        rest=by_kind.get(Parameter.VAR_POSITIONAL),
        extra=by_kind.get(Parameter.VAR_KEYWORD),
        is_async=any(map(inspect.iscoroutinefunction, (function, type(function).__call__))),
    )


def inner_of(
    function: AnyFunction,
) -> tuple[AnyFunction, tuple[object, ...], Mapping[str, object]] | None:
    """Return what a partial, a toolz curry or a bound method wraps, and the bound arguments."""
    if isinstance(function, MethodType):
        return function.__func__, (function.__self__,), {}
    if isinstance(function, FunctionType):
        return None
    inner, args, keywords = (getattr(function, name, None) for name in ("func", "args", "keywords"))
    if callable(inner) and isinstance(args, tuple) and isinstance(keywords, Mapping | None):
        return (
            inner,
            cast("tuple[object, ...]", args),
            cast("Mapping[str, object] | None", keywords) or {},
        )
    return None


def bind(subject: Subject, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
    """Bind a call's arguments, including defaults, as Python does.

    Raises:
        TypeError: as the call itself would.
    """
    # A shortcut for plain parameters that takes a tenth of the time of `Signature.bind`.
    if subject.simple and len(args) <= subject.positional:
        given = dict(zip(subject.names, args, strict=False))
        if not kwargs and len(args) == len(subject.names):
            return given, ()
        merged = {**subject.defaults, **given, **kwargs}
        if (
            len(merged) == len(subject.names)
            and given.keys().isdisjoint(kwargs)
            and not merged.keys() - subject.names
        ):
            return {name: merged[name] for name in subject.names}, ()
    bound = _bound_by_python(subject, args, kwargs)
    bound.apply_defaults()
    kargs = dict(bound.arguments)
    varargs: tuple[object, ...] = ()
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind in _VARIADIC:
            extra = kargs.pop(name)
            if isinstance(extra, tuple):
                varargs = cast("tuple[object, ...]", extra)
            else:
                # Mark a keyword that has the name of a positional-only parameter, or looks marked.
                for key, value in extra.items():
                    kargs[f"**{key}" if key in kargs or key.startswith("**") else key] = value
    return kargs, varargs


def _bound_by_python(
    subject: Subject, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> inspect.BoundArguments:
    """Bind to the innermost signature, or else to that of a wrapper with additional parameters."""
    try:
        return subject.signature.bind(*args, **kwargs)
    except TypeError as error:
        if hasattr(subject.function, "__wrapped__"):
            with suppress(TypeError, ValueError):
                return inspect.signature(subject.function, follow_wrapped=False).bind(
                    *args, **kwargs
                )
        raise TypeError(f"{subject.label}() {error}") from None


def completed(
    chosen: bool | Container[str], defaults: Mapping[str, object], given: Mapping[str, object]
) -> dict[str, object]:
    """Return *given* with its dictionaries completed from the default ones.

    >>> completed(True, {"sizes": {"a": 1, "b": 2}}, {"sizes": {"b": 3}})
    {'sizes': {'a': 1, 'b': 3}}
    """
    merged = dict(given)
    for name, value in given.items():
        default = defaults.get(name) if isinstance(chosen, bool) or name in chosen else None
        if isinstance(default, dict) and isinstance(value, Mapping):
            merged[name] = {**default, **value}
    return merged


def completed_call(
    subject: Subject,
    chosen: bool | Container[str],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return the arguments to call the function with, after completing dictionaries."""
    bound = subject.signature.bind(*subject.args, *args, **{**subject.keywords, **kwargs})
    named = {name: value for name, value in bound.arguments.items() if name in subject.defaults}
    bound.arguments.update(completed(chosen, subject.defaults, named))
    return bound.args, bound.kwargs


def without_dictionary(subject: Subject, names: Iterable[str]) -> str | None:
    """Return the first of *names* that is not a parameter with a dictionary as its default."""
    return next((name for name in names if not isinstance(subject.defaults.get(name), dict)), None)
