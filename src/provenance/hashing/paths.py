"""Readable paths, from the values that an error passed through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Any

from provenance.showing import shown

_LONGEST = 60
_MAPPINGS: tuple[type, ...] = (Mapping,)
_COLLECTIONS: tuple[type, ...] = (Sequence, AbstractSet)


class Step(str):
    """A part of a path among the values of a trail."""

    __slots__ = ()


def trace(trail: Sequence[object]) -> str:
    """Return the path from the last value of *trail* to the first, in the syntax of Python.

    >>> inner = [1, 2]
    >>> trace([inner, {"rows": inner}])
    "['rows']"
    """
    return "".join(_step(outer, inner) for outer, inner in pairwise(reversed(trail)))


def _step(outer: Any, inner: object) -> str:
    if isinstance(inner, Step):
        return str(inner)
    if isinstance(outer, Step):
        return ""
    # By the real type: a proxy would load its value to answer `isinstance`.
    if issubclass(type(outer), _MAPPINGS):
        return _mapping_step(outer, inner)
    if issubclass(type(outer), _COLLECTIONS):
        for index, value in enumerate(outer):
            if value is inner:
                return f"[{index}]" if isinstance(outer, Sequence) else f".member({_short(inner)})"
    slots = [getattr(base, "__slots__", ()) for base in type(outer).__mro__]
    slot_names = [
        name for names in slots for name in ((names,) if isinstance(names, str) else names)
    ]
    for name in (*getattr(outer, "__dict__", ()), *slot_names):
        if getattr(outer, name, None) is inner:
            return f".{name}"
    return ""


def _mapping_step(outer: Mapping[Any, Any], inner: object) -> str:
    for key, value in outer.items():
        if value is inner:
            return f"[{_short(key)}]"
        if key is inner:
            return f".key({_short(key)})"
    return ""


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
