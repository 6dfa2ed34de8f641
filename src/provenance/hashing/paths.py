"""From the values that an error passed through to the path that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Any

from provenance.showing import shown

_LONGEST = 60
_MAPPINGS: tuple[type, ...] = (Mapping,)
_SIZED: tuple[type, ...] = (Sequence, AbstractSet)


class Step(str):
    """A part of a path, among the values of a trail."""

    __slots__ = ()


def trace(trail: Sequence[object]) -> str:
    """Return how the first value of *trail* sits in the last one, as Python would write it.

    >>> inner = [1, 2]
    >>> trace([inner, {"rows": inner}])
    "['rows']"
    """
    return "".join(_step(outer, inner) for outer, inner in pairwise(reversed(trail)))


def _step(outer: object, inner: object) -> str:
    if isinstance(inner, Step):
        return str(inner)
    if isinstance(outer, Step):
        return ""
    return _within(outer, inner)


def _within(outer: Any, inner: object) -> str:
    if issubclass(type(outer), _MAPPINGS):
        return _in_mapping(outer, inner)
    if issubclass(type(outer), _SIZED):
        return _in_members(outer, inner)
    return _in_attributes(outer, inner)


def _in_mapping(outer: Mapping[Any, Any], inner: object) -> str:
    for key, value in outer.items():
        if value is inner:
            return f"[{_short(key)}]"
        if key is inner:
            return f".key({_short(key)})"
    return ""


def _in_members(outer: Iterable[Any], inner: object) -> str:
    for index, value in enumerate(outer):
        if value is inner:
            return f"[{index}]" if isinstance(outer, Sequence) else f".member({_short(inner)})"
    return _in_attributes(outer, inner)


def _in_attributes(outer: object, inner: object) -> str:
    for name in _attributes(outer):
        if getattr(outer, name, None) is inner:
            return f".{name}"
    return ""


def _attributes(outer: object) -> list[str]:
    slots = [getattr(base, "__slots__", ()) for base in type(outer).__mro__]
    named = [name for names in slots for name in ((names,) if isinstance(names, str) else names)]
    return [*getattr(outer, "__dict__", ()), *named]


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
