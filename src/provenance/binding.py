"""The function under a decorator: its parameters, what it captured, and how a call's arguments bind to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from types import FunctionType, MethodType
from typing import Any, TypeAlias, cast

from attrs import Factory, field, frozen

from provenance.ids import main_name

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
AnyFunction: TypeAlias = Callable[..., Any]


@frozen
class Subject:
    """A callable taken apart: *function* is what runs, after the arguments that a partial or method bound.

    `rest` and `extra` are the names of `*args` and `**kwargs`, where it has them.
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
    label: str = field(init=False, default=Factory(lambda self: f"{self.module}.{self.qualname}", takes_self=True))
    """How messages call the function."""

    def covers(self, names: frozenset[str], argument: str) -> bool:
        """Whether *names* has the argument, or the `**kwargs` that it is part of."""
        return argument in names or (self.extra in names and argument not in self.names)


Bound: TypeAlias = tuple[dict[str, object], tuple[object, ...]]
"""Arguments by parameter, defaults filled in and `**kwargs` merged into them; and those of `*args`."""


def subject_of(function: AnyFunction) -> Subject:
    """Take *function* apart: partials and bound methods give up what they bound.

    Raises TypeError for what has no signature to bind arguments to.
    """
    if not callable(cast("object", function)):
        raise TypeError(f"provenance decorates functions, not {function!r}; its options are given by keyword")
    args: tuple[object, ...] = ()
    keywords: dict[str, object] = {}
    while (inner := inner_of(function)) is not None:
        function, more, named = inner
        args, keywords = (*more, *args), {**named, **keywords}
    signature = _signature(function)
    parameters = signature.parameters.values()
    kinds = {each.kind for each in parameters}
    return Subject(
        function=function,
        args=args,
        keywords=keywords,
        module=main_name(getattr(function, "__module__", None) or type(function).__module__),
        qualname=getattr(function, "__qualname__", None) or type(function).__qualname__,
        signature=signature,
        simple=kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY},
        names=tuple(signature.parameters),
        defaults={each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty},
        positional=sum(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters),
        rest=next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None),
        extra=next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), None),
        is_async=inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__),
    )


def _signature(function: AnyFunction) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError as error:
        raise TypeError(f"{error}: wrap it in a function of your own, and decorate that") from None


def inner_of(function: AnyFunction) -> tuple[AnyFunction, tuple[object, ...], Mapping[str, object]] | None:
    """What a partial (of functools, or a toolz curry) or a bound method wraps, and the arguments it bound."""
    if isinstance(function, MethodType):
        return function.__func__, (function.__self__,), {}
    if isinstance(function, FunctionType):
        return None
    inner, args, keywords = (getattr(function, name, None) for name in ("func", "args", "keywords"))
    if callable(inner) and isinstance(args, tuple) and isinstance(keywords, Mapping | None):
        return inner, cast("tuple[object, ...]", args), cast("Mapping[str, object] | None", keywords) or {}
    return None


def bind(subject: Subject, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
    """Bind a call's arguments as Python would, defaults included.

    Raises TypeError as the call itself would. The shortcut for plain parameters gives what `Signature.bind` gives,
    in a tenth of its time.
    """
    if subject.simple and len(args) <= subject.positional:
        given = dict(zip(subject.names, args, strict=False))
        if not kwargs and len(args) == len(subject.names):
            return given, ()
        merged = {**subject.defaults, **given, **kwargs}
        if len(merged) == len(subject.names) and given.keys().isdisjoint(kwargs) and not merged.keys() - subject.names:
            return {name: merged[name] for name in subject.names}, ()
    return _bind_slowly(subject, args, kwargs)


def _bind_slowly(subject: Subject, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
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
                kargs.update({_unused(key, kargs): value for key, value in extra.items()})
    return kargs, varargs


def _bound_by_python(
    subject: Subject, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> inspect.BoundArguments:
    """The arguments bound to the innermost signature, or else to that of a wrapper which adds arguments of its own."""
    try:
        return subject.signature.bind(*args, **kwargs)
    except TypeError as error:
        if hasattr(subject.function, "__wrapped__"):
            with suppress(TypeError, ValueError):
                return inspect.signature(subject.function, follow_wrapped=False).bind(*args, **kwargs)
        raise TypeError(f"{subject.label}() {error}") from None


def completed(
    chosen: bool | Container[str], defaults: Mapping[str, object], given: Mapping[str, object]
) -> dict[str, object]:
    """*given*, each dictionary completed with the entries of the parameter's default dictionary that it lacks.

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
    subject: Subject, chosen: bool | Container[str], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[tuple[object, ...], dict[str, object]]:
    """The arguments with which to call the function, by Python's own binding, dictionaries completed."""
    bound = subject.signature.bind(*subject.args, *args, **{**subject.keywords, **kwargs})
    named = {name: value for name, value in bound.arguments.items() if name in subject.defaults}
    bound.arguments.update(completed(chosen, subject.defaults, named))
    return bound.args, bound.kwargs


def without_dictionary(subject: Subject, names: Iterable[str]) -> str | None:
    """The first of *names* that is no parameter with a dictionary as its default."""
    return next((name for name in names if not isinstance(subject.defaults.get(name), dict)), None)


def _unused(key: str, taken: Mapping[str, object]) -> str:
    """*key*, marked where a positional-only parameter of the same name has it already, or where it looks marked."""
    return f"**{key}" if key in taken or key.startswith("**") else key
