"""What a function takes: its signature, how arguments are bound to it, and what its closure refers to."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from inspect import Parameter
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias, TypeVar, cast

from attrs import Factory, field, frozen

from provenance.model.ids import main_name
from provenance.model.main_module import source_name
from provenance.model.references import SCALARS

_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
AnyFunction: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=AnyFunction)


@frozen
class WrappedFunction:
    """A callable and its signature.

    `function` is what runs, called with the arguments that partials and methods have bound. `rest`
    and `extra` are the names of `*args` and `**kwargs`, if it has them. `source` is the name by
    which ids know the module; it is empty if nothing names where the function is from. `yields` is
    true for generator functions, asynchronous ones too.
    """

    function: AnyFunction
    args: tuple[object, ...]
    keywords: Mapping[str, object]
    module: str
    source: str
    qualname: str
    signature: inspect.Signature
    simple: bool
    names: tuple[str, ...]
    defaults: Mapping[str, object]
    positional: int
    rest: str | None
    extra: str | None
    is_async: bool
    yields: bool
    label: str = field(
        init=False, default=Factory(lambda self: f"{self.module}.{self.qualname}", takes_self=True)
    )
    """Name of the function in messages."""

    def covers(self, names: frozenset[str], argument: str) -> bool:
        """Tell whether *names* has the argument, or the `**kwargs` that it is part of."""
        return argument in names or (self.extra in names and argument not in self.names)


Bound: TypeAlias = tuple[dict[str, object], tuple[object, ...]]
"""Arguments by parameter, with defaults and `**kwargs` merged in, and those of `*args`."""


def inspect_function(function: AnyFunction) -> WrappedFunction:
    """Return the function that runs and the arguments that partials and bound methods have bound.

    Raises:
        TypeError: if *function* has no signature.
    """
    if not callable(cast("object", function)):
        advice = "pass options by keyword"
        raise TypeError(f"provenance decorates functions, got {function!r}; {advice}")
    args: tuple[object, ...] = ()
    keywords: dict[str, object] = {}
    while (inner := unwrap_function(function)) is not None:
        function, more, named = inner
        args, keywords = (*more, *args), {**named, **keywords}
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise TypeError(f"{error}: wrap it in a function of your own, and decorate that") from None
    parameters = signature.parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    by_kind = {parameter.kind: parameter.name for parameter in parameters}
    module = getattr(function, "__module__", None) or type(function).__module__
    # The callable's `__call__` decides, if a decorator below this one wraps such a function.
    called: tuple[AnyFunction, ...] = (function, type(function).__call__)
    return WrappedFunction(
        function=function,
        args=args,
        keywords=keywords,
        module=main_name(module),
        source=_source_of(function, module),
        qualname=getattr(function, "__qualname__", None) or type(function).__qualname__,
        signature=signature,
        simple={*kinds} <= {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY},
        names=tuple(signature.parameters),
        defaults={p.name: p.default for p in parameters if p.default is not Parameter.empty},
        positional=kinds.count(Parameter.POSITIONAL_OR_KEYWORD),
        rest=by_kind.get(Parameter.VAR_POSITIONAL),
        extra=by_kind.get(Parameter.VAR_KEYWORD),
        is_async=any(map(inspect.iscoroutinefunction, called))
        or any(map(inspect.isasyncgenfunction, called)),
        yields=any(map(inspect.isgeneratorfunction, called))
        or any(map(inspect.isasyncgenfunction, called)),
    )


def _source_of(function: AnyFunction, module: str) -> str:
    """Return the name by which ids know the *module*, from the code below all other decorators."""
    inner = inspect.unwrap(function)
    called = inner if hasattr(inner, "__code__") else type(inner).__call__
    known = vars(sys.modules[module]) if module in sys.modules else {}
    code, known = getattr(called, "__code__", None), getattr(called, "__globals__", known)
    return source_name(module, code, known)


def unwrap_function(
    function: AnyFunction,
) -> tuple[AnyFunction, tuple[object, ...], Mapping[str, object]] | None:
    """Return what a partial, a toolz curry or a bound method wraps, and the bound arguments."""
    if isinstance(function, MethodType):
        return function.__func__, (function.__self__,), {}
    if isinstance(function, FunctionType):
        return None
    inner, args, keywords = (getattr(function, name, None) for name in ("func", "args", "keywords"))
    if callable(inner) and isinstance(args, tuple) and isinstance(keywords, Mapping | None):
        named = cast("Mapping[str, object] | None", keywords) or {}
        return inner, cast("tuple[object, ...]", args), named
    return None


def bind(wrapped: WrappedFunction, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
    """Bind a call's arguments, including defaults, as Python does.

    Raises:
        TypeError: as the call itself would.
    """
    # A shortcut for plain parameters that takes a tenth of the time of `Signature.bind`.
    if wrapped.simple and len(args) <= wrapped.positional:
        given = dict(zip(wrapped.names, args, strict=False))
        if not kwargs and len(args) == len(wrapped.names):
            return given, ()
        merged = {**wrapped.defaults, **given, **kwargs}
        is_complete = len(merged) == len(wrapped.names) and not merged.keys() - wrapped.names
        if is_complete and given.keys().isdisjoint(kwargs):
            return {name: merged[name] for name in wrapped.names}, ()
    bound = _bind_by_python(wrapped, args, kwargs)
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


def _bind_by_python(
    wrapped: WrappedFunction, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> inspect.BoundArguments:
    """Bind to the innermost signature, or else to that of a wrapper with additional parameters."""
    try:
        return _bind_to(wrapped.signature, args, kwargs)
    except TypeError as error:
        if hasattr(wrapped.function, "__wrapped__"):
            with suppress(TypeError, ValueError):
                outer = inspect.signature(wrapped.function, follow_wrapped=False)
                return _bind_to(outer, args, kwargs)
        raise TypeError(f"{wrapped.label}() {error}") from None


def _bind_to(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> inspect.BoundArguments:
    """Bind as `Signature.bind` does, also a keyword with the name of a positional-only parameter.

    `**kwargs` takes it. In Python 3.11 `bind` refuses it if the parameter has a default.
    """
    parameters = signature.parameters.values()
    extra = next((p.name for p in parameters if p.kind is Parameter.VAR_KEYWORD), None)
    hidden = {p.name for p in parameters if p.kind is Parameter.POSITIONAL_ONLY} & kwargs.keys()
    if extra is None or not hidden:
        return signature.bind(*args, **kwargs)
    others = {name: value for name, value in kwargs.items() if name not in hidden}
    bound = signature.bind(*args, **others)
    taken: Mapping[str, object] = bound.arguments.get(extra, {})
    extras = hidden.union(taken)
    bound.arguments[extra] = {name: value for name, value in kwargs.items() if name in extras}
    return bound


def merge_dictionaries(
    chosen: bool | Container[str], defaults: Mapping[str, object], given: Mapping[str, object]
) -> dict[str, object]:
    """Return *given* with its dictionaries completed from the default ones.

    >>> merge_dictionaries(True, {"sizes": {"a": 1, "b": 2}}, {"sizes": {"b": 3}})
    {'sizes': {'a': 1, 'b': 3}}
    """
    merged = dict(given)
    for name, value in given.items():
        default = defaults.get(name) if isinstance(chosen, bool) or name in chosen else None
        if isinstance(default, dict) and isinstance(value, Mapping):
            merged[name] = {**default, **value}
    return merged


def merge_call_arguments(
    wrapped: WrappedFunction,
    chosen: bool | Container[str],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return the arguments to call the function with, after completing dictionaries."""
    bound = _bind_to(wrapped.signature, (*wrapped.args, *args), {**wrapped.keywords, **kwargs})
    named = {name: value for name, value in bound.arguments.items() if name in wrapped.defaults}
    bound.arguments.update(merge_dictionaries(chosen, wrapped.defaults, named))
    return bound.args, bound.kwargs


