"""Values that functions capture: closure variables, bound arguments, callable objects.

A decorator below ours that sets `__wrapped__` is part of the function, as is what it wraps: both
are *layers* of the function.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Final, cast

from provenance.binding import AnyFunction, Subject, inner_of

_PLAIN: Final = frozenset({bool, int, float, complex, str, bytes})


def captured_by(subject: Subject) -> dict[str, object]:
    """Return captured values by name: closure variables, or the callable object itself.

    The layers themselves are code and not values. Of an object that wraps a function, only
    immutable attributes made of scalars count: its settings, not its caches and locks. Variables
    without a value yet, such as the name of a recursive function, are left out.
    """
    layers = list(_layers(subject.function))
    found: dict[str, object] = {}
    for depth, layer in enumerate(layers):
        for name, value in _carried(layer, layers):
            found[name if name not in found else f"{name}@{depth}"] = value
    owner = getattr(subject.function, "__self__", None)
    # A bound method of a type written in C is not a MethodType.
    if owner is not None and not isinstance(owner, ModuleType):
        found["self"] = owner
    return found


def keeps(subject: Subject, args: tuple[object, ...], value: object) -> bool:
    """Tell whether the function keeps a reference to the *value* that it returned.

    It may be captured, a default, a global that the function uses, an attribute of the method's
    object, or in an `lru_cache`. Parts of the value are not considered.
    """
    layers = list(_layers(subject.function))
    held: list[object] = [*captured_by(subject).values(), *subject.defaults.values()]
    for layer in layers:
        known: dict[str, object] = getattr(layer, "__globals__", {})
        held += [
            known[name] for code in codes_of(subject) for name in code.co_names if name in known
        ]
    owner = next(iter((*subject.args, *args)), None)
    # Do not read an artifact for this.
    if not hasattr(type(owner), "__provenance_sighting__"):
        held += getattr(owner, "__dict__", {}).values()
    is_held = any(candidate is value for candidate in held)
    return is_held or any(hasattr(layer, "cache_info") for layer in layers)


def captured_names(subject: Subject) -> frozenset[str]:
    """Return the names of captured variables, including those without a value yet."""
    return frozenset(captured_by(subject)).union(*[code.co_freevars for code in codes_of(subject)])


def codes_of(subject: Subject) -> list[CodeType]:
    """Return the code objects of all layers."""
    codes = [getattr(layer, "__code__", None) for layer in _layers(subject.function)]
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
            waiting += _under(layer)


def _under(layer: AnyFunction) -> list[AnyFunction]:
    inner = inner_of(layer)
    if inner is not None:
        return [inner[0]]
    # A decorator made with wrapt also has a wrapper function.
    is_wrapt = hasattr(type(layer), "_self_wrapper")
    names = ("__wrapped__", "_self_wrapper") if is_wrapt else ("__wrapped__",)
    under: list[AnyFunction | None] = [getattr(layer, name, None) for name in names]
    return [function for function in under if function is not None]


def _carried(layer: AnyFunction, layers: list[AnyFunction]) -> Iterator[tuple[str, object]]:
    """Yield the values that a layer captures, except for other layers."""
    is_object = not isinstance(layer, FunctionType | type) and not inspect.isbuiltin(layer)
    # An object that wraps nothing, or defines its own value, counts as a whole.
    if hasattr(type(layer), "value_repr") or (is_object and not _under(layer)):
        yield "self", layer
        return
    inner = inner_of(layer)
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
    return value is None or type(value) in _PLAIN


def _closure(function: AnyFunction) -> Iterator[tuple[str, object]]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or not cells:
        return
    for name, cell in zip(code.co_freevars, cells, strict=True):
        # An empty cell raises ValueError.
        with suppress(ValueError):
            yield from ((name, cell.cell_contents),)
