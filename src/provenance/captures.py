"""What a function brings with it beside its arguments: captured variables, bound arguments, the state of objects.

A decorator below ours that keeps `__wrapped__` is part of the function, and so is what it wraps: these are its *layers*.
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
    """Values that the function brings with it, by name: its closure's variables, or the callable object itself.

    What all layers captured counts, apart from these functions themselves, which are code. Of an object that wraps a
    function the plain, immutable attributes count: its settings, not its caches and locks. A variable that has no value
    yet (a recursive function's own name, before it is bound) is left out.
    """
    layers = list(_layers(subject.function))
    found: dict[str, object] = {}
    for depth, layer in enumerate(layers):
        for name, value in _carried(layer, layers):
            found[name if name not in found else f"{name}@{depth}"] = value
    owner = getattr(subject.function, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):  # a bound method of a type written in C
        found["self"] = owner
    return found


def keeps(subject: Subject, args: tuple[object, ...], value: object) -> bool:
    """Whether the function holds on to the very *value* that it returned, so that who changes the one changes the other.

    That is what it captured, a default, a global that it uses, an attribute of the object whose method it is, or what
    `lru_cache` keeps. It is not looked at what is inside the value.
    """
    layers = list(_layers(subject.function))
    held: list[object] = [*captured_by(subject).values(), *subject.defaults.values()]
    for layer in layers:
        known: dict[str, object] = getattr(layer, "__globals__", {})
        held += [known[name] for code in codes_of(subject) for name in code.co_names if name in known]
    owner = next(iter((*subject.args, *args)), None)
    if not hasattr(type(owner), "__provenance_sighting__"):  # an artifact is not read for this
        held += getattr(owner, "__dict__", {}).values()
    return any(each is value for each in held) or any(hasattr(layer, "cache_info") for layer in layers)


def captured_names(subject: Subject) -> frozenset[str]:
    """Names under which the function may bring values with it, also those of variables that have no value yet."""
    return frozenset(captured_by(subject)).union(*[code.co_freevars for code in codes_of(subject)])


def codes_of(subject: Subject) -> list[CodeType]:
    """The code of the function, and of what it wraps."""
    codes = [getattr(layer, "__code__", None) for layer in _layers(subject.function)]
    return [code for code in codes if isinstance(code, CodeType)]


def _layers(function: AnyFunction) -> Iterator[AnyFunction]:
    """The function, what it wraps or binds arguments of, and so on."""
    seen: list[AnyFunction] = []
    waiting = [function]
    while waiting:
        layer = waiting.pop(0)
        if not any(layer is each for each in seen):
            yield layer
            seen.append(layer)
            waiting += _under(layer)


def _under(layer: AnyFunction) -> list[AnyFunction]:
    inner = inner_of(layer)
    if inner is not None:
        return [inner[0]]
    decorator = hasattr(type(layer), "_self_wrapper")  # what the decorators of wrapt make
    found: list[AnyFunction | None] = [
        getattr(layer, "__wrapped__", None),
        getattr(layer, "_self_wrapper", None) if decorator else None,
    ]
    return [each for each in found if each is not None]


def _carried(layer: AnyFunction, layers: list[AnyFunction]) -> Iterator[tuple[str, object]]:
    """What a layer brings with it, other layers left out."""
    if _has_value(layer):
        yield "self", layer
    else:
        yield from ((name, each) for name, each in _parts(layer) if not any(each is other for other in layers))


def _parts(layer: AnyFunction) -> Iterator[tuple[str, object]]:
    """The arguments that a layer bound, its settings, or its closure."""
    inner = inner_of(layer)
    if inner is not None:
        yield from ((f"args[{i}]", each) for i, each in enumerate(inner[1]))
        yield from inner[2].items()
    elif _is_object(layer):
        attributes: dict[str, object] = getattr(layer, "__dict__", {})
        yield from ((name, each) for name, each in attributes.items() if name[:2] != "__" and _is_plain(each))
    else:
        yield from _closure(layer)


def _has_value(layer: AnyFunction) -> bool:
    """Whether the layer is an object that counts as a whole: it wraps nothing, or says itself what its value is."""
    return hasattr(type(layer), "value_repr") or (_is_object(layer) and not _under(layer))


def _is_object(function: AnyFunction) -> bool:
    """Whether the callable is an instance that may carry values of its own."""
    return not isinstance(function, FunctionType | type) and not inspect.isbuiltin(function)


def _is_plain(value: object) -> bool:
    """Whether *value* is immutable and made of scalars only."""
    if isinstance(value, tuple | frozenset):
        return all(map(_is_plain, cast("Iterable[object]", value)))
    return value is None or type(value) in _PLAIN


def _closure(function: AnyFunction) -> Iterator[tuple[str, object]]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or not cells:
        return
    for name, cell in zip(code.co_freevars, cells, strict=True):
        with suppress(ValueError):  # what an empty cell raises
            yield from ((name, cell.cell_contents),)