def parameter_without_dictionary(wrapped: WrappedFunction, names: Iterable[str]) -> str | None:
    """Return the first of *names* that is not a parameter with a dictionary as its default."""
    return next((name for name in names if not isinstance(wrapped.defaults.get(name), dict)), None)


def closure_values(wrapped: WrappedFunction) -> dict[str, object]:
    """Return captured values by name: closure variables, or the callable object itself.

    The layers themselves are code and not values. Of an object that wraps a function, only
    immutable attributes made of scalars count: its settings, not its caches and locks. Variables
    without a value yet, such as the name of a recursive function, are left out.
    """
    layers = list(_layers(wrapped.function))
    found: dict[str, object] = {}
    for depth, layer in enumerate(layers):
        for name, value in _carried_values(layer, layers):
            found[name if name not in found else f"{name}@{depth}"] = value
    owner = getattr(wrapped.function, "__self__", None)
    # A bound method of a type written in C is not a MethodType.
    if owner is not None and not isinstance(owner, ModuleType):
        found["self"] = owner
    return found


def retains_reference(wrapped: WrappedFunction, args: tuple[object, ...], value: object) -> bool:
    """Tell whether the function keeps a reference to the *value* that it returned.

    It may be captured, a default, a global that the function uses, an attribute of the method's
    object, or in an `lru_cache`. Parts of the value are not considered.
    """
    layers = list(_layers(wrapped.function))
    held: list[object] = [*closure_values(wrapped).values(), *wrapped.defaults.values()]
    for layer in layers:
        known: dict[str, object] = getattr(layer, "__globals__", {})
        for code in code_objects(wrapped):
            held += [known[name] for name in code.co_names if name in known]
    owner = next(iter((*wrapped.args, *args)), None)
    # Do not read an artifact for this.
    if not hasattr(type(owner), "__provenance_sighting__"):
        held += getattr(owner, "__dict__", {}).values()
    is_held = any(candidate is value for candidate in held)
    return is_held or any(hasattr(layer, "cache_info") for layer in layers)


def closure_names(wrapped: WrappedFunction) -> frozenset[str]:
    """Return the names of captured variables, including those without a value yet."""
    return frozenset(closure_values(wrapped)).union(
        *[code.co_freevars for code in code_objects(wrapped)]
    )


def code_objects(wrapped: WrappedFunction) -> list[CodeType]:
    """Return the code objects of all layers."""
    codes = [getattr(layer, "__code__", None) for layer in _layers(wrapped.function)]
    return [code for code in codes if isinstance(code, CodeType)]


def _layers(function: AnyFunction) -> Iterator[AnyFunction]:
    """Yield the function, what it wraps or binds arguments of, and so on."""
    seen: list[AnyFunction] = []
    waiting = [function]
    while waiting:
        layer = waiting.pop(0)
        if not any(layer is other for other in seen):
            yield layer
            seen.append(layer)
            waiting += _inner_function(layer)


def _inner_function(layer: AnyFunction) -> list[AnyFunction]:
    inner = unwrap_function(layer)
    if inner is not None:
        return [inner[0]]
    # A decorator made with wrapt also has a wrapper function.
    is_wrapt = hasattr(type(layer), "_self_wrapper")
    names = ("__wrapped__", "_self_wrapper") if is_wrapt else ("__wrapped__",)
    under: list[AnyFunction | None] = [getattr(layer, name, None) for name in names]
    return [function for function in under if function is not None]


def _carried_values(layer: AnyFunction, layers: list[AnyFunction]) -> Iterator[tuple[str, object]]:
    """Yield the values that a layer captures, except for other layers."""
    is_object = not isinstance(layer, FunctionType | type) and not inspect.isbuiltin(layer)
    # An object that wraps nothing, or defines its own value, counts as a whole.
    if hasattr(type(layer), "value_repr") or (is_object and not _inner_function(layer)):
        yield "self", layer
        return
    inner = unwrap_function(layer)
    parts: Iterable[tuple[str, object]]
    if inner is not None:
        _, args, keywords = inner
        parts = [(f"args[{i}]", value) for i, value in enumerate(args)] + list(keywords.items())
    elif is_object:
        attributes: dict[str, object] = getattr(layer, "__dict__", {})
        parts = [item for item in attributes.items() if item[0][:2] != "__" and _is_plain(item[1])]
    else:
        parts = _closure(layer)
    yield from (part for part in parts if not any(part[1] is other for other in layers))


def _is_plain(value: object) -> bool:
    """Tell whether *value* is immutable and made of scalars only."""
    if isinstance(value, tuple | frozenset):
        return all(map(_is_plain, cast("Iterable[object]", value)))
    return type(value) in SCALARS


def _closure(function: AnyFunction) -> Iterator[tuple[str, object]]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or not cells:
        return
    for name, cell in zip(code.co_freevars, cells, strict=True):
        # An empty cell raises ValueError.
        with suppress(ValueError):
            yield from ((name, cell.cell_contents),)


def public_attributes(function: AnyFunction, taken: Iterable[str]) -> dict[str, object]:
    """Return the attributes that a user or `abc.abstractmethod` has set, but none of a *taken* name."""
    found = vars(function) if isinstance(function, FunctionType) else {}
    ours = {name for name in taken if name[0] != "_"}
    return {
        name: value
        for name, value in found.items()
        if name not in ours and (name[0] != "_" or name == "__isabstractmethod__")
    }


def listing_options(names: Iterable[str]) -> Callable[[F], F]:
    """Return a decorator that names the options in a signature, for consoles and notebooks that complete them."""
    options = [Parameter(name, Parameter.KEYWORD_ONLY, default=...) for name in names]

    def decorate(function: F) -> F:
        known = inspect.signature(function)
        others = [p for p in known.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        cast("Any", function).__signature__ = known.replace(parameters=[*others, *options])
        return function

    return decorate
